/* SPDX-License-Identifier: MIT */
/* control-steering: what operators ask of the daemon as a whole, over a real socket: how it ends, what is paused, how much
 * may run. */
#include "control/methods.h"
#include "support/asking.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <stdio.h>

#define S USEC_PER_SEC
#define M USEC_PER_MINUTE

static struct control *control;
static struct limit_section db;
static char asked[200]; /* how it was to be ended */
static usec_t ends_at_usec;

static const char *phase(_unused_ void *arg) {
        return ends_at_usec == 0 ? "running" : "finishing";
}

static int shut_down(enum control_shutdown how, _unused_ void *arg) {
        static const char *const words[] = { "plain", "now", "when-idle" };
        size_t used = strlen(asked);

        (void)snprintf(asked + used, sizeof(asked) - used, "%s%s", used > 0 ? " " : "", words[how]);
        if (how == CONTROL_SHUTDOWN_WHEN_IDLE) {
                live_close(live_bed.live);
                ends_at_usec = USEC_INFINITY;
        }
        return 0;
}

static usec_t ends_at(_unused_ void *arg) {
        return ends_at_usec;
}

static struct task *use_db(struct task *task) {
        task->limits = calloc(1, sizeof(*task->limits));
        task->limits[0].name = strdup("db");
        task->limits[0].permits = 2;
        task->n_limits = 1;
        db = (struct limit_section){ .name = (char *)"db", .limit = { .permits = 2 } };
        live_bed.config.limits = &db;
        live_bed.config.n_limits = 1;
        return task;
}

/* A service and a job in a group, a check of the service, a job every minute, two jobs that need both permits of db. */
static void setup(void) {
        struct control_options options = { .phase = phase, .shutdown = shut_down, .ends_at = ends_at };

        asked[0] = '\0';
        ends_at_usec = 0;
        live_bed_setup();
        (void)live_bed_job("migrate");
        live_bed_service("web")->service->health = strdup("web-ping");
        live_bed_group("site")->on_start = true;
        (void)use_db(live_bed_job("job"));
        (void)use_db(live_bed_job("load"));
        live_bed_job("tick")->every_usec = M;
        live_bed_job("web-ping")->every_usec = 10 * S;
        live_bed_go();
        options.live = live_bed.live;
        ck_assert_int_eq(control_new(&options, &control), 0);
        test_client_connect(&client, control->server);
        live_bed_ready("web");
}

static void teardown(void) {
        test_client_close(&client);
        control_free(control);
        live_bed_teardown();
}

static void expect_error(const char *method, const char *parameters, const char *expected) {
        json_t *got;

        call(method, parameters, false);
        got = test_client_receive(&client, NULL);
        expect_at(got, "error", expected);
        json_decref(got);
}

/* ---- Shutdown ---- */

START_TEST(shutdown_says_how_and_who_asked) {
        json_decref(ask("Shutdown", "{}"));
        json_decref(ask("Shutdown", "{\"now\":true}"));
        expect_error("Shutdown", "{\"now\":true,\"when_idle\":true}", "org.varlink.service.InvalidParameter");
        ck_assert_str_eq(asked, "plain now");
        ck_assert_ptr_nonnull(strstr(live_bed_text(EVENT_COMMAND), "Shutdown by uid"));
}
END_TEST

START_TEST(who_ends_when_idle_says_what_it_waits_for_and_starts_nothing) {
        json_t *got;

        (void)live_bed_start("job");
        got = ask("Shutdown", "{\"when_idle\":true}");
        expect_at(got, "phase", "finishing");
        json_decref(got);
        got = ask("Status", "{}");
        expect_at(got, "ending.waits_for", "[2]");
        expect_at(got, "ending.waits_for.0", "site#1/migrate");
        expect_at(got, "ending.waits_for.1", "job#1");
        expect_at(got, "ending.until_usec", "-");
        json_decref(got);
        expect_error("Start", "{\"tasks\":[\"job\"]}", "io.tendd.Runner.ShuttingDown");

        fake_clock_advance(M + S); /* what is due is told, and does not run */
        ck_assert_ptr_null(live_bed_leaf("tick"));
        ck_assert_str_eq(live_task_skip_reason(live_bed_entry("tick")), "the daemon is stopping");
        ck_assert_ptr_nonnull(live_bed_leaf("web-ping")); /* the service is still looked after */

        live_bed_end("migrate", ERROR_NONE);
        live_bed_end("job", ERROR_NONE);
        got = ask("Status", "{}");
        expect_at(got, "ending.waits_for", "[0]");
        json_decref(got);
        ck_assert_ptr_nonnull(live_bed_leaf("web"));
}
END_TEST

