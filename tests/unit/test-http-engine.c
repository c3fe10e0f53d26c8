/* SPDX-License-Identifier: MIT */
/* http_engine: requests against a real peer on loopback, good ones and bad ones; names that are looked up by us alone; and
 * cancelling that waits for nothing. */
#include "support/fake-getaddrinfo.h"
#include "support/http-peer.h"
#include "task/http_engine.h"

#include <check.h>
#include <stdio.h>

static struct http_peer *peer;
static struct loop *loop;
static struct pool *pool;
static struct resolver *resolver;
static struct http_engine *engine;
static struct http_profile *profile;

/* What a call came to. */
struct outcome_of {
        struct http_call *call; /* NULL: ended */
        enum error_kind error;
        bool cancelled;
        unsigned status;
        char reason[64];
        char detail[512];
        char body[20000];
        size_t n_body;
        unsigned n_pause; /* pieces that are refused at first */
        bool stop;        /* refuse the body */
        char url[600];
};

static struct outcome_of outcomes[64];
static unsigned n_running;

static enum http_body on_body(unsigned status _unused_, const char *data, size_t n, void *arg) {
        struct outcome_of *o = arg;
        size_t take = MIN(n, sizeof(o->body) - 1 - o->n_body);

        if (o->stop)
                return HTTP_BODY_STOP;
        if (o->n_pause > 0) {
                o->n_pause--;
                loop_exit(loop, 1);
                return HTTP_BODY_PAUSE;
        }
        memcpy(o->body + o->n_body, data, take);
        o->n_body += take;
        o->body[o->n_body] = 0;
        return HTTP_BODY_TAKEN;
}

static void on_done(const struct http_result *result, void *arg) {
        struct outcome_of *o = arg;

        o->call = NULL;
        o->error = result->error;
        o->cancelled = result->cancelled;
        o->status = result->status;
        (void)snprintf(o->reason, sizeof(o->reason), "%s", result->reason);
        (void)snprintf(o->detail, sizeof(o->detail), "%s", result->detail);
        if (--n_running == 0)
                loop_exit(loop, 0);
}

static const struct http_ops ops = { .on_body = on_body, .on_done = on_done };

static struct http_profile_spec plain_spec(void) {
        return (struct http_profile_spec){ .connect_timeout_usec = USEC_INFINITY, .max_body = 64 * 1024 };
}

static void use_profile(const struct http_profile_spec *spec) {
        http_profile_free(profile);
        profile = NULL;
        ck_assert_int_eq(http_profile_new(engine, spec, &profile), 0);
}

static void setup(void) {
        struct http_profile_spec spec = plain_spec();

        fake_getaddrinfo_reset();
        fake_getaddrinfo_add("peer.test", "127.0.0.1", 0);
        fake_getaddrinfo_add("other.test", "192.0.2.1 127.0.0.1", 0);
        memset(outcomes, 0, sizeof(outcomes));
        n_running = 0;
        profile = NULL;
        peer = http_peer_start();
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(pool_new(loop, "test", 4, 4, 100, &pool), 0);
        ck_assert_int_eq(resolver_new(loop, 100, &resolver), 0);
        ck_assert_int_eq(http_engine_new(loop, resolver, &engine), 0);
        use_profile(&spec);
}

static void teardown(void) {
        http_profile_free(profile);
        http_engine_free(engine);
        resolver_free(resolver);
        pool_free(pool);
        loop_free(loop);
        http_peer_stop(peer);
}

static struct outcome_of *start_request(unsigned index, struct http_request *request) {
        struct outcome_of *o = &outcomes[index];

        n_running++;
        ck_assert_int_eq(http_start(engine, profile, pool, request, &ops, o, &o->call), 0);
        ck_assert_ptr_nonnull(o->call); /* not ended from inside */
        return o;
}

/* @path at the peer, under the name or address @host. */
static struct outcome_of *start(unsigned index, const char *host, const char *path) {
        struct http_request request = { .url = outcomes[index].url };

