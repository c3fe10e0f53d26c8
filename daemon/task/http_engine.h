/* SPDX-License-Identifier: MIT */
#pragma once
/* http_engine: HTTP requests on the loop, many at a time, with connections kept and reused.
 *
 * libcurl speaks the protocol; this module gives it the loop, the addresses and the bounds. It never gets to resolve a
 * name: hosts are looked up on the caller's pool, and each redirect is a request of its own, so that its host goes the
 * same way. Everything is called on the loop thread.
 *
 * A *profile* is how a task talks: all but the URL. Requests of one profile after another cost little more than the
 * request itself, because the handle that has been set up for it is used again.
 */
#include "loop/loop.h"
#include "loop/pool.h"
#include "loop/stream.h"
#include "run/outcome.h"
#include "task/resolve.h"

struct http_engine;
struct http_profile;
struct http_call;

/* The response's head may be this large in all; what is larger is ERROR_TOO_BIG. */
#define HTTP_HEAD_MAX (64u * 1024)

/* @resolver must outlive the engine. Returns 0, -ENOMEM. */
int http_engine_new(struct loop *loop, struct resolver *resolver, struct http_engine **ret);

/* All calls must have ended. */
struct http_engine *http_engine_free(struct http_engine *engine);
DEFINE_CLEANUP(struct http_engine, http_engine_free)

/* ---- profiles ---- */

struct http_profile_spec {
        const char *method;         /* NULL: GET, or POST with a body */
        const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
        const char *body;           /* NULL: none */
        const char *user_agent;     /* NULL: tendd/VERSION */
        const char *proxy;          /* [http[s]://]host:port; NULL: none, whatever the environment says */
        bool insecure;              /* the peer's certificate is not verified */
        bool follow_redirects;
        usec_t connect_timeout_usec; /* from the address to the connection; USEC_INFINITY: none */
        uint64_t max_body;
};

/* Returns 0, -EINVAL (the proxy is not understood), -ENOMEM. Everything is copied. */
int http_profile_new(struct http_engine *engine, const struct http_profile_spec *spec, struct http_profile **ret);

/* No call may use it any more. May be called on any thread, also after the engine is gone. */
struct http_profile *http_profile_free(struct http_profile *profile);
DEFINE_CLEANUP(struct http_profile, http_profile_free)

/* What peers are verified against in calls that start from now on; before it was told, no connection by TLS succeeds
 * unless the profile is insecure. Takes a reference. */
void http_profile_set_trust(struct http_profile *profile, struct stream_tls *trust);

/* ---- calls ---- */

struct http_request {
        const char *url;            /* copied */
        const char *const *headers; /* instead of the profile's; NULL: the profile's. Copied */
        const char *body;           /* instead of the profile's; must stay valid until on_done. NULL: the profile's */
};

struct http_result {
        enum error_kind error; /* ERROR_NONE: a whole response came, whatever its status */
        const char *detail;    /* with an error: one sentence */
        bool cancelled;        /* by http_cancel(); then no error */
        unsigned status;       /* of the last response, 0: none came */
        const char *reason;    /* the phrase after the status, "" when there is none */
        uint64_t body_bytes;
};

enum http_body {
        HTTP_BODY_TAKEN,
        HTTP_BODY_PAUSE, /* not taken: nothing more comes before http_resume(), then this piece again */
        HTTP_BODY_STOP,  /* ends the call with ERROR_IO; why is the owner's to know */
};

struct http_ops {
        /* A piece of the body of the response with @status, within max_body. NULL: not wanted. Starts and cancels
         * nothing. */
        enum http_body (*on_body)(unsigned status, const char *data, size_t n, void *arg);
        /* The end, in a later turn than the call or cancel that led to it. @result is borrowed, the call is gone. */
        void (*on_done)(const struct http_result *result, void *arg);
};

/* Begins a request; names are looked up on @pool. What is wrong with the URL is told by on_done. Returns 0 or -ENOMEM.
 */
int http_start(struct http_engine *engine, struct http_profile *profile, struct pool *pool,
               const struct http_request *request, const struct http_ops *ops, void *arg, struct http_call **ret);

/* Gives the request up, without waiting for anything; on_done is called in a later turn. When a thread is looking up the
 * name for nobody else, it is called not before that thread has returned: callers who cannot wait must leave @arg valid
 * until then. Idempotent. */
void http_cancel(struct http_call *call);

/* Goes on after HTTP_BODY_PAUSE; on_body may be called from inside. Harmless when nothing is paused. */
void http_resume(struct http_call *call);

/* What it is at, as one phrase: "resolving example.org". */
void http_describe(const struct http_call *call, char *buf, size_t size);

/* Takes what has arrived for @call already; on_done may be called from inside. */
void http_poll(struct http_call *call);
