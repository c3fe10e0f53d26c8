# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/base/macros.h
libtendd_a_SOURCES += daemon/base/clock.c daemon/base/clock.h
libtendd_a_SOURCES += daemon/base/event_id.c daemon/base/event_id.h
libtendd_a_SOURCES += daemon/base/heap.c daemon/base/heap.h
libtendd_a_SOURCES += daemon/base/histogram.c daemon/base/histogram.h
libtendd_a_SOURCES += daemon/base/list.h
libtendd_a_SOURCES += daemon/base/log.c daemon/base/log.h
libtendd_a_SOURCES += daemon/base/log_journal.c
libtendd_a_SOURCES += daemon/base/log_private.h
libtendd_a_SOURCES += daemon/base/log_stderr.c
libtendd_a_SOURCES += daemon/base/log_writer.c
libtendd_a_SOURCES += daemon/base/recent.c daemon/base/recent.h
libtendd_a_SOURCES += daemon/base/spare.h
libtendd_a_SOURCES += daemon/base/text.c daemon/base/text.h
libtendd_a_SOURCES += daemon/base/thread.c daemon/base/thread.h
libtendd_a_SOURCES += daemon/base/utf8.c daemon/base/utf8.h
libtendd_a_SOURCES += daemon/base/writers.c daemon/base/writers.h

unit_tests += tests/unit/test-heap
unit_tests += tests/unit/test-histogram
unit_tests += tests/unit/test-list
unit_tests += tests/unit/test-log
tests_unit_test_log_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=clock_now
unit_tests += tests/unit/test-spare
unit_tests += tests/unit/test-text
unit_tests += tests/unit/test-utf8
libtendd_a_SOURCES += daemon/base/random.h