        (void)snprintf(outcomes[index].url, sizeof(outcomes[index].url), "http://%s:%u%s", host, http_peer_port(peer),
                       path);
        return start_request(index, &request);
}

static void finish(void) {
        while (n_running > 0)
                ck_assert_int_ge(loop_run(loop), 0);
}

static const struct {
        const char *path;
        enum error_kind error;
        unsigned status;
        const char *text; /* in the detail of an error, or the body */
} cases[] = {
        { "/ok", ERROR_NONE, 200, "hello" },
        { "/status/204", ERROR_NONE, 204, "" },
        { "/status/500", ERROR_NONE, 500, "" },
        { "/bytes/65536", ERROR_NONE, 200, "xxxx" },
        { "/bytes/65537", ERROR_TOO_BIG, 200, "65536" },
        { "/endless", ERROR_TOO_BIG, 200, "max-body" },
        { "/headers", ERROR_TOO_BIG, 200, "header" },
        { "/line", ERROR_TOO_BIG, 200, "header" },
        { "/continue", ERROR_TOO_BIG, 100, "header" },
        { "/garbage", ERROR_PROTOCOL, 0, "" },
        { "/close", ERROR_PROTOCOL, 0, "mpty reply" },
        { "/reset", ERROR_IO, 0, "reset" },
        { "/partial", ERROR_IO, 200, "" },
        { "/bad-chunk", ERROR_PROTOCOL, 200, "chunk" },
        { "/to/302/", ERROR_NONE, 302, "" },
};

START_TEST(answers_are_told_apart) {
        struct outcome_of *o = start(0, "127.0.0.1", cases[_i].path);

        finish();
        ck_assert_msg(o->error == cases[_i].error, "%s: %s, not %s: %s", cases[_i].path, error_kind_to_string(o->error),
                      error_kind_to_string(cases[_i].error), o->detail);
        ck_assert_uint_eq(o->status, cases[_i].status);
        ck_assert_msg(strstr(o->error != ERROR_NONE ? o->detail : o->body, cases[_i].text), "no \"%s\" in: %s",
                      cases[_i].text, o->error != ERROR_NONE ? o->detail : o->body);
}
END_TEST

static const struct {
        const char *url;
        enum error_kind error;
        const char *detail;
} bad_urls[] = {
        { "", ERROR_PROTOCOL, "not an http or https URL" },
        { "ftp://127.0.0.1/", ERROR_PROTOCOL, "not an http or https URL" },
        { "file:///etc/passwd", ERROR_PROTOCOL, "not an http or https URL" },
        { "ftp://user:secret@host/", ERROR_PROTOCOL, "not an http or https URL: ftp://***@host/" },
        { "ftp://host/a?token=secret", ERROR_PROTOCOL, "not an http or https URL: ftp://host/..." },
        { "http://unknown.test/", ERROR_RESOLVE, "unknown.test: Name or service not known" },
        { "http://127.0.0.1:1/", ERROR_CONNECT, "127.0.0.1:1: Connection refused" },
};

START_TEST(what_cannot_be_asked_says_why) {
        struct http_request request = { .url = bad_urls[_i].url };
        struct outcome_of *o = start_request(0, &request);

        finish();
        ck_assert_msg(o->error == bad_urls[_i].error, "%s: %s", error_kind_to_string(o->error), o->detail);
        ck_assert_msg(strstr(o->detail, bad_urls[_i].detail), "no \"%s\" in: %s", bad_urls[_i].detail, o->detail);
}
END_TEST

START_TEST(tls_with_a_peer_that_has_none_is_a_tls_error) {
        struct http_request request = { .url = outcomes[0].url };
        struct outcome_of *o;

        (void)snprintf(outcomes[0].url, sizeof(outcomes[0].url), "https://127.0.0.1:%u/garbage", http_peer_port(peer));
        o = start_request(0, &request);
        finish();
        ck_assert_msg(o->error == ERROR_TLS || o->error == ERROR_IO, "%s: %s", error_kind_to_string(o->error),
                      o->detail);
}
END_TEST

