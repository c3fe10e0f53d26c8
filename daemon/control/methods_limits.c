/* SPDX-License-Identifier: MIT */
/* methods_limits: Limits and Pools. */
#include "control/methods.h"
#include "live/outcome_json.h"
#include "loop/pool.h"

#define HOLDERS_MAX 100

struct visit {
        const struct run_tree *tree;
        const struct limit *limit;
        json_t *array;
};

static int add_ticket(const struct limit_ticket *ticket, void *userdata) {
        struct visit *visit = userdata;
        char name[RUN_NAME_MAX];

        if (json_array_size(visit->array) == HOLDERS_MAX)
                return 1;
        if (!limit_ticket_granted(ticket) && !limit_keeps_waiting(visit->limit, ticket))
                return 0;
        return json_array_append_new(visit->array,
                                     json_pack("{s:o, s:i, s:o}", "run",
                                               json_text(run_tree_ticket_name(visit->tree, ticket, name)), "permits",
                                               (int)limit_ticket_permits(ticket, visit->limit), "since_usec",
                                               json_usec(to_realtime(limit_ticket_since(ticket)))));
}

typedef int (*for_each_fn)(const struct limit *limit, limit_visit_fn fn, void *userdata);

static json_t *tickets_to_json(const struct run_tree *tree, const struct limit *limit, for_each_fn for_each) {
        struct visit visit = { tree, limit, json_array() };

        if (for_each(limit, add_ticket, &visit) < 0) {
                json_decref(visit.array);
                return NULL;
        }
        return visit.array;
}

/* What is configured, where other numbers are in force. */
static json_t *limit_configured_to_json(const struct limit *limit) {
        const struct limit_config *config = limit_get_configured(limit);

        if (!config)
                return NULL;
        return json_pack("{s:o*, s:o*, s:o*}", "permits", config->permits > 0 ? json_integer(config->permits) : NULL,
                         "rate", config->rate > 0 ? json_integer(config->rate) : NULL, "rate_usec",
                         config->rate > 0 ? json_usec(config->rate_per_usec) : NULL);
}

json_t *limit_to_json(struct control *control, const struct limit *limit) {
        const struct run_tree *tree = live_tree(control->live);
        const struct limit_config *config = limit_get_config(limit);
        bool paced = config->rate > 0;
        struct limit_stats stats;
        unsigned waiting;
        usec_t since, paused = 0;
        const char *paused_by = limit_paused_by(limit, &paused);

        limit_get_stats(limit, &stats);
        waiting = limit_get_kept(limit, &since);
        return json_pack("{s:s, s:o*, s:o*, s:o*, s:o*, s:i, s:i, s:o*, s:o*, s:o*, s:o*, s:I, s:o, s:o}", "name",
                         limit_name(limit), "paused_by", paused_by ? json_text(paused_by) : NULL, "paused_usec",
                         paused_by ? json_usec(paused) : NULL, "configured", limit_configured_to_json(limit), "permits",
                         config->permits > 0 ? json_integer(config->permits) : NULL, "held", (int)stats.held, "waiting",
                         (int)waiting, "oldest_wait_usec", waiting > 0 ? json_usec(to_realtime(since)) : NULL, "rate",
                         paced ? json_integer(config->rate) : NULL, "rate_usec",
                         paced ? json_usec(config->rate_per_usec) : NULL, "burst",
                         paced ? json_integer(config->burst) : NULL, "granted", (json_int_t)stats.granted, "holders",
                         tickets_to_json(tree, limit, limit_for_each_holder), "waiters",
                         tickets_to_json(tree, limit, limit_for_each_waiter));
}

struct limits_visit {
        struct control *control;
        struct patterns patterns;
        json_t *array;
};

static int add_limit(struct limit *limit, void *userdata) {
        struct limits_visit *visit = userdata;

        if (!patterns_match(&visit->patterns, limit_name(limit)))
                return 0;
        return json_array_append_new(visit->array, limit_to_json(visit->control, limit)) < 0 ? -ENOMEM : 0;
}

int method_limits(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        struct run_tree *tree = live_tree(control->live);
        struct limits_visit visit = { .control = control, .array = json_array() };
        const char *unmatched;
        int r;

        r = patterns_init(&visit.patterns, json_object_get(parameters, "limits"));
        if (r >= 0)
                r = limits_for_each(run_tree_limits(tree), add_limit, &visit);
        unmatched = patterns_unmatched(&visit.patterns);
        if (r >= 0 && unmatched)
                r = varlink_error(call, ERROR_RUNNER("NoSuchLimit"), json_pack("{s:s}", "limit", unmatched));
        else if (r >= 0)
                r = varlink_reply(call, json_pack("{s:O}", "limits", visit.array));
        patterns_done(&visit.patterns);
        json_decref(visit.array);
        return r;
}

static json_t *pool_configured_to_json(const struct control *control, const struct pool *pool) {
        const struct pool_section *section = live_pool_configured(control->live, pool);

        if (!section)
                return NULL;
        return json_pack("{s:i, s:i, s:i}", "threads", (int)section->threads, "spare", (int)section->spare_threads,
                         "queue_max", (int)section->queue_max);
}

json_t *pool_to_json(const struct control *control, const struct pool *pool) {
        struct pool_stats stats;

        pool_get_stats(pool, &stats);
        return json_pack("{s:s, s:o*, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:I, s:I, s:I}", "name", pool_name(pool),
                         "configured", pool_configured_to_json(control, pool), "threads", (int)stats.threads, "spare",
                         (int)stats.spare, "busy", (int)stats.busy, "stuck", (int)stats.stuck, "queued",
                         (int)stats.queued, "queue_max", (int)stats.queue_max, "degraded", (int)stats.degraded,
                         "completed", (json_int_t)stats.completed, "abandoned", (json_int_t)stats.abandoned, "refused",
                         (json_int_t)stats.refused);
}

int method_pools(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        json_auto_t *array = json_array();
        struct patterns patterns;
        const char *unmatched;
        int r;

        r = patterns_init(&patterns, json_object_get(parameters, "pools"));
        for (size_t i = 0; i < live_n_pools(control->live) && r >= 0; i++) {
                const struct pool *pool = live_pool_at(control->live, i);

                if (patterns_match(&patterns, pool_name(pool)) &&
                    json_array_append_new(array, pool_to_json(control, pool)) < 0)
                        r = -ENOMEM;
        }
        unmatched = patterns_unmatched(&patterns);
        if (r >= 0 && unmatched)
                r = varlink_error(call, ERROR_RUNNER("NoSuchPool"), json_pack("{s:s}", "pool", unmatched));
        else if (r >= 0)
                r = varlink_reply(call, json_pack("{s:O}", "pools", array));
        patterns_done(&patterns);
        return r;
}
