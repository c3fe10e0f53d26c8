# SPDX-License-Identifier: MIT
# How tests are run. The tests themselves are listed by the layers, in unit_tests; scripts in script_tests.

EXTRA_PROGRAMS += $(unit_tests)
if HAVE_CHECK
check_PROGRAMS = $(unit_tests)
TESTS = $(unit_tests) $(script_tests)
else
check_PROGRAMS =
TESTS =
check-am: no-check
endif

TEST_EXTENSIONS = .sh .py
PY_LOG_COMPILER = /usr/bin/python3
SH_LOG_COMPILER = /bin/bash

# Check kills a test after 4 seconds unless told otherwise: too short for a busy machine under sanitizers.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; \
	CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT-60}; export CK_DEFAULT_TIMEOUT; \
	TENDD_SANITIZERS='$(TENDD_SANITIZERS)'; export TENDD_SANITIZERS; \
	UBSAN_OPTIONS=$${UBSAN_OPTIONS-print_stacktrace=1}; export UBSAN_OPTIONS; \
	TSAN_OPTIONS=$${TSAN_OPTIONS-report_thread_leaks=0}; export TSAN_OPTIONS;

no-check:
	@echo "tests need Check, which configure did not find (Debian: apt-get install check); then configure again" >&2
	@exit 1

# Only the unit tests.
check-unit:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'

.PHONY: check-unit no-check
