/* SPDX-License-Identifier: MIT */
/* run-random: trees at random, to which things happen at random; after each step all that must always hold is checked.
 *
 * A step does one thing to the tree: starts, cancels, forces, extends, skips or ends a run, makes it ready, sick or
 * talk, restarts it, keeps it down or gives its place to another, lets a remnant go, changes a limit, or lets time pass. Now and then the loop is not left to settle between two steps, and now
 * and then it is late. After some hundred steps the tree is stopped, forced and must drain; then comes another world.
 *
 * TENDD_TEST_SEED and TENDD_TEST_STEPS choose the seed and the number of steps; the seed is printed.
 */
#include "run/limit_private.h"
#include "run/node.h"
#include "support/fake-loop.h"
#include "support/run-check.h"
#include "support/run-world.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#define STEPS         100000
#define STEPS_A_WORLD 400
#define TOP_MAX       14
#define RUNS_MAX      1024
#define RESTARTS_MAX  256

/* What was seen of a service. */
struct watch {
        const struct run *job;
        usec_t ended_usec; /* of the last attempt that ended */
        bool asked;        /* an operator wanted that */
        bool ready;
        usec_t at[RESTARTS_MAX]; /* when attempts ended that were followed by another, unless on request */
        unsigned n;
};

static struct {
        struct loop *loop;
        struct run_tree *tree;
        struct world world;
        uint64_t seed;
        unsigned step;
        unsigned max_running;
        bool forced;
        uint64_t number;             /* of the next top-level run */
        uint8_t told[STEPS_A_WORLD]; /* how often on_done told of that run */
        uint64_t n_ended;            /* top-level runs that became done */
        unsigned n_held;
        uint64_t full_at_nsec; /* of the pace */
        struct run *runs[RUNS_MAX];
        size_t n_runs;
        struct watch watches[RUNS_MAX];
        const struct run *revived[RUNS_MAX]; /* groups in which a place was taken again */
} t;

static const char *name_of(const struct run *run) {
        static char name[RUN_NAME_MAX];

        return run_name(run, name);
}

/* ---- services ---- */

/* Of @job, or a free one for it. */
static struct watch *watch_of(const struct run *job) {
        struct watch *unused = NULL;

        for (size_t i = 0; i < RUNS_MAX; i++) {
                if (t.watches[i].job == job)
                        return &t.watches[i];
                if (!unused && !t.watches[i].job)
                        unused = &t.watches[i];
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
                if (t.revived[i] == group)
                        return &t.revived[i];
                if (!t.revived[i])
                        unused = &t.revived[i];
        }
        check(unused != NULL, "%s", name_of(group));
        return unused;
}

/* ---- what the listener is told ---- */

static void on_done(struct run *run, struct result *result, void *arg _unused_) {
        check(run_get_state(run) == RUN_DONE, "%s", result->run);
        check(result->outcome == run->outcome, "%s", result->run);
        check_result(run_get_spec(run), result);
        if (run_get_parent(run) != run_tree_root(t.tree))
                return;
        check(t.told[run_get_number(run)]++ == 0, "%s was told twice", result->run);
        if (!t.forced && world_chance(&t.world, 10) && t.number < STEPS_A_WORLD) {
                struct run_start start = {
                        .spec = &t.world.tasks[0].task.spec, .number = t.number++, .trigger = "hook", .hook = true
                };

                check(run_tree_start(t.tree, &start, NULL) == 0, "a hook");
        }
}

static void on_state(struct run *run, enum run_state from, void *arg _unused_) {
        check(from != RUN_DONE, "%s rose", name_of(run));
        if (run->spec->service && run_get_state(run) == RUN_DONE)
                watch_end(run);
        if (run->role == RUN_GROUP && run_get_state(run) == RUN_DONE)
                *place_of_revived(run) = NULL;
        if (run_get_state(run) == RUN_DONE && run_get_parent(run) == run_tree_root(t.tree))
                t.n_ended++;
}

static void on_hold(const struct run_spec *spec _unused_, void *arg _unused_) {
        t.n_held++;
}

static void on_drop(const struct run_spec *spec _unused_, void *arg _unused_) {
        t.n_held--;
}

static const struct run_listener listener = {
        .on_state = on_state,
        .on_ready = on_ready,
        .on_done = on_done,
        .hold = on_hold,
        .drop = on_drop,
};

