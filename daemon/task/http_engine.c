/* SPDX-License-Identifier: MIT */
/* http_engine: libcurl's multi interface on the loop.
 *
 * libcurl asks for descriptors and one timer, and is called when they are due. Two habits make it fast. A watch is kept
 * when libcurl loses interest in its descriptor and freed only when the descriptor is closed: with connections that are
 * reused this saves two epoll_ctl(2) for each request. And calls, with their easy handles, are used again, last in first
 * out, preferably for the same profile, so that only the URL has to be set.
 *
 * This is not possible for all descriptors: libcurl 7.88 closes the socket of an attempt to connect that it gives up, or
 * that lost the race against another address, without a word. So a watch is kept only when its socket has brought a
 * response, and a new socket of a number that is still watched gets a new watch.
 *
 * A kept watch of an idle connection fires when the peer closes it. Nobody reads then, so the watch is silenced; libcurl
 * finds the connection dead when it next looks for one. After a minute without calls everything is given back: idle
 * connections, handles, libcurl's caches.
 *
 * Nothing is removed from libcurl inside its own callbacks, where it would be refused: ends are collected in `ending`
 * and worked off in the next turn. Ends that libcurl reports are delivered at once, because then its callbacks have
 * returned, and the turn is a later one than that of the start.
 */
#include "task/http_internal.h"

#include <assert.h>

#define IDLE_USEC    (60 * USEC_PER_SEC)
#define CONNECTS_MIN 64
#define CONNECTS_MAX 4096

/* ---- driving libcurl ---- */

static void take_messages(struct http_engine *engine) {
        CURLMsg *message;
        int left;

        /* A callback may start others, which never adds a message here and now. */
        while ((message = curl_multi_info_read(engine->multi, &left))) {
                struct http_call *call = NULL;
                CURLcode code = message->data.result;

                if (message->msg != CURLMSG_DONE)
                        continue;
                (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
                if (call->phase != HTTP_FLYING) /* cancelled meanwhile: removed in the next turn */
                        continue;
                http_engine_remove(engine, call);
                http_call_done(call, code);
        }
}

static void drive(struct http_engine *engine, curl_socket_t fd, int mask) {
        int running;

        (void)curl_multi_socket_action(engine->multi, fd, mask, &running);
        take_messages(engine);
}

static void on_socket_ready(struct loop_io *io, int fd, unsigned events, void *arg) {
        struct http_engine *engine = arg;

        if (!engine->sockets[fd].wanted) {
                (void)loop_io_set(io, 0);
                return;
        }
        drive(engine, fd,
              ((events & LOOP_READ) ? CURL_CSELECT_IN : 0) | ((events & LOOP_WRITE) ? CURL_CSELECT_OUT : 0));
}

static void on_curl_timer(struct loop_timer *timer, void *arg) {
        struct http_engine *engine = arg;

        if (clock_now(CLOCK_ID_MONOTONIC) < engine->wanted_usec) /* it was put off since */
                loop_timer_set(timer, engine->wanted_usec);
        else
                drive(engine, CURL_SOCKET_TIMEOUT, 0);
}

static void on_work(struct loop_work *work _unused_, void *arg) {
        struct http_engine *engine = arg;
        struct list ending = LIST_INIT(ending);
        struct http_call *call;

        if (engine->kicked) {
                engine->kicked = false;
                drive(engine, CURL_SOCKET_TIMEOUT, 0);
        }
        list_splice(&ending, &engine->ending);
        while ((call = list_first_entry(&ending, struct http_call, link))) {
                list_remove(&call->link);
                http_engine_remove(engine, call);
                http_call_finish(call);
        }
}

/* ---- what libcurl calls ---- */

static int on_timer_wanted(CURLM *multi _unused_, long timeout_ms, void *userdata) {
        struct http_engine *engine = userdata;

        engine->kicked = timeout_ms == 0;
        engine->wanted_usec = USEC_INFINITY;
        if (engine->kicked)
                loop_work_schedule(&engine->work);
        else if (timeout_ms > 0)
                engine->wanted_usec = clock_now(CLOCK_ID_MONOTONIC) + (usec_t)timeout_ms * USEC_PER_MSEC;

        /* libcurl changes its mind with every transfer, and putting a timer off costs a system call: only bring it
         * forward. One that fires too early puts itself off. */
        if (engine->wanted_usec < USEC_INFINITY &&
            (!loop_timer_armed(&engine->timer) || engine->wanted_usec < engine->timer.at_usec))
                loop_timer_set(&engine->timer, engine->wanted_usec);
        return 0;
}

static int sockets_reserve(struct http_engine *engine, size_t n) {
        struct http_socket *sockets;

        if (n <= engine->n_sockets)
                return 0;
        n = MAX(n, engine->n_sockets * 2);
        sockets = realloc(engine->sockets, n * sizeof(*sockets));
        if (!sockets)
                return -ENOMEM;
        memset(sockets + engine->n_sockets, 0, (n - engine->n_sockets) * sizeof(*sockets));
        engine->sockets = sockets;
        engine->n_sockets = n;
        return 0;
}

static int socket_watch(struct http_engine *engine, int fd, unsigned events) {
        struct http_socket *s;
        int r;

        r = sockets_reserve(engine, (size_t)fd + 1);
        if (r < 0)
                return r;
        s = &engine->sockets[fd];
        s->wanted = true;
        s->events = events;
        if (s->io)
                return loop_io_set(s->io, events);
        return loop_io_new(engine->loop, fd, events, LOOP_PRIORITY_NORMAL, "http", on_socket_ready, engine, &s->io);
}

/* libcurl does not wait for @fd any more. Only the connection that a response came from is sure to be closed through
 * http_engine_close_socket(); others may have been closed behind our back already. */
static void socket_leave(struct http_engine *engine, int fd, bool keep) {
        struct http_socket *s;

        if ((size_t)fd >= engine->n_sockets)
                return;
        s = &engine->sockets[fd];
        s->wanted = false;
        if (!keep)
                s->io = loop_io_free(s->io);
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketp _unused_) {
        static const unsigned events[] = {
                [CURL_POLL_IN] = LOOP_READ,
                [CURL_POLL_OUT] = LOOP_WRITE,
                [CURL_POLL_INOUT] = LOOP_READ | LOOP_WRITE,
        };
        struct http_engine *engine = userdata;
        struct http_call *call = NULL;
        int r;

        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&call);
        if (what == CURL_POLL_REMOVE) {
                socket_leave(engine, fd, call && call->status > 0);
                if (call)
                        call->fd = -EBADF;
                return 0;
        }
        if (call)
                call->fd = fd;
        r = socket_watch(engine, fd, events[what]);
        if (r < 0 && call && call->phase == HTTP_FLYING) /* saying so to libcurl would end all its transfers */
                http_call_fail(call, ERROR_IO, "cannot watch the socket: %s", strerrordesc_np(-r));
        return 0;
}

