# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/config/NAME.c daemon/config/NAME.h
# unit_tests += tests/unit/test-NAME
