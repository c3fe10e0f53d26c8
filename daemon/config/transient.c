/* SPDX-License-Identifier: MIT */
/* transient: makes a task that no configuration has, see transient.h. The rows of the key table say what is allowed, and
 * what the defaults are, as they do for files. */
#include "config/transient.h"

#include "base/text.h"
#include "config/keys.h"
#include "config/load.h"
#include "task/kind.h"

#include <stdio.h>

static const struct key *find_row(const struct task *task, const char *name) {
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);

        for (size_t i = 0; i < n; i++)
                if (streq(keys[i].name, name) && key_fits(&keys[i], task))
                        return &keys[i];
        return NULL;
}

static int set_defaults(struct task *task) {
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);

        for (size_t i = 0; i < n; i++) {
                int r;

                if (keys[i].scope == KEY_KIND || keys[i].scope == KEY_SERVICE || !keys[i].default_value)
                        continue;
                r = load_default(&keys[i], task);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- what is asked for ---- */

static int make_texts(const struct key *key, const char *text, struct value *value) {
        int r;

        if (key->type->form == VALUE_WORDS) {
                r = text_split_words(text, &value->texts);
                if (r == -EINVAL)
                        return value_wrong(value, "a quote is not closed, or a \\ stands at the end");
                value->n = (size_t)MAX(r, 0);
                return MIN(r, 0);
        }
        value->texts = calloc(2, sizeof(*value->texts));
        if (!value->texts)
                return -ENOMEM;
        value->texts[0] = strdup(text);
        value->n = 1;
        return value->texts[0] ? 0 : -ENOMEM;
}

static int set(struct task *task, const struct task_setting *setting, char wrong[TRANSIENT_WRONG_MAX]) {
        const struct key *key = find_row(task, setting->key);
        struct value value = { 0 };
        char allowed[KEY_ALLOWED_MAX];
        size_t number;
        int r;

        if (!key)
                return -EINVAL;
        r = make_texts(key, setting->text, &value);
        if (r == 0)
                r = key->type->parse(key, &value, key_base(key, task));
        if (r == -EINVAL)
                (void)snprintf(wrong, TRANSIENT_WRONG_MAX, "%s: %s (%s)", key->name, value.wrong,
                               key_allowed(key, allowed));
        for (size_t i = 0; value.texts && i < value.n; i++) /* a parser may have taken some */
                free(value.texts[i]);
        free(value.texts);
        number = key_number(KEY_SECTION_TASK, key);
        task->written[number / 64] |= UINT64_C(1) << number % 64;
        return r;
}

/* ---- the whole ---- */

static int add_parts(struct task *task) {
        task->kind = &kind_exec;
        task->part = calloc(1, kind_exec.part_size);
        task->transient = calloc(1, sizeof(*task->transient));
        if (!task->part || !task->transient)
                return -ENOMEM;
        task->transient->items_fd = -EBADF;
        kind_exec.part_init(task->part);
        return 0;
}

static void finish(struct task *task, bool fan_out) {
        struct run_spec *run = &task->run;

        run->is_transient = true;
        run->leaf = task->kind->leaf;
        for (enum bound bound = 0; bound < _BOUND_MAX; bound++)
                if (!task_key_is_written(task, bound_to_string(bound)))
                        run->default_bounds |= 1u << bound;
        if (run->default_bounds & 1u << BOUND_TIMEOUT)
                run->bounds[BOUND_TIMEOUT] = task->kind->default_timeout_usec;
        run->bounds[BOUND_START_TIMEOUT] = USEC_INFINITY;
        if (!fan_out)
                return;
        task->for_each.type = FOR_EACH_SOCKET;
        run->items = &task_items;
        if (run->concurrency == 0)
                run->concurrency = load_cpus();
}

int transient_task_new(const char *name, const struct task_setting *settings, size_t n, bool fan_out,
                       char wrong[TRANSIENT_WRONG_MAX], struct task **ret) {
        _cleanup_(task_unrefp) struct task *task = task_new(name);
        int r;

        if (!task)
                return -ENOMEM;
        r = add_parts(task);
        if (r == 0)
                r = set_defaults(task);
        for (size_t i = 0; i < n && r == 0; i++)
                r = set(task, &settings[i], wrong);
        if (r < 0)
                return r;
        finish(task, fan_out);
        *ret = TAKE_PTR(task);
        return 0;
}
