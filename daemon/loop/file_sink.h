/* SPDX-License-Identifier: MIT */
#pragma once
/* file_sink: appends what children print to files, without ever blocking the loop.
 *
 * What is written is queued, bounded for each file and for all, and threads empty the queues. Who writes asks for room
 * first, and stops reading his child while there is none, so that a child that prints too fast, or to a disk that does
 * not answer, holds up itself. Writers that name the same path as the same user share one open file; while they are
 * several, lines of up to 64 KiB stay whole. What cannot be written is lost, counted, and told in the log once for each
 * time the file fails.
 *
 * All functions are called on the loop thread but file_sink_open() and file_writer_close().
 */
#include "loop/as_user.h"
#include "loop/dumpable.h"
#include "loop/loop.h"

struct file_sink;
struct file_writer;

/* Its threads are started when first needed. @dumpable must outlive it. Returns 0, -ENOMEM, -errno of eventfd(2) and
 * epoll. */
int file_sink_new(struct loop *loop, struct dumpable *dumpable, struct file_sink **ret);

/* Waits for nothing. All writers must be closed. Returns NULL; or @sink, when a thread hangs in a system call: then both,
 * and what was given to file_sink_new(), leave with the process. */
struct file_sink *file_sink_free(struct file_sink *sink);
DEFINE_CLEANUP(struct file_sink, file_sink_free)

/* Blocks until all that was given is written or lost and files without writers are closed, at most @timeout_usec. Returns
 * how many bytes are left then. */
uint64_t file_sink_flush(struct file_sink *sink, usec_t timeout_usec);

/* Opens all files anew by their paths, as the users they were opened as. What was given before goes to the old file or
 * to the new one; a file that cannot be opened goes on as it is. */
void file_sink_reopen(struct file_sink *sink);

/* Opens @path to append to it, or shares what is open already; NULL @user: as the daemon itself. A new file gets mode
 * 0640. Thread-safe; blocks. Returns 0, -ENXIO (a FIFO that nobody reads), -ENOBUFS (too much waits to be written),
 * -EAGAIN (no thread to write), -ENOMEM, -errno. */
int file_sink_open(struct file_sink *sink, const char *path, const struct file_user *user, struct file_writer **ret);

/* What was given is written all the same. Takes NULL; always returns NULL. Thread-safe. */
struct file_writer *file_writer_close(struct file_writer *writer);

/* Never refused; memory is bounded by asking for room before. */
void file_writer_write(struct file_writer *writer, const char *data, size_t n);

/* Called once, in a later turn, and not after file_writer_close(), which it may call for its own writer. */
typedef void (*file_writer_fn)(void *arg);

/* Whether there is room. If not, @fn is called when there is. */
bool file_writer_has_room(struct file_writer *writer, file_writer_fn fn, void *arg);

/* Whether all that was given to this writer is written or lost. If not, @fn is called when it is, or after @timeout_usec.
 * Nothing may be written after it. */
bool file_writer_flush(struct file_writer *writer, usec_t timeout_usec, file_writer_fn fn, void *arg);
