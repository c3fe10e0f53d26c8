# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/store/NAME.c daemon/store/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/store/store.h
