/* SPDX-License-Identifier: MIT */
/* tree: the runs, their states, and the turn that works off what happened to them.
 *
 * A run is on at most one of the tree's lists: `examine` (something may have ended), `begin` (may start), `dead` (to be
 * freed). A turn empties `examine`, then acts on deadlines, then begins runs, then frees the dead. What a step adds for
 * its own list waits for the next turn, with one exception: an end is carried up to the parents at once, so that a
 * deadline sees a tree in which every end that was known is already counted.
 *
 * A top-level run or a member can be held: it takes its place, waits for its overlap slot and may be cancelled like any other, but it
 * does not begin. A hook is held later, when its first attempt has got its permits: what is written down meanwhile says
 * that it begins, and whoever finds that it never did may start it again.
 *
 * Top-level runs that were started from inside of others are children of the root like any other; what ties them to their
 * hosts is in host.c.
 *
 * Members of a group stay in the tree, done, until the group is or their place is taken again; attempts and items are freed as soon as their parent
 * has seen them.
 */
#include "run/node.h"

#include <assert.h>
#include <sys/random.h>

#define M(state) (1u << RUN_##state)

/* A fan-out has two for each item that lives. */
#define RUNS_KEPT 256

static const unsigned allowed[_RUN_STATE_MAX] = {
        [RUN_QUEUED] = M(STARTING) | M(DONE),
        [RUN_STARTING] = M(RUNNING) | M(STOPPING) | M(DONE),
        [RUN_RUNNING] = M(STOPPING) | M(DONE),
        [RUN_STOPPING] = M(DONE),
};

static const char *const state_names[_RUN_STATE_MAX] = {
        [RUN_QUEUED] = "queued",     [RUN_STARTING] = "starting", [RUN_RUNNING] = "running",
        [RUN_STOPPING] = "stopping", [RUN_DONE] = "done",
};

static const struct role_ops *const role_table[_RUN_ROLE_MAX] = {
        [RUN_ROOT] = &run_root_ops,   [RUN_JOB] = &run_job_ops,       [RUN_LEAF] = &run_leaf_ops,
        [RUN_GROUP] = &run_group_ops, [RUN_FANOUT] = &run_fanout_ops,
};

const char *run_state_to_string(enum run_state state) {
        return state < _RUN_STATE_MAX ? state_names[state] : "?";
}

enum run_role run_role_for(const struct run_spec *spec) {
        if (spec->is_group)
                return RUN_GROUP;
        return spec->items ? RUN_FANOUT : RUN_JOB;
}

/* ---- states ---- */

void run_set_state(struct run *run, enum run_state state) {
        enum run_state from = run->state;
        struct run_tree *tree = run->tree;

        assert(allowed[from] & (1u << state));
        run->state = state;
        if (run->role == RUN_LEAF) {
                tree->leaves_in[from]--;
                tree->leaves_in[state]++;
                tree->n_started += state == RUN_STARTING;
        }
        run_set_waiting(run, false);
        if (tree->listener.on_state)
                tree->listener.on_state(run, from, tree->listener.arg);
}

void run_set_waiting(struct run *run, bool waiting) {
        if (run->waiting == waiting)
                return;
        run->waiting = waiting;
        if (waiting)
                run->tree->n_waiting++;
        else
                run->tree->n_waiting--;
}

void run_mark_started(struct run *run, enum run_state state) {
        if (run->role == RUN_ROOT || run->state >= state)
                return;
        run_mark_started(run->parent, state); /* those above are told of first */
        if (run->state == RUN_QUEUED) {
                run->started_usec = clock_now(CLOCK_ID_MONOTONIC);
                run_set_state(run, RUN_STARTING);
        }
        if (state == RUN_RUNNING)
                run_set_state(run, RUN_RUNNING);
}

/* ---- nodes ---- */

static void turn_schedule(struct run_tree *tree) {
        loop_work_schedule(&tree->work);
}

void run_examine(struct run *run) {
        if (run->state == RUN_DONE)
                return;
        list_remove(&run->link);
        list_append(&run->tree->examine, &run->link);
        turn_schedule(run->tree);
}

