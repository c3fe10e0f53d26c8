/* SPDX-License-Identifier: MIT */
/* problems_find: looks for what is wrong, see problems.h.
 *
 * Of tasks by a table of the kinds that a task can have: List asks by the same rows.
 */
#include "base/log.h"
#include "base/text.h"
#include "control/problems.h"
#include "control/run_json.h"
#include "live/apply.h"
#include "loop/pool.h"
#include "store/store.h"

#include <stdio.h>

#define COMMAND_MAX 320
#define NEAR_SLOW   8 /* tenths of slow-after */

/* ---- of tasks ---- */

struct finding {
        struct problems *problems;
        const struct live_task *task;
        struct problem problem; /* begun: with the task's name */
};

/* With "tendctl @verb SUBJECT" as its command. */
static void tell_with(struct problems *problems, struct problem *problem, const char *verb, const char *argument) {
        char command[COMMAND_MAX];

        (void)snprintf(command, sizeof(command), "tendctl %s %s", verb, argument);
        problem->command = command;
        problems_tell(problems, problem);
}

static void tell(struct finding *finding, const char *verb, const char *text) {
        finding->problem.text = text;
        tell_with(finding->problems, &finding->problem, verb, finding->problem.subject);
}

/* "3 of 5000 items (2 new)", or how the last run failed: what matters first, as a narrow terminal cuts it. */
static void tell_failing(struct finding *finding) {
        const struct result *last = live_task_last(finding->task);
        const char *detail = last ? result_detail(last) : "";
        unsigned failures = live_task_failures(finding->task);
        struct live_item_counts items;
        char text[512], count[40] = "", fresh[32] = "";

        live_task_count_items(finding->task, &items);
        if (items.newly_failing > 0)
                (void)snprintf(fresh, sizeof(fresh), " (%llu new)", (unsigned long long)items.newly_failing);
        if (failures > 1)
                (void)snprintf(count, sizeof(count), ", %u in a row", failures);
        if (items.failing > 0 && items.total > 0)
                (void)snprintf(text, sizeof(text), "%llu of %llu items%s", (unsigned long long)items.failing,
                               (unsigned long long)items.total, fresh);
        else if (items.failing > 0)
                (void)snprintf(text, sizeof(text), "%llu items%s", (unsigned long long)items.failing, fresh);
        else
                (void)snprintf(text, sizeof(text), "%.400s%s",
                               *detail ? detail
                               : last  ? outcome_to_string(last->outcome)
                                       : "failed",
                               count);
        tell(finding, "show", text);
}

/* "last ok 2d ago, bound 26h" */
static void tell_stale(struct finding *finding) {
        usec_t last_ok = live_task_last_ok(finding->task);
        char text[128], span[TEXT_USEC_MAX], bound[TEXT_USEC_MAX];

        (void)text_format_usec(live_task_task(finding->task)->stale_after_usec, bound);
        if (last_ok > 0)
                (void)snprintf(text, sizeof(text), "last ok %s ago, bound %s", text_format_since(last_ok, span), bound);
        else
                (void)snprintf(text, sizeof(text), "never ok, bound %s", bound);
        tell(finding, "why", text);
}

static usec_t seconds_since(usec_t monotonic_usec) {
        usec_t span = usec_sub(clock_now(CLOCK_ID_MONOTONIC), monotonic_usec);

        return span - span % (span >= USEC_PER_SEC ? USEC_PER_SEC : USEC_PER_MSEC);
}

/* At work for longer than slow-after, or soon. */
static bool has_slow(_unused_ const struct live *live, const struct live_task *task) {
        const struct run *run = live_task_longest(task);
        usec_t bound = live_task_task(task)->slow_after_usec;

        return live_task_is_slow(task) ||
               (run && bound != USEC_INFINITY && seconds_since(run_started_usec(run)) >= bound / 10 * NEAR_SLOW);
}

static bool is_near_slow(const struct live_task *task) {
        return !live_task_is_slow(task);
}

/* "at work for 5h 3min, slow after 5h" */
static void tell_slow(struct finding *finding) {
        const struct run *run = live_task_longest(finding->task);
        char text[128], span[TEXT_USEC_MAX], bound[TEXT_USEC_MAX];

        (void)snprintf(text, sizeof(text), "at work for %s, slow after %s",
                       text_format_usec(run ? seconds_since(run_started_usec(run)) : 0, span),
                       text_format_usec(live_task_task(finding->task)->slow_after_usec, bound));
        tell(finding, "why", text);
}

/* A service that ends again and again. */
static bool has_restarting(_unused_ const struct live *live, const struct live_task *task) {
        const struct run *run = live_task_task(task)->run.is_service ? live_service_run(task) : NULL;
        struct run_waiting waiting;

        if (!run || run_get_role(run) == RUN_GROUP || live_task_stopped_by(task, NULL))
                return false;
        run_get_waiting(run, &waiting);
        return waiting.why == WHY_RESTART;
}

