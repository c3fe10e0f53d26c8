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

struct ready_probe {
        struct pool_job *job;
        ready_probe_fn fn;
        void *arg;
        struct tcp_address address;
        int error;
        char text[];
};

static int connect_to(const struct sockaddr *address, socklen_t length) {
        _cleanup_(closep) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
        socklen_t size = sizeof(int);
        int error = 0;

        if (fd < 0)
                return errno;
        if (connect(fd, address, length) == 0)
                return 0;
        if (errno != EINPROGRESS)
                return errno;
        if (poll(&pollfd, 1, CONNECT_MSEC) <= 0)
                return ETIMEDOUT;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

static int connect_path(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (strlen(path) >= sizeof(address.sun_path))
                return ENAMETOOLONG;
        (void)strcpy(address.sun_path, path);
        return connect_to((struct sockaddr *)&address, sizeof(address));
}

static int connect_host(const struct tcp_address *wanted) {
        struct resolve_answer *answer = resolve_blocking(wanted->host);
        int error = answer ? 0 : ENOMEM;

        if (answer && answer->error != 0)
                error = EADDRNOTAVAIL;
        for (size_t i = 0; answer && i < answer->n; i++) {
                struct sockaddr_storage address = answer->addresses[i].address;

                if (address.ss_family == AF_INET)
                        ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)wanted->port);
                else
                        ((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)wanted->port);
                error = connect_to((struct sockaddr *)&address, answer->addresses[i].length);
                if (error == 0)
                        break;
        }
        free(answer); /* nobody else has it; its count belongs to the loop's thread */
        return error;
}

static void work(void *arg) {
        struct ready_probe *probe = arg;

        probe->error = probe->address.path ? connect_path(probe->address.path) : connect_host(&probe->address);
}

static void done(void *arg) {
        struct ready_probe *probe = arg;
        ready_probe_fn fn = probe->fn;
        void *fn_arg = probe->arg;
        int error = probe->error;

        free(probe);
        fn(error, fn_arg);
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