/* ---- what a leaf must find when it starts ---- */

static bool wants(const struct run *leaf, const struct limit *limit) {
        for (const struct run *run = leaf; run != run_tree_root(t.tree); run = run_get_parent(run))
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

static void on_start(const struct run *leaf) {
        const struct limit *paced = t.world.limits[WORLD_LIMITS - 1];
        const struct limit_config *config = limit_get_config(paced);
        uint64_t interval = config->rate_per_usec * 1000 / config->rate, now;

        if (leaf->spec->service)
                check_restart(leaf);
        check(!run_is_cancelled(leaf), "%s starts below a cancelled run", name_of(leaf));
        for (const struct run *run = leaf; run != run_tree_root(t.tree); run = run_get_parent(run))
                if (run_get_role(run_get_parent(run)) == RUN_GROUP)
                        check_order(run);
        if (!wants(leaf, paced))
                return;
        now = clock_now(CLOCK_ID_MONOTONIC) * 1000;
        check(t.full_at_nsec <= now + interval * (config->burst - 1), "%s starts before its turn", name_of(leaf));
        t.full_at_nsec = MAX(t.full_at_nsec, now) + interval;
}

/* ---- what holds at any time ---- */

static void list_runs(struct run *parent) {
        unsigned n_live = 0;

        for (struct run *run = run_first_child(parent); run; run = run_next_sibling(run)) {
                check(t.n_runs < RUNS_MAX, "%zu", t.n_runs);
                t.runs[t.n_runs++] = run;
                n_live += run->state != RUN_DONE;
                list_runs(run);
        }
        check(n_live == parent->n_live, "%u live, %u counted", n_live, parent->n_live);
        check(n_live == 0 || parent->state != RUN_DONE, "a child outlives %s", name_of(parent));
}

static unsigned permits_held(const struct limit *limit) {
        const struct remnant *remnant;
        unsigned n = 0;

        for (size_t i = 0; i < t.n_runs; i++)
                if (t.runs[i]->ticket && limit_ticket_granted(t.runs[i]->ticket) && t.runs[i]->state != RUN_DONE)
                        n += limit_ticket_permits(t.runs[i]->ticket, limit);
        list_for_each_entry(remnant, &t.tree->remnants, link)
                if (remnant->ticket)
                        n += limit_ticket_permits(remnant->ticket, limit);
        return n;
}

static unsigned slots_held(const struct overlap *overlap) {
        const struct slot_hold *seen[RUNS_MAX];
        const struct remnant *remnant;
        unsigned n = 0;

        for (size_t i = 0; i < t.n_runs; i++)
                if (t.runs[i]->slot && t.runs[i]->slot->slot.overlap == overlap && t.runs[i]->slot->slot.held)
                        seen[n++] = t.runs[i]->slot;
        list_for_each_entry(remnant, &t.tree->remnants, link) {
                bool known = !remnant->slot || remnant->slot->slot.overlap != overlap;

                for (unsigned i = 0; i < n; i++)
                        known = known || seen[i] == remnant->slot;
                if (!known)
                        seen[n++] = remnant->slot;
        }
        return n;
}

static void check_leaf(const struct run *leaf) {
        bool at_work = leaf->state == RUN_STARTING || leaf->state == RUN_RUNNING || leaf->state == RUN_STOPPING;

        check(!at_work || leaf->parent->state != RUN_QUEUED, "the parent of %s is queued", name_of(leaf));
        for (size_t i = 0; i < WORLD_LIMITS && at_work && !leaf->leaf.abandoned; i++)
                if (wants(leaf, t.world.limits[i]))
                        check(limit_ticket_permits(leaf->ticket, t.world.limits[i]) > 0, "%s has no %s", name_of(leaf),
                              limit_name(t.world.limits[i]));
        if (leaf->state == RUN_STOPPING)
                check(leaf->closing, "%s stops unasked", name_of(leaf));
        if (leaf->ready)
                check(at_work && !leaf->closing && !leaf->leaf.ended, "%s is ready and ends", name_of(leaf));
        if (leaf->state != RUN_DONE)
                check(run_is_ready(leaf->parent) == leaf->ready, "%s", name_of(leaf));
}

/* A remnant keeps what its task asks for. */
static void check_remnants(void) {
        const struct remnant *remnant;

        list_for_each_entry(remnant, &t.tree->remnants, link) {
                const struct run_spec *spec = remnant->spec;

                for (size_t i = 0; i < spec->n_limits; i++)
                        check(remnant->ticket && limit_ticket_permits(remnant->ticket, spec->limits[i].limit) > 0,
                              "the remnant of %s has no %s", remnant->run, limit_name(spec->limits[i].limit));
        }
}

static void check_always(void) {
        unsigned at_work = 0;

        t.n_runs = 0;
        list_runs(run_tree_root(t.tree));
        for (size_t i = 0; i < t.n_runs; i++) {
                const struct run *run = t.runs[i];

                if (run->role != RUN_LEAF)
                        continue;
                check_leaf(run);
                at_work += run->state != RUN_QUEUED && run->state != RUN_DONE && !run->hook && !run->spec->is_service;
        }
        check_remnants();
        check(at_work <= t.max_running, "%u of %u run", at_work, t.max_running);
        for (size_t i = 0; i < WORLD_LIMITS; i++) {
                struct limit_stats stats;

                limit_get_stats(t.world.limits[i], &stats);
                check(stats.held == permits_held(t.world.limits[i]), "%s: %u held", limit_name(t.world.limits[i]),
                      stats.held);
        }
        for (size_t i = 0; i < WORLD_TASKS; i++) {
                const struct overlap *overlap = &t.world.tasks[i].overlap;

                check(overlap->held == slots_held(overlap), "%s: %u slots", t.world.tasks[i].name, overlap->held);
                check(overlap->held <= overlap->max, "%s: %u slots", t.world.tasks[i].name, overlap->held);
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

/* By the rules alone: a waiter that nobody stands before or came before, and for whom all is there. Where there is a
 * reservation, which a waiter of lower priority that came later can have too, it may be in the way; test-limit-random
 * looks at these. */
static bool could_be_served(const struct run *leaf) {
        const struct limit *paced = t.world.limits[WORLD_LIMITS - 1];
        const struct limit_config *config = limit_get_config(paced);
        uint64_t interval = config->rate_per_usec * 1000 / config->rate;
        bool counts = !leaf->hook && !leaf->spec->is_service;

        if (need_of(leaf, paced) > 0 &&
            t.full_at_nsec > clock_now(CLOCK_ID_MONOTONIC) * 1000 + interval * (config->burst - 1))
                return false;
        for (size_t i = 0; i <= WORLD_LIMITS; i++) {
                const struct limit *limit = i < WORLD_LIMITS ? t.world.limits[i] : t.tree->max_running;
                struct queue queue = { .oldest_usec = USEC_INFINITY };
                struct limit_stats stats;

                if (need_of(leaf, limit) == 0 && !(i == WORLD_LIMITS && counts))
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

/* It waits for one thing alone, and what is kept down for nothing that comes by itself. */
static void check_queued_leaf(const struct run *leaf) {
        bool delayed = leaf->retry_at_usec != USEC_INFINITY, down = leaf->parent->job.kept_down;

        check((leaf->ticket != NULL) + delayed + down == 1, "%s: ticket %d, delayed %d, down %d", name_of(leaf),
              leaf->ticket != NULL, delayed, down);
        check(!down || !loop_timer_armed(&leaf->timer), "%s is kept down and has a timer", name_of(leaf));
}

static void check_settled(void) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        bool queued = false, at_work = !list_empty(&t.tree->remnants);

        check_always();
        for (size_t i = 0; i < t.n_runs; i++) {
                const struct run *run = t.runs[i];

                if (run->state == RUN_QUEUED) {
                        queued = true;
                        check_why(run);
                        if (run->role == RUN_LEAF)
                                check_queued_leaf(run);
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
        check(!queued || at_work || fake_loop_next_timer() < USEC_INFINITY, "something waits for nothing");
}

/* All that a repeated cancel must not change. */
static uint64_t fingerprint(void) {
        uint64_t sum = 0, state;

        t.n_runs = 0;
        list_runs(run_tree_root(t.tree));
        for (size_t i = 0; i < t.n_runs; i++) {
                const struct run *run = t.runs[i];
                uint64_t parts[] = { (uint64_t)run->state,       (uint64_t)run->outcome,
                                     (uint64_t)run->cancel,      run->closing,
                                     run->stop_at_usec,          run->retry_at_usec,
                                     (uint64_t)run->leaf.forced, loop_timer_armed(&run->timer) };

                for (size_t k = 0; k < ARRAY_SIZE(parts); k++) {
                        state = sum ^ parts[k];
                        sum = random_next(&state);
                }
        }
        return sum;
}

/* ---- steps ---- */

static struct run *any_run(void) {
        t.n_runs = 0;
        list_runs(run_tree_root(t.tree));
        return t.n_runs > 0 ? t.runs[world_below(&t.world, (unsigned)t.n_runs)] : NULL;
}

static struct run *any_leaf(void) {
        for (unsigned i = 0; i < 8; i++) {
                struct run *run = any_run();

                if (run && run->role == RUN_LEAF && run->leaf.data && !run->leaf.abandoned && run->state != RUN_DONE)
                        return run;
        }
        return NULL;
}

static void step_start(void) {
        struct world_task *task = &t.world.tasks[world_below(&t.world, WORLD_TASKS)];
        struct run_start start = {
                .spec = &task->task.spec,
                .number = t.number,
                .trigger = "test",
                .hook = world_chance(&t.world, 10),
        };

        if (t.tree->root->n_live >= TOP_MAX || t.number >= STEPS_A_WORLD)
                return;
        check(run_tree_start(t.tree, &start, NULL) == 0, "%s", task->name);
        t.number++;
}

static void step_cancel(void) {
        struct run *run = any_run();
        uint64_t before;

        if (!run || run_cancel(run, world_chance(&t.world, 80) ? CANCEL_OPERATOR : CANCEL_REPLACED, "alice") < 0)
                return;
        before = fingerprint();
        check(run_cancel(run, CANCEL_SHUTDOWN, "bob") == 0, "%s", name_of(run));
        check(fingerprint() == before, "cancelling %s again changed something", name_of(run));
}

static void step_force(void) {
        struct run *run = any_run();

        if (run && world_chance(&t.world, 20))
                run_force(run);
}

static void step_extend(void) {
        struct run *run = any_run();
        struct run_extension how;
        usec_t before;

        if (!run)
                return;
        before = run_deadline(run, NULL, NULL);
        if (run_extend(run, world_span(&t.world, 20 * USEC_PER_SEC), world_chance(&t.world, 30), &how) < 0)
                return;
        check(run_deadline(run, NULL, NULL) >= before, "extending %s shortened it", name_of(run));
        check(!run_is_cancelled(run), "%s was extended while it stopped", name_of(run));
}

static void step_end(void) {
        static const enum error_kind errors[] = { ERROR_NONE, ERROR_NONE, ERROR_EXIT, ERROR_CONNECT };
        struct run *leaf = any_leaf();

        if (leaf)
                run_leaf_end(leaf, &(struct leaf_end){ .error = errors[world_below(&t.world, ARRAY_SIZE(errors))] });
}

static void step_ready(void) {
        struct run *leaf = any_leaf();

        if (leaf && world_chance(&t.world, 70))
                run_leaf_ready(leaf);
        else if (leaf)
                run_leaf_unready(leaf);
}

static void step_fail(void) {
        struct run *leaf = any_leaf();

        if (leaf)
                run_leaf_fail(leaf, ERROR_HEALTH, "it is sick");
}

static void step_talk(void) {
        struct run *leaf = any_leaf();

        if (!leaf)
                return;
        run_leaf_output(leaf);
        run_leaf_set_status(leaf, world_chance(&t.world, 50) ? "busy" : "");
        run_leaf_set_progress(leaf, t.step, STEPS_A_WORLD);
}

static void step_leaf_extend(void) {
        struct run *leaf = any_leaf();
        struct run_extension how;
        usec_t before;

        if (!leaf)
                return;
        before = run_deadline(leaf, NULL, NULL);
        if (run_leaf_extend(leaf, world_span(&t.world, 20 * USEC_PER_SEC), &how) < 0)
                return;
        check(how.deadline_usec >= before, "extending %s shortened it", name_of(leaf));
        check(!run_is_cancelled(leaf), "%s was extended while it stopped", name_of(leaf));
        for (const struct run *run = leaf->parent; run != run_tree_root(t.tree); run = run->parent)
                for (int k = 0; k < _BOUND_MAX; k++)
                        check(how.deadline_usec <= run->bounds[k], "%s went past the %s of %s", name_of(leaf),
                              bound_to_string((enum bound)k), run->spec->name);
}

static struct run *any_service(void) {
        for (unsigned i = 0; i < 12; i++) {
                struct run *run = any_run();

                if (run && run->role == RUN_JOB && run->spec->service)
                        return run;
        }
        return any_run();
}

static void step_restart(void) {
        struct run *job = any_service();
        int r;

        if (!job)
                return;
        r = run_restart(job, "alice");
        check((r == -EOPNOTSUPP) == (job->role != RUN_JOB || !job->spec->service), "%s: %d", name_of(job), r);
        check(r != 0 || !run_is_kept_down(job), "%s stays down", name_of(job));
        check(r != 0 || !run_is_cancelled(job), "%s is to end", name_of(job));
}

static void step_keep_down(void) {
        struct run *job = any_service();
        uint64_t before;

        if (!job || run_keep_down(job, "alice") < 0)
                return;
        check(run_is_kept_down(job) && !run_is_ready(job), "%s is up", name_of(job));
        before = fingerprint();
        check(run_keep_down(job, "bob") == 0, "%s", name_of(job));
        check(fingerprint() == before, "keeping %s down again changed something", name_of(job));
}

static struct run *any_ended_member(void) {
        for (unsigned i = 0; i < 12; i++) {
                struct run *run = any_run();

                if (run && run->state == RUN_DONE && run->role != RUN_LEAF && run->spec->is_service)
                        return run;
        }
        return any_run();
}

/* Its result and errors count no more, and the others stay in their order. */
static void check_revived(const struct run *run) {
        const struct run *group = run->parent;
        unsigned next = 0;

        check(run->state == RUN_QUEUED, "%s", name_of(run));
        for (const struct run *child = run_first_child(group); child; child = run_next_sibling(child))
                check(child->member == next++, "%s is out of its place", name_of(child));
        check(next == group->spec->n_members, "%u members of %s", next, name_of(group));
        for (size_t i = 0; i < group->n_results; i++)
                check(!streq(group->results[i]->run, name_of(run)), "%s has a result", name_of(run));
        for (size_t i = 0; i < group->errors.n; i++)
                check(!streq(group->errors.items[i].run, name_of(run)), "%s has an error", name_of(run));
}

static void step_revive(void) {
        struct run *member = any_ended_member(), *group = member ? member->parent : NULL, *run;
        bool may;
        int r;

        if (!member)
                return;
        may = group->role == RUN_GROUP && member->spec->is_service && member->state == RUN_DONE && !t.tree->stopping &&
              !run_is_cancelled(group);
        r = run_revive(member, &run);
        check(r <= 0 && (may || r < 0), "%s: %d", name_of(group), r);
        if (r < 0)
                return;
        *place_of_revived(group) = group;
        check_revived(run);
}

static void step_skip(void) {
        struct run *run = any_run();

        if (run && run->parent == t.tree->root)
                (void)run_skip(run, "a newer one waits");
}

static void step_remnant(void) {
        struct remnant *remnant = run_tree_first_remnant(t.tree);

        if (remnant)
                fake_remnant_end(remnant);
}

static void step_configure(void) {
        struct limit *limit = t.world.limits[world_below(&t.world, WORLD_LIMITS - 1)];
        struct limit_config config = *limit_get_config(limit);
        struct limit_stats stats;

        /* never below what somebody's task asks for, as the configuration would refuse that */
        limit_get_stats(limit, &stats);
        config.permits = 4 + world_below(&t.world, 3);
        check(limit_configure(limit, &config) == 0, "%s", limit_name(limit));
}

static void step_time(void) {
        usec_t next = fake_loop_next_timer();

        switch (world_below(&t.world, 4)) {
        case 0: fake_clock_advance(next < USEC_PER_MINUTE ? next : 0); break;
        case 1: fake_clock_advance(world_span(&t.world, USEC_PER_SEC)); break;
        case 2: fake_clock_advance(world_span(&t.world, 4 * USEC_PER_SEC)); break;
        default: /* the loop was stuck that long */
                if (world_chance(&t.world, 20))
                        fake_clock_set(CLOCK_ID_MONOTONIC,
                                       clock_now(CLOCK_ID_MONOTONIC) + world_span(&t.world, 9 * USEC_PER_SEC));
        }
}

static const struct {
        void (*fn)(void);
        unsigned weight;
} steps[] = {
        { step_start, 25 },    { step_cancel, 6 },    { step_force, 2 },       { step_extend, 5 },
        { step_end, 15 },      { step_ready, 5 },     { step_skip, 1 },        { step_remnant, 6 },
        { step_configure, 1 }, { step_time, 35 },     { step_fail, 3 },        { step_talk, 5 },
        { step_restart, 5 },   { step_keep_down, 3 }, { step_leaf_extend, 3 }, { step_revive, 3 },
};

static void step(void) {
        unsigned total = 0, drawn;

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                total += steps[i].weight;
        drawn = world_below(&t.world, total);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                if (drawn < steps[i].weight) {
                        steps[i].fn();
                        break;
                }
                drawn -= steps[i].weight;
        }
        if (world_chance(&t.world, 15)) {
                if (world_chance(&t.world, 50))
                        (void)fake_loop_turn();
                check_always();
                return;
        }
        (void)fake_loop_settle();
        check_settled();
}

/* ---- worlds ---- */

static void begin(void) {
        fake_clock_reset();
        memset(t.told, 0, sizeof(t.told));
        memset(t.watches, 0, sizeof(t.watches));
        memset(t.revived, 0, sizeof(t.revived));
        t.number = t.n_ended = t.full_at_nsec = 0;
        t.forced = false;
        check(loop_new(&t.loop) == 0, "loop");
        fake_leaf_set_loop(t.loop);
        fake_leaf_set_start_check(on_start);
        t.max_running = 1 + (unsigned)(t.seed % 9);
        check(run_tree_new(t.loop, t.max_running, &listener, &t.tree) == 0, "tree");
        t.tree->random = t.seed;
        world_init(&t.world, run_tree_limits(t.tree), t.seed);
}

/* Whatever state it is in: stopped, capped and forced, the tree drains, and nothing is left. */
static void drain(void) {
        if (world_chance(&t.world, 50)) {
                run_tree_stop(t.tree, true);
                (void)fake_loop_settle();
                fake_clock_advance(5 * USEC_PER_SEC);
                check_settled();
        }
        run_tree_stop(t.tree, false);
        run_tree_cap_grace(t.tree, clock_now(CLOCK_ID_MONOTONIC) + 3 * USEC_PER_SEC);
        fake_clock_advance(3 * USEC_PER_SEC);
        (void)fake_loop_settle();
        check_settled();
        t.forced = true;
        run_tree_force(t.tree);
        fake_clock_advance(USEC_PER_MINUTE);
        (void)fake_loop_settle();
        check(run_tree_is_empty(t.tree), "the tree does not drain");
        while (run_tree_first_remnant(t.tree))
                step_remnant();
        (void)fake_loop_settle();
        check_settled();
        check(fake_loop_idle(), "%u timers", fake_loop_armed_timers());
}

static void end(void) {
        drain();
        check(fake_leaf_count() == 0, "%u leaves", fake_leaf_count());
        check(t.n_held == 0, "%u holds", t.n_held);
        check(t.n_ended == t.number, "%" PRIu64 " ended of %" PRIu64, t.n_ended, t.number);
        for (uint64_t i = 0; i < t.number; i++)
                check(t.told[i] == 1, "run %" PRIu64 " was told %u times", i, t.told[i]);
        world_done(&t.world);
        t.tree = run_tree_free(t.tree);
        check(fake_loop_timers() == 0, "%u timers", fake_loop_timers());
        t.loop = loop_free(t.loop);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(whatever_happens_the_rules_hold) {
        uint64_t total = from_environment("TENDD_TEST_STEPS", STEPS);
        uint64_t done = 0;

        t.seed = from_environment("TENDD_TEST_SEED", (uint64_t)getpid() * 1000003);
        check_context(&t.seed, &t.step);
        printf("TENDD_TEST_SEED=%" PRIu64 "\n", t.seed);
        (void)fflush(stdout);
        fake_trace_enable(false);
        for (; done < total; t.seed++) {
                begin();
                for (t.step = 0; t.step < STEPS_A_WORLD && done < total; t.step++, done++)
                        step();
                end();
        }
        printf("%" PRIu64 " steps, %u leaves started\n", done, fake_leaf_started());
}
END_TEST

int main(void) {
        Suite *suite = suite_create("run-random");
        TCase *tcase = tcase_create("run-random");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, whatever_happens_the_rules_hold);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
