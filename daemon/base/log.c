/* SPDX-License-Identifier: MIT */
/* log: takes records from the callers, see log.h.
 *
 * A record becomes bytes in the thread that logs it, so that nothing it points to must outlive the call; what remains
 * for the writer is to move bytes. The lock keeps a late thread from pushing to a writer that is being closed.
 */
#include "base/log.h"

#include "base/log_private.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#define ITEM_EXTRA     256 /* what surrounds a text usually takes less */

/* The one global object of the project. */
static struct {
        pthread_rwlock_t lock;
        struct log_writer *writer; /* NULL: not open */
        _Atomic(enum log_format) format;
        atomic_int max_level;
        _Atomic(uint64_t) dropped; /* by writers of the past */
} logger = { .lock = PTHREAD_RWLOCK_INITIALIZER, .format = LOG_FORMAT_LINE, .max_level = LOG_INFO };

/* ---- names ---- */

static const char *const target_names[_LOG_TARGET_MAX] = {
        [LOG_TARGET_AUTO] = "auto",
        [LOG_TARGET_JOURNAL] = "journal",
        [LOG_TARGET_STDERR] = "stderr",
};

const char *log_target_to_string(enum log_target target) {
        return target >= 0 && target < _LOG_TARGET_MAX ? target_names[target] : NULL;
}

enum log_target log_target_from_string(const char *s) {
        for (enum log_target target = 0; target < _LOG_TARGET_MAX; target++)
                if (streq(s, target_names[target]))
                        return target;
        return _LOG_TARGET_INVALID;
}

static const char *const level_names[] = {
        [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

const char *log_level_to_string(int level) {
        return level >= 0 && level < (int)ARRAY_SIZE(level_names) ? level_names[level] : NULL;
}

int log_level_from_string(const char *s) {
        for (int level = 0; level < (int)ARRAY_SIZE(level_names); level++)
                if (streq(s, level_names[level]))
                        return level;
        return -EINVAL;
}

/* ---- opening ---- */

/* journald says so by naming device and inode of the stream. */
bool log_stderr_is_journal(void) {
        const char *value = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;
        char end;

        if (!value || sscanf(value, "%llu:%llu%c", &device, &inode, &end) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)device && st.st_ino == (ino_t)inode;
}

static int open_journal(struct log_sink *sink) {
#ifdef HAVE_LIBSYSTEMD
        *sink = (struct log_sink){ .format = LOG_FORMAT_JOURNAL, .fd = -EBADF, .path = JOURNAL_SOCKET };
        return log_journal_connect(sink);
#else
        (void)sink;
        return -EOPNOTSUPP;
#endif
}

int log_open_sink(const struct log_sink *sink, int max_level, size_t queue_bytes) {
        struct log_writer *writer = NULL;
        int r;

        if (logger.writer)
                return -EALREADY;
        r = log_writer_start(sink, queue_bytes, &writer);
        if (r < 0)
                return r;

        (void)pthread_rwlock_wrlock(&logger.lock);
        logger.writer = writer;
        logger.format = sink->format;
        (void)pthread_rwlock_unlock(&logger.lock);
        log_set_max_level(max_level);
        return 0;
}

int log_open(enum log_target target, int max_level, size_t queue_bytes) {
        struct log_sink sink = { .fd = STDERR_FILENO };
        bool journal = log_stderr_is_journal();
        int r;

        sink.format = journal ? LOG_FORMAT_PREFIXED : LOG_FORMAT_LINE;
        if (target == LOG_TARGET_JOURNAL || (target == LOG_TARGET_AUTO && journal)) {
                struct log_sink native;

                r = open_journal(&native);
                if (r >= 0)
                        sink = native;
                else if (target == LOG_TARGET_JOURNAL)
                        return r;
        }

        r = log_open_sink(&sink, max_level, queue_bytes);
        if (r < 0 && sink.format == LOG_FORMAT_JOURNAL)
                (void)close(sink.fd);
        return r;
}

void log_close(usec_t timeout_usec) {
        struct log_writer *writer;

        (void)pthread_rwlock_wrlock(&logger.lock);
        writer = TAKE_PTR(logger.writer);
        logger.format = LOG_FORMAT_LINE;
        (void)pthread_rwlock_unlock(&logger.lock);
        if (writer)
                logger.dropped += log_writer_stop(writer, timeout_usec);
}

void log_set_max_level(int level) {
        logger.max_level = level;
}

uint64_t log_written(void) {
        uint64_t written = 0;

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer)
                written = log_writer_written(logger.writer);
        (void)pthread_rwlock_unlock(&logger.lock);
        return written;
}

uint64_t log_dropped(void) {
        uint64_t dropped = logger.dropped;

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer)
                dropped += log_writer_dropped(logger.writer);
        (void)pthread_rwlock_unlock(&logger.lock);
        return dropped;
}

usec_t log_dropped_usec(void) {
        usec_t usec = 0;

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer)
                usec = log_writer_dropped_usec(logger.writer);
        (void)pthread_rwlock_unlock(&logger.lock);
        return usec;
}