static void hold(struct run *run) {
        struct run_tree *tree = run->tree;

        run->held_number = ++tree->n_held;
        list_append(&tree->held, &run->held);
}

bool run_hold_hook(struct run *leaf) {
        const struct run_listener *listener = &leaf->tree->listener;
        struct run *top = run_get_top(leaf);

        if (!leaf->tree->holds || !top->hook || top->started_usec > 0)
                return false;
        hold(leaf);
        leaf->held_back = true;
        if (listener->on_hook_begins)
                listener->on_hook_begins(top, listener->arg);
        return true;
}

/* Items are held with their fan-out, attempts with their job. */
static void announce(struct run *run) {
        const struct run_listener *listener = &run->tree->listener;

        if (run->tree->holds && (run->parent->role == RUN_GROUP || (run->parent->role == RUN_ROOT && !run->hook)))
                hold(run);
        if (listener->on_new)
                listener->on_new(run, listener->arg);
}

struct run *run_new(struct run *parent, const struct run_spec *spec, enum run_role role, uint64_t number) {
        struct run *run;

        run = spare_take(&parent->tree->runs);
        if (!run)
                return NULL;
        if (loop_timer_init(&run->timer, parent->tree->loop, CLOCK_ID_MONOTONIC, "run-timer", run_on_timer, run) < 0) {
                spare_give(&parent->tree->runs, run);
                return NULL;
        }
        run->tree = parent->tree;
        run->parent = parent;
        run->spec = spec;
        run->role = role;
        run->ops = role_table[role];
        run->number = number;
        run->hook = parent->hook;
        run->bound = _BOUND_INVALID;
        run->created_usec = clock_now(CLOCK_ID_MONOTONIC);
        if (role != RUN_LEAF)
                run->created_realtime_usec = clock_now(CLOCK_ID_REALTIME);
        run->retry_at_usec = USEC_INFINITY;
        run->stop_at_usec = USEC_INFINITY;
        for (size_t i = 0; i < _BOUND_MAX; i++)
                run->bounds[i] = USEC_INFINITY;
        list_init(&run->sibling);
        list_init(&run->children);
        list_init(&run->guest);
        list_init(&run->guests);
        list_init(&run->link);
        list_init(&run->due_link);
        list_init(&run->held);

        if (role != RUN_LEAF)
                run->bounds[BOUND_TOTAL_TIMEOUT] = usec_add(run->created_usec, spec->bounds[BOUND_TOTAL_TIMEOUT]);
        if (role == RUN_LEAF)
                run->tree->leaves_in[RUN_QUEUED]++;
        if (run->tree->listener.hold)
                run->tree->listener.hold(spec, run->tree->listener.arg);
        list_append(&parent->children, &run->sibling);
        parent->n_live++;
        if (role != RUN_LEAF && parent->role != RUN_ROOT)
                announce(run);
        return run;
}

static void run_free(struct run *run) {
        struct run_tree *tree = run->tree;
        struct run *child, *tmp;

        list_for_each_entry_safe(child, tmp, &run->children, sibling)
                run_free(child);

        list_for_each_entry_safe(child, tmp, &run->guests, guest) { /* the whole tree goes */
                list_remove(&child->guest);
                child->host = NULL;
        }

        if (run->ops->done)
                run->ops->done(run);
        loop_timer_done(&run->timer);
        list_remove(&run->sibling);
        list_remove(&run->guest);
        list_remove(&run->link);
        list_remove(&run->due_link);
        list_remove(&run->held);
        limit_release(run->ticket);
        slot_hold_unref(run->slot);
        errors_done(&run->errors);
        for (size_t i = 0; i < run->n_results; i++)
                result_unref(run->results[i]);
        free(run->results);
        if (run->free_userdata)
                run->free_userdata(run->userdata);
        if (tree->listener.drop && run->spec)
                tree->listener.drop(run->spec, tree->listener.arg);
        free(run->cancelled_by);
        free(run->bound_run);
        free(run->reason);
        free(run->resumed);
        free(run->trigger);
        free(run->item);
        spare_give(&tree->runs, run);
}

