# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/config/arena.c daemon/config/arena.h
libtendd_a_SOURCES += daemon/config/assign.c
libtendd_a_SOURCES += daemon/config/build.c
libtendd_a_SOURCES += daemon/config/check.c
libtendd_a_SOURCES += daemon/config/config.c daemon/config/config.h
libtendd_a_SOURCES += daemon/config/diagnostics.c daemon/config/diagnostics.h
libtendd_a_SOURCES += daemon/config/files.c
libtendd_a_SOURCES += daemon/config/graph.c daemon/config/graph.h
libtendd_a_SOURCES += daemon/config/index.c
libtendd_a_SOURCES += daemon/config/ini.c daemon/config/ini.h
libtendd_a_SOURCES += daemon/config/keys.c daemon/config/keys.h
libtendd_a_SOURCES += daemon/config/keys_show.c
libtendd_a_SOURCES += daemon/config/lint.c daemon/config/lint.h
libtendd_a_SOURCES += daemon/config/lint_host.c
libtendd_a_SOURCES += daemon/config/load.h
libtendd_a_SOURCES += daemon/config/members.c
libtendd_a_SOURCES += daemon/config/source.c
libtendd_a_SOURCES += daemon/config/value.c daemon/config/value.h
libtendd_a_SOURCES += daemon/config/value_kind.c
libtendd_a_SOURCES += daemon/config/value_list.c
libtendd_a_SOURCES += daemon/config/value_task.c

unit_tests += tests/unit/test-ini
