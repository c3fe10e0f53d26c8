# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/when/NAME.c daemon/when/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/when/calendar.h daemon/when/civil.h daemon/when/cron.h daemon/when/zone.h
libtendd_a_SOURCES += daemon/when/every.c daemon/when/every.h
libtendd_a_SOURCES += daemon/when/trigger.c daemon/when/trigger.h

unit_tests += tests/unit/test-every
unit_tests += tests/unit/test-trigger
tests_unit_test_trigger_SOURCES = tests/unit/test-trigger.c $(fake_loop_sources)
