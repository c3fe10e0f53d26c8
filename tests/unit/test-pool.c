/* SPDX-License-Identifier: MIT */
/* pool: every job ends exactly once, abandoned threads are counted and replaced, and nothing is unbounded. Jobs that
 * block do so on a gate that the test opens; nothing here depends on how fast a thread is. */
#include "loop/pool.h"
#include "support/fake-thread.h"

#include <check.h>
#include <limits.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

static struct loop *loop;
static struct pool *pool;

/* What the completions add up to; the loop ends when @until of them have come. */
static unsigned n_done, n_returned, until;
static char order[64];

struct gated {
        char letter;
        sem_t begun, gate;
        atomic_bool worked;
        struct pool_job *job;
};

static void ended(struct gated *gated) {
        if (n_done + n_returned < sizeof(order))
                order[n_done + n_returned - 1] = gated->letter;
        if (n_done + n_returned == until)
                loop_exit(loop, 0);
}

static void on_done(void *arg) {
        struct gated *gated = arg;

        ck_assert(atomic_load(&gated->worked));
        ck_assert_int_eq(pool_job_state(gated->job), POOL_JOB_FINISHED);
        n_done++;
        ended(gated);
}

static void on_returned(void *arg) {
        n_returned++;
        ended(arg);
}

static void work_gated(void *arg) {
        struct gated *gated = arg;

        sem_post(&gated->begun);
        while (sem_wait(&gated->gate) < 0)
                ;
        atomic_store(&gated->worked, true);
}

static void work_at_once(void *arg) {
        struct gated *gated = arg;

        atomic_store(&gated->worked, true);
}

static const struct pool_job_ops gated_ops = { "gated", work_gated, on_done, on_returned, NULL, false };
static const struct pool_job_ops quick_ops = { "quick", work_at_once, on_done, on_returned, NULL, false };
static const struct pool_job_ops tidy_ops = { "tidy", work_at_once, on_done, on_returned, NULL, true };

static struct gated jobs[8];

static void setup(void) {
        n_done = n_returned = until = 0;
        memset(order, 0, sizeof(order));
        fake_thread_allow(UINT_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
                jobs[i].letter = (char)('0' + i);
                jobs[i].job = NULL;
                atomic_store(&jobs[i].worked, false);
                ck_assert_int_eq(sem_init(&jobs[i].begun, 0, 0), 0);
                ck_assert_int_eq(sem_init(&jobs[i].gate, 0, 0), 0);
        }
        ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void) {
        pool = pool_free(pool);
        loop = loop_free(loop);
}

static void make(unsigned threads, unsigned spare, unsigned queue_max) {
        ck_assert_int_eq(pool_new(loop, "test", threads, spare, queue_max, &pool), 0);
}

static void submit(const struct pool_job_ops *ops, struct gated *gated) {
        ck_assert_int_eq(pool_submit(pool, ops, gated, &gated->job), 0);
}

static void run_until(unsigned n) {
        until = n;
        if (n_done + n_returned < n)
                ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_uint_eq(n_done + n_returned, n);
}

static void await(sem_t *sem) {
        while (sem_wait(sem) < 0)
                ;
}

static struct pool_stats stats(void) {
        struct pool_stats s;

        pool_get_stats(pool, &s);
        return s;
}

START_TEST(a_job_is_done_in_a_later_turn) {
        make(1, 0, 10);
        submit(&quick_ops, &jobs[0]);
        submit(&quick_ops, &jobs[1]);
        while (pool_job_state(jobs[1].job) != POOL_JOB_FINISHED)
                sched_yield();
        ck_assert_uint_eq(n_done, 0);
        run_until(2);
        ck_assert_str_eq(order, "01");
        ck_assert_uint_eq(stats().completed, 2);
        ck_assert_uint_eq(stats().busy, 0);
        ck_assert_str_eq(pool_name(pool), "test");
}
END_TEST

START_TEST(jobs_that_block_get_all_threads) {
        make(4, 0, 10);
        for (int i = 0; i < 5; i++)
                submit(&gated_ops, &jobs[i]);
        for (int i = 0; i < 4; i++)
                await(&jobs[i].begun);
        ck_assert_uint_eq(stats().busy, 4);
        ck_assert_uint_eq(stats().queued, 1);
        ck_assert_int_eq(pool_job_state(jobs[0].job), POOL_JOB_RUNNING);
        ck_assert_int_eq(pool_job_state(jobs[4].job), POOL_JOB_QUEUED);
        for (int i = 0; i < 5; i++)
                sem_post(&jobs[i].gate);
        run_until(5);
        ck_assert_uint_eq(n_done, 5);

        /* The same again, now that all threads are idle. */
        for (int i = 0; i < 4; i++)
                submit(&gated_ops, &jobs[i]);
        for (int i = 0; i < 4; i++)
                await(&jobs[i].begun);
        for (int i = 0; i < 4; i++)
                sem_post(&jobs[i].gate);
        run_until(9);
        ck_assert_uint_eq(fake_thread_alive(), 4);
}
END_TEST

