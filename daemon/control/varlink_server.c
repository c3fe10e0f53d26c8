/* SPDX-License-Identifier: MIT */
/* varlink_server: who may connect, and the round in which connections are served, see varlink.h.
 *
 * A connection that has something to do and needs no word from the kernel for it (more answers of a stream, pipelined
 * calls, an event that woke it) is on the list `ready`. One piece of deferred work, the pump, goes round that list: each
 * in its turn is worked for during VARLINK_SHARE_USEC and goes to the end when it is not done. After VARLINK_SLICE_USEC
 * the pump leaves the loop to others and comes again in the next turn. So a thousand followers, or a list of a hundred
 * thousand tasks, take many turns and delay none.
 */
#include "base/log.h"
#include "control/varlink_internal.h"

#include <fcntl.h>
#include <sys/resource.h>

/* Each takes a descriptor and 1 KiB, or 5 when it follows events; in the kernel about as much. */
#define MAX_CONNECTIONS 4096

/* Everybody may connect when anybody may: those who may do nothing must not take the places of the others. */
#define MAX_CONNECTIONS_NONE 64

/* One part in so many of all places is left to admins, who must get in to look who has taken the others. */
#define ADMINS_SHARE 64

#define MAX_MESSAGE ((size_t)(1024 * 1024))
#define MAX_INPUT   ((size_t)(16 * 1024 * 1024))
#define STALL_USEC  (30 * USEC_PER_SEC)

#define FLUSH_USEC (100 * USEC_PER_MSEC)

#define LOG_SPAN_USEC (10 * USEC_PER_SEC)
#define LOG_SPAN_MAX  10

static const char *const role_names[_VARLINK_ROLE_MAX] = {
        [VARLINK_ROLE_NONE] = "none",
        [VARLINK_ROLE_VIEW] = "view",
        [VARLINK_ROLE_OPERATE] = "operate",
        [VARLINK_ROLE_ADMIN] = "admin",
};

const char *varlink_role_to_string(enum varlink_role role) {
        return role_names[role];
}

void varlink_log_peer(struct varlink_server *server, const struct varlink_peer *peer, const char *what,
                      const char *why) {
        struct varlink_ratelimit *limit = &server->ratelimit;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (now - limit->since_usec >= LOG_SPAN_USEC) {
                if (limit->suppressed > 0)
                        log_warning("control: %u more clients were refused, denied something or cut off",
                                    limit->suppressed);
                *limit = (struct varlink_ratelimit){ .since_usec = now };
        }
        if (limit->n++ >= LOG_SPAN_MAX) {
                limit->suppressed++;
                return;
        }
        if (peer)
                log_warning("control: client with uid %u, pid %d %s: %s", (unsigned)peer->uid, (int)peer->pid, what,
                            why);
        else
                log_warning("control: client %s: %s", what, why);
}

static void pump(struct varlink_server *server, usec_t for_usec) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        usec_t until = now + for_usec;

        while (now < until && !list_empty(&server->ready)) {
                varlink_connection_run(list_first_entry(&server->ready, struct varlink_connection, ready),
                                       now + VARLINK_SHARE_USEC);
                now = clock_now(CLOCK_ID_MONOTONIC);
        }
}

static void on_pump(struct loop_work *work, void *arg) {
        struct varlink_server *server = arg;

        pump(server, VARLINK_SLICE_USEC);
        if (!list_empty(&server->ready))
                loop_work_schedule(work);
}

void varlink_server_flush(struct varlink_server *server) {
        pump(server, FLUSH_USEC);
}

static void on_accept_again(_unused_ struct loop_timer *timer, void *arg) {
        varlink_listeners_pause(arg, false);
}

/* The other half of the descriptors is for the daemon's work. */
static unsigned max_connections(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 >= MAX_CONNECTIONS)
                return MAX_CONNECTIONS;
        return MAX((unsigned)limit.rlim_cur / 2, 1u);
}