START_TEST(connections_are_reused) {
        for (unsigned i = 0; i < 20; i++) {
                struct outcome_of *o = start(0, "127.0.0.1", "/ok");

                finish();
                ck_assert_uint_eq(o->status, 200);
        }
        ck_assert_uint_eq(http_peer_requests(peer), 20);
        ck_assert_uint_eq(http_peer_connections(peer), 1);
}
END_TEST

/* The race of every kept connection: the peer ends it while the next request is on its way. */
START_TEST(a_kept_connection_that_the_peer_ends_fails_no_request) {
        for (unsigned i = 0; i < 40; i++) {
                struct outcome_of *o = start(0, "127.0.0.1", "/dropped");

                finish();
                ck_assert_msg(o->error == ERROR_NONE, "request %u: %s", i, o->detail);
        }
}
END_TEST

START_TEST(many_fly_at_once) {
        for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++)
                start(i, i % 2 ? "peer.test" : "127.0.0.1", "/ok");
        finish();
        for (unsigned i = 0; i < ARRAY_SIZE(outcomes); i++) {
                ck_assert_msg(outcomes[i].error == ERROR_NONE, "%u: %s", i, outcomes[i].detail);
                ck_assert_str_eq(outcomes[i].body, "hello");
        }
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

/* ---- names ---- */

START_TEST(names_are_looked_up_once_and_by_us) {
        static const char *const hosts[] = { "peer.test", "PEER.test", "peer.test", "other.test", "peer.test" };

        for (unsigned i = 0; i < ARRAY_SIZE(hosts); i++) {
                struct outcome_of *o = start(0, hosts[i], "/close"); /* a new connection each */

                finish();
                ck_assert_msg(o->error == ERROR_PROTOCOL, "%s: %s", hosts[i], o->detail);
        }
        ck_assert_uint_eq(http_peer_requests(peer), ARRAY_SIZE(hosts));
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2); /* libcurl's would be counted too */
}
END_TEST