/* With overlap = replace a firing would end what is at work. */
START_TEST(nothing_makes_way_for_what_is_not_started) {
        ((struct task *)live_task_task(live_bed_entry("tick")))->overlap = OVERLAP_REPLACE;
        fake_clock_advance(M + S);
        ck_assert_ptr_nonnull(live_bed_leaf("tick"));
        json_decref(ask("Shutdown", "{\"when_idle\":true}"));
        fake_clock_advance(M);
        ck_assert(!run_is_cancelled(live_bed_run("tick#1")));
}
END_TEST

START_TEST(a_daemon_that_stops_tells_until_when) {
        json_t *got;

        ends_at_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), 90 * S);
        got = ask("Status", "{}");
        expect_at(got, "ending.waits_for.0", "site#1");
        ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(got, "ending"), "until_usec")),
                         (json_int_t)usec_add(clock_now(CLOCK_ID_REALTIME), 90 * S));
        json_decref(got);
}
END_TEST

/* ---- Pause and Resume ---- */

START_TEST(a_paused_limit_is_named_by_all_who_look) {
        json_t *got;
        char text[256];

        got = ask("Pause", "{\"limits\":[\"d*\"],\"reason\":\"moved\"}");
        expect_at(got, "paused.0", "db");
        json_decref(got);
        (void)live_bed_start("job");
        got = ask("Why", "{\"name\":\"job#1\"}");
        ck_assert_ptr_nonnull(strstr(at(got, "runs.0.waiting.text", text), "limit db, which is paused by uid"));
        ck_assert_ptr_nonnull(strstr(text, ": moved, "));
        json_decref(got);
        got = ask("Limits", "{}");
        ck_assert_ptr_nonnull(strstr(at(got, "limits.0.paused_by", text), ": moved"));
        json_decref(got);
        got = ask("Status", "{}");
        expect_at(got, "problems", "[1]");
        expect_at(got, "problems.0.kind", "paused");
        expect_at(got, "problems.0.subject", "limit db");
        expect_at(got, "problems.0.command", "tendctl resume -l db");
        json_decref(got);
        got = ask("Pause", "{\"limits\":[\"db\"]}");
        expect_at(got, "already", "[1]");
        expect_at(got, "already.0", "db");
        json_decref(got);
        got = ask("Resume", "{\"limits\":[\"db\"]}");
        expect_at(got, "resumed.0", "db");
        expect_at(got, "not_paused", "[0]");
        json_decref(got);
        fake_loop_settle();
        ck_assert_ptr_nonnull(live_bed_leaf("job"));
}
END_TEST

START_TEST(that_all_triggers_are_paused_comes_first) {
        json_t *got;

        got = ask("Pause", "{\"all\":true}");
        expect_at(got, "all", "true");
        json_decref(got);
        got = ask("Pause", "{\"all\":true}");
        expect_at(got, "all", "false");
        json_decref(got);
        json_decref(ask("Pause", "{\"tasks\":[\"tick\"]}"));
        got = ask("Status", "{}");
        expect_at(got, "problems", "[2]");
        expect_at(got, "problems.0.kind", "all-paused");
        expect_at(got, "problems.1.subject", "tick");
        expect_at(got, "next", "[0]");
        json_decref(got);
        got = ask("List", "{\"tasks\":[\"job\",\"tick\"]}");
        expect_at(got, "tasks.0.paused_all", "true");
        expect_at(got, "tasks.1.paused_all", "-");
        json_decref(got);
        got = ask("Resume", "{\"all\":true}");
        expect_at(got, "all", "true");
        json_decref(got);
}
END_TEST

/* ---- SetLimit and SetPool ---- */