int varlink_server_new(struct loop *loop, const struct varlink_options *options, struct varlink_server **ret) {
        struct varlink_server *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;
        server->loop = loop;
        server->options = *options;
        server->fds_role = _VARLINK_ROLE_MAX;
        if (server->options.max_connections == 0)
                server->options.max_connections = max_connections();
        if (server->options.max_connections_per_user == 0)
                server->options.max_connections_per_user = MAX(server->options.max_connections / 2, 1u);
        if (server->options.max_message == 0)
                server->options.max_message = MAX_MESSAGE;
        if (server->options.max_input == 0)
                server->options.max_input = MAX_INPUT;
        if (server->options.stall_usec == 0)
                server->options.stall_usec = STALL_USEC;
        list_init(&server->connections);
        list_init(&server->ready);
        loop_work_init(&server->pump, loop, "control-pump", on_pump, server);
        r = loop_timer_init(&server->accept_again, loop, CLOCK_ID_MONOTONIC, "control-accept-again", on_accept_again,
                            server);
        if (r >= 0)
                r = varlink_server_add_interface(server, &varlink_service_interface, server);
        if (r < 0) {
                varlink_server_free(server);
                return r;
        }
        *ret = server;
        return 0;
}

struct varlink_server *varlink_server_free(struct varlink_server *server) {
        struct varlink_connection *connection, *tmp;

        if (!server)
                return NULL;
        list_for_each_entry_safe(connection, tmp, &server->connections, link)
                varlink_connection_free(connection);
        for (size_t i = 0; i < server->n_listeners; i++)
                varlink_listener_done(&server->listeners[i]);
        loop_timer_done(&server->accept_again);
        loop_work_cancel(&server->pump);
        buffer_done(&server->text);
        free(server);
        return NULL;
}

int varlink_server_add_interface(struct varlink_server *server, const struct varlink_interface *interface, void *arg) {
        if (server->n_served == VARLINK_INTERFACES_MAX)
                return -ENOSPC;
        for (size_t i = 0; i < interface->n_methods; i++)
                if (interface->methods[i].flags & VARLINK_FDS)
                        server->fds_role = MIN(server->fds_role, interface->methods[i].role);
        server->served[server->n_served++] = (struct varlink_served){ .interface = interface, .arg = arg };
        return 0;
}

/* Whether @peer may have one more connection. Returns 0, -EMFILE, -EDQUOT. */
static int check_room(const struct varlink_server *server, const struct varlink_peer *peer) {
        unsigned max = server->options.max_connections, of_user = 0, of_none = 0;
        const struct varlink_connection *connection;

        if (peer->role < VARLINK_ROLE_ADMIN)
                max -= max / ADMINS_SHARE;
        if (server->stats.connections >= max)
                return -EMFILE;
        list_for_each_entry(connection, &server->connections, link) {
                of_user += connection->peer.uid == peer->uid;
                of_none += connection->peer.role == VARLINK_ROLE_NONE;
        }
        if (peer->role == VARLINK_ROLE_NONE && of_none >= MAX_CONNECTIONS_NONE)
                return -EMFILE;
        return of_user < server->options.max_connections_per_user ? 0 : -EDQUOT;
}

int varlink_server_add_connection(struct varlink_server *server, int fd) {
        struct varlink_peer peer;
        int r, known;

        r = known = varlink_peer_get(server, fd, &peer);
        if (r >= 0)
                r = check_room(server, &peer);
        if (r < 0) {
                server->stats.refused++;
                varlink_log_peer(server, known >= 0 ? &peer : NULL, "refused",
                                 r == -EMFILE   ? "too many connections"
                                 : r == -EDQUOT ? "too many connections of this user"
                                                : strerror(-r));
                (void)close(fd);
                return r;
        }
        server->stats.accepted++;
        peer.connected_usec = clock_now(CLOCK_ID_BOOTTIME);
        return varlink_connection_new(server, fd, &peer);
}

void varlink_server_review_roles(struct varlink_server *server) {
        struct varlink_connection *connection;

        server->review++;
        list_for_each_entry(connection, &server->connections, link)
                varlink_connection_schedule(connection);
}

void varlink_server_get_stats(const struct varlink_server *server, struct varlink_stats *ret) {
        *ret = server->stats;
}
