/* SPDX-License-Identifier: MIT */
/* spawner: threads that create processes, and walk their trees.
 *
 * Two threads serve two queues, first what is urgent (signals and kills), then spawns in their order. A job that hangs
 * (a FIFO, a dead file server, a directory service that does not answer) holds up its thread; a timer on the loop, armed
 * only while jobs are at work, notices that, and adds twice as many threads as are stuck, so that what is healthy goes
 * on whatever hangs. On a machine that is too busy every job takes long, and more threads would make it busier: so it
 * takes the longer to be stuck, the more threads there are. Threads are never ended before the spawner is: a process belongs to the thread that created it, and
 * would pass to the main thread, where it could no longer be told from an inherited orphan.
 *
 * A finished job is put on a list; the eventfd is written only when that list was empty.
 *
 * Orphans: as child subreaper the daemon inherits processes whose parents have ended. The kernel gives them to its first
 * thread, the loop's, whose own children they are; it never spawns itself. So waiting with __WNOTHREAD there meets
 * inherited ones only, and ECHILD means, for the price of one system call, that no main process which has ended has left
 * anybody.
 */
#include "loop/spawner.h"

#include "loop/child_exec.h"
#include "loop/child_user.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define THREADS_MIN  2
#define THREADS_MAX  256 /* so many jobs may hang at once; as many as runs, by default */
#define QUEUED_MAX   4096
#define THREAD_STACK ((size_t)256 * 1024)
#define STUCK_USEC   (50 * USEC_PER_MSEC) /* for the first threads; the more there are, the longer */
#define FREE_USEC    USEC_PER_SEC

#if defined(__SANITIZE_THREAD__)
#define PLAIN_FORK true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLAIN_FORK true
#endif
#endif
#ifndef PLAIN_FORK
#define PLAIN_FORK false
#endif

/* ---- threads ---- */

static struct spawner_job *next_job(struct spawner *spawner) {
        struct spawner_job *job = list_first_entry(&spawner->urgent, struct spawner_job, link);

        if (!job) {
                job = list_first_entry(&spawner->queued, struct spawner_job, link);
                if (!job)
                        return NULL;
                spawner->n_queued--;
        }
        list_remove(&job->link);
        return job;
}

/* With the lock held, which it gives up while it works. */
static void work(struct spawner *spawner, struct spawner_thread *thread, struct spawner_job *job) {
        bool first;

        thread->job = job;
        thread->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        (void)pthread_mutex_unlock(&spawner->lock);
        job->work(job, thread);
        (void)pthread_mutex_lock(&spawner->lock);
        thread->job = NULL;
        first = list_empty(&spawner->finished);
        list_append(&spawner->finished, &job->link);
        if (first)
                (void)eventfd_write(spawner->event_fd, 1);
}

static void *thread_main(void *arg) {
        struct spawner_thread *thread = arg;
        struct spawner *spawner = thread->spawner;

        (void)pthread_mutex_lock(&spawner->lock);
        while (!spawner->stopping) {
                struct spawner_job *job = next_job(spawner);

                if (job) {
                        work(spawner, thread, job);
                        continue;
                }
                spawner->n_idle++;
                (void)pthread_cond_wait(&spawner->wake, &spawner->lock);
                spawner->n_idle--;
        }
        spawner->n_threads--;
        (void)pthread_cond_signal(&spawner->ended);
        (void)pthread_mutex_unlock(&spawner->lock);
        return NULL;
}

static struct spawner_thread *thread_free(struct spawner_thread *thread) {
        for (size_t i = 0; i < ARRAY_SIZE(thread->slots); i++)
                closep(&thread->slots[i]);
        if (thread->stack)
                (void)munmap(thread->stack, CHILD_STACK_SIZE);
        free(thread);
        return NULL;
}

/* With all signals blocked: no handler of the daemon may run in a child that shares its memory. */
static int create_thread(struct spawner_thread *thread) {
        pthread_attr_t attr;
        sigset_t all, old;
        int r;

        r = pthread_attr_init(&attr);
        if (r > 0)
                return -r;
        (void)pthread_attr_setstacksize(&attr, THREAD_STACK);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&thread->thread, &attr, thread_main, thread);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
        (void)pthread_attr_destroy(&attr);
        return -r;
}

/* The children of a thread without slots copy a larger table. */
static void give_slots(struct spawner *spawner, struct spawner_thread *thread) {
        bool any = spawner->n_slots_given < SPAWNER_THREADS_WITH_SLOTS;
        int *slots = any ? spawner->slots[spawner->n_slots_given] : NULL;

        for (size_t i = 0; i < SPAWNER_SLOTS; i++) {
                thread->slots[i] = any ? slots[i] : -EBADF;
                if (any)
                        slots[i] = -EBADF;
        }
        spawner->n_slots_given += any;
}

