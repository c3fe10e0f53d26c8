/* SPDX-License-Identifier: MIT */
/* http_call: one request from the URL to the final response.
 *
 *      start ──▶ resolving ──▶ flying ──▶ on_done
 *        │           │          │  ▲ │
 *        └───────────┼──────────┼──┘ └── a redirect begins again with the next target
 *                    └──────────┴─▶ ending ──▶ on_done        (cancelled, or failed without libcurl)
 *
 * libcurl is given addresses, never names. The peer's host is an address in writing, or it is pinned: CURLOPT_RESOLVE
 * puts what our resolver found into libcurl's cache, where it does not age. A call removes the pin that it made before
 * when it makes the next one, so that there are never more pins than calls. Should libcurl look for another name in spite
 * of this, http_call_on_resolve() refuses before a resolver thread is made.
 *
 * The bounds are kept in libcurl's callbacks by taking less than was offered, which makes libcurl end the transfer;
 * `stopped` tells why.
 */
#include "base/text.h"
#include "task/http_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- the end ---- */

static _printf_(3, 0) void set_error(struct http_call *call, enum error_kind error, const char *format, va_list args) {
        call->error = error;
        (void)vsnprintf(call->detail, sizeof(call->detail), format, args);
}

static void call_error(struct http_call *call, enum error_kind error, const char *format, ...) _printf_(3, 4);
static void call_error(struct http_call *call, enum error_kind error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        set_error(call, error, format, args);
        va_end(args);
}

void http_call_fail(struct http_call *call, enum error_kind error, const char *format, ...) {
        va_list args;

        va_start(args, format);
        set_error(call, error, format, args);
        va_end(args);
        http_engine_end_later(call->engine, call);
}

void http_call_finish(struct http_call *call) {
        struct http_result result = {
                .error = call->cancelled ? ERROR_NONE : call->error,
                .detail = call->detail,
                .cancelled = call->cancelled,
                .status = call->status,
                .reason = call->reason,
                .body_bytes = call->body_bytes,
        };

        call->ops->on_done(&result, call->arg);
        if (call->n_requests > 1)
                call->serial = 0;
        if (call->own_headers) {
                curl_slist_free_all(call->own_headers);
                call->own_headers = NULL;
        }
        http_engine_give(call->engine, call);
}

static const struct {
        CURLcode code;
        enum error_kind error;
} error_of_code[] = {
        { CURLE_COULDNT_RESOLVE_HOST, ERROR_RESOLVE },
        { CURLE_COULDNT_RESOLVE_PROXY, ERROR_RESOLVE },
        { CURLE_ABORTED_BY_CALLBACK, ERROR_RESOLVE }, /* http_call_on_resolve() refused */
        { CURLE_COULDNT_CONNECT, ERROR_CONNECT },
        { CURLE_PROXY, ERROR_CONNECT },
        { CURLE_INTERFACE_FAILED, ERROR_CONNECT },
        { CURLE_OPERATION_TIMEDOUT, ERROR_CONNECT }, /* no other timeout of libcurl's is set */
        { CURLE_SSL_CONNECT_ERROR, ERROR_TLS },
        { CURLE_PEER_FAILED_VERIFICATION, ERROR_TLS },
        { CURLE_SSL_CERTPROBLEM, ERROR_TLS },
        { CURLE_SSL_CIPHER, ERROR_TLS },
        { CURLE_SSL_CACERT_BADFILE, ERROR_TLS },
        { CURLE_SSL_ISSUER_ERROR, ERROR_TLS },
        { CURLE_SSL_INVALIDCERTSTATUS, ERROR_TLS },
        { CURLE_SSL_ENGINE_INITFAILED, ERROR_TLS },
        { CURLE_USE_SSL_FAILED, ERROR_TLS },
        { CURLE_SEND_ERROR, ERROR_IO },
        { CURLE_RECV_ERROR, ERROR_IO },
        { CURLE_PARTIAL_FILE, ERROR_IO },
        { CURLE_OUT_OF_MEMORY, ERROR_IO },
};

/* Whom the connection leads to. */
static const struct http_target *call_peer(const struct http_call *call) {
        return call->profile->proxy ? &call->profile->proxy_target : &call->target;
}

static int os_error(const struct http_call *call) {
        long error = 0;

        (void)curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &error);
        return (int)error;
}

