/* SPDX-License-Identifier: MIT */
#pragma once
/* load: what the files of a configuration say, while it is being made. Private to config/.
 *
 * Reading keeps every section with its keys and their lines (source). Then each section is looked up by name once
 * (index), its keys are turned into members of structures (assign, build), names are resolved and everything is checked
 * across sections (check, members), and at last looked at for what is allowed but unwise (lint). Each step goes on
 * behind mistakes, so that one load tells them all; a configuration comes of it only when there are none.
 */
#include "config/arena.h"
#include "config/config.h"
#include "config/diagnostics.h"
#include "config/keys.h"

#include <stdio.h>

enum section_type {
        SECTION_DAEMON,
        SECTION_ACCESS,
        SECTION_DEFAULTS,
        SECTION_LIMIT,
        SECTION_POOL,
        SECTION_STORE,
        SECTION_METRICS,
        SECTION_TASK,
        SECTION_GROUP,
        _SECTION_TYPE_MAX,
};

struct raw_line {
        struct raw_line *next;
        const char *text;
        unsigned line;
        unsigned indent;
        bool repeated; /* the key was written again here */
};

struct raw_key {
        struct raw_key *next;
        const char *name;
        const struct key *const *rows; /* those called so; NULL: an unknown key */
        size_t n_rows;
        struct raw_line *lines;
        struct raw_line *last;
        const char *meant; /* of an unknown key: the one that was suggested */
        bool bad;          /* a mistake in it has been told */
        bool item;         /* {item} is in it */
};

struct raw_section {
        struct raw_section *next;
        enum section_type type;
        const char *name;  /* "" for [daemon], [access], [store], [metrics] and [defaults] */
        const char *title; /* "task backup" */
        unsigned file;
        unsigned line;
        struct raw_key *keys;
        struct raw_key *last;
        bool torn; /* a line in it was refused, and nobody knows what it was meant to say */

        /* Made of it. */
        struct raw_section *defaults[2]; /* of a task or group: what it takes keys from, nearest first; may be NULL */
        struct task *task;               /* of a task or group, or NULL */
        size_t number;                   /* of a task: its index in config->tasks */
        bool used;                       /* a limit, pool or defaults section that something names */
        bool member;                     /* a task or group that some group has */
        bool hooked;                     /* one that is a hook of some task */
        const struct raw_section *health_of; /* of a task: the service whose health it tells, or NULL */
};

struct loaded_zone;
struct credential;

struct load {
        struct arena arena;
        const struct config_options *options;
        bool privileged; /* the daemon is root: users must be named, files must be root's */
        struct diagnostics *diagnostics;

        struct raw_section *first;
        struct raw_section *last;
        size_t n_sections;

        /* Sorted by name, for lookups; by namespace: tasks and groups share one, SECTION_TASK's. */
        struct raw_section **index[_SECTION_TYPE_MAX];
        size_t n_index[_SECTION_TYPE_MAX];

        /* Rows of the key table sorted by name. */
        const struct key **rows[_KEY_SECTION_MAX];
        size_t n_rows[_KEY_SECTION_MAX];

        FILE *text; /* of all files, see config_options; NULL: it is not kept */
        char *text_buffer;
        size_t text_size;

        struct raw_section *current; /* while reading: NULL in a section that was refused */
        bool in_section;             /* also in one that was refused */
        unsigned current_file;
        unsigned main_file;
        bool *placed; /* of each of options->adds: an include would read it */
        struct config *config;
        struct task *prototype;      /* what the table says is the default */
        struct service_part service; /* the same, of services */
        uint64_t of_service[2];      /* as task->written: the keys that are for services */
        struct loaded_zone *zones;   /* by which names they were asked for */
        size_t n_zones;
        struct credential *credentials;   /* those that were read */
        unsigned instance;                /* the one that is being made of a task, from 1; else 0 */
        size_t bound_numbers[_BOUND_MAX]; /* of the rows of runs' bounds */
        size_t overlap_number;            /* of overlap's */
};

/* Stores the default of @key, which has one, in the structure at @base. Returns 0 or -ENOMEM. */
int load_default(const struct key *key, void *base);

/* How many processors there are for the daemon. */
unsigned load_cpus(void);

/* The name in brackets of a type, and the rows that its sections may have. */
const char *section_type_to_string(enum section_type type);
enum key_section section_keys(enum section_type type);

/* Tells a mistake or a warning at a line of @section; @key may be NULL. */
void load_tell(struct load *load, enum severity severity, const struct raw_section *section, const char *key,
               unsigned line, const char *format, ...) _printf_(6, 7);

/* The same at a key of @section that is written there, or at the section itself. */
void load_tell_key(struct load *load, enum severity severity, const struct raw_section *section, const char *key,
                   const char *format, ...) _printf_(5, 6);

/* @text, which is or comes from the value of @key in @section, as it may be shown. */
const char *load_shown(const struct raw_section *section, const char *key, const char *text);

/* The key of @section, or NULL. */
struct raw_key *raw_section_find(const struct raw_section *section, const char *name);

/* Whether @name is written in @section or in the defaults that it takes keys from, or may have been meant by what was told
 * as a mistake there. Then it is not said to be missing as well, so that each mistake is told once. */
bool raw_section_may_have(const struct raw_section *section, const char *name);

/* The same of one of @kind's main keys. */
bool raw_section_may_have_main_key(const struct raw_section *section, const struct kind *kind);

/* The row that @raw stands for in @task, or NULL. */
const struct key *raw_key_row(const struct raw_key *raw, const struct task *task);

