/* SPDX-License-Identifier: MIT */
/* status_line: what `systemctl status` says of the daemon: STATUS=, and while it ends how long it may take.
 *
 * An event makes the line stale, and a timer makes it anew, MIN_INTERVAL after the last one at the earliest; without events
 * there is no timer, so that an idle daemon sleeps on. What is wrong is looked for in slices, as there may be many
 * thousands of tasks. A line that has not changed is not sent.
 *
 * While it finishes it is still up for systemd, and nothing bounds it. While it drains or stops, TimeoutStopSec= must not cut
 * short what drain-timeout and shutdown-timeout allow. The time is extended by little again and again, so that a loop that is
 * stuck is killed in the end.
 */
#include "runner_private.h"

#include "control/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define MIN_INTERVAL   (2 * USEC_PER_SEC)
#define SLICE          1000 /* tasks that are looked at in a turn */
#define NAMES_MAX      3
#define EXTEND_EVERY   (10 * USEC_PER_SEC)
#define EXTEND_BY      (45 * USEC_PER_SEC)
#define CLOCK_TEXT_MAX sizeof("00:00:00")

static bool is_ending(const struct runner *runner) {
        return runner->phase == RUNNER_DRAINING || runner->phase == RUNNER_STOPPING;
}

/* ---- the text ---- */

__attribute__((format(printf, 2, 3))) static void add(struct status_line *line, const char *format, ...) {
        size_t room = sizeof(line->text) - line->n;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line->text + line->n, room, format, args);
        va_end(args);
        line->n += n < 0 ? 0 : MIN((size_t)n, room - 1);
}

/* "a, b, c and 4 more": the @i-th name of @n, of which the first few are told. */
static void add_name(struct status_line *line, size_t i, const char *name) {
        if (i < NAMES_MAX)
                add(line, "%s%s", i == 0 ? " " : ", ", name);
}

static void add_more(struct status_line *line, size_t n) {
        if (n > NAMES_MAX)
                add(line, " and %zu more", n - NAMES_MAX);
}

static const char *format_clock(usec_t realtime_usec, char buf[CLOCK_TEXT_MAX]) {
        time_t seconds = (time_t)(realtime_usec / USEC_PER_SEC);
        struct tm tm;

        if (!localtime_r(&seconds, &tm) || strftime(buf, CLOCK_TEXT_MAX, "%H:%M:%S", &tm) == 0)
                return "?";
        return buf;
}

/* What it waits for, which takes as long as it takes. */
static void describe_finishing(struct runner *runner, struct status_line *line) {
        struct run *busy[NAMES_MAX + 1];
        size_t n = live_find_busy(runner->live, busy, ARRAY_SIZE(busy));
        char name[RUN_NAME_MAX];

        add(line, "%s: waiting for", runner_phase_to_string(runner->phase));
        for (size_t i = 0; i < n; i++)
                add_name(line, i, run_name(busy[i], name));
        if (n > NAMES_MAX)
                add(line, " and more");
}

/* What it waits for, and until when. */
static void describe_end(struct runner *runner, struct status_line *line) {
        struct run_tree *tree = live_tree(runner->live);
        char clock[CLOCK_TEXT_MAX], name[RUN_NAME_MAX];
        bool drains = runner->phase == RUNNER_DRAINING;
        struct run_counts counts;
        size_t i = 0;

        run_tree_get_counts(tree, &counts);
        if (runner->critical)
                add(line, "%s; ", runner->critical);
        add(line, "%s: ", runner_phase_to_string(runner->phase));
        if (runner->forced)
                add(line, "killing");
        else
                add(line, "%s %s for", drains ? "waiting until" : "waiting at most until",
                    format_clock(line->end_usec, clock));
        for (struct run *run = run_first_child(run_tree_root(tree)); run && i < NAMES_MAX; run = run_next_sibling(run))
                add_name(line, i++, run_name(run, name));
        add_more(line, counts.top_level);
}