static bool refused_by_proxy(const struct http_call *call) {
        long status = 0;

        (void)curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status);
        return call->profile->proxy && call->status == 0 && status >= 300;
}

static enum error_kind error_from_code(const struct http_call *call, CURLcode code) {
        if (call->stopped != ERROR_NONE)
                return call->stopped;
        if (code == CURLE_OUT_OF_MEMORY && call->in_head) /* how libcurl says that a single line is over its bound */
                return ERROR_TOO_BIG;
        if (code == CURLE_RECV_ERROR && refused_by_proxy(call))
                return ERROR_CONNECT;
        if (code == CURLE_RECV_ERROR && !call->target.tls && os_error(call) == 0) /* chunks that are none */
                return ERROR_PROTOCOL;
        for (size_t i = 0; i < ARRAY_SIZE(error_of_code); i++)
                if (error_of_code[i].code == code)
                        return error_of_code[i].error;
        return ERROR_PROTOCOL; /* what is left speaks of a peer that does not speak HTTP */
}

static void describe_error(struct http_call *call, CURLcode code) {
        enum error_kind error = error_from_code(call, code);
        const struct http_target *peer = call_peer(call);
        char said[CURL_ERROR_SIZE];

        if (error == ERROR_TOO_BIG && !call->in_head)
                call_error(call, error, "the body is larger than %llu bytes (max-body)",
                           (unsigned long long)call->profile->max_body);
        else if (error == ERROR_TOO_BIG)
                call_error(call, error, "the response's header is larger than %u bytes", HTTP_HEAD_MAX);
        else if (call->stopped != ERROR_NONE)
                call_error(call, error, "the body cannot be taken");
        else if (code == CURLE_COULDNT_CONNECT && os_error(call) != 0)
                call_error(call, error, "%s:%u: %s", peer->host, peer->port, strerrordesc_np(os_error(call)));
        else if (code == CURLE_OPERATION_TIMEDOUT)
                call_error(call, error, "%s:%u: no connection within %ld ms (connect-timeout)", peer->host, peer->port,
                           call->profile->connect_timeout_ms);
        else
                call_error(call, error, "%s:%u: %s", call->target.host, call->target.port,
                           call->curl_error[0] ? text_hide_userinfo(call->curl_error, said, sizeof(said))
                                               : curl_easy_strerror(code));
}

/* ---- what libcurl calls ---- */

/* "HTTP/1.1 404 Not Found": the number and the phrase. */
static void take_status_line(struct http_call *call, const char *line, size_t n) {
        size_t i = 0, length = 0;

        call->status = 0;
        while (i < n && line[i] != ' ')
                i++;
        while (i < n && line[i] == ' ')
                i++;
        for (; i < n && isdigit((unsigned char)line[i]) && call->status < 1000; i++)
                call->status = call->status * 10 + (unsigned)(line[i] - '0');
        for (i++; i < n && length < sizeof(call->reason) - 1 && (unsigned char)line[i] >= ' '; i++)
                call->reason[length++] = line[i];
        call->reason[length] = 0;
}

size_t http_call_on_head(char *line, size_t size, size_t n, void *userdata) {
        struct http_call *call = userdata;

        n *= size;
        call->head_bytes += n;
        if (call->head_bytes > HTTP_HEAD_MAX) {
                call->stopped = ERROR_TOO_BIG;
                return 0;
        }
        if (n <= 2) /* the empty line */
                call->in_head = call->status < 200;
        else if (line[0] == 'H' && n > 5 && memcmp(line, "HTTP/", 5) == 0) {
                call->in_head = true;
                take_status_line(call, line, n);
        }
        return n;
}

static bool is_redirect(const struct http_call *call) {
        return call->profile->follow_redirects && http_redirect_of(call->status, call->method) != HTTP_REDIRECT_NONE;
}

size_t http_call_on_body(char *data, size_t size, size_t n, void *userdata) {
        struct http_call *call = userdata;
        enum http_body taken = HTTP_BODY_TAKEN;

        n *= size;
        call->in_head = false;
        if (call->stopped != ERROR_NONE)
                return 0;
        if (n > call->profile->max_body - call->body_bytes) {
                call->stopped = ERROR_TOO_BIG;
                return 0;
        }
        if (call->ops->on_body && !is_redirect(call))
                taken = call->ops->on_body(call->status, data, n, call->arg);
        switch (taken) {
        case HTTP_BODY_PAUSE: call->paused = true; return CURL_WRITEFUNC_PAUSE;
        case HTTP_BODY_STOP: call->stopped = ERROR_IO; return 0;
        case HTTP_BODY_TAKEN:
        default: call->body_bytes += n; return n;
        }
}

