/* SPDX-License-Identifier: MIT */
#pragma once
/* log: records to journald or stderr, without ever blocking the caller.
 *
 * A record is formatted by the caller and put on a bounded queue; one writer thread sends it. When the queue is full
 * the record is dropped and counted, and the count is logged as soon as there is room. The logger is the one global
 * object of the project. All functions are thread-safe but log_open() and log_close().
 */
#include "base/clock.h"
#include "base/event_id.h"

#include <syslog.h>

enum log_target {
        LOG_TARGET_AUTO, /* journal when stderr is journald's stream (JOURNAL_STREAM), else stderr */
        LOG_TARGET_JOURNAL,
        LOG_TARGET_STDERR,
        _LOG_TARGET_MAX,
        _LOG_TARGET_INVALID = -EINVAL,
};

const char *log_target_to_string(enum log_target target);
enum log_target log_target_from_string(const char *s); /* or _LOG_TARGET_INVALID */

/* err, warning, notice, info, debug and the other names of syslog(3). -EINVAL for others. */
const char *log_level_to_string(int level);
int log_level_from_string(const char *s);

/* Opens the logger: starts the writer thread. Before this call, and after log_close(), records are written to stderr
 * by the caller itself. @queue_bytes bounds the memory of waiting records [4 MiB when 0]. Returns 0 or -errno; then the
 * logger goes on as if not opened. -EOPNOTSUPP: the journal was asked for and this build has no libsystemd. */
int log_open(enum log_target target, int max_level, size_t queue_bytes);

/* Whether stderr leads to journald, which takes a priority from the beginning of a line: "<3>". */
bool log_stderr_is_journal(void);

/* Writes what is queued, waiting at most @timeout_usec, and stops the thread. */
void log_close(usec_t timeout_usec);

void log_set_max_level(int level);

/* Records written since log_open(), lost since the start, and how many wait now. */
uint64_t log_written(void);
uint64_t log_dropped(void);
size_t log_queued(void);
/* When one was lost last, realtime; 0: none was. */
usec_t log_dropped_usec(void);

/* More than half of the room is taken, and records are being written: who can wait with what it has to log should.
 * For a sink that has taken nothing for a second nobody should wait: records are dropped then, and counted. */
bool log_is_congested(void);

/* Where in the source a record comes from: CODE_FILE, CODE_LINE, CODE_FUNC. All zero: nowhere. */
struct log_place {
        const char *file;
        int line;
        const char *function;
};

#define LOG_HERE ((struct log_place){ __FILE__, __LINE__, __func__ })

/* What a record is about. Any member may be NULL or 0. Strings are copied. */
struct log_context {
        const char *task;       /* TENDD_TASK */
        const char *run;        /* TENDD_RUN */
        const char *identifier; /* SYSLOG_IDENTIFIER; default "tendd" */
        enum event_id event;    /* TENDD_EVENT and MESSAGE_ID */
        const char *outcome;    /* TENDD_OUTCOME */
        const char *error;      /* TENDD_ERROR */
        usec_t duration_usec;   /* TENDD_DURATION_USEC, when not 0 */
        struct log_place place;
};

/* Logs one record; @level is one of LOG_EMERG … LOG_DEBUG. Line breaks in the text are kept for the journal and shown
 * escaped on stderr. */
void log_record(int level, const struct log_context *context, const char *format, ...) _printf_(3, 4);

/* Logs @n bytes of a child's output: a line, or several with line breaks between them, which become a record each and
 * take little more room than their bytes until they are written. Control characters and invalid UTF-8 are made safe for a
 * terminal, and kept for the journal. */
void log_output(int level, const struct log_context *context, const char *lines, size_t n);

#define log_full(level, ...) log_record(level, &(const struct log_context){ .place = LOG_HERE }, __VA_ARGS__)
#define log_error(...)       log_full(LOG_ERR, __VA_ARGS__)
#define log_warning(...)     log_full(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)      log_full(LOG_NOTICE, __VA_ARGS__)
#define log_info(...)        log_full(LOG_INFO, __VA_ARGS__)
#define log_debug(...)       log_full(LOG_DEBUG, __VA_ARGS__)