static void tell_restarting(struct finding *finding) {
        const struct run *run = live_service_run(finding->task);
        const struct errors *errors = run_get_errors(run);
        char text[512];

        (void)snprintf(text, sizeof(text), "%.400s%sattempt %u", errors->n > 0 ? errors->items[0].detail : "",
                       errors->n > 0 ? ", " : "", run_attempts(run));
        tell(finding, "why", text);
}

/* Instances that are all stopped are told as the one service that they are. */
static bool has_stopped(const struct live *live, const struct live_task *task) {
        const struct task *config = live_task_task(task);
        _cleanup_(freep) char *name = NULL;
        const struct live_task *whole;

        if (!live_task_stopped_by(task, NULL))
                return false;
        name = config->instance > 0 ? strndup(config->run.name, strcspn(config->run.name, "@")) : NULL;
        whole = name ? live_find(live, name) : NULL;
        return !whole || !live_task_stopped_by(whole, NULL);
}

/* "by @by, 5min ago" */
static void tell_by(struct finding *finding, const char *verb, const char *by, usec_t at_usec) {
        char text[512], ago[TEXT_USEC_MAX];

        (void)snprintf(text, sizeof(text), "by %s, %s ago", by, text_format_since(at_usec, ago));
        tell(finding, verb, text);
}

static void tell_stopped(struct finding *finding) {
        usec_t at;
        const char *by = live_task_stopped_by(finding->task, &at);

        tell_by(finding, "start", by, at);
}

static bool has_paused(_unused_ const struct live *live, const struct live_task *task) {
        return live_task_is_paused_itself(task);
}

static void tell_paused(struct finding *finding) {
        usec_t at;
        const char *by = live_task_paused_by(finding->task, &at);

        tell_by(finding, "resume", by, at);
}

static bool has_outdated(_unused_ const struct live *live, const struct live_task *task) {
        return live_task_task(task)->instance == 0 && live_task_is_outdated(task);
}

static void tell_outdated(struct finding *finding) {
        tell(finding, "restart", "runs by an earlier configuration");
}

static bool has_failing(_unused_ const struct live *live, const struct live_task *task) {
        return live_task_is_failing(task);
}

static bool has_stale(_unused_ const struct live *live, const struct live_task *task) {
        return live_task_is_stale(task);
}

/* They are few: those of all tasks are looked at. */
static bool has_remnant(const struct live *live, const struct live_task *task) {
        for (struct remnant *remnant = run_tree_first_remnant(live_tree(live)); remnant;
             remnant = remnant_next(remnant))
                if (streq(remnant_task(remnant), live_task_task(task)->run.name))
                        return true;
        return false;
}

/* Without `tell` it is found otherwise. */
static const struct {
        bool (*has)(const struct live *live, const struct live_task *task);
        void (*tell)(struct finding *finding);
        bool harmless;
        bool (*is_harmless)(const struct live_task *task); /* when not all are or none is */
} of_tasks[_PROBLEM_KIND_MAX] = {
        [PROBLEM_FAILING] = { has_failing, tell_failing, false, NULL },
        [PROBLEM_STALE] = { has_stale, tell_stale, false, NULL },
        [PROBLEM_REMNANT] = { has_remnant, NULL, false, NULL },
        [PROBLEM_SLOW] = { has_slow, tell_slow, false, is_near_slow },
        [PROBLEM_RESTARTING] = { has_restarting, tell_restarting, false, NULL },
        [PROBLEM_OUTDATED] = { has_outdated, tell_outdated, false, NULL },
        [PROBLEM_STOPPED] = { has_stopped, tell_stopped, true, NULL },
        [PROBLEM_PAUSED] = { has_paused, tell_paused, true, NULL },
};

bool problem_is_of_task(enum problem_kind kind) {
        return of_tasks[kind].has;
}

bool problem_has_task(enum problem_kind kind, const struct live *live, const struct live_task *task) {
        return of_tasks[kind].has(live, task);
}

void problems_find_task(struct problems *problems, const struct live *live, const struct live_task *task) {
        struct finding finding = { .problems = problems, .task = task };

        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++) {
                bool harmless = of_tasks[kind].harmless;

                if (!of_tasks[kind].tell || !of_tasks[kind].has(live, task))
                        continue;
                if (of_tasks[kind].is_harmless)
                        harmless = of_tasks[kind].is_harmless(task);
                if (!problems_count(problems, (enum problem_kind)kind, harmless))
                        continue;
                finding.problem = (struct problem){
                        .kind = (enum problem_kind)kind,
                        .harmless = harmless,
                        .subject = live_task_task(task)->run.name,
                };
                of_tasks[kind].tell(&finding);
        }
}

/* ---- of runs ---- */

