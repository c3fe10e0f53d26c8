/* SPDX-License-Identifier: MIT */
/* schedule, for years: in each time zone of the system, a task is due for ten years while daemons are restarted and
 * crash, machines boot and sleep, operators pause it, and clocks are set, by seconds and by years. In the end each of its
 * occurrences was run once, or was told as missed once.
 *
 * What happens is in the store only once it was committed. A crash takes the rest with it: what the schedule had decided
 * since did not happen, and runs that were to begin had not begun.
 *
 * Every other task is one of `every`, on a machine whose clock is never set, so that what is due is known by wall time.
 *
 * Occurrences are enumerated beforehand, without the schedule: fixed times day by day by the rules of the zone, without
 * the calendar too.
 *
 * TEST_SEED chooses the seed, which is printed; TEST_YEARS how many years; TEST_ZONES at most how many zones, and TEST_ZONE
 * one alone.
 */
#include "base/random.h"
#include "when/schedule.h"

#include <check.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define ZONES_DIR "/usr/share/zoneinfo"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ZONES_DEFAULT 60
#else
#define ZONES_DEFAULT 1000
#endif

#define CALENDARS_MAX 3
#define AHEAD_MAX     (500 * USEC_PER_DAY) /* of the true time, how far a clock is set */

/* ---- what is to be ---- */

struct occurrences {
        struct {
                usec_t due_usec;
                uint8_t run, missed;
        } * items;
        size_t n, room;
};

/* What was decided and is not in the store yet. */
struct decision {
        enum { RUN, MISSED, NOT_MISSED } what;
        usec_t first_usec, last_usec;
        uint64_t n;
};

static struct years {
        uint64_t seed, random;
        const char *zone_name;
        struct zone *zone;
        struct calendar *calendars[CALENDARS_MAX];
        char text[CALENDARS_MAX][64];
        struct schedule_calendar uses[CALENDARS_MAX];
        struct schedule_config config;
        struct schedule schedule;
        struct occurrences expected;
        usec_t begin_usec;
        bool steady; /* the clock is never set */

        struct schedule_now now;
        int64_t ahead_usec; /* of the wall clock, of the true time */
        usec_t highest_usec;
        char boot_id[16];
        unsigned boots;

        struct decision *decisions;
        size_t n_decisions, decisions_room;
        struct schedule_memory memory;
        char digest[SCHEDULE_DIGEST_MAX], memory_boot_id[16];
        char *fired; /* of the memory */
        char *saved;
        size_t saved_size;
} y;

static struct { uint64_t schedules, occurrences, runs, missed, reopened, crashes, jumps; } total;

static _noreturn_ _printf_(1, 2) void broken(const char *format, ...) {
        va_list args;
        char text[400];

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        fprintf(stderr, "TEST_SEED=%" PRIu64 " TEST_ZONE=%s: %s | %s | %s, catch-up %d, at %" PRIu64 ": %s\n", y.seed,
                y.zone_name, y.text[0], y.text[1], y.text[2], (int)y.config.catch_up, y.now.wall_usec, text);
        ck_abort_msg("%s", text);
        abort();
}

static uint64_t draw(uint64_t n) {
        return random_below(&y.random, n);
}

static bool chance(unsigned percent) {
        return draw(100) < percent;
}

/* Mostly short, sometimes up to @max. */
static usec_t draw_span(usec_t max) {
        return 1 + draw(max >> draw(16));
}

static void expect(usec_t due_usec) {
        if (y.expected.n == y.expected.room) {
                y.expected.room = MAX(y.expected.room * 2, (size_t)1024);
                y.expected.items = reallocarray(y.expected.items, y.expected.room, sizeof(y.expected.items[0]));
                if (!y.expected.items)
                        abort();
        }
        y.expected.items[y.expected.n].due_usec = due_usec;
        y.expected.items[y.expected.n].run = y.expected.items[y.expected.n].missed = 0;
        y.expected.n++;
}

static int compare_due(const void *a, const void *b) {
        usec_t x = *(const usec_t *)a, z = *(const usec_t *)b;

        return x < z ? -1 : x > z;
}

