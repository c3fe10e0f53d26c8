/* SPDX-License-Identifier: MIT */
/* resolve: one lookup for all who ask, answers kept for a while, and nobody waits for a thread that hangs. */
#include "support/fake-clock.h"
#include "support/fake-getaddrinfo.h"
#include "task/resolve.h"

#include <arpa/inet.h>
#include <check.h>
#include <netdb.h>
#include <stdio.h>

static struct loop *loop;
static struct pool *pool;
static struct resolver *resolver;

/* What came, one word for each answer; the loop ends with the one numbered @until. */
static char seen[1024];
static unsigned n_seen, until;

static void note(const char *what) {
        size_t n = strlen(seen);

        (void)snprintf(seen + n, sizeof(seen) - n, "%s%s", n > 0 ? " " : "", what);
        if (++n_seen == until)
                loop_exit(loop, 0);
}

static void on_answer(struct resolve_answer *answer, void *arg) {
        char text[INET6_ADDRSTRLEN] = "", all[256];

        if (answer->error == 0 && answer->addresses[0].address.ss_family == AF_INET)
                (void)inet_ntop(AF_INET, &((struct sockaddr_in *)&answer->addresses[0].address)->sin_addr, text,
                                sizeof(text));
        else if (answer->error == 0)
                (void)inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&answer->addresses[0].address)->sin6_addr, text,
                                sizeof(text));
        if (answer->error != 0)
                (void)snprintf(all, sizeof(all), "%s=%s", (const char *)arg,
                               answer->error == EAI_NONAME ? "NONAME" : "AGAIN");
        else
                (void)snprintf(all, sizeof(all), "%s=%s/%zu", (const char *)arg, text, answer->n);
        note(all);
}

static void on_returned(void *arg) {
        note(arg);
}

static void setup(void) {
        fake_getaddrinfo_reset();
        fake_clock_reset();
        fake_getaddrinfo_add("one", "192.0.2.1", 0);
        fake_getaddrinfo_add("two", "192.0.2.2 2001:db8::2", 0);
        fake_getaddrinfo_add("six", "2001:db8::6", 0);
        fake_getaddrinfo_add("busy", NULL, EAI_AGAIN);
        seen[0] = 0;
        n_seen = 0;
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(pool_new(loop, "test", 2, 2, 100, &pool), 0);
        ck_assert_int_eq(resolver_new(loop, 3, &resolver), 0);
}

static void teardown(void) {
        resolver_free(resolver);
        pool_free(pool);
        loop_free(loop);
}

static struct resolve_query *ask(const char *name, const char *tag) {
        struct resolve_query *query;

        ck_assert_int_eq(resolve_start(resolver, pool, name, on_answer, (void *)tag, &query), 0);
        return query;
}

/* Runs until @n more words are seen. */
static void wait_for(unsigned n) {
        until = n_seen + n;
        ck_assert_int_eq(loop_run(loop), 0);
}

START_TEST(a_name_becomes_addresses) {
        ask("one", "a");
        ck_assert_str_eq(seen, ""); /* not from inside */
        wait_for(1);
        ask("two", "b");
        wait_for(1);
        ask("six", "c");
        wait_for(1);
        ask("none", "d");
        wait_for(1);
        ck_assert_str_eq(seen, "a=192.0.2.1/1 b=192.0.2.2/2 c=2001:db8::6/1 d=NONAME");
}
END_TEST

START_TEST(those_who_ask_at_once_share_a_lookup) {
        fake_getaddrinfo_stall();
        ask("one", "a");
        fake_getaddrinfo_wait_stalled(1);
        ask("one", "b");
        ask("one", "c");
        fake_getaddrinfo_release();
        wait_for(3);
        ck_assert_str_eq(seen, "a=192.0.2.1/1 b=192.0.2.1/1 c=192.0.2.1/1");
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

START_TEST(an_answer_is_kept_for_ten_seconds) {
        ck_assert_ptr_null(resolve_cached(resolver, pool, "one"));
        ask("one", "a");
        wait_for(1);
        ck_assert_ptr_nonnull(resolve_cached(resolver, pool, "one"));
        fake_clock_advance(10 * USEC_PER_SEC - 1);
        ck_assert_ptr_nonnull(resolve_cached(resolver, pool, "one"));
        ask("one", "b");
        ck_assert_uint_eq(n_seen, 1); /* also from the table it comes in a later turn */
        wait_for(1);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
        fake_clock_advance(1);
        ck_assert_ptr_null(resolve_cached(resolver, pool, "one"));
        ask("one", "c");
        wait_for(1);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2);
}
END_TEST

START_TEST(a_failure_is_kept_for_a_second_or_not_at_all) {
        ask("none", "a");
        wait_for(1);
        ask("none", "b");
        wait_for(1);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
        fake_clock_advance(USEC_PER_SEC);
        ask("none", "c");
        wait_for(1);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2);

        ask("busy", "d");
        wait_for(1);
        ask("busy", "e");
        wait_for(1);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 4);
        ck_assert_str_eq(seen, "a=NONAME b=NONAME c=NONAME d=AGAIN e=AGAIN");
}
END_TEST

