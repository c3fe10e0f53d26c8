/* SPDX-License-Identifier: MIT */
/* waiting_json: what a run waits for, in a sentence and as JSON; see run_json.h. */
#include "base/text.h"
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

#include <stdio.h>

#define HOLDERS_MAX 20

static const char *const why_names[_RUN_WHY_MAX] = {
        [WHY_NONE] = "none",
        [WHY_TURN] = "turn",
        [WHY_PERMITS] = "permits",
        [WHY_PACE] = "pace",
        [WHY_MAX_RUNNING] = "max-running",
        [WHY_AFTER] = "after",
        [WHY_OVERLAP] = "overlap",
        [WHY_RETRY] = "retry",
        [WHY_RESTART] = "restart",
        [WHY_STOPPED] = "stopped",
        [WHY_ITEMS] = "items",
        [WHY_GUESTS] = "children",
};

struct explanation {
        const struct run *run;
        const struct run_waiting *waiting;
        const char *other; /* name of the run it waits for, or NULL */
        char left[TEXT_USEC_MAX];
        char *buf;
        size_t size;
};

static void explain_turn(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "begins in the next turn of the loop");
}

static void explain_permits(const struct explanation *e) {
        const struct limit *limit = e->waiting->limit;
        const struct limit_config *configured = limit_get_configured(limit);
        unsigned permits = limit_get_config(limit)->permits;
        struct limit_stats stats;
        char ago[TEXT_USEC_MAX], fewer[80] = "";
        usec_t paused = 0;
        const char *by = limit_paused_by(limit, &paused);

        if (by) {
                (void)snprintf(e->buf, e->size, "waits for limit %s, which is paused by %s, %s ago", limit_name(limit),
                               by, text_format_since(paused, ago));
                return;
        }
        limit_get_stats(limit, &stats);
        if (configured && configured->permits > permits)
                (void)snprintf(fewer, sizeof(fewer), ", as an operator has set it to %u in place of %u", permits,
                               configured->permits);
        (void)snprintf(e->buf, e->size, "waits for %u of the permits of limit %s: %u of %u are held%s",
                       MIN(limit_ticket_permits(e->waiting->ticket, limit), permits), limit_name(limit), stats.held,
                       permits, fewer);
}

static void explain_pace(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for its turn in the pace of limit %s, in %s",
                       limit_name(e->waiting->limit), e->left);
}

static void explain_max_running(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits because max-running of %u is reached",
                       limit_get_config(e->waiting->limit)->permits);
}

/* Why @service is not ready: what it waits for itself, or what it says. */
static void explain_not_ready(const struct run *service, char *buf, size_t size) {
        const char *state = live_service_run_state(service), *status = run_get_status(service);
        struct run_waiting waiting;

        run_get_waiting(service, &waiting);
        if (waiting.why == WHY_RESTART || waiting.why == WHY_STOPPED)
                waiting_describe(&waiting, service, buf, size);
        else
                (void)snprintf(buf, size, "is %s%s%s", state, status ? ": " : "", status ? status : "");
}

static void explain_after(const struct explanation *e) {
        const struct run *other = e->waiting->other;
        char reason[300] = "";

        if (other && run_get_spec(other)->is_service)
                explain_not_ready(other, reason, sizeof(reason));
        (void)snprintf(e->buf, e->size, "waits for %s, which comes before it%s%s",
                       e->other ? e->other : "another member", *reason ? " and is not ready: it " : "", reason);
}

static void explain_overlap(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for %s, because its runs do not overlap",
                       e->other ? e->other : "what an earlier run left behind");
}

static void explain_retry(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "tries again in %s", e->left);
}

static void explain_restart(const struct explanation *e) {
        const struct errors *errors = run_get_errors(e->run);

        (void)snprintf(e->buf, e->size, "restarts in %s, attempt %u%s%s", e->left, run_attempts(e->run),
                       errors->n > 0 ? ": " : "", errors->n > 0 ? errors->items[0].detail : "");
}

static void explain_stopped(const struct explanation *e) {
        char ago[TEXT_USEC_MAX];
        usec_t at;
        const char *by = live_task_stopped_by(task_of(run_get_spec(e->run))->live, &at);

        if (by)
                (void)snprintf(e->buf, e->size, "is stopped by %s, %s ago, until it is started", by,
                               text_format_since(at, ago));
        else
                (void)snprintf(e->buf, e->size, "is stopped, until it is started");
}

static void explain_items(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "waits for its first item to be read");
}

static void explain_guests(const struct explanation *e) {
        (void)snprintf(e->buf, e->size, "has ended its own work and waits for %s, which was started from inside of it",
                       e->other);
}

static void (*const explanations[_RUN_WHY_MAX])(const struct explanation *e) = {
        [WHY_TURN] = explain_turn,       [WHY_PERMITS] = explain_permits,
        [WHY_PACE] = explain_pace,       [WHY_MAX_RUNNING] = explain_max_running,
        [WHY_AFTER] = explain_after,     [WHY_OVERLAP] = explain_overlap,
        [WHY_RETRY] = explain_retry,     [WHY_RESTART] = explain_restart,
        [WHY_STOPPED] = explain_stopped, [WHY_ITEMS] = explain_items,
        [WHY_GUESTS] = explain_guests,
};

void waiting_describe(const struct run_waiting *waiting, const struct run *run, char *buf, size_t size) {
        struct explanation e = { .run = run, .waiting = waiting, .buf = buf, .size = size };
        usec_t left = usec_sub(waiting->until_usec, clock_now(CLOCK_ID_MONOTONIC));
        char other[RUN_NAME_MAX];

        if (waiting->other)
                e.other = run_name(waiting->other, other);
        (void)text_format_usec(left - left % (left >= USEC_PER_SEC ? USEC_PER_SEC : USEC_PER_MSEC), e.left);
        buf[0] = '\0';
        if (explanations[waiting->why])
                explanations[waiting->why](&e);
}

struct holders {
        const struct run_tree *tree;
        json_t *array;
};

static int add_holder(const struct limit_ticket *ticket, void *userdata) {
        struct holders *holders = userdata;
        char name[RUN_NAME_MAX];

        if (json_array_size(holders->array) == HOLDERS_MAX)
                return 1;
        return json_array_append_new(holders->array, json_text(run_tree_ticket_name(holders->tree, ticket, name)));
}

json_t *waiting_to_json(const struct run_tree *tree, const struct run *run) {
        struct run_waiting waiting;
        struct holders holders = { tree, json_array() };
        char other[RUN_NAME_MAX], text[512];

        run_get_waiting(run, &waiting);
        if (waiting.why == WHY_NONE || !holders.array) {
                json_decref(holders.array);
                return NULL;
        }
        waiting_describe(&waiting, run, text, sizeof(text));
        if (waiting.limit && waiting.why == WHY_PERMITS)
                (void)limit_for_each_holder(waiting.limit, add_holder, &holders);
        return json_pack("{s:s, s:o, s:s*, s:s*, s:o, s:o*, s:o*}", "why", why_names[waiting.why], "text",
                         json_text(text), "limit", waiting.limit ? limit_name(waiting.limit) : NULL, "run",
                         waiting.other ? run_name(waiting.other, other) : NULL, "holders", holders.array, "since_usec",
                         waiting.since_usec > 0 ? json_usec(to_realtime(waiting.since_usec)) : NULL, "until_usec",
                         waiting.until_usec > 0 && waiting.until_usec != USEC_INFINITY
                                 ? json_usec(to_realtime(waiting.until_usec))
                                 : NULL);
}
