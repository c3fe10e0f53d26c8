# SPDX-License-Identifier: MIT
# libtendd_a_SOURCES += daemon/task/NAME.c daemon/task/NAME.h
# unit_tests += tests/unit/test-NAME
libtendd_a_SOURCES += daemon/task/task.c daemon/task/task.h daemon/task/kind.c daemon/task/kind.h
