# SPDX-License-Identifier: MIT
# Units are made by make, not by configure, because the directories are known only then.
units = systemd/tendd.service systemd/tendd.socket systemd/user/tendd.service

EXTRA_DIST += $(units:=.in) systemd/tendd.catalog systemd/sysusers.d/tendd.conf systemd/unprivileged.conf
CLEANFILES += $(units)

if HAVE_LIBSYSTEMD
nodist_systemdsystemunit_DATA = systemd/tendd.service systemd/tendd.socket

systemduserunitdir = $(prefix)/lib/systemd/user
nodist_systemduserunit_DATA = systemd/user/tendd.service

examples_DATA += systemd/unprivileged.conf

# Read by `journalctl --update-catalog`.
catalogdir = $(prefix)/lib/systemd/catalog
catalog_DATA = systemd/tendd.catalog

sysusersdir = $(prefix)/lib/sysusers.d
sysusers_DATA = systemd/sysusers.d/tendd.conf
endif

systemd/tendd.service: $(srcdir)/systemd/tendd.service.in
systemd/tendd.socket: $(srcdir)/systemd/tendd.socket.in
systemd/user/tendd.service: $(srcdir)/systemd/user/tendd.service.in

$(units): Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd/user && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' -e 's|@bindir[@]|$(bindir)|g' $(srcdir)/$@.in >$@.tmp && mv $@.tmp $@
