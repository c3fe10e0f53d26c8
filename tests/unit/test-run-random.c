/* SPDX-License-Identifier: MIT */
/* run-random: trees at random, to which things happen at random; after each step all that must always hold is checked.
 *
 * A step does one thing to the tree: starts, cancels, forces, extends, skips or ends a run, makes it ready, sick or
 * talk, restarts it, keeps it down or gives its place to another, lets a remnant go, changes or pauses a limit, or lets
 * time pass. Now and then the loop is not left to settle between two steps, and now and then it is late. After some hundred steps the tree is stopped, forced and must drain; then comes another world.
 *
 * TENDD_TEST_SEED and TENDD_TEST_STEPS choose the seed and the number of steps; the seed is printed.
 */
#include "support/fake-loop.h"
#include "support/run-check.h"
#include "support/run-rules.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#define STEPS   100000
#define TOP_MAX 14

static const char *name_of(const struct run *run) {
        static char name[RUN_NAME_MAX];

        return run_name(run, name);
}

/* All that a repeated cancel must not change. */
static uint64_t fingerprint(void) {
        uint64_t sum = 0, state;

        rules_list_runs();
        for (size_t i = 0; i < rules.n_runs; i++) {
                const struct run *run = rules.runs[i];
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
        rules_list_runs();
        return rules.n_runs > 0 ? rules.runs[world_below(&rules.world, (unsigned)rules.n_runs)] : NULL;
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
        struct world_task *task = &rules.world.tasks[world_below(&rules.world, WORLD_TASKS)];
        struct run_start start = {
                .spec = &task->task.spec,
                .number = rules.number,
                .trigger = "test",
                .hook = world_chance(&rules.world, 10),
        };

        if (rules.tree->root->n_live >= TOP_MAX || rules.number >= STEPS_A_WORLD)
                return;
        check(run_tree_start(rules.tree, &start, NULL) == 0, "%s", task->name);
        rules.number++;
}

/* From inside of an attempt that is at work, unless that is refused. */
static void step_start_inside(void) {
        struct world_task *task = &rules.world.tasks[world_below(&rules.world, WORLD_TASKS)];
        struct run *leaf = any_leaf();
        struct run_start start = { .spec = &task->task.spec, .number = rules.number, .trigger = "test" };
        struct run_conflict conflict;
        int may, r;

        if (!leaf || rules.tree->root->n_live >= 2 * TOP_MAX || rules.number >= STEPS_A_WORLD)
                return;
        start.host = leaf->parent;
        may = run_may_host(start.host, start.spec, &conflict);
        r = run_tree_start(rules.tree, &start, NULL);
        check(r == may && (r == 0 || r == -ESTALE || r == -EMLINK || r == -EDEADLK), "%s: %d", task->name, r);
        check((r == -EDEADLK) == (conflict.holder != NULL), "%s: %d", task->name, r);
        check(r != 0 || !run_is_cancelled(leaf), "%s is to end", name_of(leaf));
        rules.number += r == 0;
}

static void step_cancel(void) {
        struct run *run = any_run();
        uint64_t before;

        if (!run || run_cancel(run, world_chance(&rules.world, 80) ? CANCEL_OPERATOR : CANCEL_REPLACED, "alice") < 0)
                return;
        before = fingerprint();
        check(run_cancel(run, CANCEL_SHUTDOWN, "bob") == 0, "%s", name_of(run));
        check(fingerprint() == before, "cancelling %s again changed something", name_of(run));
}

static void step_force(void) {
        struct run *run = any_run();

        if (run && world_chance(&rules.world, 20))
                run_force(run);
}

static void step_extend(void) {
        struct run *run = any_run();
        struct run_extension how;
        usec_t before;

        if (!run)
                return;
        before = run_deadline(run, NULL, NULL);
        if (run_extend(run, world_span(&rules.world, 20 * USEC_PER_SEC), world_chance(&rules.world, 30), &how) < 0)
                return;
        check(run_deadline(run, NULL, NULL) >= before, "extending %s shortened it", name_of(run));
        check(!run_is_cancelled(run), "%s was extended while it stopped", name_of(run));
}

static void step_end(void) {
        static const enum error_kind errors[] = { ERROR_NONE, ERROR_NONE, ERROR_EXIT, ERROR_CONNECT };
        struct run *leaf = any_leaf();

        if (leaf)
                run_leaf_end(leaf,
                             &(struct leaf_end){ .error = errors[world_below(&rules.world, ARRAY_SIZE(errors))] });
}

static void step_ready(void) {
        struct run *leaf = any_leaf();

        if (leaf && world_chance(&rules.world, 70))
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
        run_leaf_set_status(leaf, world_chance(&rules.world, 50) ? "busy" : "");
        run_leaf_set_progress(leaf, rules.step, STEPS_A_WORLD);
}

static void step_leaf_extend(void) {
        struct run *leaf = any_leaf();
        struct run_extension how;
        usec_t before;

        if (!leaf)
                return;
        before = run_deadline(leaf, NULL, NULL);
        if (run_leaf_extend(leaf, world_span(&rules.world, 20 * USEC_PER_SEC), &how) < 0)
                return;
        check(how.deadline_usec >= before, "extending %s shortened it", name_of(leaf));
        check(!run_is_cancelled(leaf), "%s was extended while it stopped", name_of(leaf));
        for (const struct run *run = leaf->parent; run != run_tree_root(rules.tree); run = run_above(run))
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
        may = group->role == RUN_GROUP && member->spec->is_service && member->state == RUN_DONE &&
              !rules.tree->stopping && !run_is_cancelled(group);
        r = run_revive(member, &run);
        check(r <= 0 && (may || r < 0), "%s: %d", name_of(group), r);
        if (r < 0)
                return;
        rules_note_revived(group);
        check_revived(run);
}

static void step_skip(void) {
        struct run *run = any_run();

        if (run && run->parent == rules.tree->root)
                (void)run_skip(run, "a newer one waits");
}

static void step_remnant(void) {
        struct remnant *remnant = run_tree_first_remnant(rules.tree);

        if (remnant)
                fake_remnant_end(remnant);
}

static struct limit *any_limit(unsigned n) {
        return rules.world.limits[world_below(&rules.world, n)];
}

static void step_configure(void) {
        struct limit *limit = any_limit(WORLD_LIMITS - 1);
        struct limit_config config = *limit_get_config(limit);

        /* never below what somebody's task asks for, as the configuration would refuse that */
        config.permits = 4 + world_below(&rules.world, 3);
        check(limit_configure(limit, &config) == 0, "%s", limit_name(limit));
}

/* As an operator may, also below that. */
static void step_override(void) {
        struct limit *limit = any_limit(WORLD_LIMITS - 1);
        struct limit_config config = *limit_get_config(limit);
        bool reset = world_chance(&rules.world, 60);

        config.permits = 1 + world_below(&rules.world, 6);
        check(limit_override(limit, reset ? NULL : &config) == 0, "%s", limit_name(limit));
}

static void step_pause_or_resume(void) {
        struct limit *limit = any_limit(WORLD_LIMITS);
        bool pause = !limit_paused_by(limit, NULL) && world_chance(&rules.world, 30);

        check(limit_set_pause(limit, pause ? "alice" : NULL, 0) == 0, "%s", limit_name(limit));
}

/* What is held already stays held. */
static void step_max_running(void) {
        unsigned max_running = 1 + world_below(&rules.world, 9);
        struct limit_stats stats;

        limit_get_stats(run_tree_max_running(rules.tree), &stats);
        run_tree_set_max_running(rules.tree, max_running);
        rules.max_running = MAX(max_running, stats.held);
}

static void step_time(void) {
        usec_t next = fake_loop_next_timer();

        switch (world_below(&rules.world, 4)) {
        case 0: fake_clock_advance(next < USEC_PER_MINUTE ? next : 0); break;
        case 1: fake_clock_advance(world_span(&rules.world, USEC_PER_SEC)); break;
        case 2: fake_clock_advance(world_span(&rules.world, 4 * USEC_PER_SEC)); break;
        default: /* the loop was stuck that long */
                if (world_chance(&rules.world, 20))
                        fake_clock_set(CLOCK_ID_MONOTONIC,
                                       clock_now(CLOCK_ID_MONOTONIC) + world_span(&rules.world, 9 * USEC_PER_SEC));
        }
}

static const struct {
        void (*fn)(void);
        unsigned weight;
} steps[] = {
        { step_start, 25 },
        { step_cancel, 6 },
        { step_force, 2 },
        { step_extend, 5 },
        { step_end, 15 },
        { step_ready, 5 },
        { step_skip, 1 },
        { step_remnant, 6 },
        { step_configure, 1 },
        { step_time, 35 },
        { step_fail, 3 },
        { step_talk, 5 },
        { step_restart, 5 },
        { step_keep_down, 3 },
        { step_leaf_extend, 3 },
        { step_revive, 3 },
        { step_start_inside, 8 },
        { step_override, 1 },
        { step_pause_or_resume, 4 },
        { step_max_running, 1 },
};

static void step(void) {
        unsigned total = 0, drawn;

        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                total += steps[i].weight;
        drawn = world_below(&rules.world, total);
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
                if (drawn < steps[i].weight) {
                        steps[i].fn();
                        break;
                }
                drawn -= steps[i].weight;
        }
        if (world_chance(&rules.world, 15)) {
                if (world_chance(&rules.world, 50))
                        (void)fake_loop_turn();
                rules_check_always();
                return;
        }
        (void)fake_loop_settle();
        rules_check_settled();
}

