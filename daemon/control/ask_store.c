/* SPDX-License-Identifier: MIT */
/* ask_store: see ask_store.h. */
#include "control/ask_store.h"

#include "live/outcome_json.h"

#include <stdio.h>

#define AGAIN_USEC (50 * USEC_PER_MSEC)

static void on_again(_unused_ struct loop_timer *timer, void *arg) {
        struct ask *ask = arg;

        varlink_wake(ask->call);
}

int ask_init(struct ask *ask, struct control *control, struct varlink_call *call) {
        *ask = (struct ask){ .control = control, .call = call };
        return loop_timer_init(&ask->again, live_loop(control->live), CLOCK_ID_MONOTONIC, "ask-store", on_again, ask);
}

void ask_cancel(struct ask *ask) {
        if (ask->again.loop)
                loop_timer_set(&ask->again, USEC_INFINITY);
        if (ask->query)
                store_query_cancel(ask->query);
        ask->query = NULL;
}

void ask_free(struct ask *ask) {
        ask_cancel(ask);
        loop_timer_done(&ask->again);
}

int ask_later(struct ask *ask) {
        loop_timer_set(&ask->again, usec_add(clock_now(CLOCK_ID_MONOTONIC), AGAIN_USEC));
        return -EAGAIN;
}

int ask_begun(struct ask *ask, int r) {
        if (r == -ENOBUFS)
                return ask_later(ask);
        return r < 0 ? reply_store_error(ask->control, ask->call, r) : -EAGAIN;
}

void ask_done(struct ask *ask) {
        ask->query = NULL;
        varlink_wake(ask->call);
}

const char *store_trouble(const struct control *control, char *buf, size_t size) {
        struct store *store = live_store(control->live);
        struct store_stats stats = { 0 };

        if (store)
                store_get_stats(store, &stats);
        (void)snprintf(buf, size, "%s",
                       !store      ? "this daemon keeps no history"
                       : stats.why ? stats.why
                                   : "it did not answer in time");
        return buf;
}

int reply_store_error(struct control *control, struct varlink_call *call, int error) {
        char why[256];

        if (error != -EIO && error != -ETIMEDOUT)
                return error;
        return varlink_error(call, ERROR_RUNNER("StoreDegraded"),
                             json_pack("{s:o}", "reason", json_text(store_trouble(control, why, sizeof(why)))));
}
