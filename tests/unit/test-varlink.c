/* SPDX-License-Identifier: MIT */
/* varlink: calls, answers, streams, and every bound, over real sockets on a fake loop and clock. */
#include "base/log.h"
#include "control/varlink.h"
#include "support/fake-loop.h"
#include "support/varlink-client.h"

#include <check.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct loop *loop;
static struct varlink_server *server;
static enum varlink_role role;
static unsigned n_log_lines;
static char log_line[512]; /* the last */
static unsigned n_handled;
static unsigned n_changes;
static unsigned n_freed; /* stream cursors */
static struct varlink_call *held;

/* In place of the library's logger. */
void log_record(_unused_ int level, _unused_ const struct log_context *context, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(log_line, sizeof(log_line), format, ap);
        va_end(ap);
        n_log_lines++;
}

/* ---- an interface to call ---- */

struct counter {
        json_int_t at;
        json_int_t end; /* -1: waits at the end instead of ending */
        size_t padding;
};

static int counter_next(_unused_ struct varlink_call *call, void *cursor, json_t **ret) {
        struct counter *counter = cursor;
        char *padding;

        if (counter->end < 0 && counter->at + counter->end >= 0)
                return -EAGAIN;
        padding = calloc(1, counter->padding + 1);
        memset(padding, 'x', counter->padding);
        counter->at++;
        *ret = json_pack("{s:I, s:s}", "n", counter->at, "padding", padding);
        free(padding);
        return counter->at != counter->end;
}

static void counter_free(void *cursor) {
        n_freed++;
        free(cursor);
}

static const struct varlink_stream_ops counter_ops = { .next = counter_next, .free = counter_free };

static int count(struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        struct counter *counter = calloc(1, sizeof(*counter));

        held = call;
        counter->end = json_integer_value(json_object_get(parameters, "to"));
        counter->padding = (size_t)json_integer_value(json_object_get(parameters, "padding"));
        return varlink_stream(call, &counter_ops, counter);
}

static int echo(struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        n_handled++;
        return varlink_reply(call, json_pack("{s:O}", "text", json_object_get(parameters, "text")));
}

/* A stream whose first message, and each after it, waits until it is allowed. */
static unsigned allowed, n_made;

static int allowed_next(_unused_ struct varlink_call *call, _unused_ void *cursor, json_t **ret) {
        if (n_made == allowed)
                return -EAGAIN;
        *ret = json_pack("{s:i}", "n", (int)++n_made);
        return 1;
}

static int wait_for_leave(struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        static const struct varlink_stream_ops ops = { .next = allowed_next, .free = counter_free };

        held = call;
        return varlink_stream(call, &ops, malloc(1));
}

static int breaks(_unused_ struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        return -ENOSPC;
}

static int depends(struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        return varlink_error_role(call, VARLINK_ROLE_ADMIN);
}

static int later(struct varlink_call *call, _unused_ const json_t *parameters, _unused_ void *arg) {
        held = call;
        return 0;
}

static const struct varlink_field echo_fields[] = {
        { "text", VARLINK_STRING, false },
        { "flag", VARLINK_BOOL, true },
        { "number", VARLINK_INT, true },
        { "list", VARLINK_STRINGS, true },
        { 0 },
};
static const struct varlink_field count_fields[] = {
        { "to", VARLINK_INT, false },
        { "padding", VARLINK_INT, true },
        { 0 },
};
static const struct varlink_method methods[] = {
        { "Echo", VARLINK_ROLE_OPERATE, 0, echo_fields, echo },
        { "Change", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, echo_fields, echo },
        { "Count", VARLINK_ROLE_VIEW, 0, count_fields, count },
        { "Follow", VARLINK_ROLE_VIEW, VARLINK_MORE, count_fields, count },
        { "Breaks", VARLINK_ROLE_VIEW, 0, NULL, breaks },
        { "Depends", VARLINK_ROLE_VIEW, 0, NULL, depends },
        { "Later", VARLINK_ROLE_VIEW, 0, NULL, later },
        { "Wait", VARLINK_ROLE_VIEW, 0, NULL, wait_for_leave },
        { "ChangeLater", VARLINK_ROLE_OPERATE, VARLINK_CHANGES, NULL, wait_for_leave },
        { "Absent", VARLINK_ROLE_VIEW, 0, NULL, NULL },
};
static const struct varlink_interface interface = {
        .name = "a.test",
        .description = "interface a.test\n",
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
        .failed = "a.test.Failed",
        .denied = "a.test.RoleNeeded",
};
/* One without errors of its own. */
static const struct varlink_interface plain_interface = {
        .name = "b.test",
        .description = "interface b.test\n",
        .methods = methods,
        .n_methods = ARRAY_SIZE(methods),
};

/* ---- a server and its clients ---- */

static enum varlink_role role_of(const struct varlink_peer *peer, const gid_t *groups, size_t n_groups,
                                 _unused_ void *arg) {
        gid_t own[64];
        int n = getgroups(ARRAY_SIZE(own), own);

        ck_assert_uint_eq(peer->uid, getuid());
        ck_assert_uint_eq(peer->gid, getgid());
        ck_assert_int_eq(peer->pid, getpid());
        ck_assert_int_ge(n, 0);
        ck_assert_uint_eq(n_groups, (size_t)n);
        ck_assert_mem_eq(groups, own, sizeof(gid_t) * (size_t)n);
        return role;
}