START_TEST(numbers_of_a_limit_are_set_and_reset) {
        json_t *got;
        char text[256];

        got = ask("SetLimit", "{\"limit\":\"db\",\"permits\":1,\"rate\":\"5/10min\"}");
        expect_at(got, "limit.permits", "1");
        expect_at(got, "limit.rate", "5");
        expect_at(got, "limit.rate_usec", "600000000");
        expect_at(got, "limit.configured.permits", "2");
        expect_at(got, "limit.configured.rate", "-");
        json_decref(got);
        (void)live_bed_start("job"); /* both permits of one */
        ck_assert_ptr_nonnull(live_bed_leaf("job"));
        (void)live_bed_start("load");
        got = ask("Why", "{\"name\":\"load#1\"}");
        ck_assert_ptr_nonnull(strstr(at(got, "runs.0.waiting.text", text), "waits for 1 of the permits of limit db"));
        ck_assert_ptr_nonnull(strstr(text, "1 of 1 are held, as an operator has set it to 1 in place of 2"));
        json_decref(got);
        got = ask("SetLimit", "{\"limit\":\"db\",\"reset\":true}");
        expect_at(got, "limit.permits", "2");
        expect_at(got, "limit.configured", "-");
        json_decref(got);
        ck_assert_ptr_nonnull(strstr(live_bed_text(EVENT_COMMAND), "SetLimit by uid"));
}
END_TEST

START_TEST(numbers_of_a_pool_are_set_and_reset) {
        json_t *got;

        got = ask("SetPool", "{\"pool\":\"default\",\"threads\":3,\"queue_max\":7}");
        expect_at(got, "pool.threads", "3");
        expect_at(got, "pool.spare", "0");
        expect_at(got, "pool.queue_max", "7");
        expect_at(got, "pool.configured.threads", "1");
        json_decref(got);
        got = ask("SetPool", "{\"pool\":\"default\",\"reset\":true}");
        expect_at(got, "pool.threads", "1");
        json_decref(got);
        got = ask("Pools", "{}");
        expect_at(got, "pools.0.configured", "-");
        json_decref(got);
}
END_TEST

static const struct {
        const char *method, *parameters, *error;
} refused[] = {
        { "SetLimit", "{\"limit\":\"x\",\"permits\":1}", "io.tendd.Runner.NoSuchLimit" },
        { "SetLimit", "{\"limit\":\"db\"}", "org.varlink.service.InvalidParameter" },
        { "SetLimit", "{\"limit\":\"db\",\"permits\":1,\"reset\":true}", "org.varlink.service.InvalidParameter" },
        { "SetLimit", "{\"limit\":\"db\",\"permits\":0}", "io.tendd.Runner.OutOfRange" },
        { "SetLimit", "{\"limit\":\"db\",\"rate\":\"5 a day\"}", "io.tendd.Runner.OutOfRange" },
        { "SetPool", "{\"pool\":\"x\",\"threads\":1}", "io.tendd.Runner.NoSuchPool" },
        { "SetPool", "{\"pool\":\"default\",\"threads\":2000}", "io.tendd.Runner.OutOfRange" },
        { "SetPool", "{\"pool\":\"default\",\"reset\":false}", "org.varlink.service.InvalidParameter" },
        { "Pause", "{}", "org.varlink.service.InvalidParameter" },
        { "Pause", "{\"all\":true,\"tasks\":[\"job\"]}", "org.varlink.service.InvalidParameter" },
        { "Resume", "{\"limits\":[\"db\"],\"tasks\":[\"job\"]}", "org.varlink.service.InvalidParameter" },
        { "Pause", "{\"limits\":[\"db\",\"x\"]}", "io.tendd.Runner.NoSuchLimit" },
        { "Pause", "{\"limits\":[\"max-running\"]}", "io.tendd.Runner.NoSuchLimit" },
};

START_TEST(what_cannot_be_is_refused_and_changes_nothing) {
        expect_error(refused[_i].method, refused[_i].parameters, refused[_i].error);
        ck_assert_uint_eq(live_n_limit_pauses(live_bed.live), 0);
        ck_assert_ptr_null(live_paused_by(live_bed.live, NULL));
        ck_assert_ptr_null(limit_get_configured(live_find_limit(live_bed.live, "db")));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("control-steering");
        TCase *tcase = tcase_create("control-steering");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, shutdown_says_how_and_who_asked);
        tcase_add_test(tcase, who_ends_when_idle_says_what_it_waits_for_and_starts_nothing);
        tcase_add_test(tcase, nothing_makes_way_for_what_is_not_started);
        tcase_add_test(tcase, a_daemon_that_stops_tells_until_when);
        tcase_add_test(tcase, a_paused_limit_is_named_by_all_who_look);
        tcase_add_test(tcase, numbers_of_a_limit_are_set_and_reset);
        tcase_add_test(tcase, numbers_of_a_pool_are_set_and_reset);
        tcase_add_test(tcase, that_all_triggers_are_paused_comes_first);
        tcase_add_loop_test(tcase, what_cannot_be_is_refused_and_changes_nothing, 0, (int)ARRAY_SIZE(refused));
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
