/* SPDX-License-Identifier: MIT */
/* problems: see problems.h. */
#include "control/problems.h"

#include "base/text.h"
#include "live/apply.h"
#include "live/outcome_json.h"
#include "loop/pool.h"
#include "store/store.h"

#include <stdio.h>

#define PROBLEMS_MAX     100
#define PAUSED_NAMES_MAX 128

struct problems {
        struct live *live;
        unsigned failing;
        json_t *array;
        json_t *wanted; /* services that are stopped: somebody wants it so */
        unsigned paused;
        const struct live_task *first_paused;
        char paused_names[PAUSED_NAMES_MAX];
};

int problems_new(struct live *live, struct problems **ret) {
        struct problems *problems = calloc(1, sizeof(*problems));

        if (!problems)
                return -ENOMEM;
        problems->live = live;
        problems->array = json_array();
        problems->wanted = json_array();
        *ret = problems;
        return 0;
}

struct problems *problems_free(struct problems *problems) {
        if (!problems)
                return NULL;
        json_decref(problems->array);
        json_decref(problems->wanted);
        free(problems);
        return NULL;
}

static void add_problem_to(json_t *array, const char *kind, const char *subject, const char *verb, const char *text) {
        char command[128];

        if (json_array_size(array) >= PROBLEMS_MAX)
                return;
        (void)snprintf(command, sizeof(command), "tendctl %s %s", verb, subject);
        (void)json_array_append_new(array, json_pack("{s:s, s:o, s:o, s:s}", "kind", kind, "subject",
                                                     json_text(subject), "text", json_text(text), "command", command));
}

static void add_problem(struct problems *problems, const char *kind, const char *subject, const char *verb,
                        const char *text) {
        add_problem_to(problems->array, kind, subject, verb, text);
}

/* "3 of 5000 items (2 new)", or how the last run failed. */
static void describe_failing(const struct live_task *live, char *buf, size_t size) {
        const struct result *last = live_task_last(live);
        const char *detail = last ? result_detail(last) : "";
        unsigned failures = live_task_failures(live);
        struct live_item_counts items;
        char count[32] = "", fresh[32] = "";

        live_task_count_items(live, &items);
        if (items.newly_failing > 0)
                (void)snprintf(fresh, sizeof(fresh), " (%llu new)", (unsigned long long)items.newly_failing);
        if (failures > 1)
                (void)snprintf(count, sizeof(count), "%u in a row: ", failures);
        if (items.failing > 0 && items.total > 0)
                (void)snprintf(buf, size, "%llu of %llu items%s", (unsigned long long)items.failing,
                               (unsigned long long)items.total, fresh);
        else if (items.failing > 0)
                (void)snprintf(buf, size, "%llu items%s", (unsigned long long)items.failing, fresh);
        else
                (void)snprintf(buf, size, "%s%s%s%s", count, last ? outcome_to_string(last->outcome) : "failed",
                               *detail ? ": " : "", detail);
}

static void add_failing(struct problems *problems, const struct live_task *live) {
        char text[512];

        problems->failing++;
        describe_failing(live, text, sizeof(text));
        add_problem(problems, "failing", live_task_task(live)->run.name, "show", text);
}

/* "last ok 2d ago, bound 26h" */
static void add_stale(struct problems *problems, const struct live_task *live) {
        usec_t last_ok = live_task_last_ok(live);
        char text[128], span[TEXT_USEC_MAX], bound[TEXT_USEC_MAX];

        (void)text_format_usec(live_task_task(live)->stale_after_usec, bound);
        if (last_ok > 0)
                (void)snprintf(text, sizeof(text), "last ok %s ago, bound %s", text_format_since(last_ok, span), bound);
        else
                (void)snprintf(text, sizeof(text), "never ok, bound %s", bound);
        add_problem(problems, "stale", live_task_task(live)->run.name, "why", text);
}