CURLcode http_call_on_tls(CURL *easy _unused_, void *ssl_ctx, void *userdata) {
        const struct http_call *call = userdata;

        if (call->profile->insecure)
                return CURLE_OK;
        if (!call->profile->trust)
                return CURLE_SSL_CACERT_BADFILE;
        stream_tls_lend(call->profile->trust, ssl_ctx);
        return CURLE_OK;
}

int http_call_on_request(void *userdata, char *peer _unused_, char *local _unused_, int peer_port _unused_,
                         int local_port _unused_) {
        struct http_call *call = userdata;

        call->n_requests++;
        return CURL_PREREQFUNC_OK;
}

int http_call_on_resolve(void *resolver _unused_, void *reserved _unused_, void *userdata) {
        const struct http_call *call = userdata;

        return call->literal ? 0 : 1;
}

/* ---- the peer's address ---- */

/* "host:port:address,[address]" */
static void format_pin(struct http_call *call, const struct http_target *peer, const struct resolve_answer *answer) {
        char *s = call->pin_text;

        s += snprintf(s, HTTP_HOST_MAX + 8, "%s:%u:", peer->host, peer->port);
        for (size_t i = 0; i < MIN(answer->n, (size_t)HTTP_ADDRESSES_MAX); i++) {
                const struct sockaddr_storage *a = &answer->addresses[i].address;
                const void *bytes = a->ss_family == AF_INET
                                            ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
                                            : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;
                char text[INET6_ADDRSTRLEN];

                (void)inet_ntop(a->ss_family, bytes, text, sizeof(text));
                s += sprintf(s, a->ss_family == AF_INET ? "%s%s" : "%s[%s]", i > 0 ? "," : "", text);
        }
}

/* Pins @peer to @answer; without an answer only removes the pin of the call before. */
static int pin(struct http_call *call, const struct http_target *peer, const struct resolve_answer *answer) {
        struct curl_slist *list = NULL;

        if (!answer && !call->unpin_text[0])
                return 0;
        if (answer) {
                format_pin(call, peer, answer);
                call->pins[1] = (struct curl_slist){ .data = call->pin_text };
                list = &call->pins[1];
        }
        if (call->unpin_text[0]) {
                memcpy(call->removal_text, call->unpin_text, sizeof(call->removal_text));
                call->pins[0] = (struct curl_slist){ .data = call->removal_text, .next = list };
                list = &call->pins[0];
        }
        call->unpin_text[0] = 0;
        if (answer)
                (void)snprintf(call->unpin_text, sizeof(call->unpin_text), "-%s:%u", peer->host, peer->port);
        return curl_easy_setopt(call->easy, CURLOPT_RESOLVE, list) == CURLE_OK ? 0 : -ENOMEM;
}

static void fly(struct http_call *call, const struct resolve_answer *answer) {
        const struct http_target *peer = call_peer(call);
        int r;

        if (answer && answer->error != 0) {
                http_call_fail(call, ERROR_RESOLVE, "%s: %s", peer->host, resolve_answer_reason(answer));
                return;
        }
        call->literal = peer->literal;
        r = pin(call, peer, answer);
        if (r == 0)
                r = http_engine_add(call->engine, call);
        if (r < 0) {
                http_call_fail(call, ERROR_IO, "out of memory");
                return;
        }
        call->phase = HTTP_FLYING;
}

static void on_resolved(struct resolve_answer *answer, void *arg) {
        struct http_call *call = arg;

        call->query = NULL;
        fly(call, answer);
}

static void begin(struct http_call *call) {
        const struct http_target *peer = call_peer(call);
        struct resolver *resolver = call->engine->resolver;
        struct resolve_answer *answer = NULL;
        int r;

        if (!peer->literal)
                answer = resolve_cached(resolver, call->pool, peer->host);
        if (peer->literal || answer) {
                fly(call, answer);
                return;
        }
        call->phase = HTTP_RESOLVING;
        r = resolve_start(resolver, call->pool, peer->host, on_resolved, call, &call->query);
        if (r == -ENOBUFS)
                http_call_fail(call, ERROR_RESOLVE, "%s: the queue of pool %s is full", peer->host,
                               pool_name(call->pool));
        else if (r < 0)
                http_call_fail(call, ERROR_RESOLVE, "%s: %s", peer->host, strerrordesc_np(-r));
}