/* The rows called @name in a section of @type: the first is returned, and how many follow each other from it. */
const struct key *const *load_find_rows(const struct load *load, enum section_type type, const char *name,
                                        size_t *ret_n);

/* Reads @path and the files that its `include` names. Returns 0, also after mistakes; -errno when @path cannot be read;
 * -ENOMEM. */
int load_source(struct load *load, const char *path);

/* Whether the file called @name in messages is not where it will be: --add has named it, or it is standard input. */
bool load_is_elsewhere(const struct load *load, const char *name);

/* The texts of all files as that of one, without its `include`: each begins with a comment that names it. To be freed. Returns
 * 0 or -ENOMEM. */
int load_take_text(struct load *load, char **ret, size_t *ret_size);
void load_text_done(struct load *load);

/* Finds sections by name from now on; tells those defined twice. Returns 0 or -ENOMEM. */
int load_index(struct load *load);

/* A section by its name, or NULL. */
struct raw_section *load_find(const struct load *load, enum section_type type, const char *name);

/* The same, or tells at @key of @section that there is none. */
struct raw_section *load_require(struct load *load, enum section_type type, const char *name,
                                 const struct raw_section *section, const char *key);

/* What is known of a value that was assigned. */
struct assigned {
        bool secret;     /* it was made of ${env:} or ${cred:} */
        uint64_t digest; /* of its texts, expanded */
};

/* Parses the value of @raw by @key's type into the structure at @base, and tells what is wrong with it. @ret may be NULL.
 * Returns 0, -EBADMSG (told), -ENOMEM. */
int load_assign(struct load *load, const struct raw_section *section, struct raw_key *raw, const struct key *key,
                void *base, struct assigned *ret);

/* Replaces each ${env:NAME} and ${cred:NAME} in *@text, which is on the heap, a text of the value of @key (NULL: one that
 * takes no credentials). Returns 0, -EINVAL with the reason in @value, -ENOMEM. */
int load_expand(struct load *load, const struct key *key, char **text, struct value *value, bool *ret_secret);
void load_credentials_done(struct load *load);

/* Whether there is something in @text that load_expand() replaces. */
bool load_has_expansion(const char *text);

/* Of @text, in the row of this number; those of a task are added up. FNV-1a, mixed. */
uint64_t load_digest(size_t number, const char *text, uint64_t before);

/* The line of the @n-th element of a list that has one a line. */
unsigned load_line_of(const struct raw_key *raw, size_t n);

/* The texts of @raw's value, for a key that the reader handles itself. Returns as above; @ret for text_strv_free(). */
int load_words(struct load *load, const struct raw_section *section, struct raw_key *raw, char ***ret);

/* The name of the file that @section is in; lives as long as the configuration. */
const char *load_file_of(const struct load *load, const struct raw_section *section);

/* Makes the daemon's, the access's and the store's section, limits, pools and tasks. Each returns 0, also after mistakes, or -ENOMEM. */
int load_build_sections(struct load *load);
int load_build_tasks(struct load *load);

/* A task's service_part, with the table's defaults. Only while it is not known whether the task is a service has one that
 * is none a part. Returns 0 or -ENOMEM. */
int load_service_begin(const struct load *load, struct task *task);

/* Another task of the section of one, whose name has @number behind it; resp. the group of all such, without members.
 * Returns 0; -EBADMSG, told, when a value is wrong with the number filled in; -ENOMEM. */
int load_build_instance(struct load *load, struct raw_section *section, unsigned number, struct task **ret);
int load_build_whole(struct load *load, struct raw_section *section, struct task **ret);

/* Loads the zone of [daemon] timezone. Returns 0, also after telling that there is none, or -ENOMEM. */
int load_daemon_zone(struct load *load);

/* Gives each calendar of @task its zone, and tells which there are not. Returns 0 or -ENOMEM. */
int load_task_zones(struct load *load, const struct raw_section *section, struct task *task);
void load_zones_done(struct load *load);

/* All keys of @task have been taken: makes it a service, or tells which of them are for services only. */
void load_service_finish(struct load *load, const struct raw_section *section, struct task *task);

/* Tells of stale-after in the section of @task, which is meant to stay up, and forgets what defaults sections say of it. */
void load_check_stale(struct load *load, const struct raw_section *section, struct task *task);

/* The keys of hooks and where in a task they are. */
#define LOAD_HOOK_KEYS 6
struct hook_key {
        const char *key;
        size_t offset;
};
extern const struct hook_key load_hook_keys[LOAD_HOOK_KEYS];

static inline const struct hooks *load_hooks_of(const struct task *task, const struct hook_key *key) {
        return (const struct hooks *)((const char *)task + key->offset);
}

/* Checks each task by itself, and what it names. Binds nothing. */
int load_check(struct load *load);

/* Resolves the members of groups and their order; binds them when nothing is wrong. */
int load_members(struct load *load);

/* Makes the instances of services. Only of a configuration without mistakes, and nothing that looks at sections follows.
 * Returns 0, also after mistakes, or -ENOMEM. */
int load_instances(struct load *load);

/* Finds the numbers of those whom [access] names, and warns of whom there are not. Asks the name service, unless the
 * configuration is to be portable. Only of a configuration without mistakes. Returns 0 or -ENOMEM. */
int load_access(struct load *load);

/* Warns. Only of a configuration without mistakes. */
int load_lint(struct load *load);
int load_lint_services(struct load *load);
int load_lint_when(struct load *load);
int load_lint_host(struct load *load);
int load_lint_resources(struct load *load);

/* config_load() of a daemon that is root or not. For tests. */
int config_load_as(const char *path, const struct config_options *options, bool privileged,
                   struct diagnostics *diagnostics, struct config **ret);
