# SPDX-License-Identifier: MIT
# Fuzz targets for libFuzzer, built by `make fuzz` after `../configure CC=clang --enable-fuzzing`. A target is two lines:
#
#	fuzz_programs += tests/fuzz/fuzz-ini
#	tests_fuzz_fuzz_ini_LDADD = $(fuzz_ldadd)

fuzz_ldadd = libtendd.a $(tendd_libs) -lm -fsanitize=fuzzer

EXTRA_PROGRAMS += $(fuzz_programs)

if ENABLE_FUZZING
fuzz: $(fuzz_programs)
else
fuzz:
	@echo "fuzz targets need ../configure CC=clang --enable-fuzzing" >&2
	@exit 1
endif

.PHONY: fuzz
