/* SPDX-License-Identifier: MIT */
/* cgroup_tree: where the daemon's groups are.
 *
 *      DIRECTORY/                  where the daemon was put, by a unit with Delegate=yes for instance
 *        tendd-TAG/                ours: one daemon at a time has this tag
 *          daemon/                 the daemon itself, only when controllers demand it
 *          run-1/  run-2/  …
 *
 * A controller can be enabled for the groups below a directory only when no process is in that directory itself
 * (cgroups(7), "no internal processes"); but for the root of the tree. The kernel says EBUSY for memory alone: with cpu
 * or pids it makes a threaded group of the directory, and then takes no process into those below. So the daemon is moved
 * out of the way first. If other processes share our place, as in a login session, the controllers cannot be had, and
 * groups without bounds still can.
 *
 * The tag belongs to the runtime directory, which one daemon at a time holds: groups found at the start are left over
 * from a daemon that died, and whatever runs in them has lost its parent. They are ended before the first run begins
 * (leftover.h).
 */
#include "loop/cgroup_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define RETRY_MSEC 10

static const char *const controller_names[_CGROUP_CONTROLLER_MAX] = {
        [CGROUP_CPU] = "cpu",
        [CGROUP_MEMORY] = "memory",
        [CGROUP_PIDS] = "pids",
};

const char *cgroup_controller_to_string(enum cgroup_controller controller) {
        return controller < _CGROUP_CONTROLLER_MAX ? controller_names[controller] : "?";
}

/* ---- where ---- */

/* \040 and the like, in place. */
static void unescape(char *text) {
        char *to = text;

        for (const char *from = text; *from; from++) {
                if (from[0] == '\\' && from[1] && from[2] && from[3]) {
                        *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
                        from += 3;
                } else {
                        *to++ = *from;
                }
        }
        *to = '\0';
}

/* Mount point and root of a line of proc_pid_mountinfo(5), if it is of a cgroup2 tree. */
static bool parse_mount(char *line, char **ret_root, char **ret_point) {
        char *fields[5], *type = strstr(line, " - cgroup2 "), *rest = line;

        if (!type)
                return false;
        *type = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                fields[i] = strsep(&rest, " ");
                if (!fields[i])
                        return false;
        }
        unescape(fields[3]);
        unescape(fields[4]);
        *ret_root = fields[3];
        *ret_point = fields[4];
        return true;
}

/* The part of @path below @root; NULL: it is not below. */
static const char *below(const char *path, const char *root) {
        size_t length = streq(root, "/") ? 0 : strlen(root);

        if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != '\0'))
                return NULL;
        return streq(path + length, "/") ? "" : path + length;
}

int cgroup_find(FILE *mountinfo, FILE *self, char **ret) {
        _cleanup_(freep) char *line = NULL;
        _cleanup_(freep) char *path = NULL;
        size_t size = 0;

        while (!path && getline(&line, &size, self) > 0) {
                if (strncmp(line, "0::", 3) != 0)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                path = strdup(line + 3);
                if (!path)
                        return -ENOMEM;
        }
        while (path && getline(&line, &size, mountinfo) > 0) {
                char *root, *point;
                const char *rest;

                if (!parse_mount(line, &root, &point))
                        continue;
                rest = below(path, root);
                if (rest)
                        return asprintf(ret, "%s%s", point, rest) < 0 ? -ENOMEM : 0;
        }
        return -EOPNOTSUPP;
}

int cgroup_find_own(char **ret) {
        FILE *mountinfo = fopen("/proc/self/mountinfo", "re"), *self = fopen("/proc/self/cgroup", "re");
        int r = mountinfo && self ? cgroup_find(mountinfo, self, ret) : -EOPNOTSUPP;

        if (mountinfo)
                (void)fclose(mountinfo);
        if (self)
                (void)fclose(self);
        return r;
}

/* ---- controllers ---- */

/* Whether @word is one of those in the file. */
static bool lists(int dir_fd, const char *name, const char *file, const char *word) {
        char text[512], *rest = text;

        if (cgroup_read(dir_fd, name, file, text, sizeof(text)) < 0)
                return false;
        for (char *at; (at = strsep(&rest, " \n"));)
                if (streq(at, word))
                        return true;
        return false;
}