static void describe_running(struct runner *runner, struct status_line *line) {
        struct run_counts counts;

        run_tree_get_counts(live_tree(runner->live), &counts);
        add(line, "%s: %zu tasks, %u running, %u queued", runner_phase_to_string(runner->phase),
            live_n_tasks(runner->live), counts.running, counts.queued);
        problems_describe(line->problems, line->text + line->n, sizeof(line->text) - line->n);
        line->n += strlen(line->text + line->n);
}

static void begin_text(struct status_line *line) {
        line->n = 0;
        line->text[0] = '\0';
}

static void finish(struct status_line *line) {
        if (streq(line->text, line->sent))
                return;
        if (systemd_notify_status(line->text) < 0)
                line->sent[0] = '\0'; /* with the next event */
        else
                memcpy(line->sent, line->text, line->n + 1);
}

/* ---- when ---- */

/* Looks at a slice of the tasks, and sends the line after the last. */
static void on_slice(struct loop_work *work, void *arg) {
        struct runner *runner = arg;
        struct status_line *line = &runner->status_line;
        size_t n = live_n_tasks(runner->live), end = MIN(n, line->index + SLICE);

        if (is_ending(runner) || runner->phase == RUNNER_FINISHING || !line->problems)
                return;
        for (; line->index < end; line->index++)
                problems_find_task(line->problems, runner->live, live_task_at(runner->live, line->index));
        if (line->index < n) {
                loop_work_schedule(work);
                return;
        }
        problems_find_others(line->problems, runner->live, runner->refused, metrics_trouble(runner->metrics));
        begin_text(line);
        describe_running(runner, line);
        finish(line);
        line->problems = problems_free(line->problems);
}

static void on_timer(struct loop_timer *timer, void *arg) {
        struct runner *runner = arg;
        struct status_line *line = &runner->status_line;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        line->stale = false;
        line->at_usec = now;
        line->problems = problems_free(line->problems);
        begin_text(line);
        if (runner->phase == RUNNER_FINISHING) {
                describe_finishing(runner, line);
                finish(line);
                return;
        }
        if (!is_ending(runner)) {
                line->index = 0;
                if (problems_new(&line->problems) == 0)
                        loop_work_schedule(&line->work);
                return;
        }
        describe_end(runner, line);
        finish(line);
        if (now >= line->extended_usec + EXTEND_EVERY || line->extended_usec == 0) {
                line->extended_usec = now;
                systemd_extend_timeout(EXTEND_BY);
        }
        loop_timer_set(timer, usec_add(line->extended_usec, EXTEND_EVERY));
}

static void on_event(const struct event *event, void *arg) {
        struct status_line *line = &((struct runner *)arg)->status_line;

        if (event->id == EVENT_PHASE)
                line->sent[0] = '\0'; /* another was sent with it */
        if (line->stale)
                return;
        line->stale = true;
        loop_timer_set(&line->timer, usec_add(line->at_usec, MIN_INTERVAL));
}

void runner_status_on_phase(struct runner *runner, usec_t timeout_usec) {
        struct status_line *line = &runner->status_line;

        if (!line->observer)
                return;
        line->end_usec = usec_add(clock_now(CLOCK_ID_REALTIME), timeout_usec);
        line->sent[0] = '\0'; /* with the phase another line was sent */
        line->extended_usec = 0;
        on_timer(&line->timer, runner);
}

int runner_status_init(struct runner *runner) {
        struct status_line *line = &runner->status_line;
        int r;

        if (!systemd_listens())
                return 0;
        r = loop_timer_init(&line->timer, runner->loop, CLOCK_ID_MONOTONIC, "status-line", on_timer, runner);
        if (r < 0)
                return r;
        loop_work_init(&line->work, runner->loop, "status-line", on_slice, runner);
        return live_observe(runner->live, on_event, runner, &line->observer);
}

void runner_status_done(struct runner *runner) {
        struct status_line *line = &runner->status_line;

        if (!line->observer)
                return;
        line->observer = live_unobserve(line->observer);
        loop_work_cancel(&line->work);
        line->problems = problems_free(line->problems);
        loop_timer_done(&line->timer);
}
