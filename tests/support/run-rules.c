/* SPDX-License-Identifier: MIT */
/* run-rules: see run-rules.h. */
#include "support/run-rules.h"

#include "support/fake-loop.h"
#include "support/run-check.h"

#include <inttypes.h>

struct run_rules rules;

static const char *name_of(const struct run *run) {
        static char name[RUN_NAME_MAX];

        return run_name(run, name);
}

/* ---- services ---- */

/* Of @job, or a free one for it. */
static struct watch *watch_of(const struct run *job) {
        struct watch *unused = NULL;

        for (size_t i = 0; i < RUNS_MAX; i++) {
                if (rules.watches[i].job == job)
                        return &rules.watches[i];
                if (!unused && !rules.watches[i].job)
                        unused = &rules.watches[i];
        }
        check(unused != NULL, "%s", name_of(job));
        *unused = (struct watch){ .job = job };
        return unused;
}

static void watch_end(const struct run *run) {
        struct watch *watch = watch_of(run->role == RUN_LEAF ? run->parent : run);

        if (run->role == RUN_LEAF) {
                watch->ended_usec = clock_now(CLOCK_ID_MONOTONIC);
                watch->asked = run->parent->job.asked;
                return;
        }
        check(!watch->ready, "%s is done and ready", name_of(run));
        watch->job = NULL;
}

/* @leaf begins. However its restart was decided, there were not more of them than its limit. */
static void check_restart(const struct run *leaf) {
        const struct service_spec *service = leaf->spec->service;
        struct watch *watch = watch_of(leaf->parent);
        unsigned n = 0;

        check(!leaf->parent->job.kept_down, "%s is kept down", name_of(leaf));
        if (leaf->number == 1 || watch->asked || service->restart_limit_usec == USEC_INFINITY)
                return;
        check(watch->n < RESTARTS_MAX, "%s", name_of(leaf));
        watch->at[watch->n++] = watch->ended_usec;
        for (unsigned i = 0; i < watch->n; i++)
                n += watch->ended_usec - watch->at[i] <= service->restart_limit_usec;
        check(n <= service->restart_limit, "%s: %u restarts", name_of(leaf), n);
}

static void on_ready(struct run *job, bool ready, void *arg _unused_) {
        struct watch *watch = watch_of(job);

        check(job->role == RUN_JOB && job->spec->is_service && job->state != RUN_DONE, "%s", name_of(job));
        check(watch->ready != ready, "%s was told twice", name_of(job));
        watch->ready = ready;
}

/* Where @group is kept if a place in it was taken again, else a free one. */
static const struct run **place_of_revived(const struct run *group) {
        const struct run **unused = NULL;

        for (size_t i = 0; i < RUNS_MAX; i++) {
                if (rules.revived[i] == group)
                        return &rules.revived[i];
                if (!rules.revived[i])
                        unused = &rules.revived[i];
        }
        check(unused != NULL, "%s", name_of(group));
        return unused;
}

void rules_note_revived(const struct run *group) {
        *place_of_revived(group) = group;
}

/* ---- what the listener is told ---- */

static void on_done(struct run *run, struct result *result, void *arg _unused_) {
        check(run_get_state(run) == RUN_DONE, "%s", result->run);
        check(result->outcome == run->outcome, "%s", result->run);
        check_result(run_get_spec(run), result);
        if (run_get_parent(run) != run_tree_root(rules.tree))
                return;
        check(rules.told[run_get_number(run)]++ == 0, "%s was told twice", result->run);
        if (!rules.forced && world_chance(&rules.world, 10) && rules.number < STEPS_A_WORLD) {
                struct run_start start = { .spec = &rules.world.tasks[0].task.spec,
                                           .number = rules.number++,
                                           .trigger = "hook",
                                           .hook = true };

                check(run_tree_start(rules.tree, &start, NULL) == 0, "a hook");
        }
}

static void on_state(struct run *run, enum run_state from, void *arg _unused_) {
        check(from != RUN_DONE, "%s rose", name_of(run));
        if (run->spec->service && run_get_state(run) == RUN_DONE)
                watch_end(run);
        if (run->role == RUN_GROUP && run_get_state(run) == RUN_DONE)
                *place_of_revived(run) = NULL;
        if (run_get_state(run) == RUN_DONE && run_get_parent(run) == run_tree_root(rules.tree))
                rules.n_ended++;
}

