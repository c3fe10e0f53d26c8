/* SPDX-License-Identifier: MIT */
/* metrics: the server, its routes, and what it counts while it is wanted.
 *
 * Without [metrics] listen there is nothing of all this: no server, no thread, and nobody counts.
 */
#include "metrics/metrics.h"

#include "metrics/endpoints.h"
#include "metrics/scrape.h"

#include <stdio.h>

#define CONNECTIONS_MAX 32
#define SCRAPES_MAX     16 /* at once; the others are for probes */
#define TIMEOUT_USEC    (15 * USEC_PER_SEC)
#define PLAIN_TEXT      "text/plain; charset=utf-8"

struct metrics {
        struct metrics_options options;
        struct counts *counts;       /* NULL: nobody wants them */
        struct http_server *server;  /* the same */
        struct endpoints *endpoints; /* the same */
        usec_t started_usec;         /* realtime */
        char text[512];              /* of the last answer that was not a scrape */
};

/* ---- what is served ---- */

static const char *refused_by(const struct metrics *metrics) {
        return metrics->options.refused(metrics->options.arg);
}

static void get_source(struct metrics_source *ret, void *arg) {
        const struct metrics *metrics = arg;

        *ret = (struct metrics_source){
                .live = metrics->options.live,
                .counts = metrics->counts,
                .control = metrics->options.control,
                .http = metrics->server,
                .phase = metrics->options.phase(metrics->options.arg),
                .refused = refused_by(metrics) != NULL,
                .started_usec = metrics->started_usec,
        };
}

static void serve_metrics(struct metrics *metrics, const struct http_head *request, struct http_answer *ret) {
        bool openmetrics;

        ret->content_type = metrics_content_type(request->accept, &openmetrics);
        ret->body = scrape_new(openmetrics, get_source, metrics);
        if (ret->body) {
                ret->ops = &scrape_ops;
                return;
        }
        ret->status = 503;
        ret->content_type = PLAIN_TEXT;
        ret->text = "out of memory\n";
}

/* Who gets an answer knows that the loop goes round. Nothing else that may be wrong is mended by a restart, which would cost
 * what runs. */
static void serve_healthz(struct metrics *metrics _unused_, const struct http_head *request _unused_,
                          struct http_answer *ret) {
        ret->text = "ok\n";
}

static void serve_readyz(struct metrics *metrics, const struct http_head *request _unused_, struct http_answer *ret) {
        const char *phase = metrics->options.phase(metrics->options.arg), *refused = refused_by(metrics);

        ret->text = metrics->text;
        if (!streq(phase, "running") && !streq(phase, "reloading"))
                (void)snprintf(metrics->text, sizeof(metrics->text), "%s\n", phase);
        else if (refused)
                (void)snprintf(metrics->text, sizeof(metrics->text), "the configuration files are refused: %s\n",
                               refused);
        else {
                ret->text = "ok\n";
                return;
        }
        ret->status = 503;
}

static void serve_index(struct metrics *metrics _unused_, const struct http_head *request _unused_,
                        struct http_answer *ret) {
        ret->text = "tendd " PACKAGE_VERSION "\n/metrics\n/healthz\n/readyz\n";
}

static const struct {
        const char *path;
        void (*serve)(struct metrics *metrics, const struct http_head *request, struct http_answer *ret);
} routes[] = {
        { "/metrics", serve_metrics },
        { "/healthz", serve_healthz },
        { "/readyz", serve_readyz },
        { "/", serve_index },
};

static void handle(const struct http_head *request, struct http_answer *ret, void *arg) {
        ret->status = 200;
        ret->content_type = PLAIN_TEXT;
        for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
                if (streq(request->path, routes[i].path)) {
                        routes[i].serve(arg, request, ret);
                        return;
                }
        ret->status = 404;
        ret->text = "not found; there are /metrics, /healthz and /readyz\n";
}

/* ---- the whole ---- */

static void stop(struct metrics *metrics) {
        metrics->endpoints = endpoints_free(metrics->endpoints);
        metrics->server = http_server_free(metrics->server);
        metrics->counts = counts_free(metrics->counts);
}

static int start(struct metrics *metrics, unsigned max_tasks) {
        const struct http_server_options options = {
                .loop = live_loop(metrics->options.live),
                .max_connections = CONNECTIONS_MAX,
                .max_bodies = SCRAPES_MAX,
                .timeout_usec = TIMEOUT_USEC,
                .handle = handle,
                .arg = metrics,
        };
        int r;

        r = counts_new(metrics->options.live, max_tasks, &metrics->counts);
        if (r >= 0)
                r = http_server_new(&options, &metrics->server);
        if (r >= 0)
                r = endpoints_new(metrics->options.live, metrics->server, &metrics->endpoints);
        if (r < 0)
                stop(metrics);
        return r;
}

/* Once there was a server it stays, with nobody who could connect, so that sockets that are closed have a thread that removes
 * them. */
int metrics_configure(struct metrics *metrics, const struct metrics_section *section) {
        int r;

        if (metrics->counts)
                counts_reloaded(metrics->counts, section->max_tasks);
        else if (!section->listen)
                return 0;
        else {
                r = start(metrics, section->max_tasks);
                if (r < 0)
                        return r;
        }
        return endpoints_set(metrics->endpoints, section->listen);
}

const char *metrics_trouble(const struct metrics *metrics) {
        return metrics && metrics->endpoints ? endpoints_trouble(metrics->endpoints) : NULL;
}

int metrics_new(const struct metrics_options *options, struct metrics **ret) {
        struct metrics *metrics = calloc(1, sizeof(*metrics));

        if (!metrics)
                return -ENOMEM;
        metrics->options = *options;
        metrics->started_usec = clock_now(CLOCK_ID_REALTIME);
        *ret = metrics;
        return 0;
}

struct metrics *metrics_free(struct metrics *metrics) {
        if (!metrics)
                return NULL;
        stop(metrics);
        free(metrics);
        return NULL;
}