/* Whether all instances of the service are stopped, so that none is told by itself. */
static bool is_stopped_whole(const struct problems *problems, const struct task *task) {
        _cleanup_(freep) char *name = task->instance > 0 ? strndup(task->run.name, strcspn(task->run.name, "@")) : NULL;
        const struct live_task *whole = name ? live_find(problems->live, name) : NULL;

        return whole && live_task_stopped_by(whole, NULL);
}

/* A service that is down, or ends again and again. */
static void add_service(struct problems *problems, const struct live_task *live) {
        usec_t at;
        const char *name = live_task_task(live)->run.name, *by = live_task_stopped_by(live, &at);
        const struct run *run = live_service_run(live);
        const struct errors *errors = run ? run_get_errors(run) : NULL;
        struct run_waiting waiting;
        char text[512], ago[TEXT_USEC_MAX];

        if (by && is_stopped_whole(problems, live_task_task(live)))
                return;
        if (by) {
                (void)snprintf(text, sizeof(text), "by %s, %s ago", by, text_format_since(at, ago));
                add_problem_to(problems->wanted, "stopped", name, "start", text);
                return;
        }
        if (!run)
                return;
        run_get_waiting(run, &waiting);
        if (waiting.why != WHY_RESTART || run_get_role(run) == RUN_GROUP)
                return;
        (void)snprintf(text, sizeof(text), "attempt %u%s%s", run_attempts(run), errors->n > 0 ? ": " : "",
                       errors->n > 0 ? errors->items[0].detail : "");
        add_problem(problems, "restarting", name, "why", text);
}

/* A task that is paused. They are one line, however many. */
static void add_paused(struct problems *problems, const struct live_task *live) {
        size_t used = strlen(problems->paused_names), room = sizeof(problems->paused_names) - used;
        const char *name = live_task_task(live)->run.name;

        if (problems->paused++ == 0)
                problems->first_paused = live;
        if (strlen(name) + sizeof(", …") < room)
                (void)snprintf(problems->paused_names + used, room, "%s%s", used > 0 ? ", " : "", name);
        else if (room > sizeof(", …") && !strstr(problems->paused_names, "…"))
                (void)snprintf(problems->paused_names + used, room, ", …");
}

static void tell_paused(struct problems *problems) {
        const struct live_task *first = problems->first_paused;
        char subject[32], command[128], by[300];

        if (problems->paused == 0)
                return;
        (void)snprintf(by, sizeof(by), "by %s", live_task_paused_by(first, NULL));
        (void)snprintf(subject, sizeof(subject), "%u tasks", problems->paused);
        (void)snprintf(command, sizeof(command), "tendctl resume %s", live_task_task(first)->run.name);
        (void)json_array_append_new(
                problems->wanted,
                problems->paused == 1
                        ? json_pack("{s:s, s:s, s:o, s:s}", "kind", "paused", "subject",
                                    live_task_task(first)->run.name, "text", json_text(by), "command", command)
                        : json_pack("{s:s, s:s, s:s, s:s}", "kind", "paused", "subject", subject, "text",
                                    problems->paused_names, "command", "tendctl list --paused"));
}

void problems_add_task(struct problems *problems, const struct live_task *live) {
        if (live_task_is_failing(live))
                add_failing(problems, live);
        if (live_task_is_stale(live))
                add_stale(problems, live);
        if (live_task_is_slow(live))
                add_problem(problems, "slow", live_task_task(live)->run.name, "why",
                            "at work for longer than slow-after");
        if (live_task_task(live)->run.is_service)
                add_service(problems, live);
        if (live_task_is_outdated(live) && live_task_task(live)->instance == 0)
                add_problem(problems, "outdated", live_task_task(live)->run.name, "restart",
                            "runs by an earlier configuration");
        if (live_task_paused_by(live, NULL))
                add_paused(problems, live);
}

void problems_add_refused(struct problems *problems, const char *text) {
        (void)json_array_append_new(problems->array,
                                    json_pack("{s:s, s:s, s:s, s:s}", "kind", "refused", "subject", "configuration",
                                              "text", text, "command", "tendctl diff"));
}

