/* SPDX-License-Identifier: MIT */
/* lock: nobody else writes the database, see database_lock().
 *
 * A second daemon on the same file, with a runtime directory of its own, would take the runs of the first for those of a
 * dead one, and end them. SQLite's own locks are held for a transaction only; a lock of ours on the same file would be
 * lost with any other descriptor of it that is closed. So it is flock(2) on a file beside it, which holds the pid of its
 * owner. Like that of the runtime directory it is never removed: another one could hold what nobody sees any more.
 *
 * When the directory was replaced, what is locked is no longer what others find, and the lock is taken anew.
 */
#include "store/database.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define TRIES      20
#define TRIES_NSEC 50000000 /* between two of them: a daemon that is ending lets go in a moment */

static int fail(struct database *db, const char *name) {
        int r = -errno;

        (void)snprintf(db->why, sizeof(db->why), "%.400s cannot be locked: %s", name, strerror(-r));
        return r;
}

static void let_go(struct database *db) {
        if (db->locked)
                (void)close(db->lock_fd);
        db->locked = false;
}

/* Whether what is locked is what others find at @name. */
static bool is_held(const struct database *db, const char *name) {
        struct stat ours, found;

        return db->locked && fstat(db->lock_fd, &ours) == 0 && lstat(name, &found) == 0 &&
               ours.st_ino == found.st_ino && ours.st_dev == found.st_dev;
}

static int refuse(struct database *db) {
        char text[32] = "";
        long pid = pread(db->lock_fd, text, sizeof(text) - 1, 0) > 0 ? strtol(text, NULL, 10) : 0;

        if (pid > 0)
                (void)snprintf(db->why, sizeof(db->why), "another tendd, pid %ld, uses it", pid);
        else
                (void)snprintf(db->why, sizeof(db->why), "another tendd uses it");
        return -EADDRINUSE;
}

/* For the message to another daemon, so it does not matter when there is no room for it. */
static void write_pid(int fd) {
        char text[32];
        int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

        if (ftruncate(fd, 0) == 0)
                (void)!pwrite(fd, text, (size_t)n, 0);
}

int database_lock(struct database *db, const char *path) {
        static const struct timespec pause = { .tv_nsec = TRIES_NSEC };
        char name[PATH_MAX + 8];
        int r = -1;

        (void)snprintf(name, sizeof(name), "%s.lock", path);
        if (is_held(db, name))
                return 0;
        let_go(db);
        db->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (db->lock_fd < 0)
                return fail(db, name);
        db->locked = true;
        for (unsigned i = 0; i < TRIES && (r = flock(db->lock_fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK; i++)
                (void)nanosleep(&pause, NULL);
        if (r == 0) {
                write_pid(db->lock_fd);
                return 0;
        }
        r = errno == EWOULDBLOCK || errno == EINTR ? refuse(db) : fail(db, name);
        let_go(db);
        return r;
}

void database_unlock(struct database *db) {
        let_go(db);
}
