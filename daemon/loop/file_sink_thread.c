/* SPDX-License-Identifier: MIT */
/* file_sink_thread: the threads that write.
 *
 *      idle ──▶ ready ──▶ at a thread ──▶ idle, ready (more came meanwhile) or closed
 *                 ▲            ▼
 *                 └──────── blocked (a FIFO is full)
 *
 * A file is served by one thread at a time, which takes all that is queued for it and writes that without the lock. A
 * file that would block is laid aside and tried again a little later; one that has no writers left is given up when it
 * takes nothing for a second. A thread that hangs in a system call, because the disk does, is no longer counted on: the
 * loop adds another when something waits too long.
 */
#include "base/log.h"
#include "base/thread.h"
#include "loop/file_sink_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <time.h>

#define RETRY_USEC   (20 * USEC_PER_MSEC)
#define GIVE_UP_USEC USEC_PER_SEC

/* How writing went. */
struct progress {
        size_t n_written;
        size_t n_lost;
        int error;
        bool blocked;
};

/* ---- without the lock ---- */

int sink_open(const struct file_sink *sink, const char *path, const struct file_user *user) {
        int fd;

        dumpable_begin(sink->dumpable);
        fd = open_as_user(user, path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0640);
        dumpable_end(sink->dumpable);
        return fd;
}

static void reopen(const struct file_sink *sink, struct sink_file *file) {
        int fd = sink_open(sink, file->path, file->has_user ? &file->user : NULL);

        if (fd < 0) {
                log_error("output file %s: cannot be opened anew, the old one goes on: %s", file->path, strerror(-fd));
                return;
        }
        (void)close(file->fd);
        file->fd = fd;
}

/* Writes what is in hand; what fails is lost, and the rest with it, for it would fail as well. */
static struct progress write_hand(struct sink_file *file) {
        struct progress progress = { 0 };

        while (file->hand_at < file->hand.n) {
                ssize_t n = write(file->fd, file->hand.data + file->hand_at, file->hand.n - file->hand_at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        progress.blocked = true;
                        return progress;
                }
                if (n < 0) {
                        progress.error = errno;
                        progress.n_lost = file->hand.n - file->hand_at;
                        break;
                }
                file->hand_at += (size_t)n;
                progress.n_written += (size_t)n;
        }
        file->hand.n = file->hand_at = 0;
        return progress;
}

/* ---- with the lock ---- */

static void tell_loop(struct file_sink *sink, struct sink_file *file) {
        if (!file->awaited)
                return;
        file->awaited = false;
        if (!sink->told)
                (void)eventfd_write(sink->event_fd, 1);
        sink->told = true;
}

static void note_errors(struct sink_file *file, const struct progress *progress) {
        if (progress->error > 0 && file->error == 0)
                log_error("output file %s: cannot be written, output is lost: %s", file->path,
                          strerror(progress->error));
        file->n_lost += progress->n_lost;
        if (progress->error > 0) {
                file->error = progress->error;
        } else if (file->error > 0 && progress->n_written > 0) {
                log_notice("output file %s: is written again, %" PRIu64 " bytes were lost", file->path, file->n_lost);
                file->error = 0;
                file->n_lost = 0;
        }
}

/* A file that takes nothing is waited for as long as somebody writes to it. */
static void note_block(struct sink_file *file, struct progress *progress) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (!progress->blocked || progress->n_written > 0)
                file->refuse_usec = 0;
        if (!progress->blocked)
                return;
        if (file->refuse_usec == 0)
                file->refuse_usec = now;
        if (file->n_writers > 0 || usec_sub(now, file->refuse_usec) < GIVE_UP_USEC)
                return;
        progress->blocked = false;
        progress->error = EAGAIN;
        progress->n_lost = file->hand.n - file->hand_at;
        file->hand.n = file->hand_at = 0;
}

static void close_file(struct file_sink *sink, struct sink_file *file) {
        if (file->error > 0)
                log_error("output file %s: %" PRIu64 " bytes were lost", file->path, file->n_lost);
        list_remove(&file->link);
        (void)pthread_mutex_unlock(&sink->lock);
        sink_file_free(file);
        (void)pthread_mutex_lock(&sink->lock);
        sink->n_unused--;
        (void)pthread_cond_broadcast(&sink->done);
}

/* What becomes of @file after its turn. */
static void settle(struct file_sink *sink, struct sink_file *file, bool blocked) {
        if (blocked) {
                file->since_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), RETRY_USEC);
                list_append(&sink->blocked, &file->queue);
        } else if (file->pending.n > 0 || file->wants_reopen) {
                sink_submit(sink, file);
        } else if (file->n_writers == 0) {
                close_file(sink, file);
        } else {
                free(file->hand.data);
                free(file->pending.data);
                file->hand = file->pending = (struct bytes){ 0 };
        }
}

static void serve(struct file_sink *sink, struct sink_file *file) {
        bool wants_reopen = file->wants_reopen;
        struct progress progress;

        list_remove(&file->queue);
        file->has_thread = true;
        file->wants_reopen = false;
        if (file->hand.n == 0) {
                struct bytes empty = file->hand;

                file->hand = file->pending;
                file->pending = empty;
        }
        (void)pthread_mutex_unlock(&sink->lock);
        if (wants_reopen)
                reopen(sink, file);
        progress = write_hand(file);
        (void)pthread_mutex_lock(&sink->lock);

        file->has_thread = false;
        note_block(file, &progress);
        note_errors(file, &progress);
        file->n_done += progress.n_written + progress.n_lost;
        sink->n_bytes -= progress.n_written + progress.n_lost;
        tell_loop(sink, file);
        (void)pthread_cond_broadcast(&sink->done);
        settle(sink, file, progress.blocked);
}

static struct sink_file *next_file(struct file_sink *sink) {
        struct sink_file *file = list_first_entry(&sink->ready, struct sink_file, queue);

        if (file)
                return file;
        file = list_first_entry(&sink->blocked, struct sink_file, queue);
        return file && file->since_usec <= clock_now(CLOCK_ID_MONOTONIC) ? file : NULL;
}

static void wait_for_work(struct file_sink *sink) {
        const struct sink_file *file = list_first_entry(&sink->blocked, struct sink_file, queue);
        struct timespec until;

        sink->n_idle++;
        if (file) {
                until.tv_sec = (time_t)(file->since_usec / USEC_PER_SEC);
                until.tv_nsec = (long)(file->since_usec % USEC_PER_SEC * 1000);
                (void)pthread_cond_timedwait(&sink->wake, &sink->lock, &until);
        } else {
                (void)pthread_cond_wait(&sink->wake, &sink->lock);
        }
        sink->n_idle--;
}

static void *thread_main(void *arg) {
        struct file_sink *sink = arg;

        dumpable_begin(sink->dumpable);
        write_as_nobody();
        dumpable_end(sink->dumpable);
        (void)pthread_mutex_lock(&sink->lock);
        while (!sink->closing) {
                struct sink_file *file = next_file(sink);

                if (file)
                        serve(sink, file);
                else
                        wait_for_work(sink);
        }
        sink->n_alive--;
        (void)pthread_cond_broadcast(&sink->done);
        (void)pthread_mutex_unlock(&sink->lock);
        return NULL;
}

int sink_add_thread(struct file_sink *sink) {
        int r;

        if (sink->n_threads == SINK_THREADS_MAX)
                return -EAGAIN;
        r = thread_start("output", thread_main, sink, &sink->threads[sink->n_threads]);
        if (r < 0)
                return r;
        sink->n_threads++;
        sink->n_alive++;
        return 0;
}
