/* SPDX-License-Identifier: MIT */
/* endpoints: see endpoints.h.
 *
 * What a thread works with belongs to its job, not to the endpoint, which may be gone when the job is done. A job opens a
 * socket, or removes the path of one that was closed; jobs of one thread are done in their order, so that a path that is
 * taken out and put back again is there in the end.
 */
#include "metrics/endpoints.h"

#include "base/log.h"
#include "loop/listen_socket.h"
#include "loop/pool.h"

#include <stdio.h>
#include <sys/stat.h>

/* Everybody may read them on a loopback address; the directory of the socket says who may. */
#define SOCKET_MODE 0666
#define AGAIN_USEC  (15 * USEC_PER_SEC)
#define QUEUE_MAX   1000

struct opening {
        struct endpoint *endpoint; /* NULL: nobody waits for it */
        struct pool *pool;
        struct listen_address address;
        const char *path; /* of `text`; NULL: it is no path */
        int fd;           /* or a negative errno */
        pid_t pid;        /* that has the path */
        dev_t dev;        /* of the path; before: of the one that is open already */
        ino_t ino;        /* 0: none is */
        bool close;       /* removes the path, if it is still that one */
        char text[];
};

struct endpoint {
        struct list link;
        struct endpoints *endpoints;
        struct opening *opening; /* under way; or NULL */
        struct http_listener *listener;
        dev_t dev;
        ino_t ino;
        char *trouble; /* why it is not open; NULL: not known yet, or it is */
        bool wanted;
        char text[];
};

struct endpoints {
        struct live *live;
        struct http_server *server;
        struct pool *pool;
        struct list endpoints;
        struct loop_timer again;
};

static const char *path_of(const char *text) {
        return strncmp(text, "unix:", 5) == 0 ? text + 5 : NULL;
}

/* ---- on the thread ---- */

/* Somebody may have removed it, or put another one in its place. */
static bool is_in_place(const struct opening *opening) {
        struct stat st;

        return opening->ino > 0 && lstat(opening->path, &st) >= 0 && st.st_dev == opening->dev &&
               st.st_ino == opening->ino;
}

static void remove_path(const struct opening *opening) {
        if (is_in_place(opening))
                (void)unlink(opening->path);
}

static void work(void *arg) {
        struct opening *opening = arg;
        struct stat st;

        if (opening->close) {
                remove_path(opening);
                return;
        }
        if (is_in_place(opening)) {
                opening->fd = -EALREADY;
                return;
        }
        opening->fd = listen_open(&opening->address, SOCKET_MODE, &opening->pid);
        if (opening->fd >= 0 && opening->path && lstat(opening->path, &st) >= 0) {
                opening->dev = st.st_dev;
                opening->ino = st.st_ino;
        }
}

/* ---- jobs ---- */

static void opening_free(void *arg) {
        struct opening *opening = arg;

        if (opening->fd >= 0)
                (void)close(opening->fd);
        free(opening);
}

/* The daemon has not waited for it. On the thread. */
static void opening_left(void *arg) {
        struct opening *opening = arg;

        if (opening->fd >= 0 && opening->path)
                remove_path(opening);
        opening_free(opening);
}

static struct opening *opening_new(const char *text) {
        struct opening *opening = calloc(1, sizeof(*opening) + strlen(text) + 1);

        if (!opening)
                return NULL;
        opening->fd = -EBADF;
        memcpy(opening->text, text, strlen(text) + 1);
        opening->path = path_of(opening->text);
        return opening;
}

