/* SPDX-License-Identifier: MIT */
#pragma once
/* task: a named piece of work as configured: what (kind), when (triggers), within which bounds.
 *
 * A task is filled by the key table of config/ and constant from then on, but for the bindings marked below, which
 * are made once when it goes live. It is shared by reference: by its configuration and those that follow as long as they
 * say the same of it, by the groups it is a member of, and by each of its runs, so that a run ends under the configuration
 * it began with. What a kind needs is in a part of its
 * own that only tasks of this kind have; this is what keeps 100,000 tasks small.
 */
#include "loop/child.h"
#include "run/run.h"
#include "when/schedule.h"

#include <stdatomic.h>

struct config;
struct kind;
struct pool;
struct task_env;
struct http_plan;
struct output_gate;
struct tcp_plan;
struct calendar;
struct live_task;
struct zone;

/* Words of a list key, NULL-terminated; never NULL itself when the key has a default, else may be NULL. */
typedef char **strv;

struct name_value {
        char *name;
        char *value;
};

/* `on-success = TASK:word,word` */
struct hook {
        char *task;
        unsigned outcomes; /* bits 1 << enum outcome; together with errors 0: any failure resp. any success */
        unsigned errors;   /* bits 1 << enum error_kind */
};

struct hooks {
        struct hook *items; /* in the order of the file */
        size_t n;
};

void hooks_done(struct hooks *hooks); /* empty, and to be used again */

enum overlap_policy {
        OVERLAP_SKIP,
        OVERLAP_QUEUE,
        OVERLAP_REPLACE,
        OVERLAP_ALLOW,
        _OVERLAP_POLICY_MAX,
};

enum for_each_type {
        FOR_EACH_NONE,
        FOR_EACH_LINES,   /* argument: a file */
        FOR_EACH_GLOB,    /* argument: a pattern */
        FOR_EACH_LIST,    /* words */
        FOR_EACH_COMMAND, /* words */
        _FOR_EACH_WRITTEN_MAX,
        FOR_EACH_SOCKET = _FOR_EACH_WRITTEN_MAX, /* of a transient task: a socket that it was given */
        _FOR_EACH_MAX,
};

struct for_each {
        enum for_each_type type;
        char *argument;
        strv words;
};

enum output_type {
        OUTPUT_LOG,
        OUTPUT_NULL,
        OUTPUT_FILE,
};

/* What only a transient task has: who asked for it, and what of his it works with. */
struct transient_part {
        bool as_caller; /* it runs as @caller, with @env instead of the daemon's environment; else as part->user */
        struct child_identity caller;
        strv env;
        size_t size;               /* bytes of its words: of the command and @env */
        struct child_files *files; /* NULL: none */
        int items_fd;              /* of FOR_EACH_SOCKET; -EBADF: none */
};

struct transient_part *transient_part_free(struct transient_part *transient); /* takes NULL; always returns NULL */

struct exec_part {
        strv command; /* either */
        char *shell;  /* or */
        char *user;   /* NULL: the daemon's own */
        char *group;
        char *directory; /* NULL: / */
        strv env;        /* NAME=VALUE each */
        char *env_file;
        int umask; /* -1: unchanged */
        int nice;
        char *stdin_path; /* NULL: /dev/null */
        enum output_type output;
        char *output_path;
        unsigned log_rate; /* lines in log_rate_usec that are logged; 0: all */
        usec_t log_rate_usec;
        struct output_gate *gate; /* made by the kind at the first run */
        uint8_t success_exit[32]; /* bit map of exit codes; 0 included unless it was written without */
        int stop_signal;
        uint64_t nofile; /* 0: unchanged */
        uint64_t core;   /* UINT64_MAX: no bound, or CHILD_CORE_UNCHANGED */
        bool no_new_privileges;
        uint64_t memory_max; /* bytes; 0: no bound */
        uint64_t pids_max;   /* processes and threads; 0: no bound */
        unsigned cpu_max;    /* percent of one processor; 0: no bound */
};

enum ready_type {
        READY_EXEC,    /* once its program runs */
        READY_NOTIFY,  /* READY=1 on its notify socket */
        READY_LINE,    /* a line of its output matches */
        READY_CONNECT, /* an address takes connections */
        READY_AFTER,   /* some time after its program runs */
        _READY_TYPE_MAX,
};

/* What only services have. */
struct service_part {
        struct service_spec spec;
        enum ready_type ready;
        char *ready_argument;    /* READY_LINE: a POSIX extended expression; READY_CONNECT: host:port or unix:/path */
        usec_t ready_after_usec; /* READY_AFTER */
        usec_t watchdog_usec;    /* 0: none */
        char *health;            /* name of a task, or NULL */
        bool critical;
        unsigned instances; /* as written; 0: one, without a number */
};

struct service_part *service_part_free(struct service_part *service); /* takes NULL; always returns NULL */

struct status_range {
        unsigned from;
        unsigned to;
};

