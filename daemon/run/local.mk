# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/run/NAME.c daemon/run/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/run/outcome.c daemon/run/outcome.h
libtendd_a_SOURCES += daemon/run/overlap.c daemon/run/overlap.h
libtendd_a_SOURCES += daemon/run/limit.c daemon/run/limit.h daemon/run/limit_private.h daemon/run/limit_view.c
libtendd_a_SOURCES += daemon/run/run.h daemon/run/node.h
libtendd_a_SOURCES += daemon/run/tree.c daemon/run/view.c daemon/run/report.c
libtendd_a_SOURCES += daemon/run/cancel.c daemon/run/deadline.c daemon/run/retry.c daemon/run/remnant.c
libtendd_a_SOURCES += daemon/run/leaf.c daemon/run/job.c daemon/run/service.c daemon/run/group.c daemon/run/fanout.c
libtendd_a_SOURCES += daemon/run/host.c

run_fixture_sources = tests/support/run-fixture.c tests/support/run-fixture.h tests/support/fake-leaf.c \
	tests/support/fake-leaf.h $(fake_loop_sources)
run_family_sources = tests/support/run-family.c tests/support/run-family.h $(run_fixture_sources)

unit_tests += tests/unit/test-run-tree
tests_unit_test_run_tree_SOURCES = tests/unit/test-run-tree.c $(run_family_sources)
unit_tests += tests/unit/test-run-host
tests_unit_test_run_host_SOURCES = tests/unit/test-run-host.c $(run_family_sources)
unit_tests += tests/unit/test-run-lend
tests_unit_test_run_lend_SOURCES = tests/unit/test-run-lend.c $(run_family_sources)
unit_tests += tests/unit/test-run-hold
tests_unit_test_run_hold_SOURCES = tests/unit/test-run-hold.c $(run_family_sources)
unit_tests += tests/unit/test-run-deadline
tests_unit_test_run_deadline_SOURCES = tests/unit/test-run-deadline.c $(run_family_sources)
unit_tests += tests/unit/test-run-group
tests_unit_test_run_group_SOURCES = tests/unit/test-run-group.c $(run_family_sources)
unit_tests += tests/unit/test-run-fanout
tests_unit_test_run_fanout_SOURCES = tests/unit/test-run-fanout.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-retry
tests_unit_test_run_retry_SOURCES = tests/unit/test-run-retry.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-remnant
tests_unit_test_run_remnant_SOURCES = tests/unit/test-run-remnant.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-hooks
tests_unit_test_run_hooks_SOURCES = tests/unit/test-run-hooks.c $(run_family_sources)
unit_tests += tests/unit/test-run-limits
tests_unit_test_run_limits_SOURCES = tests/unit/test-run-limits.c $(run_family_sources)
unit_tests += tests/unit/test-limit
tests_unit_test_limit_SOURCES = tests/unit/test-limit.c $(limit_bed_sources)
unit_tests += tests/unit/test-limit-changes
tests_unit_test_limit_changes_SOURCES = tests/unit/test-limit-changes.c $(limit_bed_sources)
limit_bed_sources = tests/support/limit-bed.c tests/support/limit-bed.h $(fake_loop_sources)
unit_tests += tests/unit/test-overlap tests/unit/test-outcome
unit_tests += tests/unit/test-run-random
tests_unit_test_run_random_SOURCES = tests/unit/test-run-random.c tests/support/run-check.c \
	tests/support/run-check.h tests/support/run-rules.c tests/support/run-rules.h tests/support/run-world.c \
	tests/support/run-world.h tests/support/fake-leaf.c tests/support/fake-leaf.h $(fake_loop_sources)
unit_tests += tests/unit/test-limit-random
tests_unit_test_limit_random_SOURCES = tests/unit/test-limit-random.c $(fake_loop_sources)
unit_tests += tests/unit/test-run-oom
tests_unit_test_run_oom_SOURCES = tests/unit/test-run-oom.c $(run_fixture_sources)
tests_unit_test_run_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=reallocarray \
	-Wl,--wrap=strdup,--wrap=strndup
unit_tests += tests/unit/test-run-stop
tests_unit_test_run_stop_SOURCES = tests/unit/test-run-stop.c $(run_family_sources)
unit_tests += tests/unit/test-run-group-retry
tests_unit_test_run_group_retry_SOURCES = tests/unit/test-run-group-retry.c $(run_family_sources)
unit_tests += tests/unit/test-run-service
tests_unit_test_run_service_SOURCES = tests/unit/test-run-service.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-respec
tests_unit_test_run_respec_SOURCES = tests/unit/test-run-respec.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-service-asked
tests_unit_test_run_service_asked_SOURCES = tests/unit/test-run-service-asked.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-resume
tests_unit_test_run_resume_SOURCES = tests/unit/test-run-resume.c $(run_family_sources)
unit_tests += tests/unit/test-run-revive
tests_unit_test_run_revive_SOURCES = tests/unit/test-run-revive.c $(run_fixture_sources)
unit_tests += tests/unit/test-run-service-bounds
tests_unit_test_run_service_bounds_SOURCES = tests/unit/test-run-service-bounds.c $(run_fixture_sources)
