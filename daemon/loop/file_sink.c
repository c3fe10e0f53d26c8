/* SPDX-License-Identifier: MIT */
/* file_sink: files that children's output is appended to, see file_sink.h.
 *
 * Each file has two buffers: the loop fills one while a thread writes the other, and they change places. Both are freed
 * when all is written, so that a thousand quiet services keep none. A file is closed, and closed by a thread, when it has
 * no writers and nothing to write; the next run then opens what has that path by now, which is all that the rotation of
 * logs needs where runs are short.
 *
 * The loop is told through an eventfd that something was done, only when a writer waits, and looks at all that wait.
 */
#include "base/log.h"
#include "loop/file_sink_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/eventfd.h>
#include <time.h>

#define FILE_BYTES   ((size_t)512 * 1024)       /* so much may wait for a file … */
#define SINK_BYTES   ((size_t)32 * 1024 * 1024) /* … and for all; more than that, for one that has nothing waiting */
#define HELD_BYTES   ((size_t)64 * 1024)        /* of a line that is not complete, while the file is shared */
#define STUCK_USEC   (100 * USEC_PER_MSEC)
#define LEAVE_USEC   (100 * USEC_PER_MSEC)
#define BUFFER_FIRST 4096

struct file_writer {
        struct file_sink *sink;
        struct sink_file *file;
        struct bytes held; /* the beginning of a line */
        /* What it waits for; loop thread only. */
        struct list waiting;
        file_writer_fn fn;
        void *arg;
        bool flushes;      /* else it waits for room */
        uint64_t mark;     /* flushing: how many bytes of the file must be done */
        usec_t until_usec; /* flushing: when it waits no longer */
};

/* ---- bytes ---- */

static int bytes_add(struct bytes *bytes, const char *data, size_t n) {
        size_t size = MAX(bytes->size, (size_t)BUFFER_FIRST);
        char *more;

        while (size < bytes->n + n)
                size *= 2;
        if (size > bytes->size) {
                more = realloc(bytes->data, size);
                if (!more)
                        return -ENOMEM;
                bytes->data = more;
                bytes->size = size;
        }
        memcpy(bytes->data + bytes->n, data, n);
        bytes->n += n;
        return 0;
}

static void bytes_done(struct bytes *bytes) {
        free(bytes->data);
        *bytes = (struct bytes){ 0 };
}

/* ---- files; with the lock held ---- */

void sink_file_free(struct sink_file *file) {
        closep(&file->fd);
        bytes_done(&file->hand);
        bytes_done(&file->pending);
        free((gid_t *)file->user.groups);
        free(file->path);
        free(file);
}

static bool is_user(const struct sink_file *file, const struct file_user *user) {
        if (!user || !file->has_user)
                return !user && !file->has_user;
        return file->user.uid == user->uid && file->user.gid == user->gid && file->user.n_groups == user->n_groups &&
               (user->n_groups == 0 || memcmp(file->user.groups, user->groups, user->n_groups * sizeof(gid_t)) == 0);
}

/* The file, if it is open, with a writer more. */
static struct sink_file *share_file(struct file_sink *sink, const char *path, const struct file_user *user) {
        struct sink_file *file;

        list_for_each_entry(file, &sink->files, link)
                if (streq(file->path, path) && is_user(file, user)) {
                        sink->n_unused -= file->n_writers++ == 0;
                        return file;
                }
        return NULL;
}

static uint64_t waiting_bytes(const struct sink_file *file) {
        return file->n_given - file->n_done;
}

void sink_submit(struct file_sink *sink, struct sink_file *file) {
        if (file->has_thread || list_linked(&file->queue))
                return;
        file->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        list_append(&sink->ready, &file->queue);
        if (sink->n_idle > 0)
                (void)pthread_cond_signal(&sink->wake);
}

static void give(struct file_sink *sink, struct sink_file *file, const char *data, size_t n) {
        if (n == 0)
                return;
        if (bytes_add(&file->pending, data, n) < 0) {
                log_error("output file %s: %zu bytes are lost: %s", file->path, n, strerror(ENOMEM));
                return;
        }
        file->n_given += n;
        sink->n_bytes += n;
        sink_submit(sink, file);
}

static void give_held(struct file_writer *writer) {
        give(writer->sink, writer->file, writer->held.data, writer->held.n);
        writer->held.n = 0;
}

