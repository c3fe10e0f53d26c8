/* SPDX-License-Identifier: MIT */
/* items: which items of a fan-out fail, from run to run.
 *
 * Only items that have failed are remembered, in the order of their texts; so 5,000 items of which none fails cost
 * nothing, and each that is ok costs a search among those that are not. What an item did is marked when it ends, and counts once the
 * run has: then each begins to fail or is fine again at most once a run, also one that is in the list twice, and then its
 * failure counts. Those that a run which saw its whole list did not see are no longer in it, and are forgotten.
 *
 * Once an item is failing its failures are not counted on, so that what fails for days is not written to the store again
 * with each run. There is a bound for how many there may be, and for their texts; what failed beyond it is counted in each run, and
 * told.
 */
#include "live/live_private.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

#define ITEMS_BYTES_MAX ((size_t)8 << 20)
/* So many are given to hooks by name, and so much of them is in a sentence. */
#define ITEMS_TOLD_MAX 1000
#define ITEMS_TEXT_MAX 320
#define ITEM_SHOWN_MAX 256

enum mark {
        MARK_NONE,
        MARK_OK,
        MARK_FAILED,
};

struct item {
        usec_t since_usec;
        usec_t seen_usec; /* monotonic; 0: not since the start */
        unsigned failures;
        bool failing;
        uint8_t mark;  /* enum mark; of a run that has not ended */
        uint8_t error; /* enum error_kind */
        char text[];
};

struct live_items {
        struct item **sorted;
        size_t n;
        size_t n_room;
        size_t bytes;
        struct live_item_counts counts; /* but total; untracked is that of the run that ended last */
        uint64_t untracked;             /* since then */
};

/* ---- the set ---- */

