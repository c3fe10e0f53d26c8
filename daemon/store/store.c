/* SPDX-License-Identifier: MIT */
/* store: the loop's side of the store, see store.h.
 *
 * What is put is gathered and handed to the writer in the next turn, or at once when somebody waits for it. The bound of
 * the queue holds for what is gathered, queued and being written together.
 *
 * The store is degraded as long as the writer says so, as the queue has had no room, or as the writer hangs: a sync waited
 * too long, and it has not come back from the disk since. Something was lost when the queue had no room, and when the
 * writer has opened a file that is not the one from before. Once all that is queued is written, the present state follows
 * in one piece, led by a record that clears the old one and tells the gap: the writer takes all of it into one
 * transaction, so that a kill -9 meets either state. "All that is queued" is what was when something was lost the last
 * time: under a load that never leaves the queue empty, to wait for more would be to wait for ever, and what is put later
 * has had room, and stands before the new state in the same order.
 */
#include "base/log.h"
#include "store/store_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define QUEUE_BYTES ((size_t)16 * 1024 * 1024)

struct store_sync {
        struct list link;
        struct store *store;
        store_sync_fn fn;
        void *arg;
        uint64_t mark;     /* how much must be in the file */
        usec_t until_usec; /* 0: it is not waited for */
};

/* ---- putting ---- */

static void hand_over(struct store *store) {
        struct store_core *core = store->core;
        size_t before;
        bool wake;

        if (store->gathered.n == 0)
                return;
        if (store->options.on_hand_over && !store->closing)
                store->options.on_hand_over(store->options.arg);
        (void)pthread_mutex_lock(&core->mutex);
        before = core->queue.bytes;
        batch_splice(&core->queue, &store->gathered);
        atomic_fetch_add_explicit(&core->bytes, core->queue.bytes - before, memory_order_relaxed);
        wake = core->idle;
        core->idle = false; /* one call wakes it */
        (void)pthread_mutex_unlock(&core->mutex);
        if (wake)
                (void)pthread_cond_signal(&core->wake);
}

static void lose(struct store *store) {
        if (store->lost_since_anew++ == 0)
                store->lost_usec = clock_now(CLOCK_ID_REALTIME);
        store->lost++;
        store->overflow = store->lossy = true;
        store->lossy_at = store->n_put;
}

/* What was in the file, and went with it. */
static void lose_rows(struct store *store, uint64_t n, usec_t since_usec) {
        if (n == 0)
                return;
        store->lost_usec = store->lost_since_anew > 0 ? MIN(store->lost_usec, since_usec) : since_usec;
        store->lost_since_anew += n;
        store->lost += n;
}

static bool has_room(const struct store *store) {
        return store->anew || store->gathered.bytes + atomic_load_explicit(&store->core->bytes, memory_order_relaxed) <
                                      store->options.queue_bytes;
}

static void put(struct store *store, enum record_kind kind, const void *value) {
        if (has_room(store) && batch_add(&store->gathered, kind, value))
                store->n_put++;
        else
                lose(store);
        loop_work_schedule(&store->work);
}

void store_put_task(struct store *store, const struct store_task *task) {
        put(store, RECORD_TASK, task);
}

void store_put_begin(struct store *store, const struct store_run *run) {
        put(store, RECORD_BEGIN, run);
}

void store_put_process(struct store *store, const struct store_process *process) {
        put(store, RECORD_PROCESS, process);
}

void store_put_process_gone(struct store *store, const struct store_process *process) {
        put(store, RECORD_PROCESS_GONE, process);
}

void store_put_end(struct store *store, const struct store_run *run) {
        put(store, RECORD_END, run);
}

void store_put_missed(struct store *store, const struct store_missed *missed) {
        put(store, RECORD_MISSED, missed);
}

void store_put_not_missed(struct store *store, const char *task, usec_t due_usec) {
        put(store, RECORD_NOT_MISSED, &(const struct store_missed){ .task = task, .first_due_usec = due_usec });
}

void store_put_item(struct store *store, const struct store_item *item) {
        put(store, RECORD_ITEM, item);
}