curl_socket_t http_engine_open_socket(void *userdata, curlsocktype purpose _unused_, struct curl_sockaddr *address) {
        struct http_engine *engine = userdata;
        struct http_socket *s;
        int fd;

        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
        if (fd < 0 || (size_t)fd >= engine->n_sockets || !engine->sockets[fd].io)
                return fd;

        /* The one before it was closed behind our back, and libcurl believes that this one is watched. */
        s = &engine->sockets[fd];
        s->io = loop_io_free(s->io);
        if (socket_watch(engine, fd, s->events) < 0) {
                (void)close(fd);
                return CURL_SOCKET_BAD;
        }
        return fd;
}

int http_engine_close_socket(void *userdata, curl_socket_t fd) {
        struct http_engine *engine = userdata;

        if ((size_t)fd < engine->n_sockets) {
                loop_io_free(engine->sockets[fd].io);
                engine->sockets[fd] = (struct http_socket){ 0 };
        }
        return close(fd);
}

/* ---- calls ---- */

static int multi_open(struct http_engine *engine) {
        if (engine->multi)
                return 0;
        engine->multi = curl_multi_init();
        if (!engine->multi)
                return -ENOMEM;
        (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
        (void)curl_multi_setopt(engine->multi, CURLMOPT_SOCKETDATA, engine);
        (void)curl_multi_setopt(engine->multi, CURLMOPT_TIMERFUNCTION, on_timer_wanted);
        (void)curl_multi_setopt(engine->multi, CURLMOPT_TIMERDATA, engine);
        engine->max_connects = CONNECTS_MIN;
        (void)curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, engine->max_connects);
        return 0;
}