static void on_change(const struct varlink_call *call, const json_t *parameters, _unused_ void *arg) {
        if (streq(varlink_call_method(call), "ChangeLater"))
                return;
        ck_assert_str_eq(varlink_call_method(call), "Change");
        ck_assert_str_eq(json_string_value(json_object_get(parameters, "text")), "hi");
        ck_assert_uint_eq(n_handled, 1);
        n_changes++;
}

static void setup(void) {
        const struct varlink_options options = {
                .vendor = "v",
                .product = "p",
                .version = "1",
                .url = "u",
                .role_of = role_of,
                .on_change = on_change,
                .too_slow = "a.test.TooSlow",
                .max_connections = 4,
                .max_connections_per_user = 3,
                .max_input = 5 * 512 * 1024,
        };

        role = VARLINK_ROLE_ADMIN;
        n_log_lines = n_changes = n_handled = n_freed = allowed = n_made = 0;
        held = NULL;
        fake_clock_reset();
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(varlink_server_new(loop, &options, &server), 0);
        ck_assert_int_eq(varlink_server_add_interface(server, &interface, NULL), 0);
        ck_assert_int_eq(varlink_server_add_interface(server, &plain_interface, NULL), 0);
}

static void teardown(void) {
        server = varlink_server_free(server);
        ck_assert_uint_eq(fake_loop_timers(), 0);
        ck_assert_uint_eq(fake_loop_watches(), 0);
        ck_assert_uint_eq(fake_loop_pending_work(), 0);
        loop = loop_free(loop);
}

static struct test_client a, b;

static unsigned n_connections(void) {
        struct varlink_stats stats;

        varlink_server_get_stats(server, &stats);
        return stats.connections;
}

static void allow_one(void) {
        allowed++;
        varlink_wake(held);
        fake_loop_settle();
}

/* ---- calls ---- */

static const struct {
        enum varlink_role role;
        const char *call;
        const char *answer; /* NULL: cut off */
} exchanges[] = {
#define ADMIN VARLINK_ROLE_ADMIN
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}",
          "{\"parameters\":{\"text\":\"hi\"}}" },
        { VARLINK_ROLE_OPERATE, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"\\u00e9\",\"flag\":null}}",
          "{\"parameters\":{\"text\":\"\\u00e9\"}}" },
        { VARLINK_ROLE_VIEW, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}",
          "{\"error\":\"a.test.RoleNeeded\",\"parameters\":{\"method\":\"a.test.Echo\",\"needs\":\"operate\","
          "\"has\":\"view\"}}" },
        { VARLINK_ROLE_NONE, "{\"method\":\"a.test.Breaks\"}",
          "{\"error\":\"a.test.RoleNeeded\",\"parameters\":{\"method\":\"a.test.Breaks\",\"needs\":\"view\","
          "\"has\":\"none\"}}" },
        { VARLINK_ROLE_OPERATE, "{\"method\":\"a.test.Depends\"}",
          "{\"error\":\"a.test.RoleNeeded\",\"parameters\":{\"method\":\"a.test.Depends\",\"needs\":\"admin\","
          "\"has\":\"operate\"}}" },
        { VARLINK_ROLE_NONE, "{\"method\":\"b.test.Echo\"}",
          "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}" },
        { VARLINK_ROLE_NONE, "{\"method\":\"org.varlink.service.GetInfo\"}",
          "{\"parameters\":{\"vendor\":\"v\",\"product\":\"p\",\"version\":\"1\",\"url\":\"u\","
          "\"interfaces\":[\"org.varlink.service\",\"a.test\",\"b.test\"]}}" },
        { ADMIN,
          "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"a.test\"}}",
          "{\"parameters\":{\"description\":\"interface a.test\\n\"}}" },
        { ADMIN, "{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{\"interface\":\"x.y\"}}",
          "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"x.y\"}}" },
        { ADMIN, "{\"method\":\"a.test.Nothing\"}",
          "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{\"method\":\"a.test.Nothing\"}}" },
        { ADMIN, "{\"method\":\"a.tes.Echo\"}",
          "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"a.tes\"}}" },
        { ADMIN, "{\"method\":\"Echo\"}",
          "{\"error\":\"org.varlink.service.InterfaceNotFound\",\"parameters\":{\"interface\":\"Echo\"}}" },
        { ADMIN, "{\"method\":\"a.test.Absent\"}",
          "{\"error\":\"org.varlink.service.MethodNotImplemented\",\"parameters\":{\"method\":\"a.test.Absent\"}}" },
        { ADMIN, "{\"method\":\"a.test.Breaks\"}",
          "{\"error\":\"a.test.Failed\",\"parameters\":{\"message\":\"No space left on device\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\"}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":1}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":null}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"text\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"\",\"new\":1}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"new\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"\",\"list\":[\"x\",2]}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"list\"}}" },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"\",\"number\":1.5}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"number\"}}" },
        { ADMIN, "{\"method\":\"a.test.Breaks\",\"parameters\":{\"any\":1}}",
          "{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":\"any\"}}" },
        { ADMIN, "{\"method\":\"a.test.Follow\",\"parameters\":{\"to\":1}}",
          "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}" },
        { ADMIN, "{\"method\":\"a.test.Count\",\"parameters\":{\"to\":2}}",
          "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}" },
        { ADMIN, "{\"method\":\"a.test.Count\",\"parameters\":{\"to\":1}}",
          "{\"parameters\":{\"n\":1,\"padding\":\"\"}}" },
        { ADMIN, "{}", NULL },
        { ADMIN, "{\"method\":1}", NULL },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"parameters\":[]}", NULL },
        { ADMIN, "{\"method\":\"a.test.Echo\",\"more\":1}", NULL },
        { ADMIN, "{\"method\":\"a.test.Count\",\"more\":null,\"oneway\":null,\"parameters\":{\"to\":1}}",
          "{\"parameters\":{\"n\":1,\"padding\":\"\"}}" },
        { ADMIN, "{\"method\":\"a.test.Breaks\",\"method\":\"a.test.Echo\"}", NULL },
        { ADMIN, "{\"method\":\"a.test.Echo\"", NULL },
        { ADMIN, "{\"method\":\"a.test.Echo\"}}", NULL },
        { ADMIN, "{\"method\":\"\xff\"}", NULL },
        { ADMIN, "hello", NULL },
        { ADMIN, "", NULL },
};