/* The index of the first occurrence that is not before @usec. */
static size_t find(usec_t usec) {
        size_t low = 0, high = y.expected.n;

        while (low < high) {
                size_t middle = (low + high) / 2;

                if (y.expected.items[middle].due_usec < usec)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

/* ---- what is decided ---- */

static void note(struct decision decision) {
        if (y.n_decisions == y.decisions_room) {
                y.decisions_room = MAX(y.decisions_room * 2, (size_t)64);
                y.decisions = reallocarray(y.decisions, y.decisions_room, sizeof(y.decisions[0]));
                if (!y.decisions)
                        abort();
        }
        y.decisions[y.n_decisions++] = decision;
}

static void fire(const struct schedule_due *due, void *arg _unused_) {
        if (y.now.paused)
                broken("fired while paused");
        if (due->due_usec > y.now.wall_usec)
                broken("fired %" PRIu64 " before its time", due->due_usec);
        note((struct decision){ .what = RUN, .first_usec = due->due_usec, .last_usec = due->due_usec, .n = 1 });
}

static void missed(const struct schedule_missed *m, void *arg _unused_) {
        note((struct decision){ .what = MISSED, .first_usec = m->first_usec, .last_usec = m->last_usec, .n = m->n });
}

static void not_missed(usec_t due_usec, void *arg _unused_) {
        note((struct decision){ .what = NOT_MISSED, .first_usec = due_usec, .last_usec = due_usec, .n = 1 });
}

static const struct schedule_listener listener = { .fire = fire, .missed = missed, .not_missed = not_missed };

static void apply(const struct decision *decision) {
        size_t from = find(decision->first_usec), to = find(decision->last_usec + 1);

        if (decision->last_usec <= y.begin_usec) /* the clock was set back behind when the task was first seen */
                return;
        if (to - from != decision->n)
                broken("%d of %" PRIu64 "..%" PRIu64 ": %" PRIu64 ", but there are %zu", decision->what,
                       decision->first_usec, decision->last_usec, decision->n, to - from);
        for (size_t i = from; i < to; i++) {
                bool is_run = y.expected.items[i].run, is_missed = y.expected.items[i].missed;
                usec_t due = y.expected.items[i].due_usec;

                if (decision->what == NOT_MISSED ? !is_missed : is_run || is_missed)
                        broken("%" PRIu64 " was %s already, and is decided again: %d", due,
                               is_run      ? "run"
                               : is_missed ? "missed"
                                           : "neither",
                               decision->what);
                y.expected.items[i].missed = decision->what == MISSED;
                y.expected.items[i].run = decision->what == RUN;
        }
        total.reopened += decision->what == NOT_MISSED;
}

static void commit(void) {
        for (size_t i = 0; i < y.n_decisions; i++)
                apply(&y.decisions[i]);
        y.n_decisions = 0;
        if (schedule_save(&y.schedule, &y.now, &y.memory, &y.saved, &y.saved_size) < 0)
                abort();
        free(y.fired);
        y.fired = y.memory.fired ? strdup(y.memory.fired) : NULL;
        y.memory.fired = y.fired;
        memcpy(y.memory_boot_id, y.boot_id, sizeof(y.boot_id));
        y.memory.boot_id = y.memory_boot_id;
        y.memory.digest = schedule_digest(&y.schedule, y.digest);
}

/* ---- what happens ---- */

static void decide(void) {
        while (!schedule_run(&y.schedule, &y.now, &listener, 1 + (unsigned)draw(100)))
                if (chance(2))
                        return; /* something else happens first */
        if (chance(70))
                commit();
}

static void catch_up(unsigned percent) {
        struct schedule_due due;

        while (!y.now.paused && chance(percent) && schedule_has_backlog(&y.schedule)) {
                if (schedule_take(&y.schedule, &y.now, &listener, &due))
                        note((struct decision){
                                .what = RUN, .first_usec = due.due_usec, .last_usec = due.due_usec, .n = 1 });
                schedule_taken_ended(&y.schedule);
                if (chance(70))
                        commit();
        }
}

static void advance(usec_t usec) {
        y.now.wall_usec += usec;
        y.now.boot_usec += usec;
        y.highest_usec = MAX(y.highest_usec, y.now.wall_usec);
}

static void pass(usec_t usec) {
        for (;;) {
                usec_t boot = usec_sub(schedule_wake_boot(&y.schedule), y.now.boot_usec);
                usec_t wall = usec_sub(schedule_wake_wall(&y.schedule), y.now.wall_usec);
                usec_t wake = MIN(boot, wall), step = MIN(usec, wake);

                advance(step);
                usec -= step;
                if (step < wake)
                        return;
                if (chance(2))
                        advance(draw(3 * USEC_PER_SEC)); /* the loop was busy */
                decide();
                catch_up(80);
        }
}

static void start(void) {
        if (schedule_init(&y.schedule, &y.config) < 0 ||
            schedule_restore(&y.schedule, &y.memory, y.boot_id, &y.now) < 0)
                abort();
        y.now.start = true;
        decide();
        y.now.start = false;
}

static void restart(bool crash, bool reboot, usec_t down_usec) {
        if (crash)
                y.n_decisions = 0;
        else
                commit();
        total.crashes += crash;
        schedule_done(&y.schedule);
        advance(down_usec);
        if (reboot) {
                y.now.boot_usec = USEC_PER_MINUTE;
                (void)snprintf(y.boot_id, sizeof(y.boot_id), "boot-%u", ++y.boots);
        }
        start();
}

static void set_clock(int64_t ahead_usec) {
        if (y.steady)
                return;
        y.now.wall_usec = (usec_t)((int64_t)y.now.wall_usec - y.ahead_usec + ahead_usec);
        y.ahead_usec = ahead_usec;
        y.highest_usec = MAX(y.highest_usec, y.now.wall_usec);
        total.jumps++;
        if (chance(90))
                decide();
}

static void happen(void) {
        unsigned what = (unsigned)draw(100);

        if (what < 20)
                restart(false, what < 5, draw_span(3 * USEC_PER_DAY));
        else if (what < 40)
                restart(true, what < 30, draw_span(3 * USEC_PER_DAY));
        else if (what < 55) {
                advance(draw_span(2 * USEC_PER_DAY)); /* asleep */
                decide();
        } else if (what < 70)
                set_clock((int64_t)draw_span(4 * USEC_PER_HOUR) - (int64_t)draw_span(4 * USEC_PER_HOUR));
        else if (what < 74)
                set_clock((int64_t)draw_span(AHEAD_MAX));
        else if (what < 76)
                set_clock(-(int64_t)draw_span(30 * USEC_PER_DAY));
        else if (what < 85)
                set_clock(0);
        else if (what < 90)
                y.now.paused = !y.now.paused;
        catch_up(50);
}

/* ---- a task ---- */

static void parse(unsigned i) {
        char wrong[CALENDAR_WRONG_MAX];

        if (calendar_parse(y.text[i], &y.calendars[i], wrong) < 0)
                broken("%s", wrong);
        y.uses[i] = (struct schedule_calendar){ .calendar = y.calendars[i], .zone = y.zone, .trigger = "calendar" };
        y.config.n_calendars = i + 1;
}

/* A fixed time of the day, most of them where clocks are set. */
static void add_fixed(unsigned i, usec_t from_usec, usec_t to_usec) {
        unsigned hour = (unsigned)draw(chance(70) ? 4 : 24), minute = (unsigned)draw(4) * 15;
        unsigned weekday = (unsigned)draw(14);
        static const char *const names[] = { "Mon ", "Tue ", "Wed ", "Thu ", "Fri ", "Sat ", "Sun " };

        (void)snprintf(y.text[i], sizeof(y.text[i]), "%s*-*-* %02u:%02u", weekday < 7 ? names[weekday] : "", hour,
                       minute);
        parse(i);
        for (int64_t day = (int64_t)(from_usec / USEC_PER_DAY) - 3; day <= (int64_t)(to_usec / USEC_PER_DAY) + 3;
             day++) {
                int64_t utc[2];

                if (weekday < 7 && civil_weekday(day) != weekday)
                        continue;
                (void)zone_resolve(y.zone, day * CIVIL_SECS_PER_DAY + hour * 3600 + minute * 60, utc);
                expect((usec_t)utc[0] * USEC_PER_SEC);
        }
}

static void add_any(unsigned i, usec_t from_usec, usec_t to_usec) {
        static const char *const texts[] = { "*-*-* 00/6:00",   "Sun *-*-* 00..03:30",        "*-*-01..07 *:20",
                                             "*-*~01 23:59:59", "Sat,Sun *-*-* 01..02:00/40", "monthly" };
        struct occurrence occurrence = { .utc_usec = from_usec };

        (void)snprintf(y.text[i], sizeof(y.text[i]), "%s", texts[draw(ARRAY_SIZE(texts))]);
        parse(i);
        while (calendar_next(y.calendars[i], y.zone, occurrence.utc_usec, &occurrence) &&
               occurrence.utc_usec <= to_usec)
                expect(occurrence.utc_usec);
}

static void sort_expected(void) {
        size_t n = 0;

        qsort(y.expected.items, y.expected.n, sizeof(y.expected.items[0]), compare_due);
        for (size_t i = 0; i < y.expected.n; i++)
                if (y.expected.items[i].due_usec > y.begin_usec &&
                    (n == 0 || y.expected.items[n - 1].due_usec != y.expected.items[i].due_usec))
                        y.expected.items[n++] = y.expected.items[i];
        y.expected.n = n;
}

static void make_task(usec_t end_usec) {
        static const usec_t withins[] = { USEC_PER_HOUR, USEC_PER_DAY, 30 * USEC_PER_DAY };
        static const unsigned maxes[] = { 1, 5, 100 };
        unsigned n = 1 + (unsigned)draw(CALENDARS_MAX);

        y.config = (struct schedule_config){
                .calendars = y.uses,
                .catch_up = (enum catch_up)draw(_CATCH_UP_MAX),
                .catch_up_max = maxes[draw(ARRAY_SIZE(maxes))],
                .catch_up_within_usec = withins[draw(ARRAY_SIZE(withins))],
                .random = &y.random,
        };
        if (chance(30))
                y.config.splay_usec = draw(USEC_PER_HOUR);
        if (chance(30))
                y.config.jitter_usec = 1 + draw(10 * USEC_PER_MINUTE);
        y.expected.n = 0;
        memset(y.text, 0, sizeof(y.text));
        if (y.steady) {
                y.config.every_usec = USEC_PER_HOUR * (1 + draw(100)) + draw(1000);
                (void)snprintf(y.text[0], sizeof(y.text[0]), "every %" PRIu64, y.config.every_usec);
                for (usec_t due = y.begin_usec; due < end_usec; due += y.config.every_usec)
                        expect(due + y.config.every_usec);
                return;
        }
        for (unsigned i = 0; i < n; i++)
                if (i == 0 || chance(50))
                        add_fixed(i, y.begin_usec, end_usec);
                else
                        add_any(i, y.begin_usec, end_usec);
        sort_expected();
}

/* All is well again, and the clock is later than it ever was: now everything has been decided. */
static void finish(void) {
        size_t n;

        y.now.paused = false;
        if (y.now.wall_usec <= y.highest_usec)
                set_clock((int64_t)(y.highest_usec - y.now.wall_usec) + y.ahead_usec + (int64_t)USEC_PER_DAY);
        pass(2 * USEC_PER_DAY);
        while (!schedule_run(&y.schedule, &y.now, &listener, 1000))
                ;
        catch_up(100);
        commit();
        n = find(y.now.wall_usec - 2 * USEC_PER_HOUR); /* what is later may be delayed still */
        total.occurrences += n;
        for (size_t i = 0; i < n; i++) {
                total.runs += y.expected.items[i].run;
                total.missed += y.expected.items[i].missed;
                if (y.expected.items[i].run + y.expected.items[i].missed != 1)
                        broken("%" PRIu64 " was forgotten", y.expected.items[i].due_usec);
        }
}

static void live_through(usec_t years_usec) {
        usec_t end_usec;

        /* Some time from 1990 to 2040. */
        y.begin_usec = (UINT64_C(631152000) + draw(UINT64_C(50) * 365 * 86400)) * USEC_PER_SEC;
        end_usec = y.begin_usec + years_usec;
        make_task(end_usec + AHEAD_MAX + 1000 * USEC_PER_DAY);
        y.now = (struct schedule_now){ .wall_usec = y.begin_usec, .boot_usec = USEC_PER_HOUR, .why = MISSED_LATE };
        y.ahead_usec = 0;
        y.highest_usec = y.begin_usec;
        (void)snprintf(y.boot_id, sizeof(y.boot_id), "boot-%u", ++y.boots);
        y.n_decisions = 0;
        if (schedule_init(&y.schedule, &y.config) < 0)
                abort();
        schedule_arm(&y.schedule, &y.now);
        commit();
        while ((int64_t)y.now.wall_usec - y.ahead_usec < (int64_t)end_usec) {
                pass(draw_span(90 * USEC_PER_DAY));
                happen();
        }
        finish();
        schedule_done(&y.schedule);
        for (unsigned i = 0; i < y.config.n_calendars; i++)
                y.calendars[i] = calendar_free(y.calendars[i]);
        total.schedules++;
}

/* ---- zones ---- */

static char *names[2000];
static size_t n_names;

static int on_file(const char *path, const struct stat *st _unused_, int type, struct FTW *ftw _unused_) {
        const char *name = path + sizeof(ZONES_DIR);
        struct zone *zone;

        if (type != FTW_F || n_names == ARRAY_SIZE(names) || strncmp(name, "right/", 6) == 0 ||
            strncmp(name, "posix/", 6) == 0 || zone_load(name, &zone) < 0)
                return 0;
        zone_unref(zone);
        names[n_names++] = strdup(name);
        return 0;
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(each_occurrence_is_run_or_missed_once) {
        uint64_t n = from_environment("TEST_ZONES", ZONES_DEFAULT), years = from_environment("TEST_YEARS", 10);
        const char *only = getenv("TEST_ZONE");
        uint64_t seed = from_environment("TEST_SEED", (uint64_t)getpid() * 1000003 + clock_now(CLOCK_ID_REALTIME));
        uint64_t order = seed;

        printf("TEST_SEED=%" PRIu64 "\n", seed);
        (void)fflush(stdout);
        (void)nftw(ZONES_DIR, on_file, 16, FTW_PHYS);
        if (n_names == 0) {
                printf("no zones in " ZONES_DIR ": only UTC is tried\n");
                names[n_names++] = strdup("UTC");
        }
        for (size_t i = 0; i < n_names; i++) { /* any order, so that a part of them is not always the same */
                size_t k = i + random_below(&order, n_names - i);
                char *name = names[i];

                names[i] = names[k];
                names[k] = name;
        }
        for (size_t i = 0; i < n_names && n > 0; i++) {
                if (only && !streq(only, names[i]))
                        continue;
                n--;
                y.zone_name = names[i];
                y.seed = seed;
                y.random = seed; /* of each zone alone, so that one can be tried again */
                ck_assert_int_eq(zone_load(names[i], &y.zone), 0);
                for (const char *c = names[i]; *c; c++)
                        y.random = y.random * 31 + (unsigned char)*c;
                y.steady = false;
                live_through(years * 365 * USEC_PER_DAY);
                y.steady = true;
                live_through(years * 365 * USEC_PER_DAY);
                y.zone = zone_unref(y.zone);
        }
        printf("%" PRIu64 " tasks for %" PRIu64 " years: %" PRIu64 " occurrences, %" PRIu64 " run, %" PRIu64
               " missed, %" PRIu64 " after all; %" PRIu64 " crashes, %" PRIu64 " jumps of the clock\n",
               total.schedules, years, total.occurrences, total.runs, total.missed, total.reopened, total.crashes,
               total.jumps);
        if (!only) {
                ck_assert_uint_gt(total.runs, total.occurrences / 4);
                ck_assert_uint_gt(total.missed, 0);
                ck_assert_uint_gt(total.reopened, 0);
        }
        while (n_names > 0)
                free(names[--n_names]);
        free(y.expected.items);
        free(y.decisions);
        free(y.fired);
        free(y.saved);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("schedule-years");
        TCase *tcase = tcase_create("schedule-years");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_set_timeout(tcase, 0);
        tcase_add_test(tcase, each_occurrence_is_run_or_missed_once);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
