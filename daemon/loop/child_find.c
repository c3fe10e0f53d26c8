/* SPDX-License-Identifier: MIT */
/* child_find: finds the child in whose tree a process is, see child_find.h.
 *
 *      waiting ──▶ looking (on a thread) ──▶ told, freed
 *         ▲                            │
 *         └── a moment, if its child ◀─┘
 *             may just be starting
 *
 * The thread notes what /proc says of the process and of those above it, and knows nothing of children; the loop compares
 * that with the children there are by then. A child that has not been reaped keeps its pid, and with it its session and
 * process group, so that these name nobody else; of the process itself the pidfd says so, or else when it began.
 *
 * What is not a descendant of this process is of no child, whatever its environment says, and is not asked for it: so others
 * who know how a child's environment looks cannot pass for it.
 *
 * Only reading an environment may block. Searches that take long are taken to hang there, and others go on beside them; when many
 * do, those read none, and do without what only that could tell. So whoever makes it block takes a few threads of the spawner, no more.
 *
 * A child is known a moment later than its process runs, which may have called us by then: as long as some are being
 * started, the search is made again.
 */
#include "loop/child_find.h"

#include "loop/child_private.h"
#include "loop/proc_stat.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define SEARCHING_MAX   4 /* at once, not counting those that take long */
#define HANGING_MAX     4
#define SLOW_USEC       (50 * USEC_PER_MSEC)
#define ANCESTORS_MAX   128
#define ENVIRONMENT_MAX ((size_t)256 * 1024)
#define TRIES_MAX       20
#define AGAIN_USEC      (5 * USEC_PER_MSEC)

/* The process, or one above it. */
struct ancestor {
        pid_t pid;
        pid_t group;
        pid_t session;
};

struct child_search {
        struct spawner_job job;
        struct list link; /* spawner->searches, while it waits for its turn, spawner->searching, or
                             * spawner->searches_paused */
        bool waits;
        usec_t since_usec;       /* when it was handed to a thread */
        bool may_hang;           /* it reads the environment */
        struct spawner *spawner; /* NULL: it is gone, and the owner frees this */
        struct loop_timer again;
        unsigned tries;
        child_found_fn fn; /* NULL: cancelled */
        void *arg;
        struct child_suspect suspect;

        /* of the thread while it is looking */
        bool alive;        /* it is that process still, and a descendant of this one */
        char *cgroup;      /* /proc/PID/cgroup, or NULL */
        char *environment; /* or NULL */
        size_t environment_size;
        struct ancestor ancestors[ANCESTORS_MAX];
        size_t n_ancestors;
};

/* ---- on a thread ---- */

static usec_t ticks_to_usec(uint64_t ticks) {
        return ticks * USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* Up to this process, or the first one. Returns whether it came to this one. One that ends meanwhile has its children adopted:
 * the walk begins anew. */
static bool note_ancestors(struct child_search *search, uint64_t *ret_start_ticks) {
        pid_t self = getpid(), at = search->suspect.pid;

        search->n_ancestors = 0;
        for (unsigned steps = 0; steps < 2 * ANCESTORS_MAX && search->n_ancestors < ANCESTORS_MAX; steps++) {
                struct proc_stat stat;

                if (at == self)
                        return search->n_ancestors > 0;
                if (at <= 0)
                        return false;
                if (proc_stat_read(at, &stat) < 0) {
                        if (search->n_ancestors == 0)
                                return false;
                        search->n_ancestors = 0;
                        at = search->suspect.pid;
                        continue;
                }
                if (search->n_ancestors == 0)
                        *ret_start_ticks = stat.start_ticks;
                search->ancestors[search->n_ancestors++] = (struct ancestor){ at, stat.group, stat.session };
                at = stat.parent;
        }
        return false;
}

/* Asked last: then all that was read is of the process that was meant. */
static bool is_still_it(const struct child_suspect *suspect, uint64_t start_ticks) {
        struct pollfd pollfd = { .fd = suspect->pidfd, .events = POLLIN };

        if (suspect->pidfd >= 0)
                return poll(&pollfd, 1, 0) == 0;
        return ticks_to_usec(start_ticks) <= suspect->begun_by_usec;
}

static void forget(struct child_search *search) {
        free(search->cgroup);
        free(search->environment);
        search->cgroup = search->environment = NULL;
        search->environment_size = 0;
        search->n_ancestors = 0;
}

static void do_search(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
        struct child_search *search = CONTAINER_OF(job, struct child_search, job);
        uint64_t start_ticks = 0;
        char path[32];
        ssize_t n;

        search->alive = note_ancestors(search, &start_ticks);
        if (!search->alive)
                return;
        (void)snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)search->suspect.pid);
        (void)proc_read(path, ENVIRONMENT_MAX, &search->cgroup);
        if (search->may_hang) {
                n = proc_environ_read(search->suspect.pid, ENVIRONMENT_MAX, &search->environment);
                search->environment_size = n > 0 ? (size_t)n : 0;
        }
        search->alive = is_still_it(&search->suspect, start_ticks);
}

/* ---- on the loop ---- */

static bool is_in_group(const struct child_search *search, const struct child *child) {
        /* while a thread is at the tree it may take the group away */
        return search->cgroup && !child->walking && child->tree.cgroup &&
               cgroup_is_named(child->tree.cgroup, search->cgroup);
}

