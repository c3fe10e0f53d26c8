/* SPDX-License-Identifier: MIT */
/* notify: sockets on which children speak.
 *
 * The name of a socket has 64 random bits and its directory cannot be listed, so that a stranger has to be told it; and
 * if it is, its message is dropped by who the kernel says it is.
 *
 * Descriptors that come with a message are closed when it has been dealt with: for the sender of BARRIER=1 that is the
 * sign that all it said before has been read (sd_notify_barrier(3)).
 *
 * An idle socket is not read. What arrives there is from nobody's child, and thrown away when it is taken; what arrives
 * after that waits until the loop knows the child.
 */
#include "loop/notify.h"

#include "base/list.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define MESSAGE_MAX 4096 /* as service managers have it; a longer one is dropped */
#define TURN_MAX    16   /* messages read in a turn */
#define POLL_MAX    256
#define IDLE_MAX    256
#define NAME_LENGTH 16
#define DESCRIPTORS 253 /* SCM_MAX_FD */

struct notify_dir {
        char *path;
        bool alone;
        struct list idle; /* last used first */
        unsigned n_idle;
};

struct notify {
        struct list link;
        struct notify_dir *dir;
        int fd;
        struct loop_io *io;
        notify_is_ours_fn is_ours;
        notify_fn fn; /* NULL: nobody's */
        void *arg;
        char environment[sizeof("NOTIFY_SOCKET=") + sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

static const char *path_of(const struct notify *notify) {
        return notify->environment + strlen("NOTIFY_SOCKET=");
}

/* ---- the directory ---- */

static void remove_sockets(const char *path) {
        DIR *dir = opendir(path);
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (entry->d_type == DT_SOCK && strlen(entry->d_name) == NAME_LENGTH)
                        (void)unlinkat(dirfd(dir), entry->d_name, 0);
        if (dir)
                (void)closedir(dir);
}

/* Whatever the umask says, children of other users pass through. */
static int make_dir(const char *path) {
        if (mkdir(path, 0711) < 0 && errno != EEXIST)
                return -errno;
        return chmod(path, 0711) < 0 ? -errno : 0;
}

int notify_dir_new(const char *path, bool alone, struct notify_dir **ret) {
        _cleanup_(notify_dir_freep) struct notify_dir *dir = calloc(1, sizeof(*dir));
        int r;

        if (!dir)
                return -ENOMEM;
        list_init(&dir->idle);
        if (strlen(path) + 1 + NAME_LENGTH >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
                return -ENAMETOOLONG;
        r = make_dir(path);
        if (r < 0)
                return r;
        if (alone)
                remove_sockets(path);
        dir->alone = alone;
        dir->path = strdup(path);
        if (!dir->path)
                return -ENOMEM;
        *ret = TAKE_PTR(dir);
        return 0;
}

static struct notify *notify_free(struct notify *notify) {
        loop_io_free(notify->io);
        closep(&notify->fd);
        if (*path_of(notify))
                (void)unlink(path_of(notify));
        free(notify);
        return NULL;
}
DEFINE_CLEANUP(struct notify, notify_free)

struct notify_dir *notify_dir_free(struct notify_dir *dir) {
        struct notify *notify, *tmp;

        if (!dir)
                return NULL;
        list_for_each_entry_safe(notify, tmp, &dir->idle, link) {
                list_remove(&notify->link);
                notify_free(notify);
        }
        if (dir->path && dir->alone)
                (void)rmdir(dir->path);
        free(dir->path);
        free(dir);
        return NULL;
}

/* ---- making ---- */

struct notify *notify_take(struct notify_dir *dir) {
        struct notify *notify = list_first_entry(&dir->idle, struct notify, link);

        if (!notify)
                return NULL;
        list_remove(&notify->link);
        dir->n_idle--;
        notify_poll(notify);
        return notify;
}

static int bind_somewhere(struct notify *notify) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        uint64_t bits = clock_now(CLOCK_ID_MONOTONIC) ^ (uint64_t)(uintptr_t)notify;
        int r;

        if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0) /* there may be none early at boot */
                bits ^= (uint64_t)getpid() << 32;
        (void)snprintf(notify->environment, sizeof(notify->environment), "NOTIFY_SOCKET=%s/%016" PRIx64,
                       notify->dir->path, bits);
        (void)strcpy(address.sun_path, path_of(notify));
        r = bind(notify->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
        if (r == -ENOENT) { /* somebody tidied up */
                r = make_dir(notify->dir->path);
                if (r >= 0 && bind(notify->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                        r = -errno;
        }
        if (r < 0) {
                notify->environment[strlen("NOTIFY_SOCKET=")] = '\0'; /* not ours to remove */
                return r;
        }
        return chmod(path_of(notify), 0666) < 0 ? -errno : 0;
}

int notify_new(struct notify_dir *dir, struct notify **ret) {
        _cleanup_(notify_freep) struct notify *notify = calloc(1, sizeof(*notify));
        int on = 1, r;

        if (!notify)
                return -ENOMEM;
        list_init(&notify->link);
        notify->dir = dir;
        (void)strcpy(notify->environment, "NOTIFY_SOCKET=");
        notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (notify->fd < 0)
                return -errno;
        if (setsockopt(notify->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
                return -errno;
        r = bind_somewhere(notify);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(notify);
        return 0;
}

const char *notify_environment(const struct notify *notify) {
        return notify->environment;
}

/* ---- reading ---- */

struct sender {
        bool known;
        struct ucred credentials;
        int descriptors[DESCRIPTORS];
        size_t n_descriptors;
};

static void read_control(struct msghdr *header, struct sender *ret) {
        for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof(ret->credentials))) {
                        memcpy(&ret->credentials, CMSG_DATA(c), sizeof(ret->credentials));
                        ret->known = true;
                } else if (c->cmsg_type == SCM_RIGHTS) {
                        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                        n = MIN(n, DESCRIPTORS - ret->n_descriptors);
                        memcpy(ret->descriptors + ret->n_descriptors, CMSG_DATA(c), n * sizeof(int));
                        ret->n_descriptors += n;
                }
        }
}

/* Returns whether there may be more. */
static bool read_one(struct notify *notify) {
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * DESCRIPTORS)];
        } control;
        char text[MESSAGE_MAX + 1];
        struct iovec iov = { .iov_base = text, .iov_len = sizeof(text) };
        struct msghdr header = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        struct sender sender = { 0 };
        ssize_t n;

