# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/store/NAME.c daemon/store/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/store/store.h
libtendd_a_SOURCES += daemon/store/apply.c
libtendd_a_SOURCES += daemon/store/core.c
libtendd_a_SOURCES += daemon/store/database.c daemon/store/database.h
libtendd_a_SOURCES += daemon/store/opened.c
libtendd_a_SOURCES += daemon/store/record.c daemon/store/record.h
libtendd_a_SOURCES += daemon/store/store.c daemon/store/store_private.h
libtendd_a_SOURCES += daemon/store/writer.c

store_bed_sources = tests/support/store-bed.c tests/support/store-bed.h

unit_tests += tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_bed_sources)
