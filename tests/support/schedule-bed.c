/* SPDX-License-Identifier: MIT */
/* schedule-bed: see schedule-bed.h. */
#include "support/schedule-bed.h"

#include "when/cron.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define START (UINT64_C(1772366400) * USEC_PER_SEC)
#define MONTH (UINT64_C(1772323200) * USEC_PER_SEC) /* 2026-03-01 00:00:00 */

struct schedule_bed schedule_bed;

static struct calendar *parsed[ARRAY_SIZE(schedule_bed.calendars)];
static struct zone *zones[ARRAY_SIZE(schedule_bed.calendars)];
static char last_trace[sizeof(schedule_bed.trace)];

/* ---- names ---- */

usec_t schedule_bed_time(const char *when) {
        unsigned day, hour, minute;

        ck_assert_int_eq(sscanf(when, "%u-%u:%u", &day, &hour, &minute), 3);
        return MONTH + (day - 1) * USEC_PER_DAY + hour * USEC_PER_HOUR + minute * USEC_PER_MINUTE;
}

const char *schedule_bed_name(usec_t usec, char buf[16]) {
        usec_t minute = (usec - MONTH) / USEC_PER_MINUTE;

        (void)snprintf(buf, 16, "%02u-%02u:%02u", (unsigned)(minute / 1440 + 1) % 100, (unsigned)(minute / 60 % 24),
                       (unsigned)(minute % 60));
        return buf;
}

static _printf_(1, 2) void trace(const char *format, ...) {
        size_t used = strlen(schedule_bed.trace);
        va_list args;

        if (used > 0 && used + 1 < sizeof(schedule_bed.trace))
                schedule_bed.trace[used++] = ' ';
        va_start(args, format);
        (void)vsnprintf(schedule_bed.trace + used, sizeof(schedule_bed.trace) - used, format, args);
        va_end(args);
        schedule_bed.at_usec = schedule_bed.now.wall_usec;
}

const char *schedule_bed_trace(void) {
        memcpy(last_trace, schedule_bed.trace, sizeof(last_trace));
        schedule_bed.trace[0] = '\0';
        return last_trace;
}

/* ---- what it tells ---- */

static void fire(const struct schedule_due *due, void *arg _unused_) {
        char name[16];

        trace("%s:%s", due->trigger, schedule_bed_name(due->due_usec, name));
}

static void missed(const struct schedule_missed *missed, void *arg _unused_) {
        char first[16], last[16];

        if (missed->n == 1)
                trace("-%s:%s/%s", missed->trigger, schedule_bed_name(missed->first_usec, first),
                      missed_why_to_string(missed->why));
        else
                trace("-%s:%s..%s*%" PRIu64 "/%s", missed->trigger, schedule_bed_name(missed->first_usec, first),
                      schedule_bed_name(missed->last_usec, last) + 3, missed->n, missed_why_to_string(missed->why));
        ck_assert_uint_eq(missed->n == 1, missed->first_usec == missed->last_usec);
}

static void not_missed(usec_t due_usec, void *arg _unused_) {
        char name[16];

        trace("~%s", schedule_bed_name(due_usec, name));
}

static const struct schedule_listener listener = { .fire = fire, .missed = missed, .not_missed = not_missed };

/* ---- the bed ---- */

void schedule_bed_setup(void) {
        schedule_bed = (struct schedule_bed){
                .now = { .wall_usec = START, .boot_usec = 5000 * USEC_PER_SEC, .why = MISSED_LATE },
                .boot_id = "first",
                .random = 1,
                .config = {
                        .calendars = schedule_bed.calendars,
                        .catch_up = CATCH_UP_LATEST,
                        .catch_up_max = 100,
                        .catch_up_within_usec = USEC_PER_DAY,
                        .random = &schedule_bed.random,
                },
        };
}

void schedule_bed_teardown(void) {
        schedule_done(&schedule_bed.schedule);
        free(schedule_bed.saved);
        for (size_t i = 0; i < schedule_bed.config.n_calendars; i++) {
                calendar_free(parsed[i]);
                zone_unref(zones[i]);
        }
}

static void add(struct calendar *calendar, const char *zone, const char *trigger) {
        size_t i = schedule_bed.config.n_calendars++;

        ck_assert_uint_lt(i, ARRAY_SIZE(parsed));
        parsed[i] = calendar;
        ck_assert_int_eq(zone_load(zone, &zones[i]), 0);
        schedule_bed.calendars[i] =
                (struct schedule_calendar){ .calendar = calendar, .zone = zones[i], .trigger = trigger };
}

