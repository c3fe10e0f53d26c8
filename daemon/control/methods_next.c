/* SPDX-License-Identifier: MIT */
/* methods_next: Next.
 *
 * The occurrences of all tasks in one order. First all tasks are looked at, in slices, and those are kept whose first
 * occurrence is among the first n: no other can be among the first n of all. Then these are merged: the earliest is told and
 * replaced by the next of its task. A task is asked for its next few occurrences at a time, for twice as many each time;
 * time goes on meanwhile, so that those told already are known by when they are due, give or take what two readings of the
 * clocks differ by.
 *
 * What has no time, because a path or the end of a run starts it, comes last.
 */
#include "base/heap.h"
#include "control/due_json.h"
#include "control/methods.h"
#include "live/apply.h"

#define ROWS_A_REPLY 20
#define N_MAX        1000
#define N_DEFAULT    100
#define BATCH_MIN    4

/* Occurrences of one task are further apart, but by chance. */
#define READINGS_DIFFER USEC_PER_MSEC

/* What asking a task for its occurrences costs, in looks at tasks. */
#define ASK_COST 20

struct source {
        struct heap_node node;
        size_t task;      /* its index */
        usec_t at_usec;   /* of its next occurrence */
        unsigned told;    /* occurrences */
        usec_t told_usec; /* when the last of them was due */
        struct live_due *due;
        unsigned n_due, next; /* of @due */
};

struct next_cursor {
        struct control *control;
        struct patterns patterns;
        unsigned n;    /* in all, at most */
        unsigned each; /* of each task, at most */
        usec_t until_usec;
        size_t index;        /* of the next task to be looked at */
        uint64_t generation; /* of the tasks that were looked at */
        bool scanned;
        struct source *sources; /* at most n */
        size_t n_sources;
        struct heap heap; /* of them: first the latest on top, then, once all tasks were looked at, the earliest */
        json_t *timeless;
        unsigned told;
        usec_t told_at_usec; /* of the last of them */
};

static void next_free(void *cursor) {
        struct next_cursor *next = cursor;

        for (size_t i = 0; i < next->n_sources; i++)
                free(next->sources[i].due);
        free(next->sources);
        heap_done(&next->heap);
        json_decref(next->timeless);
        patterns_done(&next->patterns);
        free(next);
}

static struct source *source_of(const struct heap_node *node) {
        return CONTAINER_OF(node, struct source, node);
}

/* Tasks that are due at once come in their order. */
static int compare_earliest(const struct heap_node *a, const struct heap_node *b) {
        const struct source *x = source_of(a), *y = source_of(b);

        if (x->at_usec != y->at_usec)
                return x->at_usec < y->at_usec ? -1 : 1;
        return x->task < y->task ? -1 : x->task > y->task;
}

static int compare_latest(const struct heap_node *a, const struct heap_node *b) {
        return compare_earliest(b, a);
}

/* ---- looking at all tasks ---- */

/* When @task is due first, also if it is paused. Returns what that cost. */
static unsigned first_at(const struct live_task *task, usec_t *ret_at_usec) {
        struct live_due due;

        *ret_at_usec = live_task_next(task);
        if (*ret_at_usec != USEC_INFINITY || !live_task_paused_by(task, NULL))
                return 1;
        if (live_next_occurrences(task, &due, 1) > 0)
                *ret_at_usec = due.at_usec;
        return ASK_COST;
}

/* Keeps the task at hand if it may be among the first. */
static void keep(struct next_cursor *next, usec_t at_usec) {
        struct source *source;

        if (at_usec > next->until_usec)
                return;
        if (next->n_sources < next->n)
                source = &next->sources[next->n_sources++];
        else {
                source = source_of(heap_top(&next->heap));
                if (at_usec >= source->at_usec)
                        return;
                heap_remove(&next->heap, &source->node);
        }
        *source = (struct source){ .task = next->index, .at_usec = at_usec };
        heap_insert(&next->heap, &source->node);
}

/* The task has the name, not a pattern that matches, that somebody asked for. */
static bool is_named(const struct next_cursor *next, const char *name) {
        for (size_t i = 0; i < json_array_size(next->patterns.list); i++)
                if (streq(json_string_value(json_array_get(next->patterns.list, i)), name))
                        return true;
        return false;
}

