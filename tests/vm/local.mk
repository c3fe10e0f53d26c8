# SPDX-License-Identifier: MIT
# Tests in a virtual machine, run by contrib/check, not by `make check`. run.py finds tests/vm/test-* by itself.
EXTRA_DIST += tests/vm

# All of them, or those named: make check-vm VM='unit'
check-vm: all
	@$(AM_TESTS_ENVIRONMENT) /usr/bin/python3 -B $(srcdir)/tests/vm/run.py $(VM)

.PHONY: check-vm