void schedule_bed_calendar(const char *expression, const char *zone) {
        struct calendar *calendar;
        char wrong[CALENDAR_WRONG_MAX];

        ck_assert_int_eq(calendar_parse(expression, &calendar, wrong), 0);
        add(calendar, zone, "calendar");
}

void schedule_bed_cron(const char *line, const char *zone) {
        struct calendar *calendar;
        char wrong[CALENDAR_WRONG_MAX];

        ck_assert_int_eq(cron_parse(line, &calendar, wrong), 0);
        add(calendar, zone, "cron");
}

void schedule_bed_go(void) {
        ck_assert_int_eq(schedule_init(&schedule_bed.schedule, &schedule_bed.config), 0);
        schedule_arm(&schedule_bed.schedule, &schedule_bed.now);
}

void schedule_bed_hourly(void) {
        schedule_bed_calendar("hourly", "UTC");
        schedule_bed_go();
}

void schedule_bed_run(void) {
        unsigned n = 0;

        while (!schedule_run(&schedule_bed.schedule, &schedule_bed.now, &listener, 100))
                ck_assert_uint_lt(++n, 10000000);
}

static void advance(usec_t usec) {
        schedule_bed.now.wall_usec += usec;
        schedule_bed.now.boot_usec += usec;
}

void schedule_bed_pass(usec_t usec) {
        for (;;) {
                usec_t boot = usec_sub(schedule_wake_boot(&schedule_bed.schedule), schedule_bed.now.boot_usec);
                usec_t wall = usec_sub(schedule_wake_wall(&schedule_bed.schedule), schedule_bed.now.wall_usec);
                usec_t wake = MIN(boot, wall), step = MIN(usec, wake);

                advance(step);
                usec -= step;
                if (step < wake)
                        return;
                schedule_bed_run();
        }
}

void schedule_bed_sleep(usec_t usec, enum missed_why why) {
        advance(usec);
        schedule_bed.now.why = why;
        schedule_bed_run();
        schedule_bed.now.why = MISSED_LATE;
}

void schedule_bed_set_clock(const char *when) {
        schedule_bed.now.wall_usec = schedule_bed_time(when);
        schedule_bed.now.why = MISSED_CLOCK;
        schedule_bed_run();
        schedule_bed.now.why = MISSED_LATE;
}

void schedule_bed_restart(usec_t usec, bool reboot) {
        char digest[SCHEDULE_DIGEST_MAX];
        struct schedule_memory memory;

        ck_assert_int_eq(schedule_save(&schedule_bed.schedule, &schedule_bed.now, &memory, &schedule_bed.saved,
                                       &schedule_bed.saved_size),
                         0);
        memory.digest = schedule_digest(&schedule_bed.schedule, digest);
        memory.boot_id = schedule_bed.boot_id;
        schedule_done(&schedule_bed.schedule);
        advance(usec);
        if (reboot) {
                schedule_bed.boot_id = "another";
                schedule_bed.now.boot_usec = USEC_PER_MINUTE;
        }
        schedule_bed.now.start = true;
        schedule_bed.now.why = MISSED_DOWN;
        ck_assert_int_eq(schedule_init(&schedule_bed.schedule, &schedule_bed.config), 0);
        ck_assert_int_eq(schedule_restore(&schedule_bed.schedule, &memory, schedule_bed.boot_id, &schedule_bed.now), 0);
        schedule_bed_run();
        schedule_bed.now.start = false;
        schedule_bed.now.why = MISSED_LATE;
}

bool schedule_bed_take(void) {
        struct schedule_due due;
        char name[16];

        if (!schedule_has_backlog(&schedule_bed.schedule) ||
            !schedule_take(&schedule_bed.schedule, &schedule_bed.now, &listener, &due))
                return false;
        trace("+%s:%s", due.trigger, schedule_bed_name(due.due_usec, name));
        schedule_taken_ended(&schedule_bed.schedule);
        return true;
}

int schedule_bed_main(const char *name, const struct schedule_bed_test *tests, size_t n) {
        Suite *suite = suite_create(name);
        SRunner *runner = srunner_create(suite);
        int failed;

        for (size_t i = 0; i < n; i++) {
                TCase *tcase = tcase_create(tests[i].name);

                tcase_add_checked_fixture(tcase, schedule_bed_setup, schedule_bed_teardown);
                tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].n);
                suite_add_tcase(suite, tcase);
        }
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
