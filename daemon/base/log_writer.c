/* SPDX-License-Identifier: MIT */
/* log_writer: the queue of the logger and the thread that empties it.
 *
 * The queue is bounded in bytes, counted until they are written. The thread takes all that is queued at once; it is
 * woken only when it sleeps. Records that found no room are counted, and the count is written after what was queued
 * when they were lost. The output of commands does not get the last of the room, so that what the daemon says is heard
 * also when they flood a log that has stopped.
 *
 * At the end the thread has some time to write the rest; then it is told through an eventfd to give up. If it still
 * does not come back, because a write blocks in spite of poll(), it is left behind with its memory.
 */
#include "base/log_private.h"
#include "base/thread.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

#define QUEUE_BYTES  ((size_t)4 * 1024 * 1024)
#define STALLED_USEC USEC_PER_SEC         /* a sink that takes nothing for so long is not waited for */
#define GIVE_UP_USEC (50 * USEC_PER_MSEC) /* of the time for closing, what is kept for giving up */

struct log_writer {
        pthread_mutex_t mutex;
        pthread_cond_t wake;  /* there is something to do */
        pthread_cond_t ended; /* the thread is about to end */
        pthread_t thread;
        struct list queue;
        size_t n_queued, bytes, max_bytes;
        uint64_t written, dropped, unreported;
        usec_t dropped_usec; /* realtime, of the last one */
        bool sleeping, closing, has_ended;
        bool left_behind;              /* the thread frees the writer */
        _Atomic(usec_t) progress_usec; /* monotonic, when the sink took something, or was first asked to */
        struct log_sink sink;          /* the thread's */
};

static size_t item_bytes(const struct log_item *item) {
        return sizeof(*item) + item->size;
}

/* ---- on the thread ---- */

static void note_progress(struct log_writer *writer) {
        atomic_store_explicit(&writer->progress_usec, clock_now(CLOCK_ID_MONOTONIC), memory_order_relaxed);
}

/* Returns 0, or -ECANCELED when it gave up; what was not written then is lost, and counted. */
static int write_item(struct log_writer *writer, const struct log_item *item) {
        struct log_sink *sink = &writer->sink;
        struct iovec parts[LOG_PARTS];
        size_t at = 0, left = item->n_records;
        int r = 0;

        while (r >= 0 && log_item_next(item, &at, parts)) {
                r = sink->format == LOG_FORMAT_JOURNAL ? log_journal_write(sink, parts) : log_stderr_write(sink, parts);
                left--;
                note_progress(writer);
        }
        sink->lost += left;
        return r;
}

static int sink_flush(struct log_sink *sink) {
        return sink->format == LOG_FORMAT_JOURNAL ? 0 : log_stderr_flush(sink);
}

static int write_dropped(struct log_writer *writer, uint64_t n) {
        const struct log_context context = { .event = EVENT_LOG_DROPPED, .place = LOG_HERE };
        _cleanup_(freep) struct log_item *item = NULL;
        char text[64];
        struct log_entry entry = {
                .level = event_id_level(context.event),
                .context = &context,
                .text = text,
                .realtime_usec = clock_now(CLOCK_ID_REALTIME),
        };

        entry.n = (size_t)snprintf(text, sizeof(text), "%" PRIu64 " log records dropped", n);
        item = log_format(writer->sink.format, &entry);
        return item ? write_item(writer, item) : 0;
}

/* Writes all of @items, then that @unreported ones had no room; frees the items. Returns 0, or -ECANCELED when it gave
 * up. */
static int write_items(struct log_writer *writer, struct list *items, uint64_t unreported) {
        struct log_sink *sink = &writer->sink;
        struct log_item *item, *tmp;
        int r = 0;

        note_progress(writer);
        list_for_each_entry_safe(item, tmp, items, link) {
                if (r >= 0)
                        r = write_item(writer, item);
                else
                        sink->lost += item->n_records;
                free(item);
        }
        if (r >= 0 && unreported > 0)
                r = write_dropped(writer, unreported);
        return r >= 0 ? sink_flush(sink) : r;
}

/* With the mutex held. */
static void count_dropped(struct log_writer *writer, uint64_t n) {
        if (n == 0)
                return;
        writer->dropped += n;
        writer->dropped_usec = clock_now(CLOCK_ID_REALTIME);
}

/* With the mutex held, which it releases meanwhile. Returns false when it gave up. */
static bool write_queue(struct log_writer *writer) {
        struct list items = LIST_INIT(items);
        uint64_t unreported = writer->unreported;
        size_t n = writer->n_queued, bytes = writer->bytes;
        int r;

        list_splice(&items, &writer->queue);
        writer->unreported = 0;
        (void)pthread_mutex_unlock(&writer->mutex);
        r = write_items(writer, &items, unreported);
        (void)pthread_mutex_lock(&writer->mutex);

        writer->n_queued -= n;
        writer->bytes -= bytes;
        writer->written += n + (unreported > 0) - writer->sink.lost;
        count_dropped(writer, writer->sink.lost);
        writer->sink.lost = 0;
        return r >= 0;
}

static void writer_destroy(struct log_writer *writer) {
        struct log_item *item, *tmp;

        list_for_each_entry_safe(item, tmp, &writer->queue, link)
                free(item);
        if (writer->sink.format == LOG_FORMAT_JOURNAL && writer->sink.fd >= 0)
                (void)close(writer->sink.fd);
        if (writer->sink.wake_fd >= 0)
                (void)close(writer->sink.wake_fd);
        (void)pthread_cond_destroy(&writer->wake);
        (void)pthread_cond_destroy(&writer->ended);
        (void)pthread_mutex_destroy(&writer->mutex);
        free(writer);
}