/* ---- redirects ---- */

/* The headers that go along to @target, in a list of the call's own. */
static int headers_for_redirect(struct http_call *call, const struct http_target *target, bool has_body) {
        bool same_origin = http_target_same_origin(&call->target, target);
        struct curl_slist *headers = NULL;
        int r;

        for (const struct curl_slist *i = call->headers; i; i = i->next) {
                if (!http_redirect_keeps_header(i->data, has_body, same_origin))
                        continue;
                r = http_headers_append(&headers, i->data);
                if (r < 0) {
                        curl_slist_free_all(headers);
                        return r;
                }
        }
        curl_slist_free_all(call->own_headers);
        call->own_headers = headers;
        call->headers = headers;
        return 0;
}

static int redirect_to(struct http_call *call, const char *url) {
        struct http_target target;
        int r;

        r = http_target_parse(url, &target);
        if (r < 0)
                return r;
        if (http_redirect_of(call->status, call->method) == HTTP_REDIRECT_GET) {
                call->method = "GET";
                call->body = NULL;
        }
        r = headers_for_redirect(call, &target, call->body);
        if (r < 0)
                return r;
        call->target = target;
        call->n_origin = 0;
        return 0;
}

/* Whether the response sends us elsewhere; then the call goes on, or has failed, with the next target. */
static bool follow(struct http_call *call) {
        _cleanup_(freep) char *url = NULL;
        char shown[200];
        char *location = NULL;
        int r;

        if (!is_redirect(call))
                return false;
        (void)curl_easy_getinfo(call->easy, CURLINFO_REDIRECT_URL, &location);
        if (!location)
                return false;
        if (++call->n_redirects > HTTP_REDIRECTS_MAX) {
                call_error(call, ERROR_PROTOCOL, "more than %d redirects, the last to %s", HTTP_REDIRECTS_MAX,
                           http_url_shown(location, shown, sizeof(shown)));
                return false;
        }
        url = http_redirect_url(location);
        r = url ? redirect_to(call, url) : -ENOMEM;
        if (r == -EPROTONOSUPPORT || r == -EINVAL) {
                call_error(call, ERROR_PROTOCOL, "redirected to what is no http or https URL: %s",
                           http_url_shown(url, shown, sizeof(shown)));
                return false;
        }
        if (r == 0)
                r = http_profile_apply(call);
        if (r == 0 && curl_easy_setopt(call->easy, CURLOPT_URL, url) != CURLE_OK)
                r = -ENOMEM;
        if (r < 0) {
                call_error(call, ERROR_IO, "out of memory");
                return false;
        }
        call->status = 0;
        call->body_bytes = 0;
        call->head_bytes = 0;
        call->in_head = true;
        begin(call);
        return true;
}

void http_call_done(struct http_call *call, CURLcode code) {
        if (code != CURLE_OK)
                describe_error(call, code);
        else if (follow(call))
                return;
        http_call_finish(call);
}

/* ---- start and cancel ---- */

static int own_headers(struct http_call *call, const char *const *lines) {
        int r;

        r = http_headers_new(call->profile->agent, lines, &call->own_headers);
        if (r == 0)
                call->headers = call->own_headers;
        return r;
}

static bool ends_authority(char c) {
        return c == 0 || c == '/' || c == '?' || c == '#';
}

/* The target of @url; that of the handle's last call when it begins the same, as do most of a fan-out. */
static int find_target(struct http_call *call, const char *url) {
        const char *authority;
        size_t n;
        int r;

        if (call->n_origin > 0 && strncmp(url, call->origin, call->n_origin) == 0 &&
            ends_authority(url[call->n_origin]))
                return 0;

        call->n_origin = 0;
        r = http_target_parse(url, &call->target);
        if (r < 0)
                return r;
        authority = strstr(url, "://");
        if (!authority)
                return 0;
        n = (size_t)(authority - url) + 3;
        while (!ends_authority(url[n]))
                n++;
        if (n < sizeof(call->origin)) {
                memcpy(call->origin, url, n);
                call->n_origin = n;
        }
        return 0;
}

