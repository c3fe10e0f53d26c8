/* SPDX-License-Identifier: MIT */
/* run-fixture: a run tree for tests, see run-fixture.h. */
#include "support/run-fixture.h"

#include <assert.h>
#include <stdio.h>

#define LIMITS_MAX 8
#define TOLD_MAX   4096

struct loop *loop;
struct run_tree *tree;

static struct {
        struct result *told[TOLD_MAX];
        unsigned n_told;
        unsigned n_empty;
        unsigned n_remnants;
        char ready[512];
        unsigned n_held;
        struct limit *limits[LIMITS_MAX];
        size_t n_limits;
} seen;

/* ---- the listener ---- */

static void on_done(struct run *run _unused_, struct result *result, void *arg _unused_) {
        if (seen.n_told == TOLD_MAX) /* not an assertion of Check, which allocates: test-run-oom */
                abort();
        seen.told[seen.n_told++] = result_ref(result);
}

static void on_ready(struct run *job, bool ready, void *arg _unused_) {
        size_t used = strlen(seen.ready);

        (void)snprintf(seen.ready + used, sizeof(seen.ready) - used, "%s%s:%s", used > 0 ? " " : "",
                       run_get_spec(job)->name, ready ? "yes" : "no");
}

static void on_empty(void *arg _unused_) {
        seen.n_empty++;
}

static void on_remnant(struct remnant *remnant _unused_, bool gone, void *arg _unused_) {
        if (gone)
                seen.n_remnants--;
        else
                seen.n_remnants++;
}

static void on_hold(const struct run_spec *spec _unused_, void *arg _unused_) {
        seen.n_held++;
}

static void on_drop(const struct run_spec *spec _unused_, void *arg _unused_) {
        seen.n_held--;
}

static const struct run_listener listener = {
        .on_done = on_done,
        .on_ready = on_ready,
        .on_empty = on_empty,
        .on_remnant = on_remnant,
        .hold = on_hold,
        .drop = on_drop,
};

/* ---- set up ---- */

void fixture_setup(void) {
        memset(&seen, 0, sizeof(seen));
        fake_clock_reset();
        fake_trace_clear();
        ck_assert_int_eq(loop_new(&loop), 0);
        fake_leaf_set_loop(loop);
        ck_assert_int_eq(run_tree_new(loop, 0, &listener, &tree), 0);
}

static void free_limits(void) {
        for (size_t i = 0; i < seen.n_limits; i++)
                limit_unref(seen.limits[i]);
        seen.n_limits = 0;
}

void fixture_new_tree(unsigned max_running) {
        free_limits();
        tree = run_tree_free(tree);
        ck_assert_int_eq(run_tree_new(loop, max_running, &listener, &tree), 0);
}

static void drop_remnants(void) {
        char name[RUN_NAME_MAX];
        struct remnant *remnant;

        while ((remnant = run_tree_first_remnant(tree))) {
                (void)snprintf(name, sizeof(name), "%s", remnant_run(remnant));
                fake_remnant_gone(name);
        }
}

void fixture_teardown(void) {
        run_tree_force(tree);
        pass(USEC_PER_HOUR);
        drop_remnants();
        settle();
        ck_assert(run_tree_is_empty(tree));
        ck_assert_uint_eq(fake_leaf_count(), 0);
        ck_assert_uint_eq(seen.n_held, 0);
        free_limits();
        tree = run_tree_free(tree);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        ck_assert_uint_eq(fake_loop_pending_work(), 0);
        loop = loop_free(loop);
        for (unsigned i = 0; i < seen.n_told; i++)
                result_unref(seen.told[i]);
}

struct limit *make_limit(const char *name, const struct limit_config *config) {
        struct limit **slot = &seen.limits[seen.n_limits];

        ck_assert_uint_lt(seen.n_limits, LIMITS_MAX);
        ck_assert_int_eq(limit_new(run_tree_limits(tree), name, config, slot), 0);
        seen.n_limits++;
        return *slot;
}

struct limit *make_permits(const char *name, unsigned permits) {
        return make_limit(name, &(struct limit_config){ .permits = permits });
}

/* ---- runs ---- */

static struct run *start_as(struct fake_task *task, uint64_t number, bool hook) {
        struct run_start how = { .spec = &task->spec, .number = number, .trigger = "test", .hook = hook };
        struct run *run;

        ck_assert_int_eq(run_tree_start(tree, &how, &run), 0);
        settle();
        return run;
}

struct run *start(struct fake_task *task, uint64_t number) {
        return start_as(task, number, false);
}

struct run *start_hook(struct fake_task *task, uint64_t number) {
        return start_as(task, number, true);
}

void cancel(const char *name) {
        ck_assert_int_eq(run_cancel(get(name), CANCEL_OPERATOR, "alice"), 0);
}

void pass(usec_t usec) {
        fake_clock_advance(usec);
        settle();
}

void settle(void) {
        (void)fake_loop_settle();
}

struct run *get(const char *name) {
        struct run *run = run_tree_find(tree, name);

        ck_assert_msg(run != NULL, "there is no run called %s", name);
        return run;
}

const struct result *result_of(const char *name) {
        for (unsigned i = seen.n_told; i-- > 0;)
                if (streq(seen.told[i]->run, name))
                        return seen.told[i];
        return NULL;
}

unsigned done_count(void) {
        return seen.n_told;
}

unsigned empty_count(void) {
        return seen.n_empty;
}

unsigned remnant_count(void) {
        return seen.n_remnants;
}

void check_outcome_at(int line, const char *name, enum outcome expected) {
        const struct result *result = result_of(name);

        ck_assert_msg(result != NULL, "line %d: %s is not done, expected %s", line, name, outcome_to_string(expected));
        ck_assert_msg(result->outcome == expected, "line %d: %s ended %s, expected %s", line, name,
                      outcome_to_string(result->outcome), outcome_to_string(expected));
}

const char *ready_trace(void) {
        return seen.ready;
}

const char *errors_of(const char *name) {
        static char text[2048];
        const struct result *result = result_of(name);
        size_t used = 0;

        ck_assert_msg(result != NULL, "%s is not done", name);
        text[0] = '\0';
        for (size_t i = 0; i < result->errors.n && used < sizeof(text); i++) {
                const struct run_error *error = &result->errors.items[i];

                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s/%s", i > 0 ? " " : "",
                                         error_kind_to_string(error->kind), error->run);
        }
        return text;
}

int fixture_main_loops(const char *name, const struct fixture_test *tests, size_t n) {
        Suite *suite = suite_create(name);
        TCase *tcase = tcase_create(name);
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, fixture_setup, fixture_teardown);
        for (size_t i = 0; i < n; i++)
                tcase_add_loop_test(tcase, tests[i].test, 0, tests[i].n);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}

int fixture_main(const char *name, const TTest *const *tests, size_t n) {
        struct fixture_test once[64];

        assert(n <= ARRAY_SIZE(once));
        for (size_t i = 0; i < n; i++)
                once[i] = (struct fixture_test){ tests[i], 1 };
        return fixture_main_loops(name, once, n);
}
