# SPDX-License-Identifier: MIT
# Measurements against peers, run by `make bench`, never by `make check`:
#
#	bench_programs += tests/bench/bench-pool

EXTRA_PROGRAMS += $(bench_programs)

bench: all $(bench_programs)
	@if [ -x $(srcdir)/tests/bench/run ]; then \
		top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' $(srcdir)/tests/bench/run; \
	else \
		for program in $(bench_programs); do ./$$program || exit 1; done; \
	fi

.PHONY: bench