START_TEST(a_call_gets_its_answer) {
        struct varlink_stats stats;

        role = exchanges[_i].role;
        test_client_connect(&a, server);
        test_client_call(&a, exchanges[_i].call);
        if (exchanges[_i].answer)
                test_client_expect(&a, exchanges[_i].answer);
        test_client_expect_nothing(&a, !exchanges[_i].answer);
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.connections, exchanges[_i].answer ? 1 : 0);
        ck_assert_uint_eq(stats.cut_off, exchanges[_i].answer ? 0 : 1);
        ck_assert(fake_loop_idle());
        (void)close(a.fd);
}
END_TEST

START_TEST(pipelined_calls_are_answered_in_order) {
        char calls[8192];
        size_t n = 0;

        test_client_connect(&a, server);
        for (int i = 0; i < 50; i++)
                n += (size_t)snprintf(calls + n, sizeof(calls) - n,
                                      "{\"method\":\"a.test.Count\",\"more\":true,"
                                      "\"parameters\":{\"to\":%d}}",
                                      1 + i % 3) +
                     1;
        test_client_send(&a, calls, n);
        for (int i = 0; i < 50; i++)
                for (int k = 1; k <= 1 + i % 3; k++) {
                        char expected[100];

                        snprintf(expected, sizeof(expected), "{\"parameters\":{\"n\":%d,\"padding\":\"\"}%s}", k,
                                 k <= i % 3 ? ",\"continues\":true" : "");
                        test_client_expect(&a, expected);
                }
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(n_freed, 50);
        (void)close(a.fd);
}
END_TEST

START_TEST(a_call_in_single_bytes_is_one_call) {
        const char *call = "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}";

        test_client_connect(&a, server);
        for (size_t i = 0; i <= strlen(call); i++)
                test_client_send(&a, call + i, 1);
        test_client_expect(&a, "{\"parameters\":{\"text\":\"hi\"}}");
        (void)close(a.fd);
}
END_TEST

START_TEST(oneway_calls_are_done_and_not_answered) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"oneway\":true,\"parameters\":{\"text\":\"hi\"}}");
        test_client_call(&a, "{\"method\":\"a.test.Nothing\",\"oneway\":true}");
        test_client_call(&a, "{\"method\":\"a.test.Follow\",\"oneway\":true,\"parameters\":{\"to\":5}}");
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(n_handled, 1);
        ck_assert_uint_eq(n_freed, 1);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}");
        test_client_expect(&a, "{\"parameters\":{\"text\":\"hi\"}}");
        (void)close(a.fd);
}
END_TEST

#define CALL(method, flags, parameters) "{\"method\":\"a.test." method "\"," flags "\"parameters\":" parameters "}\0"

START_TEST(calls_of_all_kinds_may_be_pipelined) {
        static const char calls[] = CALL("Count", "\"more\":true,", "{\"to\":2}")         /* 1, 2 */
                CALL("Change", "\"oneway\":true,", "{\"text\":\"hi\"}")                   /* nothing */
                CALL("Echo", "\"more\":true,", "{\"text\":\"one of many\"}")              /* one answer */
                CALL("Follow", "\"oneway\":true,\"more\":true,", "{\"to\":1000000}")      /* nothing */
                CALL("Nothing", "\"oneway\":true,", "{}") CALL("Count", "", "{\"to\":3}") /* an error */
                CALL("Later", "\"more\":true,", "{}")                                     /* by us */
                CALL("Follow", "\"more\":true,", "{\"to\":2}")
                        CALL("Count", "\"more\":true,", "{\"to\":1}"); /* 1, 2; 1 */

        n_handled = 1; /* on_change() expects that */
        test_client_connect(&a, server);
        test_client_send(&a, calls, sizeof(calls) - 1);
        test_client_expect(&a, "{\"parameters\":{\"n\":1,\"padding\":\"\"},\"continues\":true}");
        test_client_expect(&a, "{\"parameters\":{\"n\":2,\"padding\":\"\"}}");
        test_client_expect(&a, "{\"parameters\":{\"text\":\"one of many\"}}");
        test_client_expect(&a, "{\"error\":\"org.varlink.service.ExpectedMore\",\"parameters\":{}}");
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(n_changes, 1);
        (void)varlink_reply(held, json_object());
        fake_loop_settle();
        test_client_expect(&a, "{\"parameters\":{}}");
        test_client_expect(&a, "{\"parameters\":{\"n\":1,\"padding\":\"\"},\"continues\":true}");
        test_client_expect(&a, "{\"parameters\":{\"n\":2,\"padding\":\"\"}}");
        test_client_expect(&a, "{\"parameters\":{\"n\":1,\"padding\":\"\"}}");
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(n_freed, 5);
        (void)close(a.fd);
}
END_TEST

