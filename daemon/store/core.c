/* SPDX-License-Identifier: MIT */
/* core: what the loop and the threads of the store share, see store_private.h. */
#include "store/store_private.h"

#include <sys/eventfd.h>
#include <time.h>

struct store_core *store_core_new(const struct store_options *options) {
        struct store_core *core = calloc(1, sizeof(*core));
        pthread_condattr_t attr;

        if (!core)
                return NULL;
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_mutex_init(&core->mutex, NULL);
        (void)pthread_cond_init(&core->wake, &attr);
        (void)pthread_cond_init(&core->changed, &attr);
        (void)pthread_cond_init(&core->asked, &attr);
        (void)pthread_condattr_destroy(&attr);
        list_init(&core->queries);
        list_init(&core->answered);
        batch_init(&core->queue);
        batch_init(&core->opened);
        core->refs = 1;
        core->keep_usec = options->keep_usec;
        core->keep_runs = options->keep_runs;
        core->session = clock_now(CLOCK_ID_REALTIME);
        core->path = strdup(options->path);
        core->fd = core->path ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -EBADF;
        return core;
}

void store_core_unref(struct store_core *core) {
        unsigned refs;

        (void)pthread_mutex_lock(&core->mutex);
        refs = --core->refs;
        (void)pthread_mutex_unlock(&core->mutex);
        if (refs > 0)
                return;
        batch_clear(&core->queue);
        batch_clear(&core->opened);
        closep(&core->fd);
        free((char *)core->path);
        (void)pthread_cond_destroy(&core->wake);
        (void)pthread_cond_destroy(&core->changed);
        (void)pthread_cond_destroy(&core->asked);
        (void)pthread_mutex_destroy(&core->mutex);
        free(core);
}

void store_core_tell(struct store_core *core) {
        static const uint64_t one = 1;

        core->awaited = false;
        if (core->told)
                return;
        core->told = true;
        (void)!write(core->fd, &one, sizeof(one));
}

bool store_core_wait(struct store_core *core, pthread_cond_t *cond, usec_t until_usec) {
        const struct timespec until = {
                .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                .tv_nsec = (long)(until_usec % USEC_PER_SEC * 1000),
        };

        if (until_usec == USEC_INFINITY)
                return pthread_cond_wait(cond, &core->mutex) == 0;
        return pthread_cond_timedwait(cond, &core->mutex, &until) != ETIMEDOUT;
}