START_TEST(threads_are_created_when_needed) {
        make(4, 0, 10);
        ck_assert_uint_eq(fake_thread_alive(), 0);
        submit(&quick_ops, &jobs[0]);
        run_until(1);
        ck_assert_uint_eq(fake_thread_alive(), 1);
        submit(&gated_ops, &jobs[1]);
        await(&jobs[1].begun);
        submit(&quick_ops, &jobs[2]);
        run_until(2);
        ck_assert_uint_le(fake_thread_alive(), 2);
        sem_post(&jobs[1].gate);
        run_until(3);
}
END_TEST

START_TEST(more_threads_come_to_what_waits_already) {
        make(1, 0, 2);
        for (int i = 0; i < 3; i++)
                submit(&gated_ops, &jobs[i]);
        await(&jobs[0].begun);
        ck_assert_int_eq(pool_submit(pool, &gated_ops, &jobs[3], NULL), -ENOBUFS);
        ck_assert_int_eq(pool_configure(pool, 0, 0, 2), -EINVAL);
        ck_assert_int_eq(pool_configure(pool, 3, 1, 10), 0);
        await(&jobs[1].begun);
        await(&jobs[2].begun);
        ck_assert_uint_eq(stats().threads, 3);
        ck_assert_uint_eq(stats().queue_max, 10);
        ck_assert_int_eq(pool_configure(pool, 1, 0, 10), 0);
        for (int i = 0; i < 3; i++)
                sem_post(&jobs[i].gate);
        run_until(3);
        ck_assert_uint_eq(stats().threads, 1);
}
END_TEST

START_TEST(idle_threads_that_are_too_many_end) {
        make(4, 0, 10);
        for (int i = 0; i < 4; i++)
                submit(&gated_ops, &jobs[i]);
        for (int i = 0; i < 4; i++)
                await(&jobs[i].begun);
        for (int i = 0; i < 3; i++)
                sem_post(&jobs[i].gate);
        run_until(3);
        ck_assert_int_eq(pool_configure(pool, 2, 0, 10), 0);
        while (fake_thread_alive() > 2)
                sched_yield();
        sem_post(&jobs[3].gate);
        run_until(4);
        submit(&gated_ops, &jobs[4]);
        submit(&gated_ops, &jobs[5]);
        await(&jobs[4].begun); /* those that are left serve */
        await(&jobs[5].begun);
        sem_post(&jobs[4].gate);
        sem_post(&jobs[5].gate);
        run_until(6);
        ck_assert_uint_eq(fake_thread_alive(), 2);
}
END_TEST

START_TEST(the_queue_is_bounded) {
        make(1, 0, 2);
        submit(&gated_ops, &jobs[0]); /* for the thread, whether it has taken it yet or not */
        submit(&quick_ops, &jobs[1]);
        submit(&quick_ops, &jobs[2]);
        ck_assert_int_eq(pool_submit(pool, &quick_ops, &jobs[3], NULL), -ENOBUFS);
        ck_assert_uint_eq(stats().refused, 1);
        sem_post(&jobs[0].gate);
        run_until(3);
        submit(&quick_ops, &jobs[3]);
        run_until(4);
}
END_TEST

START_TEST(there_is_always_room_for_tidying_up) {
        make(1, 0, 1);
        submit(&gated_ops, &jobs[0]);
        submit(&quick_ops, &jobs[1]);
        ck_assert_int_eq(pool_submit(pool, &quick_ops, &jobs[2], NULL), -ENOBUFS);
        submit(&tidy_ops, &jobs[2]);
        sem_post(&jobs[0].gate);
        run_until(3);
        ck_assert_str_eq(order, "012");
}
END_TEST

