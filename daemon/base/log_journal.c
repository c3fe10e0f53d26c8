/* SPDX-License-Identifier: MIT */
/* log_journal: records in journald's native protocol, over a socket of our own.
 *
 * sd_journal_send() blocks for ever while journald is stopped. This socket does not block, and it is connected, because
 * only then does poll() wait for room at the other end. When journald was restarted with a new socket, sending says so,
 * and we connect again.
 */
#include "base/log_private.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define RETRY_MSEC   250
#define SNDBUF_BYTES (8 * 1024 * 1024)

/* A value with line breaks is sent with its length. */
static void begin_field(struct log_item **item, const char *name, size_t n, bool has_line_breaks) {
        uint64_t size = htole64((uint64_t)n);

        log_item_puts(item, name);
        log_item_append(item, has_line_breaks ? "\n" : "=", 1);
        if (has_line_breaks)
                log_item_append(item, &size, sizeof(size));
}

static void append_field(struct log_item **item, const char *name, const char *value, size_t n) {
        begin_field(item, name, n, memchr(value, '\n', n) != NULL);
        log_item_append(item, value, n);
        log_item_append(item, "\n", 1);
}

static void append_number(struct log_item **item, const char *name, uint64_t value) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s=%" PRIu64 "\n", name, value);
        log_item_puts(item, text);
}

/* Of a run that is below others, "etl#88/load/orders": the top-level run, TENDD_TOP_RUN=etl#88, and each group that it is a
 * member of, TENDD_GROUP=etl and TENDD_GROUP=load. Matches of the journal are exact, so that one could not ask for a whole
 * group otherwise. Between a fan-out and its items there is no group: "fetch#41/item 812" is the task's own. */
static void append_ancestors(struct log_item **item, const struct log_context *context) {
        const char *begin = context->run, *end = begin ? strchr(begin, '/') : NULL;
        const char *task = context->task ? context->task : "";

        if (end)
                append_field(item, "TENDD_TOP_RUN", begin, (size_t)(end - begin));
        for (; end; begin = end + 1, end = strchr(begin, '/')) {
                size_t n = strcspn(begin, "#/");

                if (strlen(task) != n || memcmp(task, begin, n) != 0)
                        append_field(item, "TENDD_GROUP", begin, n);
        }
}

/* What journalctl shows by default: there is whose output it is, but not what a record of ours is about. */
static void append_message(struct log_item **item, const struct log_entry *entry) {
        const struct log_context *context = entry->context;
        const char *about = context->run ? context->run : context->task;
        size_t n = entry->n;

        if (context->identifier)
                about = NULL;
        if (about)
                n += strlen(about) + 1;
        begin_field(item, "MESSAGE", n, memchr(entry->text, '\n', entry->n) != NULL);
        if (about) {
                log_item_puts(item, about);
                log_item_append(item, " ", 1);
        }
        log_item_append(item, entry->text, entry->n);
        log_item_append(item, "\n", 1);
}

void log_journal_format(struct log_item **item, const struct log_entry *entry) {
        const struct log_context *context = entry->context;
        const struct {
                const char *name;
                const char *value;
        } fields[] = {
                { "SYSLOG_IDENTIFIER", context->identifier ? context->identifier : "tendd" },
                { "MESSAGE_ID", event_id_to_message_id(context->event) },
                { "TENDD_TASK", context->task },
                { "TENDD_RUN", context->run },
                { "TENDD_EVENT", event_id_to_string(context->event) },
                { "TENDD_OUTCOME", context->outcome },
                { "TENDD_ERROR", context->error },
                { "CODE_FILE", context->place.file },
                { "CODE_FUNC", context->place.function },
        };

        append_number(item, "PRIORITY", (uint64_t)entry->level);
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                if (fields[i].value)
                        append_field(item, fields[i].name, fields[i].value, strlen(fields[i].value));
        append_ancestors(item, context);
        if (context->place.line > 0)
                append_number(item, "CODE_LINE", (uint64_t)context->place.line);
        if (context->duration_usec > 0)
                append_number(item, "TENDD_DURATION_USEC", context->duration_usec);
        if (entry->truncated)
                log_item_puts(item, "TENDD_TRUNCATED=1\n");
        if (!entry->is_lines) {
                append_message(item, entry);
                return;
        }
        log_item_puts(item, "MESSAGE=");
        log_item_end_head(*item);
        log_item_append(item, entry->text, entry->n);
}

int log_journal_connect(struct log_sink *sink) {
        _cleanup_(closep) int fd = -EBADF;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        static const int sndbuf = SNDBUF_BYTES;

        if (strlen(sink->path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        strcpy(address.sun_path, sink->path);

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)); /* more than the limit is cut to it */
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;

        if (sink->fd >= 0)
                (void)close(sink->fd);
        sink->fd = TAKE_FD(fd);
        return 0;
}

/* One attempt. Returns 0 when sent or lost, 1 when to try again, -ECANCELED when woken. */
static int attempt(struct log_sink *sink, const struct msghdr *message) {
        int r;

        if (sink->fd < 0 && log_journal_connect(sink) < 0) {
                r = log_sink_wait(sink, RETRY_MSEC);
                return r < 0 ? r : 1;
        }
        if (sendmsg(sink->fd, message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
                return 0;

        switch (errno) {
        case EINTR: return 1;
        case EAGAIN:
        case ENOBUFS: r = log_sink_wait(sink, RETRY_MSEC); return r < 0 ? r : 1;
        case ECONNREFUSED:
        case ECONNRESET:
        case ENOTCONN:
        case EPIPE:
                (void)close(sink->fd);
                sink->fd = -EBADF;
                return 1;
        default: sink->lost++; return 0;
        }
}

int log_journal_write(struct log_sink *sink, const struct iovec parts[LOG_PARTS]) {
        const struct msghdr message = { .msg_iov = (struct iovec *)parts, .msg_iovlen = LOG_PARTS };
        int r;

        do
                r = attempt(sink, &message);
        while (r > 0);
        if (r < 0)
                sink->lost++;
        return r;
}
