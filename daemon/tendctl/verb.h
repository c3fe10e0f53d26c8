/* SPDX-License-Identifier: MIT */
#pragma once
/* verb: what tendctl can do. A row of a table; adding a verb is a function and a row. Help comes from the same rows, and
 * a test compares the man page with it. */
#include "tendctl/ctl.h"

#define VERB_OPTIONS_MAX 14

struct verb_option {
        const char *name;     /* without --; NULL ends the list */
        char letter;          /* 0: none */
        const char *argument; /* as shown; NULL: takes none */
        const char *help;
};

struct verb_args {
        char **words;
        size_t n;
        const char
                *options[VERB_OPTIONS_MAX]; /* by the row of the verb's options; NULL: not given; "" without argument */
};

struct verb {
        const char *name;
        const char *arguments; /* as shown */
        size_t min;
        size_t max; /* words */
        const char *summary;
        const char *details;  /* sentences, or NULL */
        const char *examples; /* lines of command and meaning */
        struct verb_option options[VERB_OPTIONS_MAX + 1];
        bool hidden; /* for programs: not in the help */
        bool runs;   /* behind the first word come those of a command, whatever they look like */
        int (*run)(struct ctl *ctl, const struct verb_args *args);
};

const struct verb *verb_at(size_t index);       /* NULL behind the last */
const struct verb *verb_find(const char *name); /* or NULL */
const char *verb_nearest(const char *name);     /* a name to suggest, or NULL */
void verb_print_help(const struct verb *verb);
void verb_print_usage(void);

/* Those that every verb has; ends with one that has no name. */
extern const struct verb_option verb_common_options[];

/* Sorts the words and options of @verb out of @argv, which is changed; --json, --socket and --help are taken too.
 * Returns CTL_OK, CTL_USAGE with a message, or -1 when help was asked for. */
int verb_parse(const struct verb *verb, struct ctl *ctl, char **argv, size_t n, struct verb_args *ret);

int verb_status(struct ctl *ctl, const struct verb_args *args);
int verb_list(struct ctl *ctl, const struct verb_args *args);
int verb_show(struct ctl *ctl, const struct verb_args *args);
int verb_tree(struct ctl *ctl, const struct verb_args *args);
int verb_why(struct ctl *ctl, const struct verb_args *args);
int verb_start(struct ctl *ctl, const struct verb_args *args);
int verb_run(struct ctl *ctl, const struct verb_args *args);
int verb_map(struct ctl *ctl, const struct verb_args *args);
int verb_stop(struct ctl *ctl, const struct verb_args *args);
int verb_restart(struct ctl *ctl, const struct verb_args *args);
int verb_signal(struct ctl *ctl, const struct verb_args *args);
int verb_extend(struct ctl *ctl, const struct verb_args *args);
int verb_wait(struct ctl *ctl, const struct verb_args *args);
int verb_pause(struct ctl *ctl, const struct verb_args *args);
int verb_resume(struct ctl *ctl, const struct verb_args *args);
int verb_reload(struct ctl *ctl, const struct verb_args *args);
int verb_diff(struct ctl *ctl, const struct verb_args *args);
int verb_history(struct ctl *ctl, const struct verb_args *args);
int verb_next(struct ctl *ctl, const struct verb_args *args);
int verb_calendar(struct ctl *ctl, const struct verb_args *args);
int verb_limits(struct ctl *ctl, const struct verb_args *args);
int verb_pools(struct ctl *ctl, const struct verb_args *args);
int verb_events(struct ctl *ctl, const struct verb_args *args);
int verb_logs(struct ctl *ctl, const struct verb_args *args);
int verb_shutdown(struct ctl *ctl, const struct verb_args *args);
int verb_timeline(struct ctl *ctl, const struct verb_args *args);
int verb_top(struct ctl *ctl, const struct verb_args *args);
int verb_notify(struct ctl *ctl, const struct verb_args *args);
int verb_complete(struct ctl *ctl, const struct verb_args *args);

/* The names that @answer, whose reference is taken, has as @key, each behind @word. Returns an exit code. */
int print_names(struct ctl *ctl, json_t *answer, const char *key, const char *word);
/* Tells of which names nothing runs. Returns @code when there are none. */
int say_not_running(const json_t *answer, int code);
/* Both. */
int print_done(struct ctl *ctl, json_t *answer, const char *key, const char *word);

/* Rows of the verbs' options, as the functions look them up. */
enum { STATUS_QUIET };
enum { LIST_FAILING, LIST_PAUSED, LIST_STATE };
extern const char *const verb_list_states[]; /* what LIST_STATE takes; ends with NULL */
enum { TREE_NO_PROCESSES };
enum { START_WAIT, START_RESUME };
enum {
        RUN_DETACH,
        RUN_GRACE,
        RUN_LIMIT,
        RUN_NAME,
        RUN_PRIORITY,
        RUN_QUEUE_TIMEOUT,
        RUN_RETRIES,
        RUN_RETRY_DELAY,
        RUN_TIMEOUT,
        RUN_TOTAL_TIMEOUT,
        RUN_USER,
};
enum {
        MAP_CONCURRENCY,
        MAP_GRACE,
        MAP_ITEMS_MAY_FAIL,
        MAP_LIMIT,
        MAP_NAME,
        MAP_ON_ITEM_FAILURE,
        MAP_PRIORITY,
        MAP_QUEUE_TIMEOUT,
        MAP_RETRIES,
        MAP_RETRY_DELAY,
        MAP_TIMEOUT,
        MAP_TOTAL_TIMEOUT,
        MAP_USER,
};
enum { STOP_FORCE, STOP_REASON };
enum { RESTART_NO_WAIT };
enum { SIGNAL_MAIN };
enum { EXTEND_PARENTS, EXTEND_UNTIL };
enum { WAIT_FOR, WAIT_TIMEOUT };
const char *verb_wait_state(size_t index); /* what WAIT_FOR takes; NULL behind the last */
enum { PAUSE_ALL, PAUSE_LIMITS, PAUSE_REASON };
enum { RESUME_ALL, RESUME_LIMITS };
enum { RELOAD_DRY_RUN, RELOAD_RESTART_CHANGED };
enum { HISTORY_FAILED, HISTORY_HOOKS, HISTORY_LINES, HISTORY_SINCE, HISTORY_UNTIL };
enum { NEXT_ALL, NEXT_LINES, NEXT_UNTIL };
enum { CALENDAR_FROM, CALENDAR_LINES, CALENDAR_ZONE };
enum { LIMITS_PERMITS, LIMITS_RATE, LIMITS_RESET };
enum { POOLS_THREADS, POOLS_SPARE_THREADS, POOLS_QUEUE_MAX, POOLS_RESET };
enum { EVENTS_FOLLOW, EVENTS_LINES, EVENTS_KINDS, EVENTS_FAILED };
enum { LOGS_FOLLOW, LOGS_LINES, LOGS_SINCE };
enum { SHUTDOWN_NOW, SHUTDOWN_WHEN_IDLE, SHUTDOWN_NO_WAIT };
enum { TIMELINE_SINCE, TIMELINE_SVG, TIMELINE_UNTIL };
enum { TOP_INTERVAL, TOP_ONCE, TOP_VIEW };
enum { NOTIFY_READY, NOTIFY_STOPPING, NOTIFY_STATUS, NOTIFY_PROGRESS, NOTIFY_WATCHDOG, NOTIFY_EXTEND };
