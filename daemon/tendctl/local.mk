# SPDX-License-Identifier: MIT
# The client. It links the library for daemon/base only, and jansson:
#
#	bin_PROGRAMS += tendctl
#	tendctl_SOURCES = daemon/tendctl/main.c daemon/tendctl/tendctl.h
#	tendctl_LDADD = libtendd.a $(JANSSON_LIBS) $(SYSTEMD_LIBS) -lm