/* ---- worlds ---- */

static void begin(void) {
        fake_clock_reset();
        memset(rules.told, 0, sizeof(rules.told));
        memset(rules.watches, 0, sizeof(rules.watches));
        memset(rules.revived, 0, sizeof(rules.revived));
        rules.number = rules.n_ended = rules.full_at_nsec = 0;
        rules.forced = false;
        check(loop_new(&rules.loop) == 0, "loop");
        fake_leaf_set_loop(rules.loop);
        fake_leaf_set_start_check(rules_on_start);
        rules.max_running = 1 + (unsigned)(rules.seed % 9);
        check(run_tree_new(rules.loop, rules.max_running, &rules_listener, &rules.tree) == 0, "tree");
        rules.tree->random = rules.seed;
        world_init(&rules.world, run_tree_limits(rules.tree), rules.seed);
}

/* Whatever state it is in: stopped, capped and forced, the tree drains, and nothing is left. */
static void drain(void) {
        if (world_chance(&rules.world, 50)) {
                run_tree_stop(rules.tree, true);
                (void)fake_loop_settle();
                fake_clock_advance(5 * USEC_PER_SEC);
                rules_check_settled();
        }
        run_tree_stop(rules.tree, false);
        run_tree_cap_grace(rules.tree, clock_now(CLOCK_ID_MONOTONIC) + 3 * USEC_PER_SEC);
        fake_clock_advance(3 * USEC_PER_SEC);
        (void)fake_loop_settle();
        rules_check_settled();
        rules.forced = true;
        run_tree_force(rules.tree);
        fake_clock_advance(USEC_PER_MINUTE);
        (void)fake_loop_settle();
        check(run_tree_is_empty(rules.tree), "the tree does not drain");
        while (run_tree_first_remnant(rules.tree))
                step_remnant();
        (void)fake_loop_settle();
        rules_check_settled();
        check(fake_loop_idle(), "%u timers", fake_loop_armed_timers());
}

