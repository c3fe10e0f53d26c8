/* SPDX-License-Identifier: MIT */
/* tcp_address: what may be written in `connect` and `send`. */
#include "task/tcp_address.h"

#include <check.h>

static const struct {
        const char *text;
        int r;
        const char *host;
        unsigned port;
        const char *path;
} addresses[] = {
        { "example.com:25", 0, "example.com", 25, NULL },
        { "127.0.0.1:1", 0, "127.0.0.1", 1, NULL },
        { "[::1]:65535", 0, "::1", 65535, NULL },
        { "unix:/run/x.sock", 0, "", 0, "/run/x.sock" },
        { "unix:relative", -EINVAL, NULL, 0, NULL },
        { "example.com", -EINVAL, NULL, 0, NULL },
        { "example.com:", -EINVAL, NULL, 0, NULL },
        { ":25", -EINVAL, NULL, 0, NULL },
        { "host:0", -EINVAL, NULL, 0, NULL },
        { "host:65536", -EINVAL, NULL, 0, NULL },
        { "host:25x", -EINVAL, NULL, 0, NULL },
        { "::1:25", -EINVAL, NULL, 0, NULL },
        { "[::1]", -EINVAL, NULL, 0, NULL },
        { "[::1:25", -EINVAL, NULL, 0, NULL },
        { "a b:25", -EINVAL, NULL, 0, NULL },
        { "", -EINVAL, NULL, 0, NULL },
};

START_TEST(an_address_is_a_host_and_a_port_or_a_path) {
        struct tcp_address address;
        int r;

        r = tcp_address_parse(addresses[_i].text, &address);
        ck_assert_msg(r == addresses[_i].r, "%s: %d, not %d", addresses[_i].text, r, addresses[_i].r);
        if (r < 0)
                return;
        ck_assert_str_eq(address.host, addresses[_i].host);
        ck_assert_uint_eq(address.port, addresses[_i].port);
        ck_assert_pstr_eq(address.path, addresses[_i].path);
}
END_TEST

START_TEST(a_host_that_is_too_long_is_refused) {
        char text[300];
        struct tcp_address address;

        memset(text, 'a', sizeof(text));
        memcpy(text + 256, ":1", 3);
        ck_assert_int_eq(tcp_address_parse(text, &address), -EINVAL);
        ck_assert_int_eq(tcp_address_parse(text + 1, &address), 0);
}
END_TEST

static const struct {
        const char *text;
        int r;
        const char *bytes;
        size_t n;
} texts[] = {
        { "", 0, "", 0 },
        { "PING\\r\\n", 0, "PING\r\n", 6 },
        { "\\t\\\\\\x41\\xfF", 0, "\t\\A\xff", 4 },
        { "a\\0b", 0, "a\0b", 3 },
        { "\\q", -EINVAL, NULL, 0 },
        { "\\", -EINVAL, NULL, 0 },
        { "\\x4", -EINVAL, NULL, 0 },
        { "\\xg0", -EINVAL, NULL, 0 },
};

START_TEST(escapes_are_expanded) {
        char *bytes = NULL;
        size_t n = 0;
        int r;

        r = tcp_unescape(texts[_i].text, &bytes, &n);
        ck_assert_msg(r == texts[_i].r, "%s: %d, not %d", texts[_i].text, r, texts[_i].r);
        if (r < 0) {
                ck_assert_ptr_null(bytes);
                return;
        }
        ck_assert_uint_eq(n, texts[_i].n);
        ck_assert_mem_eq(bytes, texts[_i].bytes, n);
        free(bytes);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp-address");
        TCase *tcase = tcase_create("tcp-address");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, an_address_is_a_host_and_a_port_or_a_path, 0, ARRAY_SIZE(addresses));
        tcase_add_test(tcase, a_host_that_is_too_long_is_refused);
        tcase_add_loop_test(tcase, escapes_are_expanded, 0, ARRAY_SIZE(texts));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
