# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/run/NAME.c daemon/run/NAME.h
# unit_tests += tests/unit/test-NAME