/* Told once, and when it is another trouble. */
static void set_trouble(struct endpoint *endpoint, int error, pid_t pid) {
        char text[256], who[32] = "";
        struct endpoints *endpoints = endpoint->endpoints;

        if (pid > 0)
                (void)snprintf(who, sizeof(who), " (pid %d has it)", pid);
        (void)snprintf(text, sizeof(text), "cannot listen at %s: %s%s", endpoint->text,
                       error == -EEXIST ? "there is a file that is no socket" : strerror(-error), who);
        if (!endpoint->trouble || !streq(endpoint->trouble, text)) {
                free(endpoint->trouble);
                endpoint->trouble = strdup(text);
                live_emit(endpoints->live, &(const struct event){ .id = EVENT_METRICS_UNREACHABLE, .text = text });
        }
        if (!loop_timer_armed(&endpoints->again))
                loop_timer_set(&endpoints->again, usec_add(clock_now(CLOCK_ID_MONOTONIC), AGAIN_USEC));
}

static const struct pool_job_ops ops;

/* Nobody wants what was opened any more: its path goes the way of one that was closed. */
static void give_up(struct opening *opening) {
        bool left = !opening->close && opening->fd >= 0 && opening->path;

        if (opening->fd >= 0)
                (void)close(TAKE_FD(opening->fd));
        opening->close = true;
        if (!left || pool_submit(opening->pool, &ops, opening, NULL) < 0)
                opening_free(opening);
}

static void tell_open(struct endpoint *endpoint) {
        char text[256];

        (void)snprintf(text, sizeof(text), "metrics are served at %s", endpoint->text);
        if (!endpoint->trouble)
                log_notice("%s", text);
        else
                live_emit(endpoint->endpoints->live,
                          &(const struct event){ .id = EVENT_METRICS_RECOVERED, .text = text });
        free(TAKE_PTR(endpoint->trouble));
}

static void on_opened(void *arg) {
        struct opening *opening = arg;
        struct endpoint *endpoint = opening->endpoint;
        int r = opening->fd;

        if (!endpoint) {
                give_up(opening);
                return;
        }
        endpoint->opening = NULL;
        opening->endpoint = NULL;
        if (r == -EALREADY) {
                opening_free(opening);
                return;
        }
        endpoint->listener = http_listener_free(endpoint->listener); /* nobody finds the way to it any more */
        endpoint->ino = 0;
        if (r >= 0)
                r = http_server_listen(endpoint->endpoints->server, TAKE_FD(opening->fd), &endpoint->listener);
        if (r < 0)
                set_trouble(endpoint, r, opening->pid);
        else {
                endpoint->dev = opening->dev;
                endpoint->ino = opening->ino;
                tell_open(endpoint);
        }
        opening_free(opening);
}

static const struct pool_job_ops ops = {
        .name = "metrics-listen",
        .work = work,
        .done = on_opened,
        .returned = opening_free,
        .left = opening_left,
        .tidies = true,
};

static void open_endpoint(struct endpoint *endpoint) {
        struct opening *opening = opening_new(endpoint->text);
        int r = opening ? listen_address_parse(opening->text, &opening->address) : -ENOMEM;

        if (r >= 0) {
                opening->pool = endpoint->endpoints->pool;
                opening->dev = endpoint->dev;
                opening->ino = endpoint->ino;
                r = pool_submit(opening->pool, &ops, opening, NULL);
        }
        if (r < 0) {
                free(opening);
                if (!endpoint->listener) /* else it was only to be looked at */
                        set_trouble(endpoint, r, 0);
                return;
        }
        opening->endpoint = endpoint;
        endpoint->opening = opening;
}

/* ---- endpoints ---- */

/* What is to be done to remove the path of @endpoint; NULL: nothing. */
static struct opening *closing_new(const struct endpoint *endpoint) {
        struct opening *closing = endpoint->listener && path_of(endpoint->text) ? opening_new(endpoint->text) : NULL;

        if (!closing)
                return NULL;
        closing->close = true;
        closing->dev = endpoint->dev;
        closing->ino = endpoint->ino;
        return closing;
}

static void endpoint_free(struct endpoint *endpoint) {
        if (endpoint->opening)
                endpoint->opening->endpoint = NULL;
        http_listener_free(endpoint->listener);
        list_remove(&endpoint->link);
        free(endpoint->trouble);
        free(endpoint);
}

