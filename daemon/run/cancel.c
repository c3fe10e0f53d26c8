/* SPDX-License-Identifier: MIT */
/* cancel: asking runs to end, and making them.
 *
 * A request to end is a level, not an event: `closing` is set once and stays; asking again changes nothing, least of all
 * the time that is left. The first cause fixes the outcome. A cancel that comes after a failure is remembered beside it.
 * Requests go down the tree by each role's close(), at once; ends come back up in later turns.
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

/* A parent that is at work stops; a group that may be tried again does not say so for its own failure. Leaves decide for
 * themselves in leaf_stop(). */
static bool ends_for_good(const struct run *run, const struct close_cause *cause) {
        if (run->role == RUN_LEAF || (run->state != RUN_STARTING && run->state != RUN_RUNNING))
                return false;
        return run->role != RUN_GROUP || run->spec->retries == 0 || cause->reason != CANCEL_NONE;
}

void run_close(struct run *run, const struct close_cause *cause) {
        if (run->state == RUN_DONE || (run->role == RUN_LEAF && run->leaf.ended))
                return;
        remember(run, cause);
        if (!run->fixed) {
                run->fixed = true;
                run->outcome = cause->outcome;
        }
        if (run->closing)
                return;

        run->closing = true;
        run_set_waiting(run, false);
        if (ends_for_good(run, cause))
                run_set_state(run, RUN_STOPPING);
        run->retry_at_usec = USEC_INFINITY;
        list_remove(&run->due_link);
        run_arm(run);
        if (run->ops->close)
                run->ops->close(run);
        run_examine(run);
}

void run_close_child(struct run *child, const char *culprit) {
        const struct run *parent = child->parent;
        char name[RUN_NAME_MAX];
        struct close_cause cause = {
                .outcome = OUTCOME_CANCELLED,
                .reason = culprit ? CANCEL_SIBLING : CANCEL_PARENT,
                .by = culprit ? culprit : run_name(parent, name),
                .bound = culprit ? _BOUND_INVALID : parent->bound,
                .bound_run = parent->bound_run,
        };

        if (parent->cancel == CANCEL_SHUTDOWN && !culprit)
                cause.reason = CANCEL_SHUTDOWN;
        run_close(child, &cause);
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

void leaf_force(struct run *leaf) {
        const struct leaf_ops *ops = leaf->spec->leaf;

        if (leaf->leaf.forced)
                return;
        leaf->leaf.forced = true;
        leaf->stop_at_usec =
                ops->abandon ? usec_add(clock_now(CLOCK_ID_MONOTONIC), ops->abandon_after_usec) : USEC_INFINITY;
        run_arm(leaf);
        ops->force(leaf);
}

void leaf_stop(struct run *leaf) {
        const struct run_tree *tree = leaf->tree;
        const struct leaf_ops *ops = leaf->spec->leaf;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        usec_t until = MIN(usec_add(now, leaf->spec->grace_usec), tree->grace_cap_usec);

        run_set_state(leaf, RUN_STOPPING);
        if (!ops->stop || tree->forced || until <= now) {
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
}

void run_force(struct run *run) {
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
        tree->draining = drain;
        list_for_each_entry(run, &tree->root->children, sibling) {
                if (!run->hook && !(drain && run->spec->drain))
                        (void)run_cancel(run, CANCEL_SHUTDOWN, "shutdown");
        }
}

void run_tree_force(struct run_tree *tree) {
        struct run *run;

        tree->forced = true;
        list_for_each_entry(run, &tree->root->children, sibling) {
                (void)run_cancel(run, CANCEL_SHUTDOWN, "shutdown");
        }
        run_force(tree->root);
}
