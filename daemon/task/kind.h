/* SPDX-License-Identifier: MIT */
#pragma once
/* kind: how a task does its work. A row of a table; adding a kind is a file and a row. */
#include "task/task.h"

struct child;
struct http_engine;
struct resolver;
struct spawner;
struct trust;

/* What kinds work with; one per daemon, outlives every run. */
struct task_env {
        struct loop *loop;
        struct spawner *spawner;
        struct resolver *resolver;
        struct trust *trust;
        struct http_engine *http;
        char *const *environ; /* of the daemon, stripped of what is not for children; `socket` is in it */
        const char *socket;   /* TENDD_SOCKET=…: where the daemon is asked; NULL: nowhere */
        const char *shell;    /* of [daemon] */
        const char *tag;      /* of the daemon, in the environment of its children; NULL: none */
        /* Output of @task is not logged, or was not: @run, or NULL, and a sentence. NULL: nobody minds. */
        void (*on_suppressed)(const struct task *task, const char *run, const char *text);
        void (*unbind)(struct task *task); /* a task that refers to this is about to be freed; NULL: nobody minds */
        /* Called when an item of a task that watches for files was passed over, because somebody writes to it. NULL: nobody
         * wants to know. */
        void (*passed_over)(struct live_task *task, const char *path);
};

/* What the work of a leaf is at, for people who ask why it takes so long. */
struct kind_view {
        char doing[400];     /* "waiting for …"; "": nothing to say */
        char last_line[200]; /* of its output, perhaps cut off; "": there was none, or it is not kept */
        struct child *child; /* whose processes do the work; NULL: none do */
};

struct kind {
        const char *name;      /* as in `type` */
        const char *main_keys; /* keys from which the type is derived, separated by spaces */
        size_t part_size;
        usec_t default_timeout_usec;
        unsigned default_concurrency; /* 0: as many as there are CPUs */
        const struct leaf_ops *leaf;
        /* Looks at a leaf's data, also when it is a remnant's; @view is empty. */
        void (*view)(const void *data, struct kind_view *view);
        /* The leaf that works with @child; NULL, also instead of this: no leaf of this kind does. */
        struct run *(*run_of)(const struct child *child);
        /* The end of what the work has printed; NULL, also instead of this: nothing. To be freed. */
        char *(*output_tail)(const void *data);
        void (*part_init)(void *part); /* defaults; the part was zeroed */
        void (*part_done)(void *part); /* frees what the members own */
};

extern const struct kind kind_exec;
extern const struct kind kind_http;
extern const struct kind kind_tcp;
extern const struct kind kind_dns;
extern const struct kind kind_file;

/* What a hook is told of the run that it is for: run_userdata() of a hook's run. */
struct hook_context {
        struct result *result;
        char *event;         /* what of it: "success", "failure", "failing", "recovered", "slow", "stale" */
        const char *outcome; /* in a word; "running" when there is none yet */
        char *detail;        /* one sentence */
        char *json;          /* the outcome tree and the output's tail, for stdin and body */
        size_t json_size;
        bool begins; /* if the daemon dies now, the hook was interrupted; else it is started again */
};

/* What @leaf, an attempt or NULL, or @remnant is at. Returns false when no work is under way. */
bool kind_view_leaf(const struct run *leaf, struct kind_view *ret);
bool kind_view_remnant(const struct remnant *remnant, struct kind_view *ret);

/* The leaf, whatever its kind, whose work the processes of @child are; NULL: of none, or they are what was left of one. */
struct run *kind_run_of(const struct child *child);

/* The end of what @leaf, an attempt or NULL, has printed so far. To be freed; NULL: nothing. */
char *kind_output_tail(const struct run *leaf);

/* Of the hook that @run belongs to; NULL for other runs. */
const struct hook_context *hook_context_of(const struct run *run);

/* All kinds, NULL-terminated. */
extern const struct kind *const kinds[];

const struct kind *kind_from_string(const char *name); /* or NULL */

/* The item sources for every for_each_type but NONE. */
extern const struct item_source_ops task_items;