void store_put_pause(struct store *store, const struct store_pause *pause) {
        put(store, RECORD_PAUSE, pause);
}

/* ---- how it is ---- */

static bool is_degraded(const struct store *store) {
        return store->seen.degraded || store->hung || store->overflow;
}

static void explain(struct store *store) {
        if (store->seen.degraded)
                memcpy(store->why, store->seen.why, sizeof(store->why));
        else if (store->hung)
                (void)snprintf(store->why, sizeof(store->why), "the disk of the database %s does not answer",
                               store->path);
        else
                (void)snprintf(store->why, sizeof(store->why),
                               "the database %s is written too slowly: there is no room for what waits", store->path);
}

static void set_degraded(struct store *store, bool degraded) {
        char text[sizeof(store->why) + 64];

        store->degraded = degraded;
        store->degraded_usec = degraded ? clock_now(CLOCK_ID_REALTIME) : 0;
        if (!store->options.on_health)
                return;
        if (degraded)
                (void)snprintf(text, sizeof(text), "%s", store->why);
        else if (store->lost_since_anew > 0)
                (void)snprintf(text, sizeof(text), "the database %s is written again; %" PRIu64 " records were lost",
                               store->path, store->lost_since_anew);
        else
                (void)snprintf(text, sizeof(text), "the database %s is written again", store->path);
        store->options.on_health(degraded, text, store->options.arg);
}

/* Tells each change once, one that was over before it was seen included. */
static void look_at_health(struct store *store, const struct writer_state *before) {
        bool failed = store->seen.n_failures != before->n_failures;

        if (is_degraded(store)) {
                explain(store);
                if (!store->degraded)
                        set_degraded(store, true);
                return;
        }
        if (failed && !store->degraded) {
                memcpy(store->why, store->seen.why, sizeof(store->why));
                set_degraded(store, true);
        }
        if (store->degraded)
                set_degraded(store, false);
}

/* All that was put before the last loss is in the file: the present state is put behind it, if the file does not have it. */
static void look_at_loss(struct store *store) {
        const struct store_missed gap = {
                .first_due_usec = store->lost_usec,
                .last_due_usec = clock_now(CLOCK_ID_REALTIME),
                .n = store->lost_since_anew,
                .reason = "lost",
                .detail = store->why,
                .at_usec = clock_now(CLOCK_ID_REALTIME),
        };

        if (!store->lossy || is_degraded(store) || store->seen.done < store->lossy_at)
                return;
        store->lossy = false;
        store->lost_since_anew = 0;
        store->anew = true;
        if (store->options.on_anew) {
                put(store, RECORD_ANEW, &gap);
                store->options.on_anew(store->options.arg);
        } else if (gap.n > 0) {
                put(store, RECORD_MISSED, &gap);
        }
        store->anew = false;
        hand_over(store);
}

/* ---- syncs ---- */

static void sync_end(struct store_sync *sync, int result) {
        store_sync_fn fn = sync->fn;
        void *arg = sync->arg;

        list_remove(&sync->link);
        free(sync);
        fn(result, arg);
}

/* Whether @sync waits no longer. */
static bool is_over(struct store *store, const struct store_sync *sync, usec_t now, int *ret) {
        if (sync->until_usec > 0 && sync->mark <= store->seen.done) {
                *ret = 0;
                return true;
        }
        *ret = is_degraded(store) || sync->until_usec == 0 ? -EIO : -ETIMEDOUT;
        return *ret == -EIO || sync->until_usec <= now;
}

/* Calls those that wait no longer, but none that is asked for meanwhile. Whoever came first is over first. */
static void look_at_syncs(struct store *store) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct list todo = LIST_INIT(todo);
        struct store_sync *sync;
        int result;

        list_splice(&todo, &store->syncs);
        while ((sync = list_first_entry(&todo, struct store_sync, link)) && is_over(store, sync, now, &result)) {
                if (result == -ETIMEDOUT) {
                        store->hung = true;
                        store->hung_at = store->seen.progress;
                        loop_work_schedule(&store->work);
                }
                sync_end(sync, result);
        }
        list_splice(&todo, &store->syncs);
        list_splice(&store->syncs, &todo);
}