void run_bury(struct run *run) {
        assert(run->state == RUN_DONE);
        list_remove(&run->link);
        list_append(&run->tree->dead, &run->link);
        turn_schedule(run->tree);
}

/* ---- overlap ---- */

void slot_hold_unref(struct slot_hold *hold) {
        if (!hold || --hold->n_ref > 0)
                return;
        overlap_release(&hold->slot);
        free(hold);
}

static void begin_later(struct run *run) {
        if (list_linked(&run->held)) {
                run->held_back = true;
                return;
        }
        run->bounds[BOUND_QUEUE_TIMEOUT] = USEC_INFINITY;
        run_arm(run);
        list_remove(&run->link);
        list_append(&run->tree->begin, &run->link);
        turn_schedule(run->tree);
}

/* ---- held runs ---- */

void run_tree_hold(struct run_tree *tree, bool holds) {
        tree->holds = holds;
}

uint64_t run_tree_last_held(const struct run_tree *tree) {
        return tree->n_held;
}

void run_tree_release(struct run_tree *tree, uint64_t last) {
        while (!list_empty(&tree->held)) {
                struct run *run = list_first_entry(&tree->held, struct run, held);

                if (run->held_number > last)
                        return;
                list_remove(&run->held);
                if (run->held_back && !run->closing)
                        begin_later(run);
        }
}

/* ---- the slot ---- */

static void on_slot(struct overlap_slot *slot _unused_, void *arg) {
        struct run *run = arg;

        if (!run->closing)
                begin_later(run);
}

/* Items share the slot of their fan-out; hooks need none. */
static bool needs_slot(const struct run *run) {
        return run->spec->overlap && !run->hook && !run->item;
}

void run_enqueue(struct run *run) {
        run_set_waiting(run, true);
        if (needs_slot(run)) {
                run->slot = calloc(1, sizeof(*run->slot));
                if (!run->slot) {
                        errors_add(&run->errors, ERROR_SPAWN, "out of memory", run->spec->name);
                        run_close(run, &(struct close_cause){ .outcome = OUTCOME_FAILED, .bound = _BOUND_INVALID });
                        return;
                }
                run->slot->n_ref = 1;
                if (!overlap_request(run->spec->overlap, &run->slot->slot, on_slot, run)) {
                        run->bounds[BOUND_QUEUE_TIMEOUT] =
                                usec_add(clock_now(CLOCK_ID_MONOTONIC), run->spec->bounds[BOUND_QUEUE_TIMEOUT]);
                        run_arm(run);
                        return;
                }
        }
        begin_later(run);
}

/* ---- ends ---- */

/* A member's result becomes part of its group's. */
static void keep_result(struct run *run) {
        const struct run_listener *listener = &run->tree->listener;
        struct run *parent = run->parent;
        struct result **results;

        results = reallocarray(parent->results, parent->n_results + 1, sizeof(*results));
        if (!results)
                return;
        parent->results = results;
        results[parent->n_results] = run_report(run);
        if (!results[parent->n_results])
                return;
        parent->n_results++;
        if (listener->on_done)
                listener->on_done(run, results[parent->n_results - 1], listener->arg);
}

/* Cancelled from above or beside before any of its work began. Not a group whose members were cancelled one by one. */
static bool never_started(const struct run *run) {
        return run->started_usec == 0 && run->cancel != CANCEL_NONE && run->cancel != CANCEL_OPERATOR &&
               run->cancel != CANCEL_REPLACED;
}

