/* SPDX-License-Identifier: MIT */
/* cancel: asking runs to end, and making them.
 *
 * A request to end is a level, not an event: `closing` is set once and stays; asking again changes nothing, least of all
 * the time that is left. The first cause fixes the outcome. A cancel that comes after a failure is remembered beside it.
 * Requests go down the tree by each role's close(), at once; ends come back up in later turns. Where a role asks some
 * of its children later, because others were started on top of them, these are held back meanwhile: what works goes on
 * working, but nothing new starts below.
 */
#include "run/node.h"

static void remember(struct run *run, const struct close_cause *cause) {
        if (cause->reason != CANCEL_NONE && run->cancel == CANCEL_NONE) {
                run->cancel = cause->reason;
                run->cancelled_by = cause->by ? strdup(cause->by) : NULL;
        }
        if (cause->bound >= 0 && run->bound < 0) {
                run->bound = cause->bound;
                run->bound_run = cause->bound_run ? strdup(cause->bound_run) : NULL;
        }
}

/* A parent is stopping while those below do; but a group that will try again ends only its attempt. */
static void show_stopping(struct run *run) {
        if (run->role == RUN_LEAF || (run->state != RUN_STARTING && run->state != RUN_RUNNING))
                return;
        if (!group_will_retry(run))
                run_set_state(run, RUN_STOPPING);
}

void run_close(struct run *run, const struct close_cause *cause) {
        bool again = run->closing;

        if (run->state == RUN_DONE || (run->role == RUN_LEAF && run->leaf.ended))
                return;
        remember(run, cause);
        if (!run->fixed) {
                run->fixed = true;
                run->outcome = cause->outcome;
        }
        run->closing = true;
        show_stopping(run);
        if (again)
                return;

        run_set_waiting(run, false);
        run->retry_at_usec = USEC_INFINITY;
        list_remove(&run->due_link);
        run_arm(run);
        if (run->ops->close)
                run->ops->close(run);
        run_examine(run);
}

/* What those below @parent are told; @name is room for its name. */
static struct close_cause cause_from(const struct run *parent, const char *culprit, char name[RUN_NAME_MAX]) {
        struct close_cause cause = {
                .outcome = OUTCOME_CANCELLED,
                .reason = culprit ? CANCEL_SIBLING : CANCEL_PARENT,
                .by = culprit ? culprit : run_name(parent, name),
                .bound = culprit ? _BOUND_INVALID : parent->bound,
                .bound_run = culprit ? NULL : parent->bound_run,
        };

        if (parent->cancel == CANCEL_SHUTDOWN && !culprit)
                cause.reason = CANCEL_SHUTDOWN;
        return cause;
}

void run_close_child(struct run *child, const char *culprit) {
        char name[RUN_NAME_MAX];
        struct close_cause cause = cause_from(run_above(child), culprit, name);

        run_close(child, &cause);
}

/* Whether a leaf at or below @run is at work, and not only ending to be followed by another. A host is not because its
 * guests are. */
static bool is_at_work(const struct run *run) {
        const struct run *child;

        if (run->role == RUN_LEAF)
                return run->state != RUN_QUEUED && run->state != RUN_DONE && !run->parent->job.asked;
        list_for_each_entry(child, &run->children, sibling)
                if (is_at_work(child))
                        return true;
        return false;
}

static void hold_back(struct run *run, const struct close_cause *cause) {
        struct run *child;

        if (run->state == RUN_DONE || run->closing)
                return;
        if (!is_at_work(run)) {
                run_close(run, cause);
                return;
        }
        list_for_each_entry(child, &run->children, sibling)
                hold_back(child, cause);
        list_for_each_entry(child, &run->guests, guest)
                hold_back(child, cause);
}

void run_hold_back(struct run *child, const char *culprit) {
        char name[RUN_NAME_MAX];
        struct close_cause cause = cause_from(child->parent, culprit, name);

        hold_back(child, &cause);
}

void run_close_guests(struct run *host) {
        struct run *guest;

        list_for_each_entry(guest, &host->guests, guest)
                run_close_child(guest, NULL);
}

void run_close_children(struct run *run, const char *culprit) {
        struct run *child;

        list_for_each_entry(child, &run->children, sibling)
                run_close_child(child, culprit);
}

