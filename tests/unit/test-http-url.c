/* SPDX-License-Identifier: MIT */
/* http_url: whom a URL names, however it is written, and what goes along with a redirect. */
#include "task/http_url.h"

#include <check.h>

static const struct {
        const char *url;
        int r;
        bool tls;
        bool literal;
        const char *host;
        unsigned port;
} targets[] = {
        { "http://example.com/", 0, false, false, "example.com", 80 },
        { "https://Example.COM", 0, true, false, "example.com", 443 },
        { "HTTP://a-b.c_d:8080/x?y#z", 0, false, false, "a-b.c_d", 8080 },
        { "http://127.0.0.1:81?q", 0, false, true, "127.0.0.1", 81 },
        { "http://[::1]:82/", 0, false, true, "::1", 82 },
        { "http://[2001:DB8::1]/", 0, false, true, "2001:db8::1", 80 },
        { "http://user:secret@host/", 0, false, false, "host", 80 },
        { "http://user@127.0.0.1/", 0, false, true, "127.0.0.1", 80 },
        { "http://2130706433/", 0, false, true, "127.0.0.1", 80 }, /* as libcurl reads it */
        { "http://0x7f.1/", 0, false, true, "127.0.0.1", 80 },
        { "http://010.0.0.1/", 0, false, true, "8.0.0.1", 80 },
        { "http://ex%61mple.com/", 0, false, false, "example.com", 80 },
        { "http://3com.com/", 0, false, false, "3com.com", 80 },
        { "http://1.example.com/", 0, false, false, "1.example.com", 80 },
        { "ftp://example.com/", -EPROTONOSUPPORT, false, false, NULL, 0 },
        { "file:///etc/passwd", -EPROTONOSUPPORT, false, false, NULL, 0 },
        { "example.com", -EINVAL, false, false, NULL, 0 },
        { "", -EINVAL, false, false, NULL, 0 },
        { "http://", -EINVAL, false, false, NULL, 0 },
        { "http://:80/", -EINVAL, false, false, NULL, 0 },
        { "http://host:99999/", -EINVAL, false, false, NULL, 0 },
        { "http://host:80x/", -EINVAL, false, false, NULL, 0 },
        { "http://b\xc3\xbc"
          "cher.example/",
          -EINVAL, false, false, NULL, 0 },
        { "http://a b/", -EINVAL, false, false, NULL, 0 },
};

START_TEST(a_url_names_its_peer) {
        struct http_target target = { .port = 7 };
        int r;

        r = http_target_parse(targets[_i].url, &target);
        ck_assert_msg(r == targets[_i].r, "%s: %d, not %d", targets[_i].url, r, targets[_i].r);
        if (r < 0) {
                ck_assert_uint_eq(target.port, 7); /* untouched */
                return;
        }
        ck_assert_str_eq(target.host, targets[_i].host);
        ck_assert_uint_eq(target.port, targets[_i].port);
        ck_assert_int_eq(target.tls, targets[_i].tls);
        ck_assert_int_eq(target.literal, targets[_i].literal);
}
END_TEST

static const struct {
        const char *proxy;
        int r;
        const char *host;
        unsigned port;
} proxies[] = {
        { "proxy:3128", 0, "proxy", 3128 },
        { "http://u:p@10.0.0.1:3128", 0, "10.0.0.1", 3128 },
        { "https://proxy:443", 0, "proxy", 443 },
        { "proxy", -EINVAL, NULL, 0 }, /* the port must be written */
        { "socks5://proxy:1080", -EPROTONOSUPPORT, NULL, 0 },
};

START_TEST(a_proxy_names_its_port) {
        struct http_target target;
        int r;

        r = http_proxy_parse(proxies[_i].proxy, &target);
        ck_assert_msg(r == proxies[_i].r, "%s: %d, not %d", proxies[_i].proxy, r, proxies[_i].r);
        if (r < 0)
                return;
        ck_assert_str_eq(target.host, proxies[_i].host);
        ck_assert_uint_eq(target.port, proxies[_i].port);
}
END_TEST

