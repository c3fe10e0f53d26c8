/* SPDX-License-Identifier: MIT */
/* view: what can be asked about a run: its name, its place, what it waits for. */
#include "run/node.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- names ---- */

const char *run_name(const struct run *run, char buf[RUN_NAME_MAX]) {
        const struct run *path[32];
        size_t n = 0, used = 0;

        for (; run->role != RUN_ROOT && n < ARRAY_SIZE(path); run = run->parent)
                if (run->role != RUN_LEAF)
                        path[n++] = run;
        buf[0] = '\0';
        while (n > 0 && used < RUN_NAME_MAX) {
                int r;

                run = path[--n];
                if (run->parent->role == RUN_ROOT)
                        r = snprintf(buf, RUN_NAME_MAX, "%s#%" PRIu64, run->spec->name, run->number);
                else if (run->item)
                        r = snprintf(buf + used, RUN_NAME_MAX - used, "/item %" PRIu64, run->number);
                else
                        r = snprintf(buf + used, RUN_NAME_MAX - used, "/%s", run->spec->name);
                used += (size_t)MAX(r, 0);
        }
        return buf;
}

static struct run *find_below(struct run *parent, const char *path) {
        struct run *child;

        list_for_each_entry(child, &parent->children, sibling) {
                char name[64];
                size_t length;

                if (child->role == RUN_LEAF)
                        continue;
                if (parent->role == RUN_ROOT)
                        (void)snprintf(name, sizeof(name), "%s#%" PRIu64, child->spec->name, child->number);
                else if (child->item)
                        (void)snprintf(name, sizeof(name), "item %" PRIu64, child->number);
                else
                        (void)snprintf(name, sizeof(name), "%s", child->spec->name);
                length = strlen(name);
                if (strncmp(path, name, length) != 0)
                        continue;
                if (path[length] == '\0')
                        return child;
                if (path[length] == '/')
                        return find_below(child, path + length + 1);
        }
        return NULL;
}

struct run *run_tree_find(struct run_tree *tree, const char *name) {
        return find_below(tree->root, name);
}

/* ---- facts ---- */

const struct run_spec *run_get_spec(const struct run *run) {
        return run->spec;
}

enum run_role run_get_role(const struct run *run) {
        return run->role;
}

enum run_state run_get_state(const struct run *run) {
        return run->state;
}

struct run *run_get_parent(const struct run *run) {
        return run->parent;
}

struct run *run_get_top(struct run *run) {
        while (run->role != RUN_ROOT && run->parent->role != RUN_ROOT)
                run = run->parent;
        return run;
}

uint64_t run_get_number(const struct run *run) {
        return run->number;
}

static const struct run *item_of(const struct run *run) {
        while (run && !run->item)
                run = run->parent;
        return run;
}

const char *run_get_item(const struct run *run) {
        const struct run *item = item_of(run);

        return item ? item->item : NULL;
}

uint64_t run_get_item_number(const struct run *run) {
        const struct run *item = item_of(run);

        return item ? item->number : 0;
}

const char *run_get_trigger(const struct run *run) {
        const struct run *top = run_get_top((struct run *)run);

        return top->trigger ? top->trigger : "";
}

usec_t run_get_due(const struct run *run) {
        return run_get_top((struct run *)run)->due_realtime_usec;
}

bool run_is_hook(const struct run *run) {
        return run->hook;
}

void *run_userdata(const struct run *run) {
        return run_get_top((struct run *)run)->userdata;
}

usec_t run_created_realtime(const struct run *run) {
        return run->created_realtime_usec;
}

usec_t run_created_usec(const struct run *run) {
        return run->created_usec;
}

usec_t run_started_usec(const struct run *run) {
        return run->started_usec;
}

unsigned run_attempts(const struct run *run) {
        return run->attempts;
}

const struct errors *run_get_errors(const struct run *run) {
        if (run->role == RUN_JOB && run->errors.n == 0)
                return &run->job.last;
        return &run->errors;
}

bool run_is_cancelled(const struct run *run) {
        for (; run; run = run_above(run))
                if (run->closing)
                        return true;
        return false;
}

struct run *run_present_leaf(const struct run *run) {
        struct run *child;

        if (run->role != RUN_JOB)
                return NULL;
        list_for_each_entry(child, &run->children, sibling)
                if (child->state != RUN_DONE)
                        return child;
        return NULL;
}

bool run_is_background(const struct run *run) {
        return run->parent && run->parent->role == RUN_GROUP && run->parent->spec->members[run->member].background;
}

static bool is_satisfied(const struct run *member) {
        return member->state == RUN_DONE ? member->outcome == OUTCOME_OK : run_is_ready(member);
}

bool run_is_ready(const struct run *run) {
        const struct run *leaf = run->role == RUN_LEAF ? run : run_present_leaf(run);
        const struct run *child;

        if (run->role != RUN_GROUP)
                return leaf && leaf->ready;
        if (!run->spec->is_service || list_empty(&run->children) || run->state == RUN_DONE)
                return false;
        list_for_each_entry(child, &run->children, sibling)
                if (!run_is_background(child) && !is_satisfied(child))
                        return false;
        return true;
}

