# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/control/NAME.c daemon/control/NAME.h
# unit_tests += tests/unit/test-NAME