static const struct {
        unsigned status;
        const char *method;
        enum http_redirect redirect;
} redirects[] = {
        { 200, "GET", HTTP_REDIRECT_NONE },  { 300, "GET", HTTP_REDIRECT_NONE },  { 304, "GET", HTTP_REDIRECT_NONE },
        { 301, "GET", HTTP_REDIRECT_SAME },  { 302, "HEAD", HTTP_REDIRECT_SAME }, { 301, "POST", HTTP_REDIRECT_GET },
        { 302, "POST", HTTP_REDIRECT_GET },  { 301, "PUT", HTTP_REDIRECT_SAME },  { 303, "POST", HTTP_REDIRECT_GET },
        { 303, "PUT", HTTP_REDIRECT_GET },   { 303, "HEAD", HTTP_REDIRECT_SAME }, { 307, "POST", HTTP_REDIRECT_SAME },
        { 308, "POST", HTTP_REDIRECT_SAME },
};

START_TEST(a_redirect_keeps_or_drops_the_method) {
        ck_assert_msg(http_redirect_of(redirects[_i].status, redirects[_i].method) == redirects[_i].redirect,
                      "%u %s: %d, not %d", redirects[_i].status, redirects[_i].method,
                      http_redirect_of(redirects[_i].status, redirects[_i].method), redirects[_i].redirect);
}
END_TEST

static const char *const locations[][2] = {
        { "http://host/a?b#c", "http://host/a?b#c" },
        { "http://host/a b  c", "http://host/a%20b%20%20c" },
        { "", "" },
};

START_TEST(a_redirect_may_have_spaces) {
        _cleanup_(freep) char *url = http_redirect_url(locations[_i][0]);

        ck_assert_str_eq(url, locations[_i][1]);
}
END_TEST

static const struct {
        const char *line;
        bool has_body;
        bool same_origin;
        bool kept;
} headers[] = {
        { "Accept: text/plain", false, false, true },
        { "Authorization: Bearer x", false, true, true },
        { "authorization: Bearer x", true, false, false },
        { "Cookie: a=b", false, false, false },
        { "Host: elsewhere", true, true, false },
        { "Content-Type: application/json", true, false, true },
        { "Content-Type: application/json", false, true, false },
        { "Authorization-Hint: no secret", false, false, true },
};

START_TEST(credentials_stay_with_their_origin) {
        ck_assert_msg(http_redirect_keeps_header(headers[_i].line, headers[_i].has_body, headers[_i].same_origin) ==
                              headers[_i].kept,
                      "%s: kept is not %d", headers[_i].line, headers[_i].kept);
}
END_TEST

START_TEST(an_origin_is_scheme_host_and_port) {
        struct http_target a, b;

        ck_assert_int_eq(http_target_parse("http://host/", &a), 0);
        ck_assert_int_eq(http_target_parse("http://HOST:80/x", &b), 0);
        ck_assert(http_target_same_origin(&a, &b));
        ck_assert_int_eq(http_target_parse("https://host:80/", &b), 0);
        ck_assert(!http_target_same_origin(&a, &b));
        ck_assert_int_eq(http_target_parse("http://host:81/", &b), 0);
        ck_assert(!http_target_same_origin(&a, &b));
        ck_assert_int_eq(http_target_parse("http://host2/", &b), 0);
        ck_assert(!http_target_same_origin(&a, &b));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("http-url");
        TCase *tcase = tcase_create("http-url");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, a_url_names_its_peer, 0, ARRAY_SIZE(targets));
        tcase_add_loop_test(tcase, a_proxy_names_its_port, 0, ARRAY_SIZE(proxies));
        tcase_add_loop_test(tcase, a_redirect_keeps_or_drops_the_method, 0, ARRAY_SIZE(redirects));
        tcase_add_loop_test(tcase, a_redirect_may_have_spaces, 0, ARRAY_SIZE(locations));
        tcase_add_loop_test(tcase, credentials_stay_with_their_origin, 0, ARRAY_SIZE(headers));
        tcase_add_test(tcase, an_origin_is_scheme_host_and_port);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