static void on_hold(const struct run_spec *spec _unused_, void *arg _unused_) {
        rules.n_held++;
}

static void on_drop(const struct run_spec *spec _unused_, void *arg _unused_) {
        rules.n_held--;
}

const struct run_listener rules_listener = {
        .on_state = on_state,
        .on_ready = on_ready,
        .on_done = on_done,
        .hold = on_hold,
        .drop = on_drop,
};

/* ---- what a leaf must find when it starts ---- */

static bool wants(const struct run *leaf, const struct limit *limit) {
        for (const struct run *run = leaf; run != run_tree_root(rules.tree); run = run_get_parent(run))
                for (size_t i = 0; i < run_get_spec(run)->n_limits; i++)
                        if (run_get_spec(run)->limits[i].limit == limit)
                                return true;
        return false;
}

static void check_order(const struct run *run) {
        const struct run *group = run_get_parent(run);
        const struct run_member *member = &group->spec->members[run->member];

        check(group->group.members[run->member].unmet == 0, "%s waits for others", name_of(run));
        if (*place_of_revived(group)) /* who takes a place does not wait for what has ended, nor who runs for it */
                return;
        for (size_t i = 0; i < member->n_after; i++) {
                const struct run *before = group->group.members[member->after[i]].run;

                if (before->spec->is_service && before->ready)
                        continue;
                check(before->state == RUN_DONE && before->outcome == OUTCOME_OK, "%s is after %s", name_of(run),
                      before->spec->name);
        }
}

void rules_on_start(const struct run *leaf) {
        const struct limit *paced = rules.world.limits[WORLD_LIMITS - 1];
        const struct limit_config *config = limit_get_config(paced);
        uint64_t interval = config->rate_per_usec * 1000 / config->rate, now;

        if (leaf->spec->service)
                check_restart(leaf);
        check(!run_is_cancelled(leaf), "%s starts below a cancelled run", name_of(leaf));
        for (const struct run *run = leaf; run != run_tree_root(rules.tree); run = run_get_parent(run))
                if (run_get_role(run_get_parent(run)) == RUN_GROUP)
                        check_order(run);
        if (!wants(leaf, paced))
                return;
        now = clock_now(CLOCK_ID_MONOTONIC) * 1000;
        check(rules.full_at_nsec <= now + interval * (config->burst - 1), "%s starts before its turn", name_of(leaf));
        rules.full_at_nsec = MAX(rules.full_at_nsec, now) + interval;
}

/* ---- what holds at any time ---- */

/* What ties it to its guests, and them to it. */
static void check_guests(const struct run *host) {
        for (const struct run *guest = run_first_guest(host); guest; guest = run_next_guest(guest)) {
                check(guest->host == host && guest->parent == rules.tree->root, "%s", name_of(guest));
                check(host->role == RUN_JOB && host->state != RUN_DONE, "%s outlives its host", name_of(guest));
                check(guest->state != RUN_DONE, "%s is done and still a guest", name_of(guest));
                check(!host->closing || guest->closing, "%s was not asked to end", name_of(guest));
                check(guest->closing || !run_waits_for_guests(host) || host->outcome == OUTCOME_OK,
                      "%s goes on though its host is not ok", name_of(guest));
        }
        for (const struct run *run = host; run->host; run = run_get_top(run->host))
                check(run_deadline(run, NULL, NULL) <= run_deadline(run->host->parent, NULL, NULL),
                      "%s has a later deadline than what it is in", name_of(run));
}

static void list_runs(struct run *parent) {
        unsigned n_live = 0;

        check_guests(parent);

        for (struct run *run = run_first_child(parent); run; run = run_next_sibling(run)) {
                check(rules.n_runs < RUNS_MAX, "%zu", rules.n_runs);
                rules.runs[rules.n_runs++] = run;
                n_live += run->state != RUN_DONE;
                list_runs(run);
        }
        check(n_live == parent->n_live, "%u live, %u counted", n_live, parent->n_live);
        check(n_live == 0 || parent->state != RUN_DONE, "a child outlives %s", name_of(parent));
}

