# SPDX-License-Identifier: MIT
# The Varlink server, and the methods of io.tendd.Runner.
libtendd_a_SOURCES += daemon/control/access.c daemon/control/access.h
libtendd_a_SOURCES += daemon/control/control.c daemon/control/control.h
libtendd_a_SOURCES += daemon/control/ask_store.c daemon/control/ask_store.h
libtendd_a_SOURCES += daemon/control/due_json.c daemon/control/due_json.h
libtendd_a_SOURCES += daemon/control/event_ring.c daemon/control/event_ring.h
libtendd_a_SOURCES += daemon/control/history_json.c daemon/control/history_json.h
libtendd_a_SOURCES += daemon/control/identity.c daemon/control/identity.h
libtendd_a_SOURCES += daemon/control/keeping.c
libtendd_a_SOURCES += daemon/control/methods.c daemon/control/methods.h
libtendd_a_SOURCES += daemon/control/methods_adjust.c
libtendd_a_SOURCES += daemon/control/methods_events.c
libtendd_a_SOURCES += daemon/control/methods_extend.c
libtendd_a_SOURCES += daemon/control/methods_history.c
libtendd_a_SOURCES += daemon/control/methods_limits.c
libtendd_a_SOURCES += daemon/control/methods_next.c
libtendd_a_SOURCES += daemon/control/methods_output.c
libtendd_a_SOURCES += daemon/control/methods_pause.c
libtendd_a_SOURCES += daemon/control/methods_reload.c
libtendd_a_SOURCES += daemon/control/methods_restart.c
libtendd_a_SOURCES += daemon/control/methods_run.c
libtendd_a_SOURCES += daemon/control/methods_runs.c
libtendd_a_SOURCES += daemon/control/methods_select.c
libtendd_a_SOURCES += daemon/control/methods_show.c
libtendd_a_SOURCES += daemon/control/methods_shutdown.c
libtendd_a_SOURCES += daemon/control/methods_start.c
libtendd_a_SOURCES += daemon/control/methods_status.c
libtendd_a_SOURCES += daemon/control/methods_stop.c
libtendd_a_SOURCES += daemon/control/methods_tasks.c
libtendd_a_SOURCES += daemon/control/methods_wait.c daemon/control/methods_wait_state.c
libtendd_a_SOURCES += daemon/control/problems.c daemon/control/problems.h daemon/control/problems_find.c
libtendd_a_SOURCES += daemon/control/processes.c daemon/control/processes.h
libtendd_a_SOURCES += daemon/control/resume.c daemon/control/resume.h
libtendd_a_SOURCES += daemon/control/run_json.c daemon/control/run_json.h
libtendd_a_SOURCES += daemon/control/service_json.c daemon/control/waiting_json.c
libtendd_a_SOURCES += daemon/control/socket_mode.c daemon/control/socket_mode.h
libtendd_a_SOURCES += daemon/control/transient.c daemon/control/transient.h
libtendd_a_SOURCES += daemon/control/buffer.c daemon/control/buffer.h
libtendd_a_SOURCES += daemon/control/caller.c daemon/control/caller.h
libtendd_a_SOURCES += daemon/control/framer.c daemon/control/framer.h
libtendd_a_SOURCES += daemon/control/varlink.h daemon/control/varlink_internal.h
libtendd_a_SOURCES += daemon/control/varlink_call.c
libtendd_a_SOURCES += daemon/control/varlink_connection.c
libtendd_a_SOURCES += daemon/control/varlink_fds.c daemon/control/varlink_fds.h
libtendd_a_SOURCES += daemon/control/varlink_listen.c
libtendd_a_SOURCES += daemon/control/varlink_params.c
libtendd_a_SOURCES += daemon/control/varlink_peer.c
libtendd_a_SOURCES += daemon/control/varlink_server.c
libtendd_a_SOURCES += daemon/control/varlink_service.c
libtendd_a_SOURCES += daemon/control/descriptions.h

