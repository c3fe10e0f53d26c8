/* SPDX-License-Identifier: MIT */
/* remnant: what a run left behind and could not end: a stuck thread, a process that SIGKILL does not move. It keeps the
 * permits and the overlap slot of its run until it is really gone. */
#include "run/node.h"

#include <stdio.h>

/* The hold on the slot of the run's own task: the leaf's job, or the fan-out of its item. */
static struct slot_hold *slot_of(const struct run *leaf) {
        const struct run *owner = leaf->parent->item ? leaf->parent->parent : leaf->parent;

        if (!owner->slot)
                return NULL;
        owner->slot->n_ref++;
        return owner->slot;
}

void leaf_abandon(struct run *leaf) {
        struct run_tree *tree = leaf->tree;
        struct remnant *remnant;
        char name[RUN_NAME_MAX];

        leaf->stop_at_usec = USEC_INFINITY;
        if (leaf->leaf.ended || leaf->leaf.abandoned)
                return;
        remnant = calloc(1, sizeof(*remnant));
        if (remnant)
                remnant->run = strdup(run_name(leaf, name));
        if (!remnant || !remnant->run) {
                /* Without memory to remember it, it cannot be let go: try again later. */
                free(remnant);
                leaf->stop_at_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), USEC_PER_SEC);
                run_arm(leaf);
                return;
        }
        remnant->tree = tree;
        remnant->spec = leaf->spec;
        remnant->data = leaf->leaf.data;
        remnant->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        remnant->is_process = leaf->spec->leaf->abandoned_is_unkillable;
        remnant->slot = slot_of(leaf);
        remnant->ticket = TAKE_PTR(leaf->ticket);
        if (remnant->ticket)
                limit_ticket_set_arg(remnant->ticket, NULL);
        list_append(&tree->remnants, &remnant->link);
        if (tree->listener.hold)
                tree->listener.hold(remnant->spec, tree->listener.arg);

        leaf->leaf.abandoned = true;
        if (tree->listener.on_remnant)
                tree->listener.on_remnant(remnant, false, tree->listener.arg);
        leaf->spec->leaf->abandon(leaf, remnant);
        leaf->leaf.data = NULL;
        run_examine(leaf);
}

void remnant_gone(struct remnant *remnant) {
        struct run_tree *tree = remnant->tree;

        list_remove(&remnant->link);
        if (tree->listener.on_remnant)
                tree->listener.on_remnant(remnant, true, tree->listener.arg);
        limit_release(remnant->ticket);
        slot_hold_unref(remnant->slot);
        if (tree->listener.drop)
                tree->listener.drop(remnant->spec, tree->listener.arg);
        free(remnant->run);
        free(remnant);
}

const char *remnant_run(const struct remnant *remnant) {
        return remnant->run;
}

const struct run_spec *remnant_spec(const struct remnant *remnant) {
        return remnant->spec;
}

void *remnant_data(const struct remnant *remnant) {
        return remnant->data;
}

const char *remnant_task(const struct remnant *remnant) {
        return remnant->spec->name;
}

usec_t remnant_since(const struct remnant *remnant) {
        return remnant->since_usec;
}

bool remnant_is_process(const struct remnant *remnant) {
        return remnant->is_process;
}

const char *run_tree_ticket_name(const struct run_tree *tree, const struct limit_ticket *ticket,
                                 char buf[RUN_NAME_MAX]) {
        const struct remnant *remnant;

        if (limit_ticket_arg(ticket))
                return run_name(limit_ticket_arg(ticket), buf);
        buf[0] = '\0';
        list_for_each_entry(remnant, &tree->remnants, link) {
                if (remnant->ticket == ticket)
                        (void)snprintf(buf, RUN_NAME_MAX, "%s (remnant)", remnant->run);
        }
        return buf;
}

struct remnant *run_tree_first_remnant(struct run_tree *tree) {
        return list_first_entry(&tree->remnants, struct remnant, link);
}

struct remnant *remnant_next(struct remnant *remnant) {
        struct list *next = remnant->link.next;

        return next == &remnant->tree->remnants ? NULL : list_entry(next, struct remnant, link);
}
