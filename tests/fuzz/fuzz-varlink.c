/* SPDX-License-Identifier: MIT */
/* fuzz-varlink: what a client may send, in pieces of any size, to a server with methods that answer at once, later, and
 * in streams. The first two bytes choose the size of the pieces and whether the client reads. */
#include "control/varlink.h"
#include "support/fake-loop.h"

#include <stdio.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum varlink_role role_of(_unused_ const struct varlink_peer *peer, _unused_ const gid_t *groups,
                                 _unused_ size_t n_groups, _unused_ void *arg) {
        return VARLINK_ROLE_ADMIN;
}

static void on_change(_unused_ const struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
}

static int echo(struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        return varlink_reply(call, json_deep_copy(parameters));
}

static int later(_unused_ struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        return 0;
}

static int count_next(struct varlink_call *call, void *cursor, json_t **ret) {
        unsigned *n = cursor;

        if (*n % 5 == 3) { /* nothing now, and at once something again */
                ++*n;
                varlink_wake(call);
                return -EAGAIN;
        }
        *ret = json_pack("{s:i}", "n", (int)*n);
        return ++*n < 100;
}

static const struct varlink_stream_ops count_ops = { .next = count_next, .free = free };

static int count(struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        unsigned *n = calloc(1, sizeof(*n));

        return n ? varlink_stream(call, &count_ops, n) : -ENOMEM;
}

static const struct varlink_field fields[] = {
        { "s", VARLINK_STRING, true },
        { "i", VARLINK_INT, true },
        { "b", VARLINK_BOOL, true },
        { "l", VARLINK_STRINGS, true },
        { 0 },
};
static const struct varlink_method methods[] = {
        { "E", VARLINK_ROLE_VIEW, VARLINK_CHANGES, fields, echo },
        { "L", VARLINK_ROLE_VIEW, 0, fields, later },
        { "C", VARLINK_ROLE_VIEW, 0, fields, count },
        { "M", VARLINK_ROLE_VIEW, VARLINK_MORE, NULL, count },
};
static const struct varlink_interface interface = {
        .name = "f.f",
        .description = "interface f.f\n",
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .failed = "f.f.Failed",
};

/* Takes what the server answered, so that it can go on. */
static void drain(int fd) {
        static char buf[65536];

        while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
                ;
}

static void talk(int client, int fd, const uint8_t *data, size_t size, size_t piece, bool reads) {
        for (size_t at = 0; at < size; at += piece) {
                if (send(client, data + at, MIN(piece, size - at), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                        break;
                (void)fake_loop_ready(fd, LOOP_READ | LOOP_WRITE);
                (void)fake_loop_settle();
                if (reads)
                        drain(client);
        }
        if (reads)
                (void)shutdown(client, SHUT_WR);
        for (unsigned i = 0; i < 4 && fake_loop_ready(fd, LOOP_READ | LOOP_WRITE); i++) {
                (void)fake_loop_settle();
                drain(client);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct varlink_options options = {
                .vendor = "",
                .product = "",
                .version = "",
                .url = "",
                .role_of = role_of,
                .on_change = on_change,
        };
        struct varlink_server *server = NULL;
        struct loop *loop = NULL;
        int fds[2];

        if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return 0;
        fake_clock_reset();
        if (loop_new(&loop) < 0 || varlink_server_new(loop, &options, &server) < 0 ||
            varlink_server_add_interface(server, &interface, NULL) < 0 ||
            varlink_server_add_connection(server, fds[1]) < 0)
                abort();
        talk(fds[0], fds[1], data + 2, size - 2, (size_t)data[0] * 8 + 1, data[1] & 1);
        fake_clock_advance(USEC_PER_MINUTE);
        (void)close(fds[0]);
        varlink_server_free(server);
        if (fake_loop_timers() != 0 || fake_loop_watches() != 0 || fake_loop_pending_work() != 0)
                abort();
        loop_free(loop);
        return 0;
}