START_TEST(the_table_is_bounded) {
        static const char *const names[] = { "one", "two", "six", "none", "other" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                ask(names[i], "x");
                wait_for(1);
        }
        ck_assert_ptr_null(resolve_cached(resolver, pool, "one")); /* the least recently used made room */
        ck_assert_ptr_null(resolve_cached(resolver, pool, "two"));
        ck_assert_ptr_nonnull(resolve_cached(resolver, pool, "six"));
        ask("one", "x");
        wait_for(1);
        ck_assert_ptr_nonnull(resolve_cached(resolver, pool, "six")); /* asking counts as use */
        ck_assert_ptr_null(resolve_cached(resolver, pool, "none"));
}
END_TEST

START_TEST(cancelling_one_of_several_leaves_the_others) {
        struct resolve_query *query;

        fake_getaddrinfo_stall();
        ask("one", "a");
        query = ask("one", "b");
        fake_getaddrinfo_wait_stalled(1);
        ck_assert(!resolve_cancel(query, on_returned, (void *)"returned"));
        fake_getaddrinfo_release();
        wait_for(1);
        ck_assert_str_eq(seen, "a=192.0.2.1/1");
}
END_TEST

START_TEST(cancelling_the_last_gives_the_thread_up) {
        struct resolve_query *query;
        struct pool_stats stats;

        fake_getaddrinfo_stall();
        query = ask("one", "a");
        fake_getaddrinfo_wait_stalled(1);
        ck_assert(resolve_cancel(query, on_returned, (void *)"returned"));
        pool_get_stats(pool, &stats);
        ck_assert_uint_eq(stats.stuck, 1);

        /* The next one does not wait for that thread. */
        ask("one", "b");
        fake_getaddrinfo_wait_stalled(2);
        fake_getaddrinfo_release();
        wait_for(2);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2);
        ck_assert_msg(strstr(seen, "returned") && strstr(seen, "b=192.0.2.1/1"), "%s", seen);
}
END_TEST

START_TEST(cancelling_what_is_queued_leaves_no_thread) {
        struct resolve_query *queries[3];

        fake_getaddrinfo_stall();
        ask("one", "a");
        ask("two", "b");
        fake_getaddrinfo_wait_stalled(2); /* both threads */
        queries[0] = ask("six", "c");
        ck_assert(!resolve_cancel(queries[0], on_returned, (void *)"returned"));
        fake_getaddrinfo_release();
        wait_for(2);
        ck_assert_msg(!strstr(seen, "returned") && !strstr(seen, "c="), "%s", seen);
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 2);
}
END_TEST

/* The first answer cancels the second query, which was answered by the same lookup, and asks again. */
static struct resolve_query *other;

static void on_answer_cancel(struct resolve_answer *answer, void *arg) {
        on_answer(answer, arg);
        ck_assert(!resolve_cancel(other, on_returned, (void *)"returned"));
        ask("one", "again");
}

START_TEST(an_answer_may_cancel_and_ask) {
        struct resolve_query *query;

        fake_getaddrinfo_stall();
        ck_assert_int_eq(resolve_start(resolver, pool, "one", on_answer_cancel, (void *)"a", &query), 0);
        other = ask("one", "b");
        fake_getaddrinfo_release();
        wait_for(2);
        ck_assert_str_eq(seen, "a=192.0.2.1/1 again=192.0.2.1/1");
        ck_assert_uint_eq(fake_getaddrinfo_calls(), 1);
}
END_TEST

START_TEST(names_that_cannot_exist_are_refused) {
        struct resolve_query *query = NULL;
        char name[300];

        memset(name, 'a', sizeof(name));
        name[256] = 0;
        ck_assert_int_eq(resolve_start(resolver, pool, name, on_answer, NULL, &query), -EINVAL);
        ck_assert_int_eq(resolve_start(resolver, pool, "", on_answer, NULL, &query), -EINVAL);
        ck_assert_ptr_null(query);
}
END_TEST

START_TEST(addresses_in_writing_are_known) {
        struct resolve_address address;

        ck_assert(resolve_literal("192.0.2.1", &address));
        ck_assert_int_eq(address.address.ss_family, AF_INET);
        ck_assert(resolve_literal("::1", &address));
        ck_assert_int_eq(address.address.ss_family, AF_INET6);
        ck_assert(!resolve_literal("localhost", &address));
        ck_assert(!resolve_literal("[::1]", &address));
        ck_assert(!resolve_literal("1.2.3", &address));
        ck_assert(!resolve_literal("", &address));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("resolve");
        TCase *tcase = tcase_create("resolve");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_name_becomes_addresses);
        tcase_add_test(tcase, those_who_ask_at_once_share_a_lookup);
        tcase_add_test(tcase, an_answer_is_kept_for_ten_seconds);
        tcase_add_test(tcase, a_failure_is_kept_for_a_second_or_not_at_all);
        tcase_add_test(tcase, the_table_is_bounded);
        tcase_add_test(tcase, cancelling_one_of_several_leaves_the_others);
        tcase_add_test(tcase, cancelling_the_last_gives_the_thread_up);
        tcase_add_test(tcase, cancelling_what_is_queued_leaves_no_thread);
        tcase_add_test(tcase, an_answer_may_cancel_and_ask);
        tcase_add_test(tcase, names_that_cannot_exist_are_refused);
        tcase_add_test(tcase, addresses_in_writing_are_known);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