int run_cancel(struct run *run, enum cancel_reason reason, const char *by) {
        if (run->state == RUN_DONE)
                return -EALREADY;
        run_close(run, &(struct close_cause){
                               .outcome = OUTCOME_CANCELLED,
                               .reason = reason,
                               .by = by,
                               .bound = _BOUND_INVALID,
                       });
        return 0;
}

int run_skip(struct run *run, const char *reason) {
        if (run->state != RUN_QUEUED || run->closing)
                return -EBUSY;
        free(run->reason);
        run->reason = strdup(reason);
        run_close(run, &(struct close_cause){ .outcome = OUTCOME_SKIPPED, .bound = _BOUND_INVALID });
        return 0;
}

/* ---- leaves ---- */

void leaf_await_end(struct run *leaf) {
        const struct leaf_ops *ops = leaf->spec->leaf;

        leaf->leaf.forced = true;
        leaf->stop_at_usec =
                ops->abandon ? usec_add(clock_now(CLOCK_ID_MONOTONIC), ops->abandon_after_usec) : USEC_INFINITY;
        run_arm(leaf);
}

void leaf_force(struct run *leaf) {
        if (leaf->leaf.forced)
                return;
        leaf_await_end(leaf);
        leaf->spec->leaf->force(leaf);
}

/* A level, too: a leaf that is asked to stop later finds it set. */
static bool is_forced(const struct run *run) {
        for (; run; run = run_above(run))
                if (run->forced)
                        return true;
        return false;
}

void leaf_stop(struct run *leaf) {
        const struct run_tree *tree = leaf->tree;
        const struct leaf_ops *ops = leaf->spec->leaf;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        usec_t until = MIN(usec_add(now, leaf->spec->grace_usec), tree->grace_cap_usec);

        leaf_set_ready(leaf, false);
        run_set_state(leaf, RUN_STOPPING);
        if (!ops->stop || is_forced(leaf) || until <= now) {
                leaf_force(leaf);
                return;
        }
        leaf->stop_at_usec = until;
        run_arm(leaf);
        ops->stop(leaf);
}

typedef void (*leaf_fn)(struct run *leaf);

static void for_each_stopping_leaf(struct run *run, leaf_fn fn) {
        struct run *child;

        if (run->role == RUN_LEAF && run->state == RUN_STOPPING && !run->leaf.forced)
                fn(run);
        list_for_each_entry(child, &run->children, sibling)
                for_each_stopping_leaf(child, fn);
        list_for_each_entry(child, &run->guests, guest)
                for_each_stopping_leaf(child, fn);
}

unsigned run_signal(struct run *run, int signo, bool main) {
        const struct leaf_ops *ops = run->spec ? run->spec->leaf : NULL;
        unsigned n = 0;
        struct run *child;

        if (run->role == RUN_LEAF) {
                if (!ops->signal || run->leaf.ended || run->leaf.abandoned || run->state == RUN_QUEUED)
                        return 0;
                return ops->signal(run, signo, main) == 0;
        }
        list_for_each_entry(child, &run->children, sibling)
                if (child->state != RUN_DONE)
                        n += run_signal(child, signo, main);
        return n;
}

void run_force(struct run *run) {
        if (!run_is_cancelled(run))
                return;
        run->forced = true;
        for_each_stopping_leaf(run, leaf_force);
}

static void cap_grace(struct run *leaf) {
        leaf->stop_at_usec = MIN(leaf->stop_at_usec, leaf->tree->grace_cap_usec);
        run_arm(leaf);
}

void run_tree_cap_grace(struct run_tree *tree, usec_t at_usec) {
        tree->grace_cap_usec = at_usec;
        for_each_stopping_leaf(tree->root, cap_grace);
}

void run_tree_stop(struct run_tree *tree, bool drain) {
        struct run *run;

        tree->stopping = true;
        list_for_each_entry(run, &tree->root->children, sibling) {
                const struct run *outermost = run_outermost(run);

                if (!outermost->hook && !(drain && outermost->spec->drain))
                        (void)run_cancel(run, CANCEL_SHUTDOWN, "shutdown");
        }
}

void run_tree_force(struct run_tree *tree) {
        struct run *run;

        tree->stopping = true;
        tree->root->forced = true;
        list_for_each_entry(run, &tree->root->children, sibling) {
                (void)run_cancel(run, CANCEL_SHUTDOWN, "shutdown");
        }
        for_each_stopping_leaf(tree->root, leaf_force);
}
