/* SPDX-License-Identifier: MIT */
/* deadline: the bounds of runs.
 *
 * Each run has one timer, armed for the earliest of its own bounds, its retry delay, and, for a leaf that is being
 * stopped, the end of its grace. Bounds of ancestors need no arithmetic: when one fires, everything below is cancelled.
 *
 * A bound does not act when its timer fires but one turn later, after the leaves below were asked for completions that
 * can be observed already and these were carried up. If the run still lives then, and a bound of an ancestor passed at
 * the same instant or before, that one acts in its place: the earliest wins, and at a tie the outermost, however late the
 * loop is. Until then the run stays on the tree's list, because the ancestor may be extended in between.
 */
#include "base/text.h"
#include "run/node.h"

#include <stdio.h>

/* Output does not move the idle bound, it is counted in when somebody looks: a leaf that prints a lot arms no timer for
 * that, and the timer that was armed for less looks again. */
usec_t run_bound_at(const struct run *run, enum bound bound) {
        usec_t at = run->bounds[bound];

        if (bound == BOUND_IDLE_TIMEOUT && at != USEC_INFINITY)
                at = MAX(at, usec_add(run->leaf.output_usec, run->spec->bounds[bound]));
        return at;
}

static usec_t own_bound(const struct run *run, enum bound *ret) {
        usec_t earliest = USEC_INFINITY;

        for (enum bound bound = 0; bound < _BOUND_MAX; bound++) {
                usec_t at = run_bound_at(run, bound);

                if (at >= earliest)
                        continue;
                earliest = at;
                *ret = bound;
        }
        return earliest;
}

void run_arm(struct run *run) {
        enum bound bound;
        usec_t at;

        if (run->state == RUN_DONE)
                at = USEC_INFINITY;
        else if (run->closing)
                at = run->stop_at_usec;
        else
                at = MIN(own_bound(run, &bound), run->retry_at_usec);
        loop_timer_set(&run->timer, at);
}

/* Of @run and those above, the one whose bound is to act. */
static struct run *find_expired(struct run *run, usec_t now, enum bound *ret) {
        struct run *found = NULL;
        usec_t earliest = now;

        for (; run->role != RUN_ROOT; run = run_above(run)) {
                enum bound bound;
                usec_t at = own_bound(run, &bound);

                if (run->closing || at > earliest)
                        continue;
                earliest = at;
                found = run;
                *ret = bound;
        }
        return found;
}

static void poll_leaves(struct run *run) {
        struct run *child;

        if (run->role == RUN_LEAF) {
                if (!run->leaf.ended && (run->state == RUN_STARTING || run->state == RUN_RUNNING) &&
                    run->spec->leaf->poll)
                        run->spec->leaf->poll(run);
                return;
        }
        list_for_each_entry(child, &run->children, sibling)
                poll_leaves(child);
        list_for_each_entry(child, &run->guests, guest)
                poll_leaves(child);
}

static void make_due(struct run *run) {
        poll_leaves(run);
        list_remove(&run->due_link);
        list_append(&run->tree->due, &run->due_link);
        loop_work_schedule(&run->tree->work);
}

void run_on_timer(struct loop_timer *timer _unused_, void *arg) {
        struct run *run = arg;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        enum bound bound;

        if (run->state == RUN_DONE) {
                run_bury(run);
                return;
        }
        if (run->closing) {
                if (run->leaf.forced)
                        leaf_abandon(run);
                else
                        leaf_force(run);
                return;
        }
        if (find_expired(run, now, &bound)) {
                make_due(run);
        } else if (run->retry_at_usec <= now) {
                run->retry_at_usec = USEC_INFINITY;
                run_arm(run);
                run->ops->retry(run);
        } else {
                run_arm(run);
        }
}

/* "timeout of 30s reached (the default; set timeout in [task fetch])" */
static void describe_expiry(const struct run_spec *spec, enum bound bound, char *buf, size_t size) {
        const char *key = bound_to_string(bound);
        char length[TEXT_USEC_MAX], origin[128] = "";

        if (spec->default_bounds & (1u << bound) && spec->is_transient)
                (void)snprintf(origin, sizeof(origin), " (the default; start it with another %s)", key);
        else if (spec->default_bounds & (1u << bound))
                (void)snprintf(origin, sizeof(origin), " (the default; set %s in [%s %.*s])", key,
                               spec->is_group ? "group" : "task", RUN_SECTION(spec));
        (void)snprintf(buf, size, "%s of %s reached%s", key, text_format_usec(spec->bounds[bound], length), origin);
}

static void expire(struct run *run, enum bound bound) {
        char text[200], name[RUN_NAME_MAX];

        run_name(run, name);
        describe_expiry(run->spec, bound, text, sizeof(text));
        if (!run->fixed)
                errors_add_first(&run->errors, ERROR_TIMEOUT, text, name);
        else if (!run->reason) /* it waits for its guests only, how it ends is known */
                run->reason = strdup(text);
        run_close(run, &(struct close_cause){ .outcome = OUTCOME_TIMEOUT, .bound = bound, .bound_run = name });
}

void run_tree_expire(struct run_tree *tree) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct list todo = LIST_INIT(todo);

        list_splice(&todo, &tree->due);
        while (!list_empty(&todo)) {
                struct run *run = list_first_entry(&todo, struct run, due_link);
                enum bound bound;
                struct run *target = find_expired(run, now, &bound);

                list_remove(&run->due_link);
                if (!target) {
                        run_arm(run);
                } else if (target == run) {
                        expire(run, bound);
                } else {
                        /* Moving it would let two that wait for it push it before them for ever. */
                        if (!list_linked(&target->due_link))
                                make_due(target);
                        make_due(run);
                }
        }
}

