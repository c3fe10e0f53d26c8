/* SPDX-License-Identifier: MIT */
#pragma once
/* ctl: what one call of tendctl works with: options for all verbs, the daemon it talks to, and the codes it exits with.
 */
#include "base/macros.h"

#include <jansson.h>

struct client;

/* Exit codes. With `start --wait` they are those of the command that ran, and 125 stands for all that is tendctl's. */
enum {
        CTL_OK = 0,
        CTL_FAILED = 1, /* the run failed; with status -q: something is wrong */
        CTL_USAGE = 2,
        CTL_NO_DAEMON = 3,
        CTL_DENIED = 4,
        CTL_NO_SUCH = 5,   /* no such task, run, limit, pool */
        CTL_TIMEOUT = 124, /* wait: it has not come in time */
        CTL_BROKEN = 125,  /* while waiting: tendctl itself failed */
        CTL_INTERRUPTED = 130,
};

struct ctl {
        const char *socket; /* --socket, or NULL */
        bool json;
        bool waits;            /* the exit code is that of a run: what fails in tendctl itself is CTL_BROKEN */
        struct client *client; /* connected when first needed */
};

/* Prints "tendctl: …" on stderr and returns @code. */
int ctl_error(int code, const char *format, ...) _printf_(2, 3);

/* Finds the daemon and connects to it; what was tried in vain is printed. Returns an exit code. */
int ctl_connect(struct ctl *ctl);

/* The same, but nothing is printed. Returns 0, or -errno of the place that was tried last. */
int ctl_connect_quietly(struct ctl *ctl);

/* What an error of the daemon, a full name, means. */
const char *ctl_explain(const char *error);

/* One answer. Returns CTL_OK to go on, another exit code to stop. */
typedef int (*ctl_answer_fn)(struct ctl *ctl, const json_t *parameters, void *arg);

enum ctl_call_flags {
        CTL_MORE = 1,  /* ask for all answers */
        CTL_WAIT = 2,  /* they may take as long as they like */
        CTL_MAYBE = 4, /* that there is no such thing is not printed */
        CTL_AGAIN = 8, /* it is called again when it is cut off: that, and TooSlow, are CTL_NO_DAEMON and not printed */
};

/* Calls @method of io.tendd.Runner; takes the reference to @parameters (NULL: out of memory). Connects when needed.
 * Calls @fn for each answer. What goes wrong is printed. Returns an exit code. */
int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, unsigned flags, ctl_answer_fn fn, void *arg);

/* Calls @method and joins the arrays that its answers have as @key. @ret is owned by the caller when CTL_OK is
 * returned. */
int ctl_collect(struct ctl *ctl, const char *method, json_t *parameters, const char *key, json_t **ret);

/* Calls @method and gives its only answer. */
int ctl_ask(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret);

/* Calls @fn for each of @words; for a pattern of tasks, for each that matches. What is printed for one is set off from the
 * next by an empty line, but for JSON. Returns the first code that is not CTL_OK, and stops there. */
typedef int (*ctl_name_fn)(struct ctl *ctl, const char *name);
int ctl_for_each_name(struct ctl *ctl, char *const *words, size_t n, ctl_name_fn fn);

/* An array of strings. NULL: out of memory. */
json_t *ctl_strings(char *const *words, size_t n);
