/* SPDX-License-Identifier: MIT */
/* child_inspect: looks at the processes of children, see child_inspect.h.
 *
 * A look is a job of the spawner with handles of its own on what it needs of the child: so the child may end and be
 * destroyed while a thread hangs in the middle of it. What it found is worth nothing then, because pids and the cgroup may
 * mean others already, and is dropped.
 *
 *      waiting ──▶ looking (on a thread) ──▶ told, freed
 *         ▲                            │
 *         └── a while, if some want ◀──┘
 *             a second look
 *
 * LOOKING_MAX looks are under way at once, not counting those that take long: they are taken to hang, and the spawner
 * makes up for their threads. They go to the urgent queue: when spawns hang, people ask why.
 *
 * A pid that was found may come to name another process before it is looked at. Then one line is wrong for once; nothing
 * is ever done to a process because of it.
 */
#include "loop/child_inspect.h"

#include "base/utf8.h"
#include "loop/child_tree.h"
#include "loop/spawner.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define LOOKING_MAX 2
#define SLOW_USEC   (50 * USEC_PER_MSEC)
#define STUCK_USEC  USEC_PER_SEC
#define PIDS_MAX    ((size_t)32 * 1024) /* more are not counted */

struct child_look {
        struct spawner_job job;
        struct list link; /* spawner->looks or spawner->looking */
        struct spawner *spawner;
        struct child *child; /* NULL: it is gone */
        struct list inspections;
        usec_t since_usec;       /* when it was handed to a thread; 0: it waits */
        struct loop_timer again; /* a second look is due */

        /* of the look before, when this is the second */
        struct child_process *before;
        size_t n_before;

        /* of the thread while it is looking */
        struct child_tree tree;
        int error;
        pid_t *pids;
        size_t n_pids;
        struct child_process *list;
        size_t n;
};

struct child_inspection {
        struct list link; /* look->inspections */
        bool twice;
        child_inspected_fn fn;
        void *arg;
};

/* ---- one process ---- */

static ssize_t read_file(int dir_fd, const char *name, char *buf, size_t size) {
        _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return n;
}

/* Copies the @n bytes at @text, as much as fits, with what could harm a terminal or a message replaced. */
static void copy_safely(const char *text, size_t n, char *buf, size_t size) {
        size_t used = 0;

        while (n > 0 && text[n - 1] == '\0') /* behind the last word, and where a title was written over the others */
                n--;
        for (size_t i = 0; i < n;) {
                size_t length = utf8_length(text + i, n - i);
                bool plain = length > 0 && !utf8_is_control(text + i, length) && text[i] != '\t';

                if (used + MAX(length, (size_t)1) >= size)
                        break;
                if (plain)
                        memcpy(buf + used, text + i, length);
                else
                        buf[used] = text[i] == '\0' ? ' ' : '?';
                used += plain ? length : 1;
                i += MAX(length, (size_t)1);
        }
        buf[used] = '\0';
}

