/* SPDX-License-Identifier: MIT */
/* pool-jobs: empty jobs through our pool, with a fixed number outstanding: each completion submits the next job. One
 * outstanding measures the round trip. bare-uv.c is its twin.
 */
#include "loop/pool.h"

#include <stdio.h>

struct bench {
        struct loop *loop;
        struct pool *pool;
        struct loop_work begin;
        uint64_t window;
        uint64_t total;
        uint64_t submitted;
        uint64_t done;
        uint64_t failed;
        usec_t start_usec;
};

static void on_job(void *arg _unused_) {
}

static void on_done(void *arg);

static const struct pool_job_ops ops = {
        .name = "bench-job",
        .work = on_job,
        .done = on_done,
        .returned = on_done,
};

static void submit(struct bench *b) {
        if (pool_submit(b->pool, &ops, b, NULL) < 0)
                b->failed++;
        b->submitted++;
}

static void on_done(void *arg) {
        struct bench *b = arg;

        b->done++;
        if (b->submitted < b->total)
                submit(b);
        else if (b->done + b->failed >= b->total)
                loop_exit(b->loop, 0);
}

static void on_begin(struct loop_work *work _unused_, void *arg) {
        struct bench *b = arg;

        b->start_usec = clock_now(CLOCK_ID_MONOTONIC);
        while (b->submitted < b->window && b->submitted < b->total)
                submit(b);
}

static void on_warm(void *arg) {
        struct bench *b = arg;

        loop_work_schedule(&b->begin);
}

static const struct pool_job_ops warm_ops = {
        .name = "bench-warm-up",
        .work = on_job,
        .done = on_warm,
        .returned = on_warm,
};

int main(int argc, char *argv[]) {
        _cleanup_(loop_freep) struct loop *loop = NULL;
        _cleanup_(pool_freep) struct pool *pool = NULL;
        struct bench b = { 0 };
        usec_t took_usec;

        if (argc != 4) {
                fprintf(stderr, "usage: %s TOTAL OUTSTANDING THREADS\n", argv[0]);
                return 2;
        }
        b.total = strtoull(argv[1], NULL, 10);
        b.window = strtoull(argv[2], NULL, 10);
        if (loop_new(&loop) < 0 ||
            pool_new(loop, "bench", (unsigned)strtoul(argv[3], NULL, 10), 0, (unsigned)b.window, &pool) < 0) {
                fprintf(stderr, "%s: cannot set up\n", argv[0]);
                return 1;
        }
        b.loop = loop;
        b.pool = pool;
        loop_work_init(&b.begin, loop, "bench-begin", on_begin, &b);
        if (pool_submit(pool, &warm_ops, &b, NULL) < 0) /* threads are created here, before the clock runs */
                return 1;

        loop_run(loop);
        took_usec = usec_sub(clock_now(CLOCK_ID_MONOTONIC), b.start_usec);
        printf("{\"seconds\": %.6f, \"done\": %llu, \"failed\": %llu}\n", (double)took_usec / (double)USEC_PER_SEC,
               (unsigned long long)b.done, (unsigned long long)b.failed);
        return b.failed > 0;
}