void rules_list_runs(void) {
        rules.n_runs = 0;
        list_runs(run_tree_root(rules.tree));
}

static bool is_at_work(const struct run *leaf) {
        return leaf->state == RUN_STARTING || leaf->state == RUN_RUNNING || leaf->state == RUN_STOPPING;
}

/* For max-running. */
static bool counts(const struct run *leaf) {
        return !leaf->hook && !leaf->spec->is_service;
}

static unsigned permits_held(const struct limit *limit) {
        const struct remnant *remnant;
        unsigned n = 0;

        for (size_t i = 0; i < rules.n_runs; i++)
                if (rules.runs[i]->ticket && limit_ticket_granted(rules.runs[i]->ticket) &&
                    rules.runs[i]->state != RUN_DONE)
                        n += limit_ticket_permits(rules.runs[i]->ticket, limit);
        list_for_each_entry(remnant, &rules.tree->remnants, link)
                if (remnant->ticket)
                        n += limit_ticket_permits(remnant->ticket, limit);
        return n;
}

static unsigned slots_held(const struct overlap *overlap) {
        const struct slot_hold *seen[RUNS_MAX];
        const struct remnant *remnant;
        unsigned n = 0;

        for (size_t i = 0; i < rules.n_runs; i++)
                if (rules.runs[i]->slot && rules.runs[i]->slot->slot.overlap == overlap &&
                    rules.runs[i]->slot->slot.held)
                        seen[n++] = rules.runs[i]->slot;
        list_for_each_entry(remnant, &rules.tree->remnants, link) {
                bool known = !remnant->slot || remnant->slot->slot.overlap != overlap;

                for (unsigned i = 0; i < n; i++)
                        known = known || seen[i] == remnant->slot;
                if (!known)
                        seen[n++] = remnant->slot;
        }
        return n;
}

static void check_leaf(const struct run *leaf) {
        bool at_work = is_at_work(leaf);

        check(!at_work || leaf->parent->state != RUN_QUEUED, "the parent of %s is queued", name_of(leaf));
        for (size_t i = 0; i < WORLD_LIMITS && at_work && !leaf->leaf.abandoned; i++)
                if (wants(leaf, rules.world.limits[i]))
                        check(limit_ticket_permits(leaf->ticket, rules.world.limits[i]) > 0, "%s has no %s",
                              name_of(leaf), limit_name(rules.world.limits[i]));
        if (leaf->state == RUN_STOPPING)
                check(leaf->closing, "%s stops unasked", name_of(leaf));
        if (leaf->ready)
                check(at_work && !leaf->closing && !leaf->leaf.ended, "%s is ready and ends", name_of(leaf));
        if (leaf->state != RUN_DONE)
                check(run_is_ready(leaf->parent) == leaf->ready, "%s", name_of(leaf));
}

/* It has a permit of max-running, or that of another, who lent it to nobody else. */
static void check_permit(const struct run *leaf) {
        const struct use *use;

        if (!is_at_work(leaf) || !counts(leaf) || leaf->leaf.abandoned)
                return;
        use = use_of(leaf->ticket, rules.tree->max_running);
        check(use != NULL, "%s does not count", name_of(leaf));
        check(list_linked(&use->link) == !use->lender, "%s holds a permit that it need not, or none", name_of(leaf));
        check(!use->lender || use->lender->borrower == use, "%s has what nobody lends to it", name_of(leaf));
        check(!use->borrower || use->borrower->lender == use, "%s lends to nobody", name_of(leaf));
        check(!use->lender || use->lender->ticket->granted, "%s has what its lender has not", name_of(leaf));
}

/* A remnant keeps what its task asks for. */
static void check_remnants(void) {
        const struct remnant *remnant;

        list_for_each_entry(remnant, &rules.tree->remnants, link) {
                const struct run_spec *spec = remnant->spec;

                for (size_t i = 0; i < spec->n_limits; i++)
                        check(remnant->ticket && limit_ticket_permits(remnant->ticket, spec->limits[i].limit) > 0,
                              "the remnant of %s has no %s", remnant->run, limit_name(spec->limits[i].limit));
        }
}