/* With the lock held. */
static int add_thread(struct spawner *spawner) {
        struct spawner_thread *thread = calloc(1, sizeof(*thread));
        int r;

        if (!thread)
                return -ENOMEM;
        thread->spawner = spawner;
        give_slots(spawner, thread);
        r = create_thread(thread);
        if (r < 0) {
                thread_free(thread);
                return r;
        }
        list_append(&spawner->threads, &thread->link);
        spawner->n_threads++;
        return 0;
}

/* ---- jobs ---- */

static void watch_threads(struct spawner *spawner) {
        if (!loop_timer_armed(&spawner->stuck_timer))
                loop_timer_set(&spawner->stuck_timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), STUCK_USEC));
}

int spawner_submit(struct spawner *spawner, struct spawner_job *job, bool urgent) {
        int r = 0;

        (void)pthread_mutex_lock(&spawner->lock);
        if (urgent) {
                list_append(&spawner->urgent, &job->link);
        } else if (spawner->n_queued < QUEUED_MAX) {
                list_append(&spawner->queued, &job->link);
                spawner->n_queued++;
        } else {
                r = -EAGAIN;
        }
        if (r == 0 && spawner->n_idle > 0)
                (void)pthread_cond_signal(&spawner->wake);
        (void)pthread_mutex_unlock(&spawner->lock);
        if (r == 0)
                watch_threads(spawner);
        return r;
}

static bool is_worked_on(const struct spawner *spawner, const struct spawner_job *job) {
        const struct spawner_thread *thread;

        list_for_each_entry(thread, &spawner->threads, link)
                if (thread->job == job)
                        return true;
        return false;
}

static bool contains(const struct list *head, const struct list *link) {
        for (const struct list *at = head->next; at != head; at = at->next)
                if (at == link)
                        return true;
        return false;
}

bool spawner_withdraw(struct spawner *spawner, struct spawner_job *job) {
        bool queued;

        (void)pthread_mutex_lock(&spawner->lock);
        queued = !is_worked_on(spawner, job) && contains(&spawner->queued, &job->link);
        if (queued) {
                list_remove(&job->link);
                spawner->n_queued--;
        }
        (void)pthread_mutex_unlock(&spawner->lock);
        return queued;
}

static void take_finished(struct spawner *spawner) {
        struct list finished = LIST_INIT(finished);
        struct spawner_job *job;

        (void)pthread_mutex_lock(&spawner->lock);
        list_splice(&finished, &spawner->finished);
        (void)pthread_mutex_unlock(&spawner->lock);
        while (!loop_share_used(spawner->loop) && (job = list_first_entry(&finished, struct spawner_job, link))) {
                list_remove(&job->link);
                job->done(job);
                if (!list_empty(&finished)) /* each is for another child */
                        loop_switch(spawner->loop, "spawner finished");
        }
        if (list_empty(&finished))
                return;
        /* The rest in a later turn, before what was finished meanwhile; threads tell only of an empty list. */
        (void)pthread_mutex_lock(&spawner->lock);
        list_splice(&finished, &spawner->finished);
        list_splice(&spawner->finished, &finished);
        (void)pthread_mutex_unlock(&spawner->lock);
        (void)eventfd_write(spawner->event_fd, 1);
}

static void on_finished(struct loop_io *io, int fd, unsigned events, void *arg) {
        eventfd_t value;

        (void)io;
        (void)events;
        (void)eventfd_read(fd, &value);
        take_finished(arg);
}

/* Adds threads when all are at work, work waits, and some seem to hang. */
static void on_stuck_timer(struct loop_timer *timer, void *arg) {
        struct spawner *spawner = arg;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC), after_usec;
        unsigned stuck = 0, wanted;
        struct spawner_thread *thread;
        bool waiting, busy;

        (void)pthread_mutex_lock(&spawner->lock);
        after_usec = STUCK_USEC * spawner->n_threads / THREADS_MIN;
        list_for_each_entry(thread, &spawner->threads, link)
                stuck += thread->job && usec_sub(now, thread->since_usec) >= after_usec;
        waiting = !list_empty(&spawner->urgent) || !list_empty(&spawner->queued);
        wanted = MIN(THREADS_MIN + 2 * stuck, (unsigned)THREADS_MAX);
        while (waiting && spawner->n_idle == 0 && spawner->n_threads < wanted)
                if (add_thread(spawner) < 0) /* then they wait for those that hang */
                        break;
        busy = waiting || spawner->n_idle < spawner->n_threads;
        (void)pthread_mutex_unlock(&spawner->lock);
        if (busy)
                loop_timer_set(timer, usec_add(now, STUCK_USEC));
        child_looks_go_on(spawner);
        child_searches_go_on(spawner);
}