void run_finish(struct run *run, enum outcome outcome) {
        struct run *parent = run->parent;

        assert(run->n_live == 0 && list_empty(&run->guests));
        if (outcome == OUTCOME_CANCELLED && never_started(run))
                outcome = OUTCOME_NEVER_STARTED;
        run->outcome = outcome;
        run->fixed = true;
        run->closing = true;
        run->ended_usec = clock_now(CLOCK_ID_MONOTONIC);
        run->ended_realtime_usec = clock_now(CLOCK_ID_REALTIME);
        run->retry_at_usec = USEC_INFINITY;
        run->stop_at_usec = USEC_INFINITY;
        list_remove(&run->link);
        list_remove(&run->due_link);
        list_remove(&run->held);
        run_set_state(run, RUN_DONE);
        run_arm(run);
        run->ticket = limit_release(run->ticket);
        slot_hold_unref(TAKE_PTR(run->slot));

        if (parent->role == RUN_GROUP)
                keep_result(run);
        parent->n_live--;
        parent->cpu_usec = usec_add(parent->cpu_usec, run->cpu_usec);
        parent->memory_peak = MAX(parent->memory_peak, run->memory_peak);
        parent->ops->child_done(parent, run);
        if (parent->state != RUN_DONE)
                parent->ops->settle(parent);
        run_leave_host(run);
}

/* ---- the root ---- */

static void root_child_done(struct run *root, struct run *child) {
        root->tree->n_done[child->outcome]++;
        run_bury(child);
}

static void root_settle(struct run *root _unused_) {
}

const struct role_ops run_root_ops = { .child_done = root_child_done, .settle = root_settle };

/* ---- the turn ---- */

static void take(struct list *to, struct list *from) {
        list_init(to);
        list_splice(to, from);
}

static void turn_examine(struct run_tree *tree) {
        struct list todo;

        take(&todo, &tree->examine);
        while (!list_empty(&todo)) {
                struct run *run = list_first_entry(&todo, struct run, link);

                list_remove(&run->link);
                run->ops->settle(run);
        }
}

static void turn_begin(struct run_tree *tree) {
        struct list todo;

        take(&todo, &tree->begin);
        while (!list_empty(&todo)) {
                struct run *run = list_first_entry(&todo, struct run, link);

                list_remove(&run->link);
                run_set_waiting(run, false);
                run->ops->begin(run);
        }
}

static int tell_done(struct run *run) {
        const struct run_listener *listener = &run->tree->listener;
        _cleanup_(result_unrefp) struct result *result = NULL;

        if (run->parent->role != RUN_ROOT || !listener->on_done)
                return 0;
        result = run_report(run);
        if (!result)
                return -ENOMEM;
        listener->on_done(run, result, listener->arg);
        return 0;
}

static void turn_bury(struct run_tree *tree) {
        struct list todo;

        take(&todo, &tree->dead);
        while (!list_empty(&todo)) {
                struct run *run = list_first_entry(&todo, struct run, link);

                list_remove(&run->link);
                if (tell_done(run) == 0)
                        run_free(run);
                else /* no memory to tell how it ended: it cannot be let go, so try again later */
                        loop_timer_set(&run->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), USEC_PER_SEC));
        }
        if (tree->was_busy && list_empty(&tree->root->children)) {
                tree->was_busy = false;
                if (tree->listener.on_empty)
                        tree->listener.on_empty(tree->listener.arg);
        }
}

static void on_turn(struct loop_work *work _unused_, void *arg) {
        struct run_tree *tree = arg;

        turn_examine(tree);
        run_tree_expire(tree);
        turn_begin(tree);
        turn_bury(tree);
}

/* ---- the tree ---- */

static int tree_init(struct run_tree *tree, unsigned max_running) {
        struct limit_config config = { .permits = max_running };
        int r;

        if (getrandom(&tree->random, sizeof(tree->random), GRND_NONBLOCK) < 0)
                tree->random = clock_now(CLOCK_ID_REALTIME);
        tree->root = calloc(1, sizeof(*tree->root));
        if (!tree->root)
                return -ENOMEM;
        tree->root->tree = tree;
        tree->root->role = RUN_ROOT;
        tree->root->ops = &run_root_ops;
        tree->root->state = RUN_RUNNING;
        list_init(&tree->root->children);
        list_init(&tree->root->guests);
        r = limits_new(tree->loop, &tree->limits);
        if (r < 0)
                return r;
        if (max_running == 0)
                return 0;
        r = limit_new(tree->limits, "max-running", &config, &tree->max_running);
        if (r < 0)
                return r;
        limit_set_lender(tree->max_running, run_find_lender);
        return 0;
}

