/* SPDX-License-Identifier: MIT */
/* watchdog: reports a loop that is stuck, see watchdog.h.
 *
 * The thread wakes about once a second and compares two numbers; while nothing is stuck it does no more. What the
 * kernel says about the loop's thread is read first, because the signal that comes next changes it. The signal is
 * SIGURG: ignored by default, so that one too many harms nobody. Its handler takes the stack and copies the subject,
 * which is valid there and nowhere else, and answers through a semaphore. A thread in uninterruptible sleep does not
 * answer; then the request is taken back, and the report goes without a stack.
 */
#include "loop/watchdog.h"

#include "base/log.h"
#include "base/thread.h"

#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define WATCHDOG_SIGNAL SIGURG
#define FRAMES_MAX      48
#define FRAMES_SKIPPED  2 /* the handler, and how the kernel called it */
#define PERIOD_MIN_USEC (10 * USEC_PER_MSEC)
#define PERIOD_MAX_USEC USEC_PER_SEC
#define ANSWER_SEC      1

struct watchdog {
        struct loop *loop;
        usec_t stuck_usec;
        pthread_t loop_thread;
        pid_t loop_tid;
        struct sigaction before;

        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t cond;
        bool stopping;

        /* Between the thread, which asks, and the handler on the loop's thread. */
        atomic_bool requested;
        sem_t answered;
        void *frames[FRAMES_MAX];
        int n_frames;
        char subject[128];
};

/* Whom a signal to this thread is for: a handler is given no argument that could be trusted. */
static _Thread_local struct watchdog *here;

static void on_signal(_unused_ int signo) {
        struct watchdog *watchdog = here;
        int saved = errno;
        const char *subject;

        if (!watchdog || !atomic_exchange(&watchdog->requested, false))
                return;
        watchdog->n_frames = backtrace(watchdog->frames, FRAMES_MAX);
        subject = loop_subject(watchdog->loop);
        watchdog->subject[0] = '\0';
        if (subject)
                strncat(watchdog->subject, subject, sizeof(watchdog->subject) - 1);
        (void)sem_post(&watchdog->answered);
        errno = saved;
}

/* ---- on the thread ---- */

/* The first word of a file about the loop's thread, or "?". */
static void read_proc(const struct watchdog *watchdog, const char *file, char *ret, size_t size) {
        _cleanup_(closep) int fd = -EBADF;
        char path[64];
        ssize_t n = 0;

        (void)snprintf(path, sizeof(path), "/proc/self/task/%d/%s", (int)watchdog->loop_tid, file);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
                n = read(fd, ret, size - 1);
        ret[MAX(n, 0)] = '\0';
        ret[strcspn(ret, " \n")] = '\0';
        if (ret[0] == '\0')
                (void)snprintf(ret, size, "?");
}

static bool await_answer(struct watchdog *watchdog) {
        struct timespec until;

        (void)clock_gettime(CLOCK_REALTIME, &until); /* what sem_timedwait() goes by; set back, it only waits longer */
        until.tv_sec += ANSWER_SEC;
        while (sem_timedwait(&watchdog->answered, &until) < 0)
                if (errno != EINTR)
                        return false;
        return true;
}

/* Has the loop's thread tell its stack and subject. */
static bool ask(struct watchdog *watchdog) {
        atomic_store(&watchdog->requested, true);
        if (pthread_kill(watchdog->loop_thread, WATCHDOG_SIGNAL) == 0 && await_answer(watchdog))
                return true;
        if (atomic_exchange(&watchdog->requested, false))
                return false;
        /* The handler has begun meanwhile, and will answer. */
        while (sem_wait(&watchdog->answered) < 0)
                ;
        return true;
}

static void log_stack(struct watchdog *watchdog) {
        _cleanup_(freep) char **symbols = NULL;

        symbols = backtrace_symbols(watchdog->frames, watchdog->n_frames);
        if (!symbols)
                return;
        for (int i = FRAMES_SKIPPED; i < watchdog->n_frames; i++)
                log_error("  #%d %s", i - FRAMES_SKIPPED, symbols[i]);
}

static void report_stuck(struct watchdog *watchdog, const struct loop_activity *activity, usec_t now_usec) {
        struct log_context context = { .event = EVENT_LOOP_STUCK, .place = LOG_HERE };
        usec_t stuck_usec = usec_sub(now_usec, activity->since_usec);
        char wchan[64], syscall[32];
        bool answered;

        read_proc(watchdog, "wchan", wchan, sizeof(wchan));
        read_proc(watchdog, "syscall", syscall, sizeof(syscall));
        answered = ask(watchdog);
        if (answered && watchdog->subject[0])
                context.task = watchdog->subject;
        log_record(event_id_level(context.event), &context,
                   "loop stuck for %" PRIu64 ".%03us in %s (wchan %s, syscall %s)%s", stuck_usec / USEC_PER_SEC,
                   (unsigned)(stuck_usec / USEC_PER_MSEC % 1000), activity->callback, wchan, syscall,
                   answered ? ", at:" : ", and does not answer a signal");
        if (answered)
                log_stack(watchdog);
}