static void multi_close(struct http_engine *engine) {
        struct http_call *call;

        while ((call = list_first_entry(&engine->idle, struct http_call, link))) {
                list_remove(&call->link);
                curl_easy_cleanup(call->easy);
                free(call);
        }
        if (engine->multi)
                (void)curl_multi_cleanup(engine->multi);
        engine->multi = NULL;
        for (size_t i = 0; i < engine->n_sockets; i++)
                assert(!engine->sockets[i].io);
        engine->kicked = false;
        engine->wanted_usec = USEC_INFINITY;
        if (engine->timer.loop)
                loop_timer_set(&engine->timer, USEC_INFINITY);
}

static void on_idle(struct loop_timer *timer _unused_, void *arg) {
        struct http_engine *engine = arg;

        if (engine->n_calls == 0)
                multi_close(engine);
}

int http_engine_take(struct http_engine *engine, uint64_t serial, struct http_call **ret) {
        struct http_call *call;
        int r;

        r = multi_open(engine);
        if (r < 0)
                return r;
        if (engine->n_calls == 0)
                loop_timer_set(&engine->idle_timer, USEC_INFINITY);

        call = list_first_entry(&engine->idle, struct http_call, link);
        if (call && call->serial != serial) {
                /* Two tasks that take turns have left theirs at both ends. */
                struct http_call *other = list_entry(engine->idle.prev, struct http_call, link);

                if (other->serial == serial)
                        call = other;
        }
        if (call) {
                list_remove(&call->link);
        } else {
                call = calloc(1, sizeof(*call));
                if (!call)
                        return -ENOMEM;
                call->easy = curl_easy_init();
                if (!call->easy) {
                        free(call);
                        return -ENOMEM;
                }
                call->engine = engine;
                list_init(&call->link);
        }
        engine->n_calls++;
        *ret = call;
        return 0;
}

void http_engine_give(struct http_engine *engine, struct http_call *call) {
        call->phase = HTTP_IDLE;
        list_prepend(&engine->idle, &call->link);
        engine->n_calls--;
        if (engine->n_calls == 0)
                loop_timer_set(&engine->idle_timer, clock_now(CLOCK_ID_MONOTONIC) + IDLE_USEC);
}

int http_engine_add(struct http_engine *engine, struct http_call *call) {
        if ((size_t)engine->max_connects < engine->n_calls && engine->max_connects < CONNECTS_MAX) {
                engine->max_connects *= 2;
                (void)curl_multi_setopt(engine->multi, CURLMOPT_MAXCONNECTS, engine->max_connects);
        }
        if (curl_multi_add_handle(engine->multi, call->easy) != CURLM_OK)
                return -ENOMEM;
        call->with_curl = true;
        return 0;
}

void http_engine_remove(struct http_engine *engine, struct http_call *call) {
        if (!call->with_curl)
                return;
        call->with_curl = false;
        (void)curl_multi_remove_handle(engine->multi, call->easy);
}

void http_engine_end_later(struct http_engine *engine, struct http_call *call) {
        call->phase = HTTP_ENDING;
        list_append(&engine->ending, &call->link);
        loop_work_schedule(&engine->work);
}

void http_poll(struct http_call *call) {
        if (call->phase == HTTP_FLYING && call->fd >= 0)
                drive(call->engine, call->fd, CURL_CSELECT_IN | CURL_CSELECT_OUT);
}

/* ---- the engine ---- */

int http_engine_new(struct loop *loop, struct resolver *resolver, struct http_engine **ret) {
        _cleanup_(http_engine_freep) struct http_engine *engine = NULL;
        int r;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return -ENOMEM;
        engine = calloc(1, sizeof(*engine));
        if (!engine) {
                curl_global_cleanup();
                return -ENOMEM;
        }
        engine->loop = loop;
        engine->resolver = resolver;
        list_init(&engine->idle);
        list_init(&engine->ending);
        loop_work_init(&engine->work, loop, "http", on_work, engine);
        r = loop_timer_init(&engine->timer, loop, CLOCK_ID_MONOTONIC, "http", on_curl_timer, engine);
        if (r < 0)
                return r;
        r = loop_timer_init(&engine->idle_timer, loop, CLOCK_ID_MONOTONIC, "http-idle", on_idle, engine);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(engine);
        return 0;
}

struct http_engine *http_engine_free(struct http_engine *engine) {
        if (!engine)
                return NULL;
        multi_close(engine);
        loop_work_cancel(&engine->work);
        loop_timer_done(&engine->timer);
        loop_timer_done(&engine->idle_timer);
        free(engine->sockets);
        free(engine);
        curl_global_cleanup();
        return NULL;
}
