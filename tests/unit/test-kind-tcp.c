/* SPDX-License-Identifier: MIT */
/* kind_tcp: connecting by name, address and path, and what the answer must contain. The peer is the tests' web server,
 * which answers any text as well as another. */
#include "support/fake-getaddrinfo.h"
#include "support/http-peer.h"
#include "support/task-bed.h"
#include "task/leaf_work.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct task_bed bed;
static struct http_peer *peer;

static void setup(void) {
        fake_getaddrinfo_reset();
        fake_getaddrinfo_add("peer.test", "127.0.0.1", 0);
        fake_getaddrinfo_add("two.test", "::1 127.0.0.1", 0); /* the peer listens on IPv4 only */
        peer = http_peer_start();
        task_bed_open(&bed);
        (void)task_bed_task(&bed, &kind_tcp);
}

static void teardown(void) {
        task_bed_close(&bed);
        http_peer_stop(peer);
}

static void set(const char *host, const char *send, const char *expect) {
        struct tcp_part *part = bed.task->tcp;
        char text[256];

        if (strchr(host, '/'))
                (void)snprintf(text, sizeof(text), "%s", host);
        else
                (void)snprintf(text, sizeof(text), "%s:%u", host, http_peer_port(peer));
        part->connect = strdup(text);
        part->send = send ? strdup(send) : NULL;
        part->expect = expect ? strdup(expect) : NULL;
}

static const struct {
        const char *host;
        const char *send;
        const char *expect;
        enum error_kind error;
        const char *detail;
} cases[] = {
        { "127.0.0.1", NULL, NULL, ERROR_NONE, "" },
        { "peer.test", NULL, NULL, ERROR_NONE, "" },
        { "two.test", NULL, NULL, ERROR_NONE, "" }, /* the second address */
        { "127.0.0.1", "GET /ok HTTP/1.1\\r\\n\\r\\n", NULL, ERROR_NONE, "" },
        { "127.0.0.1", "GET /ok HTTP/1.1\\r\\n\\r\\n", "hello", ERROR_NONE, "" },
        { "127.0.0.1", "GET /ok HTTP/1.1\\r\\n\\r\\n", "OK\\r\\n", ERROR_NONE, "" },
        { "127.0.0.1", "GET /garbage HTTP/1.1\\r\\n\\r\\n", "ESMTP", ERROR_NONE, "" },
        { "127.0.0.1", "GET /garbage HTTP/1.1\\r\\n\\r\\n", "hello", ERROR_MISMATCH, "closed after 29 bytes" },
        { "127.0.0.1", "GET /close HTTP/1.1\\r\\n\\r\\n", "hello", ERROR_MISMATCH, "closed after 0 bytes" },
        { "127.0.0.1", "GET /reset HTTP/1.1\\r\\n\\r\\n", "hello", ERROR_IO, "reset" },
        { "127.0.0.1", "GET /endless HTTP/1.1\\r\\n\\r\\n", "hello", ERROR_MISMATCH, "first 64 KiB" },
        { "none.test", NULL, NULL, ERROR_RESOLVE, "Name or service not known" },
        { "[::1]", NULL, NULL, ERROR_CONNECT, "" },
        { "no address", NULL, NULL, ERROR_CONNECT, "neither host:port nor unix:/path" },
        { "unix:/nonexistent/socket", NULL, NULL, ERROR_CONNECT, "No such file or directory" },
        { "unix:/tmp", NULL, NULL, ERROR_CONNECT, "Connection refused" },
};

START_TEST(a_conversation_is_checked) {
        set(cases[_i].host, cases[_i].send, cases[_i].expect);
        task_bed_run(&bed);
        task_bed_check(&bed, cases[_i].error, cases[_i].detail);
}
END_TEST

START_TEST(a_local_socket_is_connected_by_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char directory[] = "/tmp/tendd-test-XXXXXX";
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", directory);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_ge(asprintf(&bed.task->tcp->connect, "unix:%s", address.sun_path), 0);
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_NONE, "");
        close(fd);
        (void)unlink(address.sun_path);
        (void)rmdir(directory);
}
END_TEST

START_TEST(silence_times_out) {
        bed.task->run.bounds[BOUND_TIMEOUT] = 20 * USEC_PER_MSEC;
        set("127.0.0.1", NULL, "hello");
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_TIMEOUT);
        ck_assert_uint_eq(bed.n_remnants, 0);
}
END_TEST

