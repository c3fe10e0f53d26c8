/* SPDX-License-Identifier: MIT */
/* run-oom: a scenario with everything in it, once for each allocation that it makes, with that one failing, and those
 * after it for a while: nothing crashes or leaks, every run that began is told of once, and the tree drains.
 *
 * Linked with --wrap for the functions that allocate.
 */
#include "support/run-fixture.h"

#include <stdio.h>

#define S USEC_PER_SEC

/* ---- failing allocations ---- */

static struct {
        bool armed;
        unsigned n;     /* allocations so far */
        unsigned first; /* that fails */
        unsigned last;
} memory;

static bool refuse(void) {
        if (!memory.armed)
                return false;
        memory.n++;
        return memory.n >= memory.first && memory.n <= memory.last;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size) {
        return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        return refuse() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s) {
        return refuse() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n) {
        return refuse() ? NULL : __real_strndup(s, n);
}

/* ---- the scenario ---- */

static struct fake_task m[4], fan, thread, service, g, h;
static struct service_spec kept_up;
static struct overlap overlap;
static struct limit_use use;
static const unsigned first[] = { 0 };
static const struct run_member inner[] = {
        { .spec = &m[0].spec },
        { .spec = &m[1].spec, .after = first, .n_after = 1 },
        { .spec = &m[2].spec, .after = first, .n_after = 1 },
};
static const struct run_member outer[] = {
        { .spec = &g.spec },
        { .spec = &fan.spec },
        { .spec = &m[3].spec, .background = true },
};

/* h: a group g of which the first try fails, a fan-out with failures, and a background; a service that crashes. */
static void make(void) {
        static const char *const names[] = { "m0", "m1", "m2", "m3" };

        for (size_t i = 0; i < ARRAY_SIZE(m); i++)
                fake_task_init_timed(&m[i], names[i], S, ERROR_NONE);
        m[1].script.error = ERROR_EXIT;
        m[1].spec.retries = 1;
        m[1].spec.limits = m[2].spec.limits = &use;
        m[1].spec.n_limits = m[2].spec.n_limits = 1;
        m[2].script.stop = FAKE_STOP_FAILS;
        m[2].script.stop_error = ERROR_IO;
        m[2].script.ends_after_usec = USEC_INFINITY;
        m[3].script.ends_after_usec = USEC_INFINITY;
        fake_fanout_init(&fan, "fan", 6, 2);
        fan.script.error = ERROR_CONNECT;
        fan.script.fails_each = 2;
        fan.items.bad_each = 5;
        fan.spec.overlap = &overlap;
        fake_task_init(&thread, "thread");
        thread.spec.leaf = &fake_thread_ops;
        thread.script.ignores_force = true;
        thread.spec.bounds[BOUND_TIMEOUT] = S;
        fake_service_init(&service, "service", &kept_up);
        service.script.ends_after_usec = 2 * S;
        kept_up.restart_limit = 3;
        fake_task_init(&g, "g");
        fake_task_init(&h, "h");
        g.spec.is_group = h.spec.is_group = true;
        g.spec.retries = 1;
        g.spec.members = inner;
        g.spec.n_members = ARRAY_SIZE(inner);
        h.spec.policy = GROUP_SETTLE;
        h.spec.members = outer;
        h.spec.n_members = ARRAY_SIZE(outer);
        h.spec.bounds[BOUND_TOTAL_TIMEOUT] = 20 * S;
}

static unsigned begin(struct fake_task *task, uint64_t number) {
        struct run_start how = { .spec = &task->spec, .number = number, .trigger = "test" };
        int r = run_tree_start(tree, &how, NULL);

        /* Check's own assertions allocate. */
        if (r != 0 && r != -ENOMEM)
                abort();
        return r == 0;
}

/* What an attempt says, what is found wrong with it, and what operators ask. */
static void disturb_service(void) {
        struct run *run = run_tree_find(tree, "service#1"), *leaf = fake_leaf_find("service#1");

        if (!run)
                return;
        if (leaf) {
                run_leaf_ready(leaf);
                run_leaf_set_status(leaf, "serving");
                run_leaf_fail(leaf, ERROR_HEALTH, "it is sick");
        }
        (void)run_keep_down(run, "alice");
        pass(S);
        run = run_tree_find(tree, "service#1");
        if (run)
                (void)run_restart(run, "alice");
}

static unsigned told_of_top_level(void) {
        struct run_counts counts;
        unsigned n = 0;

        run_tree_get_counts(tree, &counts);
        for (size_t i = 0; i < _OUTCOME_MAX; i++)
                n += (unsigned)counts.done[i];
        return n;
}

static void end_early(const char *name) {
        struct run *run = run_tree_find(tree, name);

        if (run)
                (void)run_cancel(run, CANCEL_OPERATOR, "alice");
}

/* Returns how many allocations there were. */
static unsigned play(unsigned from, unsigned to) {
        unsigned n_begun = 0;

        fixture_setup();
        make();
        overlap_init(&overlap, 1);
        use = (struct limit_use){ .limit = make_permits("x", 1), .permits = 1 };
        memory.n = 0;
        memory.first = from;
        memory.last = to;
        memory.armed = true;
        n_begun += begin(&h, 1);
        n_begun += begin(&fan, 1);
        n_begun += begin(&fan, 2);
        n_begun += begin(&thread, 1);
        n_begun += begin(&service, 1);
        pass(S);
        disturb_service();
        pass(4 * S);
        end_early("fan#2");
        pass(30 * S);
        end_early("service#1"); /* restarts that could not be counted did not make it fail */
        memory.armed = false;
        pass(5 * S); /* what could not be told for want of memory is told now */
        ck_assert_msg(run_tree_is_empty(tree), "allocation %u … %u: the tree is not empty", from, to);
        ck_assert_uint_eq(told_of_top_level(), n_begun);
        ck_assert_uint_eq(overlap.held, 0);
        fixture_teardown();
        return memory.n;
}

/* How many fail in a row. */
static const unsigned lengths[] = { 1, 3, 40 };

START_TEST(without_memory_nothing_is_lost_or_leaked) {
        unsigned n = play(0, 0);

        ck_assert_uint_gt(n, 100);
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
                for (unsigned k = 1; k <= n; k++)
                        (void)play(k, k + lengths[i] - 1);
}
END_TEST

START_TEST(a_tree_that_cannot_be_made_leaves_nothing) {
        static const struct run_listener listener = { 0 };
        int r = -ENOMEM;

        ck_assert_int_eq(loop_new(&loop), 0);
        for (unsigned k = 1; r < 0; k++) {
                ck_assert_uint_lt(k, 100);
                memory.n = 0;
                memory.first = memory.last = k;
                memory.armed = true;
                r = run_tree_new(loop, 5, &listener, &tree);
                memory.armed = false;
                ck_assert(r == 0 || r == -ENOMEM);
        }
        tree = run_tree_free(tree);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        loop = loop_free(loop);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("run-oom");
        TCase *tcase = tcase_create("run-oom");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, without_memory_nothing_is_lost_or_leaked);
        tcase_add_test(tcase, a_tree_that_cannot_be_made_leaves_nothing);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