/* ---- opening; on any thread ---- */

static int copy_user(const struct file_user *user, struct sink_file *file) {
        gid_t *groups = NULL;

        if (!user)
                return 0;
        file->has_user = true;
        file->user = *user;
        file->user.groups = NULL;
        if (user->n_groups == 0)
                return 0;
        groups = malloc(user->n_groups * sizeof(gid_t));
        if (!groups)
                return -ENOMEM;
        memcpy(groups, user->groups, user->n_groups * sizeof(gid_t));
        file->user.groups = groups;
        return 0;
}

static int open_file(const struct file_sink *sink, const char *path, const struct file_user *user,
                     struct sink_file **ret) {
        struct sink_file *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;
        list_init(&file->link);
        list_init(&file->queue);
        file->n_writers = 1;
        file->fd = -EBADF;
        file->path = strdup(path);
        r = file->path ? copy_user(user, file) : -ENOMEM;
        if (r >= 0)
                r = file->fd = sink_open(sink, path, user);
        if (r < 0) {
                sink_file_free(file);
                return r;
        }
        *ret = file;
        return 0;
}

/* With the lock held, which it releases to open a file. */
static int get_file(struct file_sink *sink, const char *path, const struct file_user *user, struct sink_file **ret) {
        struct sink_file *file = share_file(sink, path, user), *opened = NULL;
        int r = 0;

        if (!file) {
                (void)pthread_mutex_unlock(&sink->lock);
                r = open_file(sink, path, user, &opened);
                (void)pthread_mutex_lock(&sink->lock);
                if (r < 0)
                        return r;
                file = share_file(sink, path, user);
        }
        if (file && opened)
                sink_file_free(opened); /* another thread was faster; nothing was written to it */
        else if (opened)
                list_append(&sink->files, &opened->link);
        *ret = file ?: opened;
        return 0;
}

int file_sink_open(struct file_sink *sink, const char *path, const struct file_user *user, struct file_writer **ret) {
        struct file_writer *writer = calloc(1, sizeof(*writer));
        int r;

        if (!writer)
                return -ENOMEM;
        writer->sink = sink;
        list_init(&writer->waiting);
        (void)pthread_mutex_lock(&sink->lock);
        r = sink->n_bytes >= 2 * SINK_BYTES ? -ENOBUFS : 0;
        if (r >= 0 && sink->n_threads == 0)
                r = sink_add_thread(sink);
        if (r >= 0)
                r = get_file(sink, path, user, &writer->file);
        (void)pthread_mutex_unlock(&sink->lock);
        if (r < 0) {
                free(writer);
                return r;
        }
        *ret = writer;
        return 0;
}

struct file_writer *file_writer_close(struct file_writer *writer) {
        struct file_sink *sink;

        if (!writer)
                return NULL;
        sink = writer->sink;
        list_remove(&writer->waiting);
        (void)pthread_mutex_lock(&sink->lock);
        give_held(writer);
        if (--writer->file->n_writers == 0) {
                sink->n_unused++;
                sink_submit(sink, writer->file);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        bytes_done(&writer->held);
        free(writer);
        return NULL;
}

/* ---- writing ---- */

static void arm(struct file_sink *sink, usec_t at_usec) {
        if (!loop_timer_armed(&sink->timer) || at_usec < sink->timer.at_usec)
                loop_timer_set(&sink->timer, at_usec);
}

/* Something is for the threads to do: they may all hang. */
static void watch_threads(struct file_sink *sink) {
        if (!loop_timer_armed(&sink->timer))
                loop_timer_set(&sink->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), STUCK_USEC));
}

/* How much of the @n bytes ends with a line: of what goes to a file that others write to, too. */
static size_t whole_lines(const struct file_writer *writer, const char *data, size_t n) {
        const char *end = memrchr(data, '\n', n);
        size_t whole = end ? (size_t)(end - data) + 1 : 0;

        return whole == 0 && writer->held.n + n > HELD_BYTES ? n : n - whole > HELD_BYTES ? n : whole;
}

