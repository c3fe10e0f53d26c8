/* SPDX-License-Identifier: MIT */
/* reload: see reload.h.
 *
 * A job owns all that its thread works on, so that it can be given up when files do not answer, as on a server that is
 * gone: then a spare thread serves the next reload, and what the stuck one made is thrown away when it comes back. The job holds a
 * reference to the present configuration, which only an apply replaces, and there is one job at a time.
 */
#include "live/reload.h"

#include "base/log.h"
#include "loop/pool.h"

#include <fcntl.h>
#include <stdio.h>

/* Files that need longer are not read. */
#define READ_WITHIN USEC_PER_MINUTE

/* Threads that may hang in files that do not answer. */
#define SPARE_THREADS 4

struct reload_request {
        struct list link;
        bool dry;
        char *by;
        reload_done_fn fn;
        void *arg;
};

struct reload_job {
        struct reloader *reloader; /* NULL: it was given up */
        struct pool_job *job;
        char *path;
        struct config *from;
        struct config *to;
        struct diagnostics diagnostics;
        struct config_diff diff;
        int error;
};

struct reloader {
        struct reloader_options options;
        char *path;
        char *kept;
        struct pool *pool;
        struct loop_work work;
        struct loop_timer timer; /* READ_WITHIN */
        struct list requests;    /* for the next job */
        struct list served;      /* by the present one */
        struct reload_job *job;
        bool aborted;
};

/* ---- requests ---- */

static void request_free(struct reload_request *request) {
        list_remove(&request->link);
        free(request->by);
        free(request);
}

static void tell(struct list *requests, const struct reload_outcome *outcome, bool applied) {
        while (!list_empty(requests)) {
                struct reload_request *request = list_first_entry(requests, struct reload_request, link);
                struct reload_outcome told = *outcome;
                reload_done_fn fn = request->fn;
                void *arg = request->arg;

                told.applied = applied && !request->dry;
                request_free(request);
                if (fn)
                        fn(&told, arg);
        }
}

/* Who asked first for more than to know, or NULL. */
static const char *asked_by(const struct list *requests) {
        const struct reload_request *request;

        list_for_each_entry(request, requests, link)
                if (!request->dry)
                        return request->by;
        return NULL;
}

/* ---- the job ---- */

static void job_free(struct reload_job *job) {
        config_diff_done(&job->diff);
        config_unref(job->to);
        config_unref(job->from);
        diagnostics_done(&job->diagnostics);
        free(job->path);
        free(job);
}

static void work(void *arg) {
        const struct config_options options = { .keep_text = true };
        struct reload_job *job = arg;

        job->error = config_load(job->path, &options, &job->diagnostics, &job->to);
        if (job->error == 0)
                job->error = config_diff(job->from, job->to, &job->diff);
        else if (job->error != -ENOMEM)
                job->error = -EBADMSG;
}

/* ---- what was accepted is kept ---- */

struct keep_job {
        char *path;
        char *text;
        size_t size;
        int error;
};

static void keep_free(struct keep_job *job) {
        free(job->path);
        free(job->text);
        free(job);
}

/* It may contain what only the daemon's user may read. */
static int write_whole(const char *path, const char *text, size_t size) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return -errno;
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0)
                        return -errno;
                text += n;
                size -= (size_t)n;
        }
        return fsync(fd) < 0 ? -errno : 0;
}

static void keep_work(void *arg) {
        struct keep_job *job = arg;
        _cleanup_(freep) char *fresh = NULL;

        if (asprintf(&fresh, "%s.new", job->path) < 0) {
                fresh = NULL;
                job->error = -ENOMEM;
                return;
        }
        job->error = write_whole(fresh, job->text, job->size);
        if (job->error == 0 && rename(fresh, job->path) < 0)
                job->error = -errno;
        if (job->error < 0)
                (void)unlink(fresh);
}

static void on_kept(void *arg) {
        struct keep_job *job = arg;

        if (job->error < 0)
                log_warning("the configuration cannot be kept as %s for the next start: %s", job->path,
                            strerror(-job->error));
        keep_free(job);
}

static void on_keep_returned(void *arg) {
        keep_free(arg);
}

