/* SPDX-License-Identifier: MIT */
/* fuzz-control: the whole of io.tendd.Runner, called by several clients, over tasks of all sorts whose work ends when the input says.
 *
 * An input is a row of pieces, each ended by a NUL. One that begins with a byte below is something that happens; any other is a
 * message, right or wrong, from the client whose turn it is. What clients get must be Varlink messages, and nothing may be left when all is
 * taken down: no timer, no deferred work, no watch, and with a sanitizer no memory.
 */
#include "base/log.h"
#include "config/diagnostics.h"
#include "config/load.h"
#include "control/methods.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLIENTS 3

/* Turns that everything has to come to an end. */
#define ROUNDS_MAX 10000

enum happening {
        HAPPENS_TIME = 1, /* some passes: the next byte, squared, in ms */
        HAPPENS_END,      /* a leaf ends: the next bytes are which one, and how */
        HAPPENS_READY,    /* a leaf is under way, one of a service is ready: which one */
        HAPPENS_CLIENT,   /* the turn of another client: which one */
        HAPPENS_HANG_UP,  /* the client goes, and another takes its place */
        HAPPENS_READING,  /* whether clients read */
        HAPPENS_STORE,    /* it becomes degraded, or well again */
        HAPPENS_SHUT,     /* the client sends no more, and still reads */
        _HAPPENS_MAX,
};

static const char text[] = "[limit db]\npermits = 1\n[limit pace]\nrate = 1/s\n[pool disks]\n"
                           "[task dump]\ncommand = x\nlimit = db\nmanual = yes\nretries = 1\non-failure = alert\n"
                           "[task load]\ncommand = x\nlimit = db:1 pace\nmanual = yes\nafter = dump\n"
                           "[group etl]\nmembers = dump load\nmanual = yes\n"
                           "[task alert]\nurl = http://localhost/{task}\nmanual = yes\n"
                           "[task off]\ncommand = x\nenabled = no\n"
                           "[task night]\ncalendar = *-*-* 02:30\ntimezone = UTC\njitter = 1min\ncommand = x\n"
                           "[task tick]\nevery = 10s\nstale-after = 30s\ncommand = x\nslow-after = 5s\n"
                           "[task web]\nrestart = always\ninstances = 2\ncommand = x\n"
                           "[task db]\nrestart = on-failure\nready = notify\ncommand = x\n"
                           "[group site]\nmembers = db front\npolicy = all\n"
                           "[task front]\nrestart = always\ncommand = x\nafter = db\n";

static struct live *live;
static struct control *control;
static struct live_observer *observer;
static struct run *leaves[256];
static bool begun[ARRAY_SIZE(leaves)];
static size_t n_leaves;
static bool stopping;

struct client {
        int fd;     /* ours */
        int server; /* the other end, by which the loop knows it */
        bool reads;
        size_t n;
        char in[256 * 1024]; /* the beginning of a message */
};

static struct client clients[CLIENTS];

/* ---- leaves ---- */

static void forget(size_t i) {
        n_leaves--;
        memmove(&leaves[i], &leaves[i + 1], (n_leaves - i) * sizeof(leaves[0]));
        memmove(&begun[i], &begun[i + 1], (n_leaves - i) * sizeof(begun[0]));
}

static int leaf_start(struct run *leaf) {
        if (n_leaves == ARRAY_SIZE(leaves))
                return -EAGAIN;
        begun[n_leaves] = false;
        leaves[n_leaves++] = leaf;
        return 0;
}

static void end_leaf(size_t i, enum error_kind error) {
        struct run *leaf = leaves[i];

        forget(i);
        run_leaf_end(leaf, &(struct leaf_end){ .error = error, .detail = "as told", .clean_when_stopped = true });
}

static void leaf_force(struct run *leaf) {
        for (size_t i = 0; i < n_leaves; i++)
                if (leaves[i] == leaf) {
                        end_leaf(i, ERROR_SIGNAL);
                        return;
                }
}

static int leaf_signal(_unused_ struct run *leaf, int signo, _unused_ bool main) {
        return signo == 0 ? -ESRCH : 0;
}

static const struct leaf_ops leaf_ops = {
        .name = "fuzz",
        .start = leaf_start,
        .force = leaf_force,
        .signal = leaf_signal,
};

/* What RunCommand starts is in no configuration, and is not begun yet when it is told of. */
static void on_event(const struct event *event, _unused_ void *arg) {
        const struct run *run = event->run ? run_tree_find(live_tree(live), event->run) : NULL;

        if (event->id == EVENT_RUN_QUEUED && run && run_get_spec(run)->is_transient)
                ((struct run_spec *)run_get_spec(run))->leaf = &leaf_ops;
}

/* ---- the daemon ---- */

static const char *phase(_unused_ void *arg) {
        return stopping ? "stopping" : "running";
}

static int on_shutdown(enum control_shutdown how, _unused_ void *arg) {
        if (how == CONTROL_SHUTDOWN_WHEN_IDLE)
                return 0;
        stopping = true;
        live_stop_triggers(live);
        run_tree_stop(live_tree(live), false);
        if (how == CONTROL_SHUTDOWN_NOW)
                run_tree_force(live_tree(live));
        return 0;
}

static struct config *load(void) {
        static const struct config_options options = { .portable = true };
        struct diagnostics diagnostics = { 0 };
        struct config *config = NULL;
        int fd = memfd_create("tendd.ini", MFD_CLOEXEC);
        char path[64];

