# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/base/macros.h
libtendd_a_SOURCES += daemon/base/clock.c daemon/base/clock.h
libtendd_a_SOURCES += daemon/base/heap.c daemon/base/heap.h
libtendd_a_SOURCES += daemon/base/histogram.c daemon/base/histogram.h
libtendd_a_SOURCES += daemon/base/list.h
libtendd_a_SOURCES += daemon/base/log.h
libtendd_a_SOURCES += daemon/base/text.c daemon/base/text.h
libtendd_a_SOURCES += daemon/base/thread.c daemon/base/thread.h

unit_tests += tests/unit/test-heap
unit_tests += tests/unit/test-histogram
unit_tests += tests/unit/test-list
unit_tests += tests/unit/test-text
libtendd_a_SOURCES += daemon/base/random.h
