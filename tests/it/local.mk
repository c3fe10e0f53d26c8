# SPDX-License-Identifier: MIT
# Integration tests: the real daemon. run.py finds tests/it/test_*.py by itself.

EXTRA_DIST += tests/it
script_tests += tests/it/run.py

# Programs that integration tests ask; each from tests/support/NAME.c.
it_programs = tests/support/calendar-ask tests/support/zone-print
tests_support_calendar_ask_LDADD = libtendd.a
tests_support_zone_print_LDADD = libtendd.a
EXTRA_PROGRAMS += $(it_programs)
if HAVE_CHECK
check_PROGRAMS += $(it_programs)
endif

# All integration tests, or those named: make check-it IT='test_runner exec'
check-it: all
	@$(MAKE) $(AM_MAKEFLAGS) $(it_programs)
	@$(AM_TESTS_ENVIRONMENT) /usr/bin/python3 $(srcdir)/tests/it/run.py $(IT)

# What tests have fetched.
distclean-local:
	rm -rf it-cache

dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +

# A hundred thousand short runs, without and with cgroups; some minutes.
soak: all
	@$(AM_TESTS_ENVIRONMENT) TENDD_SOAK_RUNS=100000 TENDD_TEST_SCALE=10 \
		/usr/bin/python3 $(srcdir)/tests/it/run.py -v -j 1 test_endurance.Soak

.PHONY: check-it soak