static void close_endpoint(struct endpoint *endpoint) {
        struct pool *pool = endpoint->endpoints->pool;
        struct opening *closing = closing_new(endpoint);

        if (endpoint->listener)
                log_notice("metrics are not served at %s any more", endpoint->text);
        endpoint_free(endpoint);
        if (closing && pool_submit(pool, &ops, closing, NULL) < 0)
                free(closing);
}

static int endpoint_new(struct endpoints *endpoints, const char *text) {
        struct endpoint *endpoint = calloc(1, sizeof(*endpoint) + strlen(text) + 1);

        if (!endpoint)
                return -ENOMEM;
        memcpy(endpoint->text, text, strlen(text) + 1);
        endpoint->endpoints = endpoints;
        endpoint->wanted = true;
        list_append(&endpoints->endpoints, &endpoint->link);
        return 0;
}

static struct endpoint *find(const struct endpoints *endpoints, const char *text) {
        struct endpoint *endpoint;

        list_for_each_entry(endpoint, &endpoints->endpoints, link)
                if (streq(endpoint->text, text))
                        return endpoint;
        return NULL;
}

/* Also looks whether paths of those that are open are still there. */
static void open_all(struct endpoints *endpoints) {
        struct endpoint *endpoint;

        list_for_each_entry(endpoint, &endpoints->endpoints, link)
                if (!endpoint->opening && (!endpoint->listener || path_of(endpoint->text)))
                        open_endpoint(endpoint);
}

static void on_again(struct loop_timer *timer _unused_, void *arg) {
        open_all(arg);
}

int endpoints_set(struct endpoints *endpoints, char *const *listen) {
        struct endpoint *endpoint, *tmp;
        int r = 0;

        list_for_each_entry(endpoint, &endpoints->endpoints, link)
                endpoint->wanted = false;
        for (; listen && *listen && r == 0; listen++) {
                endpoint = find(endpoints, *listen);
                if (endpoint)
                        endpoint->wanted = true;
                else
                        r = endpoint_new(endpoints, *listen);
        }
        list_for_each_entry_safe(endpoint, tmp, &endpoints->endpoints, link)
                if (!endpoint->wanted && r == 0)
                        close_endpoint(endpoint);
        open_all(endpoints);
        return r;
}

const char *endpoints_trouble(const struct endpoints *endpoints) {
        const struct endpoint *endpoint;

        list_for_each_entry(endpoint, &endpoints->endpoints, link)
                if (endpoint->trouble && !endpoint->listener)
                        return endpoint->trouble;
        return NULL;
}

int endpoints_new(struct live *live, struct http_server *server, struct endpoints **ret) {
        struct endpoints *endpoints = calloc(1, sizeof(*endpoints));
        int r;

        if (!endpoints)
                return -ENOMEM;
        endpoints->live = live;
        endpoints->server = server;
        list_init(&endpoints->endpoints);
        r = loop_timer_init(&endpoints->again, live_loop(live), CLOCK_ID_MONOTONIC, "metrics-again", on_again,
                            endpoints);
        if (r >= 0)
                r = pool_new(live_loop(live), "metrics", 1, 0, QUEUE_MAX, &endpoints->pool);
        if (r < 0) {
                endpoints_free(endpoints);
                return r;
        }
        *ret = endpoints;
        return 0;
}

/* The loop has ended: paths are removed here, as that of the control socket is. */
struct endpoints *endpoints_free(struct endpoints *endpoints) {
        struct endpoint *endpoint, *tmp;

        if (!endpoints)
                return NULL;
        list_for_each_entry_safe(endpoint, tmp, &endpoints->endpoints, link) {
                struct opening *closing = closing_new(endpoint);

                endpoint_free(endpoint);
                if (closing)
                        remove_path(closing);
                free(closing);
        }
        loop_timer_done(&endpoints->again);
        pool_free(endpoints->pool);
        free(endpoints);
        return NULL;
}
