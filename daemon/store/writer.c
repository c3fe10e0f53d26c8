/* SPDX-License-Identifier: MIT */
/* writer: the thread that writes what is put.
 *
 * The first record wakes it; it takes all that is queued and writes it in one transaction. What comes meanwhile is the next
 * batch, so batches grow with the load, and one record alone is written at once.
 *
 * A batch that cannot be written is kept and tried again, after 1 s and then more, together with what came meanwhile: the
 * queue's bound holds for both. After any failure the file is closed and opened anew, because what made it fail may have
 * left the old one read-only, or unlinked; but not while that would lose what its log has. A damaged one is set aside first.
 *
 * The first file that is opened is read before anything is written to it, however late that is; what was read is handed
 * over whole or not at all.
 *
 * What it says of itself is copied into the core at the end of each try; the loop is told when it waits for that, or when
 * something went wrong or is well again.
 */
#include "store/database.h"
#include "store/store_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define BACKOFF_FIRST (1 * USEC_PER_SEC)
#define BACKOFF_MAX   (30 * USEC_PER_SEC)
#define SMALL_BATCH   100 /* after such a one the daemon is quiet enough to do without a cache */

struct writer {
        struct store_core *core;
        struct database db;
        struct batch batch;        /* taken, not yet written */
        struct writer_state state; /* copied to the core after each try */
        usec_t backoff_usec;
        usec_t retry_usec;  /* degraded: when it tries again; monotonic */
        bool had_file;      /* one was open before */
        bool has_read;      /* what it had is, or was, in: */
        struct batch found; /* what is to be handed over */
        bool again;         /* of the batch, some was tried already */
        struct retain retain;
        struct {
                uint64_t written;
                struct applied applied;
        } fresh; /* since the last look at what is to be removed */
};

/* ---- how it is ---- */

static void _printf_(2, 3) note_failure(struct writer *writer, const char *format, ...) {
        struct writer_state *state = &writer->state;
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(state->why, sizeof(state->why), format, ap);
        va_end(ap);
        state->n_failures += !state->degraded;
}

static void become_degraded(struct writer *writer, int error) {
        struct writer_state *state = &writer->state;

        state->taken = error == -EADDRINUSE;
        note_failure(writer, "the database %s cannot be written: %s", writer->core->path, writer->db.why);
        if (!writer->db.nameless)
                database_close(&writer->db, true);
        writer->backoff_usec = state->degraded ? MIN(2 * writer->backoff_usec, BACKOFF_MAX) : BACKOFF_FIRST;
        writer->retry_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), writer->backoff_usec);
        state->degraded = true;
}

/* ---- the file ---- */

static int set_aside(struct writer *writer) {
        int r;

        database_close(&writer->db, true);
        r = database_set_aside(&writer->db, writer->core->path);
        if (r >= 0)
                note_failure(writer, "the database %s was damaged: it is now %s, and a new one was begun",
                             writer->core->path, writer->db.why);
        return r;
}

/* Opens it, and reads what it has if no read was whole yet. */
static int open_and_read(struct writer *writer) {
        int r = database_open(&writer->db, writer->core->path, writer->core->session);

        if (r < 0 || writer->has_read)
                return r;
        r = database_read_opened(&writer->db, &writer->found);
        if (r < 0)
                batch_clear(&writer->found); /* half of it would be taken for all */
        else
                writer->has_read = true;
        return r;
}

/* Opens the file, a new one in place of a damaged one. */
static int open_file(struct writer *writer) {
        struct database *db = &writer->db;
        const struct file_id before = db->file;
        int r = open_and_read(writer);

        if (r == -EBADMSG) {
                r = set_aside(writer);
                if (r >= 0)
                        r = open_and_read(writer);
        }
        if (r < 0)
                return r;
        if (db->made || !writer->had_file || db->file.ino != before.ino || db->file.dev != before.dev)
                writer->state.n_anew++;
        writer->retain.counted = false;
        writer->had_file = true;
        return 0;
}

static int have_file(struct writer *writer) {
        int r = database_is_gone(&writer->db);

        if (r < 0)
                return r;
        if (r > 0)
                note_failure(writer, "the database %s was lost: %s; it was opened anew", writer->core->path,
                             writer->db.why);
        writer->state.rows_gone = writer->db.rows_gone;
        writer->state.gone_since_usec = writer->db.gone_since_usec;
        return writer->db.handle ? 0 : open_file(writer);
}

/* ---- writing ---- */

static int write_batch(struct writer *writer) {
        struct writer_state *state = &writer->state;
        uint64_t n = writer->batch.n;
        struct applied applied;
        int r;

        if (n == 0)
                return 0;
        r = database_apply(&writer->db, &writer->batch, state->done, writer->again, &applied);
        writer->again = r < 0;
        if (r < 0)
                return r;
        state->commits++;
        state->done += n;
        state->unfit += applied.unfit;
        writer->fresh.written += n;
        writer->fresh.applied.n_runs += applied.n_runs;
        writer->fresh.applied.n_missed += applied.n_missed;
        state->size = writer->db.size;
        atomic_fetch_sub_explicit(&writer->core->bytes, writer->batch.bytes, memory_order_relaxed);
        batch_clear(&writer->batch);
        if (n <= SMALL_BATCH)
                (void)sqlite3_db_release_memory(writer->db.handle);
        return 0;
}

static void publish(struct writer *writer) {
        struct store_core *core = writer->core;
        const struct writer_state *before = &core->state;
        bool news;

        (void)pthread_mutex_lock(&core->mutex);
        writer->state.progress++;
        writer->state.opened = before->opened;
        news = before->degraded != writer->state.degraded || before->n_failures != writer->state.n_failures ||
               before->n_anew != writer->state.n_anew;
        core->state = writer->state;
        news |= writer->found.n > 0;
        batch_splice(&core->opened, &writer->found);
        if (news || core->awaited)
                store_core_tell(core);
        (void)pthread_mutex_unlock(&core->mutex);
}

