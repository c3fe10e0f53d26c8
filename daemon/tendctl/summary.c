/* SPDX-License-Identifier: MIT */
/* summary: how the runs of a task went, in a few lines, see print.h. */
#include "tendctl/print.h"
#include "tendctl/sparkline.h"

#include <stdio.h>

/* In the order in which they are told. */
static const char *const outcomes[] = { "ok",        "failed",  "timeout",      "interrupted",
                                        "cancelled", "skipped", "never-started" };

/* Those that make the success rate: what was cancelled or skipped says nothing of the task. */
static const char *const judged[] = { "ok", "failed", "timeout", "interrupted" };

static json_int_t count_of(const json_t *summary, const char *outcome) {
        return get_int(json_object_get(summary, "outcomes"), outcome);
}

static const char *format_rate(const json_t *summary, char buf[WHEN_MAX]) {
        json_int_t ok = count_of(summary, "ok"), all = 0;
        double rate;

        for (size_t i = 0; i < ARRAY_SIZE(judged); i++)
                all += count_of(summary, judged[i]);
        buf[0] = '\0';
        if (all == 0)
                return buf;
        /* Cut off, not rounded: one failure in a thousand is not 100 %. */
        rate = (double)((ok * 1000) / all) / 10;
        (void)snprintf(buf, WHEN_MAX, ok == all || ok == 0 ? "%.0f%% ok" : "%.1f%% ok", rate);
        return buf;
}

static const char *format_percentiles(const json_t *summary, char *buf, size_t size) {
        static const struct {
                const char *key;
                const char *name;
        } rows[] = { { "p50_usec", "p50" }, { "p90_usec", "p90" }, { "p99_usec", "p99" }, { "max_usec", "max" } };
        char span[WHEN_MAX];
        size_t used = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(rows) && used < size; i++)
                if (json_object_get(summary, rows[i].key))
                        used += (size_t)snprintf(buf + used, size - used, "%s%s %s", used > 0 ? "  " : "", rows[i].name,
                                                 format_span(get_int(summary, rows[i].key), span));
        return buf;
}

static enum spark spark_of(const char *outcome) {
        if (streq(outcome, "ok"))
                return SPARK_OK;
        return streq(outcome, "failed") || streq(outcome, "timeout") || streq(outcome, "interrupted") ? SPARK_FAILED
                                                                                                      : SPARK_OTHER;
}

static void print_sparkline(const json_t *last) {
        bool utf8 = print_is_utf8();
        json_int_t max = 0;
        size_t index;
        json_t *run;

        json_array_foreach((json_t *)last, index, run)
                if (spark_of(get_string(run, "outcome")) == SPARK_OK)
                        max = MAX(max, get_int(run, "duration_usec"));
        for (size_t i = json_array_size(last); i > 0; i--) {
                enum spark spark;

                run = json_array_get(last, i - 1);
                spark = spark_of(get_string(run, "outcome"));
                print_painted(spark == SPARK_FAILED  ? PAINT_BAD
                              : spark == SPARK_OTHER ? PAINT_DIM
                                                     : PAINT_GOOD,
                              sparkline_glyph(spark, (usec_t)get_int(run, "duration_usec"), (usec_t)max, utf8));
        }
}

static const char *format_counts(const json_t *summary, char *buf, size_t size) {
        size_t used = 0;

        buf[0] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(outcomes) && used < size; i++)
                if (count_of(summary, outcomes[i]) > 0)
                        used += (size_t)snprintf(buf + used, size - used, "%s%lld %s", used > 0 ? ", " : "",
                                                 (long long)count_of(summary, outcomes[i]), outcomes[i]);
        if (get_int(summary, "missed") > 0 && used < size)
                (void)snprintf(buf + used, size - used, "%s%lld not run", used > 0 ? ", " : "",
                               (long long)get_int(summary, "missed"));
        return buf;
}

bool print_summary(const json_t *summary) {
        const json_t *last = json_object_get(summary, "last");
        char text[256], rate[WHEN_MAX];

        if (!*format_counts(summary, text, sizeof(text)))
                return false;
        (void)format_rate(summary, rate);
        printf("  %-14s %s%s%s\n", "runs", text, *rate ? "; " : "", rate);
        if (*format_percentiles(summary, text, sizeof(text)))
                printf("  %-14s %s\n", "took", text);
        if (json_array_size(last) > 1) {
                printf("  %-14s ", "the latest");
                print_sparkline(last);
                putchar('\n');
        }
        return true;
}