static int set_subtree(int dir_fd, char sign, enum cgroup_controller controller) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%c%s", sign, controller_names[controller]);
        return cgroup_write(dir_fd, ".", "cgroup.subtree_control", text);
}

/* Out of the way of the controllers. */
static int move_daemon(const struct cgroup_tree *tree) {
        if (mkdirat(tree->fd, "daemon", 0755) < 0 && errno != EEXIST)
                return -errno;
        return cgroup_write(tree->fd, "daemon", "cgroup.procs", "0");
}

/* Leaves no process in the parent. Returns -EBUSY when there are others than this one. */
static int vacate_parent(struct cgroup_tree *tree) {
        char text[64], own[32];
        int r;

        /* The root of the tree has no type, and no such rule. */
        if (tree->moved || cgroup_read(tree->parent_fd, ".", "cgroup.type", text, sizeof(text)) <= 0 ||
            cgroup_read(tree->parent_fd, ".", "cgroup.procs", text, sizeof(text)) <= 0)
                return 0;
        (void)snprintf(own, sizeof(own), "%d\n", (int)getpid());
        if (!streq(text, own))
                return -EBUSY;
        r = move_daemon(tree);
        tree->moved = r == 0;
        return r;
}

static int enable_in_parent(struct cgroup_tree *tree, enum cgroup_controller controller) {
        int r;

        if (lists(tree->parent_fd, ".", "cgroup.subtree_control", controller_names[controller]))
                return 0;
        r = vacate_parent(tree);
        if (r == 0)
                r = set_subtree(tree->parent_fd, '+', controller);
        if (r == 0)
                tree->enabled |= 1u << controller;
        return r;
}

static void enable_controllers(struct cgroup_tree *tree) {
        for (enum cgroup_controller i = 0; i < _CGROUP_CONTROLLER_MAX; i++) {
                if (!lists(tree->parent_fd, ".", "cgroup.controllers", controller_names[i]))
                        continue;
                if (enable_in_parent(tree, i) == 0 && set_subtree(tree->fd, '+', i) == 0)
                        tree->controllers |= 1u << i;
        }
}

/* As it was before, so that our directory can be removed. */
static void disable_controllers(const struct cgroup_tree *tree) {
        for (enum cgroup_controller i = 0; i < _CGROUP_CONTROLLER_MAX; i++) {
                if (tree->controllers & 1u << i)
                        (void)set_subtree(tree->fd, '-', i);
                if (tree->enabled & 1u << i)
                        (void)set_subtree(tree->parent_fd, '-', i);
        }
        if (tree->moved && cgroup_write(tree->parent_fd, ".", "cgroup.procs", "0") == 0)
                (void)cgroup_remove(tree->fd, "daemon");
}

bool cgroup_tree_has(const struct cgroup_tree *tree, enum cgroup_controller controller) {
        return tree->controllers & 1u << controller;
}

const char *cgroup_tree_path(const struct cgroup_tree *tree) {
        return tree->path;
}

/* ---- leftovers ---- */

static bool is_run(const struct dirent *entry) {
        return strncmp(entry->d_name, "run-", 4) == 0;
}

