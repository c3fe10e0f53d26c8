/* SPDX-License-Identifier: MIT */
/* listen_socket: which addresses there are, and what becomes of a path that is taken. */
#include "loop/listen_socket.h"

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>

static const struct {
        const char *text;
        int result;
        int family;
        bool local;
} addresses[] = {
        { "127.0.0.1:9188", 0, AF_INET, true },
        { "127.1.2.3:1", 0, AF_INET, true },
        { "0.0.0.0:65535", 0, AF_INET, false },
        { "192.0.2.1:80", 0, AF_INET, false },
        { "[::1]:9188", 0, AF_INET6, true },
        { "[::]:9188", 0, AF_INET6, false },
        { "unix:/run/tendd/metrics.sock", 0, AF_UNIX, true },
        { "", -EINVAL, 0, false },
        { "9188", -EINVAL, 0, false },
        { ":9188", -EINVAL, 0, false },
        { "127.0.0.1", -EINVAL, 0, false },
        { "127.0.0.1:", -EINVAL, 0, false },
        { "127.0.0.1:0", -EINVAL, 0, false },
        { "127.0.0.1:65536", -EINVAL, 0, false },
        { "127.0.0.1:80x", -EINVAL, 0, false },
        { "127.1:80", -EINVAL, 0, false },
        { "localhost:80", -EINVAL, 0, false },
        { "::1:9188", -EINVAL, 0, false },
        { "[::1]9188", -EINVAL, 0, false },
        { "[127.0.0.1]:80", -EINVAL, 0, false },
        { "[]:80", -EINVAL, 0, false },
        { "unix:metrics.sock", -EINVAL, 0, false },
        { "unix:", -EINVAL, 0, false },
};

START_TEST(parsed) {
        struct listen_address address;
        int r = listen_address_parse(addresses[_i].text, &address);

        ck_assert_msg(r == addresses[_i].result, "%s: got %d, expected %d", addresses[_i].text, r,
                      addresses[_i].result);
        if (r < 0)
                return;
        ck_assert_int_eq(address.storage.ss_family, addresses[_i].family);
        ck_assert_int_eq(listen_address_is_local(&address), addresses[_i].local);
}
END_TEST

START_TEST(too_long) {
        char text[200] = "unix:/";
        struct listen_address address;

        memset(text + 6, 'x', 107);
        ck_assert_int_eq(listen_address_parse(text, &address), -ENAMETOOLONG);
        text[6 + 106] = '\0';
        ck_assert_int_eq(listen_address_parse(text, &address), 0);
}
END_TEST

START_TEST(paths) {
        char directory[] = "/tmp/test-listen-XXXXXX", text[64];
        struct listen_address address;
        struct stat st;
        pid_t pid;
        int first, second;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void)snprintf(text, sizeof(text), "unix:%s/s", directory);
        ck_assert_int_eq(listen_address_parse(text, &address), 0);
        first = listen_open(&address, 0666, NULL);
        ck_assert_int_ge(first, 0);
        ck_assert_int_eq(stat(text + 5, &st), 0);
        ck_assert_int_eq(st.st_mode & 0777, 0666);

        second = listen_open(&address, 0666, &pid);
        ck_assert_int_eq(second, -EADDRINUSE);
        ck_assert_int_eq(pid, getpid());

        /* Stale: nobody listens any more. */
        (void)close(first);
        first = listen_open(&address, 0600, &pid);
        ck_assert_int_ge(first, 0);
        (void)close(first);

        (void)unlink(text + 5);
        first = open(text + 5, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_eq(listen_open(&address, 0666, NULL), -EEXIST);
        (void)close(first);
        (void)unlink(text + 5);
        (void)rmdir(directory);
        ck_assert_int_eq(listen_open(&address, 0666, NULL), -ENOENT);
}
END_TEST

START_TEST(ports) {
        struct listen_address address;
        struct sockaddr_in bound;
        socklen_t size = sizeof(bound);
        int first, second;

        ck_assert_int_eq(listen_address_parse("127.0.0.1:1", &address), 0);
        ((struct sockaddr_in *)&address.storage)->sin_port = 0; /* any that is free */
        first = listen_open(&address, 0, NULL);
        ck_assert_int_ge(first, 0);
        ck_assert_int_eq(getsockname(first, (struct sockaddr *)&bound, &size), 0);
        ((struct sockaddr_in *)&address.storage)->sin_port = bound.sin_port;
        second = listen_open(&address, 0, NULL);
        ck_assert_int_eq(second, -EADDRINUSE);
        (void)close(first);
        second = listen_open(&address, 0, NULL);
        ck_assert_int_ge(second, 0);
        (void)close(second);
}
END_TEST

int main(void) {
        TCase *tcase = tcase_create("listen_socket");
        Suite *suite = suite_create("listen_socket");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(tcase, parsed, 0, (int)ARRAY_SIZE(addresses));
        tcase_add_test(tcase, too_long);
        tcase_add_test(tcase, paths);
        tcase_add_test(tcase, ports);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