struct http_part {
        char *url;
        char *method; /* NULL: GET, or POST with a body */
        strv header;
        char *body;
        struct status_range *expect_status; /* n_expect_status 0: 200-299 */
        size_t n_expect_status;
        char *expect_body;
        uint64_t max_body;
        char *save_to;
        bool follow_redirects;
        char *ca_file;
        bool verify_tls;
        usec_t connect_timeout_usec; /* USEC_INFINITY: within timeout */
        char *user_agent;
        char *proxy;
        struct http_plan *plan; /* made by the kind at the first run */
};

struct tcp_part {
        char *connect; /* host:port or unix:/path */
        char *send;    /* \r \n \t \\ \xHH are expanded by the kind */
        char *expect;
        bool tls;
        char *ca_file;
        struct tcp_plan *plan; /* made by the kind at the first run */
};

struct dns_part {
        char *resolve;
        strv expect;
};

struct file_part {
        char *path;
        usec_t max_age_usec; /* USEC_INFINITY: any */
        uint64_t min_size;
        char *sha256; /* 64 hex digits, lower case */
        uint64_t min_free;
};

struct task_calendar {
        struct calendar *calendar;
        struct zone *zone; /* of the calendar's suffix, else the task's */
};

/* What only tasks have that a calendar or a path starts. */
struct when_part {
        struct task_calendar *calendars; /* of `calendar`, in the order of the file */
        size_t n_calendars;
        struct task_calendar *crons; /* of `cron` */
        size_t n_crons;
        strv watch; /* absolute patterns */
        usec_t watch_settle_usec;
};

#define WATCH_SETTLE_DEFAULT USEC_PER_SEC

struct when_part *when_part_free(struct when_part *when); /* takes NULL; always returns NULL */

struct task {
        struct run_spec run; /* name, bounds, retries, fan-out, policy */
        atomic_uint n_ref;

        const struct kind *kind; /* NULL: a group */
        union {
                struct exec_part *exec;
                struct http_part *http;
                struct tcp_part *tcp;
                struct dns_part *dns;
                struct file_part *file;
                void *part;
        };

        struct service_part *service; /* NULL: a job or a group */
        struct transient_part
                *transient; /* of one that no configuration has: of kind exec, its words are taken as they are, and
                                           * in each the item stands for {} */
        unsigned instance;  /* from 1, of those that `instances` made; else 0 */

        const char *origin_file; /* where it is written; owned by the configuration */
        unsigned origin_line;
        uint64_t written[2]; /* bit n: row n of the task key table was written for it (also by [defaults]) */
        uint64_t secret[2];  /* bit n: its value was made of ${env:} or ${cred:}, and is never shown */
        uint64_t digest;     /* of what was written for it, in whatever order */

        char *description;
        bool enabled;
        bool manual;
        bool on_start;
        bool every_from_end;
        enum overlap_policy overlap;
        unsigned overlap_max; /* of allow:N, else 1 */
        usec_t every_usec;    /* 0: no such trigger */
        usec_t jitter_usec;
        usec_t splay_usec;
        char *timezone;         /* NULL: [daemon] timezone */
        struct when_part *when; /* NULL: no calendar, cron or watch */
        enum catch_up catch_up;
        unsigned catch_up_max; /* of CATCH_UP_ALL: at most so many */
        usec_t catch_up_within_usec;
        bool rerun_interrupted; /* on-interrupt = rerun */

        struct for_each for_each;
        struct hooks on_success;
        struct hooks on_failure;
        struct hooks on_failing;
        struct hooks on_recover;
        struct hooks on_slow;
        struct hooks on_stale;
        usec_t stale_after_usec; /* USEC_INFINITY: never */
        unsigned failing_after;  /* failures in a row that make it failing; at least 1 */
        usec_t slow_after_usec;  /* USEC_INFINITY: never */

        struct {
                char *name;
                unsigned permits;
        } * limits; /* names; run.limits has the objects once bound */
        size_t n_limits;
        char *pool_name; /* NULL: default */

        strv after; /* names and patterns as written */
        strv members;
        strv background;

        /* Bound when the configuration goes live. */
        struct pool *pool;
        const struct task_env *env;
        struct live_task *live;
};

/* Whether anything but the start of the daemon, a hook or an operator starts it. */
static inline bool task_has_trigger(const struct task *task) {
        return task->every_usec > 0 || task->when;
}

/* Whether it is started at certain times. */
static inline bool task_is_timed(const struct task *task) {
        return task->every_usec > 0 || (task->when && task->when->n_calendars + task->when->n_crons > 0);
}

static inline struct task *task_of(const struct run_spec *spec) {
        return CONTAINER_OF(spec, struct task, run);
}

/* A task with one reference, everything zero but what run/ and the kinds say is a default. NULL: out of memory. */
struct task *task_new(const char *name);
struct task *task_ref(struct task *task);   /* on any thread, while another reference is held */
struct task *task_unref(struct task *task); /* takes NULL; always returns NULL; of a bound task on the loop's thread */
DEFINE_CLEANUP(struct task, task_unref)