/* Each permit of max-running is worth one leaf at work, and each of these, while it has guests, one more. */
static void check_max_running(void) {
        unsigned n = 0, n_hosts = 0;
        struct limit_stats stats;

        for (size_t i = 0; i < rules.n_runs; i++) {
                const struct run *run = rules.runs[i];

                if (run->role != RUN_LEAF || !is_at_work(run) || !counts(run))
                        continue;
                n++;
                n_hosts += !list_empty(&run->parent->guests);
        }
        limit_get_stats(rules.tree->max_running, &stats);
        check(stats.held == permits_held(rules.tree->max_running), "max-running: %u held", stats.held);
        check(stats.held <= rules.max_running, "max-running: %u of %u held", stats.held, rules.max_running);
        check(n <= rules.max_running + n_hosts, "%u of %u run, with %u hosts", n, rules.max_running, n_hosts);
}

void rules_check_always(void) {
        rules_list_runs();
        for (size_t i = 0; i < rules.n_runs; i++) {
                const struct run *run = rules.runs[i];

                if (run->role != RUN_LEAF)
                        continue;
                check_leaf(run);
                check_permit(run);
        }
        check_remnants();
        check_max_running();
        for (size_t i = 0; i < WORLD_LIMITS; i++) {
                struct limit_stats stats;

                limit_get_stats(rules.world.limits[i], &stats);
                check(stats.held == permits_held(rules.world.limits[i]), "%s: %u held",
                      limit_name(rules.world.limits[i]), stats.held);
        }
        for (size_t i = 0; i < WORLD_TASKS; i++) {
                const struct overlap *overlap = &rules.world.tasks[i].overlap;

                check(overlap->held == slots_held(overlap), "%s: %u slots", rules.world.tasks[i].name, overlap->held);
                check(overlap->held <= overlap->max, "%s: %u slots", rules.world.tasks[i].name, overlap->held);
        }
}

/* ---- what holds once the loop has settled ---- */

static void check_why(const struct run *run) {
        struct run_waiting waiting;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        run_get_waiting(run, &waiting);
        check(!run->closing, "%s was asked to end and still waits", name_of(run));
        switch (waiting.why) {
        case WHY_PERMITS:
        case WHY_PACE:
        case WHY_MAX_RUNNING:
                check(waiting.limit && waiting.ticket && !limit_ticket_granted(waiting.ticket), "%s", name_of(run));
                break;
        case WHY_AFTER: check(waiting.other && waiting.other->state != RUN_DONE, "%s", name_of(run)); break;
        case WHY_OVERLAP: break; /* slots are counted by check_always() */
        case WHY_RETRY:
        case WHY_RESTART: check(waiting.until_usec > now, "%s", name_of(run)); break;
        case WHY_STOPPED: break; /* see check_queued_leaf() */
        case WHY_ITEMS: check(run->fanout.wanted > 0, "%s waits for items nobody reads", name_of(run)); break;
        default: check(false, "%s: no why: %d", name_of(run), (int)waiting.why);
        }
}

struct queue {
        const struct limit_ticket *first;
        usec_t oldest_usec;
};

static int visit_waiter(const struct limit_ticket *ticket, void *userdata) {
        struct queue *queue = userdata;

        if (!queue->first)
                queue->first = ticket;
        else
                queue->oldest_usec = MIN(queue->oldest_usec, limit_ticket_since(ticket));
        return 0;
}

static unsigned need_of(const struct run *leaf, const struct limit *limit) {
        unsigned permits = limit_get_config(limit)->permits;

        return MIN(limit_ticket_permits(leaf->ticket, limit), permits);
}

/* The nearest host above @leaf whose own leaf is at work and counts lends its permit to nobody. */
static bool could_borrow(const struct run *leaf) {
        for (struct run *host = run_get_top((struct run *)leaf)->host; host; host = run_get_top(host)->host)
                for (const struct run *own = run_first_child(host); own; own = run_next_sibling(own))
                        if (is_at_work(own) && counts(own))
                                return !use_of(own->ticket, rules.tree->max_running)->borrower;
        return false;
}