void reloader_keep(struct reloader *reloader, struct config *config) {
        static const struct pool_job_ops ops = {
                .name = "keep-config",
                .work = keep_work,
                .done = on_kept,
                .returned = on_keep_returned,
                .left = on_keep_returned,
        };
        struct keep_job *job;
        char *text = TAKE_PTR(config->text);
        int r = -ENOMEM;

        if (!text || !reloader->kept) {
                free(text);
                return;
        }
        job = calloc(1, sizeof(*job));
        if (job) {
                job->text = text;
                job->size = config->text_size;
                job->path = strdup(reloader->kept);
        } else
                free(text);
        if (job && job->path)
                r = pool_submit(reloader->pool, &ops, job, NULL);
        if (r == 0)
                return;
        log_warning("the configuration cannot be kept for the next start: %s", strerror(-r));
        if (job)
                keep_free(job);
}

/* ---- what comes of it ---- */

static void log_diagnostics(const struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->n; i++) {
                char *line = diagnostic_format(diagnostics, &diagnostics->items[i]);

                if (line && diagnostics->items[i].severity == SEVERITY_ERROR)
                        log_error("%s", line);
                else if (line)
                        log_warning("%s", line);
                free(line);
        }
}

static void describe(const struct reload_outcome *outcome, char *text, size_t size) {
        struct diff_counts counts;

        if (outcome->error == -EBADMSG) {
                (void)snprintf(text, size, "the new configuration is refused, and the old one goes on: %zu error%s",
                               outcome->diagnostics->counts[SEVERITY_ERROR],
                               outcome->diagnostics->counts[SEVERITY_ERROR] == 1 ? "" : "s");
                return;
        }
        if (outcome->error == -ETIMEDOUT) {
                (void)snprintf(text, size,
                               "the configuration could not be read within a minute, and the old one goes on");
                return;
        }
        if (outcome->error == -ECANCELED) {
                (void)snprintf(text, size, "the reload is given up, because the daemon is stopping");
                return;
        }
        if (outcome->error < 0) {
                (void)snprintf(text, size, "the new configuration was not taken, and the old one goes on: %s",
                               strerror(-outcome->error));
                return;
        }
        counts = config_diff_count(outcome->diff);
        (void)snprintf(text, size, "configuration reloaded: %zu tasks added, %zu removed, %zu changed, %zu unchanged%s",
                       counts.added, counts.removed, counts.changed, counts.unchanged,
                       outcome->diff->needs_restart ? "; some keys need a restart of the daemon" : "");
}

static void finish(struct reloader *reloader, struct reload_outcome *outcome) {
        const char *by = asked_by(&reloader->served);
        char text[300];

        loop_timer_set(&reloader->timer, USEC_INFINITY);
        if (by) {
                if (outcome->error == 0)
                        outcome->error = live_apply(reloader->options.live, outcome->diff, by);
                outcome->applied = outcome->error == 0;
                if (outcome->diagnostics)
                        log_diagnostics(outcome->diagnostics);
                describe(outcome, text, sizeof(text));
                live_emit(reloader->options.live,
                          &(const struct event){ .id = outcome->applied ? EVENT_RELOADED : EVENT_RELOAD_REFUSED,
                                                 .text = text });
                if (outcome->applied)
                        reloader_keep(reloader, outcome->diff->to);
                reloader->options.on_end(outcome, reloader->options.arg);
        }
        tell(&reloader->served, outcome, outcome->applied);
        if (!list_empty(&reloader->requests))
                loop_work_schedule(&reloader->work);
}

static void on_done(void *arg) {
        struct reload_job *job = arg;
        struct reload_outcome outcome = {
                .error = job->error,
                .diagnostics = &job->diagnostics,
                .diff = job->error == 0 ? &job->diff : NULL,
        };

        job->reloader->job = NULL;
        finish(job->reloader, &outcome);
        job_free(job);
}

static void on_returned(void *arg) {
        job_free(arg);
}

static void give_up(struct reloader *reloader, int error) {
        struct reload_outcome outcome = { .error = error };

        if (reloader->job)
                (void)pool_abandon(reloader->job->job);
        reloader->job = NULL;
        finish(reloader, &outcome);
}

