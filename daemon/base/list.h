/* SPDX-License-Identifier: MIT */
#pragma once
/* list: an intrusive, circular, doubly linked list.
 *
 * A head and a link are the same structure; an unlinked link points at itself, so that removing twice is harmless and
 * "is it linked?" can be asked. The list owns nothing.
 */
#include "base/macros.h"

struct list {
        struct list *next;
        struct list *prev;
};

#define LIST_INIT(head)                                                                                                \
        { &(head), &(head) }

static inline void list_init(struct list *link) {
        link->next = link;
        link->prev = link;
}

static inline bool list_empty(const struct list *head) {
        return head->next == head;
}

static inline bool list_linked(const struct list *link) {
        return link->next != link;
}

static inline void list_insert_before(struct list *at, struct list *link) {
        link->prev = at->prev;
        link->next = at;
        at->prev->next = link;
        at->prev = link;
}

static inline void list_append(struct list *head, struct list *link) {
        list_insert_before(head, link);
}

static inline void list_prepend(struct list *head, struct list *link) {
        list_insert_before(head->next, link);
}

static inline void list_remove(struct list *link) {
        link->prev->next = link->next;
        link->next->prev = link->prev;
        list_init(link);
}

/* Moves all links of @from to the end of @to; @from is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from) {
        if (list_empty(from))
                return;
        from->next->prev = to->prev;
        to->prev->next = from->next;
        from->prev->next = to;
        to->prev = from->prev;
        list_init(from);
}

#define list_entry(link, type, member) CONTAINER_OF(link, type, member)

#define list_first_entry(head, type, member) (list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_for_each_entry(var, head, member)                                                                         \
        for (var = list_entry((head)->next, __typeof__(*var), member); &var->member != (head);                         \
             var = list_entry(var->member.next, __typeof__(*var), member))

/* The current entry may be removed or freed in the body; others may not. */
#define list_for_each_entry_safe(var, tmp, head, member)                                                               \
        for (var = list_entry((head)->next, __typeof__(*var), member),                                                 \
            tmp = list_entry(var->member.next, __typeof__(*var), member);                                              \
             &var->member != (head); var = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))
