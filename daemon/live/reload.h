/* SPDX-License-Identifier: MIT */
#pragma once
/* reload: reads the configuration anew, says what is different, and goes over to it.
 *
 * The files are read, checked and compared on a thread; only what has changed is then touched on the loop. One reload is under way at a
 * time: who asks meanwhile is served by the next, because the files may have changed since they were read.
 */
#include "config/diagnostics.h"
#include "live/apply.h"

struct reloader;
struct reload_request;

struct reload_outcome {
        int error; /* 0; -EBADMSG: the files are refused; -ETIMEDOUT: they could not be read in time; -ECANCELED: the daemon is
                    * stopping; -errno: there is something that could not be made, and nothing was changed */
        bool applied;
        const struct diagnostics *diagnostics; /* NULL: the files were not read */
        const struct config_diff *diff;        /* NULL with an error */
};

/* Called once, in a later turn than the request. The outcome lives during the call. */
typedef void (*reload_done_fn)(const struct reload_outcome *outcome, void *arg);

struct reloader_options {
        struct live *live; /* outlives the reloader */
        const char *path;  /* of the main file; copied */
        const char *kept;  /* where the last accepted configuration is kept; copied; NULL: it is not */
        /* A reload begins that is meant to be applied; it has ended. */
        void (*on_begin)(void *arg);
        void (*on_end)(const struct reload_outcome *outcome, void *arg);
        void *arg;
};

/* Returns 0, -ENOMEM, -errno. */
int reloader_new(const struct reloader_options *options, struct reloader **ret);
struct reloader *reloader_free(struct reloader *reloader);
DEFINE_CLEANUP(struct reloader, reloader_free)

/* Asks for a reload; with @dry only for what would be changed. @by (copied) is told. @fn may be NULL, and so may @ret. Returns 0,
 * -ECANCELED, -ENOMEM. */
int reloader_ask(struct reloader *reloader, bool dry, const char *by, reload_done_fn fn, void *arg,
                 struct reload_request **ret);
/* Nobody is told any more; what is under way goes on. Takes NULL. */
void reload_request_cancel(struct reload_request *request);

/* Keeps the text of @config, if it has it, as that of the last one that was accepted: on a thread, in the place of what is
 * there when it is whole. Takes the text. */
void reloader_keep(struct reloader *reloader, struct config *config);

/* The daemon is stopping: what was not applied yet will not be. */
void reloader_abort(struct reloader *reloader);
