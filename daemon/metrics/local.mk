# SPDX-License-Identifier: MIT
# What monitoring is told over HTTP.
libtendd_a_SOURCES += daemon/metrics/counts.c daemon/metrics/counts.h
libtendd_a_SOURCES += daemon/metrics/endpoints.c daemon/metrics/endpoints.h
libtendd_a_SOURCES += daemon/metrics/families.c daemon/metrics/families.h
libtendd_a_SOURCES += daemon/metrics/metrics.c daemon/metrics/metrics.h
libtendd_a_SOURCES += daemon/metrics/openmetrics.c daemon/metrics/openmetrics.h
libtendd_a_SOURCES += daemon/metrics/process.c daemon/metrics/process.h
libtendd_a_SOURCES += daemon/metrics/scrape.c daemon/metrics/scrape.h

dist_man_MANS += daemon/metrics/tendd-metrics.7

unit_tests += tests/unit/test-openmetrics
unit_tests += tests/unit/test-metrics
tests_unit_test_metrics_SOURCES = tests/unit/test-metrics.c $(live_bed_sources)
