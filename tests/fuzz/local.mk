# SPDX-License-Identifier: MIT
# Fuzz targets for libFuzzer, built by `make fuzz` after `../configure CC=clang --enable-fuzzing`. A target is two lines
# here, and seeds in tests/fuzz/corpus/NAME/:

fuzz_programs += tests/fuzz/fuzz-framer
tests_fuzz_fuzz_framer_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-ini
tests_fuzz_fuzz_ini_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-config
tests_fuzz_fuzz_config_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-tzif
tests_fuzz_fuzz_tzif_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-calendar
tests_fuzz_fuzz_calendar_SOURCES = tests/fuzz/fuzz-calendar.c $(calendar_invariants)
tests_fuzz_fuzz_calendar_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-cron
tests_fuzz_fuzz_cron_SOURCES = tests/fuzz/fuzz-cron.c $(calendar_invariants)
tests_fuzz_fuzz_cron_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-http-head
tests_fuzz_fuzz_http_head_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-varlink
tests_fuzz_fuzz_varlink_SOURCES = tests/fuzz/fuzz-varlink.c $(fake_loop_sources)
tests_fuzz_fuzz_varlink_LDFLAGS = $(fuzz_ldflags)
fuzz_programs += tests/fuzz/fuzz-control
fuzz_control_sources = tests/fuzz/fuzz-control.c tests/support/fake-env.c $(fake_store_sources) $(fake_loop_sources)
tests_fuzz_fuzz_control_SOURCES = $(fuzz_control_sources)
tests_fuzz_fuzz_control_LDFLAGS = $(fuzz_ldflags)

# The same without libFuzzer, for any compiler: make tests/fuzz/try-varlink, then tests/fuzz/try-varlink -n 10000 FILE...
# `make check` has them read the seeds.
try_programs = tests/fuzz/try-varlink tests/fuzz/try-config tests/fuzz/try-control
tests_fuzz_try_config_SOURCES = tests/fuzz/fuzz-config.c tests/fuzz/standalone.c
tests_fuzz_try_varlink_SOURCES = tests/fuzz/fuzz-varlink.c tests/fuzz/standalone.c $(fake_loop_sources)
tests_fuzz_try_control_SOURCES = $(fuzz_control_sources) tests/fuzz/standalone.c
EXTRA_PROGRAMS += $(try_programs)
if HAVE_CHECK
check_PROGRAMS += $(try_programs)
endif
script_tests += tests/fuzz/seeds
EXTRA_DIST += tests/fuzz/seeds

calendar_invariants = tests/support/calendar-invariants.c tests/support/calendar-invariants.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer

EXTRA_DIST += tests/fuzz/corpus
EXTRA_PROGRAMS += $(fuzz_programs)

if ENABLE_FUZZING
fuzz: $(fuzz_programs)
else
fuzz:
	@echo "fuzz targets need ../configure CC=clang --enable-fuzzing" >&2
	@exit 1
endif

.PHONY: fuzz
