/* SPDX-License-Identifier: MIT */
#pragma once
/* log_private: how the parts of the logger fit together. log.c takes records from the callers; log_stderr.c and
 * log_journal.c turn them into bytes and write these; log_writer.c is the queue and the thread between. */
#include "base/list.h"
#include "base/log.h"

#include <limits.h>
#include <sys/uio.h>

/* Text beyond this is cut, with a mark. journald takes 64 KiB as a datagram, and splits lines at 48 KiB. */
#define LOG_TEXT_MAX ((size_t)48 * 1024)

enum log_format {
        LOG_FORMAT_LINE,     /* for people: time, level, run, text */
        LOG_FORMAT_PREFIXED, /* stderr is journald's stream: <priority>run text */
        LOG_FORMAT_JOURNAL,  /* journald's native protocol */
};

/* A record as it came from the caller. */
struct log_entry {
        int level;
        const struct log_context *context;
        const char *text;
        size_t n;
        bool truncated;
        bool is_lines;  /* each line of the text is a record */
        bool is_output; /* of a child, which may have nearly all of the queue, but not all */
        usec_t realtime_usec;
};

/* A record as bytes; or many, which begin alike: then @data is that beginning, @head bytes, and the lines. */
struct log_item {
        struct list link;
        size_t n;
        size_t size; /* of @data */
        size_t head; /* 0: one record, as it is */
        size_t n_records;
        bool is_output;
        char data[];
};

/* The bytes of one record. */
#define LOG_PARTS 3

/* Steps through the records of @item; *@at is 0 before the first. Returns false when there is no more. */
bool log_item_next(const struct log_item *item, size_t *at, struct iovec ret[LOG_PARTS]);

/* Appends to an item, which may move. When memory runs out, it is freed and NULL, and appending does nothing. */
void log_item_append(struct log_item **item, const void *data, size_t n);
static inline void log_item_puts(struct log_item **item, const char *s) {
        log_item_append(item, s, strlen(s));
}

/* What is in @item by now begins each of its records; lines follow. */
void log_item_end_head(struct log_item *item);

/* NULL: out of memory. The caller frees it. */
struct log_item *log_format(enum log_format format, const struct log_entry *entry);

void log_stderr_format(struct log_item **item, const struct log_entry *entry, bool prefixed);
void log_journal_format(struct log_item **item, const struct log_entry *entry);

/* Where the bytes go. */
struct log_sink {
        enum log_format format;
        int fd;           /* journal: the sink's own, -EBADF while there is no connection; else the caller's */
        const char *path; /* journal: its socket */
        int wake_fd;      /* readable: give up, whatever is waited for */
        uint64_t lost;    /* records that could not be written */
        size_t n_chunk;   /* bytes that wait to be written together */
        size_t n_lines;   /* records that end in them */
        char chunk[PIPE_BUF];
};

/* Waits until the sink takes bytes, at most @timeout_msec (-1: for ever). Returns 1 when it does, 0 when the time is
 * over, -ECANCELED when woken. */
int log_sink_wait(struct log_sink *sink, int timeout_msec);

/* Each blocks until the record was taken over, or lost and counted. Returns 0, or -ECANCELED when woken. */
int log_stderr_write(struct log_sink *sink, const struct iovec parts[LOG_PARTS]);
int log_stderr_flush(struct log_sink *sink);
int log_journal_write(struct log_sink *sink, const struct iovec parts[LOG_PARTS]);

/* Connects to journald. Returns 0 or -errno. */
int log_journal_connect(struct log_sink *sink);

/* ---- the queue and its thread ---- */
struct log_writer;

/* Starts a writer for a copy of @sink; with it goes @sink's descriptor, if the sink owns it. */
int log_writer_start(const struct log_sink *sink, size_t max_bytes, struct log_writer **ret);

/* Writes what is queued for at most @timeout_usec. A thread that is stuck in a write is left behind. Returns how many
 * records were lost since the start. */
uint64_t log_writer_stop(struct log_writer *writer, usec_t timeout_usec);

/* Takes @item over; NULL, or no room: a record is lost. Thread-safe. */
void log_writer_push(struct log_writer *writer, struct log_item *item);

/* Thread-safe. */
uint64_t log_writer_written(struct log_writer *writer);
uint64_t log_writer_dropped(struct log_writer *writer);
usec_t log_writer_dropped_usec(struct log_writer *writer);
size_t log_writer_queued(struct log_writer *writer);
bool log_writer_is_congested(struct log_writer *writer);

/* log_open() to a sink of the caller's making; what tests use. */
int log_open_sink(const struct log_sink *sink, int max_level, size_t queue_bytes);
