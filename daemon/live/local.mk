# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/live/NAME.c daemon/live/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/live/event.c daemon/live/event.h
libtendd_a_SOURCES += daemon/live/outcome_parse.c daemon/live/outcome_json.c daemon/live/outcome_json.h
libtendd_a_SOURCES += daemon/live/live.c daemon/live/live.h daemon/live/live_private.h
libtendd_a_SOURCES += daemon/live/apply.c daemon/live/apply.h
libtendd_a_SOURCES += daemon/live/cgroups.c
libtendd_a_SOURCES += daemon/live/reload.c daemon/live/reload.h
libtendd_a_SOURCES += daemon/live/env.c daemon/live/start.c daemon/live/startup.c daemon/live/schedule.c daemon/live/catch_up.c daemon/live/dropped.c daemon/live/pause.c daemon/live/tell.c daemon/live/hooks.c
libtendd_a_SOURCES += daemon/live/adjust.c daemon/live/idle.c daemon/live/pause_wide.c
libtendd_a_SOURCES += daemon/live/failing.c daemon/live/slow.c daemon/live/memory.c daemon/live/restore.c
libtendd_a_SOURCES += daemon/live/interrupted.c daemon/live/leftovers.c
libtendd_a_SOURCES += daemon/live/health.c daemon/live/services.c daemon/live/watch.c
libtendd_a_SOURCES += daemon/live/transient.c
libtendd_a_SOURCES += daemon/live/items.c daemon/live/stale.c daemon/live/zones.c

unit_tests += tests/unit/test-outcome-json
unit_tests += tests/unit/test-live
tests_unit_test_live_SOURCES = tests/unit/test-live.c tests/support/fake-env.c $(fake_loop_sources)
unit_tests += tests/unit/test-live-faults
tests_unit_test_live_faults_SOURCES = tests/unit/test-live-faults.c tests/support/faults.c tests/support/faults.h \
	tests/support/fake-env.c $(fake_loop_sources)
tests_unit_test_live_faults_LDFLAGS = $(AM_LDFLAGS) $(fault_wraps)

memory_bed_sources = tests/support/memory-bed.c tests/support/memory-bed.h $(fake_store_sources) $(live_bed_sources)
live_bed_sources = tests/support/live-bed.c tests/support/live-bed.h tests/support/fake-env.c $(fake_loop_sources)
unit_tests += tests/unit/test-live-failing
tests_unit_test_live_failing_SOURCES = tests/unit/test-live-failing.c $(live_bed_sources)
unit_tests += tests/unit/test-live-items
tests_unit_test_live_items_SOURCES = tests/unit/test-live-items.c $(live_bed_sources)
unit_tests += tests/unit/test-live-transient
tests_unit_test_live_transient_SOURCES = tests/unit/test-live-transient.c $(live_bed_sources)
unit_tests += tests/unit/test-live-stale
tests_unit_test_live_stale_SOURCES = tests/unit/test-live-stale.c $(live_bed_sources)
unit_tests += tests/unit/test-live-memory
tests_unit_test_live_memory_SOURCES = tests/unit/test-live-memory.c $(memory_bed_sources)
unit_tests += tests/unit/test-live-pause
tests_unit_test_live_pause_SOURCES = tests/unit/test-live-pause.c $(memory_bed_sources)
unit_tests += tests/unit/test-live-slices
tests_unit_test_live_slices_SOURCES = tests/unit/test-live-slices.c $(memory_bed_sources)

unit_tests += tests/unit/test-live-next
tests_unit_test_live_next_SOURCES = tests/unit/test-live-next.c $(fake_store_sources) $(live_bed_sources)
unit_tests += tests/unit/test-live-interrupted
tests_unit_test_live_interrupted_SOURCES = tests/unit/test-live-interrupted.c $(fake_store_sources) $(live_bed_sources)
unit_tests += tests/unit/test-live-services
tests_unit_test_live_services_SOURCES = tests/unit/test-live-services.c $(live_bed_sources)
unit_tests += tests/unit/test-live-schedule
tests_unit_test_live_schedule_SOURCES = tests/unit/test-live-schedule.c $(live_bed_sources)
