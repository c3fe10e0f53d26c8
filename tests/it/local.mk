# SPDX-License-Identifier: MIT
# Integration tests: the real daemon. run.py finds tests/it/test_*.py by itself.

EXTRA_DIST += tests/it
script_tests += tests/it/run.py

# All integration tests, or those named: make check-it IT='test_runner exec'
check-it: all
	@$(AM_TESTS_ENVIRONMENT) /usr/bin/python3 $(srcdir)/tests/it/run.py $(IT)

dist-hook:
	find $(distdir) -name __pycache__ -prune -exec rm -rf {} +

.PHONY: check-it