/* What the present attempt said. */
static const struct leaf *said_by(const struct run *run) {
        const struct run *leaf = run->role == RUN_LEAF ? run : run_present_leaf(run);

        return leaf ? &leaf->leaf : NULL;
}

const char *run_get_status(const struct run *run) {
        const struct leaf *leaf = said_by(run);

        return leaf ? leaf->status : NULL;
}

bool run_get_progress(const struct run *run, uint64_t *ret_done, uint64_t *ret_total) {
        const struct leaf *leaf = said_by(run);

        if (!leaf || !leaf->has_progress)
                return false;
        *ret_done = leaf->progress_done;
        *ret_total = leaf->progress_total;
        return true;
}

const char *run_output_tail(const struct run *run) {
        return run->role == RUN_JOB ? run->job.tail : NULL;
}

usec_t run_last_output_usec(const struct run *run) {
        const struct leaf *leaf = said_by(run);

        return leaf ? leaf->output_usec : 0;
}

usec_t run_grace_ends(const struct run *run) {
        const struct run *leaf = run->role == RUN_LEAF ? run : run_present_leaf(run);

        return leaf && leaf->state == RUN_STOPPING && !leaf->leaf.exited && !leaf->leaf.forced ? leaf->stop_at_usec
                                                                                               : USEC_INFINITY;
}

struct run *run_first_child(const struct run *run) {
        return list_first_entry(&run->children, struct run, sibling);
}

struct run *run_next_sibling(const struct run *run) {
        struct list *next = run->sibling.next;

        return next == &run->parent->children ? NULL : list_entry(next, struct run, sibling);
}

/* ---- waiting ---- */

/* Of those below @parent, one that holds a slot of @overlap: the first is as good as any. */
static const struct run *holder_of_slot(const struct run *parent, const struct overlap *overlap) {
        const struct run *run, *found;

        list_for_each_entry(run, &parent->children, sibling) {
                if (run->slot && run->slot->slot.overlap == overlap && run->slot->slot.held)
                        return run;
                found = run->role == RUN_GROUP ? holder_of_slot(run, overlap) : NULL;
                if (found)
                        return found;
        }
        return NULL;
}

static const struct run *unmet_member(const struct run *run) {
        const struct run *group = run->parent;
        const struct run_member *member = &group->spec->members[run->member];

        if (group->group.members[run->member].unmet == 0)
                return NULL;
        for (size_t i = 0; i < member->n_after; i++) {
                const struct member_state *before = &group->group.members[member->after[i]];

                if (!before->met && before->run->state != RUN_DONE)
                        return before->run;
        }
        return NULL;
}

static void leaf_waiting(const struct run *leaf, struct run_waiting *ret) {
        ret->why = WHY_TURN;
        if (leaf->parent->job.kept_down)
                ret->why = WHY_STOPPED;
        if (!leaf->ticket)
                return;
        ret->ticket = leaf->ticket;
        ret->since_usec = limit_ticket_since(leaf->ticket);
        ret->limit = limit_ticket_blocked_by(leaf->ticket, &ret->until_usec);
        if (!ret->limit)
                return;
        ret->why = WHY_PERMITS;
        if (ret->limit == leaf->tree->max_running)
                ret->why = WHY_MAX_RUNNING;
        else if (ret->until_usec > 0)
                ret->why = WHY_PACE;
}

static void parent_waiting(const struct run *run, struct run_waiting *ret) {
        const struct run *child;

        list_for_each_entry(child, &run->children, sibling) {
                if (child->state == RUN_QUEUED) {
                        run_get_waiting(child, ret);
                        return;
                }
        }
        if (run->state != RUN_QUEUED)
                return;
        ret->why = WHY_TURN;
        if (run_is_kept_down(run)) {
                ret->why = WHY_STOPPED;
        } else if (run->slot && !run->slot->slot.held) {
                ret->why = WHY_OVERLAP;
                ret->other = holder_of_slot(run->tree->root, run->slot->slot.overlap);
        } else if (run->parent->role == RUN_GROUP && (ret->other = unmet_member(run))) {
                ret->why = WHY_AFTER;
        } else if (run->role == RUN_FANOUT && run->fanout.source_open) {
                ret->why = WHY_ITEMS;
        }
}

void run_get_waiting(const struct run *run, struct run_waiting *ret) {
        *ret = (struct run_waiting){ .since_usec = run->created_usec };
        if (run_waits_for_guests(run)) {
                ret->why = WHY_GUESTS;
                ret->other = run_first_guest(run);
                return;
        }
        if (run->retry_at_usec != USEC_INFINITY) {
                ret->why = run->spec->service ? WHY_RESTART : WHY_RETRY;
                ret->until_usec = run->retry_at_usec;
                return;
        }
        if (run->state == RUN_QUEUED && run->role == RUN_LEAF)
                leaf_waiting(run, ret);
        else if (run->state == RUN_QUEUED || (run->role == RUN_JOB && run->state < RUN_STOPPING))
                parent_waiting(run, ret);
}