int store_sync(struct store *store, store_sync_fn fn, void *arg, struct store_sync **ret) {
        struct store_sync *sync = calloc(1, sizeof(*sync));

        if (!sync)
                return -ENOMEM;
        *sync = (struct store_sync){ .store = store, .fn = fn, .arg = arg, .mark = store->n_put };
        if (!is_degraded(store))
                sync->until_usec =
                        usec_add(clock_now(CLOCK_ID_MONOTONIC), store->options.patience_usec ?: STORE_SYNC_MAX);
        list_init(&sync->link);
        list_append(&store->syncs, &sync->link);
        hand_over(store);
        loop_work_schedule(&store->work);
        if (ret)
                *ret = sync;
        return 0;
}

void store_sync_cancel(struct store_sync *sync) {
        list_remove(&sync->link);
        free(sync);
}

/* ---- looking ---- */

/* What comes after store_open() has returned comes late. */
static void look_at_opened(struct store *store, struct batch *late) {
        if (late->n == 0)
                return;
        batch_clear(&store->opened);
        batch_splice(&store->opened, late);
        store_check_opened(store);
        if (store->options.on_late)
                store->options.on_late(store->options.arg);
        batch_clear(&store->opened);
}

static void look(struct store *store) {
        struct store_core *core = store->core;
        struct writer_state before = store->seen;
        struct batch late = BATCH_INIT(late);
        const struct store_sync *sync;
        usec_t until_usec;

        (void)pthread_mutex_lock(&core->mutex);
        store->seen = core->state;
        batch_splice(&late, &core->opened);
        core->told = false;
        core->awaited = !list_empty(&store->syncs) || store->hung || store->overflow || store->lossy;
        (void)pthread_mutex_unlock(&core->mutex);

        store->lost += store->seen.unfit - before.unfit;
        lose_rows(store, store->seen.rows_gone - before.rows_gone, store->seen.gone_since_usec);
        if (store->seen.n_anew != before.n_anew) {
                store->lossy = true;
                store->lossy_at = store->n_put;
        }
        if (store->seen.opened && store->seen.progress != store->hung_at)
                store->hung = false;
        if (!store->seen.degraded && !store->hung && store->seen.done >= store->lossy_at)
                store->overflow = false;
        look_at_opened(store, &late);
        look_at_health(store, &before);
        look_at_syncs(store);
        look_at_loss(store);
        until_usec = store_look_at_queries(store);
        sync = list_first_entry(&store->syncs, struct store_sync, link);
        loop_timer_set(&store->timer, sync ? MIN(sync->until_usec, until_usec) : until_usec);
}

static void on_event(_unused_ struct loop_io *io, int fd, _unused_ unsigned events, void *arg) {
        eventfd_t value;

        (void)eventfd_read(fd, &value);
        look(arg);
}

static void on_work(_unused_ struct loop_work *work, void *arg) {
        hand_over(arg);
        look(arg);
}

static void on_timer(_unused_ struct loop_timer *timer, void *arg) {
        look(arg);
}

void store_get_stats(const struct store *store, struct store_stats *ret) {
        *ret = (struct store_stats){
                .path = store->path,
                .degraded = store->degraded,
                .why = store->degraded ? store->why : NULL,
                .degraded_usec = store->degraded_usec,
                .lost = store->lost,
        };
        (void)pthread_mutex_lock(&store->core->mutex);
        ret->written = store->core->state.done - store->core->state.unfit;
        ret->commits = store->core->state.commits;
        ret->queued = (size_t)(store->n_put - store->core->state.done);
        ret->size = store->core->state.size;
        (void)pthread_mutex_unlock(&store->core->mutex);
}

/* ---- its life ---- */

/* Waits until the writer has opened the file, and takes over what was there. */
static void await_opened(struct store *store) {
        struct store_core *core = store->core;
        usec_t until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), store->options.patience_usec ?: STORE_OPEN_MAX);

        (void)pthread_mutex_lock(&core->mutex);
        while (!core->state.opened && store_core_wait(core, &core->changed, until_usec))
                ;
        batch_splice(&store->opened, &core->opened);
        store->seen = core->state;
        (void)pthread_mutex_unlock(&core->mutex);

        store_check_opened(store);
        store->hung = !store->seen.opened;
        store->lossy = store->hung || store->seen.degraded;
        store->hung_at = store->seen.progress;
        store->seen.n_failures = 0; /* is told in the first turn */
        loop_work_schedule(&store->work);
}

