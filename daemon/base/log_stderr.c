/* SPDX-License-Identifier: MIT */
/* log_stderr: records as lines for people, and writing them to a descriptor that may be blocked.
 *
 * The descriptor is shared with others, so that its mode is not ours to change. Lines are gathered in a chunk of at
 * most PIPE_BUF bytes, written once poll() says that there is room: a pipe takes that much as a whole, which keeps
 * lines of other writers out of ours and us out of a blocking write.
 */
#include "base/log_private.h"
#include "base/utf8.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>

/* Broken down once a second and thread: the C library takes a lock and reads the zone for each. */
static const char *format_second(time_t second) {
        static _Thread_local char text[32];
        static _Thread_local time_t last = -1;
        struct tm tm;

        if (second != last && localtime_r(&second, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
                last = second;
        return text;
}

/* Everything that a terminal would obey, or could not show, becomes \n or \xNN; but for line breaks when @is_lines. */
static void append_safe(struct log_item **item, const char *text, size_t n, bool is_lines) {
        size_t begin = 0, i = 0;

        while (i < n) {
                bool ascii = text[i] >= ' ' && text[i] <= '~'; /* nearly all there is, and faster */
                size_t length = ascii ? 1 : utf8_length(text + i, n - i);
                char escaped[8];

                if (ascii || (length > 0 && !utf8_is_control(text + i, length)) || (is_lines && text[i] == '\n')) {
                        i += length;
                        continue;
                }
                log_item_append(item, text + begin, i - begin);
                if (text[i] == '\n')
                        (void)snprintf(escaped, sizeof(escaped), "\\n");
                else
                        (void)snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned)(unsigned char)text[i]);
                log_item_puts(item, escaped);
                begin = ++i;
        }
        log_item_append(item, text + begin, n - begin);
}

void log_stderr_format(struct log_item **item, const struct log_entry *entry, bool prefixed) {
        const struct log_context *context = entry->context;
        const char *about = context->run ? context->run : context->task;
        char head[96];

        if (prefixed)
                (void)snprintf(head, sizeof(head), "<%d>", entry->level);
        else
                (void)snprintf(
                        head, sizeof(head), "%s.%03u %s ", format_second((time_t)(entry->realtime_usec / USEC_PER_SEC)),
                        (unsigned)(entry->realtime_usec / USEC_PER_MSEC % 1000), log_level_to_string(entry->level));
        log_item_puts(item, head);
        if (about) {
                append_safe(item, about, strlen(about), false);
                log_item_append(item, " ", 1);
        }
        if (entry->is_lines)
                log_item_end_head(*item);
        append_safe(item, entry->text, entry->n, entry->is_lines);
        if (entry->is_lines)
                return;
        if (entry->truncated)
                log_item_puts(item, " [truncated]");
        log_item_append(item, "\n", 1);
}

int log_sink_wait(struct log_sink *sink, int timeout_msec) {
        struct pollfd fds[] = { { .fd = sink->fd, .events = POLLOUT }, { .fd = sink->wake_fd, .events = POLLIN } };
        int r;

        do
                r = poll(fds, ARRAY_SIZE(fds), timeout_msec);
        while (r < 0 && errno == EINTR);
        if (fds[1].revents != 0)
                return -ECANCELED;
        return r > 0;
}

int log_stderr_flush(struct log_sink *sink) {
        size_t written = 0;
        int r = 0;

        while (written < sink->n_chunk) {
                ssize_t n;

                r = log_sink_wait(sink, -1);
                if (r < 0)
                        break;
                n = write(sink->fd, sink->chunk + written, sink->n_chunk - written);
                if (n >= 0)
                        written += (size_t)n;
                else if (errno != EAGAIN && errno != EINTR)
                        break;
        }
        if (written < sink->n_chunk)
                sink->lost += sink->n_lines;
        sink->n_chunk = sink->n_lines = 0;
        return r < 0 ? r : 0;
}

/* Puts @n bytes into the chunk, writing it as often as it is full. */
static int gather(struct log_sink *sink, const char *data, size_t n) {
        while (n > 0) {
                size_t part = MIN(n, sizeof(sink->chunk) - sink->n_chunk);
                int r;

                if (part == 0) {
                        r = log_stderr_flush(sink);
                        if (r < 0)
                                return r;
                        continue;
                }
                memcpy(sink->chunk + sink->n_chunk, data, part);
                sink->n_chunk += part;
                data += part;
                n -= part;
        }
        return 0;
}

int log_stderr_write(struct log_sink *sink, const struct iovec parts[LOG_PARTS]) {
        size_t n = parts[0].iov_len + parts[1].iov_len + parts[2].iov_len;
        int r = 0;

        /* Lines are kept whole where they fit. */
        if (n > sizeof(sink->chunk) - sink->n_chunk)
                r = log_stderr_flush(sink);
        for (size_t i = 0; i < LOG_PARTS && r >= 0; i++)
                r = gather(sink, parts[i].iov_base, parts[i].iov_len);
        if (r < 0)
                sink->lost++;
        else
                sink->n_lines++;
        return r;
}
