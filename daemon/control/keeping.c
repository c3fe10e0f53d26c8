/* SPDX-License-Identifier: MIT */
/* keeping: answers that wait until what they acknowledge will outlive the daemon. */
#include "control/methods.h"

static void on_synced(int result _unused_, void *arg) {
        struct keeping *keeping = arg;

        /* What cannot be written does not make it undone; `status` tells that the store is degraded. */
        keeping->sync = NULL;
        keeping->done = true;
        varlink_wake(keeping->call);
}

int keeping_next(struct keeping *keeping, struct control *control, struct varlink_call *call) {
        int r;

        if (keeping->done || control->ends)
                return 1;
        if (keeping->sync)
                return -EAGAIN;
        keeping->call = call;
        r = live_sync(control->live, on_synced, keeping, &keeping->sync);
        return r < 0 ? r : -EAGAIN;
}

void keeping_reset(struct keeping *keeping) {
        live_sync_cancel(keeping->sync);
        *keeping = (struct keeping){ 0 };
}

/* ---- one answer ---- */

struct kept_answer {
        struct control *control;
        struct keeping keeping;
        json_t *parameters;
};

static int reply_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct kept_answer *reply = cursor;
        int r;

        r = keeping_next(&reply->keeping, reply->control, call);
        if (r <= 0)
                return r;
        *ret = json_incref(reply->parameters);
        return 0;
}

static void reply_free(void *cursor) {
        struct kept_answer *reply = cursor;

        keeping_reset(&reply->keeping);
        json_decref(reply->parameters);
        free(reply);
}

int reply_when_kept(struct control *control, struct varlink_call *call, json_t *parameters) {
        static const struct varlink_stream_ops ops = { .next = reply_next, .free = reply_free };
        struct kept_answer *reply = parameters ? calloc(1, sizeof(*reply)) : NULL;

        if (!reply) {
                json_decref(parameters);
                return -ENOMEM;
        }
        reply->control = control;
        reply->parameters = parameters;
        return varlink_stream(call, &ops, reply);
}