/* Waiting for these may be too much of something; the others are as they should be, or told otherwise. */
static bool is_saturation(enum run_why why) {
        return why == WHY_PERMITS || why == WHY_PACE || why == WHY_MAX_RUNNING || why == WHY_OVERLAP;
}

void problems_find_run(struct problems *problems, const struct run *run) {
        struct problem problem = { .kind = PROBLEM_WAITING, .harmless = true };
        char name[RUN_NAME_MAX], why[256], text[300], span[TEXT_USEC_MAX];
        struct run_waiting waiting;
        usec_t since;

        /* No more than are told: to find out whom a run waits for, all runs may have to be looked at. */
        if (problems_n(problems, PROBLEM_WAITING) == PROBLEMS_KEPT ||
            seconds_since(run_created_usec(run)) < PROBLEM_WAITING_USEC)
                return;
        run_get_waiting(run, &waiting);
        since = seconds_since(waiting.since_usec);
        if (!is_saturation(waiting.why) || since < PROBLEM_WAITING_USEC ||
            !problems_count(problems, PROBLEM_WAITING, problem.harmless))
                return;
        waiting_describe(&waiting, run, why, sizeof(why));
        (void)snprintf(text, sizeof(text), "for %s: %s", text_format_usec(since, span), why);
        problem.subject = run_name(run, name);
        problem.text = text;
        tell_with(problems, &problem, "why", problem.subject);
}

/* ---- of the daemon ---- */

static void find_refused(struct problems *problems, const char *refused) {
        if (refused && problems_count(problems, PROBLEM_REFUSED, false))
                problems_tell(problems, &(const struct problem){ .kind = PROBLEM_REFUSED,
                                                                 .subject = "configuration",
                                                                 .text = refused,
                                                                 .command = "tendctl diff" });
}

/* @n of what @subject had to keep was lost, the last at @at_usec. */
static void find_dropped(struct problems *problems, const char *subject, const char *what, uint64_t n, usec_t at_usec,
                         const char *command) {
        char text[160], ago[TEXT_USEC_MAX];

        if (n == 0 || usec_sub(clock_now(CLOCK_ID_REALTIME), at_usec) >= PROBLEM_DROPPED_USEC ||
            !problems_count(problems, PROBLEM_DROPPED, false))
                return;
        (void)snprintf(text, sizeof(text), "%llu %s, the last %s ago", (unsigned long long)n, what,
                       text_format_since(at_usec, ago));
        problems_tell(problems,
                      &(const struct problem){
                              .kind = PROBLEM_DROPPED, .subject = subject, .text = text, .command = command });
}

/* The store cannot be written. Its events tell more. */
static void find_store(struct problems *problems, const struct live *live) {
        struct store *store = live_store(live);
        struct store_stats stats;
        char text[512], since[TEXT_USEC_MAX], lost[64] = "";

        if (!store)
                return;
        store_get_stats(store, &stats);
        if (!stats.degraded || !problems_count(problems, PROBLEM_DEGRADED, false))
                return;
        if (stats.lost > 0)
                (void)snprintf(lost, sizeof(lost), ", %llu records lost", (unsigned long long)stats.lost);
        (void)snprintf(text, sizeof(text), "%s, for %s%s", stats.why ? stats.why : "it cannot be written",
                       text_format_since(stats.degraded_usec, since), lost);
        problems_tell(problems, &(const struct problem){ .kind = PROBLEM_DEGRADED,
                                                         .subject = "store",
                                                         .text = text,
                                                         .command = "tendctl events" });
}

/* Threads are stuck, or all of them are busy and jobs wait. */
static void find_pool(struct problems *problems, const struct pool *pool) {
        struct problem problem = { .kind = PROBLEM_DEGRADED };
        char subject[80], text[128];
        struct pool_stats stats;

        pool_get_stats(pool, &stats);
        if (!stats.degraded) {
                problem.kind = PROBLEM_FULL;
                problem.harmless = true;
        }
        if ((!stats.degraded && (stats.queued == 0 || stats.busy < stats.threads)) ||
            !problems_count(problems, problem.kind, problem.harmless))
                return;
        if (stats.degraded)
                (void)snprintf(text, sizeof(text), "%u of its threads are stuck, %u jobs wait", stats.stuck,
                               stats.queued);
        else
                (void)snprintf(text, sizeof(text), "%u/%u threads busy, %u jobs wait", stats.busy, stats.threads,
                               stats.queued);
        (void)snprintf(subject, sizeof(subject), "pool %s", pool_name(pool));
        problem.subject = subject;
        problem.text = text;
        tell_with(problems, &problem, "pools", pool_name(pool));
}

