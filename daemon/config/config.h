/* SPDX-License-Identifier: MIT */
#pragma once
/* config: what the files say, parsed, checked across sections, and constant from then on.
 *
 * A configuration is loaded whole or not at all, shared by reference, and read without locks.
 */
#include "run/limit.h"
#include "task/task.h"

struct diagnostics;

struct daemon_section {
        char *state_dir;   /* NULL: the caller decides */
        char *runtime_dir; /* NULL: the caller decides */
        unsigned max_running;
        usec_t shutdown_timeout_usec;
        usec_t drain_timeout_usec;
        usec_t loop_warn_usec;
        bool loop_realtime;
        int log_level;
        int log_target; /* enum log_target */
        char *shell;    /* NULL: /bin/bash when there, else /bin/sh */
        unsigned hook_queue;
        char *timezone; /* NULL: the machine's own */
        usec_t catch_up_delay_usec;
        char *cgroup; /* `auto`, `no`, or a directory of a cgroup2 tree */
};

/* Whom [access] names. */
struct principal {
        bool is_group;
        uint32_t id;
};

/* Of one role. A word that this machine does not know is not among `known`. */
struct access_list {
        char **words; /* user:NAME, group:NAME, as they are written; NULL: none */
        struct principal *known;
        size_t n_known;
};

struct access_section {
        struct access_list view;
        struct access_list operate;
        struct access_list admin;
};

struct limit_section {
        char *name;
        struct limit_config limit;
        const char *file;
        unsigned line;
};

struct pool_section {
        char *name;
        unsigned threads;
        unsigned spare_threads;
        unsigned queue_max;
        const char *file;
        unsigned line;
};

struct store_section {
        char *path; /* NULL: in the state directory */
        usec_t keep_usec;
        uint64_t keep_runs; /* UINT64_MAX: no bound */
};

struct metrics_section {
        char **listen; /* addresses as listen_address_parse() takes them; NULL: none */
        unsigned max_tasks;
};

struct config {
        atomic_uint n_ref;
        struct daemon_section daemon;
        struct access_section access;
        struct store_section store;
        struct metrics_section metrics;
        struct limit_section *limits; /* by name */
        size_t n_limits;
        struct pool_section *pools; /* by name; `default` is always there */
        size_t n_pools;
        struct task **tasks; /* by name; disabled ones included */
        size_t n_tasks;
        void *private; /* what the loader shares between tasks */
        char *text;    /* see config_options; whoever takes it sets it to NULL */
        size_t text_size;
};

/* A file to check as if it lay beside the included ones, or, called as it is, instead of the main file. */
struct config_add {
        const char *path;
        const char *name; /* that it will have there; NULL: the one that it has */
};

struct config_options {
        bool portable; /* no look at users, commands, ownership */
        const struct config_add *adds;
        size_t n_adds;
        bool keep_text;       /* config->text: all files as one that means the same */
        char **ret_state_dir; /* NULL, or filled, to be freed, when the files are refused: state-dir, if it is known */
};

#define CONFIG_STDIN "-"

/* Whether that is what @path means: CONFIG_STDIN or /dev/stdin. */
bool config_is_stdin(const char *path);

/* Loads @path, or standard input when that is CONFIG_STDIN or /dev/stdin, and what it includes. All mistakes and warnings go to
 * @diagnostics. Returns 0 (perhaps with warnings), -EBADMSG when there are errors, -errno when @path cannot be read (also
 * told in @diagnostics), -ENOMEM. Thread-safe. */
int config_load(const char *path, const struct config_options *options, struct diagnostics *diagnostics,
                struct config **ret);

struct config *config_ref(struct config *config);
struct config *config_unref(struct config *config); /* takes NULL; always returns NULL */
DEFINE_CLEANUP(struct config, config_unref)

/* By name, or NULL. */
struct task *config_find_task(const struct config *config, const char *name);
