/* SPDX-License-Identifier: MIT */
/* schedule, for years: in each time zone of the system, a task is due for ten years while daemons are restarted and
 * crash, machines boot and sleep, operators pause it, and clocks are set, by seconds and by years. In the end each of its
 * occurrences was run once, or was told as missed once.
 *
 * What happens is in the store only once it was committed. A crash takes the rest with it: what the schedule had decided
 * since did not happen, and runs that were to begin had not begun.
 *
 * Each zone sees calendars, and one of three other kinds of tasks, on a machine whose clock is never set, so that what is
 * due is known by wall time: `every`, `every-from = end`, and fixed times in a zone whose rules are replaced by another's.
 *
 * Occurrences are enumerated beforehand, without the schedule: fixed times day by day by the rules of the zone, without
 * the calendar too. When the rules change, those that are not decided are put where the new ones have them. With
 * `every-from = end` there is one at a time, an interval after what counted last.
 *
 * A reload makes the schedule anew from what it remembers. When it brings other triggers, what they miss is counted from
 * then on.
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
#define ZONES_DEFAULT 30
#else
#define ZONES_DEFAULT 1000
#endif

#define CALENDARS_MAX 3
#define AHEAD_MAX     (500 * USEC_PER_DAY) /* of the true time, how far a clock is set */

/* ---- what is to be ---- */

enum kind { CALENDARS, EVERY, FROM_END, ZONES, _KIND_MAX };

struct occurrences {
        struct {
                usec_t due_usec;
                int64_t local_secs; /* of a fixed time */
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
        enum kind kind;
        bool is_cron;  /* what its calendars are told as; at each change the other, so that none stays the same */
        bool changing; /* to other triggers */

