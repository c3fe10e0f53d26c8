/* SPDX-License-Identifier: MIT */
/* cgroup: one group of processes.
 *
 * Making and removing a directory under cgroup2 costs more than spawning the process that goes into it. So a group
 * that is empty and has no bounds is kept for the next run. What it counts goes on counting; the processor time of former
 * users is subtracted. Peak memory cannot be reset on the kernels we meet, so a tree that knows it keeps no groups.
 *
 * A run with the right to write to its group may have spoiled it: made groups below it, or frozen it for whoever comes
 * next. Then it is removed; and one that a stranger removed meanwhile is passed over.
 *
 * Groups are named by number and reached by name below the tree's descriptor: thousands of runs take no descriptors.
 *
 * A pid read from cgroup.procs may be gone a moment later and name somebody else. It is turned into a pidfd, and
 * signalled by that if it is in the list still when that is read again: so whoever the pidfd means was in the group.
 */
#include "loop/cgroup_private.h"

#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define IDLE_MAX   512
#define DEPTH_MAX  (CGROUP_DEPTH_MAX + 1)
#define BATCH_MAX  512 /* pidfds held at once */
#define CPU_PERIOD 100000

/* ---- files ---- */

static int open_file(int dir_fd, const char *name, const char *file, int flags) {
        char path[512];
        int fd;

        if (snprintf(path, sizeof(path), "%s/%s", name, file) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        fd = openat(dir_fd, path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int cgroup_write(int dir_fd, const char *name, const char *file, const char *text) {
        _cleanup_(closep) int fd = open_file(dir_fd, name, file, O_WRONLY | O_TRUNC);

        if (fd < 0)
                return fd;
        return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

ssize_t cgroup_read(int dir_fd, const char *name, const char *file, char *buf, size_t size) {
        _cleanup_(closep) int fd = open_file(dir_fd, name, file, O_RDONLY);
        ssize_t n;

        if (fd < 0)
                return fd;
        n = read(fd, buf, size - 1);
        if (n < 0)
                return -errno;
        buf[n] = '\0';
        return n;
}

/* The number after @key, which begins a line of @text. */
static bool find_number(const char *text, const char *key, uint64_t *ret) {
        size_t length = strlen(key);

        for (const char *line = text; line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, key, length) == 0 && line[length] == ' ')
                        return sscanf(line + length, "%" SCNu64, ret) == 1;
                if (*line == '\0')
                        break;
        }
        return false;
}

/* ---- what is below ---- */

/* Calls @fn for @name and for each group below it, deepest first. Stops when @fn returns non-zero and returns that. */
typedef int (*group_fn)(int dir_fd, const char *name, void *arg);

static int for_each_below(int dir_fd, const char *name, unsigned depth, group_fn fn, void *arg) {
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        struct dirent *entry;
        DIR *dir;

        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                (void)close(fd);
                return -ENOMEM;
        }
        while (r == 0 && depth < DEPTH_MAX && (entry = readdir(dir)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
                        r = for_each_below(fd, entry->d_name, depth + 1, fn, arg);
        (void)closedir(dir);
        return r == 0 || r == -ENOENT ? fn(dir_fd, name, arg) : r;
}

static int remove_one(int dir_fd, const char *name, _unused_ void *arg) {
        return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int cgroup_remove(int dir_fd, const char *name) {
        if (remove_one(dir_fd, name, NULL) == 0) /* mostly there is nothing below */
                return 0;
        return for_each_below(dir_fd, name, 0, remove_one, NULL);
}

/* ---- making and giving back ---- */

void cgroup_free(struct cgroup *cgroup) {
        list_remove(&cgroup->link);
        free(cgroup);
}

static struct cgroup *take_idle(struct cgroup_tree *tree) {
        struct cgroup *cgroup;

        (void)pthread_mutex_lock(&tree->lock);
        cgroup = list_first_entry(&tree->idle, struct cgroup, link);
        if (cgroup) {
                list_remove(&cgroup->link);
                tree->n_idle--;
        }
        (void)pthread_mutex_unlock(&tree->lock);
        return cgroup;
}

static unsigned next_number(struct cgroup_tree *tree) {
        unsigned number;

        (void)pthread_mutex_lock(&tree->lock);
        number = ++tree->n_made;
        (void)pthread_mutex_unlock(&tree->lock);
        return number;
}

static int make(struct cgroup_tree *tree, struct cgroup **ret) {
        struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
        int r;

        if (!cgroup)
                return -ENOMEM;
        list_init(&cgroup->link);
        cgroup->tree = tree;
        do {
                (void)snprintf(cgroup->name, sizeof(cgroup->name), "run-%u", next_number(tree));
                r = mkdirat(tree->fd, cgroup->name, 0755) < 0 ? -errno : 0;
        } while (r == -EEXIST); /* left by a dead daemon, with somebody in it whom nothing could kill */
        if (r < 0)
                free(cgroup);
        else
                *ret = cgroup;
        return r;
}

static int set_bound(const struct cgroup *cgroup, enum cgroup_controller controller, const char *file,
                     const char *text) {
        if (!cgroup_tree_has(cgroup->tree, controller))
                return 0;
        return cgroup_write(cgroup->tree->fd, cgroup->name, file, text);
}

static int set_bounds(struct cgroup *cgroup, const struct cgroup_limits *limits) {
        char text[64];
        int r = 0;

        cgroup->bounded = limits->memory_max > 0 || limits->pids_max > 0 || limits->cpu_max > 0;
        if (limits->memory_max > 0) {
                (void)snprintf(text, sizeof(text), "%" PRIu64, limits->memory_max);
                r = set_bound(cgroup, CGROUP_MEMORY, "memory.max", text);
                if (r == 0)
                        (void)set_bound(cgroup, CGROUP_MEMORY, "memory.oom.group", "1");
        }
        if (r == 0 && limits->pids_max > 0) {
                (void)snprintf(text, sizeof(text), "%" PRIu64, limits->pids_max);
                r = set_bound(cgroup, CGROUP_PIDS, "pids.max", text);
        }
        if (r == 0 && limits->cpu_max > 0) {
                (void)snprintf(text, sizeof(text), "%" PRIu64 " %d", (uint64_t)limits->cpu_max * (CPU_PERIOD / 100),
                               CPU_PERIOD);
                r = set_bound(cgroup, CGROUP_CPU, "cpu.max", text);
        }
        return r;
}

static usec_t read_cpu(const struct cgroup *cgroup) {
        char text[1024];
        uint64_t usec = 0;

        if (cgroup_read(cgroup->tree->fd, cgroup->name, "cpu.stat", text, sizeof(text)) < 0 ||
            !find_number(text, "usage_usec", &usec))
                return 0;
        return usec;
}

/* One that is there, with its descriptor. */
static int obtain(struct cgroup_tree *tree, struct cgroup **ret, int *ret_procs) {
        struct cgroup *cgroup;
        int r;

        while ((cgroup = take_idle(tree))) {
                r = open_file(tree->fd, cgroup->name, "cgroup.procs", O_WRONLY);
                if (r >= 0) {
                        cgroup->cpu_base_usec = read_cpu(cgroup);
                        break;
                }
                if (r != -ENOENT) {
                        cgroup_release(cgroup);
                        return r;
                }
                cgroup_free(cgroup);
        }
        if (!cgroup) {
                r = make(tree, &cgroup);
                if (r < 0)
                        return r;
                r = open_file(tree->fd, cgroup->name, "cgroup.procs", O_WRONLY);
                if (r < 0) {
                        cgroup_discard(cgroup);
                        return r;
                }
        }
        *ret = cgroup;
        *ret_procs = r;
        return 0;
}

int cgroup_new(struct cgroup_tree *tree, const struct cgroup_limits *limits, struct cgroup **ret, int *ret_procs) {
        struct cgroup *cgroup;
        int procs, r;

        r = obtain(tree, &cgroup, &procs);
        if (r < 0)
                return r;
        r = set_bounds(cgroup, limits);
        if (r < 0) {
                (void)close(procs);
                cgroup_discard(cgroup);
                return r;
        }
        *ret = cgroup;
        *ret_procs = procs;
        return 0;
}

static bool may_keep(const struct cgroup *cgroup) {
        return !cgroup->bounded && !cgroup_tree_has(cgroup->tree, CGROUP_MEMORY);
}

/* The state of nobody in it: not what it was made with, but what its processes may have changed. */
static bool is_as_new(const struct cgroup *cgroup) {
        struct stat st;
        char text[256];
        uint64_t value;

        if (cgroup_read(cgroup->tree->fd, cgroup->name, "cgroup.events", text, sizeof(text)) < 0)
                return false;
        if (!find_number(text, "populated", &value) || value != 0 ||
            (find_number(text, "frozen", &value) && value != 0))
                return false;
        /* Each directory below is a link to it. */
        return fstatat(cgroup->tree->fd, cgroup->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink <= 2;
}

bool cgroup_try_release(struct cgroup *cgroup) {
        struct cgroup_tree *tree = cgroup->tree;
        bool keep;

        if (!may_keep(cgroup) || !is_as_new(cgroup))
                return false;
        (void)pthread_mutex_lock(&tree->lock);
        keep = tree->n_idle < IDLE_MAX;
        if (keep) {
                list_prepend(&tree->idle, &cgroup->link);
                tree->n_idle++;
        }
        (void)pthread_mutex_unlock(&tree->lock);
        return keep;
}

struct cgroup *cgroup_release(struct cgroup *cgroup) {
        if (cgroup && !cgroup_try_release(cgroup))
                cgroup_discard(cgroup);
        return NULL;
}

struct cgroup *cgroup_dup(const struct cgroup *cgroup) {
        struct cgroup *copy = malloc(sizeof(*copy));

        if (!copy)
                return NULL;
        *copy = *cgroup;
        list_init(&copy->link);
        return copy;
}

void cgroup_dup_free(struct cgroup *copy) {
        free(copy);
}

struct cgroup *cgroup_discard(struct cgroup *cgroup) {
        if (!cgroup)
                return NULL;
        /* One that cannot be removed now is removed at the end, or by the next daemon. */
        (void)cgroup_remove(cgroup->tree->fd, cgroup->name);
        cgroup_free(cgroup);
        return NULL;
}

const char *cgroup_name(const struct cgroup *cgroup) {
        return cgroup->name;
}

/* ---- who is in it ---- */

int cgroup_is_populated(const struct cgroup *cgroup) {
        char text[256];
        uint64_t populated;
        ssize_t n;

        n = cgroup_read(cgroup->tree->fd, cgroup->name, "cgroup.events", text, sizeof(text));
        if (n < 0)
                return (int)n;
        return find_number(text, "populated", &populated) ? populated != 0 : -EBADMSG;
}

bool cgroup_is_named(const struct cgroup *cgroup, const char *text) {
        const char *own = strrchr(cgroup->tree->path, '/'), *at;
        char wanted[512];

        (void)snprintf(wanted, sizeof(wanted), "%s/%s", own ?: "", cgroup->name);
        at = strstr(text, wanted);
        return at && (at[strlen(wanted)] == '\n' || at[strlen(wanted)] == '/');
}

int cgroup_contains(const struct cgroup *cgroup, pid_t pid) {
        char name[64], text[4096];
        ssize_t n;

        (void)snprintf(name, sizeof(name), "/proc/%d", (int)pid);
        n = cgroup_read(AT_FDCWD, name, "cgroup", text, sizeof(text));
        return n < 0 ? -ESRCH : cgroup_is_named(cgroup, text);
}

struct visit {
        cgroup_pid_fn fn;
        void *arg;
};

static int visit_pids(int dir_fd, const char *name, void *arg) {
        const struct visit *visit = arg;
        int fd = open_file(dir_fd, name, "cgroup.procs", O_RDONLY), r = 0;
        FILE *file;
        int pid;

        if (fd < 0)
                return fd == -ENOENT ? 0 : fd; /* gone meanwhile */
        file = fdopen(fd, "r");
        if (!file) {
                (void)close(fd);
                return -ENOMEM;
        }
        while (r == 0 && fscanf(file, "%d", &pid) == 1)
                if (pid > 0) /* 0: in a pid namespace that we do not see */
                        r = visit->fn(pid, visit->arg);
        (void)fclose(file);
        return r;
}

int cgroup_for_each_pid(const struct cgroup *cgroup, cgroup_pid_fn fn, void *arg) {
        return for_each_below(cgroup->tree->fd, cgroup->name, 0, visit_pids, &(struct visit){ .fn = fn, .arg = arg });
}

/* ---- signals ---- */

struct batch {
        struct {
                pid_t pid;
                int pidfd;
                bool confirmed;
        } items[BATCH_MAX];
        size_t n;
        pid_t after; /* those up to here had their turn */
        bool more;
        int error;
};

/* Keeps the lowest pids above batch->after, so that a second look begins where this one ends. */
static int collect(pid_t pid, void *arg) {
        struct batch *batch = arg;
        size_t at = batch->n;

        if (pid <= batch->after)
                return 0;
        while (at > 0 && batch->items[at - 1].pid > pid)
                at--;
        if (batch->n == BATCH_MAX) {
                batch->more = true;
                if (at == BATCH_MAX)
                        return 0;
                batch->n--;
        }
        memmove(&batch->items[at + 1], &batch->items[at], (batch->n - at) * sizeof(batch->items[0]));
        batch->items[at].pid = pid;
        batch->items[at].confirmed = false;
        batch->n++;
        return 0;
}

static int confirm(pid_t pid, void *arg) {
        struct batch *batch = arg;

        for (size_t i = 0; i < batch->n; i++)
                if (batch->items[i].pid == pid)
                        batch->items[i].confirmed = true;
        return 0;
}

/* One batch. Returns 0 or -errno. */
static int signal_batch(const struct cgroup *cgroup, struct batch *batch, int signo, bool wake) {
        int r = cgroup_for_each_pid(cgroup, collect, batch);

        if (r < 0)
                return r;
        for (size_t i = 0; i < batch->n; i++) {
                batch->items[i].pidfd = (int)syscall(SYS_pidfd_open, batch->items[i].pid, 0);
                /* ESRCH: it is gone. Otherwise a thread has its number now. */
                if (batch->items[i].pidfd < 0 && errno != ESRCH && errno != EINVAL && errno != ENOENT)
                        batch->error = -errno;
        }
        r = cgroup_for_each_pid(cgroup, confirm, batch);
        for (size_t i = 0; i < batch->n; i++) {
                int pidfd = batch->items[i].pidfd;

                if (pidfd >= 0 && batch->items[i].confirmed) {
                        (void)syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
                        if (wake)
                                (void)syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
                }
                closep(&pidfd);
        }
        return r;
}

int cgroup_signal(const struct cgroup *cgroup, int signo, bool wake) {
        struct batch *batch = calloc(1, sizeof(*batch));
        int n = 0, r;

        if (!batch)
                return -ENOMEM;
        do {
                batch->more = false;
                batch->n = 0;
                r = signal_batch(cgroup, batch, signo, wake);
                n += (int)batch->n;
                if (batch->n > 0)
                        batch->after = batch->items[batch->n - 1].pid;
        } while (r == 0 && batch->more);
        if (r == 0)
                r = batch->error;
        free(batch);
        return r < 0 ? r : n;
}

int cgroup_kill(const struct cgroup *cgroup, bool again) {
        int r = cgroup_write(cgroup->tree->fd, cgroup->name, "cgroup.kill", "1");

        /* There is none before Linux 5.14; and it sends SIGKILL to the first thread of each process, so that one whose
         * first thread has ended, while others go on, does not notice. */
        if (r == -ENOENT || (r == 0 && again)) {
                r = cgroup_signal(cgroup, SIGKILL, false);
                r = MIN(r, 0);
        }
        return r;
}

/* ---- usage ---- */

int cgroup_get_usage(const struct cgroup *cgroup, struct cgroup_usage *ret) {
        int fd = cgroup->tree->fd;
        struct cgroup_usage usage = { .cpu_usec = usec_sub(read_cpu(cgroup), cgroup->cpu_base_usec) };
        char text[1024];

        if (cgroup_tree_has(cgroup->tree, CGROUP_MEMORY)) {
                if (cgroup_read(fd, cgroup->name, "memory.peak", text, sizeof(text)) > 0)
                        (void)sscanf(text, "%" SCNu64, &usage.memory_peak);
                if (cgroup_read(fd, cgroup->name, "memory.events", text, sizeof(text)) > 0)
                        (void)find_number(text, "oom_kill", &usage.oom_kills);
        }
        *ret = usage;
        return 0;
}