static void *writer_main(void *arg) {
        struct log_writer *writer = arg;
        bool left_behind;

        (void)pthread_mutex_lock(&writer->mutex);
        for (;;) {
                while (list_empty(&writer->queue) && writer->unreported == 0 && !writer->closing) {
                        writer->sleeping = true;
                        (void)pthread_cond_wait(&writer->wake, &writer->mutex);
                        writer->sleeping = false;
                }
                if (list_empty(&writer->queue) && writer->unreported == 0)
                        break;
                if (!write_queue(writer))
                        break;
        }
        writer->has_ended = true;
        left_behind = writer->left_behind;
        (void)pthread_cond_signal(&writer->ended);
        (void)pthread_mutex_unlock(&writer->mutex);
        if (left_behind)
                writer_destroy(writer);
        return NULL;
}

/* ---- on the others ---- */

int log_writer_start(const struct log_sink *sink, size_t max_bytes, struct log_writer **ret) {
        struct log_writer *writer;
        pthread_condattr_t attr;
        int r;

        writer = calloc(1, sizeof(*writer));
        if (!writer)
                return -ENOMEM;
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_mutex_init(&writer->mutex, NULL);
        (void)pthread_cond_init(&writer->wake, NULL);
        (void)pthread_cond_init(&writer->ended, &attr);
        (void)pthread_condattr_destroy(&attr);
        list_init(&writer->queue);
        writer->max_bytes = max_bytes > 0 ? max_bytes : QUEUE_BYTES;
        writer->sink = *sink;
        note_progress(writer);

        writer->sink.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = writer->sink.wake_fd < 0 ? -errno : thread_start("log", writer_main, writer, &writer->thread);
        if (r < 0) {
                writer->sink.fd = -EBADF; /* still the caller's */
                writer_destroy(writer);
                return r;
        }
        *ret = writer;
        return 0;
}

/* With the mutex held: waits until the thread has ended, or @until_usec. */
static void await_end(struct log_writer *writer, usec_t until_usec) {
        const struct timespec until = {
                .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                .tv_nsec = (long)(until_usec % USEC_PER_SEC * 1000),
        };

        while (!writer->has_ended)
                if (pthread_cond_timedwait(&writer->ended, &writer->mutex, &until) == ETIMEDOUT)
                        return;
}

uint64_t log_writer_stop(struct log_writer *writer, usec_t timeout_usec) {
        usec_t until_usec = clock_now(CLOCK_ID_MONOTONIC) + MIN(timeout_usec, USEC_PER_DAY);
        static const uint64_t one = 1;
        uint64_t dropped;
        bool ended;

        (void)pthread_mutex_lock(&writer->mutex);
        writer->closing = true;
        (void)pthread_cond_signal(&writer->wake);
        await_end(writer, until_usec - MIN(timeout_usec / 4, GIVE_UP_USEC));
        if (!writer->has_ended) {
                (void)!write(writer->sink.wake_fd, &one, sizeof(one));
                await_end(writer, until_usec);
        }
        ended = writer->has_ended;
        writer->left_behind = !ended;
        dropped = writer->dropped + writer->n_queued;
        if (!ended)
                (void)pthread_detach(writer->thread); /* after unlocking, the writer may be gone */
        (void)pthread_mutex_unlock(&writer->mutex);

        if (!ended)
                return dropped;
        (void)pthread_join(writer->thread, NULL);
        writer_destroy(writer);
        return dropped;
}

void log_writer_push(struct log_writer *writer, struct log_item *item) {
        size_t n_records = item ? item->n_records : 1;
        bool fits, sleeping;

        (void)pthread_mutex_lock(&writer->mutex);
        fits = item &&
               writer->bytes + item_bytes(item) <= (item->is_output ? writer->max_bytes / 8 * 7 : writer->max_bytes);
        if (fits) {
                list_append(&writer->queue, &item->link);
                writer->n_queued += n_records;
                writer->bytes += item_bytes(item);
        } else {
                count_dropped(writer, n_records);
                writer->unreported += n_records;
        }
        sleeping = writer->sleeping;
        writer->sleeping = false; /* one call wakes it */
        (void)pthread_mutex_unlock(&writer->mutex);

        if (sleeping)
                (void)pthread_cond_signal(&writer->wake);
        if (!fits)
                free(item);
}

uint64_t log_writer_written(struct log_writer *writer) {
        uint64_t written;

        (void)pthread_mutex_lock(&writer->mutex);
        written = writer->written;
        (void)pthread_mutex_unlock(&writer->mutex);
        return written;
}

uint64_t log_writer_dropped(struct log_writer *writer) {
        uint64_t dropped;

        (void)pthread_mutex_lock(&writer->mutex);
        dropped = writer->dropped;
        (void)pthread_mutex_unlock(&writer->mutex);
        return dropped;
}

usec_t log_writer_dropped_usec(struct log_writer *writer) {
        usec_t usec;

        (void)pthread_mutex_lock(&writer->mutex);
        usec = writer->dropped_usec;
        (void)pthread_mutex_unlock(&writer->mutex);
        return usec;
}

size_t log_writer_queued(struct log_writer *writer) {
        size_t n;

        (void)pthread_mutex_lock(&writer->mutex);
        n = writer->n_queued;
        (void)pthread_mutex_unlock(&writer->mutex);
        return n;
}

bool log_writer_is_congested(struct log_writer *writer) {
        bool congested;

        (void)pthread_mutex_lock(&writer->mutex);
        congested = writer->bytes > writer->max_bytes / 2;
        (void)pthread_mutex_unlock(&writer->mutex);
        return congested && usec_sub(clock_now(CLOCK_ID_MONOTONIC),
                                     atomic_load_explicit(&writer->progress_usec, memory_order_relaxed)) < STALLED_USEC;
}
