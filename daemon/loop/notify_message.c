/* SPDX-License-Identifier: MIT */
/* notify_message: parses the lines of a notification. */
#include "loop/notify_message.h"

#include "base/text.h"

#define VALUE_MAX 64

/* Copies @n bytes that fit into @buf, with a NUL. */
static bool copy_value(const char *value, size_t n, char buf[VALUE_MAX]) {
        if (n >= VALUE_MAX || memchr(value, 0, n))
                return false;
        memcpy(buf, value, n);
        buf[n] = '\0';
        return true;
}

static void take_ready(const char *value, size_t n, struct notify_message *message) {
        message->ready |= n == 1 && *value == '1';
}

static void take_stopping(const char *value, size_t n, struct notify_message *message) {
        message->stopping |= n == 1 && *value == '1';
}

static void take_watchdog(const char *value, size_t n, struct notify_message *message) {
        message->watchdog |= n == 1 && *value == '1';
        message->watchdog_trigger |= n == strlen("trigger") && memcmp(value, "trigger", n) == 0;
}

static void take_extend(const char *value, size_t n, struct notify_message *message) {
        char text[VALUE_MAX];
        uint64_t usec;

        if (copy_value(value, n, text) && text_parse_uint(text, 1, USEC_INFINITY - 1, &usec) == 0)
                message->extend_usec = usec;
}

static void take_status(const char *value, size_t n, struct notify_message *message) {
        size_t length = MIN(n, (size_t)NOTIFY_STATUS_MAX);

        /* Not within a character: its first byte is the last that is no 10xxxxxx. */
        while (length < n && length > 0 && ((unsigned char)value[length] & 0xc0) == 0x80)
                length--;
        for (size_t i = 0; i < length; i++)
                message->status[i] = (char)(value[i] == '\0' ? '?' : value[i]);
        message->status[length] = '\0';
        message->has_status = true;
}

static void take_progress(const char *value, size_t n, struct notify_message *message) {
        char text[VALUE_MAX], *slash;
        uint64_t done, total;

        if (!copy_value(value, n, text))
                return;
        slash = strchr(text, '/');
        if (!slash)
                return;
        *slash++ = '\0';
        if (text_parse_uint(text, 0, UINT64_MAX, &done) < 0 || text_parse_uint(slash, 0, UINT64_MAX, &total) < 0)
                return;
        message->done = done;
        message->total = total;
        message->has_progress = true;
}

static const struct {
        const char *name;
        void (*take)(const char *value, size_t n, struct notify_message *message);
} lines[] = {
        { "READY=", take_ready },       { "STOPPING=", take_stopping },          { "STATUS=", take_status },
        { "WATCHDOG=", take_watchdog }, { "EXTEND_TIMEOUT_USEC=", take_extend }, { "X_TENDD_PROGRESS=", take_progress },
};

static void parse_line(const char *line, size_t n, struct notify_message *message) {
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
                size_t length = strlen(lines[i].name);

                if (n >= length && memcmp(line, lines[i].name, length) == 0)
                        lines[i].take(line + length, n - length, message);
        }
}

void notify_message_parse(const char *text, size_t n, struct notify_message *ret) {
        const char *end = text + n;

        *ret = (struct notify_message){ 0 };
        while (text < end) {
                const char *line_end = memchr(text, '\n', (size_t)(end - text)) ?: end;

                parse_line(text, (size_t)(line_end - text), ret);
                text = line_end + 1;
        }
}