void file_writer_write(struct file_writer *writer, const char *data, size_t n) {
        struct file_sink *sink = writer->sink;
        size_t whole = n;

        (void)pthread_mutex_lock(&sink->lock);
        if (writer->file->n_writers > 1)
                whole = whole_lines(writer, data, n);
        if (whole > 0)
                give_held(writer);
        give(sink, writer->file, data, whole);
        if (whole < n && bytes_add(&writer->held, data + whole, n - whole) < 0) {
                give_held(writer); /* out of memory: better in pieces than not at all */
                give(sink, writer->file, data + whole, n - whole);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        watch_threads(sink);
}

/* ---- waiting ---- */

/* With the lock held: whether the wait is over. */
static bool is_over(const struct file_writer *writer) {
        const struct sink_file *file = writer->file;
        uint64_t n = waiting_bytes(file);

        if (writer->flushes)
                return file->n_done >= writer->mark;
        return n == 0 || (n <= FILE_BYTES / 2 && writer->sink->n_bytes < SINK_BYTES);
}

static void wait_for(struct file_writer *writer, file_writer_fn fn, void *arg) {
        writer->file->awaited = true;
        writer->fn = fn;
        writer->arg = arg;
        if (!list_linked(&writer->waiting))
                list_append(&writer->sink->waiting, &writer->waiting);
}

bool file_writer_has_room(struct file_writer *writer, file_writer_fn fn, void *arg) {
        struct file_sink *sink = writer->sink;
        uint64_t n;
        bool room;

        (void)pthread_mutex_lock(&sink->lock);
        n = waiting_bytes(writer->file);
        room = n == 0 || (n < FILE_BYTES && sink->n_bytes < SINK_BYTES);
        if (!room) {
                writer->flushes = false;
                writer->until_usec = USEC_INFINITY;
                wait_for(writer, fn, arg);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        return room;
}

bool file_writer_flush(struct file_writer *writer, usec_t timeout_usec, file_writer_fn fn, void *arg) {
        struct file_sink *sink = writer->sink;
        bool done;

        (void)pthread_mutex_lock(&sink->lock);
        give_held(writer);
        writer->flushes = true;
        writer->mark = writer->file->n_given;
        done = is_over(writer);
        if (done) {
                list_remove(&writer->waiting);
        } else {
                writer->until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), timeout_usec);
                wait_for(writer, fn, arg);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        if (!done)
                arm(sink, writer->until_usec);
        return done;
}

/* Whether @writer waits no longer; else it is put back on the list. */
static bool check_wait(struct file_writer *writer, usec_t now) {
        struct file_sink *sink = writer->sink;
        bool over;

        (void)pthread_mutex_lock(&sink->lock);
        over = is_over(writer);
        if (!over && writer->until_usec <= now) {
                over = true;
                log_warning("output file %s: is written so slowly that a run ended before its output was there",
                            writer->file->path);
        }
        if (!over) {
                writer->file->awaited = true;
                list_append(&sink->waiting, &writer->waiting);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        return over;
}

/* Calls those whose wait is over. */
static void look(struct file_sink *sink) {
        struct list todo = LIST_INIT(todo);
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct file_writer *writer;

        list_splice(&todo, &sink->waiting);
        while ((writer = list_first_entry(&todo, struct file_writer, waiting))) {
                list_remove(&writer->waiting);
                if (!check_wait(writer, now))
                        continue;
                writer->fn(writer->arg);
                if (!list_empty(&todo)) /* each is for another child */
                        loop_switch(sink->loop, "output written");
        }
}

static void on_done(_unused_ struct loop_io *io, int fd, _unused_ unsigned events, void *arg) {
        struct file_sink *sink = arg;
        eventfd_t value;

        (void)eventfd_read(fd, &value);
        (void)pthread_mutex_lock(&sink->lock);
        sink->told = false;
        (void)pthread_mutex_unlock(&sink->lock);
        look(sink);
}

/* With the lock held: adds a thread when all seem to hang. Returns whether something waits for one. */
static bool replace_stuck(struct file_sink *sink, usec_t now) {
        const struct sink_file *file = list_first_entry(&sink->ready, struct sink_file, queue);

        if (file && sink->n_idle == 0 && usec_sub(now, file->since_usec) >= STUCK_USEC)
                (void)sink_add_thread(sink); /* else they wait for those that hang */
        return file != NULL;
}

static void on_timer(_unused_ struct loop_timer *timer, void *arg) {
        struct file_sink *sink = arg;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct file_writer *writer;
        bool busy;

        (void)pthread_mutex_lock(&sink->lock);
        busy = replace_stuck(sink, now);
        (void)pthread_mutex_unlock(&sink->lock);
        if (busy)
                watch_threads(sink);
        look(sink);
        list_for_each_entry(writer, &sink->waiting, waiting)
                if (writer->until_usec != USEC_INFINITY)
                        arm(sink, writer->until_usec);
}

/* ---- the whole ---- */

void file_sink_reopen(struct file_sink *sink) {
        struct sink_file *file;

        (void)pthread_mutex_lock(&sink->lock);
        list_for_each_entry(file, &sink->files, link) {
                file->wants_reopen = true;
                sink_submit(sink, file);
        }
        (void)pthread_mutex_unlock(&sink->lock);
        watch_threads(sink);
}

/* With the lock held: waits until something is done, or @until_usec. */
static void await(struct file_sink *sink, usec_t until_usec) {
        const struct timespec until = {
                .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                .tv_nsec = (long)(until_usec % USEC_PER_SEC * 1000),
        };

        (void)pthread_cond_timedwait(&sink->done, &sink->lock, &until);
}

uint64_t file_sink_flush(struct file_sink *sink, usec_t timeout_usec) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC), until_usec = usec_add(now, timeout_usec);
        uint64_t left;

        (void)pthread_mutex_lock(&sink->lock);
        while (sink->n_bytes + sink->n_unused > 0 && now < until_usec) {
                (void)replace_stuck(sink, now);
                await(sink, MIN(until_usec, usec_add(now, STUCK_USEC)));
                now = clock_now(CLOCK_ID_MONOTONIC);
        }
        left = sink->n_bytes;
        (void)pthread_mutex_unlock(&sink->lock);
        if (left > 0)
                log_error("output files: %" PRIu64 " bytes could not be written in time", left);
        return left;
}