/* By the rules alone: a waiter that nobody stands before or came before, and for whom all is there. Where there is a
 * reservation, which a waiter of lower priority that came later can have too, it may be in the way; test-limit-random
 * looks at these. */
static bool could_be_served(const struct run *leaf) {
        const struct limit *paced = rules.world.limits[WORLD_LIMITS - 1];
        const struct limit_config *config = limit_get_config(paced);
        uint64_t interval = config->rate_per_usec * 1000 / config->rate;

        if (need_of(leaf, paced) > 0 &&
            rules.full_at_nsec > clock_now(CLOCK_ID_MONOTONIC) * 1000 + interval * (config->burst - 1))
                return false;
        for (size_t i = 0; i <= WORLD_LIMITS; i++) {
                const struct limit *limit = i < WORLD_LIMITS ? rules.world.limits[i] : rules.tree->max_running;
                struct queue queue = { .oldest_usec = USEC_INFINITY };
                struct limit_stats stats;

                if (need_of(leaf, limit) == 0 && !(i == WORLD_LIMITS && counts(leaf)))
                        continue;
                if (limit_paused_by(limit, NULL))
                        return false;
                if (i == WORLD_LIMITS && could_borrow(leaf)) /* whoever may before it could be served, too */
                        continue;
                if (limit->reserver && limit->reserver != leaf->ticket)
                        return false;
                (void)limit_for_each_waiter(limit, visit_waiter, &queue);
                limit_get_stats(limit, &stats);
                if (queue.first != leaf->ticket || queue.oldest_usec <= limit_ticket_since(leaf->ticket))
                        return false;
                if (stats.held + need_of(leaf, limit) > limit_get_config(limit)->permits)
                        return false;
        }
        return true;
}

/* Of no limit that it waits for, one above its top-level run keeps permits for as long as it lives. */
static void check_host_keeps_none(const struct run *leaf) {
        for (const struct run *host = run_get_top((struct run *)leaf)->host; host; host = run_above(host)) {
                for (size_t i = 0; host != rules.tree->root && i < WORLD_LIMITS; i++)
                        check(!wants(leaf, rules.world.limits[i]) || !wants(host, rules.world.limits[i]),
                              "%s waits for a permit of %s", name_of(leaf), host->spec->name);
        }
}

/* It waits for one thing alone, and what is kept down for nothing that comes by itself. */
static void check_queued_leaf(const struct run *leaf) {
        bool delayed = leaf->retry_at_usec != USEC_INFINITY, down = leaf->parent->job.kept_down;

        check((leaf->ticket != NULL) + delayed + down == 1, "%s: ticket %d, delayed %d, down %d", name_of(leaf),
              leaf->ticket != NULL, delayed, down);
        check(!down || !loop_timer_armed(&leaf->timer), "%s is kept down and has a timer", name_of(leaf));
}

static bool is_anything_paused(void) {
        for (size_t i = 0; i < WORLD_LIMITS; i++)
                if (limit_paused_by(rules.world.limits[i], NULL))
                        return true;
        return false;
}

void rules_check_settled(void) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        bool queued = false, at_work = !list_empty(&rules.tree->remnants);

        rules_check_always();
        for (size_t i = 0; i < rules.n_runs; i++) {
                const struct run *run = rules.runs[i];

                if (run->state == RUN_QUEUED) {
                        queued = true;
                        check_why(run);
                        if (run->role == RUN_LEAF) {
                                check_queued_leaf(run);
                                check_host_keeps_none(run);
                        }
                        if (run->ticket && run->role == RUN_LEAF)
                                check(!could_be_served(run), "%s could be served", name_of(run));
                }
                at_work = at_work || (run->role == RUN_LEAF && run->state != RUN_QUEUED && run->state != RUN_DONE) ||
                          run_is_kept_down(run);
                for (int k = 0; k < _BOUND_MAX && !run->closing; k++)
                        check(run_bound_at(run, (enum bound)k) > now, "%s is past its %s", name_of(run),
                              bound_to_string((enum bound)k));
                check(!run->closing || run->stop_at_usec > now, "%s is past its grace", name_of(run));
        }
        check(!queued || at_work || is_anything_paused() || fake_loop_next_timer() < USEC_INFINITY,
              "something waits for nothing");
}
