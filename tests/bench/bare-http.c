/* SPDX-License-Identifier: MIT */
/* bare-http: the fastest plain libcurl + libevent loop we know how to write, as the yardstick of the http row.
 *
 * It does what a fan-out must do (a bounded number in flight, a timeout for each transfer, the status checked) and
 * nothing else: no outcome tree, no limits, no latencies. Two things make it faster than the loop of libcurl's own
 * documentation: easy handles are reused, and the libevent event of a socket survives CURL_POLL_REMOVE, because the
 * next transfer on the kept-alive connection wants the same event again; it goes when libcurl closes the socket.
 */
#include "base/macros.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <time.h>

/* What is watched on one descriptor. */
struct watch {
        struct event event;
        short armed;  /* EV_* bits libevent has; 0: not added */
        short wanted; /* EV_* bits libcurl wants; 0: the connection idles in its cache */
};

struct bench {
        struct event_base *base;
        struct event timer;
        CURLM *multi;
        struct watch *watches; /* by descriptor */
        size_t n_watches;
        char **urls;
        size_t n_urls;
        size_t next;
        size_t ok;
        size_t failed;
        long timeout_msec;
        bool kick; /* libcurl asked for a timeout of 0: served before we return to the loop */
};

static size_t on_body(char *data _unused_, size_t size, size_t n, void *arg _unused_) {
        return size * n;
}

/* Gives @easy its next URL. False when there is none left. */
static bool transfer_start(struct bench *b, CURL *easy) {
        if (b->next >= b->n_urls)
                return false;
        curl_easy_setopt(easy, CURLOPT_URL, b->urls[b->next++]);
        curl_multi_add_handle(b->multi, easy);
        return true;
}

static void reap(struct bench *b) {
        CURLMsg *msg;
        int left;

        while ((msg = curl_multi_info_read(b->multi, &left))) {
                CURL *easy = msg->easy_handle;
                long status = 0;

                if (msg->msg != CURLMSG_DONE)
                        continue;
                curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
                if (msg->data.result == CURLE_OK && status == 200)
                        b->ok++;
                else
                        b->failed++;
                curl_multi_remove_handle(b->multi, easy);
                if (!transfer_start(b, easy))
                        curl_easy_cleanup(easy);
        }
        if (b->ok + b->failed == b->n_urls)
                event_base_loopbreak(b->base);
}

static void act(struct bench *b, curl_socket_t fd, int bits) {
        int running;

        curl_multi_socket_action(b->multi, fd, bits, &running);
        reap(b);
        while (b->kick) {
                b->kick = false;
                curl_multi_socket_action(b->multi, CURL_SOCKET_TIMEOUT, 0, &running);
                reap(b);
        }
}

static void on_event(evutil_socket_t fd, short events, void *arg) {
        struct bench *b = arg;
        struct watch *w = b->watches + fd;

        if (w->wanted == 0) { /* the server spoke on, or closed, an idle connection: libcurl finds out by itself */
                event_del(&w->event);
                w->armed = 0;
                return;
        }
        act(b, fd, ((events & EV_READ) ? CURL_CSELECT_IN : 0) | ((events & EV_WRITE) ? CURL_CSELECT_OUT : 0));
}

