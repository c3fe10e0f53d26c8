/* SPDX-License-Identifier: MIT */
/* ready_probe: one attempt to connect, blocking, on a thread. */
#include "task/ready_probe.h"

#include "task/resolve.h"
#include "task/tcp_address.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>

#define CONNECT_MSEC 1000
#define WHY_MAX      128

struct ready_probe {
        struct pool_job *job;
        ready_probe_fn fn;
        void *arg;
        struct tcp_address address;
        char why[WHY_MAX]; /* empty: it was connected */
        char text[];
};

/* Asked for a port that nobody listens on, but that the kernel may give out, it may give it to the very socket that asks,
 * which then is connected to itself. */
static bool is_own(int fd) {
        struct sockaddr_storage own = { 0 }, peer = { 0 };
        socklen_t n_own = sizeof(own), n_peer = sizeof(peer);

        return getsockname(fd, (struct sockaddr *)&own, &n_own) == 0 && own.ss_family != AF_UNIX &&
               getpeername(fd, (struct sockaddr *)&peer, &n_peer) == 0 && n_own == n_peer &&
               memcmp(&own, &peer, n_own) == 0;
}

static int connect_to(const struct sockaddr *address, socklen_t length) {
        _cleanup_(closep) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
        socklen_t size = sizeof(int);
        int error = 0;

        if (fd < 0)
                return errno;
        if (connect(fd, address, length) < 0) {
                if (errno != EINPROGRESS)
                        return errno;
                if (poll(&pollfd, 1, CONNECT_MSEC) <= 0)
                        return ETIMEDOUT;
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
                        return errno;
        }
        return error == 0 && is_own(fd) ? ECONNREFUSED : error;
}

static int connect_path(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                return ENAMETOOLONG;
        (void)strcpy(address.sun_path, path);
        return connect_to((struct sockaddr *)&address, sizeof(address));
}

static void note(struct ready_probe *probe, int error) {
        if (error > 0)
                (void)snprintf(probe->why, sizeof(probe->why), "%s", strerrordesc_np(error) ?: "unknown error");
}

static int connect_any(const struct resolve_answer *answer, unsigned port) {
        int error = 0;

        for (size_t i = 0; i < answer->n; i++) {
                struct sockaddr_storage address = answer->addresses[i].address;

                if (address.ss_family == AF_INET)
                        ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)port);
                else
                        ((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)port);
                error = connect_to((struct sockaddr *)&address, answer->addresses[i].length);
                if (error == 0)
                        break;
        }
        return error;
}

static struct resolve_answer *look_up(const char *host) {
        struct resolve_address address;

        return resolve_literal(host, &address) ? resolve_answer_of(&address) : resolve_blocking(host);
}

static void connect_host(struct ready_probe *probe) {
        struct resolve_answer *answer = look_up(probe->address.host);
        int error = ENOMEM;

        if (answer && answer->error != 0) {
                (void)snprintf(probe->why, sizeof(probe->why), "%s", resolve_answer_reason(answer));
                error = 0;
        } else if (answer)
                error = connect_any(answer, probe->address.port);
        note(probe, error);
        free(answer); /* nobody else has it; its count belongs to the loop's thread */
}

static void work(void *arg) {
        struct ready_probe *probe = arg;

        if (probe->address.path)
                note(probe, connect_path(probe->address.path));
        else
                connect_host(probe);
}

static void done(void *arg) {
        struct ready_probe *probe = arg;

        probe->fn(*probe->why ? probe->why : NULL, probe->arg);
        free(probe);
}

int ready_probe_start(struct pool *pool, const char *address, ready_probe_fn fn, void *arg, struct ready_probe **ret) {
        static const struct pool_job_ops ops = {
                .name = "readiness",
                .work = work,
                .done = done,
                .returned = free,
        };
        struct ready_probe *probe = calloc(1, sizeof(*probe) + strlen(address) + 1);
        int r;

        if (!probe)
                return -ENOMEM;
        (void)strcpy(probe->text, address);
        probe->fn = fn;
        probe->arg = arg;
        r = tcp_address_parse(probe->text, &probe->address);
        if (r >= 0)
                r = pool_submit(pool, &ops, probe, &probe->job);
        if (r < 0) {
                free(probe);
                return r;
        }
        *ret = probe;
        return 0;
}

struct ready_probe *ready_probe_cancel(struct ready_probe *probe) {
        if (probe)
                (void)pool_abandon(probe->job);
        return NULL;
}
