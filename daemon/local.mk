# SPDX-License-Identifier: MIT
# The runner and the daemon. The program is added with its main.c:
#
#	libtendd_a_SOURCES += daemon/runner.c daemon/runner.h
#	sbin_PROGRAMS += tendd
#	tendd_SOURCES = daemon/main.c
#	tendd_LDADD = libtendd.a $(tendd_libs) -lm
