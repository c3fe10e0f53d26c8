/* SPDX-License-Identifier: MIT */
#pragma once
/* schedule-bed: a schedule whose time passes when the test says, and which tells what it decides in words.
 *
 * Time begins on Sunday, 2026-03-01 12:00:00 UTC. The trace names occurrences by day and minute in UTC, apart by blanks:
 *
 *     calendar:01-13:00            fired
 *     -calendar:01-13:00/down      missed
 *     -every:01-13:00..15:00*3/late   three of them
 *     ~01-13:00                    not missed after all
 */
#include "when/schedule.h"

#include <check.h>

struct schedule_bed {
        struct schedule schedule;
        struct schedule_config config;
        struct schedule_calendar calendars[4];
        struct schedule_now now;
        const char *boot_id;
        uint64_t random;
        usec_t at_usec; /* when something was decided last, wall time */
        char *saved;
        size_t saved_size;
        char trace[4000];
};

extern struct schedule_bed schedule_bed;

/* Of a checked fixture. At first there is no trigger; catch-up = latest, 100 within 1d. */
void schedule_bed_setup(void);
void schedule_bed_teardown(void);

/* Adds a calendar, or a cron line, in a zone of the system, "UTC" among them. Not after schedule_bed_go(). */
void schedule_bed_calendar(const char *expression, const char *zone);
void schedule_bed_cron(const char *line, const char *zone);

/* Makes it from the configuration, and arms it. */
void schedule_bed_go(void);

/* Both, for "hourly" in UTC. */
void schedule_bed_hourly(void);

/* Decides what is due now. */
void schedule_bed_run(void);
/* Lets time pass, with a wake-up whenever the schedule asks for one. */
void schedule_bed_pass(usec_t usec);
/* Time passes, and nobody wakes up. */
void schedule_bed_sleep(usec_t usec, enum missed_why why);
/* Sets the wall clock, as "01-13:00", and tells the schedule. */
void schedule_bed_set_clock(const char *when);
/* It is stopped, and another one goes on with what the first remembers after @usec; @reboot: on a machine that booted a
 * minute ago. With what has changed in the configuration since. */
void schedule_bed_restart(usec_t usec, bool reboot);

/* Starts what waits to be caught up, and traces it as "+calendar:01-13:00"; ends it. False: nothing waits. */
bool schedule_bed_take(void);

/* What was decided since this was asked last. */
const char *schedule_bed_trace(void);

/* "01-13:00" as realtime, and back. */
usec_t schedule_bed_time(const char *when);
const char *schedule_bed_name(usec_t usec, char buf[16]);

/* A test that runs @n times, with _i from 0, in the case called @name. */
struct schedule_bed_test {
        const char *name;
        const TTest *test;
        int n;
};

/* Runs them with the fixture, as suite @name; returns main's code. */
int schedule_bed_main(const char *name, const struct schedule_bed_test *tests, size_t n);