/* ---- orphans ---- */

bool spawner_has_orphans(struct spawner *spawner) {
        for (;;) {
                siginfo_t info = { 0 };

                if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WNOTHREAD) < 0)
                        return false;
                if (info.si_pid == 0)
                        return true;
                spawner->orphans_reaped = true;
        }
}

static void on_sigchld(_unused_ int signo, void *arg) {
        struct spawner *spawner = arg;

        /* Those of the last moments may have been reaped on the way to something else. */
        if (spawner_has_orphans(spawner) && !spawner->orphans_reaped)
                return;
        spawner->orphans_reaped = false;
        child_on_orphans(spawner);
}

static void on_linger_timer(struct loop_timer *timer, void *arg) {
        (void)timer;
        child_on_linger(arg);
}

/* ---- life ---- */

/* OOMScoreAdjust= of the unit, usually. One above 0 is meant for everything that the daemon's own parent runs. */
static bool is_oom_protected(void) {
        _cleanup_(closep) int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
        char sign;

        return fd >= 0 && read(fd, &sign, 1) == 1 && sign == '-';
}

static int prepare_process(struct spawner *spawner) {
        struct rlimit raised;

        if (prctl(PR_SET_CHILD_SUBREAPER, 1L) < 0 || getrlimit(RLIMIT_NOFILE, &spawner->nofile) < 0)
                return -errno;
        spawner->oom_protected = is_oom_protected();
        raised = spawner->nofile;
        raised.rlim_cur = raised.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &raised); /* best effort */
        /* Without it children cannot get out of the shared table. */
        atomic_init(&spawner->plain_fork, PLAIN_FORK || syscall(SYS_close_range, ~0U, ~0U, 0U) < 0);
        return 0;
}

static int *slot_of(struct spawner *spawner, size_t i) {
        return &spawner->slots[i / SPAWNER_SLOTS][i % SPAWNER_SLOTS];
}

static int open_descriptors(struct spawner *spawner) {
        spawner->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (spawner->null_fd < 0)
                return -errno;
        for (size_t i = 0; i < SPAWNER_THREADS_WITH_SLOTS * SPAWNER_SLOTS; i++) {
                *slot_of(spawner, i) = fcntl(spawner->null_fd, F_DUPFD_CLOEXEC, 3);
                if (*slot_of(spawner, i) < 0)
                        return -errno;
        }
        spawner->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        return spawner->event_fd < 0 ? -errno : 0;
}

static int watch(struct spawner *spawner) {
        int r;

        r = loop_io_new(spawner->loop, spawner->event_fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "spawner finished",
                        on_finished, spawner, &spawner->io);
        if (r < 0)
                return r;
        r = loop_timer_init(&spawner->stuck_timer, spawner->loop, CLOCK_ID_MONOTONIC, "spawner stuck", on_stuck_timer,
                            spawner);
        if (r < 0)
                return r;
        r = loop_timer_init(&spawner->linger_timer, spawner->loop, CLOCK_ID_MONOTONIC, "child linger", on_linger_timer,
                            spawner);
        if (r < 0)
                return r;
        return loop_signal_new(spawner->loop, SIGCHLD, "spawner sigchld", on_sigchld, spawner, &spawner->sigchld);
}

static int start_threads(struct spawner *spawner) {
        int r = 0;

        (void)pthread_mutex_lock(&spawner->lock);
        while (r >= 0 && spawner->n_threads < THREADS_MIN)
                r = add_thread(spawner);
        (void)pthread_mutex_unlock(&spawner->lock);
        return r;
}

static void init(struct spawner *spawner, struct loop *loop) {
        pthread_condattr_t attr;

        *spawner = (struct spawner){ .loop = loop, .null_fd = -EBADF, .event_fd = -EBADF };
        list_init(&spawner->children);
        list_init(&spawner->lingering);
        list_init(&spawner->looks);
        list_init(&spawner->looking);
        list_init(&spawner->looked);
        list_init(&spawner->searches);
        list_init(&spawner->searching);
        list_init(&spawner->searches_paused);
        list_init(&spawner->given);
        list_init(&spawner->closings);
        list_init(&spawner->urgent);
        list_init(&spawner->queued);
        list_init(&spawner->finished);
        list_init(&spawner->threads);
        for (size_t i = 0; i < SPAWNER_THREADS_WITH_SLOTS * SPAWNER_SLOTS; i++)
                *slot_of(spawner, i) = -EBADF;
        spawner->loop_tid = (pid_t)syscall(SYS_gettid);
        (void)pthread_mutex_init(&spawner->lock, NULL);
        dumpable_init(&spawner->dumpable);
        (void)pthread_cond_init(&spawner->wake, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&spawner->ended, &attr);
        (void)pthread_condattr_destroy(&attr);
}

