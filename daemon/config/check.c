/* SPDX-License-Identifier: MIT */
/* check: mistakes that show only when the keys of a task, or several sections, are seen together. */
#include "base/text.h"
#include "config/load.h"
#include "task/kind.h"

/* ---- a task by itself ---- */

static bool has_main_value(const struct task *task) {
        if (task->kind == &kind_exec)
                return task->exec->command || task->exec->shell;
        if (task->kind == &kind_http)
                return task->http->url;
        if (task->kind == &kind_tcp)
                return task->tcp->connect;
        if (task->kind == &kind_dns)
                return task->dns->resolve;
        return task->kind != &kind_file || task->file->path;
}

static void check_kind(struct load *load, const struct raw_section *section, const struct task *task) {
        if (!has_main_value(task) && !raw_section_may_have_main_key(section, task->kind))
                load_tell_key(load, SEVERITY_ERROR, section, "type", "%s needs %s", task->kind->name,
                              streq(task->kind->main_keys, "command shell") ? "command or shell"
                                                                            : task->kind->main_keys);
        if (load->privileged && task->kind == &kind_exec && !task->exec->user && !raw_section_may_have(section, "user"))
                load_tell_key(load, SEVERITY_ERROR, section, "user",
                              "is missing, and the daemon is root (write whom it runs as, also if that is root)");
        if (task->kind == &kind_http && task->http->save_to && task->for_each.type != FOR_EACH_NONE)
                load_tell_key(load, SEVERITY_ERROR, section, "save-to", "all items would be saved to the same file");
}

/* What is wrong with {item} in a value of this row, or NULL. */
static const char *wrong_item(const struct raw_section *section, const struct key *row, const struct task *task) {
        if (row->kind == &kind_exec && streq(row->name, "shell"))
                return "{item} would become a part of the script (write \"$TENDD_ITEM\")";
        if (!(row->flags & KEY_ITEM))
                return "{item} is not filled in here (but in command, env, output, url, header, body, connect, resolve and path)";
        if (task->for_each.type == FOR_EACH_NONE && !raw_section_may_have(section, "for-each"))
                return "{item} means nothing without for-each";
        return NULL;
}

/* Keys of the task's own section that another one gives a meaning. */
static void check_own_keys(struct load *load, const struct raw_section *section, const struct task *task) {
        for (const struct raw_key *raw = section->keys; raw; raw = raw->next) {
                const struct key *row = raw_key_row(raw, task);
                const char *wrong;

                if (!row || raw->bad)
                        continue;
                wrong = raw->item ? wrong_item(section, row, task) : NULL;
                for (const struct raw_line *line = wrong ? raw->lines : NULL; line; line = line->next) {
                        if (strstr(line->text, "{item}"))
                                load_tell(load, SEVERITY_ERROR, section, row->name, line->line, "%s", wrong);
                }
                if (row->flags & KEY_FAN_OUT && task->for_each.type == FOR_EACH_NONE &&
                    !raw_section_may_have(section, "for-each"))
                        load_tell_key(load, SEVERITY_ERROR, section, raw->name, "means nothing without for-each");
        }
}

/* {item} in what the task takes from sections of defaults. What is wrong with it depends on the task. */
static void check_inherited_items(struct load *load, const struct raw_section *section, const struct task *task) {
        const struct raw_section *const *defaults = (const struct raw_section *const *)section->defaults;

        for (size_t i = 0; i < ARRAY_SIZE(section->defaults) && defaults[i]; i++) {
                for (const struct raw_key *raw = defaults[i]->keys; raw; raw = raw->next) {
                        const struct key *row = raw->item ? raw_key_row(raw, task) : NULL;
                        const char *wrong;

                        if (!row || raw->bad || !task_key_is_written(task, row->name) ||
                            raw_section_find(section, row->name) || (i > 0 && raw_section_find(defaults[0], row->name)))
                                continue;
                        wrong = wrong_item(section, row, task);
                        if (wrong)
                                load_tell_key(load, SEVERITY_ERROR, section, row->name, "%s; it comes from [%s]", wrong,
                                              defaults[i]->title);
                }
        }
}

