/* SPDX-License-Identifier: MIT */
#pragma once
/* http_internal: what http_engine.c (libcurl on the loop), http_call.c (one request) and http_profile.c share. */
#include "task/http_engine.h"
#include "task/http_url.h"

#include <curl/curl.h>

struct http_socket {
        struct loop_io *io;
        unsigned events; /* that libcurl wanted last */
        bool wanted;     /* libcurl waits for it; else it belongs to an idle connection */
};

struct http_engine {
        struct loop *loop;
        struct resolver *resolver;
        CURLM *multi; /* NULL while nothing was asked for long */
        long max_connects;
        uint64_t next_serial; /* of profiles */

        struct loop_timer timer; /* libcurl's own, never later than wanted_usec */
        usec_t wanted_usec;      /* when libcurl wants to be called; USEC_INFINITY: never */
        struct loop_timer idle_timer;
        struct loop_work work;
        bool kicked; /* libcurl wants to be called in the next turn */

        struct http_socket *sockets; /* by descriptor */
        size_t n_sockets;

        struct list idle;   /* calls to be used again, the last used one first */
        struct list ending; /* calls whose end is delivered in the next turn */
        size_t n_calls;     /* that are not idle */
};

struct http_profile {
        struct http_engine *engine;
        uint64_t serial; /* changes when the profile does */
        char *method;
        struct curl_slist *headers;
        char *body;
        char *agent; /* a header line: CURLOPT_USERAGENT would print it twice for each request */
        char *proxy;
        struct http_target proxy_target;
        bool insecure;
        bool follow_redirects;
        long connect_timeout_ms;
        uint64_t max_body;
        struct stream_tls *trust;
        char trust_label[32]; /* of the same certificates: the same */
};

enum http_phase {
        HTTP_IDLE,      /* in engine->idle */
        HTTP_RESOLVING, /* @query is set, or its thread was left behind and comes back */
        HTTP_FLYING,    /* with libcurl */
        HTTP_ENDING,    /* in engine->ending */
};

/* How many of a name's addresses are tried. */
#define HTTP_ADDRESSES_MAX 16

/* host:port: and the addresses, those of IPv6 in brackets */
#define HTTP_PIN_MAX (HTTP_HOST_MAX + 8 + HTTP_ADDRESSES_MAX * 50)

/* A request, and the easy handle that serves one after another. */
struct http_call {
        struct list link;
        struct http_engine *engine;
        CURL *easy;
        uint64_t serial; /* of the profile, unchanged, that @easy is set up for; 0: none */
        bool with_curl;  /* added to the multi handle */
        int fd;          /* that libcurl waits for on its behalf; -EBADF: none */
        enum http_phase phase;

        struct http_profile *profile;
        struct pool *pool;
        const struct http_ops *ops;
        void *arg;
        struct resolve_query *query;

        struct http_target target;
        size_t n_origin; /* @target is that of any URL which begins with these bytes of @origin; 0: of none */
        char origin[HTTP_HOST_MAX + 32];
        const char *method;
        const char *body;
        struct curl_slist *headers;
        struct curl_slist *own_headers; /* what of @headers is not the profile's, to be freed */
        unsigned n_redirects;
        unsigned n_requests; /* sent, those that libcurl repeated because a kept connection had ended included */
        bool literal;        /* the peer needs no resolver */

        /* the response */
        unsigned status;
        char reason[64];
        bool in_head;
        size_t head_bytes;
        uint64_t body_bytes;
        enum error_kind stopped; /* why a callback of ours stopped libcurl */
        bool paused;

        /* the end */
        bool cancelled;
        enum error_kind error;
        char detail[CURL_ERROR_SIZE + 128];
        char curl_error[CURL_ERROR_SIZE];

        /* What is given to CURLOPT_RESOLVE: the removal of the name pinned before, and the new pin. */
        struct curl_slist pins[2];
        char unpin_text[HTTP_HOST_MAX + 16]; /* "-host:port" of the present pin; "" when there is none */
        char removal_text[HTTP_HOST_MAX + 16];
        char pin_text[HTTP_PIN_MAX];
};

/* ---- http_engine.c ---- */

/* An idle call, best one set up for @serial already, or a new one. Returns 0 or -ENOMEM. */
int http_engine_take(struct http_engine *engine, uint64_t serial, struct http_call **ret);
/* The call may be used again. */
void http_engine_give(struct http_engine *engine, struct http_call *call);
/* Hands the call to libcurl. Returns 0 or -ENOMEM. */
int http_engine_add(struct http_engine *engine, struct http_call *call);
/* Harmless when libcurl does not have it. */
void http_engine_remove(struct http_engine *engine, struct http_call *call);
/* Has http_call_finish() called in the next turn. */
void http_engine_end_later(struct http_engine *engine, struct http_call *call);
/* libcurl's callbacks for sockets, with the engine as userdata. */
curl_socket_t http_engine_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address);
int http_engine_close_socket(void *userdata, curl_socket_t fd);

/* ---- http_call.c ---- */

/* libcurl is done with it, and does not have it any more. */
void http_call_done(struct http_call *call, CURLcode code);
/* Ends the call with an error in the next turn. */
void http_call_fail(struct http_call *call, enum error_kind error, const char *format, ...) _printf_(3, 4);
/* Delivers the end. */
void http_call_finish(struct http_call *call);

/* libcurl's callbacks while a call is with it; the call is their userdata. */
size_t http_call_on_head(char *line, size_t size, size_t n, void *userdata);
size_t http_call_on_body(char *data, size_t size, size_t n, void *userdata);
int http_call_on_resolve(void *resolver, void *reserved, void *userdata);
CURLcode http_call_on_tls(CURL *easy, void *ssl_ctx, void *userdata);
int http_call_on_request(void *userdata, char *peer, char *local, int peer_port, int local_port);

/* ---- http_profile.c ---- */

/* Appends a copy of @line. Returns 0 or -ENOMEM. */
int http_headers_append(struct curl_slist **headers, const char *line);
/* A list of @lines, and of @agent unless one of them takes its place. Returns 0 or -ENOMEM. */
int http_headers_new(const char *agent, const char *const *lines, struct curl_slist **ret);
/* Sets up the call's easy handle for the call's profile, method, body and headers; costs nothing when that is how it was
 * left. Returns 0 or -ENOMEM. */
int http_profile_apply(struct http_call *call);