static void init(struct file_sink *sink, struct loop *loop) {
        pthread_condattr_t attr;

        sink->loop = loop;
        list_init(&sink->waiting);
        list_init(&sink->files);
        list_init(&sink->ready);
        list_init(&sink->blocked);
        (void)pthread_mutex_init(&sink->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&sink->wake, &attr);
        (void)pthread_cond_init(&sink->done, &attr);
        (void)pthread_condattr_destroy(&attr);
}

int file_sink_new(struct loop *loop, struct dumpable *dumpable, struct file_sink **ret) {
        _cleanup_(file_sink_freep) struct file_sink *sink = calloc(1, sizeof(*sink));
        int r;

        if (!sink)
                return -ENOMEM;
        init(sink, loop);
        sink->dumpable = dumpable;
        sink->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (sink->event_fd < 0)
                return -errno;
        r = loop_io_new(loop, sink->event_fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "output written", on_done, sink,
                        &sink->io);
        if (r >= 0)
                r = loop_timer_init(&sink->timer, loop, CLOCK_ID_MONOTONIC, "output stuck", on_timer, sink);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(sink);
        return 0;
}

/* Returns whether all threads have ended. */
static bool stop_threads(struct file_sink *sink) {
        usec_t until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), LEAVE_USEC);
        bool all;

        (void)pthread_mutex_lock(&sink->lock);
        sink->closing = true;
        (void)pthread_cond_broadcast(&sink->wake);
        while (sink->n_alive > 0 && clock_now(CLOCK_ID_MONOTONIC) < until_usec)
                await(sink, until_usec);
        all = sink->n_alive == 0;
        (void)pthread_mutex_unlock(&sink->lock);
        for (unsigned i = 0; i < sink->n_threads; i++)
                (void)(all ? pthread_join(sink->threads[i], NULL) : pthread_detach(sink->threads[i]));
        return all;
}

struct file_sink *file_sink_free(struct file_sink *sink) {
        struct sink_file *file, *tmp;

        if (!sink)
                return NULL;
        loop_io_free(sink->io);
        loop_timer_done(&sink->timer);
        if (!stop_threads(sink))
                return sink;
        list_for_each_entry_safe(file, tmp, &sink->files, link)
                sink_file_free(file);
        closep(&sink->event_fd);
        (void)pthread_cond_destroy(&sink->done);
        (void)pthread_cond_destroy(&sink->wake);
        (void)pthread_mutex_destroy(&sink->lock);
        free(sink);
        return NULL;
}
