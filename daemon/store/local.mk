# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/store/NAME.c daemon/store/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/store/store.h
libtendd_a_SOURCES += daemon/store/apply.c
libtendd_a_SOURCES += daemon/store/core.c
libtendd_a_SOURCES += daemon/store/database.c daemon/store/database.h
libtendd_a_SOURCES += daemon/store/history.c
libtendd_a_SOURCES += daemon/store/lock.c
libtendd_a_SOURCES += daemon/store/opened.c
libtendd_a_SOURCES += daemon/store/query.c
libtendd_a_SOURCES += daemon/store/reader.c
libtendd_a_SOURCES += daemon/store/record.c daemon/store/record.h
libtendd_a_SOURCES += daemon/store/retain.c
libtendd_a_SOURCES += daemon/store/store.c daemon/store/store_private.h
libtendd_a_SOURCES += daemon/store/statement.c
libtendd_a_SOURCES += daemon/store/summary.c
libtendd_a_SOURCES += daemon/store/writer.c

# What a test names in its SOURCES to get a store in memory.
fake_store_sources = tests/support/fake-store.c tests/support/fake-store.h
store_bed_sources = tests/support/store-bed.c tests/support/store-bed.h

unit_tests += tests/unit/test-store
tests_unit_test_store_SOURCES = tests/unit/test-store.c $(store_bed_sources)
unit_tests += tests/unit/test-fake-store
tests_unit_test_fake_store_SOURCES = tests/unit/test-fake-store.c $(fake_store_sources) $(fake_loop_sources)
unit_tests += tests/unit/test-store-history
tests_unit_test_store_history_SOURCES = tests/unit/test-store-history.c $(store_bed_sources)
unit_tests += tests/unit/test-store-faults
tests_unit_test_store_faults_SOURCES = tests/unit/test-store-faults.c tests/support/fault-vfs.c \
	tests/support/fault-vfs.h $(store_bed_sources)
unit_tests += tests/unit/test-store-gone
tests_unit_test_store_gone_SOURCES = tests/unit/test-store-gone.c tests/support/fault-vfs.c \
	tests/support/fault-vfs.h $(store_bed_sources)
unit_tests += tests/unit/test-store-keep
tests_unit_test_store_keep_SOURCES = tests/unit/test-store-keep.c $(store_bed_sources)