        /* every-from = end */
        usec_t from_usec, memory_from_usec; /* what is due next counts from here */
        usec_t ends_usec;                   /* of the run that is at work; 0: none */
        bool memory_at_work;                /* so it is in the store */

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

static struct {
        uint64_t schedules, occurrences, runs, missed, reopened, crashes, jumps, reloads, changes, zones;
} total;

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

static void expect(usec_t due_usec, int64_t local_secs) {
        if (y.expected.n == y.expected.room) {
                y.expected.room = MAX(y.expected.room * 2, (size_t)1024);
                y.expected.items = reallocarray(y.expected.items, y.expected.room, sizeof(y.expected.items[0]));
                if (!y.expected.items)
                        abort();
        }
        y.expected.items[y.expected.n].due_usec = due_usec;
        y.expected.items[y.expected.n].local_secs = local_secs;
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

/* The one that is next with every-from = end. */
static void expect_next(usec_t due_usec) {
        if (due_usec != y.from_usec + y.config.every_usec)
                broken("%" PRIu64 " is decided, an interval after %" PRIu64 " it is not", due_usec, y.from_usec);
}

/* Mostly it runs for a while; sometimes nothing is started. */
static void begin_run(usec_t due_usec) {
        expect_next(due_usec);
        if (y.ends_usec > 0)
                broken("%" PRIu64 " began while a run was at work", due_usec);
        y.from_usec = due_usec;
        y.ends_usec = y.now.wall_usec + (chance(90) ? draw_span(10 * USEC_PER_DAY) : 0);
}

static void run(usec_t due_usec) {
        if (due_usec > y.now.wall_usec && y.kind != CALENDARS)
                broken("%" PRIu64 " is run before its time", due_usec);
        if (y.kind == FROM_END)
                begin_run(due_usec);
        note((struct decision){ .what = RUN, .first_usec = due_usec, .last_usec = due_usec, .n = 1 });
}

static void fire(const struct schedule_due *due, void *arg _unused_) {
        if (y.now.paused)
                broken("fired while paused");
        if (due->due_usec > y.now.wall_usec) /* what is caught up may be, when the clock was ahead */
                broken("fired %" PRIu64 " before its time", due->due_usec);
        run(due->due_usec);
}

static void missed(const struct schedule_missed *m, void *arg _unused_) {
        if (y.changing) { /* it waited, and is due by no trigger any more */
                if (m->why != MISSED_CHANGED)
                        broken("a task with other triggers has missed %" PRIu64, m->last_usec);
                return;
        }
        if (y.kind == FROM_END) {
                expect_next(m->last_usec);
                y.from_usec = y.now.wall_usec;
        }
        note((struct decision){ .what = MISSED, .first_usec = m->first_usec, .last_usec = m->last_usec, .n = m->n });
}

static void not_missed(usec_t due_usec, void *arg _unused_) {
        note((struct decision){ .what = NOT_MISSED, .first_usec = due_usec, .last_usec = due_usec, .n = 1 });
}

static const struct schedule_listener listener = { .fire = fire, .missed = missed, .not_missed = not_missed };

static void apply(const struct decision *decision) {
        size_t from = find(decision->first_usec), to = find(decision->last_usec + 1), n = 0;

        if (y.kind == FROM_END) {
                if (decision->n != 1 || decision->what == NOT_MISSED)
                        broken("%d of %" PRIu64 " at once", decision->what, decision->n);
                total.occurrences++;
                total.runs += decision->what == RUN;
                total.missed += decision->what == MISSED;
                return;
        }
        if (decision->last_usec <= y.begin_usec &&
            y.kind == CALENDARS) /* the clock was set back behind when the task was first seen */
                return;
        for (size_t i = from; i < to; i++)
                n += i == from || y.expected.items[i].due_usec != y.expected.items[i - 1].due_usec;
        if (n != decision->n)
                broken("%d of %" PRIu64 "..%" PRIu64 ": %" PRIu64 ", but there are %zu", decision->what,
                       decision->first_usec, decision->last_usec, decision->n, n);
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
        y.memory_from_usec = y.from_usec;
        y.memory_at_work = y.ends_usec > 0;
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

/* Nothing is due any more. */
static void expect_decided(void) {
        if (y.kind == FROM_END && y.ends_usec == 0 && !y.schedule.backlog &&
            y.from_usec + y.config.every_usec + y.config.splay_usec + y.config.jitter_usec < y.now.wall_usec)
                broken("an interval after %" PRIu64 " was forgotten", y.from_usec);
}

static void decide(void) {
        while (!schedule_run(&y.schedule, &y.now, &listener, 1 + (unsigned)draw(100)))
                if (chance(2))
                        return; /* something else happens first */
        expect_decided();
        if (chance(70))
                commit();
}

static void catch_up(unsigned percent) {
        struct schedule_due due;

        while (!y.now.paused && chance(percent) && schedule_has_backlog(&y.schedule)) {
                if (schedule_take(&y.schedule, &y.now, &listener, &due))
                        run(due.due_usec);
                if (y.ends_usec == 0)
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

static void end_run(void) {
        y.ends_usec = 0;
        schedule_taken_ended(&y.schedule);
        schedule_run_ended(&y.schedule, &y.now);
        y.from_usec = y.now.wall_usec;
}

static void pass(usec_t usec) {
        for (;;) {
                usec_t boot = usec_sub(schedule_wake_boot(&y.schedule), y.now.boot_usec);
                usec_t wall = usec_sub(schedule_wake_wall(&y.schedule), y.now.wall_usec);
                usec_t ends = y.ends_usec > 0 ? usec_sub(y.ends_usec, y.now.wall_usec) : USEC_INFINITY;
                usec_t due = MIN(boot, wall), wake = MIN(due, ends), step = MIN(usec, wake);

                advance(step);
                usec -= step;
                if (step < wake)
                        return;
                if (chance(2))
                        advance(draw(3 * USEC_PER_SEC)); /* the loop was busy */
                if (y.ends_usec > 0 && y.ends_usec <= y.now.wall_usec)
                        end_run();
                decide();
                catch_up(80);
        }
}

static void make_schedule(const struct schedule_memory *memory) {
        if (schedule_init(&y.schedule, &y.config) < 0 || schedule_restore(&y.schedule, memory, y.boot_id, &y.now) < 0)
                abort();
}

/* A run that was at work ended with its daemon, as far as anybody knows just now. */
static void start(void) {
        if (y.memory_at_work)
                y.from_usec = y.now.wall_usec;
        y.ends_usec = 0;
        y.now.start = true;
        make_schedule(&y.memory);
        decide();
        y.now.start = false;
}

/* What tells no triggers from others. */
static void draw_config(void) {
        static const usec_t withins[] = { USEC_PER_HOUR, USEC_PER_DAY, 30 * USEC_PER_DAY };
        static const unsigned maxes[] = { 1, 5, 100 };

        y.config.catch_up = (enum catch_up)draw(_CATCH_UP_MAX);
        y.config.catch_up_max = maxes[draw(ARRAY_SIZE(maxes))];
        y.config.catch_up_within_usec = withins[draw(ARRAY_SIZE(withins))];
        y.config.splay_usec = chance(30) ? draw(USEC_PER_HOUR) : 0;
        y.config.jitter_usec = chance(30) ? 1 + draw(10 * USEC_PER_MINUTE) : 0;
}

/* The same triggers: from what there is, which need not be in the store. */
static void reload(void) {
        char digest[SCHEDULE_DIGEST_MAX], boot_id[sizeof(y.boot_id)];
        _cleanup_(freep) char *saved = NULL;
        struct schedule_memory memory;
        size_t size = 0;

        if (schedule_save(&y.schedule, &y.now, &memory, &saved, &size) < 0)
                abort();
        memory.digest = schedule_digest(&y.schedule, digest);
        memcpy(boot_id, y.boot_id, sizeof(boot_id));
        memory.boot_id = boot_id;
        schedule_done(&y.schedule);
        if (chance(50))
                draw_config();
        make_schedule(&memory);
        decide();
        total.reloads++;
}

static void restart(bool crash, bool reboot, usec_t down_usec) {
        if (crash) {
                y.n_decisions = 0;
                y.from_usec = y.memory_from_usec;
        } else {
                schedule_disarm(&y.schedule);
                if (y.ends_usec > 0 && chance(50))
                        end_run(); /* it is cancelled at the daemon's end */
                commit();
        }
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
        if (y.kind != CALENDARS)
                return;
        y.now.wall_usec = (usec_t)((int64_t)y.now.wall_usec - y.ahead_usec + ahead_usec);
        y.ahead_usec = ahead_usec;
        y.highest_usec = MAX(y.highest_usec, y.now.wall_usec);
        total.jumps++;
        if (chance(90))
                decide();
}

/* ---- a task ---- */

static void parse(unsigned i) {
        char wrong[CALENDAR_WRONG_MAX];

        if (calendar_parse(y.text[i], &y.calendars[i], wrong) < 0)
                broken("%s", wrong);
        y.uses[i] = (struct schedule_calendar){ .calendar = y.calendars[i],
                                                .zone = y.zone,
                                                .trigger = y.is_cron ? "cron" : "calendar" };
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
                int64_t local = day * CIVIL_SECS_PER_DAY + hour * 3600 + minute * 60, utc[2];

                if (weekday < 7 && civil_weekday(day) != weekday)
                        continue;
                (void)zone_resolve(y.zone, local, utc);
                expect((usec_t)utc[0] * USEC_PER_SEC, local);
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
                expect(occurrence.utc_usec, 0);
}

/* Each instant once, but where local times may come apart by other rules. */
static void sort_expected(void) {
        size_t n = 0;

        qsort(y.expected.items, y.expected.n, sizeof(y.expected.items[0]), compare_due);
        for (size_t i = 0; i < y.expected.n; i++)
                if (y.expected.items[i].due_usec > y.begin_usec &&
                    (y.kind == ZONES || n == 0 || y.expected.items[n - 1].due_usec != y.expected.items[i].due_usec))
                        y.expected.items[n++] = y.expected.items[i];
        y.expected.n = n;
}

static void make_task(usec_t end_usec) {
        unsigned n = 1 + (unsigned)draw(CALENDARS_MAX);

        y.config = (struct schedule_config){ .calendars = y.uses, .random = &y.random };
        draw_config();
        y.begin_usec = y.from_usec = y.now.wall_usec;
        y.expected.n = 0;
        memset(y.text, 0, sizeof(y.text));
        if (y.kind == EVERY || y.kind == FROM_END) {
                y.config.every_usec = USEC_PER_HOUR * (1 + draw(100)) + draw(1000);
                y.config.from_end = y.kind == FROM_END;
                (void)snprintf(y.text[0], sizeof(y.text[0]), "every %" PRIu64, y.config.every_usec);
                for (usec_t due = y.begin_usec; y.kind == EVERY && due < end_usec; due += y.config.every_usec)
                        expect(due + y.config.every_usec, 0);
                return;
        }
        for (unsigned i = 0; i < n; i++)
                if (i == 0 || y.kind == ZONES || chance(50))
                        add_fixed(i, y.begin_usec, end_usec);
                else
                        add_any(i, y.begin_usec, end_usec);
        sort_expected();
}

static void free_calendars(void) {
        for (unsigned i = 0; i < y.config.n_calendars; i++)
                y.calendars[i] = calendar_free(y.calendars[i]);
        y.config.n_calendars = 0;
}

/* ---- the rules of the zone change ---- */

static char *names[2000];
static size_t n_names;

/* The rules of another zone, under the same name. */
static struct zone *draw_rules(void) {
        static char data[ZONE_FILE_MAX];
        char path[300];
        struct zone *zone = NULL;
        FILE *file;
        size_t n;

        (void)snprintf(path, sizeof(path), ZONES_DIR "/%s", names[draw(n_names)]);
        file = fopen(path, "re");
        if (!file)
                return zone_ref(y.zone);
        n = fread(data, 1, sizeof(data), file);
        (void)fclose(file);
        if (zone_parse(data, n, y.zone_name, &zone) < 0)
                broken("%s", path);
        return zone;
}

/* What is not decided is due by other rules, may it be long ago. */
static void move_expected(void) {
        size_t n = 0;

        for (size_t i = 0; i < y.expected.n; i++) {
                int64_t utc[2];

                if (y.expected.items[i].run || y.expected.items[i].missed)
                        continue;
                (void)zone_resolve(y.zone, y.expected.items[i].local_secs, utc);
                y.expected.items[n] = y.expected.items[i];
                y.expected.items[n++].due_usec = (usec_t)utc[0] * USEC_PER_SEC;
        }
        y.expected.n = n;
        qsort(y.expected.items, y.expected.n, sizeof(y.expected.items[0]), compare_due);
}

static bool waits(usec_t due_usec) {
        const struct schedule_backlog *backlog = y.schedule.backlog;

        for (unsigned i = 0; backlog && i < backlog->n; i++)
                if (backlog->items[backlog->first + i].due_usec == due_usec)
                        return true;
        return false;
}

/* All is decided up to @until_usec, but for what waits to be caught up. */
static void account(usec_t until_usec) {
        size_t n = find(until_usec);

        for (size_t i = 0; i < n; i++) {
                total.runs += y.expected.items[i].run;
                total.missed += y.expected.items[i].missed;
                if (y.expected.items[i].run + y.expected.items[i].missed != 1 && !waits(y.expected.items[i].due_usec))
                        broken("%" PRIu64 " was forgotten", y.expected.items[i].due_usec);
        }
        total.occurrences += n;
}

static void settle(void) {
        while (!schedule_run(&y.schedule, &y.now, &listener, 1000))
                ;
}

/* Under the daemon, or while it is down. */
static void change_zone(void) {
        struct zone *zone = draw_rules();

        settle();
        catch_up(100);
        commit();
        account(y.now.wall_usec - 2 * USEC_PER_HOUR);
        zone_unref(y.zone);
        y.zone = zone;
        move_expected();
        for (unsigned i = 0; i < y.config.n_calendars; i++)
                y.uses[i].zone = zone;
        total.zones++;
        if (chance(30)) {
                restart(chance(50), chance(50), draw_span(3 * USEC_PER_DAY));
                return;
        }
        for (unsigned i = 0; i < y.config.n_calendars; i++)
                schedule_set_zone(&y.schedule, i, zone, &y.now);
        decide();
}

/* ---- other triggers ---- */

/* By a reload, when a run that is at work goes on, or while the daemon was down. What waits to be caught up is missed. */
static void change_triggers(usec_t end_usec) {
        char before[sizeof(y.text)];
        bool down = chance(30);

        settle();
        commit();
        if (y.kind != FROM_END)
                account(y.now.wall_usec - 2 * USEC_PER_HOUR);
        schedule_done(&y.schedule);
        if (down)
                advance(draw_span(3 * USEC_PER_DAY));
        memcpy(before, y.text, sizeof(before));
        if (down)
                y.ends_usec = 0;
        y.is_cron = !y.is_cron;
        do {
                free_calendars();
                make_task(end_usec);
        } while (memcmp(before, y.text, sizeof(before)) == 0);
        y.now.start = down;
        y.changing = true;
        make_schedule(&y.memory);
        settle();
        y.changing = y.now.start = false;
        if (y.n_decisions > 0 || y.schedule.backlog)
                broken("a task with other triggers had missed something");
        commit();
        total.changes++;
}

/* ---- a life ---- */

static void happen(void) {
        unsigned what = (unsigned)draw(100);

        if (what < 10)
                reload();
        else if (what < 20)
                restart(false, what < 14, draw_span(3 * USEC_PER_DAY));
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
                y.now.paused = !y.now.paused && y.kind != ZONES;
        else if (y.kind == ZONES)
                change_zone();
        catch_up(50);
}

/* All is well again, and the clock is later than it ever was: now everything has been decided. */
static void finish(void) {
        y.now.paused = false;
        if (y.now.wall_usec <= y.highest_usec)
                set_clock((int64_t)(y.highest_usec - y.now.wall_usec) + y.ahead_usec + (int64_t)USEC_PER_DAY);
        pass(2 * USEC_PER_DAY);
        settle();
        catch_up(100);
        commit();
        if (y.kind != FROM_END)
                account(y.now.wall_usec - 2 * USEC_PER_HOUR); /* what is later may be delayed still */
        if (y.schedule.backlog)
                broken("something waits to be caught up still");
}

static void live_through(enum kind kind, usec_t years_usec) {
        usec_t begin_usec, end_usec, horizon_usec;

        y.kind = kind;
        /* Some time from 1990 to 2040. */
        begin_usec = (UINT64_C(631152000) + draw(UINT64_C(50) * 365 * 86400)) * USEC_PER_SEC;
        end_usec = begin_usec + years_usec;
        horizon_usec = end_usec + AHEAD_MAX + 1000 * USEC_PER_DAY;
        y.now = (struct schedule_now){ .wall_usec = begin_usec, .boot_usec = USEC_PER_HOUR, .why = MISSED_LATE };
        y.ahead_usec = 0;
        y.highest_usec = begin_usec;
        (void)snprintf(y.boot_id, sizeof(y.boot_id), "boot-%u", ++y.boots);
        y.n_decisions = 0;
        make_task(horizon_usec);
        make_schedule(NULL);
        commit();
        while ((int64_t)y.now.wall_usec - y.ahead_usec < (int64_t)end_usec) {
                pass(draw_span(90 * USEC_PER_DAY));
                if (chance(1))
                        change_triggers(horizon_usec);
                else
                        happen();
        }
        finish();
        schedule_done(&y.schedule);
        free_calendars();
        total.schedules++;
}

/* ---- zones ---- */

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
        uint64_t seed = from_environment("TEST_SEED", 1);
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
                live_through(CALENDARS, years * 365 * USEC_PER_DAY);
                live_through(1 + i % (_KIND_MAX - 1), years * 365 * USEC_PER_DAY);
                y.zone = zone_unref(y.zone);
        }
        printf("%" PRIu64 " tasks for %" PRIu64 " years: %" PRIu64 " occurrences, %" PRIu64 " run, %" PRIu64
               " missed, %" PRIu64 " after all; %" PRIu64 " crashes, %" PRIu64 " jumps of the clock, %" PRIu64
               " reloads, %" PRIu64 " with other triggers, %" PRIu64 " changes of rules\n",
               total.schedules, years, total.occurrences, total.runs, total.missed, total.reopened, total.crashes,
               total.jumps, total.reloads, total.changes, total.zones);
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