static void on_timer(struct loop_timer *timer _unused_, void *arg) {
        give_up(arg, -ETIMEDOUT);
}

/* ---- beginning ---- */

static int submit(struct reloader *reloader) {
        static const struct pool_job_ops ops = {
                .name = "reload",
                .work = work,
                .done = on_done,
                .returned = on_returned,
        };
        struct reload_job *job = calloc(1, sizeof(*job));
        int r;

        if (!job)
                return -ENOMEM;
        job->path = strdup(reloader->path);
        if (!job->path) {
                job_free(job);
                return -ENOMEM;
        }
        job->reloader = reloader;
        job->from = config_ref(live_config(reloader->options.live));
        r = pool_submit(reloader->pool, &ops, job, &job->job);
        if (r < 0) {
                job_free(job);
                return r;
        }
        reloader->job = job;
        loop_timer_set(&reloader->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), READ_WITHIN));
        return 0;
}

static void on_work(struct loop_work *loop_work _unused_, void *arg) {
        struct reloader *reloader = arg;
        int r;

        if (reloader->job || list_empty(&reloader->requests))
                return;
        list_splice(&reloader->served, &reloader->requests);
        if (asked_by(&reloader->served))
                reloader->options.on_begin(reloader->options.arg);
        r = submit(reloader);
        if (r < 0)
                give_up(reloader, r);
}

int reloader_ask(struct reloader *reloader, bool dry, const char *by, reload_done_fn fn, void *arg,
                 struct reload_request **ret) {
        struct reload_request *request;

        if (reloader->aborted)
                return -ECANCELED;
        request = calloc(1, sizeof(*request));
        if (!request)
                return -ENOMEM;
        request->by = strdup(by);
        if (!request->by) {
                free(request);
                return -ENOMEM;
        }
        request->dry = dry;
        request->fn = fn;
        request->arg = arg;
        list_append(&reloader->requests, &request->link);
        loop_work_schedule(&reloader->work);
        if (ret)
                *ret = request;
        return 0;
}

static void on_nobody(const struct reload_outcome *outcome _unused_, void *arg _unused_) {
}

void reload_request_cancel(struct reload_request *request) {
        if (request)
                request->fn = on_nobody;
}

void reloader_abort(struct reloader *reloader) {
        const struct reload_outcome outcome = { .error = -ECANCELED };

        reloader->aborted = true;
        loop_work_cancel(&reloader->work);
        if (reloader->job)
                give_up(reloader, -ECANCELED);
        tell(&reloader->requests, &outcome, false);
        loop_work_cancel(&reloader->work);
}

/* ---- its life ---- */

int reloader_new(const struct reloader_options *options, struct reloader **ret) {
        _cleanup_(reloader_freep) struct reloader *reloader = calloc(1, sizeof(*reloader));
        struct loop *loop = live_loop(options->live);
        int r;

        if (!reloader)
                return -ENOMEM;
        reloader->options = *options;
        list_init(&reloader->requests);
        list_init(&reloader->served);
        loop_work_init(&reloader->work, loop, "reload", on_work, reloader);
        reloader->path = strdup(options->path);
        reloader->kept = options->kept ? strdup(options->kept) : NULL;
        if (!reloader->path || (options->kept && !reloader->kept))
                return -ENOMEM;
        r = loop_timer_init(&reloader->timer, loop, CLOCK_ID_MONOTONIC, "reload", on_timer, reloader);
        if (r < 0)
                return r;
        r = pool_new(loop, "reload", 1, SPARE_THREADS, 1 + SPARE_THREADS, &reloader->pool);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(reloader);
        return 0;
}

static void drop(struct list *requests) {
        while (!list_empty(requests))
                request_free(list_first_entry(requests, struct reload_request, link));
}

struct reloader *reloader_free(struct reloader *reloader) {
        if (!reloader)
                return NULL;
        loop_work_cancel(&reloader->work);
        loop_timer_done(&reloader->timer);
        if (reloader->job)
                (void)pool_abandon(reloader->job->job);
        pool_free(reloader->pool);
        drop(&reloader->served);
        drop(&reloader->requests);
        free(reloader->path);
        free(reloader->kept);
        free(reloader);
        return NULL;
}