/* Whether it ends with the job itself, and so with the guests of that unless it is ok. */
static bool is_last(const struct run *leaf) {
        const struct run *job = leaf->parent;

        return !leaf->closing && !leaf->leaf.ended && !job->spec->service && job->attempts > job->spec->retries;
}

/* The next that bounds @run, upwards. A guest is bounded by its host, whose bounds to people are also those of its attempt. */
static struct run *bounded_by(const struct run *run) {
        struct run *leaf = run->host ? run_present_leaf(run->host) : NULL;

        return leaf && is_last(leaf) ? leaf : run_above(run);
}

/* The earliest bound of @run and those above. */
static usec_t earliest_upwards(const struct run *run, const struct run **ret_owner, enum bound *ret_bound) {
        usec_t earliest = USEC_INFINITY;

        for (; run->role != RUN_ROOT; run = bounded_by(run)) {
                enum bound bound = _BOUND_INVALID;
                usec_t at = own_bound(run, &bound);

                /* At a tie the outermost wins, so the later one in this walk. */
                if (at == USEC_INFINITY || at > earliest)
                        continue;
                earliest = at;
                if (ret_owner)
                        *ret_owner = run;
                if (ret_bound)
                        *ret_bound = bound;
        }
        return earliest;
}

usec_t run_deadline(const struct run *run, const struct run **ret_owner, enum bound *ret_bound) {
        const struct run *leaf = run_present_leaf(run);

        return earliest_upwards(leaf ? leaf : run, ret_owner, ret_bound);
}

/* ---- extending ---- */

/* Of @run and its present attempt, the one whose own bound is the earliest: to people they are one. */
static struct run *earliest_bounded(struct run *run, enum bound *ret_bound) {
        struct run *leaf = run_present_leaf(run);
        usec_t earliest = own_bound(run, ret_bound);
        enum bound bound;

        if (leaf && own_bound(leaf, &bound) < earliest) {
                *ret_bound = bound;
                return leaf;
        }
        return earliest == USEC_INFINITY ? NULL : run;
}

static void extend_ancestors(struct run *run, usec_t until) {
        for (run = bounded_by(run); run->role != RUN_ROOT; run = bounded_by(run)) {
                for (size_t i = 0; i < _BOUND_MAX; i++)
                        if (run->bounds[i] < until)
                                run->bounds[i] = until;
                run_arm(run);
        }
}

static bool is_stopping(const struct run *run) {
        const struct run *leaf = run_present_leaf(run);

        return run->state == RUN_DONE || run_is_cancelled(run) || (leaf && leaf->closing);
}

/* Moves @bound of @run to @asked, but not to an earlier instant, nor past what bounds the runs above. */
static void move_bound(struct run *run, enum bound bound, usec_t asked) {
        usec_t limit = earliest_upwards(bounded_by(run), NULL, NULL);

        run->bounds[bound] = MAX(run_bound_at(run, bound), MIN(asked, limit));
        run_arm(run);
}

/* The same for all bounds of @run that are at the instant @at. */
static void move_bounds(struct run *run, usec_t at, usec_t asked) {
        for (enum bound bound = 0; bound < _BOUND_MAX; bound++)
                if (run_bound_at(run, bound) == at)
                        move_bound(run, bound, asked);
}

/* What came of asking for @asked on behalf of @run. */
static struct run_extension answer(const struct run *run, enum bound moved, usec_t asked) {
        const struct run *owner = NULL;
        usec_t deadline = run_deadline(run, &owner, NULL);

        return (struct run_extension){
                .deadline_usec = deadline,
                .clipped_by = deadline < asked ? owner : NULL,
                .bound = moved,
        };
}

/* By @by_usec, or up to @until_usec, if that is not 0. */
static int extend(struct run *run, usec_t by_usec, usec_t until_usec, bool parents, struct run_extension *ret) {
        enum bound bound = _BOUND_INVALID;
        struct run *leaf = run_present_leaf(run), *moved;
        usec_t at, asked;

        if (is_stopping(run))
                return -ESTALE;
        moved = earliest_bounded(run, &bound);
        if (!moved)
                return -ENOENT;
        at = run_bound_at(moved, bound);
        asked = until_usec > 0 ? until_usec : usec_add(at, by_usec);
        if (parents)
                extend_ancestors(moved, asked);
        /* At a tie all of them are the earliest. */
        move_bounds(run, at, asked);
        if (leaf)
                move_bounds(leaf, at, asked);
        *ret = answer(run, bound, asked);
        ret->moved = run_bound_at(moved, bound) > at;
        return 0;
}

int run_extend(struct run *run, usec_t by_usec, bool parents, struct run_extension *ret) {
        return extend(run, by_usec, 0, parents, ret);
}

int run_extend_until(struct run *run, usec_t until_usec, bool parents, struct run_extension *ret) {
        return extend(run, 0, until_usec, parents, ret);
}

int run_leaf_extend(struct run *leaf, usec_t usec, struct run_extension *ret) {
        usec_t asked = usec_add(clock_now(CLOCK_ID_MONOTONIC), usec), at;
        enum bound bound;

        if (is_stopping(leaf) || leaf->leaf.ended)
                return -ESTALE;
        at = own_bound(leaf, &bound);
        if (at == USEC_INFINITY)
                return -ENOENT;
        move_bound(leaf, bound, asked);
        *ret = answer(leaf, bound, asked);
        ret->moved = run_bound_at(leaf, bound) > at;
        return 0;
}
