/* SPDX-License-Identifier: MIT */
/* lint_when: warnings about when tasks start, and for how long they may not be ok.
 *
 * What depends on the date on which it is looked at can only be a warning here, never an error: a configuration that is
 * taken today is taken tomorrow. So it is with the distances between the next occurrences of a calendar.
 */
#include "base/text.h"
#include "config/lint.h"
#include "when/calendar.h"

/* Occurrences that are looked at: the weekdays of some weeks. */
#define OCCURRENCES 40

/* The first occurrence of any of these later than @after; USEC_INFINITY: there is none. */
static usec_t next_of(const struct task_calendar *calendars, size_t n, usec_t after) {
        usec_t first = USEC_INFINITY;
        struct occurrence next;

        for (size_t i = 0; i < n; i++) {
                if (calendar_next(calendars[i].calendar, calendars[i].zone, after, &next))
                        first = MIN(first, next.utc_usec);
        }
        return first;
}

struct distances {
        usec_t least; /* USEC_INFINITY: there is none */
        usec_t most;  /* 0: the same */
};

/* Between the next occurrences of the task's calendars. */
static void measure(const struct task *task, struct distances *ret) {
        const struct when_part *when = task->when;
        usec_t last = clock_now(CLOCK_ID_REALTIME);

        *ret = (struct distances){ .least = USEC_INFINITY };
        for (size_t i = 0; when && i < OCCURRENCES; i++) {
                usec_t next = MIN(next_of(when->calendars, when->n_calendars, last),
                                  next_of(when->crons, when->n_crons, last));

                if (next == USEC_INFINITY)
                        return;
                if (i > 0) {
                        ret->least = MIN(ret->least, next - last);
                        ret->most = MAX(ret->most, next - last);
                }
                last = next;
        }
}

/* ---- calendars ---- */

static void check_each(struct lint *lint, const struct raw_section *section, const char *key,
                       const struct task_calendar *calendars, size_t n) {
        struct occurrence next;

        for (size_t i = 0; i < n; i++) {
                if (!calendar_next(calendars[i].calendar, calendars[i].zone, clock_now(CLOCK_ID_REALTIME), &next))
                        lint_tell(lint, section, key, "%s never elapses%s",
                                  load_shown(section, key, calendar_text(calendars[i].calendar)),
                                  calendar_next(calendars[i].calendar, calendars[i].zone, 0, &next) ? " again" : "");
        }
}

static void check_elapses(struct lint *lint, struct raw_section *section) {
        const struct when_part *when = section->task ? section->task->when : NULL;

        if (!when)
                return;
        check_each(lint, section, "calendar", when->calendars, when->n_calendars);
        check_each(lint, section, "cron", when->crons, when->n_crons);
}

static void tell_lost(struct lint *lint, const struct raw_section *section, const char *key,
                      const struct task_calendar *calendars, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (calendar_is_lost(calendars[i].calendar, calendars[i].zone, clock_now(CLOCK_ID_REALTIME)))
                        lint_tell(
                                lint, section, key,
                                "%s is not due on the day on which clocks in %s are set forward over all of its times "
                                "(a fixed time would be, after the gap)",
                                load_shown(section, key, calendar_text(calendars[i].calendar)),
                                zone_name(calendars[i].zone));
}

static void check_lost(struct lint *lint, struct raw_section *section) {
        const struct when_part *when = section->task ? section->task->when : NULL;

        if (!when)
                return;
        tell_lost(lint, section, "calendar", when->calendars, when->n_calendars);
        tell_lost(lint, section, "cron", when->crons, when->n_crons);
}

static void check_delays(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        usec_t delay = task ? usec_add(task->jitter_usec, task->splay_usec) : 0;
        struct distances distances;
        char buf[TEXT_USEC_MAX];

        if (delay == 0 || !task->when)
                return;
        measure(task, &distances);
        if (delay >= distances.least)
                lint_tell(lint, section, task->splay_usec > 0 ? "splay" : "jitter",
                          "jitter and splay together are not below %s, the least time between its occurrences",
                          text_format_usec(distances.least, buf));
}

/* ---- keys that mean nothing without others ---- */

static void check_zone(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        if (task && raw_section_find(section, "timezone") &&
            (!task->when || task->when->n_calendars + task->when->n_crons == 0))
                lint_tell(lint, section, "timezone", "means nothing without calendar or cron");
}

static void check_catch_up(struct lint *lint, struct raw_section *section) {
        static const char *const keys[] = { "catch-up", "catch-up-max", "catch-up-within" };
        const struct task *task = section->task;

        for (size_t i = 0; task && i < ARRAY_SIZE(keys); i++) {
                if (!raw_section_find(section, keys[i]))
                        continue;
                if (!task_is_timed(task))
                        lint_tell(lint, section, keys[i], "means nothing without every, calendar or cron");
                else if (i == 1 && task->catch_up != CATCH_UP_ALL)
                        lint_tell(lint, section, keys[i], "means nothing without catch-up = all");
                else if (i == 2 && task->catch_up == CATCH_UP_NONE)
                        lint_tell(lint, section, keys[i], "means nothing with catch-up = none");
        }
}

static void check_watch(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        if (task && task->when && task->when->watch && task->overlap == OVERLAP_SKIP)
                lint_tell(lint, section, "overlap",
                          "with skip nobody looks at what arrives while it runs (queue, which watch makes the default, "
                          "does)");
}

/* ---- staleness ---- */

static void check_stale_keys(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        if (!task || !task->enabled)
                return;
        if (task->stale_after_usec != USEC_INFINITY && task->on_stale.n == 0)
                lint_tell(lint, section, "stale-after", "no hook sees that it is stale (on-stale)");
        if (task->stale_after_usec == USEC_INFINITY && raw_section_find(section, "on-stale"))
                lint_tell(lint, section, "on-stale", "means nothing without stale-after");
}

/* The longest time between two starts that triggers bring; 0: nothing is known of it. */
static usec_t longest_pause(const struct task *task) {
        struct distances distances;
        usec_t most;

        measure(task, &distances);
        most = task->every_usec == 0 ? distances.most
               : distances.most == 0 ? task->every_usec
                                     : MIN(task->every_usec, distances.most);
        return most > 0 ? usec_add(most, task->jitter_usec) : 0;
}

static void check_stale_after(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        char bound[TEXT_USEC_MAX], pause[TEXT_USEC_MAX];
        usec_t longest;

        if (!task || task->stale_after_usec == USEC_INFINITY || !task_is_timed(task))
                return;
        longest = longest_pause(task);
        if (longest >= task->stale_after_usec)
                lint_tell(
                        lint, section, "stale-after",
                        "%s is not longer than %s, the longest time between two of its starts: it will be stale before "
                        "it can be ok again",
                        text_format_usec(task->stale_after_usec, bound), text_format_usec(longest, pause));
}

int load_lint_when(struct load *load) {
        static const struct lint_rule rules[] = {
                { "a calendar never elapses", check_elapses },
                { "a calendar is lost when clocks are set forward", check_lost },
                { "jitter and splay are too long", check_delays },
                { "timezone without calendar", check_zone },
                { "catch-up without what can be missed", check_catch_up },
                { "a watch that skips", check_watch },
                { "stale-after and on-stale without each other", check_stale_keys },
                { "stale-after is too short", check_stale_after },
        };
        struct lint lint = { .load = load };

        lint_run(&lint, rules, ARRAY_SIZE(rules));
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
