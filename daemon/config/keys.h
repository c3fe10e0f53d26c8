/* SPDX-License-Identifier: MIT */
#pragma once
/* keys: the table of all configuration keys.
 *
 * Reading, checking, `tendctl show`, the reference configuration and the man page all come from these rows. A new key is
 * a row, a member of the structure that it fills, and, when nothing fits, a value type.
 */
#include "config/value.h"

struct kind;
struct task;

enum key_section {
        KEY_SECTION_DAEMON,  /* [daemon]: struct daemon_section */
        KEY_SECTION_ACCESS,  /* [access]: struct access_section */
        KEY_SECTION_LIMIT,   /* [limit NAME]: struct limit_section */
        KEY_SECTION_POOL,    /* [pool NAME]: struct pool_section */
        KEY_SECTION_STORE,   /* [store]: struct store_section */
        KEY_SECTION_METRICS, /* [metrics]: struct metrics_section */
        KEY_SECTION_TASK, /* [task NAME], [group NAME], [defaults], [defaults NAME]: struct task and the kinds' parts */
        _KEY_SECTION_MAX,
};

/* Which of tasks and groups a key is for. */
enum key_scope {
        KEY_ANY,
        KEY_TASKS,   /* not groups; of key->kind, when there is one */
        KEY_GROUPS,  /* not tasks */
        KEY_KIND,    /* tasks of key->kind; the member is in the kind's part */
        KEY_SERVICE, /* tasks of key->kind that are services; the member is in struct service_part */
};

enum key_flags {
        KEY_READER = 1,          /* handled while reading: `use`, `include` of which nothing is stored in a task */
        KEY_ITEM = 2,            /* {item} and {n} are filled in */
        KEY_FAN_OUT = 4,         /* only with for-each */
        KEY_BOUND = 8,           /* one of run.bounds, where runs tell whether it is a default */
        KEY_RESTART = 16,        /* a change needs a restart of the daemon */
        KEY_HOOK_WORDS = 32,     /* TASK may be followed by :word,word */
        KEY_OF_SERVICE = 64,     /* only for services */
        KEY_NUMBER = 128,        /* {n} is filled in, in an instance; so it is with KEY_ITEM */
        KEY_WHOLE = 256,         /* of a task with instances: is of the group of them all, not of each */
        KEY_EACH = 512,          /* with KEY_WHOLE: and of each */
        KEY_SECRET = 1024,       /* ${cred:} may be in it: it is shown nowhere but by keys_for_each_value() */
        KEY_COMMAND_LINE = 2048, /* it is, or comes to be, on one: ps shows it */
};

struct key {
        const char *name;
        enum key_scope scope;
        const struct kind *kind;
        const struct value_type *type;
        size_t offset;
        uint64_t min;
        uint64_t max;
        const char *const *choices; /* NULL-terminated */
        unsigned flags;             /* enum key_flags */
        const char *default_value;  /* as written in a file; NULL: unset */
        const char *default_shown;  /* instead, where no one value tells it */
        const char *topic;          /* heading in the reference */
        const char *example;        /* for the reference, when there is no default */
        const char *help;           /* one sentence */
};

/* The rows of @section in the order of the reference. Their numbers are the bits of task->written. */
const struct key *keys_of_section(enum key_section section, size_t *ret_n);

/* Number of the row in its section. */
size_t key_number(enum key_section section, const struct key *key);

/* "duration, at least 1ms, or infinity". Returns @buf. */
#define KEY_ALLOWED_MAX 256
const char *key_allowed(const struct key *key, char buf[KEY_ALLOWED_MAX]);

/* Whether the key is for this task. */
bool key_fits(const struct key *key, const struct task *task);

/* The structure in which the key's member of @task is. The key must fit. NULL: of a service, which the task is not. */
void *key_base(const struct key *key, struct task *task);

/* Instead of a value that was made of ${env:} or ${cred:}. */
#define KEY_SECRET_SHOWN "(contains ${env:} or ${cred:})"

struct key_value {
        const char *
                text; /* as it would be written, but for what is secret, by where it comes from or by what it is called */
        uint64_t digest; /* of what is not hidden: of the same key, another digest is another value */
        bool written;    /* for this task, by itself or by its defaults sections */
};

/* Calls @fn for each key of the task that has a value. Stops when @fn returns non-zero and returns that; -ENOMEM. */
typedef int (*key_value_fn)(const struct key *key, const struct key_value *value, void *userdata);
int keys_for_each_value(const struct task *task, key_value_fn fn, void *userdata);

/* The same of another section: the structure at @base. */
int keys_for_each_section_value(enum key_section section, const void *base, key_value_fn fn, void *userdata);

/* Whether the key @name was written for @task, by itself or by its defaults sections, and whether what was written was made
 * of ${env:} or ${cred:}. */
bool task_key_is_written(const struct task *task, const char *name);
bool task_key_is_secret(const struct task *task, const char *name);

/* The reference as a commented configuration, resp. as the body of the man page. */
void keys_print_reference(FILE *out);
void keys_print_man(FILE *out);
