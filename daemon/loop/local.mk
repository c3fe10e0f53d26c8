# SPDX-License-Identifier: MIT
libtendd_a_SOURCES += daemon/loop/child.h
libtendd_a_SOURCES += daemon/loop/loop.h
libtendd_a_SOURCES += daemon/loop/pool.h
libtendd_a_SOURCES += daemon/loop/stream.h
libtendd_a_SOURCES += daemon/loop/watchdog.h