START_TEST(a_name_with_a_dot_at_its_end_is_ours_too) {
        struct outcome_of *o;

        fake_getaddrinfo_add("peer.test.", "127.0.0.1", 0);
        o = start(0, "peer.test.", "/ok");
        finish();
        ck_assert_msg(o->error == ERROR_NONE, "%s", o->detail);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

START_TEST(localhost_is_looked_up_like_any_other) {
        struct outcome_of *o;

        fake_getaddrinfo_add("localhost", NULL, -2 /* EAI_NONAME */);
        o = start(0, "localhost", "/ok");
        finish();
        ck_assert_int_eq(o->error, ERROR_RESOLVE);
}
END_TEST

/* ---- redirects ---- */

static void follow(const char *method, const char *body, const char *const *headers) {
        struct http_profile_spec spec = plain_spec();

        spec.follow_redirects = true;
        spec.method = method;
        spec.body = body;
        spec.headers = headers;
        use_profile(&spec);
}

/* Asks for /to/@status/URL, where URL is @path at @host. */
static struct outcome_of *start_redirect(unsigned status, const char *host, const char *path) {
        char text[256];

        (void)snprintf(text, sizeof(text), "/to/%u/http://%s:%u%s", status, host, http_peer_port(peer), path);
        return start(0, "127.0.0.1", text);
}

START_TEST(a_redirect_is_followed_through_our_resolver) {
        struct outcome_of *o;

        follow(NULL, NULL, NULL);
        o = start_redirect(302, "peer.test", "/ok");
        finish();
        ck_assert_msg(o->error == ERROR_NONE && o->status == 200, "%s", o->detail);
        ck_assert_str_eq(o->body, "hello"); /* and nothing of the redirect's own */
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

START_TEST(a_redirect_may_be_relative) {
        struct outcome_of *o;

        follow(NULL, NULL, NULL);
        o = start(0, "127.0.0.1", "/to/301//ok");
        finish();
        ck_assert_msg(o->error == ERROR_NONE && o->status == 200, "%u %s", o->status, o->detail);
}
END_TEST

START_TEST(credentials_do_not_leave_their_origin) {
        static const char *const headers[] = { "Authorization: Bearer secret", "X-Other: stays", NULL };
        struct outcome_of *o;

        follow(NULL, NULL, headers);
        o = start_redirect(302, "peer.test", "/echo");
        finish();
        ck_assert_msg(!strstr(o->body, "secret") && strstr(o->body, "X-Other: stays"), "%s", o->body);
        outcomes[0].n_body = 0;
        o = start(0, "127.0.0.1", "/to/302//echo");
        finish();
        ck_assert_msg(strstr(o->body, "Bearer secret"), "%s", o->body);
}
END_TEST

START_TEST(a_post_becomes_a_get_or_stays) {
        static const char *const headers[] = { "Content-Type: text/plain", NULL };
        struct outcome_of *o;

        follow("POST", "the body", headers);
        o = start(0, "127.0.0.1", "/to/302//echo");
        finish();
        ck_assert_msg(strncmp(o->body, "GET ", 4) == 0 && !strstr(o->body, "the body") && !strstr(o->body, "Content-"),
                      "%s", o->body);
        outcomes[0].n_body = 0;
        o = start(0, "127.0.0.1", "/to/307//echo");
        finish();
        ck_assert_msg(strncmp(o->body, "POST ", 5) == 0 && strstr(o->body, "the body"), "%s", o->body);
}
END_TEST

START_TEST(redirects_in_a_circle_end) {
        struct outcome_of *o;

        follow(NULL, NULL, NULL);
        o = start(0, "127.0.0.1", "/to/302/");
        finish();
        ck_assert_int_eq(o->error, ERROR_NONE); /* an empty Location leads nowhere */
        /* Each hop is answered with the same Location. */
        o = start(0, "127.0.0.1", "/to/302/?x");
        finish();
        ck_assert_int_eq(o->error, ERROR_PROTOCOL);
        ck_assert_msg(strstr(o->detail, "10 redirects"), "%s", o->detail);
}
END_TEST

START_TEST(a_redirect_to_another_scheme_is_refused) {
        struct outcome_of *o;

        follow(NULL, NULL, NULL);
        o = start(0, "127.0.0.1", "/to/302/file:///etc/passwd");
        finish();
        ck_assert_int_eq(o->error, ERROR_PROTOCOL);
        ck_assert_msg(strstr(o->detail, "file:///..."), "%s", o->detail);
}
END_TEST

/* ---- what is sent ---- */

static const struct {
        const char *method;
        const char *body;
        const char *line; /* the request begins with it */
        const char *has;
} messages[] = {
        { NULL, NULL, "GET /echo HTTP/1.1\r\n", "User-Agent: tendd/" },
        { NULL, "x=1", "POST /echo HTTP/1.1\r\n", "\r\n\r\nx=1" },
        { "POST", NULL, "POST /echo HTTP/1.1\r\n", "Content-Length: 0" },
        { "PUT", "data", "PUT /echo HTTP/1.1\r\n", "\r\n\r\ndata" },
        { "DELETE", NULL, "DELETE /echo HTTP/1.1\r\n", "Host: 127.0.0.1" },
        { "OPTIONS", NULL, "OPTIONS /echo HTTP/1.1\r\n", "Accept: */*" },
};

START_TEST(a_request_is_sent_as_configured) {
        struct http_profile_spec spec = plain_spec();
        struct outcome_of *o;

        spec.method = messages[_i].method;
        spec.body = messages[_i].body;
        use_profile(&spec);
        o = start(0, "127.0.0.1", "/echo");
        finish();
        ck_assert_msg(strncmp(o->body, messages[_i].line, strlen(messages[_i].line)) == 0, "%s", o->body);
        ck_assert_msg(strstr(o->body, messages[_i].has), "no \"%s\" in: %s", messages[_i].has, o->body);
}
END_TEST

START_TEST(a_call_may_have_headers_and_a_body_of_its_own) {
        static const char *const own[] = { "X-Item: 7", NULL };
        struct http_profile_spec spec = plain_spec();
        struct http_request request = { .url = outcomes[0].url, .headers = own, .body = "of its own" };
        struct outcome_of *o;

        spec.body = "the profile's";
        use_profile(&spec);
        (void)snprintf(outcomes[0].url, sizeof(outcomes[0].url), "http://127.0.0.1:%u/echo", http_peer_port(peer));
        o = start_request(0, &request);
        finish();
        ck_assert_msg(strstr(o->body, "X-Item: 7") && strstr(o->body, "of its own"), "%s", o->body);

        /* The handle is used again, and nothing of it is left. */
        o->n_body = 0;
        o = start(0, "127.0.0.1", "/echo");
        finish();
        ck_assert_msg(!strstr(o->body, "X-Item") && strstr(o->body, "the profile's"), "%s", o->body);
}
END_TEST

START_TEST(the_environments_proxy_is_not_used) {
        struct outcome_of *o;

        ck_assert_int_eq(setenv("http_proxy", "http://192.0.2.1:1", 1), 0);
        ck_assert_int_eq(setenv("all_proxy", "http://192.0.2.1:1", 1), 0);
        o = start(0, "127.0.0.1", "/ok");
        finish();
        ck_assert_msg(o->status == 200, "%s", o->detail);
}
END_TEST

static const struct {
        const char *url;
        const char *proxy; /* NULL: the peer */
        const char *detail;
} unproxied[] = {
        { "https://host.test/", NULL, "host.test:443: CONNECT tunnel failed, response 404" },
        { "https://host.test/", "127.0.0.1:1", "127.0.0.1:1: Connection refused" },
        { "http://host.test/", "127.0.0.1:1", "127.0.0.1:1: Connection refused" },
};

START_TEST(a_proxy_that_does_not_connect_is_a_connect_error) {
        struct http_request request = { .url = unproxied[_i].url };
        struct http_profile_spec spec = plain_spec();
        struct outcome_of *o;
        char proxy[64];

        (void)snprintf(proxy, sizeof(proxy), "127.0.0.1:%u", http_peer_port(peer));
        spec.proxy = unproxied[_i].proxy ?: proxy;
        use_profile(&spec);
        o = start_request(0, &request);
        finish();
        ck_assert_msg(o->error == ERROR_CONNECT, "%s: %s", error_kind_to_string(o->error), o->detail);
        ck_assert_str_eq(o->detail, unproxied[_i].detail);
}
END_TEST

START_TEST(a_proxy_is_looked_up_by_us) {
        struct http_profile_spec spec = plain_spec();
        struct http_request request = { .url = "http://never-looked-up.test/x" };
        char proxy[64];
        struct outcome_of *o;

        (void)snprintf(proxy, sizeof(proxy), "peer.test:%u", http_peer_port(peer));
        spec.proxy = proxy;
        use_profile(&spec);
        o = start_request(0, &request);
        finish();
        ck_assert_msg(o->status == 404, "%u %s", o->status, o->detail); /* the peer's answer for http://… as a path */
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

/* ---- the body, and stopping ---- */

START_TEST(a_paused_body_goes_on) {
        struct outcome_of *o = &outcomes[0];

        o->n_pause = 2;
        start(0, "127.0.0.1", "/bytes/15000");
        ck_assert_int_eq(loop_run(loop), 1); /* paused */
        ck_assert_uint_eq(o->n_body, 0);
        http_resume(o->call);
        while (n_running > 0)
                if (loop_run(loop) == 1)
                        http_resume(o->call);
        ck_assert_msg(o->error == ERROR_NONE, "%s", o->detail);
        ck_assert_uint_eq(o->n_body, 15000);
}
END_TEST

START_TEST(a_paused_body_that_grows_too_big_ends_the_call) {
        struct http_profile_spec spec = plain_spec();
        struct outcome_of *o = &outcomes[0];

        spec.max_body = 150;
        use_profile(&spec);
        o->n_pause = 1; /* libcurl gathers the second chunk meanwhile, and offers both together */
        start(0, "127.0.0.1", "/chunks");
        ck_assert_int_eq(loop_run(loop), 1);
        http_resume(o->call);
        http_peer_release(peer); /* what comes now would fit */
        finish();
        ck_assert_msg(o->error == ERROR_TOO_BIG, "%s: %s", error_kind_to_string(o->error), o->detail);
        ck_assert_uint_eq(o->n_body, 0);
}
END_TEST

START_TEST(a_body_that_is_not_taken_ends_the_call) {
        struct outcome_of *o = &outcomes[0];

        o->stop = true;
        start(0, "127.0.0.1", "/ok");
        finish();
        ck_assert_int_eq(o->error, ERROR_IO);
}
END_TEST

START_TEST(cancelling_is_answered_in_a_later_turn) {
        struct outcome_of *o = start(0, "127.0.0.1", "/silence");

        http_cancel(o->call);
        http_cancel(o->call);
        ck_assert_uint_eq(n_running, 1);
        finish();
        ck_assert(o->cancelled);
        ck_assert_int_eq(o->error, ERROR_NONE);

        /* What was cancelled is of no harm to the next one. */
        o = start(0, "127.0.0.1", "/ok");
        finish();
        ck_assert_msg(o->status == 200 && !o->cancelled, "%s", o->detail);
}
END_TEST

static void on_stop(struct loop_timer *timer _unused_, void *arg _unused_) {
        loop_exit(loop, 2);
}

/* How late a timer of 1 ms is served, as the loop measures it, while a call whose name hangs is started and cancelled. */
static usec_t lag_of_a_stalled_cancel(unsigned index) {
        struct loop_timer timer;
        struct loop_stats stats;

        ck_assert_int_eq(loop_timer_init(&timer, loop, CLOCK_ID_MONOTONIC, "tick", on_stop, NULL), 0);
        start(index, "stalled.test", "/ok");
        fake_getaddrinfo_wait_stalled(index + 1);
        loop_reset_stats(loop);
        loop_timer_set(&timer, clock_now(CLOCK_ID_MONOTONIC) + USEC_PER_MSEC);
        http_cancel(outcomes[index].call);
        ck_assert_int_eq(loop_run(loop), 2);
        loop_get_stats(loop, &stats);
        loop_timer_done(&timer);
        return MAX(stats.lag.max_usec, stats.turn.max_usec);
}

/* The name server never answers while this is measured: a loop that waited for it would stand still. */
START_TEST(cancelling_during_a_stalled_resolve_does_not_stop_the_loop) {
        usec_t best = USEC_INFINITY;
        struct pool_stats stats;

        fake_getaddrinfo_stall();
        for (unsigned i = 0; i < 4; i++)
                best = MIN(best, lag_of_a_stalled_cancel(i));
        ck_assert_msg(best <= 5 * USEC_PER_MSEC, "the loop was %llu us late", (unsigned long long)best);
        pool_get_stats(pool, &stats);
        ck_assert_uint_eq(stats.stuck, 4);
        ck_assert_uint_eq(n_running, 4); /* the owner hears of them when the threads are back */

        fake_getaddrinfo_release();
        finish();
        for (unsigned i = 0; i < 4; i++)
                ck_assert(outcomes[i].cancelled);
}
END_TEST

/* The loop goes on until the peer has the request. */
static void on_look(struct loop_work *work, void *arg _unused_) {
        if (http_peer_requests(peer) > 0)
                loop_exit(loop, 3);
        else
                loop_work_schedule(work);
}

/* What a deadline does before it acts: the loop does not come round. */
START_TEST(what_has_arrived_is_taken_when_polled) {
        struct outcome_of *o = start(0, "127.0.0.1", "/held");
        struct loop_work work;

        loop_work_init(&work, loop, "look", on_look, NULL);
        loop_work_schedule(&work);
        ck_assert_int_eq(loop_run(loop), 3);
        http_poll(o->call);
        ck_assert_ptr_nonnull(o->call); /* nothing has arrived */
        http_peer_release(peer);
        while (o->call)
                http_poll(o->call);
        ck_assert_msg(o->status == 200, "%s", o->detail);
}
END_TEST

START_TEST(a_connection_that_is_not_made_ends_with_connect_timeout) {
        struct http_profile_spec spec = plain_spec();
        struct http_request request = { .url = "http://192.0.2.1/" }; /* nobody: TEST-NET-1 */
        struct outcome_of *o;

        spec.connect_timeout_usec = 20 * USEC_PER_MSEC;
        use_profile(&spec);
        o = start_request(0, &request);
        finish();
        ck_assert_msg(o->error == ERROR_CONNECT, "%s: %s", error_kind_to_string(o->error), o->detail);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("http-engine");
        TCase *tcase = tcase_create("http-engine");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, answers_are_told_apart, 0, ARRAY_SIZE(cases));
        tcase_add_loop_test(tcase, what_cannot_be_asked_says_why, 0, ARRAY_SIZE(bad_urls));
        tcase_add_test(tcase, tls_with_a_peer_that_has_none_is_a_tls_error);
        tcase_add_test(tcase, connections_are_reused);
        tcase_add_test(tcase, a_kept_connection_that_the_peer_ends_fails_no_request);
        tcase_add_test(tcase, many_fly_at_once);
        tcase_add_test(tcase, names_are_looked_up_once_and_by_us);
        tcase_add_test(tcase, a_name_with_a_dot_at_its_end_is_ours_too);
        tcase_add_test(tcase, localhost_is_looked_up_like_any_other);
        tcase_add_test(tcase, a_redirect_is_followed_through_our_resolver);
        tcase_add_test(tcase, a_redirect_may_be_relative);
        tcase_add_test(tcase, credentials_do_not_leave_their_origin);
        tcase_add_test(tcase, a_post_becomes_a_get_or_stays);
        tcase_add_test(tcase, redirects_in_a_circle_end);
        tcase_add_test(tcase, a_redirect_to_another_scheme_is_refused);
        tcase_add_loop_test(tcase, a_request_is_sent_as_configured, 0, ARRAY_SIZE(messages));
        tcase_add_test(tcase, a_call_may_have_headers_and_a_body_of_its_own);
        tcase_add_test(tcase, the_environments_proxy_is_not_used);
        tcase_add_loop_test(tcase, a_proxy_that_does_not_connect_is_a_connect_error, 0, ARRAY_SIZE(unproxied));
        tcase_add_test(tcase, a_proxy_is_looked_up_by_us);
        tcase_add_test(tcase, a_paused_body_goes_on);
        tcase_add_test(tcase, a_paused_body_that_grows_too_big_ends_the_call);
        tcase_add_test(tcase, a_body_that_is_not_taken_ends_the_call);
        tcase_add_test(tcase, cancelling_is_answered_in_a_later_turn);
        tcase_add_test(tcase, cancelling_during_a_stalled_resolve_does_not_stop_the_loop);
        tcase_add_test(tcase, what_has_arrived_is_taken_when_polled);
        tcase_add_test(tcase, a_connection_that_is_not_made_ends_with_connect_timeout);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
