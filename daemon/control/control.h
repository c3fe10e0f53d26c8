/* SPDX-License-Identifier: MIT */
#pragma once
/* control: io.tendd.Runner, by which a running daemon is asked and commanded. Its description is
 * io.tendd.Runner.varlink; the server below it is varlink.h. */
#include "live/reload.h"

#include <sys/types.h>

struct control;

enum control_shutdown {
        CONTROL_SHUTDOWN,           /* what a stop signal does */
        CONTROL_SHUTDOWN_NOW,       /* what a second one does: no grace */
        CONTROL_SHUTDOWN_WHEN_IDLE, /* when nothing but services is at work */
};

struct control_options {
        struct live *live;         /* outlives the control */
        struct reloader *reloader; /* outlives it, too; NULL: nothing can be reloaded */
        /* The runner's phase: "running". */
        const char *(*phase)(void *arg);
        /* What it runs instead of the files, which were refused; NULL: they were not. May be NULL. */
        const char *(*refused)(void *arg);
        /* Ends the daemon; does nothing when it ends in that way already. Returns 0 or -ENOMEM. */
        int (*shutdown)(enum control_shutdown how, void *arg);
        /* Monotonic: when at the latest the phase is over of a daemon that ends; USEC_INFINITY: it takes as long as it takes;
         * 0: it does not end. May be NULL. */
        usec_t (*ends_at)(void *arg);
        /* Where metrics cannot be read, and why; NULL: they can, or nobody wants them. May be NULL. */
        const char *(*metrics_trouble)(void *arg);
        void *arg;
};

/* Serves nobody until it listens. Observes what happens from now on. Returns 0 or -ENOMEM. */
int control_new(const struct control_options *options, struct control **ret);

/* Whether clients wait for runs that have ended, and were not told yet: they are when that is kept, see live_sync(), or by
 * control_free(). */
bool control_owes_ends(const struct control *control);

/* Tells the ends of runs that clients wait for, closes every connection, and removes the socket. */
struct control *control_free(struct control *control);
DEFINE_CLEANUP(struct control, control_free)

/* Listens at @path, for group @gid ((gid_t)-1: the daemon's own) or, when [access] names anybody, for all, of whom those without a
 * role may ask for no more than what is served here. A stale socket is replaced. Returns 0;
 * -EADDRINUSE when a process listens there, @ret_pid is it (0: not known); -ENAMETOOLONG; -EEXIST when @path is no
 * socket; -errno. */
int control_listen(struct control *control, const char *path, gid_t gid, pid_t *ret_pid);

/* [access] may be another: roles of open connections, see varlink_server_review_roles(), and who may connect follow it. */
void control_access_changed(struct control *control);

struct varlink_stats;
void control_get_stats(const struct control *control, struct varlink_stats *ret);

/* Listens on @fd, a socket that somebody else has made, and does not remove it in the end. Its mode stays what it
 * is. The descriptor is taken, also when it fails. Returns 0, -ENOMEM, -errno. */
int control_listen_fd(struct control *control, int fd);
