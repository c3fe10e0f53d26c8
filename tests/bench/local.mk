# SPDX-License-Identifier: MIT
# Measurements against peers, run by `make bench`, never by `make check`. See tests/bench/README.md.

bench_programs += tests/bench/pool-jobs
bench_programs += tests/bench/calendar-next
tests_bench_calendar_next_LDADD = libtendd.a
bench_programs += tests/bench/config-load
bench_programs += tests/bench/store-runs
bench_programs += tests/bench/control-load
tests_bench_control_load_LDADD =
bench_programs += tests/bench/bare-http
tests_bench_bare_http_LDADD = $(CURL_LIBS) $(EVENT_LIBS)
bench_programs += tests/bench/bare-spawn
tests_bench_bare_spawn_LDADD =
bench_programs += tests/bench/service
tests_bench_service_LDADD =

# Peers whose library may be missing: then they are skipped, and named.
bench_optional = tests/bench/bare-uv
tests_bench_bare_uv_LDADD = -luv

EXTRA_PROGRAMS += $(bench_programs) $(bench_optional)
CLEANFILES += $(bench_programs) $(bench_optional) bench-results.json

EXTRA_DIST += tests/bench/README.md
EXTRA_DIST += tests/bench/run.py
EXTRA_DIST += tests/bench/common.py
EXTRA_DIST += tests/bench/daemon.py
EXTRA_DIST += tests/bench/row_calendar.py
EXTRA_DIST += tests/bench/row_control.py
EXTRA_DIST += tests/bench/row_exec.py
EXTRA_DIST += tests/bench/row_http.py
EXTRA_DIST += tests/bench/row_idle.py
EXTRA_DIST += tests/bench/row_live.py
EXTRA_DIST += tests/bench/row_pool.py
EXTRA_DIST += tests/bench/row_services.py
EXTRA_DIST += tests/bench/row_spawn.py
EXTRA_DIST += tests/bench/row_store.py
EXTRA_DIST += tests/bench/row_tasks.py
EXTRA_DIST += tests/bench/peer_aiohttp.py
EXTRA_DIST += tests/bench/peer_croniter.py
EXTRA_DIST += tests/bench/peer_executor.py
EXTRA_DIST += tests/bench/peer_httpx.py
EXTRA_DIST += tests/bench/peer_sqlite.py
EXTRA_DIST += tests/bench/peer_subprocess.py
EXTRA_DIST += tests/bench/peer_tasks.py

# Variables: BENCH_ROUNDS (5), BENCH_QUICK=1 (a smoke test: numbers mean nothing), BENCH_ROWS="http pool" (all).
bench: all $(bench_programs)
	-@$(MAKE) $(AM_MAKEFLAGS) -s $(bench_optional) 2>/dev/null
	@top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' BENCH_CFLAGS='$(CFLAGS)' \
		/usr/bin/python3 -B $(srcdir)/tests/bench/run.py

.PHONY: bench
