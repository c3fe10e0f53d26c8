/* SPDX-License-Identifier: MIT */
/* http_head: heads that are whole, that are not yet, and that are none; what Accept says. */
#include "loop/http_head.h"

#include <check.h>

static const struct {
        const char *name;
        const char *bytes;
        int result;
        enum http_method method;
        bool chunks;
        const char *path;
        const char *accept;
} cases[] = {
        { "nothing", "", 0, 0, false, NULL, NULL },
        { "half a line", "GET /met", 0, 0, false, NULL, NULL },
        { "no end", "GET / HTTP/1.1\r\nHost: x\r\n", 0, 0, false, NULL, NULL },
        { "plain", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 1, HTTP_GET, true, "/metrics", "" },
        { "without headers", "GET / HTTP/1.0\r\n\r\n", 1, HTTP_GET, false, "/", "" },
        { "LF alone", "HEAD /healthz HTTP/1.1\nhost: x\n\n", 1, HTTP_HEAD, true, "/healthz", "" },
        { "a query", "GET /metrics?name[]=up&x=/ HTTP/1.1\r\n\r\n", 1, HTTP_GET, true, "/metrics", "" },
        { "with a body", "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 1, HTTP_OTHER, true, "/metrics",
          "" },
        { "another method", "OPTIONS * HTTP/1.1\r\n\r\n", 1, HTTP_OTHER, true, "*", "" },
        { "accepting", "GET / HTTP/1.1\r\nACCEPT: a/b;q=0.5\r\nAccept:c/d\r\n\r\n", 1, HTTP_GET, true, "/",
          " a/b;q=0.5,c/d" },
        { "not accepting", "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n", 1, HTTP_GET, true, "/", "" },
        { "another version", "GET / HTTP/2.0\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "no version", "GET /\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "no path", "GET x HTTP/1.1\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "no method", " / HTTP/1.1\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "TLS", "\x16\x03\x01\x02\n", -EBADMSG, 0, false, NULL, NULL },
        { "a control character", "GET /\x01 HTTP/1.1\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "a header without a name", "GET / HTTP/1.1\r\n: x\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "a space before the colon", "GET / HTTP/1.1\r\nx : y\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "a header without a colon", "GET / HTTP/1.1\r\nx\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
        { "a folded header", "GET / HTTP/1.1\r\na: b\r\n c: d\r\n\r\n", -EBADMSG, 0, false, NULL, NULL },
};

START_TEST(heads) {
        struct http_head request;
        int r = http_head_parse(cases[_i].bytes, strlen(cases[_i].bytes), &request);

        ck_assert_msg(r == cases[_i].result, "%s: got %d, expected %d", cases[_i].name, r, cases[_i].result);
        if (r <= 0)
                return;
        ck_assert_int_eq(request.method, cases[_i].method);
        ck_assert_int_eq(request.chunks, cases[_i].chunks);
        ck_assert_str_eq(request.path, cases[_i].path);
        ck_assert_str_eq(request.accept, cases[_i].accept);
}
END_TEST

START_TEST(long_ones) {
        struct http_head request;
        char bytes[HTTP_HEAD_SIZE];

        memset(bytes, 'x', sizeof(bytes));
        memcpy(bytes, "GET /", 5);
        memcpy(bytes + 4 + HTTP_PATH_MAX, " HTTP/1.1\r\n\r\n", 13);
        ck_assert_int_eq(http_head_parse(bytes, 4 + HTTP_PATH_MAX + 13, &request), -ENAMETOOLONG);
        bytes[4 + HTTP_PATH_MAX - 1] = '?';
        ck_assert_int_eq(http_head_parse(bytes, 4 + HTTP_PATH_MAX + 13, &request), 1);
        ck_assert_uint_eq(strlen(request.path), HTTP_PATH_MAX - 1);

        /* What is accepted is cut, and nothing is written behind it. */
        memcpy(bytes, "GET / HTTP/1.1\r\nAccept:", 23);
        memset(bytes + 23, 'a', 4000);
        memcpy(bytes + 4023, "\r\nAccept:b\r\n\r\n", 14);
        ck_assert_int_eq(http_head_parse(bytes, 4037, &request), 1);
        ck_assert_uint_eq(strlen(request.accept), HTTP_ACCEPT_MAX - 1);
}
END_TEST

static const struct {
        const char *accept;
        unsigned weight; /* of text/plain */
} weights[] = {
        { "", 0 },
        { "text/plain", 1000 },
        { " Text/Plain ", 1000 },
        { "text/plainer", 0 },
        { "text/html, text/plain;version=0.0.4;q=0.3,*/*;q=0.2", 300 },
        { "text/plain;q=0.25", 250 },
        { "text/plain; q=1.0", 1000 },
        { "text/plain;q=0", 0 },
        { "text/plain;q=0.123456", 123 },
        { "text/plain;q=0.2,text/plain;q=0.7", 700 },
        { "text/plain;q=", 1000 },
        { "text/plain;", 1000 },
        { "*/*", 0 },
        { ",,;,", 0 },
};

START_TEST(accepted) {
        unsigned weight = http_accept_weight(weights[_i].accept, "text/plain");

        ck_assert_msg(weight == weights[_i].weight, "\"%s\": got %u, expected %u", weights[_i].accept, weight,
                      weights[_i].weight);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("http_head");
        Suite *suite = suite_create("http_head");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, heads, 0, (int)ARRAY_SIZE(cases));
        tcase_add_test(tcase, long_ones);
        tcase_add_loop_test(tcase, accepted, 0, (int)ARRAY_SIZE(weights));
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