int spawner_new(struct loop *loop, struct spawner **ret) {
        _cleanup_(spawner_freep) struct spawner *spawner = malloc(sizeof(*spawner));
        int r;

        if (!spawner)
                return -ENOMEM;
        init(spawner, loop);
        spawner->buffer = malloc(OUTPUT_BUFFER);
        if (!spawner->buffer)
                return -ENOMEM;
        r = child_users_new(&spawner->users);
        if (r < 0)
                return r;
        r = prepare_process(spawner);
        if (r < 0)
                return r;
        r = open_descriptors(spawner);
        if (r < 0)
                return r;
        r = watch(spawner);
        if (r < 0)
                return r;
        r = file_sink_new(loop, &spawner->dumpable, &spawner->files);
        if (r < 0)
                return r;
        r = start_threads(spawner);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(spawner);
        return 0;
}

void spawner_use_cgroups(struct spawner *spawner, struct cgroup_tree *tree) {
        spawner->cgroups = tree;
}

void spawner_use_notify(struct spawner *spawner, struct notify_dir *dir) {
        spawner->notify_dir = dir;
}

void spawner_reopen_files(struct spawner *spawner) {
        file_sink_reopen(spawner->files);
}

void spawner_flush_files(struct spawner *spawner, usec_t timeout_usec) {
        (void)file_sink_flush(spawner->files, timeout_usec);
}

const struct cgroup_tree *spawner_get_cgroups(const struct spawner *spawner) {
        return spawner->cgroups;
}

/* Returns whether all threads have ended. */
static bool stop_threads(struct spawner *spawner, usec_t deadline_usec) {
        const struct timespec until = {
                .tv_sec = (time_t)(deadline_usec / USEC_PER_SEC),
                .tv_nsec = (long)(deadline_usec % USEC_PER_SEC) * 1000,
        };
        struct spawner_thread *thread, *tmp;
        bool all;

        (void)pthread_mutex_lock(&spawner->lock);
        spawner->stopping = true;
        (void)pthread_cond_broadcast(&spawner->wake);
        while (spawner->n_threads > 0)
                if (pthread_cond_timedwait(&spawner->ended, &spawner->lock, &until) == ETIMEDOUT)
                        break;
        all = spawner->n_threads == 0;
        (void)pthread_mutex_unlock(&spawner->lock);
        if (!all)
                return false;
        list_for_each_entry_safe(thread, tmp, &spawner->threads, link) {
                (void)pthread_join(thread->thread, NULL);
                list_remove(&thread->link);
                thread_free(thread);
        }
        return true;
}

static void unwatch(struct spawner *spawner) {
        loop_signal_free(spawner->sigchld);
        loop_timer_done(&spawner->linger_timer);
        loop_timer_done(&spawner->stuck_timer);
        loop_io_free(spawner->io);
}

struct spawner *spawner_free(struct spawner *spawner) {
        usec_t deadline_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), FREE_USEC);

        if (!spawner)
                return NULL;
        child_forget_all(spawner);
        unwatch(spawner);
        if (!stop_threads(spawner, deadline_usec))
                return NULL; /* a thread hangs and uses all this: it goes with the process */

        child_end_all(spawner, deadline_usec);
        child_looks_end(spawner);
        child_searches_end(spawner);
        child_files_end(spawner);
        if (file_sink_free(spawner->files))
                return NULL; /* so does one of its */
        cgroup_tree_free(spawner->cgroups);
        notify_dir_free(spawner->notify_dir);
        child_users_free(spawner->users);
        for (size_t i = 0; i < SPAWNER_THREADS_WITH_SLOTS * SPAWNER_SLOTS; i++)
                closep(slot_of(spawner, i));
        closep(&spawner->event_fd);
        closep(&spawner->null_fd);
        (void)pthread_cond_destroy(&spawner->ended);
        (void)pthread_cond_destroy(&spawner->wake);
        (void)pthread_mutex_destroy(&spawner->lock);
        dumpable_done(&spawner->dumpable);
        free(spawner->buffer);
        free(spawner);
        return NULL;
}
