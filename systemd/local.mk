# SPDX-License-Identifier: MIT
# Made by make, not by configure, because sbindir is known only then.
EXTRA_DIST += systemd/tendd.service.in systemd/tendd.catalog
CLEANFILES += systemd/tendd.service

if HAVE_LIBSYSTEMD
nodist_systemdsystemunit_DATA = systemd/tendd.service

# Read by `journalctl --update-catalog`.
catalogdir = $(prefix)/lib/systemd/catalog
catalog_DATA = systemd/tendd.catalog
endif

systemd/tendd.service: $(srcdir)/systemd/tendd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/systemd/tendd.service.in >$@.tmp && mv $@.tmp $@