static void keep_timeless(struct next_cursor *next, const struct live_task *task) {
        json_t *json;

        if (json_array_size(next->timeless) >= next->n)
                return;
        json = due_without_time(task, is_named(next, live_task_task(task)->run.name));
        if (json)
                (void)json_array_append_new(next->timeless, json);
}

/* Looks at some of the tasks. Returns -EAGAIN to be called again, 1 when it came to the end, 0 when it answered. */
static int scan_some(struct next_cursor *next, struct varlink_call *call) {
        struct live *live = next->control->live;
        size_t n = live_n_tasks(live), budget = patterns_a_step(&next->patterns);

        for (; next->index < n && budget > 0; next->index++) {
                const struct live_task *task = live_task_at(live, next->index);
                usec_t at = USEC_INFINITY;
                unsigned cost = 1;

                if (patterns_match(&next->patterns, live_task_task(task)->run.name)) {
                        cost = first_at(task, &at);
                        if (at != USEC_INFINITY)
                                keep(next, at);
                        else
                                keep_timeless(next, task);
                }
                budget -= MIN(budget, (size_t)cost);
        }
        if (next->index < n) {
                varlink_wake(call);
                return -EAGAIN;
        }
        if (patterns_unmatched(&next->patterns))
                return reply_no_such_task(call, patterns_unmatched(&next->patterns));
        return 1;
}

/* Has the earliest of the sources on top. */
static int turn_heap(struct next_cursor *next) {
        heap_done(&next->heap);
        heap_init(&next->heap, compare_earliest);
        for (size_t i = 0; i < next->n_sources; i++)
                next->sources[i].node.slot = 0;
        if (heap_reserve(&next->heap, next->n_sources) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < next->n_sources; i++)
                heap_insert(&next->heap, &next->sources[i].node);
        next->scanned = true;
        return 0;
}

/* ---- merging ---- */

/* Has more occurrences of the task, if there are, behind those that were told. Returns 0 or -ENOMEM. */
static int refill(struct next_cursor *next, struct source *source) {
        unsigned left = next->n - next->told, want = MAX(2 * source->told, (unsigned)BATCH_MIN);
        struct live_due *due;

        want = MIN(want, source->told + left);
        want = MIN(want, next->each);
        due = reallocarray(source->due, want, sizeof(*due));
        if (!due)
                return -ENOMEM;
        source->due = due;
        source->n_due = live_next_occurrences(live_task_at(next->control->live, source->task), due, want);
        for (source->next = 0; source->next < source->n_due; source->next++)
                if (source->told == 0 || due[source->next].due_usec > usec_add(source->told_usec, READINGS_DIFFER))
                        break;
        return 0;
}

/* The next occurrence of the source that is on top; NULL: there is none. */
static const struct live_due *take(struct next_cursor *next, struct source *source, int *ret_error) {
        *ret_error = source->next < source->n_due ? 0 : refill(next, source);
        return *ret_error == 0 && source->next < source->n_due ? &source->due[source->next++] : NULL;
}

/* Puts the source, whose occurrence was told, where its next one belongs, or leaves it out. */
static int advance(struct next_cursor *next, struct source *source, usec_t told_usec) {
        int r = 0;

        source->told++;
        source->told_usec = told_usec;
        if (source->next == source->n_due && source->told < next->each)
                r = refill(next, source);
        if (r < 0)
                return r;
        if (source->next == source->n_due || source->due[source->next].at_usec > next->until_usec ||
            source->told >= next->each) {
                heap_remove(&next->heap, &source->node);
                return 0;
        }
        source->at_usec = source->due[source->next].at_usec;
        heap_adjust(&next->heap, &source->node);
        return 0;
}

/* What it was put in order by may have come due since: then it belongs where its next one does. True: it is not first. */
static bool is_overtaken(struct next_cursor *next, struct source *source, const struct live_due *due) {
        if (due->at_usec <= source->at_usec)
                return false;
        source->at_usec = due->at_usec;
        heap_adjust(&next->heap, &source->node);
        return heap_top(&next->heap) != &source->node;
}

