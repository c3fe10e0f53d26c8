# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/when/NAME.c daemon/when/NAME.h
# unit_tests += tests/unit/test-NAME
