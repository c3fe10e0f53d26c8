/* SPDX-License-Identifier: MIT */
/* timeline_axis: ticks of a time axis, see timeline_axis.h.
 *
 * Steps below a day are looked for by probing: each instant at which clocks show a round time is one, so that an hour that is shown twice
 * has its ticks twice, one that is skipped none, and those after it are round again. Zones differ by whole quarters of an hour. Steps of
 * days are asked of mktime(3), which knows when a day begins.
 */
#include "tendctl/timeline_axis.h"

#include <stdio.h>
#include <time.h>

#define QUARTER (15 * USEC_PER_MINUTE)

static const usec_t steps[] = {
        USEC_PER_SEC,        5 * USEC_PER_SEC,    15 * USEC_PER_SEC,    30 * USEC_PER_SEC,    USEC_PER_MINUTE,
        2 * USEC_PER_MINUTE, 5 * USEC_PER_MINUTE, 15 * USEC_PER_MINUTE, 30 * USEC_PER_MINUTE, USEC_PER_HOUR,
        2 * USEC_PER_HOUR,   3 * USEC_PER_HOUR,   6 * USEC_PER_HOUR,    12 * USEC_PER_HOUR,   USEC_PER_DAY,
        2 * USEC_PER_DAY,    7 * USEC_PER_DAY,    14 * USEC_PER_DAY,    30 * USEC_PER_DAY,    91 * USEC_PER_DAY,
        365 * USEC_PER_DAY,  3650 * USEC_PER_DAY,
};

static bool local(usec_t usec, struct tm *ret) {
        time_t secs = (time_t)(usec / USEC_PER_SEC);

        return localtime_r(&secs, ret) != NULL;
}

static void add(struct tick *ticks, size_t *n, size_t max, usec_t usec, const struct tm *tm, usec_t step) {
        bool midnight = tm->tm_hour == 0 && tm->tm_min == 0 && tm->tm_sec == 0;

        if (*n >= max)
                return;
        ticks[*n].usec = usec;
        (void)strftime(ticks[*n].text, TICK_TEXT_MAX,
                       midnight || step >= USEC_PER_DAY ? (step >= 91 * USEC_PER_DAY ? "%Y-%m" : "%m-%d")
                       : step < USEC_PER_MINUTE         ? "%H:%M:%S"
                                                        : "%H:%M",
                       tm);
        (*n)++;
}

static size_t ticks_of_day(usec_t from_usec, usec_t until_usec, usec_t step, size_t max, struct tick *ret) {
        usec_t probe = MIN(step, QUARTER);
        size_t n = 0;

        for (usec_t usec = (from_usec + probe - 1) / probe * probe; usec < until_usec; usec += probe) {
                struct tm tm;
                usec_t of_day;

                if (!local(usec, &tm))
                        break;
                of_day = (usec_t)(tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec) * USEC_PER_SEC;
                if (of_day % step == 0)
                        add(ret, &n, max, usec, &tm, step);
        }
        return n;
}

static size_t ticks_of_days(usec_t from_usec, usec_t until_usec, usec_t step, size_t max, struct tick *ret) {
        int days = (int)(step / USEC_PER_DAY);
        struct tm first;
        size_t n = 0;

        if (!local(from_usec, &first))
                return 0;
        for (int day = 0; n < max; day += days) {
                struct tm tm = {
                        .tm_year = first.tm_year, .tm_mon = first.tm_mon, .tm_mday = first.tm_mday + day, .tm_isdst = -1
                };
                time_t secs = mktime(&tm);
                usec_t usec = (usec_t)MAX(secs, (time_t)0) * USEC_PER_SEC;

                if (secs < 0 || usec >= until_usec)
                        break;
                if (usec >= from_usec)
                        add(ret, &n, max, usec, &tm, step);
        }
        return n;
}

size_t axis_ticks(usec_t from_usec, usec_t until_usec, size_t max, struct tick *ret) {
        usec_t step = steps[ARRAY_SIZE(steps) - 1];

        max = MAX((size_t)1, MIN(max, (size_t)TICKS_MAX));
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                if (usec_sub(until_usec, from_usec) / steps[i] < max) {
                        step = steps[i];
                        break;
                }
        return step < USEC_PER_DAY ? ticks_of_day(from_usec, until_usec, step, max, ret)
                                   : ticks_of_days(from_usec, until_usec, step, max, ret);
}