static void find_remnant(struct problems *problems, const struct remnant *remnant) {
        struct problem problem = { .kind = PROBLEM_REMNANT, .subject = remnant_task(remnant) };
        char text[192], since[TEXT_USEC_MAX];

        if (!problems_count(problems, problem.kind, false))
                return;
        (void)snprintf(text, sizeof(text), "a %s of %.60s cannot be ended, for %s",
                       remnant_is_process(remnant) ? "process" : "thread", remnant_run(remnant),
                       text_format_usec(seconds_since(remnant_since(remnant)), since));
        problem.text = text;
        tell_with(problems, &problem, "why", problem.subject);
}

static int find_limit(struct limit *limit, void *userdata) {
        const struct limit_config *config = limit_get_config(limit);
        struct problem problem = { .kind = PROBLEM_FULL };
        char subject[80], text[192], held[64], rate[TEXT_RATE_MAX], span[TEXT_USEC_MAX];
        struct limit_stats stats;
        usec_t since, wait;
        unsigned n;

        n = limit_paused_by(limit, NULL) ? 0 : limit_get_kept(limit, &since);
        if (n == 0)
                return 0;
        limit_get_stats(limit, &stats);
        wait = seconds_since(since);
        problem.harmless = wait < PROBLEM_WAITING_USEC;
        if (!problems_count(userdata, problem.kind, problem.harmless))
                return 0;
        if (config->permits > 0)
                (void)snprintf(held, sizeof(held), "%u/%u held", stats.held, config->permits);
        else
                (void)snprintf(held, sizeof(held), "%u held", stats.held);
        (void)snprintf(text, sizeof(text), "%s%s%s, %u wait, oldest %s", held, config->rate > 0 ? ", pace " : "",
                       config->rate > 0 ? text_format_rate(config->rate, config->rate_per_usec, rate) : "", n,
                       text_format_usec(wait, span));
        (void)snprintf(subject, sizeof(subject), "limit %s", limit_name(limit));
        problem.subject = subject;
        problem.text = text;
        tell_with(userdata, &problem, "limits", limit_name(limit));
        return 0;
}

/* That nothing starts by itself. */
static void find_all_paused(struct problems *problems, const struct live *live) {
        usec_t since = 0;
        const char *by = live_paused_by(live, &since);
        char text[512], ago[TEXT_USEC_MAX];

        if (!by || !problems_count(problems, PROBLEM_ALL_PAUSED, true))
                return;
        (void)snprintf(text, sizeof(text), "by %s, %s ago", by, text_format_since(since, ago));
        problems_tell(problems, &(const struct problem){ .kind = PROBLEM_ALL_PAUSED,
                                                         .harmless = true,
                                                         .subject = "triggers",
                                                         .text = text,
                                                         .command = "tendctl resume --all" });
}

/* Also those that are not in the configuration any more, as long as they are remembered. */
static void find_paused_limits(struct problems *problems, const struct live *live) {
        for (size_t i = 0; i < live_n_limit_pauses(live); i++) {
                struct problem problem = { .kind = PROBLEM_PAUSED, .harmless = true };
                char subject[80], text[512], ago[TEXT_USEC_MAX];
                const char *by, *name;
                usec_t since;

                name = live_limit_pause_at(live, i, &by, &since);
                if (!problems_count(problems, problem.kind, problem.harmless))
                        continue;
                (void)snprintf(subject, sizeof(subject), "limit %s", name);
                (void)snprintf(text, sizeof(text), "by %s, %s ago", by, text_format_since(since, ago));
                problem.subject = subject;
                problem.text = text;
                tell_with(problems, &problem, "resume -l", name);
        }
}

/* Monitoring does not reach the daemon. */
static void find_metrics(struct problems *problems, const char *metrics) {
        if (metrics && problems_count(problems, PROBLEM_DEGRADED, false))
                problems_tell(problems, &(const struct problem){ .kind = PROBLEM_DEGRADED,
                                                                 .subject = "metrics",
                                                                 .text = metrics,
                                                                 .command = "tendctl reload" });
}

void problems_find_others(struct problems *problems, struct live *live, const char *refused, const char *metrics) {
        struct run_tree *tree = live_tree(live);

        find_all_paused(problems, live);
        find_refused(problems, refused);
        find_store(problems, live);
        find_metrics(problems, metrics);
        for (size_t i = 0; i < live_n_pools(live); i++)
                find_pool(problems, live_pool_at(live, i));
        find_dropped(problems, "log", "records, which came faster than they could be written", log_dropped(),
                     log_dropped_usec(), "tendctl logs");
        find_dropped(problems, "hooks", "that were not started", live_hooks_dropped(live),
                     live_hooks_dropped_usec(live), "tendctl events");
        for (struct remnant *remnant = run_tree_first_remnant(tree); remnant; remnant = remnant_next(remnant))
                find_remnant(problems, remnant);
        (void)limits_for_each(run_tree_limits(tree), find_limit, problems);
        find_paused_limits(problems, live);
}