        assert(fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (config_load_as(path, &options, false, &diagnostics, &config) < 0)
                abort();
        (void)close(fd);
        diagnostics_done(&diagnostics);
        for (size_t i = 0; i < config->n_tasks; i++)
                if (!config->tasks[i]->run.is_group)
                        config->tasks[i]->run.leaf = &leaf_ops;
        return config;
}

static void connect_client(struct client *client) {
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ||
            varlink_server_add_connection(control->server, fds[1]) < 0)
                abort();
        client->fd = fds[0];
        client->server = fds[1];
        client->n = 0;
        client->reads = true;
}

static void set_up(struct loop **loop, struct store **store) {
        struct store_options store_options = { .path = "none" };
        struct live_options live_options = { .triggers = true };
        struct control_options control_options = { .phase = phase, .shutdown = on_shutdown };
        struct config *config = load();

        log_set_max_level(LOG_EMERG);
        fake_clock_reset();
        fake_store_reset();
        n_leaves = 0;
        stopping = false;
        if (loop_new(loop) < 0)
                abort();
        store_options.loop = *loop;
        if (store_open(&store_options, store) < 0)
                abort();
        live_options.loop = *loop;
        live_options.store = *store;
        if (live_new(&live_options, config, &live) < 0)
                abort();
        config_unref(config);
        if (live_observe(live, on_event, NULL, &observer) < 0)
                abort();
        control_options.live = live;
        if (control_new(&control_options, &control) < 0)
                abort();
        for (size_t i = 0; i < CLIENTS; i++)
                connect_client(&clients[i]);
}

static void take_down(struct loop *loop, struct store *store) {
        for (size_t i = 0; i < CLIENTS; i++)
                (void)close(clients[i].fd);
        control_free(control);
        live_stop_triggers(live);
        run_tree_stop(live_tree(live), false);
        run_tree_force(live_tree(live));
        for (unsigned i = 0; !run_tree_is_empty(live_tree(live)) && i < ROUNDS_MAX; i++)
                fake_clock_advance(USEC_PER_SEC);
        assert(run_tree_is_empty(live_tree(live)));
        live_unobserve(observer);
        live_free(live);
        store_close(store, 0);
        assert(fake_loop_timers() == 0 && fake_loop_watches() == 0 && fake_loop_pending_work() == 0);
        loop_free(loop);
}

/* ---- clients ---- */

static void check_message(const char *message) {
        json_t *root = json_loads(message, JSON_REJECT_DUPLICATES, NULL);
        const json_t *error = json_object_get(root, "error");

        assert(json_is_object(json_object_get(root, "parameters")));
        assert(!error || (json_is_string(error) && strchr(json_string_value(error), '.')));
        assert(!error || !json_object_get(root, "continues"));
        json_decref(root);
}

static bool take(struct client *client) {
        ssize_t n = recv(client->fd, client->in + client->n, sizeof(client->in) - client->n, MSG_DONTWAIT);
        char *end, *at = client->in;

        if (n <= 0)
                return false;
        client->n += (size_t)n;
        while ((end = memchr(at, '\0', client->n))) {
                check_message(at);
                client->n -= (size_t)(end + 1 - at);
                at = end + 1;
        }
        memmove(client->in, at, client->n);
        assert(client->n < sizeof(client->in)); /* no message is that long */
        return true;
}

static void settle(void) {
        for (size_t i = 0; i < CLIENTS; i++) {
                (void)fake_loop_ready(clients[i].server, LOOP_READ | LOOP_WRITE);
                (void)fake_loop_settle();
                while (clients[i].reads && take(&clients[i])) {
                        (void)fake_loop_ready(clients[i].server, LOOP_WRITE);
                        (void)fake_loop_settle();
                }
        }
}

static enum error_kind error_of(uint8_t byte) {
        static const enum error_kind errors[] = { ERROR_NONE, ERROR_EXIT, ERROR_SIGNAL, ERROR_SPAWN, ERROR_CONNECT };

        return errors[byte % ARRAY_SIZE(errors)];
}

static void be_ready(size_t i) {
        if (!begun[i])
                run_leaf_started(leaves[i]);
        if (!begun[i] && run_get_spec(leaves[i])->is_service)
                run_leaf_ready(leaves[i]);
        begun[i] = true;
}

/* The bytes behind the first are 0 where the piece is shorter. */
static void happen(enum happening what, uint8_t first, uint8_t second, struct client **at) {
        switch (what) {
        case HAPPENS_TIME: fake_clock_advance((usec_t)first * first * USEC_PER_MSEC); break;
        case HAPPENS_END:
                if (n_leaves > 0)
                        end_leaf(first % n_leaves, error_of(second));
                break;
        case HAPPENS_READY:
                if (n_leaves > 0)
                        be_ready(first % n_leaves);
                break;
        case HAPPENS_CLIENT: *at = &clients[first % CLIENTS]; break;
        case HAPPENS_HANG_UP:
                (void)close((*at)->fd);
                (void)fake_loop_ready((*at)->server, LOOP_READ);
                (void)fake_loop_settle();
                connect_client(*at);
                break;
        case HAPPENS_READING: (*at)->reads = first & 1; break;
        case HAPPENS_STORE:
                if (first & 1)
                        fake_store_degrade("as told");
                else
                        fake_store_recover(false);
                break;
        case HAPPENS_SHUT: (void)shutdown((*at)->fd, SHUT_WR); break;
        case _HAPPENS_MAX: break;
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct client *client = &clients[0];
        struct store *store;
        struct loop *loop;

        set_up(&loop, &store);
        while (size > 0) {
                const uint8_t *end = memchr(data, '\0', size);
                size_t n = end ? (size_t)(end - data) + 1 : size;

                if (*data > 0 && *data < _HAPPENS_MAX)
                        happen((enum happening) * data, n > 1 ? data[1] : 0, n > 2 ? data[2] : 0, &client);
                else
                        (void)send(client->fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
                settle();
                data += n;
                size -= n;
        }
        take_down(loop, store);
        return 0;
}
