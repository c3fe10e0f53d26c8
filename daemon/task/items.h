/* SPDX-License-Identifier: MIT */
#pragma once
/* items: what the types of item sources (`for-each`) share among themselves. The run tree sees only task_items, which is
 * declared in task/kind.h. */
#include "task/kind.h"

struct items;

struct items_type {
        size_t size; /* of the structure that begins with struct items; it was zeroed */
        /* Begins. NULL: nothing to do. Returns 0 or -errno, after which nothing is called. */
        int (*open)(struct items *items);
        /* The next item, valid until the next call. Returns 1; 0: not now, items_ready() follows; -E2BIG, -EILSEQ: one
         * that cannot be used, @ret shows its beginning; -ENODATA: the end, with an error if items_fail() said so. */
        int (*next)(struct items *items, const char **ret, size_t *ret_length);
        /* Ends; @items is freed afterwards. NULL: nothing to do. */
        void (*close)(struct items *items);
};

struct items {
        const struct items_type *type;
        struct run *fanout; /* NULL once closed */
        const struct task *task;
        struct loop_work feed;
        size_t n_wanted;
        bool feeding; /* in its own turn now */
        bool ended;
        enum error_kind error;
        char detail[256];
};

/* There may be an item now. Harmless once closed. */
void items_ready(struct items *items);

/* What the source ends with; the first error stays. */
void items_fail(struct items *items, enum error_kind error, const char *format, ...) _printf_(3, 4);

extern const struct items_type items_lines;
extern const struct items_type items_glob;
extern const struct items_type items_list;
extern const struct items_type items_command;
extern const struct items_type items_socket;