START_TEST(abandoning_a_queued_job_drops_it) {
        make(1, 0, 10);
        submit(&gated_ops, &jobs[0]);
        await(&jobs[0].begun);
        submit(&quick_ops, &jobs[1]);
        submit(&quick_ops, &jobs[2]);
        ck_assert(!pool_abandon(jobs[1].job));
        ck_assert_uint_eq(n_returned, 0);
        run_until(1);
        ck_assert_uint_eq(n_returned, 1);
        sem_post(&jobs[0].gate);
        run_until(3);
        ck_assert_str_eq(order, "102");
        ck_assert(!atomic_load(&jobs[1].worked));
        ck_assert_uint_eq(stats().abandoned, 1);
        ck_assert_uint_eq(stats().stuck, 0);
}
END_TEST

START_TEST(abandoning_a_finished_job_returns_it) {
        make(1, 0, 10);
        submit(&quick_ops, &jobs[0]);
        while (pool_job_state(jobs[0].job) != POOL_JOB_FINISHED)
                sched_yield();
        ck_assert(!pool_abandon(jobs[0].job));
        run_until(1);
        ck_assert_uint_eq(n_returned, 1);
        ck_assert_uint_eq(stats().stuck, 0);
        ck_assert_uint_eq(stats().busy, 0);
}
END_TEST

static unsigned n_degraded, n_recovered;

static void on_health(_unused_ struct pool *told, bool degraded, _unused_ void *arg) {
        n_degraded += degraded;
        n_recovered += !degraded;
}

START_TEST(a_spare_thread_replaces_a_stuck_one) {
        make(1, 1, 10);
        pool_set_health(pool, on_health, NULL);
        submit(&gated_ops, &jobs[0]);
        await(&jobs[0].begun);
        submit(&gated_ops, &jobs[1]);
        ck_assert(pool_abandon(jobs[0].job));
        ck_assert(pool_abandon(jobs[0].job)); /* once more changes nothing */
        await(&jobs[1].begun);
        ck_assert_uint_eq(stats().stuck, 1);
        ck_assert_uint_eq(stats().busy, 1);
        ck_assert(!stats().degraded);

        /* Both are stuck now: degraded, and the third one waits. */
        ck_assert(pool_abandon(jobs[1].job));
        submit(&gated_ops, &jobs[2]);
        ck_assert(stats().degraded);
        ck_assert_uint_eq(n_degraded, 1);
        ck_assert_uint_eq(n_recovered, 0);
        ck_assert_uint_eq(stats().stuck, 2);
        ck_assert_uint_eq(stats().queued, 1);
        ck_assert_uint_eq(fake_thread_alive(), 2);

        /* One comes back: its owner is told, and it goes on with the third. */
        sem_post(&jobs[1].gate);
        await(&jobs[2].begun);
        run_until(1);
        ck_assert_uint_eq(n_returned, 1);
        ck_assert(!stats().degraded);
        ck_assert_uint_eq(n_degraded, 1);
        ck_assert_uint_eq(n_recovered, 1);

        /* The other comes back: one thread too many, which ends. */
        sem_post(&jobs[0].gate);
        run_until(2);
        while (fake_thread_alive() > 1)
                sched_yield();
        sem_post(&jobs[2].gate);
        run_until(3);
        ck_assert_str_eq(order, "102");
        ck_assert_uint_eq(n_done, 1);
        ck_assert_uint_eq(stats().stuck, 0);
        ck_assert_uint_eq(stats().abandoned, 2);
}
END_TEST

START_TEST(without_any_thread_a_job_is_refused) {
        make(2, 0, 10);
        fake_thread_allow(0);
        ck_assert_int_eq(pool_submit(pool, &quick_ops, &jobs[0], &jobs[0].job), -EAGAIN);
        ck_assert_ptr_null(jobs[0].job);
        ck_assert_uint_eq(stats().queued, 0);
        fake_thread_allow(1);
        submit(&quick_ops, &jobs[0]);
        run_until(1);
}
END_TEST

START_TEST(with_one_thread_jobs_wait_for_it) {
        make(4, 0, 10);
        fake_thread_allow(1);
        submit(&gated_ops, &jobs[0]);
        await(&jobs[0].begun);
        submit(&gated_ops, &jobs[1]);
        submit(&quick_ops, &jobs[2]);
        ck_assert_uint_eq(stats().queued, 2);

        /* Threads can be had again: the pool finds out by itself. */
        fake_thread_allow(UINT_MAX);
        run_until(1);
        ck_assert_str_eq(order, "2");
        await(&jobs[1].begun);
        sem_post(&jobs[0].gate);
        sem_post(&jobs[1].gate);
        run_until(3);
}
END_TEST