struct limit *run_tree_max_running(const struct run_tree *tree) {
        return tree->max_running;
}

void run_tree_set_max_running(struct run_tree *tree, unsigned max_running) {
        const struct limit_config config = { .permits = max_running };

        assert(tree->max_running && max_running > 0);
        (void)limit_configure(tree->max_running, &config); /* any number of permits is one */
}

int run_tree_new(struct loop *loop, unsigned max_running, const struct run_listener *listener, struct run_tree **ret) {
        _cleanup_(run_tree_freep) struct run_tree *tree = NULL;
        int r;

        tree = calloc(1, sizeof(*tree));
        if (!tree)
                return -ENOMEM;
        tree->loop = loop;
        tree->runs = (struct spare)SPARE_INIT(struct run, RUNS_KEPT);
        tree->listener = *listener;
        tree->grace_cap_usec = USEC_INFINITY;
        list_init(&tree->examine);
        list_init(&tree->due);
        list_init(&tree->begin);
        list_init(&tree->dead);
        list_init(&tree->remnants);
        list_init(&tree->held);
        loop_work_init(&tree->work, loop, "run-tree", on_turn, tree);
        r = tree_init(tree, max_running);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}

struct run_tree *run_tree_free(struct run_tree *tree) {
        struct run *run, *tmp;

        if (!tree)
                return NULL;
        if (tree->root)
                list_for_each_entry_safe(run, tmp, &tree->root->children, sibling)
                        run_free(run);
        while (!list_empty(&tree->dead)) /* whose places were taken */
                run_free(list_first_entry(&tree->dead, struct run, link));
        while (!list_empty(&tree->remnants))
                remnant_gone(list_first_entry(&tree->remnants, struct remnant, link));
        loop_work_cancel(&tree->work);
        limit_unref(tree->max_running);
        limits_free(tree->limits);
        free(tree->root);
        spare_done(&tree->runs);
        free(tree);
        return NULL;
}

struct limits *run_tree_limits(struct run_tree *tree) {
        return tree->limits;
}

int run_tree_start(struct run_tree *tree, const struct run_start *start, struct run **ret) {
        struct run_conflict conflict;
        struct run *run;
        int r;

        if (tree->root->forced || (tree->stopping && !start->hook))
                return -ESHUTDOWN;
        r = start->host ? run_may_host(start->host, start->spec, &conflict) : 0;
        if (r < 0)
                return r;
        run = run_new(tree->root, start->spec, run_role_for(start->spec), start->number);
        if (!run)
                return -ENOMEM;
        run->hook = start->hook;
        if (run->role == RUN_GROUP && start->resume)
                run->group.resume = result_ref(start->resume);
        run->due_realtime_usec = start->due_realtime_usec;
        run->trigger = strdup(start->trigger ? start->trigger : "");
        if (!run->trigger) {
                tree->root->n_live--;
                run_free(run);
                return -ENOMEM;
        }
        if (start->host)
                run_set_host(run, start->host);
        run->userdata = start->userdata;
        run->free_userdata = start->free_userdata;
        tree->was_busy = true;
        announce(run);
        run_enqueue(run);
        run_arm(run);
        if (ret)
                *ret = run;
        return 0;
}

bool run_tree_is_empty(const struct run_tree *tree) {
        return list_empty(&tree->root->children);
}

struct run *run_tree_root(struct run_tree *tree) {
        return tree->root;
}

void run_tree_get_counts(const struct run_tree *tree, struct run_counts *ret) {
        const struct run *run;

        *ret = (struct run_counts){
                .queued = tree->n_waiting + tree->leaves_in[RUN_QUEUED],
                .running = tree->leaves_in[RUN_STARTING] + tree->leaves_in[RUN_RUNNING] + tree->leaves_in[RUN_STOPPING],
                .started = tree->n_started,
        };
        memcpy(ret->done, tree->n_done, sizeof(ret->done));
        list_for_each_entry(run, &tree->root->children, sibling)
                ret->top_level += run->state != RUN_DONE;
}
