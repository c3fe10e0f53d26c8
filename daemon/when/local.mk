# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/when/NAME.c daemon/when/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/when/calendar.c daemon/when/calendar.h daemon/when/calendar_private.h
libtendd_a_SOURCES += daemon/when/calendar_format.c daemon/when/calendar_next.c daemon/when/calendar_parse.c
libtendd_a_SOURCES += daemon/when/civil.c daemon/when/civil.h
libtendd_a_SOURCES += daemon/when/cron.c daemon/when/cron.h
libtendd_a_SOURCES += daemon/when/zone.c daemon/when/zone.h daemon/when/zone_private.h
libtendd_a_SOURCES += daemon/when/zone_file.c daemon/when/zone_load.c daemon/when/zone_rule.c
libtendd_a_SOURCES += daemon/when/every.c daemon/when/every.h
libtendd_a_SOURCES += daemon/when/trigger.c daemon/when/trigger.h

unit_tests += tests/unit/test-civil
unit_tests += tests/unit/test-calendar
unit_tests += tests/unit/test-every
unit_tests += tests/unit/test-trigger
tests_unit_test_trigger_SOURCES = tests/unit/test-trigger.c $(fake_loop_sources)
unit_tests += tests/unit/test-zone
tests_unit_test_zone_SOURCES = tests/unit/test-zone.c $(zone_image_sources)
unit_tests += tests/unit/test-zone-file
tests_unit_test_zone_file_SOURCES = tests/unit/test-zone-file.c $(zone_image_sources)
unit_tests += tests/unit/test-zone-load
tests_unit_test_zone_load_SOURCES = tests/unit/test-zone-load.c $(zone_image_sources)
unit_tests += tests/unit/test-zone-rule
tests_unit_test_zone_rule_SOURCES = tests/unit/test-zone-rule.c $(zone_image_sources)
zone_image_sources = tests/support/zone-image.c tests/support/zone-image.h