START_TEST(who_waits_for_no_answer_may_go_at_once) {
        static const char calls[] = CALL("Echo", "\"oneway\":true,", "{\"text\":\"hi\"}")
                CALL("Change", "\"oneway\":true,", "{\"text\":\"hi\"}");

        test_client_connect(&a, server);
        ck_assert_int_eq(send(a.fd, calls, sizeof(calls) - 1, MSG_NOSIGNAL), (ssize_t)sizeof(calls) - 1);
        (void)close(a.fd);
        test_client_turn(&a);
        ck_assert_uint_eq(n_changes, 1);
        ck_assert_uint_eq(n_handled, 2);
}
END_TEST

START_TEST(what_changes_something_is_done_also_for_who_is_gone) {
        static const char calls[] = CALL("ChangeLater", "\"more\":true,", "{}") CALL("Echo", "", "{\"text\":\"hi\"}");

        test_client_connect(&a, server);
        test_client_send(&a, calls, sizeof(calls) - 1);
        test_client_close(&a);
        ck_assert_uint_eq(n_freed, 0);
        fake_clock_advance(USEC_PER_HOUR);
        ck_assert_uint_eq(n_freed, 0);
        allow_one(); /* which is its first answer: all that is left is to tell more */
        ck_assert_uint_eq(n_made, 1);
        ck_assert_uint_eq(n_freed, 1);
        ck_assert_uint_eq(n_connections(), 0);
}
END_TEST

START_TEST(who_sends_no_more_may_still_listen) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Wait\",\"more\":true}");
        ck_assert_int_eq(shutdown(a.fd, SHUT_WR), 0);
        test_client_turn(&a);
        for (int i = 1; i <= 3; i++) {
                char expected[64];

                (void)snprintf(expected, sizeof(expected), "{\"parameters\":{\"n\":%d},\"continues\":true}", i);
                fake_clock_advance(USEC_PER_HOUR);
                test_client_expect_nothing(&a, false);
                allow_one();
                test_client_expect(&a, expected);
        }
        (void)close(a.fd); /* which nobody tells the server */
        ck_assert_uint_eq(n_connections(), 1);
        fake_clock_advance(30 * USEC_PER_SEC);
        ck_assert_uint_eq(n_connections(), 0);
        ck_assert_uint_eq(n_freed, 1);
        ck_assert_uint_eq(n_log_lines, 0);
}
END_TEST

START_TEST(what_changes_something_is_told_before) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}");
        ck_assert_uint_eq(n_changes, 0);
        test_client_call(&a, "{\"method\":\"a.test.Change\",\"parameters\":{\"text\":\"hi\"}}");
        ck_assert_uint_eq(n_changes, 1);
        (void)close(a.fd);
}
END_TEST

START_TEST(a_call_is_answered_at_once_though_others_wait_for_their_turn) {
        const char *call = "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"me\"}}";

        test_client_connect(&a, server);
        test_client_connect(&b, server);
        test_client_call(&a, "{\"method\":\"a.test.Later\"}");
        (void)varlink_reply(held, json_object()); /* a is in the round, which does not come in this test */
        for (int i = 0; i < 3; i++) {
                char answer[100] = "";

                ck_assert_int_eq(send(b.fd, call, strlen(call) + 1, MSG_NOSIGNAL), (ssize_t)strlen(call) + 1);
                (void)fake_loop_ready(b.server, LOOP_READ);
                ck_assert_int_gt(recv(b.fd, answer, sizeof(answer) - 1, MSG_DONTWAIT), 0);
                ck_assert_str_eq(answer, "{\"parameters\":{\"text\":\"me\"}}");
        }
        test_client_turn(&a);
        test_client_expect(&a, "{\"parameters\":{}}");
        test_client_close(&a);
        test_client_close(&b);
}
END_TEST

START_TEST(an_answer_can_come_later) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Later\"}");
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"2\"}}");
        test_client_expect_nothing(&a, false);
        varlink_reply(held, json_object());
        fake_loop_settle();
        test_client_expect(&a, "{\"parameters\":{}}");
        test_client_expect(&a, "{\"parameters\":{\"text\":\"2\"}}");
        (void)close(a.fd);
}
END_TEST

