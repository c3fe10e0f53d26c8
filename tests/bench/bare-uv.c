/* SPDX-License-Identifier: MIT */
/* bare-uv: empty jobs through libuv's thread pool, as the yardstick of the pool row. Its window, its jobs and its way
 * of counting are those of pool-jobs.c. The number of threads is UV_THREADPOOL_SIZE.
 */
#include "base/macros.h"

#include <stdio.h>
#include <uv.h>

struct bench {
        uint64_t total;
        uint64_t submitted;
        uint64_t done;
};

static void on_work(uv_work_t *work _unused_) {
}

static void on_done(uv_work_t *work, int status _unused_) {
        struct bench *b = work->data;

        b->done++;
        if (b->submitted < b->total && uv_queue_work(work->loop, work, on_work, on_done) == 0)
                b->submitted++;
}

int main(int argc, char *argv[]) {
        struct bench b = { 0 };
        uv_work_t *jobs;
        uint64_t start, window;

        if (argc != 3) {
                fprintf(stderr, "usage: %s TOTAL OUTSTANDING\n", argv[0]);
                return 2;
        }
        b.total = strtoull(argv[1], NULL, 10);
        window = strtoull(argv[2], NULL, 10);
        jobs = calloc(window, sizeof(*jobs));
        if (!jobs)
                return 1;

        /* Threads are created by the first job: not part of the measurement. */
        b.submitted = b.total;
        jobs[0].data = &b;
        uv_queue_work(uv_default_loop(), jobs, on_work, on_done);
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
        b.submitted = b.done = 0;

        start = uv_hrtime();
        for (uint64_t i = 0; i < window && b.submitted < b.total; i++) {
                jobs[i].data = &b;
                if (uv_queue_work(uv_default_loop(), jobs + i, on_work, on_done) == 0)
                        b.submitted++;
        }
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
        printf("{\"seconds\": %.6f, \"done\": %llu, \"failed\": 0}\n", (double)(uv_hrtime() - start) / 1e9,
               (unsigned long long)b.done);
        free(jobs);
        return 0;
}