/* What counts on the boot clock is told by the wall clock, and that is read anew each time: some microseconds between two
 * readings must not turn their order round. */
static int tell_one(struct next_cursor *next, json_t *array) {
        struct source *source = source_of(heap_top(&next->heap));
        const struct live_due *due;
        struct live_due told;
        int r;

        due = take(next, source, &r);
        if (!due || due->at_usec > next->until_usec) { /* it came due, or the task changed, since it was looked at */
                heap_remove(&next->heap, &source->node);
                return r;
        }
        if (is_overtaken(next, source, due)) {
                source->next--;
                return 0;
        }
        told = *due;
        told.at_usec = next->told_at_usec = MAX(due->at_usec, next->told_at_usec);
        next->told++;
        if (json_array_append_new(array, due_to_json(live_task_at(next->control->live, source->task), &told)) < 0)
                return -ENOMEM;
        return advance(next, source, due->due_usec);
}

/* From the first task. */
static void begin(struct next_cursor *next) {
        for (size_t i = 0; i < next->n_sources; i++)
                free(next->sources[i].due);
        next->n_sources = next->index = 0;
        next->scanned = false;
        next->generation = live_generation(next->control->live);
        (void)json_array_clear(next->timeless);
        heap_done(&next->heap);
        heap_init(&next->heap, compare_latest);
}

static int next_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct next_cursor *next = cursor;
        bool more;
        json_t *array;
        int r;

        if (next->generation != live_generation(next->control->live)) { /* reloaded meanwhile */
                begin(next);
                if (heap_reserve(&next->heap, next->n) < 0)
                        return -ENOMEM;
        }
        if (!next->scanned) {
                r = scan_some(next, call);
                if (r <= 0)
                        return r;
                varlink_wake(call);
                return turn_heap(next) < 0 ? -ENOMEM : -EAGAIN;
        }
        array = json_array();
        for (r = 0; r == 0 && heap_top(&next->heap) && next->told < next->n && json_array_size(array) < ROWS_A_REPLY;)
                r = tell_one(next, array);
        more = heap_top(&next->heap) && next->told < next->n;
        if (r == 0 && !more && json_array_extend(array, next->timeless) < 0)
                r = -ENOMEM;
        if (r < 0) {
                json_decref(array);
                return r;
        }
        *ret = json_pack("{s:o}", "next", array);
        return more;
}

static const struct varlink_stream_ops next_ops = { .next = next_next, .free = next_free };

/* The optional number @name within 1 … N_MAX. Returns 0 or -EINVAL. */
static int get_number(const json_t *parameters, const char *name, unsigned fallback, unsigned *ret) {
        const json_t *value = json_object_get(parameters, name);

        *ret = fallback;
        if (!json_is_integer(value))
                return 0;
        if (json_integer_value(value) < 1 || json_integer_value(value) > N_MAX)
                return -EINVAL;
        *ret = (unsigned)json_integer_value(value);
        return 0;
}

int method_next(struct varlink_call *call, const json_t *parameters, void *arg) {
        const json_t *until = json_object_get(parameters, "until_usec");
        struct next_cursor *next;
        unsigned n, each;

        if (get_number(parameters, "n", N_DEFAULT, &n) < 0)
                return varlink_error_parameter(call, "n");
        if (get_number(parameters, "each", n, &each) < 0)
                return varlink_error_parameter(call, "each");
        if (json_is_integer(until) && json_integer_value(until) < 0)
                return varlink_error_parameter(call, "until_usec");
        next = calloc(1, sizeof(*next));
        if (!next)
                return -ENOMEM;
        next->control = arg;
        next->generation = live_generation(next->control->live);
        next->n = n;
        next->each = each;
        next->until_usec = json_is_integer(until) ? (usec_t)json_integer_value(until) : USEC_INFINITY - 1;
        heap_init(&next->heap, compare_latest);
        next->sources = calloc(n, sizeof(*next->sources));
        next->timeless = json_array();
        if (!next->sources || !next->timeless || heap_reserve(&next->heap, n) < 0 ||
            patterns_init(&next->patterns, json_object_get(parameters, "tasks")) < 0) {
                next_free(next);
                return -ENOMEM;
        }
        return varlink_stream(call, &next_ops, next);
}
