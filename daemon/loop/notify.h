/* SPDX-License-Identifier: MIT */
#pragma once
/* notify: a socket for each child, on which it says how it does (sd_notify(3)).
 *
 * A socket belongs to one child at a time, so it tells by itself which run a message is about, also when the sender has
 * ended by the time it is read. Whether the sender is one of the child's processes is asked of the owner, with what the
 * kernel says of it (SCM_CREDENTIALS, unix(7)); a message of somebody else is dropped.
 *
 * A socket is a file below the runtime directory, because a process in a network namespace of its own cannot see an
 * abstract one. Making one costs as much as a fifth of a spawn, so that they are kept for the next child.
 */
#include "loop/loop.h"
#include "loop/notify_message.h"

#include <sys/types.h>

struct notify;
struct notify_dir;

/* A message was read; may be called many times a turn. */
typedef void (*notify_fn)(const struct notify_message *message, void *arg);
/* Whether a process of user @uid may speak for the owner. @pid may have ended already. */
typedef bool (*notify_is_ours_fn)(pid_t pid, uid_t uid, void *arg);

/* Sockets in the directory @path, which is made. Nobody else is at work with it if @alone: then what an earlier daemon
 * left there is removed, and in the end the directory. Returns 0, -ENOMEM, -ENAMETOOLONG when no socket could have a name
 * below it, -errno. */
int notify_dir_new(const char *path, bool alone, struct notify_dir **ret);
/* All sockets must have been given back. Always returns NULL. */
struct notify_dir *notify_dir_free(struct notify_dir *dir);
DEFINE_CLEANUP(struct notify_dir, notify_dir_free)

/* One that was given back, or NULL. On the loop. */
struct notify *notify_take(struct notify_dir *dir);
/* A new one; on any thread. Returns 0, -ENOMEM, -errno. */
int notify_new(struct notify_dir *dir, struct notify **ret);
/* "NOTIFY_SOCKET=…", for its environment. */
const char *notify_environment(const struct notify *notify);

/* From now on messages are read, and given to @fn. On the loop. Returns 0 or -errno. */
int notify_watch(struct notify *notify, struct loop *loop, notify_is_ours_fn is_ours, notify_fn fn, void *arg);

/* Reads what is there now: calls @fn from inside. */
void notify_poll(struct notify *notify);

/* Gives it back: no call of @fn any more. On the loop; NULL is fine, and always returned. */
struct notify *notify_release(struct notify *notify);