/* Where @text is, or where it belongs. */
static size_t find(const struct live_items *items, const char *text, bool *ret_found) {
        size_t low = 0, high = items->n;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(text, items->sorted[middle]->text);

                if (order == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        *ret_found = false;
        return low;
}

static struct item *look_up(const struct live_items *items, const char *text) {
        bool found;
        size_t at = find(items, text, &found);

        return found ? items->sorted[at] : NULL;
}

static int make_room(struct live_items *items) {
        size_t n = items->n_room ? items->n_room * 2 : 16;
        struct item **sorted;

        if (items->n < items->n_room)
                return 0;
        sorted = realloc(items->sorted, n * sizeof(*sorted));
        if (!sorted)
                return -ENOMEM;
        items->sorted = sorted;
        items->n_room = n;
        return 0;
}

/* Finds the item or makes it. */
static int intern(struct live_items *items, const char *text, struct item **ret) {
        size_t length = strlen(text), at;
        struct item *item;
        bool found;

        at = find(items, text, &found);
        if (found) {
                *ret = items->sorted[at];
                return 0;
        }
        if (items->n >= LIVE_ITEMS_MAX || items->bytes + length > ITEMS_BYTES_MAX)
                return -ENOBUFS;
        item = calloc(1, sizeof(*item) + length + 1);
        if (!item || make_room(items) < 0) {
                free(item);
                return -ENOMEM;
        }
        memcpy(item->text, text, length + 1);
        memmove(&items->sorted[at + 1], &items->sorted[at], (items->n - at) * sizeof(struct item *));
        items->sorted[at] = item;
        items->n++;
        items->bytes += length;
        *ret = item;
        return 0;
}

static struct live_items *items_of(struct live_task *entry) {
        if (!entry->items)
                entry->items = calloc(1, sizeof(*entry->items));
        return entry->items;
}

void live_items_done(struct live_task *entry) {
        struct live_items *items = entry->items;

        for (size_t i = 0; items && i < items->n; i++)
                free(items->sorted[i]);
        if (items)
                free(items->sorted);
        free(items);
        entry->items = NULL;
}

/* ---- what the store has ---- */

static void note(struct live_task *entry, const struct item *item) {
        live_note_item(entry, &(const struct store_item){
                                      .task = entry->task->run.name,
                                      .item = item->text,
                                      .failures = item->failures,
                                      .failing = item->failing,
                                      .since_usec = item->since_usec,
                              });
}

int live_items_restore(struct live_task *entry, const struct store_item *stored) {
        struct live_items *items;
        struct item *item;
        int r;

        if (entry->task->for_each.type == FOR_EACH_NONE)
                return 0;
        items = items_of(entry);
        r = items ? intern(items, stored->item, &item) : -ENOMEM;
        if (r < 0)
                return r;
        items->counts.failing += stored->failing && !item->failing;
        item->failures = stored->failures;
        item->failing = stored->failing;
        item->since_usec = stored->since_usec;
        return 0;
}

void live_items_note_all(struct live_task *entry) {
        for (size_t i = 0; entry->items && i < entry->items->n; i++)
                note(entry, entry->items->sorted[i]);
}

/* ---- while a run goes on ---- */

static void add_failed(struct live_task *entry, const char *text, enum error_kind error) {
        struct live_items *items = items_of(entry);
        struct item *item;

        if (!items || intern(items, text, &item) < 0) {
                if (items)
                        items->untracked++;
                return;
        }
        item->mark = MARK_FAILED;
        item->error = (uint8_t)error;
        item->seen_usec = clock_now(CLOCK_ID_MONOTONIC);
}

void live_items_add(struct live_task *entry, const char *text, enum outcome outcome, enum error_kind error) {
        struct item *item;

        if (outcome_is_failure(outcome)) {
                add_failed(entry, text, error);
                return;
        }
        item = entry->items ? look_up(entry->items, text) : NULL;
        if (!item)
                return;
        if (outcome == OUTCOME_OK && item->mark != MARK_FAILED)
                item->mark = MARK_OK;
        item->seen_usec = clock_now(CLOCK_ID_MONOTONIC);
}

/* ---- when it has ended ---- */

/* Texts of items, as they may be shown. */
struct list_of_items {
        char **texts;
        size_t n; /* at most ITEMS_TOLD_MAX */
        uint64_t n_all;
};

struct settling {
        struct list_of_items newly_failing;
        struct list_of_items recovered;
        unsigned errors;       /* 1 << kind */
        enum error_kind error; /* of the first new one */
};

static void list_item(struct list_of_items *list, const struct item *item) {
        char shown[ITEM_SHOWN_MAX];

        list->n_all++;
        if (list->n >= ITEMS_TOLD_MAX)
                return;
        if (!list->texts)
                list->texts = calloc(ITEMS_TOLD_MAX, sizeof(*list->texts));
        if (!list->texts)
                return;
        list->texts[list->n] = strdup(text_hide_userinfo(item->text, shown, sizeof(shown)));
        list->n += list->texts[list->n] != NULL;
}

static void settling_done(struct settling *settling) {
        for (size_t i = 0; i < settling->newly_failing.n; i++)
                free(settling->newly_failing.texts[i]);
        for (size_t i = 0; i < settling->recovered.n; i++)
                free(settling->recovered.texts[i]);
        free(settling->newly_failing.texts);
        free(settling->recovered.texts);
}

static void count_failure(struct live_task *entry, struct item *item, struct settling *settling) {
        if (item->failing)
                return;
        if (item->failures++ == 0)
                item->since_usec = clock_now(CLOCK_ID_REALTIME);
        item->failing = item->failures >= entry->task->failing_after;
        note(entry, item);
        if (!item->failing)
                return;
        if (settling->newly_failing.n_all == 0)
                settling->error = (enum error_kind)item->error;
        settling->errors |= 1u << item->error;
        list_item(&settling->newly_failing, item);
}

/* Returns whether the item stays. */
static bool settle_item(struct live_task *entry, struct item *item, bool gone, struct settling *settling) {
        enum mark mark = (enum mark)item->mark;

        item->mark = MARK_NONE;
        if (mark == MARK_FAILED) {
                count_failure(entry, item, settling);
                return true;
        }
        if (mark == MARK_NONE && !gone)
                return true;
        if (mark == MARK_OK && item->failing)
                list_item(&settling->recovered, item);
        item->failures = 0;
        item->failing = false;
        note(entry, item);
        return false;
}

static void settle_all(struct live_task *entry, bool complete, usec_t started_usec, struct settling *settling) {
        struct live_items *items = entry->items;
        uint64_t failing = 0;
        size_t kept = 0;

        for (size_t i = 0; i < items->n; i++) {
                struct item *item = items->sorted[i];

                if (settle_item(entry, item, complete && item->seen_usec < started_usec, settling)) {
                        failing += item->failing;
                        items->sorted[kept++] = item;
                } else {
                        items->bytes -= strlen(item->text);
                        free(item);
                }
        }
        items->n = kept;
        items->counts = (struct live_item_counts){
                .failing = failing,
                .newly_failing = settling->newly_failing.n_all,
                .recovered = settling->recovered.n_all,
                .untracked = items->untracked,
        };
        items->untracked = 0;
}

/* "3 items newly failing: a, b, c and 5 more" */
static void name_items(const struct list_of_items *list, const char *what, char *buf, size_t size) {
        size_t length =
                (size_t)snprintf(buf, size, "%" PRIu64 " item%s %s", list->n_all, list->n_all == 1 ? "" : "s", what);

        for (size_t i = 0; i < list->n; i++) {
                size_t needed = strlen(list->texts[i]) + 2;

                /* The first is named in any case, as far as there is room; others whole or not at all. */
                if (i > 0 && length + needed > ITEMS_TEXT_MAX) {
                        (void)snprintf(buf + length, size - length, " and %" PRIu64 " more", list->n_all - i);
                        return;
                }
                length += (size_t)snprintf(buf + length, size - length, "%s %s", i > 0 ? "," : ":", list->texts[i]);
        }
}

/* "; 5 of 5000 fail now" */
static void add_counts(const struct live_task *entry, const struct result *result, uint64_t told, char *buf,
                       size_t size) {
        const struct live_item_counts *counts = &entry->items->counts;
        size_t length = strlen(buf);

        if (counts->failing == 0)
                length += (size_t)snprintf(buf + length, size - length, "; none fails any more");
        else if (counts->failing > told)
                length += (size_t)snprintf(buf + length, size - length, "; %" PRIu64 " of %" PRIu64 " fail now",
                                           counts->failing, result->items ? result->items->total : counts->failing);
        if (counts->untracked > 0)
                (void)snprintf(buf + length, size - length,
                               "; %" PRIu64 " more have failed, and no more than %d are kept track of",
                               counts->untracked, LIVE_ITEMS_MAX);
}

static void tell(struct live_task *entry, struct result *result, bool hooks, const struct settling *settling,
                 bool failing) {
        const struct list_of_items *list = failing ? &settling->newly_failing : &settling->recovered;
        const struct item_edges edges = {
                .newly_failing = (const char *const *)settling->newly_failing.texts,
                .n_newly_failing = settling->newly_failing.n,
                .recovered = (const char *const *)settling->recovered.texts,
                .n_recovered = settling->recovered.n,
                .failing = entry->items->counts.failing,
                .errors = settling->errors,
        };
        char text[ITEMS_TEXT_MAX + ITEM_SHOWN_MAX + 200];

        if (list->n_all == 0)
                return;
        name_items(list, failing ? "newly failing" : "recovered", text, sizeof(text));
        add_counts(entry, result, failing ? list->n_all : 0, text, sizeof(text));
        live_emit(entry->live, &(const struct event){
                                       .id = failing ? EVENT_FAILING : EVENT_RECOVERED,
                                       .task = result->task,
                                       .run = result->run,
                                       .text = text,
                                       .error = failing ? settling->error : ERROR_NONE,
                               });
        if (hooks)
                live_fire_hooks(entry->live, failing ? &entry->task->on_failing : &entry->task->on_recover,
                                &(const struct hook_cause){
                                        .result = result,
                                        .event = failing ? "failing" : "recovered",
                                        .detail = text,
                                        .whatever_outcome = !failing,
                                        .items = &edges,
                                });
}

void live_items_settle(struct live_task *entry, struct result *result, usec_t started_usec, bool hooks) {
        _cleanup_(settling_done) struct settling settling = { 0 };

        if (!entry->items)
                return;
        settle_all(entry, result->items && result->items->complete, started_usec, &settling);
        tell(entry, result, hooks, &settling, true);
        tell(entry, result, hooks, &settling, false);
}

/* ---- what is asked ---- */

void live_task_count_items(const struct live_task *task, struct live_item_counts *ret) {
        *ret = task->items ? task->items->counts : (struct live_item_counts){ 0 };
        if (task->last && task->last->items)
                ret->total = task->last->items->total;
}

size_t live_task_failing_items(const struct live_task *task, size_t skip, struct live_item *ret, size_t n) {
        size_t filled = 0;

        for (size_t i = 0; task->items && i < task->items->n && filled < n; i++) {
                const struct item *item = task->items->sorted[i];

                if (!item->failing || (skip > 0 && skip--))
                        continue;
                ret[filled++] = (struct live_item){
                        .item = item->text,
                        .since_usec = item->since_usec,
                        .failures = item->failures,
                        .error = (enum error_kind)item->error,
                };
        }
        return filled;
}