static int start(struct store *store) {
        struct store_core *core = store->core;
        int r;

        if (!core->path)
                return -ENOMEM;
        if (core->fd < 0)
                return -EMFILE;
        r = loop_timer_init(&store->timer, store->options.loop, CLOCK_ID_MONOTONIC, "store-sync", on_timer, store);
        if (r < 0)
                return r;
        r = loop_io_new(store->options.loop, core->fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "store", on_event, store,
                        &store->io);
        if (r < 0)
                return r;
        core->refs++;
        r = writer_start(core, &store->writer);
        if (r < 0)
                core->refs--;
        return r;
}

static void free_store(struct store *store) {
        struct store_sync *sync, *tmp;

        store->io = loop_io_free(store->io);
        loop_work_cancel(&store->work);
        loop_timer_done(&store->timer);
        list_for_each_entry_safe(sync, tmp, &store->syncs, link)
                free(sync);
        store_free_queries(store);
        batch_clear(&store->gathered);
        batch_clear(&store->opened);
        if (store->core)
                store_core_unref(store->core);
        free(store->path);
        free(store);
}

int store_open(const struct store_options *options, struct store **ret) {
        struct store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return -ENOMEM;
        store->options = *options;
        if (store->options.queue_bytes == 0)
                store->options.queue_bytes = QUEUE_BYTES;
        database_init();
        batch_init(&store->gathered);
        batch_init(&store->opened);
        list_init(&store->syncs);
        list_init(&store->queries);
        loop_work_init(&store->work, options->loop, "store", on_work, store);
        store->path = strdup(options->path);
        store->core = store_core_new(options);
        r = store->path && store->core ? start(store) : -ENOMEM;
        if (r < 0) {
                free_store(store);
                return r;
        }
        await_opened(store);
        if (store->seen.taken) {
                log_error("%s", store->seen.why);
                (void)store_close(store, USEC_PER_SEC);
                return -EADDRINUSE;
        }
        *ret = store;
        return 0;
}

struct store *store_close(struct store *store, usec_t timeout_usec) {
        struct store_core *core;
        usec_t until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), MIN(timeout_usec, USEC_PER_DAY));
        char why[sizeof(core->state.why)] = "the disk does not answer";
        uint64_t left;
        bool ended;

        if (!store)
                return NULL;
        core = store->core;
        store_free_queries(store);
        store->closing = true;
        hand_over(store);
        (void)pthread_mutex_lock(&core->mutex);
        core->closing = true;
        (void)pthread_cond_signal(&core->wake);
        (void)pthread_cond_signal(&core->asked);
        while (!(core->ended && !core->reading) && store_core_wait(core, &core->changed, until_usec))
                ;
        ended = core->ended;
        if (ended)
                memcpy(why, core->state.why, sizeof(why));
        left = store->n_put - core->state.done;
        (void)pthread_mutex_unlock(&core->mutex);
        if (ended)
                (void)pthread_join(store->writer, NULL);
        else
                (void)pthread_detach(store->writer); /* it frees what it has when the disk answers */
        if (left > 0)
                log_warning("the database %s does not have the last %" PRIu64 " records: %s", store->path, left, why);
        free_store(store);
        return NULL;
}

void store_set_keep(struct store *store, usec_t keep_usec, uint64_t keep_runs) {
        struct store_core *core = store->core;

        (void)pthread_mutex_lock(&core->mutex);
        core->keep_usec = keep_usec;
        core->keep_runs = keep_runs;
        (void)pthread_mutex_unlock(&core->mutex);
}

void store_retry(struct store *store) {
        (void)pthread_mutex_lock(&store->core->mutex);
        store->core->retry = true;
        (void)pthread_cond_signal(&store->core->wake);
        (void)pthread_mutex_unlock(&store->core->mutex);
}