START_TEST(freeing_waits_for_nobody) {
        make(1, 0, 10);
        submit(&gated_ops, &jobs[0]);
        await(&jobs[0].begun);
        submit(&quick_ops, &jobs[1]);
        submit(&quick_ops, &jobs[2]);
        pool = pool_free(pool);
        ck_assert_uint_eq(n_returned, 2);
        ck_assert_uint_eq(n_done, 0);

        /* The thread comes back to nobody. */
        sem_post(&jobs[0].gate);
        while (fake_thread_alive() > 0)
                sched_yield();
        ck_assert_uint_eq(n_returned, 2);
}
END_TEST

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        pool_poll(pool);
        ck_assert_uint_eq(n_done, 1);
        loop_exit(loop, 0);
}

START_TEST(polling_takes_what_is_finished) {
        struct loop_timer timer;

        make(1, 0, 10);
        until = 99;
        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL), 0);
        submit(&quick_ops, &jobs[0]);
        while (pool_job_state(jobs[0].job) != POOL_JOB_FINISHED)
                sched_yield();
        pool_poll(pool);
        ck_assert_uint_eq(n_done, 1);
        pool_poll(pool);
        loop_timer_set(&timer, 0);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_uint_eq(n_done, 1);
        loop_timer_done(&timer);
}
END_TEST

/* ---- many jobs ---- */

#define N_MANY 4000

struct many {
        struct pool_job *job;
        atomic_uint worked;
        unsigned done, returned;
};

static struct many many[N_MANY];
static size_t n_submitted, n_ended;

static const struct pool_job_ops many_ops;

static void submit_many(size_t n) {
        for (; n > 0 && n_submitted < N_MANY; n--) {
                struct many *m = &many[n_submitted++];

                ck_assert_int_eq(pool_submit(pool, &many_ops, m, &m->job), 0);
                if (random() % 10 == 0)
                        (void)pool_abandon(m->job);
        }
}

static void many_ended(struct many *m) {
        m->job = NULL;
        ck_assert_uint_eq(m->done + m->returned, 1);
        submit_many((size_t)random() % 3);
        if (++n_ended == n_submitted)
                submit_many(100);
        if (n_ended == N_MANY)
                loop_exit(loop, 0);
        else if (random() % 16 == 0 && many[n_submitted - 1].job)
                (void)pool_abandon(many[n_submitted - 1].job);
        else if (random() % 64 == 0)
                pool_poll(pool);
}

static void on_many_work(void *arg) {
        struct many *m = arg;

        atomic_fetch_add(&m->worked, 1);
}

static void on_many_done(void *arg) {
        struct many *m = arg;

        m->done++;
        ck_assert_uint_eq(atomic_load(&m->worked), 1);
        many_ended(m);
}

static void on_many_returned(void *arg) {
        struct many *m = arg;

        m->returned++;
        ck_assert_uint_le(atomic_load(&m->worked), 1);
        many_ended(m);
}

static const struct pool_job_ops many_ops = { "many", on_many_work, on_many_done, on_many_returned, NULL, false };

START_TEST(every_job_ends_exactly_once) {
        srandom((unsigned)_i);
        make((unsigned)_i, 2, N_MANY);
        submit_many(100);
        ck_assert_int_eq(loop_run(loop), 0);
        for (size_t i = 0; i < N_MANY; i++)
                ck_assert_uint_eq(many[i].done + many[i].returned, 1);
        ck_assert_uint_eq(stats().queued, 0);
        ck_assert_uint_eq(stats().stuck, 0);
        ck_assert_uint_eq(stats().busy, 0);
        ck_assert_uint_gt(stats().abandoned, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("pool");
        TCase *tcase = tcase_create("pool");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_job_is_done_in_a_later_turn);
        tcase_add_test(tcase, jobs_that_block_get_all_threads);
        tcase_add_test(tcase, threads_are_created_when_needed);
        tcase_add_test(tcase, more_threads_come_to_what_waits_already);
        tcase_add_test(tcase, idle_threads_that_are_too_many_end);
        tcase_add_test(tcase, the_queue_is_bounded);
        tcase_add_test(tcase, there_is_always_room_for_tidying_up);
        tcase_add_test(tcase, abandoning_a_queued_job_drops_it);
        tcase_add_test(tcase, abandoning_a_finished_job_returns_it);
        tcase_add_test(tcase, a_spare_thread_replaces_a_stuck_one);
        tcase_add_test(tcase, without_any_thread_a_job_is_refused);
        tcase_add_test(tcase, with_one_thread_jobs_wait_for_it);
        tcase_add_test(tcase, freeing_waits_for_nobody);
        tcase_add_test(tcase, polling_takes_what_is_finished);
        tcase_add_loop_test(tcase, every_job_ends_exactly_once, 1, 5);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
