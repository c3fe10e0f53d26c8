# SPDX-License-Identifier: MIT
# The client. It links the library for daemon/base only, and jansson.
bin_PROGRAMS += tendctl
tendctl_SOURCES = \
	daemon/tendctl/attach.c daemon/tendctl/attach.h \
	daemon/tendctl/attach_options.c \
	daemon/tendctl/bar.c daemon/tendctl/bar.h \
	daemon/tendctl/call.c \
	daemon/tendctl/client.c daemon/tendctl/client.h \
	daemon/tendctl/complete.c daemon/tendctl/complete.h \
	daemon/tendctl/ctl.h \
	daemon/tendctl/error.c \
	daemon/tendctl/help.c \
	daemon/tendctl/feed.c daemon/tendctl/feed.h \
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
	daemon/tendctl/timeline.c daemon/tendctl/timeline.h \
	daemon/tendctl/timeline_axis.c daemon/tendctl/timeline_axis.h \
	daemon/tendctl/timeline_draw.h \
	daemon/tendctl/timeline_svg.c \
	daemon/tendctl/timeline_text.c \
	daemon/tendctl/top.c daemon/tendctl/top.h \
	daemon/tendctl/top_actions.c \
	daemon/tendctl/top_canvas.c daemon/tendctl/top_canvas.h \
	daemon/tendctl/top_draw.c \
	daemon/tendctl/top_draw_text.c \
	daemon/tendctl/top_feed.c daemon/tendctl/top_feed.h \
	daemon/tendctl/top_job.c daemon/tendctl/top_job.h \
	daemon/tendctl/top_keys.c \
	daemon/tendctl/top_model.c daemon/tendctl/top_model.h \
	daemon/tendctl/top_screen.c daemon/tendctl/top_screen.h \
	daemon/tendctl/top_views.c daemon/tendctl/top_views.h daemon/tendctl/top_views_private.h \
	daemon/tendctl/top_views_work.c \
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
	daemon/tendctl/verb_map.c \
	daemon/tendctl/verb_run.c \
	daemon/tendctl/verb_runs.c \
	daemon/tendctl/verb_services.c \
	daemon/tendctl/verb_shutdown.c \
	daemon/tendctl/verb_status.c \
	daemon/tendctl/verb_tasks.c \
	daemon/tendctl/verb_timeline.c \
	daemon/tendctl/verb_top.c \
	daemon/tendctl/verb_why.c \
	daemon/tendctl/verbs.c
tendctl_LDADD = libtendd.a $(JANSSON_LIBS) $(SYSTEMD_LIBS) $(NCURSES_LIBS) -lm
dist_man_MANS += daemon/tendctl/tendctl.1

unit_tests += tests/unit/test-client-journal
tests_unit_test_client_journal_SOURCES = tests/unit/test-client-journal.c daemon/tendctl/journal.c
unit_tests += tests/unit/test-sparkline
tests_unit_test_sparkline_SOURCES = tests/unit/test-sparkline.c daemon/tendctl/sparkline.c
unit_tests += tests/unit/test-time-arg
tests_unit_test_time_arg_SOURCES = tests/unit/test-time-arg.c daemon/tendctl/time_arg.c

# What is shown, without a terminal and a daemon.
tendctl_print = daemon/tendctl/error.c daemon/tendctl/print.c daemon/tendctl/processes.c daemon/tendctl/table.c daemon/tendctl/trees.c
unit_tests += tests/unit/test-top-model
tests_unit_test_top_model_SOURCES = tests/unit/test-top-model.c daemon/tendctl/top_model.c daemon/tendctl/error.c \
	daemon/tendctl/print.c
unit_tests += tests/unit/test-top
tests_unit_test_top_SOURCES = tests/unit/test-top.c $(tendctl_print) daemon/tendctl/sparkline.c \
	daemon/tendctl/top.c daemon/tendctl/top_actions.c daemon/tendctl/top_canvas.c daemon/tendctl/top_draw.c \
	daemon/tendctl/top_draw_text.c daemon/tendctl/top_keys.c daemon/tendctl/top_model.c daemon/tendctl/top_views.c \
	daemon/tendctl/top_views_work.c
unit_tests += tests/unit/test-top-feed
tests_unit_test_top_feed_SOURCES = tests/unit/test-top-feed.c tests/support/fake-clock.c tests/support/fake-clock.h \
	daemon/tendctl/top_feed.c
unit_tests += tests/unit/test-timeline
tests_unit_test_timeline_SOURCES = tests/unit/test-timeline.c $(tendctl_print) daemon/tendctl/timeline.c \
	daemon/tendctl/timeline_axis.c daemon/tendctl/timeline_svg.c daemon/tendctl/timeline_text.c