# The descriptions become strings of the program, under a name made of the file's: description_io_tendd_Runner.
varlink_files =
varlink_files += daemon/control/io.tendd.Runner.varlink
varlink_files += daemon/control/org.varlink.service.varlink
EXTRA_DIST += daemon/control/io.tendd.Debug.varlink
if ENABLE_DEBUG_HOOKS
varlink_files += daemon/control/io.tendd.Debug.varlink
libtendd_a_SOURCES += daemon/control/methods_debug.c
endif
nodist_libtendd_a_SOURCES = daemon/control/descriptions.c
EXTRA_DIST += $(varlink_files)
CLEANFILES += daemon/control/descriptions.c

daemon/control/descriptions.c: $(varlink_files) daemon/control/local.mk
	$(AM_V_GEN)$(MKDIR_P) daemon/control && { \
		echo '#include "control/descriptions.h"'; \
		for name in $(varlink_files); do \
			file=`test -f $$name || echo $(srcdir)/`$$name; \
			id=`basename $$name .varlink | tr . _`; \
			printf '\nconst char description_%s[] =\n' $$id; \
			sed -e 's/[\\"]/\\&/g' -e 's/^/        "/' -e 's/$$/\\n"/' $$file; \
			echo '        ;'; \
		done; } >$@.tmp && mv $@.tmp $@

varlink_client_sources = tests/support/varlink-client.c tests/support/varlink-client.h $(fake_loop_sources)

unit_tests += tests/unit/test-access
tests_unit_test_access_SOURCES = tests/unit/test-access.c $(config_text_sources)
unit_tests += tests/unit/test-framer
unit_tests += tests/unit/test-varlink
unit_tests += tests/unit/test-varlink-description
unit_tests += tests/unit/test-control
asking_sources = tests/support/asking.c tests/support/asking.h tests/support/varlink-client.c \
	tests/support/varlink-client.h
tests_unit_test_control_SOURCES = tests/unit/test-control.c tests/support/fake-env.c $(asking_sources) \
	$(fake_loop_sources)
unit_tests += tests/unit/test-control-processes
tests_unit_test_control_processes_SOURCES = tests/unit/test-control-processes.c tests/support/fake-inspect.c \
	tests/support/fake-inspect.h $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-control-caller
tests_unit_test_control_caller_SOURCES = tests/unit/test-control-caller.c $(asking_sources) $(live_bed_sources)
tests_unit_test_control_caller_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=child_find,--wrap=child_search_cancel,--wrap=kind_run_of
unit_tests += tests/unit/test-control-run
tests_unit_test_control_run_SOURCES = tests/unit/test-control-run.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-control-services
tests_unit_test_control_services_SOURCES = tests/unit/test-control-services.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-event-ring
unit_tests += tests/unit/test-control-events
tests_unit_test_control_events_SOURCES = tests/unit/test-control-events.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-control-history
tests_unit_test_control_history_SOURCES = tests/unit/test-control-history.c $(asking_sources) $(fake_store_sources) \
	$(live_bed_sources)
unit_tests += tests/unit/test-control-status
tests_unit_test_control_status_SOURCES = tests/unit/test-control-status.c $(asking_sources) $(fake_store_sources) \
	$(live_bed_sources)
unit_tests += tests/unit/test-control-steering
tests_unit_test_control_steering_SOURCES = tests/unit/test-control-steering.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-control-time
tests_unit_test_control_time_SOURCES = tests/unit/test-control-time.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-control-wait
tests_unit_test_control_wait_SOURCES = tests/unit/test-control-wait.c $(asking_sources) $(live_bed_sources)
unit_tests += tests/unit/test-varlink-fds
tests_unit_test_varlink_fds_SOURCES = tests/unit/test-varlink-fds.c $(varlink_client_sources)
tests_unit_test_varlink_SOURCES = tests/unit/test-varlink.c $(varlink_client_sources)