START_TEST(a_stream_waits_and_is_woken) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Follow\",\"more\":true,\"parameters\":{\"to\":-1}}");
        test_client_expect(&a, "{\"parameters\":{\"n\":1,\"padding\":\"\"},\"continues\":true}");
        test_client_expect_nothing(&a, false);
        varlink_wake(held);
        fake_loop_settle();
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(n_freed, 0);
        varlink_error(held, "a.test.Over", NULL);
        fake_loop_settle();
        test_client_expect(&a, "{\"error\":\"a.test.Over\",\"parameters\":{}}");
        ck_assert_uint_eq(n_freed, 1);
        ck_assert(fake_loop_idle());
        (void)close(a.fd);
}
END_TEST

START_TEST(a_waiting_stream_is_freed_when_its_client_goes) {
        struct varlink_stats stats;

        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Follow\",\"more\":true,\"parameters\":{\"to\":-1}}");
        (void)close(a.fd);
        test_client_turn(&a);
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(n_freed, 1);
        ck_assert_uint_eq(stats.connections, 0);
        ck_assert_uint_eq(stats.cut_off, 0);
}
END_TEST

START_TEST(the_server_frees_what_is_under_way) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Follow\",\"more\":true,\"parameters\":{\"to\":-1}}");
        test_client_connect(&b, server);
        test_client_call(&b, "{\"method\":\"a.test.Later\"}");
        server = varlink_server_free(server);
        ck_assert_uint_eq(n_freed, 1);
        (void)close(a.fd);
        (void)close(b.fd);
}
END_TEST

START_TEST(a_client_that_sent_all_still_gets_its_answers) {
        test_client_connect(&a, server);
        test_client_call(&a,
                         "{\"method\":\"a.test.Count\",\"more\":true,\"parameters\":{\"to\":20,\"padding\":50000}}");
        ck_assert_int_eq(shutdown(a.fd, SHUT_WR), 0);
        test_client_turn(&a);
        for (int i = 1; i <= 20; i++) {
                bool eof = false;
                json_t *answer = test_client_receive(&a, &eof);

                ck_assert_ptr_nonnull(answer);
                ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(answer, "parameters"), "n")), i);
                json_decref(answer);
        }
        test_client_expect_nothing(&a, true);
        (void)close(a.fd);
}
END_TEST

/* ---- bounds ---- */

START_TEST(half_a_message_is_cut_off_in_time) {
        test_client_connect(&a, server);
        test_client_send(&a, "{\"met", 5);
        fake_clock_advance(20 * USEC_PER_SEC);
        test_client_send(&a, "hod", 3); /* more bytes do not buy more time */
        fake_clock_advance(10 * USEC_PER_SEC - 1);
        test_client_expect_nothing(&a, false);
        fake_clock_advance(1);
        test_client_expect_nothing(&a, true);
        ck_assert_uint_eq(n_log_lines, 1);
        (void)close(a.fd);
}
END_TEST

START_TEST(an_idle_client_may_stay) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"1\"}}");
        test_client_expect(&a, "{\"parameters\":{\"text\":\"1\"}}");
        ck_assert(fake_loop_idle());
        fake_clock_advance(USEC_PER_DAY);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"2\"}}");
        test_client_expect(&a, "{\"parameters\":{\"text\":\"2\"}}");
        (void)close(a.fd);
}
END_TEST

/* Sends @total bytes in pieces until the server hangs up. Returns whether it did. */
static bool flood(struct test_client *client, size_t total) {
        static char piece[64 * 1024];

        memset(piece, 'x', sizeof(piece));
        piece[0] = '{';
        for (size_t sent = 0; sent < total;) {
                ssize_t n = send(client->fd, piece, sizeof(piece), MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n > 0)
                        sent += (size_t)n;
                else if (errno != EAGAIN)
                        return true;
                test_client_turn(client);
        }
        return false;
}

START_TEST(a_message_that_is_too_long_is_cut_off_at_the_bound) {
        test_client_connect(&a, server);
        ck_assert(!flood(&a, 1024 * 1024 - 64 * 1024));
        test_client_expect_nothing(&a, false);
        (void)close(a.fd);
        test_client_turn(&a);
        test_client_connect(&a, server);
        ck_assert(flood(&a, 100 * 1024 * 1024));
        (void)close(a.fd);
}
END_TEST

START_TEST(all_together_may_send_so_much_and_no_more) {
        static struct test_client c;
        struct varlink_stats stats;

        test_client_connect(&a, server);
        ck_assert(!flood(&a, 1000 * 1024));
        test_client_connect(&b, server);
        ck_assert(!flood(&b, 1000 * 1024));
        test_client_connect(&c, server);
        ck_assert(flood(&c, 1000 * 1024));
        (void)close(c.fd);
        test_client_connect(&c, server);
        test_client_call(&c, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"me\"}}");
        test_client_expect(&c, "{\"parameters\":{\"text\":\"me\"}}");
        test_client_close(&c);
        (void)close(a.fd);
        for (stats.connections = 0; stats.connections != 1; varlink_server_get_stats(server, &stats))
                test_client_turn(&a);
        test_client_connect(&a, server);
        ck_assert(!flood(&a, 1000 * 1024)); /* there is room again */
        (void)close(a.fd);
        (void)close(b.fd);
}
END_TEST

