/* SPDX-License-Identifier: MIT */
/* instance: the directories of a daemon, and its lock.
 *
 * The lock is flock(2) on a file in the runtime directory, so that it goes with the process however that ends. But a process
 * that a daemon was about to make when it was killed has the lock, too, until it executes its command: so one whose
 * owner is gone is waited for a moment. The file holds the pid, for the message to a second daemon; it is not removed, because between removing and unlocking another
 * one could lock a file that nobody sees any more.
 */
#include "instance.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define TRIES      40
#define TRIES_NSEC 50000000 /* between two of them */

/* ---- directories ---- */

static char *below(const char *base, const char *rest) {
        char *path;

        return asprintf(&path, "%s%s", base, rest) < 0 ? NULL : path;
}

/* systemd gives a list separated by colons; the first is ours. */
static char *from_environment(const char *name) {
        const char *value = getenv(name);

        return value && *value == '/' ? strndup(value, strcspn(value, ":")) : NULL;
}

static char *runtime_dir(void) {
        const char *user = getenv("XDG_RUNTIME_DIR");
        char *path = from_environment("RUNTIME_DIRECTORY");

        if (path)
                return path;
        if (geteuid() == 0)
                return strdup("/run/tendd");
        if (user && *user == '/')
                return below(user, "/tendd");
        return asprintf(&path, "/tmp/tendd-%u", (unsigned)geteuid()) < 0 ? NULL : path;
}

static char *state_dir(void) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
        char *path = from_environment("STATE_DIRECTORY");

        if (path)
                return path;
        if (geteuid() == 0)
                return strdup("/var/lib/tendd");
        if (state && *state == '/')
                return below(state, "/tendd");
        return home && *home == '/' ? below(home, "/.local/state/tendd") : runtime_dir();
}