static void end(void) {
        drain();
        check(fake_leaf_count() == 0, "%u leaves", fake_leaf_count());
        check(rules.n_held == 0, "%u holds", rules.n_held);
        check(rules.n_ended == rules.number, "%" PRIu64 " ended of %" PRIu64, rules.n_ended, rules.number);
        for (uint64_t i = 0; i < rules.number; i++)
                check(rules.told[i] == 1, "run %" PRIu64 " was told %u times", i, rules.told[i]);
        world_done(&rules.world);
        rules.tree = run_tree_free(rules.tree);
        check(fake_loop_timers() == 0, "%u timers", fake_loop_timers());
        rules.loop = loop_free(rules.loop);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(whatever_happens_the_rules_hold) {
        uint64_t total = from_environment("TENDD_TEST_STEPS", STEPS);
        uint64_t done = 0;

        rules.seed = from_environment("TENDD_TEST_SEED", (uint64_t)getpid() * 1000003);
        check_context(&rules.seed, &rules.step);
        printf("TENDD_TEST_SEED=%" PRIu64 "\n", rules.seed);
        (void)fflush(stdout);
        fake_trace_enable(false);
        for (; done < total; rules.seed++) {
                begin();
                for (rules.step = 0; rules.step < STEPS_A_WORLD && done < total; rules.step++, done++)
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
