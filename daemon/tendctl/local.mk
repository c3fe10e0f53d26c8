# SPDX-License-Identifier: MIT
# The client. It links the library for daemon/base only, and jansson.
bin_PROGRAMS += tendctl
tendctl_SOURCES = \
	daemon/tendctl/call.c \
	daemon/tendctl/client.c daemon/tendctl/client.h \
	daemon/tendctl/complete.c daemon/tendctl/complete.h \
	daemon/tendctl/ctl.h \
	daemon/tendctl/help.c \
	daemon/tendctl/journal.c daemon/tendctl/journal.h \
	daemon/tendctl/logs.h \
	daemon/tendctl/logs_kept.c \
	daemon/tendctl/main.c \
	daemon/tendctl/parse.c \
	daemon/tendctl/print.c daemon/tendctl/print.h \
	daemon/tendctl/processes.c \
	daemon/tendctl/socket.c \
	daemon/tendctl/sparkline.c daemon/tendctl/sparkline.h \
	daemon/tendctl/summary.c \
	daemon/tendctl/table.c \
	daemon/tendctl/time_arg.c daemon/tendctl/time_arg.h \
	daemon/tendctl/trees.c \
	daemon/tendctl/verb.h \
	daemon/tendctl/verb_calendar.c \
	daemon/tendctl/verb_complete.c \
	daemon/tendctl/verb_events.c \
	daemon/tendctl/verb_history.c \
	daemon/tendctl/verb_limits.c \
	daemon/tendctl/verb_logs.c \
	daemon/tendctl/verb_next.c \
	daemon/tendctl/verb_notify.c \
	daemon/tendctl/verb_pause.c \
	daemon/tendctl/verb_reload.c \
	daemon/tendctl/verb_runs.c \
	daemon/tendctl/verb_services.c \
	daemon/tendctl/verb_shutdown.c \
	daemon/tendctl/verb_status.c \
	daemon/tendctl/verb_tasks.c \
	daemon/tendctl/verb_why.c \
	daemon/tendctl/verbs.c
tendctl_LDADD = libtendd.a $(JANSSON_LIBS) $(SYSTEMD_LIBS) -lm
dist_man_MANS += daemon/tendctl/tendctl.1

unit_tests += tests/unit/test-client-journal
tests_unit_test_client_journal_SOURCES = tests/unit/test-client-journal.c daemon/tendctl/journal.c
unit_tests += tests/unit/test-sparkline
tests_unit_test_sparkline_SOURCES = tests/unit/test-sparkline.c daemon/tendctl/sparkline.c
unit_tests += tests/unit/test-time-arg
tests_unit_test_time_arg_SOURCES = tests/unit/test-time-arg.c daemon/tendctl/time_arg.c