/* Like mkdir -p. What others are meant to pass they can, whatever the umask: clients have to pass the runtime directory. */
static int make_dir(const char *path, mode_t mode) {
        _cleanup_(freep) char *copy = strdup(path);

        if (!copy)
                return -ENOMEM;
        for (char *slash = copy; (slash = strchr(slash + 1, '/'));) {
                *slash = '\0';
                if (mkdir(copy, 0755) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        if (mkdir(copy, mode) == 0) {
                if (mode & S_IXOTH && chmod(copy, mode) < 0)
                        return -errno;
        } else if (errno != EEXIST)
                return -errno;
        return access(copy, W_OK | X_OK) < 0 ? -errno : 0;
}

/* A directory under /tmp that somebody else made is not ours. */
static int check_owner(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        return st.st_uid == geteuid() || st.st_uid == 0 ? 0 : -EPERM;
}

/* Runs are told where to speak to, and have other working directories. */
static char *absolute(const char *path) {
        _cleanup_(freep) char *cwd = *path == '/' ? NULL : getcwd(NULL, 0);
        char *ret;

        if (!cwd)
                return *path == '/' ? strdup(path) : NULL;
        return asprintf(&ret, "%s/%s", streq(cwd, "/") ? "" : cwd, path) < 0 ? NULL : ret;
}

static int prepare(const char *given, char *(*usual)(void), mode_t mode, const char *what, char **ret) {
        char *path = given ? absolute(given) : usual();
        int r;

        if (!path)
                return -ENOMEM;
        *ret = path;
        r = make_dir(path, mode);
        if (r >= 0)
                r = check_owner(path);
        if (r < 0)
                (void)fprintf(stderr, "tendd: cannot use %s as %s: %s\n", path, what, strerror(-r));
        return r;
}

/* A container may have no place that lasts. Unless one was asked for, the daemon does without. */
static int prepare_state(const struct instance_options *options, struct instance *instance) {
        int r;

        r = prepare(options->state_dir, state_dir, 0750, "state directory", &instance->state_dir);
        if (r >= 0 || options->state_dir)
                return r;
        (void)fprintf(stderr, "tendd: using %s, which may not outlast a reboot\n", instance->runtime_dir);
        free(instance->state_dir);
        instance->state_dir = strdup(instance->runtime_dir);
        return instance->state_dir ? 0 : -ENOMEM;
}

/* ---- the lock ---- */

static pid_t read_pid(int fd) {
        char buf[32] = "";

        if (pread(fd, buf, sizeof(buf) - 1, 0) <= 0)
                return 0;
        return (pid_t)strtol(buf, NULL, 10);
}

static int write_pid(int fd) {
        char buf[32];
        int n = snprintf(buf, sizeof(buf), "%d\n", getpid());

        if (ftruncate(fd, 0) < 0 || pwrite(fd, buf, (size_t)n, 0) < 0)
                return -errno;
        return 0;
}

/* The pid of the owner while that lives, or 0. Of several that share the lock, the file names the last one, which may have
 * ended before the others. */
static pid_t find_holder(int fd) {
        pid_t pid = read_pid(fd);

        return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) ? pid : 0;
}

static void report_holder(const struct instance *instance, pid_t *ret_pid) {
        *ret_pid = find_holder(instance->lock_fd);
        if (*ret_pid > 0)
                (void)fprintf(stderr, "tendd: another tendd, pid %d, holds %s\n", *ret_pid, instance->runtime_dir);
        else
                (void)fprintf(stderr, "tendd: another tendd holds %s\n", instance->runtime_dir);
}

/* Returns 0, -EBUSY: somebody has it; -errno. */
static int lock_file(int fd, bool shared) {
        static const struct timespec pause = { .tv_nsec = TRIES_NSEC };

        for (unsigned i = 1; flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0; i++) {
                if (errno != EWOULDBLOCK)
                        return -errno;
                if (i == TRIES || find_holder(fd) > 0)
                        return -EBUSY;
                (void)nanosleep(&pause, NULL);
        }
        return 0;
}

static int take_lock(struct instance *instance, bool shared, pid_t *ret_pid) {
        _cleanup_(freep) char *path = below(instance->runtime_dir, "/tendd.lock");
        int r;

        if (!path)
                return -ENOMEM;
        instance->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        r = instance->lock_fd < 0 ? -errno : lock_file(instance->lock_fd, shared);
        if (r >= 0)
                r = write_pid(instance->lock_fd);
        if (r == -EBUSY)
                report_holder(instance, ret_pid);
        else if (r < 0)
                (void)fprintf(stderr, "tendd: cannot lock %s: %s\n", path, strerror(-r));
        return r;
}

int instance_open(const struct instance_options *options, struct instance *ret, pid_t *ret_pid) {
        struct instance instance = { .lock_fd = -EBADF };
        int r;

        *ret_pid = 0;
        r = prepare(options->runtime_dir, runtime_dir, 0755, "runtime directory", &instance.runtime_dir);
        if (r >= 0)
                r = prepare_state(options, &instance);
        instance.shared = options->shared;
        if (r >= 0)
                r = take_lock(&instance, options->shared, ret_pid);
        if (r < 0) {
                instance_close(&instance);
                return r;
        }
        *ret = instance;
        return 0;
}

void instance_close(struct instance *instance) {
        closep(&instance->lock_fd);
        free(instance->runtime_dir);
        free(instance->state_dir);
        *instance = (struct instance){ .lock_fd = -EBADF };
}

const char *instance_tag(const struct instance *instance, char buf[INSTANCE_TAG_MAX]) {
        struct stat lock = { 0 };
        int n;

        (void)fstat(instance->lock_fd, &lock);
        n = snprintf(buf, INSTANCE_TAG_MAX, "%llx-%llx", (unsigned long long)lock.st_dev,
                     (unsigned long long)lock.st_ino);
        if (instance->shared)
                (void)snprintf(buf + n, (size_t)(INSTANCE_TAG_MAX - n), "-%d", (int)getpid());
        return buf;
}

char *instance_notify_path(const struct instance *instance) {
        return below(instance->runtime_dir, "/notify");
}

char *instance_store_path(const struct instance *instance) {
        return below(instance->state_dir, "/state.db");
}

char *instance_socket_path(const struct instance *instance) {
        return below(instance->runtime_dir, "/control.sock");
}

char *instance_accepted_path(const char *given) {
        _cleanup_(freep) char *path = given ? strdup(given) : state_dir();

        return path ? below(path, "/accepted.ini") : NULL;
}