START_TEST(a_peer_without_a_role_may_say_little) {
        role = VARLINK_ROLE_NONE;
        test_client_connect(&a, server);
        ck_assert(flood(&a, 1024 * 1024));
        (void)close(a.fd);
}
END_TEST

START_TEST(deep_json_is_cut_off) {
        char call[200] = "{\"method\":\"a.test.Echo\",\"parameters\":";

        memset(call + strlen(call), '[', 40);
        test_client_connect(&a, server);
        test_client_call(&a, call);
        test_client_expect_nothing(&a, true);
        (void)close(a.fd);
}
END_TEST

/* Has @a ask for more than it takes, until its time is over. */
static void be_slow(void) {
        struct varlink_stats stats;

        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Count\",\"more\":true,"
                             "\"parameters\":{\"to\":1000000000,\"padding\":1000}}");
        for (int i = 0; i < 100; i++)
                test_client_turn(&a);
        ck_assert_uint_eq(n_freed, 0);
        test_client_connect(&b, server);
        test_client_call(&b, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"me\"}}");
        test_client_expect(&b, "{\"parameters\":{\"text\":\"me\"}}");
        fake_clock_advance(30 * USEC_PER_SEC);
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.cut_off, 1);
        ck_assert_uint_eq(n_freed, 1);
        ck_assert_uint_eq(n_log_lines, 1);
}

START_TEST(a_client_that_never_reads_is_cut_off_and_costs_little) {
        struct varlink_stats stats;

        be_slow();
        fake_clock_advance(30 * USEC_PER_SEC);
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.connections, 1);
        ck_assert_uint_eq(stats.cut_off, 1);
        ck_assert_uint_eq(n_log_lines, 1);
        (void)close(a.fd);
        (void)close(b.fd);
}
END_TEST

START_TEST(a_client_that_reads_too_late_is_told_so) {
        json_int_t n = 0;

        be_slow();
        fake_clock_advance(29 * USEC_PER_SEC);
        test_client_call(&a,
                         "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"and this?\"}}"); /* nobody hears it */
        for (;;) {
                bool eof = false;
                json_t *got = test_client_receive(&a, &eof), *parameters = json_object_get(got, "parameters");

                ck_assert_msg(got, "no error (%s)", eof ? "hung up" : "waits");
                if (json_object_get(got, "error")) {
                        ck_assert_str_eq(json_string_value(json_object_get(got, "error")), "a.test.TooSlow");
                        ck_assert(!json_object_get(got, "continues"));
                        json_decref(got);
                        break;
                }
                ck_assert_int_eq(json_integer_value(json_object_get(parameters, "n")), ++n); /* whole, and in order */
                json_decref(got);
        }
        ck_assert_int_gt(n, 10);
        test_client_expect_nothing(&a, true);
        ck_assert_uint_eq(n_connections(), 1);
        ck_assert_uint_eq(n_handled, 1); /* what b said */
        (void)close(a.fd);
        (void)close(b.fd);
}
END_TEST

START_TEST(a_client_that_was_too_slow_may_go) {
        be_slow();
        (void)close(a.fd);
        test_client_turn(&a);
        ck_assert_uint_eq(n_connections(), 1);
        (void)close(b.fd);
}
END_TEST

START_TEST(a_client_may_not_pile_up_calls_behind_one_that_waits) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Later\"}");
        ck_assert(flood(&a, 1024 * 1024));
        (void)close(a.fd);
}
END_TEST

START_TEST(one_user_cannot_take_all_places) {
        struct varlink_stats stats;
        int fds[2];

        for (int i = 0; i < 4; i++) {
                int r;

                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
                r = varlink_server_add_connection(server, fds[1]);
                ck_assert_int_eq(r, i < 3 ? 0 : -EDQUOT);
        }
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.connections, 3);
        ck_assert_uint_eq(stats.refused, 1);
}
END_TEST

/* Makes @n connections to @to. Returns what was said to the last. */
static int connect_many(struct varlink_server *to, unsigned n) {
        int r = 0, fds[2];

        for (unsigned i = 0; i < n && r == 0; i++) {
                ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
                r = varlink_server_add_connection(to, fds[1]);
        }
        return r;
}

START_TEST(places_are_kept_for_those_who_may_more) {
        const struct varlink_options options = {
                .role_of = role_of,
                .max_connections = 256,
                .max_connections_per_user = 1000,
        };
        struct varlink_server *large;

        ck_assert_int_eq(varlink_server_new(loop, &options, &large), 0);
        role = VARLINK_ROLE_NONE;
        ck_assert_int_eq(connect_many(large, 64), 0);
        ck_assert_int_eq(connect_many(large, 1), -EMFILE);
        role = VARLINK_ROLE_OPERATE;
        ck_assert_int_eq(connect_many(large, 256 - 64 - 4), 0);
        ck_assert_int_eq(connect_many(large, 1), -EMFILE);
        role = VARLINK_ROLE_ADMIN;
        ck_assert_int_eq(connect_many(large, 4), 0);
        ck_assert_int_eq(connect_many(large, 1), -EMFILE);
        varlink_server_free(large);
}
END_TEST