static bool has_marker(const struct child_search *search, const struct child *child) {
        const char *end = search->environment + search->environment_size;

        if (!child->marker || search->environment_size == 0)
                return false;
        for (const char *at = search->environment; at < end; at += strlen(at) + 1)
                if (streq(at, child->marker))
                        return true;
        return false;
}

static bool leads(const struct child *child, const struct ancestor *ancestor) {
        pid_t pid = child->tree.walk.pid;

        return ancestor->pid == pid || ancestor->session == pid || ancestor->group == pid;
}

/* The nearest above it. */
static struct child *find_above(const struct child_search *search) {
        struct child *child;

        for (size_t i = 0; i < search->n_ancestors; i++)
                list_for_each_entry(child, &search->spawner->children, link)
                        if (child_has_tree(child) && leads(child, &search->ancestors[i]))
                                return child;
        return NULL;
}

/* @ret_starting: what is not found may be of a child that is just being started. */
static struct child *find(const struct child_search *search, bool *ret_starting) {
        struct child *child, *above;

        *ret_starting = false;
        if (!search->alive)
                return NULL;
        list_for_each_entry(child, &search->spawner->children, link) {
                if (child_has_tree(child) && is_in_group(search, child))
                        return child;
                *ret_starting = *ret_starting || child->state == CHILD_STARTING;
        }
        above = find_above(search);
        if (above)
                return above;
        list_for_each_entry(child, &search->spawner->children, link)
                if (child_has_tree(child) && has_marker(search, child))
                        return child;
        return NULL;
}

static void search_free(struct child_search *search) {
        list_remove(&search->link);
        loop_timer_done(&search->again);
        closep(&search->suspect.pidfd);
        forget(search);
        free(search);
}

void child_searches_go_on(struct spawner *spawner) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        unsigned n = 0, n_slow = 0;
        struct child_search *search;

        list_for_each_entry(search, &spawner->searching, link) {
                bool slow = usec_sub(now, search->since_usec) >= SLOW_USEC;

                n += !slow;
                n_slow += slow;
        }
        for (; n < SEARCHING_MAX && !list_empty(&spawner->searches); n++) {
                search = list_first_entry(&spawner->searches, struct child_search, link);
                list_remove(&search->link);
                list_append(&spawner->searching, &search->link);
                search->waits = false;
                search->since_usec = now;
                search->may_hang = n_slow < HANGING_MAX;
                (void)spawner_submit(spawner, &search->job, true); /* urgent ones are never refused */
        }
}

static void wait_for_turn(struct child_search *search) {
        search->waits = true;
        list_remove(&search->link);
        list_append(&search->spawner->searches, &search->link);
        child_searches_go_on(search->spawner);
}

static void on_again(struct loop_timer *timer _unused_, void *arg) {
        wait_for_turn(arg);
}

static void on_searched(struct spawner_job *job) {
        struct child_search *search = CONTAINER_OF(job, struct child_search, job);
        struct spawner *spawner = search->spawner;
        bool starting;
        struct child *child = find(search, &starting);

        list_remove(&search->link);
        if (search->fn && !child && starting && ++search->tries < TRIES_MAX) {
                forget(search);
                list_append(&spawner->searches_paused, &search->link);
                loop_timer_set(&search->again, usec_add(clock_now(CLOCK_ID_MONOTONIC), AGAIN_USEC));
        } else {
                child_found_fn fn = search->fn;
                void *arg = search->arg;

                search_free(search);
                if (fn)
                        fn(child, arg);
        }
        child_searches_go_on(spawner);
}

int child_find(struct spawner *spawner, const struct child_suspect *suspect, child_found_fn fn, void *arg,
               struct child_search **ret) {
        bool any = spawner && !list_empty(&spawner->children);
        struct child_search *search = any ? calloc(1, sizeof(*search)) : NULL;
        int pidfd = suspect->pidfd, r = any ? -ENOMEM : -ENOENT;

        if (search)
                r = loop_timer_init(&search->again, spawner->loop, CLOCK_ID_MONOTONIC, "child search", on_again,
                                    search);
        if (r < 0) {
                free(search);
                closep(&pidfd);
                return r;
        }
        search->job = (struct spawner_job){ .work = do_search, .done = on_searched };
        search->spawner = spawner;
        search->fn = fn;
        search->arg = arg;
        search->suspect = *suspect;
        list_init(&search->link);
        wait_for_turn(search);
        *ret = search;
        return 0;
}

struct child_search *child_search_cancel(struct child_search *search) {
        if (!search)
                return NULL;
        search->fn = NULL;
        if (!search->spawner || search->waits || loop_timer_armed(&search->again))
                search_free(search); /* else a thread has it */
        return NULL;
}

void child_searches_end(struct spawner *spawner) {
        list_splice(&spawner->searches, &spawner->searching);
        list_splice(&spawner->searches, &spawner->searches_paused);
        while (!list_empty(&spawner->searches)) {
                struct child_search *search = list_first_entry(&spawner->searches, struct child_search, link);

                list_remove(&search->link);
                loop_timer_set(&search->again, USEC_INFINITY);
                search->spawner = NULL;
                if (!search->fn)
                        search_free(search);
        }
}
