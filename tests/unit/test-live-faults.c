/* SPDX-License-Identifier: MIT */
/* live-faults: live_new(), once for each call that can fail, with that one failing: it says so, and takes back all that it had
 * made until then.
 */
#include "live/live.h"
#include "support/fake-loop.h"
#include "support/faults.h"
#include "task/kind.h"

#include <check.h>
#include <errno.h>

static const struct leaf_ops leaf_ops = { .name = "test" };
static struct limit_section limit = { .name = (char *)"db", .limit = { .permits = 2 } };
static struct pool_section pool = { .name = (char *)"default", .threads = 1, .queue_max = 1 };

static struct task *make_task(void) {
        struct task *task = task_new("job");

        ck_assert_ptr_nonnull(task);
        task->run.leaf = &leaf_ops;
        task->limits = calloc(1, sizeof(*task->limits));
        ck_assert_ptr_nonnull(task->limits);
        task->limits[0].name = strdup("db");
        task->limits[0].permits = 1;
        task->n_limits = 1;
        for (size_t i = 0; i < _BOUND_MAX; i++)
                task->run.bounds[i] = USEC_INFINITY;
        return task;
}

/* Returns false when there was no such call any more. */
static bool try(struct loop *loop, bool triggers, unsigned fails) {
        struct task *task = make_task();
        struct config config = {
                .n_ref = 2, /* one of the test's, so that it is never freed */
                .daemon = { .hook_queue = 2 },
                .limits = &limit,
                .n_limits = 1,
                .pools = &pool,
                .n_pools = 1,
                .tasks = &task,
                .n_tasks = 1,
        };
        /* with triggers, a tag would have it look for processes of an earlier daemon */
        const struct live_options options = { .loop = loop, .triggers = triggers, .tag = triggers ? NULL : "tag" };
        struct live *live = NULL;
        const char *failed;
        int r;

        faults_arm(fails, ENOMEM);
        r = live_new(&options, &config, &live);
        failed = faults_disarm();
        ck_assert_msg(r == 0 || (failed && !live), "call %u, %s: %d", fails, failed ? failed : "none", r);
        fake_loop_settle();
        for (size_t i = 0; live && i < task->run.n_limits; i++)
                limit_unref(task->run.limits[i].limit);
        task->run.n_limits = live ? 0 : task->run.n_limits;
        live_free(live);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        task->env = NULL; /* it went with what was live */
        task_unref(task);
        return failed != NULL;
}

START_TEST(what_cannot_go_live_is_taken_back) {
        struct loop *loop;
        unsigned fails = 1;

        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        while (try(loop, _i, fails))
                fails++;
        ck_assert_uint_gt(fails, 10);
        loop_free(loop);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("live-faults");
        TCase *tcase = tcase_create("live-faults");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tcase, what_cannot_go_live_is_taken_back, 0, 2);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