START_TEST(half_of_the_descriptors_is_for_others) {
        const struct varlink_options options = { .role_of = role_of, .max_connections_per_user = 10000 };
        struct varlink_server *small;
        struct rlimit before, few;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = (struct rlimit){ .rlim_cur = 200, .rlim_max = before.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        ck_assert_int_eq(varlink_server_new(loop, &options, &small), 0);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_int_eq(connect_many(small, 100), 0);
        ck_assert_int_eq(connect_many(small, 1), -EMFILE);
        varlink_server_free(small);
}
END_TEST

START_TEST(who_is_denied_is_logged_with_what_was_missing) {
        role = VARLINK_ROLE_VIEW;
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.Echo\",\"parameters\":{\"text\":\"hi\"}}");
        json_decref(test_client_receive(&a, NULL));
        ck_assert_ptr_nonnull(strstr(log_line, "denied: Echo needs the role operate, and it has view"));
        test_client_close(&a);
}
END_TEST

static void change_role(enum varlink_role to) {
        role = to;
        varlink_server_review_roles(server);
        (void)fake_loop_settle();
}

#define ROLE_NEEDED(method)                                                                                            \
        "{\"error\":\"a.test.RoleNeeded\",\"parameters\":{\"method\":\"a.test." method                                 \
        "\",\"needs\":\"view\",\"has\":\"none\"}}"

START_TEST(who_loses_its_role_is_told_no_more) {
        const char *follow = "{\"method\":\"a.test.Follow\",\"more\":true,\"parameters\":{\"to\":-1}}";
        usec_t connected;

        role = VARLINK_ROLE_OPERATE;
        test_client_connect(&a, server);
        test_client_connect(&b, server);
        test_client_call(&a, follow);
        test_client_expect(&a, "{\"parameters\":{\"n\":1,\"padding\":\"\"},\"continues\":true}");
        connected = varlink_call_peer(held)->connected_usec;
        fake_clock_advance(USEC_PER_SEC);
        change_role(VARLINK_ROLE_VIEW); /* which is enough for that */
        test_client_expect_nothing(&a, false);
        ck_assert_uint_eq(varlink_call_peer(held)->connected_usec, connected);
        ck_assert_int_eq(varlink_call_peer(held)->role, VARLINK_ROLE_VIEW);
        ck_assert_uint_eq(n_freed, 0);
        change_role(VARLINK_ROLE_NONE);
        test_client_expect(&a, ROLE_NEEDED("Follow"));
        ck_assert_uint_eq(n_freed, 1);
        test_client_call(&a, "{\"method\":\"a.test.Breaks\"}");
        test_client_expect(&a, ROLE_NEEDED("Breaks"));

        ck_assert(flood(&b, 1024 * 1024)); /* nor may it say much */
        (void)close(b.fd);
        change_role(VARLINK_ROLE_OPERATE);
        ck_assert(!flood(&a, 512 * 1024));
        (void)close(a.fd);
}
END_TEST

START_TEST(what_was_allowed_to_change_something_goes_on) {
        test_client_connect(&a, server);
        test_client_call(&a, "{\"method\":\"a.test.ChangeLater\",\"more\":true}");
        change_role(VARLINK_ROLE_NONE);
        test_client_expect_nothing(&a, false);
        allow_one();
        test_client_expect(&a, "{\"parameters\":{\"n\":1},\"continues\":true}");
        (void)close(a.fd);
}
END_TEST

START_TEST(a_flood_of_bad_clients_does_not_fill_the_log) {
        for (int i = 0; i < 100; i++) {
                test_client_connect(&a, server);
                test_client_call(&a, "nonsense");
                (void)close(a.fd);
        }
        ck_assert_uint_eq(n_log_lines, 10);
        fake_clock_advance(10 * USEC_PER_SEC);
        test_client_connect(&a, server);
        test_client_call(&a, "nonsense");
        (void)close(a.fd);
        ck_assert_uint_eq(n_log_lines, 12); /* how many there were, and the new one */
}
END_TEST

/* ---- the socket ---- */

static char directory[64], path[128];

static void make_directory(void) {
        strcpy(directory, "/tmp/test-varlink-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/control.sock", directory);
}

START_TEST(a_stale_socket_is_replaced_and_a_live_one_is_not) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        struct varlink_server *second;
        struct varlink_options options = { .role_of = role_of };
        struct stat st;
        pid_t pid = -1;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        make_directory();
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        (void)close(fd); /* nobody listens */

        ck_assert_int_eq(varlink_server_listen(server, path, 0660, (gid_t)-1, &pid), 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0660);

        ck_assert_int_eq(varlink_server_new(loop, &options, &second), 0);
        ck_assert_int_eq(varlink_server_listen(second, path, 0660, (gid_t)-1, &pid), -EADDRINUSE);
        ck_assert_int_eq(pid, getpid());
        second = varlink_server_free(second);
        ck_assert_int_eq(stat(path, &st), 0);

        server = varlink_server_free(server);
        ck_assert_int_eq(stat(path, &st), -1);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone) {
        int fd;

        make_directory();
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        ck_assert_int_eq(varlink_server_listen(server, path, 0660, (gid_t)-1, NULL), -EEXIST);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(a_path_that_is_too_long_is_refused) {
        char longer[200];

        memset(longer, 'x', sizeof(longer));
        longer[0] = '/';
        longer[108] = '\0';
        ck_assert_int_eq(varlink_server_listen(server, longer, 0660, (gid_t)-1, NULL), -ENAMETOOLONG);
}
END_TEST

/* Gives the server a listening socket, and leaves a client in its backlog. Returns the client's descriptor. */
static int connect_to_listener(int *ret_listener) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        make_directory();
        strcpy(address.sun_path, path);
        ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        ck_assert_int_eq(varlink_server_listen_fd(server, listener), 0);
        ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        *ret_listener = listener;
        return fd;
}

