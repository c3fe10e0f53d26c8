/* SPDX-License-Identifier: MIT */
/* items: where the items of a fan-out come from (`for-each`).
 *
 * A source hands out items only as far as they are wanted, in a turn of its own. What the types have in common is here:
 * the count of what is wanted, and the loop that asks the type for one item after another. A type says `not now` when
 * it has to read first, and calls items_ready() when it has.
 */
#include "task/items.h"

#include <stdarg.h>
#include <stdio.h>

static const struct items_type *const types[_FOR_EACH_MAX] = {
        [FOR_EACH_LINES] = &items_lines,     [FOR_EACH_GLOB] = &items_glob,     [FOR_EACH_LIST] = &items_list,
        [FOR_EACH_COMMAND] = &items_command, [FOR_EACH_SOCKET] = &items_socket,
};

void items_fail(struct items *items, enum error_kind error, const char *format, ...) {
        va_list args;

        if (items->error != ERROR_NONE)
                return;
        items->error = error;
        va_start(args, format);
        (void)vsnprintf(items->detail, sizeof(items->detail), format, args);
        va_end(args);
}

void items_ready(struct items *items) {
        if (items->fanout)
                loop_work_schedule(&items->feed);
}

static void push(struct items *items, int r, const char *item, size_t length) {
        switch (r) {
        case -E2BIG:
                fanout_push_bad(items->fanout, item, ERROR_TOO_BIG, "an item is one line of at most 64 KiB");
                break;
        case -EILSEQ: fanout_push_bad(items->fanout, item, ERROR_PROTOCOL, "a NUL byte in an item"); break;
        default: fanout_push(items->fanout, item, length); break;
        }
}

static void items_free(struct items *items) {
        if (items->type->close)
                items->type->close(items);
        free(items);
}

static void feed(struct items *items) {
        const char *item = NULL;
        size_t length = 0;

        while (items->n_wanted > 0 && !items->ended && items->fanout) {
                int r = items->type->next(items, &item, &length);

                if (r == 0)
                        return;
                if (r == -ENODATA) {
                        items->ended = true;
                        fanout_end(items->fanout, items->error, items->detail);
                        return;
                }
                items->n_wanted--;
                push(items, r, item, length);
        }
}

static void on_feed(struct loop_work *work _unused_, void *arg) {
        struct items *items = arg;

        items->feeding = true;
        feed(items);
        items->feeding = false;
        if (!items->fanout)
                items_free(items);
}

static int source_open(struct run *fanout, void **ret) {
        const struct task *task = task_of(run_get_spec(fanout));
        const struct items_type *type = types[task->for_each.type];
        struct items *items;
        int r;

        items = calloc(1, type->size);
        if (!items)
                return -ENOMEM;
        items->type = type;
        items->fanout = fanout;
        items->task = task;
        loop_work_init(&items->feed, task->env->loop, "items", on_feed, items);
        r = type->open ? type->open(items) : 0;
        if (r < 0) {
                free(items);
                return r;
        }
        *ret = items;
        return 0;
}

static void source_want(void *source, size_t n) {
        struct items *items = source;

        items->n_wanted += n;
        items_ready(items);
}

static void source_close(void *source) {
        struct items *items = source;

        loop_work_cancel(&items->feed);
        items->fanout = NULL;
        if (!items->feeding) /* an item that failed at once may have closed us */
                items_free(items);
}

const struct item_source_ops task_items = {
        .open = source_open,
        .want = source_want,
        .close = source_close,
};

/* ---- list: the words in the configuration ---- */

struct list_items {
        struct items items;
        size_t next;
};

static int list_next(struct items *items, const char **ret, size_t *ret_length) {
        struct list_items *list = CONTAINER_OF(items, struct list_items, items);
        const char *word = items->task->for_each.words ? items->task->for_each.words[list->next] : NULL;

        if (!word)
                return -ENODATA;
        list->next++;
        *ret = word;
        *ret_length = strlen(word);
        return 1;
}

const struct items_type items_list = {
        .size = sizeof(struct list_items),
        .next = list_next,
};
