/* SPDX-License-Identifier: MIT */
/* listen_socket: opens sockets that listen.
 *
 * The file of a Unix socket outlives a daemon that was killed. Whether somebody still listens is asked of the kernel, by
 * connecting: refused means stale, and the file is replaced. Nothing prevents here that two do this at the same time: for the
 * control socket the lock of the runtime directory does.
 */
#include "loop/listen_socket.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

/* As many as may be connected: a client that does not wait for its connection is not turned away because many others come
 * at once. The kernel has a bound of its own, net.core.somaxconn. */
#define BACKLOG 4096

/* ---- addresses ---- */

static int parse_path(const char *path, struct listen_address *ret) {
        struct sockaddr_un *address = (struct sockaddr_un *)&ret->storage;

        if (*path != '/')
                return -EINVAL;
        if (strlen(path) >= sizeof(address->sun_path))
                return -ENAMETOOLONG;
        address->sun_family = AF_UNIX;
        memcpy(address->sun_path, path, strlen(path) + 1);
        ret->size = sizeof(*address);
        return 0;
}

static int parse_ipv4(const char *host, uint16_t port, struct listen_address *ret) {
        struct sockaddr_in *address = (struct sockaddr_in *)&ret->storage;

        address->sin_family = AF_INET;
        address->sin_port = htons(port);
        ret->size = sizeof(*address);
        return inet_pton(AF_INET, host, &address->sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse_ipv6(const char *host, uint16_t port, struct listen_address *ret) {
        struct sockaddr_in6 *address = (struct sockaddr_in6 *)&ret->storage;

        address->sin6_family = AF_INET6;
        address->sin6_port = htons(port);
        ret->size = sizeof(*address);
        return inet_pton(AF_INET6, host, &address->sin6_addr) == 1 ? 0 : -EINVAL;
}

int listen_address_parse(const char *text, struct listen_address *ret) {
        struct listen_address address = { 0 };
        const char *colon = strrchr(text, ':');
        char host[INET6_ADDRSTRLEN + 2];
        uint64_t port;
        size_t n;
        int r;

        if (strncmp(text, "unix:", 5) == 0) {
                r = parse_path(text + 5, &address);
        } else {
                n = colon ? (size_t)(colon - text) : 0;
                if (n == 0 || n >= sizeof(host) || text_parse_uint(colon + 1, 1, UINT16_MAX, &port) < 0)
                        return -EINVAL;
                memcpy(host, text, n);
                host[n] = '\0';
                if (host[0] == '[' && host[n - 1] == ']') {
                        host[n - 1] = '\0';
                        r = parse_ipv6(host + 1, (uint16_t)port, &address);
                } else
                        r = parse_ipv4(host, (uint16_t)port, &address);
        }
        if (r == 0)
                *ret = address;
        return r;
}

bool listen_address_is_local(const struct listen_address *address) {
        const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *)&address->storage;
        const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)&address->storage;

        switch (address->storage.ss_family) {
        case AF_INET: return ntohl(ipv4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        case AF_INET6: return IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr);
        default: return true;
        }
}

/* ---- opening ---- */

/* Removes the socket at @address when nobody listens on it. Returns 0; -EADDRINUSE with @ret_pid; -EEXIST. */
static int remove_stale(const struct sockaddr_un *address, pid_t *ret_pid) {
        _cleanup_(closep) int fd = -EBADF;
        struct ucred ucred = { 0 };
        socklen_t length = sizeof(ucred);
        struct stat st;

        if (lstat(address->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0) {
                if (errno == ECONNREFUSED)
                        return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
                return errno == EAGAIN ? -EADDRINUSE : -errno; /* EAGAIN: its backlog is full, so it listens */
        }
        if (ret_pid && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &length) >= 0)
                *ret_pid = ucred.pid;
        return -EADDRINUSE;
}

int listen_unix(const char *path, mode_t mode, gid_t gid, pid_t *ret_pid) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -EBADF;
        int r;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);
        if (ret_pid)
                *ret_pid = 0;
        r = remove_stale(&address, ret_pid);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        /* Nobody can connect before listen(), so its permissions are set in time. */
        if (chmod(path, mode) < 0 || (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) < 0) || listen(fd, BACKLOG) < 0) {
                r = -errno;
                (void)unlink(path);
                return r;
        }
        return TAKE_FD(fd);
}

/* A daemon that is started anew does not wait for connections of the one before to time out. */
static int listen_inet(const struct listen_address *address) {
        _cleanup_(closep) int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        int yes = 1;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
            bind(fd, (const struct sockaddr *)&address->storage, address->size) < 0 || listen(fd, BACKLOG) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int listen_open(const struct listen_address *address, mode_t mode, pid_t *ret_pid) {
        if (ret_pid)
                *ret_pid = 0;
        if (address->storage.ss_family != AF_UNIX)
                return listen_inet(address);
        return listen_unix(((const struct sockaddr_un *)&address->storage)->sun_path, mode, (gid_t)-1, ret_pid);
}