/* Everything but libcurl's handle and the pin, as it is at the beginning. */
static void call_reset(struct http_call *call, struct http_profile *profile, struct pool *pool,
                       const struct http_ops *ops, void *arg) {
        call->profile = profile;
        call->pool = pool;
        call->ops = ops;
        call->arg = arg;
        call->query = NULL;
        call->fd = -EBADF;
        call->method = profile->method;
        call->body = profile->body;
        call->headers = profile->headers;
        call->n_redirects = 0;
        call->n_requests = 0;
        call->status = 0;
        call->reason[0] = 0;
        call->in_head = true;
        call->head_bytes = 0;
        call->body_bytes = 0;
        call->stopped = ERROR_NONE;
        call->paused = false;
        call->cancelled = false;
        call->error = ERROR_NONE;
        call->detail[0] = 0;
        call->curl_error[0] = 0;
}

int http_start(struct http_engine *engine, struct http_profile *profile, struct pool *pool,
               const struct http_request *request, const struct http_ops *ops, void *arg, struct http_call **ret) {
        struct http_call *call;
        char shown[200];
        int r;

        r = http_engine_take(engine, profile->serial, &call);
        if (r < 0)
                return r;
        call_reset(call, profile, pool, ops, arg);
        *ret = call;

        r = find_target(call, request->url);
        if (r == -EPROTONOSUPPORT || r == -EINVAL) {
                http_call_fail(call, ERROR_PROTOCOL, "not an http or https URL: %s",
                               http_url_shown(request->url, shown, sizeof(shown)));
                return 0;
        }
        if (r == 0 && request->headers)
                r = own_headers(call, request->headers);
        if (request->body)
                call->body = request->body;
        if (r == 0)
                r = http_profile_apply(call);
        if (r == 0 && curl_easy_setopt(call->easy, CURLOPT_URL, request->url) != CURLE_OK)
                r = -ENOMEM;
        if (r < 0) {
                http_call_fail(call, ERROR_IO, "out of memory");
                return 0;
        }
        begin(call);
        return 0;
}

/* A lookup that was left behind is over. */
static void on_lookup_returned(void *arg) {
        http_call_finish(arg);
}

void http_cancel(struct http_call *call) {
        if (call->cancelled)
                return;
        call->cancelled = true;
        if (call->phase == HTTP_ENDING)
                return;
        if (call->phase == HTTP_RESOLVING && resolve_cancel(TAKE_PTR(call->query), on_lookup_returned, call))
                return;
        http_engine_end_later(call->engine, call);
}

void http_resume(struct http_call *call) {
        CURLcode c;

        if (!call->paused || call->phase != HTTP_FLYING)
                return;
        call->paused = false;
        c = curl_easy_pause(call->easy, CURLPAUSE_CONT);
        if (c == CURLE_OK)
                return;
        /* What waited was not taken. libcurl says so here and only here, and would go on without it. */
        describe_error(call, c);
        http_engine_end_later(call->engine, call);
}

/* ---- for people ---- */

static void describe_flight(const struct http_call *call, char *buf, size_t size) {
        const struct http_target *peer = call_peer(call), *target = &call->target;
        const char *scheme = target->tls ? "https" : "http";
        char so_far[TEXT_SIZE_MAX];

        if (call->paused)
                (void)snprintf(buf, size, "its body waits until what came before is written");
        else if (call->n_requests <= call->n_redirects) /* the request itself has not been sent */
                (void)snprintf(buf, size, "connecting to %s:%u", peer->host, peer->port);
        else if (call->body_bytes > 0)
                (void)snprintf(buf, size, "receiving the answer of %s://%s:%u, status %u, %s so far", scheme,
                               target->host, target->port, call->status, text_format_size(call->body_bytes, so_far));
        else
                (void)snprintf(buf, size, "waiting for the answer of %s://%s:%u", scheme, target->host, target->port);
}

void http_describe(const struct http_call *call, char *buf, size_t size) {
        if (call->cancelled)
                (void)snprintf(buf, size, "being given up");
        else if (call->phase == HTTP_RESOLVING)
                (void)snprintf(buf, size, "resolving %s", call_peer(call)->host);
        else if (call->phase == HTTP_FLYING)
                describe_flight(call, buf, size);
        else
                (void)snprintf(buf, size, "ending");
}
