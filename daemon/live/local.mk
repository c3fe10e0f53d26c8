# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/live/NAME.c daemon/live/NAME.h
# unit_tests += tests/unit/test-NAME