static void report_back(const struct loop_activity *activity, usec_t now_usec) {
        const struct log_context context = { .event = EVENT_LOOP_UNSTUCK, .place = LOG_HERE };
        usec_t took_usec = usec_sub(now_usec, activity->since_usec);

        log_record(event_id_level(context.event), &context, "loop goes on after about %" PRIu64 ".%03us in %s",
                   took_usec / USEC_PER_SEC, (unsigned)(took_usec / USEC_PER_MSEC % 1000), activity->callback);
}

/* @reported: the stuck callback that was reported last; all zero when it has returned. */
static void look(struct watchdog *watchdog, struct loop_activity *reported) {
        usec_t now_usec = clock_now(CLOCK_ID_MONOTONIC);
        struct loop_activity activity;

        loop_get_activity(watchdog->loop, &activity);
        if (reported->since_usec > 0) {
                if (activity.since_usec == reported->since_usec)
                        return;
                report_back(reported, now_usec);
                *reported = (struct loop_activity){ 0 };
        }
        if (activity.since_usec == 0 || !activity.callback ||
            usec_sub(now_usec, activity.since_usec) < watchdog->stuck_usec)
                return;
        report_stuck(watchdog, &activity, now_usec);
        *reported = activity;
}

/* With the mutex held, which it releases meanwhile. */
static void nap(struct watchdog *watchdog) {
        usec_t period_usec = MAX(PERIOD_MIN_USEC, MIN(watchdog->stuck_usec / 2, PERIOD_MAX_USEC));
        usec_t until_usec = clock_now(CLOCK_ID_MONOTONIC) + period_usec;
        const struct timespec until = {
                .tv_sec = (time_t)(until_usec / USEC_PER_SEC),
                .tv_nsec = (long)(until_usec % USEC_PER_SEC * 1000),
        };

        (void)pthread_cond_timedwait(&watchdog->cond, &watchdog->mutex, &until);
}

static void *watchdog_main(void *arg) {
        struct watchdog *watchdog = arg;
        struct loop_activity reported = { 0 };

        (void)pthread_mutex_lock(&watchdog->mutex);
        while (!watchdog->stopping) {
                nap(watchdog);
                (void)pthread_mutex_unlock(&watchdog->mutex);
                look(watchdog, &reported);
                (void)pthread_mutex_lock(&watchdog->mutex);
        }
        (void)pthread_mutex_unlock(&watchdog->mutex);
        return NULL;
}

/* ---- on the loop ---- */

static void watchdog_destroy(struct watchdog *watchdog) {
        (void)sem_destroy(&watchdog->answered);
        (void)pthread_cond_destroy(&watchdog->cond);
        (void)pthread_mutex_destroy(&watchdog->mutex);
        free(watchdog);
}

static void watchdog_init(struct watchdog *watchdog, struct loop *loop, usec_t stuck_usec) {
        pthread_condattr_t attr;

        watchdog->loop = loop;
        watchdog->stuck_usec = stuck_usec;
        watchdog->loop_thread = pthread_self();
        watchdog->loop_tid = gettid();
        (void)sem_init(&watchdog->answered, 0, 0);
        (void)pthread_mutex_init(&watchdog->mutex, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&watchdog->cond, &attr);
        (void)pthread_condattr_destroy(&attr);
}

int watchdog_start(struct loop *loop, usec_t stuck_usec, struct watchdog **ret) {
        struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
        struct watchdog *watchdog;
        int r;

        watchdog = calloc(1, sizeof(*watchdog));
        if (!watchdog)
                return -ENOMEM;
        watchdog_init(watchdog, loop, stuck_usec);
        (void)backtrace(watchdog->frames, 1); /* the first call loads a library, which no handler may do */

        here = watchdog;
        (void)sigaction(WATCHDOG_SIGNAL, &action, &watchdog->before);
        r = thread_start("watchdog", watchdog_main, watchdog, &watchdog->thread);
        if (r < 0) {
                (void)sigaction(WATCHDOG_SIGNAL, &watchdog->before, NULL);
                here = NULL;
                watchdog_destroy(watchdog);
                return r;
        }
        *ret = watchdog;
        return 0;
}

struct watchdog *watchdog_stop(struct watchdog *watchdog) {
        if (!watchdog)
                return NULL;

        (void)pthread_mutex_lock(&watchdog->mutex);
        watchdog->stopping = true;
        (void)pthread_cond_signal(&watchdog->cond);
        (void)pthread_mutex_unlock(&watchdog->mutex);
        (void)pthread_join(watchdog->thread, NULL);

        (void)sigaction(WATCHDOG_SIGNAL, &watchdog->before, NULL);
        here = NULL;
        watchdog_destroy(watchdog);
        return NULL;
}
