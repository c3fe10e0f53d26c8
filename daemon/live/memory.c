/* SPDX-License-Identifier: MIT */
/* memory: what is remembered of tasks and runs, on its way to the store. */
#include "live/live_private.h"

void live_note(struct live_task *entry _unused_) {
}

void live_note_item(struct live_task *entry _unused_, const struct store_item *item _unused_) {
}

void live_note_missed(struct live_task *entry _unused_, const struct store_missed *missed _unused_) {
}

struct live_sync {
        struct loop_work work;
        live_synced_fn fn;
        void *arg;
};

static void on_sync(struct loop_work *work _unused_, void *arg) {
        struct live_sync *sync = arg;
        live_synced_fn fn = sync->fn;
        void *fn_arg = sync->arg;

        free(sync);
        fn(0, fn_arg);
}

int live_sync(struct live *live, live_synced_fn fn, void *arg, struct live_sync **ret) {
        struct live_sync *sync = calloc(1, sizeof(*sync));

        if (!sync)
                return -ENOMEM;
        sync->fn = fn;
        sync->arg = arg;
        loop_work_init(&sync->work, live->loop, "sync", on_sync, sync);
        loop_work_schedule(&sync->work);
        *ret = sync;
        return 0;
}

void live_sync_cancel(struct live_sync *sync) {
        if (!sync)
                return;
        loop_work_cancel(&sync->work);
        free(sync);
}