static void on_timer(evutil_socket_t fd _unused_, short events _unused_, void *arg) {
        act(arg, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wanted(CURLM *multi _unused_, long msec, void *arg) {
        struct bench *b = arg;
        struct timeval tv = { .tv_sec = msec / 1000, .tv_usec = (msec % 1000) * 1000 };

        b->kick = msec == 0;
        if (msec > 0)
                evtimer_add(&b->timer, &tv);
        else
                evtimer_del(&b->timer);
        return 0;
}

static int on_socket_wanted(CURL *easy _unused_, curl_socket_t fd, int what, void *arg, void *data _unused_) {
        static const short events[] = {
                [CURL_POLL_IN] = EV_READ,
                [CURL_POLL_OUT] = EV_WRITE,
                [CURL_POLL_INOUT] = EV_READ | EV_WRITE,
                [CURL_POLL_REMOVE] = 0,
        };
        struct bench *b = arg;
        struct watch *w = b->watches + fd;

        if ((size_t)fd >= b->n_watches)
                return -1;
        w->wanted = events[what];
        if (w->wanted == 0 || w->wanted == w->armed)
                return 0;
        if (w->armed != 0)
                event_del(&w->event);
        event_assign(&w->event, b->base, fd, (short)(w->wanted | EV_PERSIST), on_event, b);
        w->armed = w->wanted;
        return event_add(&w->event, NULL);
}

static int on_close(void *arg, curl_socket_t fd) {
        struct bench *b = arg;
        struct watch *w = b->watches + fd;

        if (w->armed != 0)
                event_del(&w->event);
        w->armed = w->wanted = 0;
        return close(fd);
}

/* Adds one reusable handle, started on its first URL. */
static int handle_add(struct bench *b) {
        CURL *easy = curl_easy_init();

        if (!easy)
                return -ENOMEM;
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
        curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, b);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, b->timeout_msec);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        if (!transfer_start(b, easy))
                curl_easy_cleanup(easy);
        return 0;
}

static int read_urls(const char *path, struct bench *b) {
        _cleanup_(freep) char *line = NULL;
        size_t size = 0, room = 0;
        ssize_t n;
        FILE *f;

        f = fopen(path, "re");
        if (!f)
                return -errno;
        while ((n = getline(&line, &size, f)) > 0) {
                if (line[n - 1] == '\n')
                        line[n - 1] = '\0';
                if (b->n_urls == room) {
                        char **urls;

                        room = room ? room * 2 : 1024;
                        urls = reallocarray(b->urls, room, sizeof(*urls));
                        if (!urls)
                                break;
                        b->urls = urls;
                }
                b->urls[b->n_urls] = strdup(line);
                if (!b->urls[b->n_urls])
                        break;
                b->n_urls++;
        }
        fclose(f);
        return n > 0 ? -ENOMEM : 0;
}

static int bench_init(struct bench *b, long in_flight) {
        b->n_watches = (size_t)in_flight * 4 + 64;
        b->watches = calloc(b->n_watches, sizeof(*b->watches));
        b->base = event_base_new();
        b->multi = curl_multi_init();
        if (!b->watches || !b->base || !b->multi)
                return -ENOMEM;
        evtimer_assign(&b->timer, b->base, on_timer, b);
        curl_multi_setopt(b->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
        curl_multi_setopt(b->multi, CURLMOPT_SOCKETDATA, b);
        curl_multi_setopt(b->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
        curl_multi_setopt(b->multi, CURLMOPT_TIMERDATA, b);
        curl_multi_setopt(b->multi, CURLMOPT_MAXCONNECTS, in_flight);
        return 0;
}

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void bench_done(struct bench *b) {
        curl_multi_cleanup(b->multi);
        event_base_free(b->base);
        free(b->watches);
        while (b->n_urls > 0)
                free(b->urls[--b->n_urls]);
        free(b->urls);
}

int main(int argc, char *argv[]) {
        struct bench b = { .timeout_msec = 2000 };
        long in_flight;
        double start;
        int running;

        if (argc != 3) {
                fprintf(stderr, "usage: %s URL-FILE IN-FLIGHT\n", argv[0]);
                return 2;
        }
        in_flight = strtol(argv[2], NULL, 10);
        curl_global_init(CURL_GLOBAL_ALL);
        if (read_urls(argv[1], &b) < 0 || in_flight < 1 || bench_init(&b, in_flight) < 0) {
                fprintf(stderr, "%s: cannot set up\n", argv[0]);
                return 1;
        }

        start = now();
        for (long i = 0; i < in_flight; i++)
                if (handle_add(&b) < 0)
                        return 1;
        curl_multi_socket_action(b.multi, CURL_SOCKET_TIMEOUT, 0, &running);
        event_base_dispatch(b.base);
        printf("{\"seconds\": %.6f, \"done\": %zu, \"failed\": %zu}\n", now() - start, b.ok, b.failed);
        bench_done(&b);
        curl_global_cleanup();
        return 0;
}
