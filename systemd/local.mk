# SPDX-License-Identifier: MIT
# Made by make, not by configure, because sbindir is known only then.
EXTRA_DIST += systemd/tendd.service.in
CLEANFILES += systemd/tendd.service

if HAVE_LIBSYSTEMD
nodist_systemdsystemunit_DATA = systemd/tendd.service
endif

systemd/tendd.service: $(srcdir)/systemd/tendd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/systemd/tendd.service.in >$@.tmp && mv $@.tmp $@