static usec_t ticks_to_usec(uint64_t ticks) {
        return ticks * USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* What the clock of @pid says, which is finer than the ticks of its stat; 0: it has none any more. */
static usec_t read_cpu_clock(pid_t pid) {
        struct timespec time;
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
                return 0;
        return (usec_t)time.tv_sec * USEC_PER_SEC + (usec_t)time.tv_nsec / 1000;
}

static bool parse_stat(const char *line, struct child_process *process) {
        const char *name = strchr(line, '('), *end = strrchr(line, ')'); /* between them there may be anything */
        uint64_t user, system, started, pages;
        int n;

        if (!name || !end || end < name)
                return false;
        n = sscanf(end + 1,
                   " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64 " %*d %*d %*d %*d %u %*d %" SCNu64
                   " %*u %" SCNu64,
                   &process->state, &process->parent, &user, &system, &process->threads, &started, &pages);
        if (n != 7)
                return false;
        copy_safely(name + 1, (size_t)(end - name) - 1, process->name, sizeof(process->name));
        process->started_usec = ticks_to_usec(started);
        process->memory = pages * (uint64_t)sysconf(_SC_PAGESIZE);
        process->cpu_usec = MAX(process->cpu_usec, ticks_to_usec(user + system));
        return true;
}

/* Returns whether there is such a process. What may block comes last. */
static bool look_at(pid_t pid, struct child_process *process) {
        _cleanup_(closep) int dir_fd = -EBADF;
        char path[32], text[1024];
        ssize_t n;

        *process = (struct child_process){ .pid = pid };
        (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return false;
        process->cpu_usec = read_cpu_clock(pid);
        process->looked_usec = clock_now(CLOCK_ID_MONOTONIC);
        if (read_file(dir_fd, "stat", text, sizeof(text)) <= 0 || !parse_stat(text, process))
                return false;
        n = read_file(dir_fd, "wchan", text, sizeof(text));
        if (n > 0 && !streq(text, "0"))
                copy_safely(text, (size_t)n, process->wchan, sizeof(process->wchan));
        n = read_file(dir_fd, "cmdline", text, sizeof(text));
        if (n > 0)
                copy_safely(text, (size_t)n, process->command, sizeof(process->command));
        return true;
}

/* ---- a look, on a thread ---- */

static int note_pid(pid_t pid, void *arg) {
        struct child_look *look = arg;

        if (look->n_pids == PIDS_MAX)
                return 1;
        if (look->n_pids % 64 == 0) {
                pid_t *grown = reallocarray(look->pids, look->n_pids + 64, sizeof(pid_t));

                if (!grown)
                        return -ENOMEM;
                look->pids = grown;
        }
        look->pids[look->n_pids++] = pid;
        return 0;
}

/* The main process comes first, so that it is never one too many; the others by pid. */
static int order(pid_t a, pid_t b, pid_t main) {
        if ((a == main) != (b == main))
                return a == main ? -1 : 1;
        return (a > b) - (a < b);
}

static int compare_pids(const void *a, const void *b, void *look) {
        return order(*(const pid_t *)a, *(const pid_t *)b, ((const struct child_look *)look)->tree.walk.pid);
}

/* They are found more than once when both the cgroup and the walk know them. */
static void drop_doubles(struct child_look *look) {
        size_t n = 0;

        if (look->n_pids > 0)
                qsort_r(look->pids, look->n_pids, sizeof(pid_t), compare_pids, look);
        for (size_t i = 0; i < look->n_pids; i++)
                if (n == 0 || look->pids[n - 1] != look->pids[i])
                        look->pids[n++] = look->pids[i];
        look->n_pids = n;
}

static void do_look(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
        struct child_look *look = CONTAINER_OF(job, struct child_look, job);
        size_t n;
        int r;

        if (look->error < 0)
                return;
        r = child_tree_list(&look->tree, note_pid, look);
        look->error = MIN(r, 0);
        drop_doubles(look);
        n = MIN(look->n_pids, (size_t)CHILD_PROCESSES_MAX);
        look->list = n > 0 ? calloc(n, sizeof(*look->list)) : NULL;
        if (n > 0 && !look->list) {
                look->error = -ENOMEM;
                return;
        }
        for (size_t i = 0; i < n; i++)
                look->n += look_at(look->pids[i], &look->list[look->n]);
}

/* ---- on the loop ---- */

static void look_free(struct child_look *look) {
        struct child_inspection *inspection, *tmp;

        if (look->child)
                *child_look_of(look->child) = NULL;
        list_for_each_entry_safe(inspection, tmp, &look->inspections, link)
                list_remove(&inspection->link); /* its owner cancels it */
        list_remove(&look->link);
        loop_timer_done(&look->again);
        child_tree_copy_done(&look->tree);
        free(look->pids);
        free(look->list);
        free(look->before);
        free(look);
}

static void start(struct child_look *look) {
        struct spawner *spawner = look->spawner;

        look->since_usec = clock_now(CLOCK_ID_MONOTONIC);
        look->error = look->child ? child_copy_tree(look->child, &look->tree) : -ESRCH;
        list_remove(&look->link);
        list_append(&spawner->looking, &look->link);
        (void)spawner_submit(spawner, &look->job, true); /* urgent ones are never refused */
}

void child_looks_go_on(struct spawner *spawner) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct child_look *look;
        unsigned n = 0;

        list_for_each_entry(look, &spawner->looking, link)
                n += usec_sub(now, look->since_usec) < SLOW_USEC;
        for (; n < LOOKING_MAX; n++) {
                look = list_first_entry(&spawner->looks, struct child_look, link);
                if (!look)
                        return;
                start(look);
        }
}

/* What processes used since the look before. Both lists are in the same order. */
static void compare(struct child_look *look) {
        for (size_t i = 0, b = 0; i < look->n; i++) {
                struct child_process *now = &look->list[i];
                const struct child_process *before;

                while (b < look->n_before && order(look->before[b].pid, now->pid, look->tree.walk.pid) < 0)
                        b++;
                before = &look->before[b];
                if (b == look->n_before || before->pid != now->pid || before->started_usec != now->started_usec)
                        continue;
                now->recent_usec = usec_sub(now->looked_usec, before->looked_usec);
                now->recent_cpu_usec = usec_sub(now->cpu_usec, before->cpu_usec);
        }
}

/* Tells those who ask, but with @again those who want a second look. Returns whether there are such. */
static bool tell(struct child_look *look, bool again) {
        struct child_processes processes = { .error = look->child ? look->error : -ESRCH };
        struct child_inspection *inspection;
        struct list rest = LIST_INIT(rest);

        if (look->child) {
                processes.list = look->list;
                processes.n = look->n;
                processes.n_more = look->n_pids - MIN(look->n_pids, (size_t)CHILD_PROCESSES_MAX);
        }
        if (look->child && !again)
                *child_look_of(look->child) = NULL; /* who asks from now on, from a callback too, gets a new one */
        look->child = again ? look->child : NULL;
        while ((inspection = list_first_entry(&look->inspections, struct child_inspection, link))) {
                child_inspected_fn fn = inspection->fn;
                void *arg = inspection->arg;

                list_remove(&inspection->link);
                if (again && inspection->twice) {
                        list_append(&rest, &inspection->link);
                        continue;
                }
                free(inspection);
                fn(&processes, arg);
        }
        list_splice(&look->inspections, &rest);
        return !list_empty(&look->inspections);
}

static void on_again(struct loop_timer *timer, void *arg) {
        struct child_look *look = arg;
        struct spawner *spawner = look->spawner;

        (void)timer;
        list_remove(&look->link);
        list_append(&spawner->looks, &look->link);
        child_looks_go_on(spawner);
}

/* Makes room for a second look, and waits for its time. */
static void look_again(struct child_look *look) {
        look->before = TAKE_PTR(look->list);
        look->n_before = look->n;
        look->n = look->n_pids = 0;
        look->since_usec = 0;
        child_tree_copy_done(&look->tree);
        list_remove(&look->link);
        list_append(&look->spawner->looked, &look->link);
        loop_timer_set(&look->again, usec_add(clock_now(CLOCK_ID_MONOTONIC), CHILD_INSPECT_SPAN_USEC));
}

static void on_looked(struct spawner_job *job) {
        struct child_look *look = CONTAINER_OF(job, struct child_look, job);
        struct spawner *spawner = look->spawner;
        bool again = look->child && look->error == 0 && !look->before;

        if (look->before)
                compare(look);
        if (tell(look, again))
                look_again(look);
        else
                look_free(look);
        child_looks_go_on(spawner);
}

static struct child_look *look_new(struct child *child) {
        struct child_look *look = calloc(1, sizeof(*look));

        if (!look)
                return NULL;
        if (loop_timer_init(&look->again, child_spawner(child)->loop, CLOCK_ID_MONOTONIC, "child look", on_again,
                            look) < 0) {
                free(look);
                return NULL;
        }
        look->job = (struct spawner_job){ .work = do_look, .done = on_looked };
        look->spawner = child_spawner(child);
        look->child = child;
        look->tree.walk.pidfd = -EBADF;
        list_init(&look->inspections);
        list_init(&look->link);
        list_append(&look->spawner->looks, &look->link);
        return look;
}

int child_inspect(struct child *child, bool twice, child_inspected_fn fn, void *arg, struct child_inspection **ret) {
        struct child_look **look = child_look_of(child);
        struct child_inspection *inspection;

        if (!child_has_tree(child))
                return -ESRCH;
        if (*look && (*look)->since_usec > 0 &&
            usec_sub(clock_now(CLOCK_ID_MONOTONIC), (*look)->since_usec) >= STUCK_USEC)
                return -EBUSY;
        inspection = malloc(sizeof(*inspection));
        if (!inspection)
                return -ENOMEM;
        if (!*look)
                *look = look_new(child);
        if (!*look) {
                free(inspection);
                return -ENOMEM;
        }
        *inspection = (struct child_inspection){ .twice = twice, .fn = fn, .arg = arg };
        list_append(&(*look)->inspections, &inspection->link);
        child_looks_go_on((*look)->spawner);
        *ret = inspection;
        return 0;
}

struct child_inspection *child_inspection_cancel(struct child_inspection *inspection) {
        if (inspection)
                list_remove(&inspection->link);
        free(inspection);
        return NULL;
}

void child_look_forget(struct child_look *look) {
        if (look)
                look->child = NULL;
}

void child_looks_end(struct spawner *spawner) {
        struct child_look *look;

        list_splice(&spawner->looking, &spawner->looks);
        list_splice(&spawner->looking, &spawner->looked);
        while ((look = list_first_entry(&spawner->looking, struct child_look, link)))
                look_free(look);
}
