# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/config/ini.c daemon/config/ini.h

unit_tests += tests/unit/test-ini