/* Removes the groups of runs, killing who is in them if asked to. Returns how many are left. */
static unsigned remove_runs(const struct cgroup_tree *tree, bool kill, bool again) {
        int fd = openat(tree->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;
        unsigned left = 0;

        if (!dir) {
                closep(&fd);
                return 0;
        }
        while ((entry = readdir(dir))) {
                struct cgroup cgroup = { .tree = (struct cgroup_tree *)tree };

                if (!is_run(entry) || strlen(entry->d_name) >= sizeof(cgroup.name))
                        continue;
                (void)strcpy(cgroup.name, entry->d_name);
                if (kill)
                        (void)cgroup_kill(&cgroup, again);
                left += cgroup_remove(tree->fd, cgroup.name) < 0;
        }
        (void)closedir(dir);
        return left;
}

void cgroup_tree_end_leftovers(struct cgroup_tree *tree, usec_t timeout_usec) {
        usec_t deadline = usec_add(clock_now(CLOCK_ID_MONOTONIC), timeout_usec);

        for (bool again = false; remove_runs(tree, true, again) > 0 && clock_now(CLOCK_ID_MONOTONIC) < deadline;
             again = true)
                (void)poll(NULL, 0, RETRY_MSEC);
}

int cgroup_tree_for_each_leftover(struct cgroup_tree *tree, cgroup_pid_fn fn, void *arg) {
        int fd = openat(tree->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!dir) {
                closep(&fd);
                return -errno;
        }
        while (r == 0 && (entry = readdir(dir))) {
                struct cgroup cgroup = { .tree = tree };

                if (!is_run(entry) || strlen(entry->d_name) >= sizeof(cgroup.name))
                        continue;
                (void)strcpy(cgroup.name, entry->d_name);
                r = cgroup_for_each_pid(&cgroup, fn, arg);
                if (r == -ENOENT)
                        r = 0;
        }
        (void)closedir(dir);
        return r;
}

/* ---- the tree ---- */

/* What can be made can be removed, too. */
static void limit_depth(const struct cgroup_tree *tree) {
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", CGROUP_DEPTH_MAX);
        (void)cgroup_write(tree->fd, ".", "cgroup.max.depth", text);
}

/* Who is elsewhere may be allowed to make groups here and yet to enter none: that takes the right to write to the group
 * above both places. Only trying tells. */
static int try_to_enter(const struct cgroup_tree *tree) {
        int status = 0;
        pid_t pid;

        if (mkdirat(tree->fd, "run-try", 0755) < 0 && errno != EEXIST)
                return -errno;
        pid = fork();
        if (pid == 0)
                _exit(-cgroup_write(tree->fd, "run-try", "cgroup.procs", "0"));
        if (pid > 0)
                (void)waitpid(pid, &status, 0);
        (void)cgroup_remove(tree->fd, "run-try");
        return WIFEXITED(status) ? -WEXITSTATUS(status) : 0;
}

static int open_tree(struct cgroup_tree *tree, const char *parent, const char *tag) {
        int r;

        tree->parent_fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree->parent_fd < 0)
                return -errno;
        if (asprintf(&tree->path, "%s%stendd-%s", parent, streq(parent, "/") ? "" : "/", tag) < 0) {
                tree->path = NULL;
                return -ENOMEM;
        }
        if (mkdir(tree->path, 0755) < 0 && errno != EEXIST)
                return -errno;
        tree->fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree->fd < 0)
                return -errno;
        /* A directory of cgroup version 1 has processes, but neither this nor a way to kill them. */
        if (faccessat(tree->fd, "cgroup.events", F_OK, 0) < 0)
                return errno == ENOENT ? -EOPNOTSUPP : -errno;
        if (faccessat(tree->fd, "cgroup.procs", W_OK, AT_EACCESS) < 0)
                return -errno;
        r = try_to_enter(tree);
        if (r < 0)
                return r;
        limit_depth(tree);
        enable_controllers(tree);
        return 0;
}

int cgroup_tree_new(const char *directory, const char *tag, struct cgroup_tree **ret) {
        _cleanup_(cgroup_tree_freep) struct cgroup_tree *tree = calloc(1, sizeof(*tree));
        _cleanup_(freep) char *own = NULL;
        int r;

        if (!tree)
                return -ENOMEM;
        tree->fd = tree->parent_fd = -EBADF;
        list_init(&tree->idle);
        (void)pthread_mutex_init(&tree->lock, NULL);
        if (!directory) {
                r = cgroup_find_own(&own);
                if (r < 0)
                        return r;
                directory = own;
        }
        r = open_tree(tree, directory, tag);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tree);
        return 0;
}

struct cgroup_tree *cgroup_tree_free(struct cgroup_tree *tree) {
        struct cgroup *cgroup, *tmp;

        if (!tree)
                return NULL;
        list_for_each_entry_safe(cgroup, tmp, &tree->idle, link)
                cgroup_free(cgroup);
        if (tree->fd >= 0) {
                (void)remove_runs(tree, false, false);
                disable_controllers(tree);
                (void)rmdir(tree->path); /* kept when a run is left that nothing could kill */
        }
        closep(&tree->fd);
        closep(&tree->parent_fd);
        (void)pthread_mutex_destroy(&tree->lock);
        free(tree->path);
        free(tree);
        return NULL;
}