static void check_time(struct load *load, const struct raw_section *section, const struct task *task) {
        /* What means nothing without at least one of others. */
        static const struct {
                const char *key;
                const char *needs[3];
                const char *told;
        } needs[] = {
                { "every-from", { "every" }, "every" },
                { "jitter", { "every", "calendar", "cron" }, "every, calendar or cron" },
                { "splay", { "every", "calendar", "cron" }, "every, calendar or cron" },
                { "watch-settle", { "watch" }, "watch" },
        };
        char buf[TEXT_USEC_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
                bool met = !raw_section_find(section, needs[i].key);

                for (size_t k = 0; k < ARRAY_SIZE(needs[i].needs) && needs[i].needs[k] && !met; k++)
                        met = raw_section_may_have(section, needs[i].needs[k]);
                if (!met)
                        load_tell_key(load, SEVERITY_ERROR, section, needs[i].key, "means nothing without %s",
                                      needs[i].told);
        }
        if (task->every_usec > 0 && usec_add(task->jitter_usec, task->splay_usec) >= task->every_usec)
                load_tell_key(load, SEVERITY_ERROR, section,
                              raw_section_find(section, "jitter")  ? "jitter"
                              : raw_section_find(section, "splay") ? "splay"
                                                                   : "every",
                              "jitter and splay together must be below the interval, which is %s",
                              text_format_usec(task->every_usec, buf));
}

/* ---- what it names ---- */

static int check_limits(struct load *load, const struct raw_section *section, const struct task *task) {
        for (size_t i = 0; i < task->n_limits; i++) {
                struct raw_section *found = load_require(load, SECTION_LIMIT, task->limits[i].name, section, "limit");
                unsigned permits;

                if (!found)
                        continue;
                found->used = true;
                permits = load->config->limits[found->number].limit.permits;
                if (permits > 0 && task->limits[i].permits > permits)
                        load_tell_key(load, SEVERITY_ERROR, section, "limit", "asks for %u permits of %s, which has %u",
                                      task->limits[i].permits, load_shown(section, "limit", task->limits[i].name),
                                      permits);
        }
        return 0;
}

static void check_pool(struct load *load, const struct raw_section *section, const struct task *task) {
        struct raw_section *found;

        if (!task->pool_name || streq(task->pool_name, "default"))
                return;
        found = load_require(load, SECTION_POOL, task->pool_name, section, "pool");
        if (found)
                found->used = true;
}

const struct hook_key load_hook_keys[LOAD_HOOK_KEYS] = {
        { "on-success", offsetof(struct task, on_success) }, { "on-failure", offsetof(struct task, on_failure) },
        { "on-failing", offsetof(struct task, on_failing) }, { "on-recover", offsetof(struct task, on_recover) },
        { "on-slow", offsetof(struct task, on_slow) },       { "on-stale", offsetof(struct task, on_stale) },
};

static void check_hooks(struct load *load, const struct raw_section *section, const struct hooks *hooks,
                        const char *key) {
        for (size_t i = 0; i < hooks->n; i++) {
                struct raw_section *found = load_require(load, SECTION_TASK, hooks->items[i].task, section, key);

                if (found)
                        found->hooked = true;
        }
}

int load_check(struct load *load) {
        for (size_t i = 0; i < load->n_index[SECTION_TASK]; i++) {
                struct raw_section *section = load->index[SECTION_TASK][i];
                const struct task *task = section->task;

                if (!task)
                        continue;
                if (task->kind)
                        check_kind(load, section, task);
                check_own_keys(load, section, task);
                check_inherited_items(load, section, task);
                check_time(load, section, task);
                check_limits(load, section, task);
                check_pool(load, section, task);
                for (size_t k = 0; k < LOAD_HOOK_KEYS; k++)
                        check_hooks(load, section, load_hooks_of(task, &load_hook_keys[k]), load_hook_keys[k].key);
        }
        return 0;
}