/* How long ago @since_usec was, to the millisecond. */
static const char *format_since(usec_t since_usec, char buf[TEXT_USEC_MAX]) {
        usec_t span = usec_sub(clock_now(CLOCK_ID_MONOTONIC), since_usec);

        return text_format_usec(span - span % USEC_PER_MSEC, buf);
}

/* Who waits for several limits waits in all of them, and most may have room. */
static int is_blocked_here(const struct limit_ticket *ticket, void *userdata) {
        usec_t pace;

        return limit_ticket_blocked_by(ticket, &pace) == userdata;
}

static int add_full_limit(struct limit *limit, void *userdata) {
        struct limit_stats stats;
        char text[128], wait[TEXT_USEC_MAX];

        limit_get_stats(limit, &stats);
        if (stats.waiting == 0 || !limit_for_each_waiter(limit, is_blocked_here, limit))
                return 0;
        (void)format_since(stats.oldest_wait_since_usec, wait);
        (void)snprintf(text, sizeof(text), "%u/%u held, %u wait, oldest %s", stats.held,
                       limit_get_config(limit)->permits, stats.waiting, wait);
        add_problem(userdata, "full", limit_name(limit), "limits", text);
        return 0;
}

/* The store cannot be written. Its events tell more. */
static void add_store(struct problems *problems) {
        struct store *store = live_store(problems->live);
        struct store_stats stats;
        char text[512], since[TEXT_USEC_MAX], lost[64] = "";
        usec_t ago;

        if (!store)
                return;
        store_get_stats(store, &stats);
        if (!stats.degraded)
                return;
        ago = usec_sub(clock_now(CLOCK_ID_REALTIME), stats.degraded_usec);
        if (stats.lost > 0)
                (void)snprintf(lost, sizeof(lost), ", %llu records lost", (unsigned long long)stats.lost);
        (void)snprintf(text, sizeof(text), "%s, for %s%s", stats.why ? stats.why : "it cannot be written",
                       text_format_usec(ago - ago % USEC_PER_SEC, since), lost);
        (void)json_array_append_new(problems->array,
                                    json_pack("{s:s, s:s, s:o, s:s}", "kind", "degraded", "subject", "store", "text",
                                              json_text(text), "command", "tendctl events"));
}

/* What is not a task's: the store, remnants, pools, limits. */
static void add_others(struct problems *problems) {
        struct live *live = problems->live;
        struct run_tree *tree = live_tree(live);
        char text[192], since[TEXT_USEC_MAX];

        add_store(problems);
        for (struct remnant *remnant = run_tree_first_remnant(tree); remnant; remnant = remnant_next(remnant)) {
                (void)format_since(remnant_since(remnant), since);
                (void)snprintf(text, sizeof(text), "a %s of %.60s cannot be ended, for %s",
                               remnant_is_process(remnant) ? "process" : "thread", remnant_run(remnant), since);
                add_problem(problems, "remnant", remnant_task(remnant), "why", text);
        }
        for (size_t i = 0; i < live_n_pools(live); i++) {
                const struct pool *pool = live_pool_at(live, i);
                struct pool_stats stats;

                pool_get_stats(pool, &stats);
                if (!stats.degraded)
                        continue;
                (void)snprintf(text, sizeof(text), "%u of its threads are stuck, %u jobs wait", stats.stuck,
                               stats.queued);
                add_problem(problems, "degraded", pool_name(pool), "pools", text);
        }
        (void)limits_for_each(run_tree_limits(tree), add_full_limit, problems);
}

unsigned problems_n_failing(const struct problems *problems) {
        return problems->failing;
}

json_t *problems_to_json(struct problems *problems) {
        add_others(problems);
        tell_paused(problems);
        if (json_array_extend(problems->array, problems->wanted) < 0)
                return NULL;
        return json_incref(problems->array);
}
