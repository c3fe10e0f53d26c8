/* SPDX-License-Identifier: MIT */
/* host: runs that were started from inside of others.
 *
 * A process of a run may start another run. That one is the guest of the job whose attempt the process is of, its host. To
 * everybody who looks for top-level runs it is one: it has a number of its task, a name, a slot and a history of its own,
 * and stays among the children of the root. But it hangs below its host where it counts: run_above() leads from it to the
 * host, so that deadlines and cancels reach it, and a job is done only after its guests. What becomes of a guest does not
 * decide anything about its host; but a host that is not ok in the end cancels its guests, see job_settle().
 *
 * So a host waits for its guests, often literally, as its process does. A guest that waited for something which its host,
 * or one above, keeps until it is done would wait for ever. Therefore it is refused at the start: permits that those above
 * hold or will ask for again, also where there are more of them, because several such runs would wait for each other; and
 * overlap slots.
 *
 * Of max-running that would leave nothing: each job keeps a permit of it. So a host lends its own: of the attempts below
 * its guests one at a time goes on with that, also if the host is itself a guest that goes on with a lent one; the others wait like
 * any run. However deep they are in each other, below each host that is at work one can go on, and no more are at work than there are
 * permits and such hosts. One that has ended while its guests go on leaves what it had to the one it lent it to; the
 * next above it that is at work lends to the others from then on, as that waits for them, too.
 *
 * A guest may outlast the attempt it was started in: a job that tries again, or a service that restarts, keeps its guests.
 */
#include "run/node.h"

/* All that goes down the tree calls itself for each level. */
#define DEPTH_MAX 16

static unsigned depth_of(struct run *run) {
        unsigned n = 0;

        for (run = run_get_top(run); run->host; run = run_get_top(run->host))
                n++;
        return n;
}

/* ---- what it would wait for ---- */

static bool uses(const struct run_spec *spec, const struct limit *limit) {
        for (size_t i = 0; i < spec->n_limits; i++)
                if (spec->limits[i].limit == limit)
                        return true;
        return false;
}

/* Whether @run, at or above a job, asks for permits of @limit for its leaves, or the present one has them. */
static bool keeps_permits(const struct run *run, const struct limit *limit) {
        const struct run *leaf = run_present_leaf(run);

        return uses(run->spec, limit) || (leaf && uses(leaf->spec, limit));
}

/* The first at or above @host that keeps permits of one of the limits of @spec itself. */
static bool finds_limit(struct run *host, const struct run_spec *spec, struct run_conflict *ret) {
        for (size_t i = 0; i < spec->n_limits; i++) {
                struct limit *limit = spec->limits[i].limit;

                if (limit_get_config(limit)->permits == 0) /* a pace only: nobody keeps that */
                        continue;
                for (struct run *run = host; run->role != RUN_ROOT; run = run_above(run)) {
                        if (!keeps_permits(run, limit))
                                continue;
                        *ret = (struct run_conflict){ .task = spec->name, .limit = limit, .holder = run };
                        return true;
                }
        }
        return false;
}

/* A member asks for its slot at some later time, when one that is free now need not be. */
static bool finds_slot(struct run *host, const struct run_spec *spec, bool later, struct run_conflict *ret) {
        if (!spec->overlap || (!later && overlap_is_free(spec->overlap)))
                return false;
        for (struct run *run = host; run->role != RUN_ROOT; run = run_above(run)) {
                if (!run->slot || run->slot->slot.overlap != spec->overlap)
                        continue;
                *ret = (struct run_conflict){ .task = spec->name, .holder = run };
                return true;
        }
        return false;
}

static bool conflicts(struct run *host, const struct run_spec *spec, bool member, struct run_conflict *ret) {
        if (finds_limit(host, spec, ret) || finds_slot(host, spec, member, ret))
                return true;
        for (size_t i = 0; i < spec->n_members; i++)
                if (conflicts(host, spec->members[i].spec, true, ret))
                        return true;
        return false;
}

/* ---- from outside ---- */

int run_may_host(struct run *host, const struct run_spec *spec, struct run_conflict *ret) {
        const struct run *leaf = run_present_leaf(host);

        *ret = (struct run_conflict){ 0 };
        if (!leaf || leaf->closing || leaf->leaf.ended || leaf->state == RUN_QUEUED || run_is_cancelled(host))
                return -ESTALE;
        if (depth_of(host) + 1 > DEPTH_MAX)
                return -EMLINK;
        return conflicts(host, spec, false, ret) ? -EDEADLK : 0;
}

struct run *run_get_host(const struct run *run) {
        return run->host;
}

struct run *run_first_guest(const struct run *host) {
        return list_first_entry(&host->guests, struct run, guest);
}

struct run *run_next_guest(const struct run *guest) {
        struct list *next = guest->guest.next;

        return next == &guest->host->guests ? NULL : list_entry(next, struct run, guest);
}

bool run_waits_for_guests(const struct run *run) {
        return run->role == RUN_JOB && run->job.settled && run->n_live == 0 && !list_empty(&run->guests);
}

/* ---- in the tree ---- */

void run_set_host(struct run *run, struct run *host) {
        run->host = host;
        list_append(&host->guests, &run->guest);
}

void run_leave_host(struct run *run) {
        struct run *host = run->host;

        if (!host)
                return;
        run->host = NULL;
        list_remove(&run->guest);
        if (host->state != RUN_DONE)
                host->ops->settle(host);
}

struct limit_ticket *run_find_lender(const struct limit_ticket *waiter) {
        struct run *leaf = limit_ticket_arg(waiter);

        for (struct run *host = run_get_top(leaf)->host; host; host = run_get_top(host)->host) {
                leaf = run_present_leaf(host);
                if (leaf && run_leaf_counts(leaf) && leaf->ticket && limit_ticket_granted(leaf->ticket))
                        return leaf->ticket;
        }
        return NULL;
}

void run_begin_lending(const struct run *leaf) {
        if (leaf->tree->max_running && !list_empty(&leaf->parent->guests))
                limit_review_lenders(leaf->tree->max_running);
}

const struct run *run_outermost(const struct run *run) {
        const struct run *top = run_get_top((struct run *)run);

        while (top->host)
                top = run_get_top(top->host);
        return top;
}