/* Writes what was taken, and does what is to be done for the file from time to time. */
static int write_and_tend(struct writer *writer) {
        int r = write_batch(writer);

        if (r < 0)
                return r;
        if (!writer->state.degraded)
                publish(writer); /* nobody is to wait for what follows */
        /* What is in the log is safe, but a log that cannot be emptied grows. */
        r = database_checkpoint(&writer->db);
        if (r < 0)
                return r;
        r = database_retain(&writer->db, &writer->retain, writer->fresh.written, &writer->fresh.applied);
        memset(&writer->fresh, 0, sizeof(writer->fresh));
        return r;
}

/* Degraded afterwards if that fails. Damage is damage, whichever part of it came upon it. */
static void try_to_write(struct writer *writer, bool damaged) {
        int r = damaged ? set_aside(writer) : 0;

        if (r >= 0)
                r = have_file(writer);
        if (r >= 0)
                r = write_and_tend(writer);
        if (r == -EBADMSG) {
                r = set_aside(writer);
                if (r >= 0)
                        r = open_file(writer);
                if (r >= 0)
                        r = write_and_tend(writer);
        }
        if (r < 0)
                become_degraded(writer, r);
        else
                writer->state.degraded = false;
        publish(writer);
}

/* ---- the thread ---- */

/* When the file was written last: an earlier daemon was alive then. 0: never. */
static usec_t last_written(const char *path) {
        static const char *const suffixes[] = { "", "-wal" };
        usec_t last = 0;

        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                _cleanup_(freep) char *name = NULL;
                struct stat st;

                if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
                        name = NULL;
                if (name && stat(name, &st) == 0 && st.st_size > 0 && st.st_mtim.tv_sec > 0)
                        last = MAX(last, (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st.st_mtim.tv_nsec / 1000);
        }
        return last;
}

static void open_first(struct writer *writer) {
        struct store_core *core = writer->core;
        int r;

        writer->state.written_usec = last_written(core->path); /* opening it may write to it */
        r = open_file(writer);
        if (r < 0)
                become_degraded(writer, r);
        publish(writer);
        (void)pthread_mutex_lock(&core->mutex);
        core->state.opened = true;
        (void)pthread_cond_signal(&core->changed);
        store_core_tell(core);
        (void)pthread_mutex_unlock(&core->mutex);
}

/* With the mutex held. */
static bool has_work(const struct writer *writer) {
        const struct store_core *core = writer->core;

        if (writer->state.degraded)
                return core->retry || clock_now(CLOCK_ID_MONOTONIC) >= writer->retry_usec;
        return core->queue.n > 0 || core->damaged || (writer->retain.more && !core->closing);
}

/* With the mutex held. What is copied behind what was not written takes less room than it did. */
static void take_queue(struct writer *writer) {
        struct store_core *core = writer->core;
        size_t before = writer->batch.bytes + core->queue.bytes;

        batch_splice(&writer->batch, &core->queue);
        atomic_fetch_sub_explicit(&core->bytes, before - writer->batch.bytes, memory_order_relaxed);
}

/* With the mutex held, which it releases meanwhile. Returns false when the thread is to end. */
static bool await_work(struct writer *writer) {
        struct store_core *core = writer->core;

        while (!has_work(writer) && !core->closing) {
                core->idle = true;
                (void)store_core_wait(core, &core->wake, writer->state.degraded ? writer->retry_usec : USEC_INFINITY);
                core->idle = false;
        }
        return !core->closing || core->queue.n > 0 || writer->batch.n > 0;
}

static void *writer_main(void *arg) {
        struct writer *writer = arg;
        struct store_core *core = writer->core;
        bool closing = false, damaged;

        /* What wakes it is the loop, which goes on first. */
        (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &(const struct sched_param){ 0 });
        open_first(writer);
        (void)pthread_mutex_lock(&core->mutex);
        while (!(closing && writer->state.degraded) && await_work(writer)) {
                take_queue(writer);
                damaged = core->damaged && core->damaged_file.ino == writer->db.file.ino &&
                          core->damaged_file.dev == writer->db.file.dev;
                core->damaged = core->retry = false;
                closing = core->closing;
                writer->retain.keep_usec = core->keep_usec;
                writer->retain.keep_runs = core->keep_runs;
                (void)pthread_mutex_unlock(&core->mutex);
                try_to_write(writer, damaged);
                (void)pthread_mutex_lock(&core->mutex);
        }
        (void)pthread_mutex_unlock(&core->mutex);

        if (!writer->state.degraded)
                (void)database_is_gone(&writer->db); /* else a log without a name would go with what it has */
        database_close(&writer->db, writer->state.degraded);
        (void)pthread_mutex_lock(&core->mutex);
        core->ended = true;
        (void)pthread_cond_signal(&core->changed);
        (void)pthread_mutex_unlock(&core->mutex);
        database_done(&writer->db);
        batch_clear(&writer->batch);
        batch_clear(&writer->found);
        free(writer);
        store_core_unref(core);
        return NULL;
}

int writer_start(struct store_core *core, pthread_t *ret) {
        struct writer *writer = calloc(1, sizeof(*writer));
        int r;

        if (!writer)
                return -ENOMEM;
        writer->core = core;
        batch_init(&writer->batch);
        batch_init(&writer->found);
        r = thread_start("store", writer_main, writer, ret);
        if (r < 0)
                free(writer);
        return r;
}
