# SPDX-License-Identifier: MIT
# The runner and the daemon.
libtendd_a_SOURCES += daemon/options.c daemon/options.h
libtendd_a_SOURCES += daemon/instance.c daemon/instance.h
libtendd_a_SOURCES += daemon/systemd.c daemon/systemd.h
libtendd_a_SOURCES += daemon/runner.c daemon/runner.h daemon/runner_private.h daemon/phases.c daemon/reload.c daemon/once.c
libtendd_a_SOURCES += daemon/status_line.c
libtendd_a_SOURCES += daemon/check_config.c daemon/check_config.h

sbin_PROGRAMS += tendd
tendd_SOURCES = daemon/main.c
tendd_LDADD = libtendd.a $(tendd_libs) -lm

dist_man_MANS += daemon/tendd.8

unit_tests += tests/unit/test-runner