size_t log_queued(void) {
        size_t n = 0;

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer)
                n = log_writer_queued(logger.writer);
        (void)pthread_rwlock_unlock(&logger.lock);
        return n;
}

bool log_is_congested(void) {
        bool congested = false;

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer)
                congested = log_writer_is_congested(logger.writer);
        (void)pthread_rwlock_unlock(&logger.lock);
        return congested;
}

/* ---- records ---- */

void log_item_append(struct log_item **item, const void *data, size_t n) {
        struct log_item *grown;

        if (!*item)
                return;
        if (n > (*item)->size - (*item)->n) {
                size_t size = MAX((*item)->size * 2, (*item)->n + n);

                grown = realloc(*item, sizeof(*grown) + size);
                if (!grown) {
                        free(*item);
                        *item = NULL;
                        return;
                }
                grown->size = size;
                *item = grown;
        }
        memcpy((*item)->data + (*item)->n, data, n);
        (*item)->n += n;
}

void log_item_end_head(struct log_item *item) {
        if (item)
                item->head = item->n;
}

bool log_item_next(const struct log_item *item, size_t *at, struct iovec ret[LOG_PARTS]) {
        static char line_break[] = "\n";
        const char *line = item->data + MAX(*at, item->head), *end;
        size_t left = item->n - MIN(item->n, (size_t)(line - item->data));

        if (*at > item->n)
                return false;
        end = item->head > 0 ? memchr(line, '\n', left) : NULL;
        if (!end)
                end = line + left;
        ret[0] = (struct iovec){ (char *)item->data, item->head };
        ret[1] = (struct iovec){ (char *)line, (size_t)(end - line) };
        ret[2] = (struct iovec){ line_break, item->head > 0 };
        *at = (size_t)(end - item->data) + 1;
        return true;
}

static size_t count_lines(const char *text, size_t n) {
        size_t lines = 1;

        for (const char *end; (end = memchr(text, '\n', n)); lines++) {
                n -= (size_t)(end + 1 - text);
                text = end + 1;
        }
        return lines;
}

struct log_item *log_format(enum log_format format, const struct log_entry *entry) {
        size_t size = entry->n + ITEM_EXTRA;
        struct log_item *item;

        item = malloc(sizeof(*item) + size);
        if (!item)
                return NULL;
        item->n = 0;
        item->size = size;
        item->head = 0;
        item->is_output = entry->is_output;
        item->n_records = entry->is_lines ? count_lines(entry->text, entry->n) : 1;
        if (format == LOG_FORMAT_JOURNAL)
                log_journal_format(&item, entry);
        else
                log_stderr_format(&item, entry, format == LOG_FORMAT_PREFIXED);
        return item;
}

/* Without a writer, stderr gets the line at once. */
static void write_directly(const struct log_item *item) {
        struct iovec parts[LOG_PARTS];
        size_t at = 0;

        while (item && log_item_next(item, &at, parts))
                (void)!writev(STDERR_FILENO, parts, LOG_PARTS);
}

static void submit(int level, const struct log_context *context, const char *text, size_t n, bool is_lines,
                   bool is_output) {
        static const struct log_context none = { 0 };
        struct log_entry entry = {
                .level = level & LOG_PRIMASK,
                .context = context ? context : &none,
                .text = text,
                .n = is_lines ? n : MIN(n, LOG_TEXT_MAX),
                .truncated = !is_lines && n > LOG_TEXT_MAX,
                .is_lines = is_lines,
                .is_output = is_output,
                .realtime_usec = clock_now(CLOCK_ID_REALTIME),
        };
        enum log_format format = logger.format;
        struct log_item *item = log_format(format, &entry);

        (void)pthread_rwlock_rdlock(&logger.lock);
        if (logger.writer && format == logger.format) {
                log_writer_push(logger.writer, item);
        } else {
                if (format != LOG_FORMAT_JOURNAL)
                        write_directly(item);
                free(item);
        }
        (void)pthread_rwlock_unlock(&logger.lock);
}

void log_output(int level, const struct log_context *context, const char *lines, size_t n) {
        int saved = errno;

        if (level <= logger.max_level)
                submit(level, context, lines, n, memchr(lines, '\n', n) != NULL, true);
        errno = saved;
}

void log_record(int level, const struct log_context *context, const char *format, ...) {
        _cleanup_(freep) char *large = NULL;
        char small[512];
        const char *text = small;
        int saved = errno, n;
        va_list ap;

        if (level > logger.max_level)
                return;

        va_start(ap, format);
        n = vsnprintf(small, sizeof(small), format, ap);
        va_end(ap);
        if (n >= (int)sizeof(small)) {
                errno = saved; /* for %m, the second time */
                va_start(ap, format);
                n = vasprintf(&large, format, ap);
                va_end(ap);
                text = large;
        }
        if (n >= 0)
                submit(level, context, text, (size_t)n, false, false);
        errno = saved;
}