        n = recvmsg(notify->fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == EINTR;
        read_control(&header, &sender);
        if (notify->fn && n <= MESSAGE_MAX && sender.known && sender.credentials.pid > 0 &&
            notify->is_ours(sender.credentials.pid, sender.credentials.uid, notify->arg)) {
                struct notify_message message;

                notify_message_parse(text, (size_t)n, &message);
                notify->fn(&message, notify->arg);
        }
        for (size_t i = 0; i < sender.n_descriptors; i++)
                (void)close(sender.descriptors[i]);
        return true;
}

static void on_readable(_unused_ struct loop_io *io, _unused_ int fd, _unused_ unsigned events, void *arg) {
        for (unsigned i = 0; i < TURN_MAX && read_one(arg); i++)
                ;
}

int notify_watch(struct notify *notify, struct loop *loop, notify_is_ours_fn is_ours, notify_fn fn, void *arg) {
        notify->is_ours = is_ours;
        notify->fn = fn;
        notify->arg = arg;
        if (notify->io)
                return loop_io_set(notify->io, LOOP_READ);
        return loop_io_new(loop, notify->fd, LOOP_READ, LOOP_PRIORITY_NORMAL, "notify socket", on_readable, notify,
                           &notify->io);
}

void notify_poll(struct notify *notify) {
        for (unsigned i = 0; i < POLL_MAX && read_one(notify); i++)
                ;
}

struct notify *notify_release(struct notify *notify) {
        struct notify_dir *dir;

        if (!notify)
                return NULL;
        dir = notify->dir;
        notify->fn = NULL;
        if (dir->n_idle >= IDLE_MAX || (notify->io && loop_io_set(notify->io, 0) < 0)) {
                notify_free(notify);
                return NULL;
        }
        list_prepend(&dir->idle, &notify->link);
        dir->n_idle++;
        return NULL;
}