/* Rule 4: what a deadline finds answered already is taken. */
/* A listener that has no room for another connection: who connects to it waits. Returns its port. */
static unsigned listen_full(int fds[3]) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof(address);

        for (size_t i = 0; i < 3; i++) {
                fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                ck_assert_int_ge(fds[i], 0);
                if (i > 0) {
                        (void)connect(fds[i], (struct sockaddr *)&address, size);
                        continue;
                }
                ck_assert_int_eq(bind(fds[0], (struct sockaddr *)&address, size), 0);
                ck_assert_int_eq(listen(fds[0], 0), 0);
                ck_assert_int_eq(getsockname(fds[0], (struct sockaddr *)&address, &size), 0);
        }
        return ntohs(address.sin_port);
}

static void connect_to(const char *host, unsigned port) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%s:%u", host, port);
        free(bed.task->tcp->connect);
        bed.task->tcp->connect = strdup(text);
}

static void drop(struct run *run) {
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
        task_bed_wait(&bed);
}

START_TEST(it_says_what_it_is_at) {
        struct run *run;
        int fds[3];

        set("127.0.0.1", "GET /chunks HTTP/1.1\\r\\n\\r\\n", "never said");
        run = task_bed_start(&bed);
        task_bed_until_doing(&bed, run, "waiting for the answer of 127.0.0.1:");
        drop(run);

        fake_getaddrinfo_stall();
        connect_to("peer.test", 1);
        run = task_bed_start(&bed);
        task_bed_until_doing(&bed, run, "resolving peer.test");
        drop(run);
        fake_getaddrinfo_release();
        task_bed_wait_remnants(&bed);

        connect_to("127.0.0.1", listen_full(fds));
        run = task_bed_start(&bed);
        task_bed_until_doing(&bed, run, "connecting to 127.0.0.1:");
        drop(run);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        http_peer_release(peer);
}
END_TEST

START_TEST(an_answer_is_found_by_polling) {
        const struct leaf_work *work;
        struct run *run, *leaf;

        set("127.0.0.1", "GET /ok HTTP/1.1\\r\\n\\r\\n", "hello");
        run = task_bed_start(&bed);
        while (http_peer_requests(peer) == 0)
                task_bed_turn(&bed);
        leaf = run_first_child(run);
        work = run_leaf_data(leaf);
        while (!work->ended)
                kind_tcp.leaf->poll(leaf);
        task_bed_wait(&bed);
        task_bed_check(&bed, ERROR_NONE, "");
}
END_TEST

START_TEST(a_name_that_hangs_leaves_a_remnant) {
        fake_getaddrinfo_stall();
        set("peer.test", NULL, NULL);
        task_bed_cancel_busy(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_CANCELLED);
        ck_assert_uint_eq(bed.n_remnants, 1);
        fake_getaddrinfo_release();
        task_bed_wait_remnants(&bed);
}
END_TEST

START_TEST(tls_with_a_peer_that_has_none_is_a_tls_error) {
        set("127.0.0.1", NULL, NULL);
        bed.task->tcp->tls = true;
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_TLS, "");
}
END_TEST

START_TEST(a_trust_store_that_is_missing_is_a_tls_error) {
        set("127.0.0.1", NULL, NULL);
        bed.task->tcp->tls = true;
        bed.task->tcp->ca_file = strdup("/nonexistent/ca.pem");
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_TLS, "/nonexistent/ca.pem");
}
END_TEST

START_TEST(tls_on_a_local_socket_says_that_it_needs_a_host) {
        set("unix:/tmp", NULL, NULL);
        bed.task->tcp->tls = true;
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_TLS, "TLS needs a host");
}
END_TEST

START_TEST(items_are_filled_in) {
        struct task *task = bed.task;

        set("{item}", NULL, NULL);
        task->for_each.type = FOR_EACH_LIST;
        task->for_each.words = task_bed_words("127.0.0.1 peer.test none.test");
        task->run.items = &task_items;
        task->run.concurrency = 2;
        task->run.items_may_fail = 1;
        task_bed_run(&bed);
        ck_assert_msg(bed.result->outcome == OUTCOME_OK, "%s", result_detail(bed.result));
        ck_assert_uint_eq(bed.result->items->by_outcome[OUTCOME_OK], 2);
        ck_assert_uint_eq(bed.result->items->by_kind[ERROR_RESOLVE], 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kind-tcp");
        TCase *tcase = tcase_create("kind-tcp");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, a_conversation_is_checked, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, a_local_socket_is_connected_by_path);
        tcase_add_test(tcase, silence_times_out);
        tcase_add_test(tcase, it_says_what_it_is_at);
        tcase_add_test(tcase, an_answer_is_found_by_polling);
        tcase_add_test(tcase, a_name_that_hangs_leaves_a_remnant);
        tcase_add_test(tcase, tls_with_a_peer_that_has_none_is_a_tls_error);
        tcase_add_test(tcase, a_trust_store_that_is_missing_is_a_tls_error);
        tcase_add_test(tcase, tls_on_a_local_socket_says_that_it_needs_a_host);
        tcase_add_test(tcase, items_are_filled_in);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