START_TEST(clients_are_accepted) {
        struct varlink_stats stats;
        int listener, fd = connect_to_listener(&listener);
        ck_assert(fake_loop_ready(listener, LOOP_READ));
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.accepted, 1);
        ck_assert_uint_eq(stats.connections, 1);
        (void)close(fd);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(accepting_pauses_while_descriptors_are_used_up) {
        struct rlimit before, none;
        struct varlink_stats stats;
        int listener, fd = connect_to_listener(&listener);

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        ck_assert(fake_loop_ready(listener, LOOP_READ));
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_eq(n_log_lines, 1);
        ck_assert(!fake_loop_ready(listener, LOOP_READ)); /* or the loop would be busy with it */

        fake_clock_advance(USEC_PER_SEC);
        ck_assert(fake_loop_ready(listener, LOOP_READ));
        varlink_server_get_stats(server, &stats);
        ck_assert_uint_eq(stats.accepted, 1);
        ck_assert(fake_loop_idle());
        (void)close(fd);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("varlink");
        TCase *calls = tcase_create("calls"), *bounds = tcase_create("bounds"), *sockets = tcase_create("sockets");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(calls, setup, teardown);
        tcase_add_checked_fixture(bounds, setup, teardown);
        tcase_add_checked_fixture(sockets, setup, teardown);
        suite_add_tcase(suite, calls);
        suite_add_tcase(suite, bounds);
        suite_add_tcase(suite, sockets);
        tcase_add_loop_test(calls, a_call_gets_its_answer, 0, (int)ARRAY_SIZE(exchanges));
        tcase_add_test(calls, pipelined_calls_are_answered_in_order);
        tcase_add_test(calls, a_call_in_single_bytes_is_one_call);
        tcase_add_test(calls, oneway_calls_are_done_and_not_answered);
        tcase_add_test(calls, calls_of_all_kinds_may_be_pipelined);
        tcase_add_test(calls, who_waits_for_no_answer_may_go_at_once);
        tcase_add_test(calls, what_changes_something_is_told_before);
        tcase_add_test(calls, what_changes_something_is_done_also_for_who_is_gone);
        tcase_add_test(calls, who_sends_no_more_may_still_listen);
        tcase_add_test(calls, a_call_is_answered_at_once_though_others_wait_for_their_turn);
        tcase_add_test(calls, an_answer_can_come_later);
        tcase_add_test(calls, a_stream_waits_and_is_woken);
        tcase_add_test(calls, a_waiting_stream_is_freed_when_its_client_goes);
        tcase_add_test(calls, the_server_frees_what_is_under_way);
        tcase_add_test(calls, a_client_that_sent_all_still_gets_its_answers);
        tcase_add_test(bounds, half_a_message_is_cut_off_in_time);
        tcase_add_test(bounds, an_idle_client_may_stay);
        tcase_add_test(bounds, a_message_that_is_too_long_is_cut_off_at_the_bound);
        tcase_add_test(bounds, all_together_may_send_so_much_and_no_more);
        tcase_add_test(bounds, a_peer_without_a_role_may_say_little);
        tcase_add_test(bounds, deep_json_is_cut_off);
        tcase_add_test(bounds, a_client_that_never_reads_is_cut_off_and_costs_little);
        tcase_add_test(bounds, a_client_that_reads_too_late_is_told_so);
        tcase_add_test(bounds, a_client_that_was_too_slow_may_go);
        tcase_add_test(bounds, a_client_may_not_pile_up_calls_behind_one_that_waits);
        tcase_add_test(bounds, one_user_cannot_take_all_places);
        tcase_add_test(bounds, places_are_kept_for_those_who_may_more);
        tcase_add_test(bounds, half_of_the_descriptors_is_for_others);
        tcase_add_test(bounds, who_is_denied_is_logged_with_what_was_missing);
        tcase_add_test(bounds, who_loses_its_role_is_told_no_more);
        tcase_add_test(bounds, what_was_allowed_to_change_something_goes_on);
        tcase_add_test(bounds, a_flood_of_bad_clients_does_not_fill_the_log);
        tcase_add_test(sockets, a_stale_socket_is_replaced_and_a_live_one_is_not);
        tcase_add_test(sockets, what_is_no_socket_is_left_alone);
        tcase_add_test(sockets, a_path_that_is_too_long_is_refused);
        tcase_add_test(sockets, clients_are_accepted);
        tcase_add_test(sockets, accepting_pauses_while_descriptors_are_used_up);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
