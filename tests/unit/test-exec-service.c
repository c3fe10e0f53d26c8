/* SPDX-License-Identifier: MIT */
/* exec_service: when a service is ready, whether it lives, and what comes of what it says. The child and the probe of an
 * address are played by the test. */
#include "support/exec-bed.h"
#include "task/output.h"
#include "task/ready_probe.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define S  USEC_PER_SEC
#define MS USEC_PER_MSEC

/* ---- in place of ready_probe.c ---- */

static struct {
        char address[64]; /* "": nobody asks */
        ready_probe_fn fn;
        void *arg;
        unsigned n;
        int refuse;
} probe;

int ready_probe_start(struct pool *pool _unused_, const char *address, ready_probe_fn fn, void *arg,
                      struct ready_probe **ret) {
        probe.n++;
        if (probe.refuse > 0)
                return -probe.refuse;
        ck_assert_str_eq(probe.address, "");
        (void)snprintf(probe.address, sizeof(probe.address), "%s", address);
        probe.fn = fn;
        probe.arg = arg;
        *ret = (struct ready_probe *)&probe;
        return 0;
}

struct ready_probe *ready_probe_cancel(struct ready_probe *cancelled) {
        if (cancelled)
                probe.address[0] = '\0';
        return NULL;
}

static void answer(const char *why) {
        ck_assert_str_ne(probe.address, "");
        probe.address[0] = '\0';
        probe.fn(why, probe.arg);
        check_subject();
        settle();
}

/* ---- fixture ---- */

static void setup(void) {
        exec_setup();
        memset(&probe, 0, sizeof(probe));
        task->service = calloc(1, sizeof(*task->service));
        ck_assert_ptr_nonnull(task->service);
        task->run.service = &task->service->spec;
        task->run.is_service = true;
}

static void teardown(void) {
        exec_teardown();
        ck_assert_str_eq(probe.address, "");
}

static void set_ready(enum ready_type type, const char *argument) {
        task->service->ready = type;
        task->service->ready_argument = argument ? strdup(argument) : NULL;
        task->service->ready_after_usec = 2 * S;
}

static void say(const struct notify_message *message) {
        fake_child_says(child, message);
        check_subject();
        settle();
}

#define SAY(...) say(&(struct notify_message){ __VA_ARGS__ })

static void prints(const char *text) {
        ck_assert(fake_child_prints(child, text));
        check_subject();
        settle();
}

static void check_ready(bool ready) {
        ck_assert_str_eq(ready_trace(), ready ? "t:yes" : "");
        ck_assert_int_eq(run_is_ready(get("t#1")), ready);
}

static void check_status(const char *expected) {
        ck_assert_pstr_eq(run_get_status(get("t#1")), expected);
}

static void end(void) {
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        settle();
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", "");
}

/* How t#1, which was asked to end because of that, failed. */
static void check_failed(const char *errors, const char *detail) {
        check_asked("signal:15");
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_FAILED);
        check_errors("t#1", errors);
        ck_assert_str_eq(result_detail(result_of("t#1")), detail);
}

/* ---- ready ---- */

START_TEST(it_is_ready_when_it_runs) {
        set_ready(READY_EXEC, NULL);
        start_task();
        check_ready(false);
        fake_child_started(child);
        settle();
        check_ready(true);
        end();
}
END_TEST

START_TEST(it_is_ready_when_it_says_so) {
        set_ready(READY_NOTIFY, NULL);
        start_running();
        check_ready(false);
        SAY(.has_status = true, .status = "loading");
        check_ready(false);
        SAY(.ready = true);
        check_ready(true);
        SAY(.ready = true);
        check_ready(true);
        check_status("loading");
        end();
}
END_TEST

static const struct {
        enum ready_type type;
        const char *argument;
} others[] = {
        { READY_LINE, "READY" },
        { READY_CONNECT, "localhost:80" },
        { READY_AFTER, NULL },
};

START_TEST(what_it_says_counts_only_where_it_is_to_say_it) {
        set_ready(others[_i].type, others[_i].argument);
        start_running();
        SAY(.ready = true);
        check_ready(false);
        end();
}
END_TEST

START_TEST(it_is_ready_after_some_time) {
        set_ready(READY_AFTER, NULL);
        start_running();
        pass(2 * S - 1);
        check_ready(false);
        pass(1);
        check_ready(true);
        end();
}
END_TEST

START_TEST(an_end_that_has_happened_comes_before_the_time) {
        set_ready(READY_AFTER, NULL);
        start_running();
        fake_child_hold_exit(child, 0);
        pass(2 * S);
        check_ready(false);
        goes();
        check_errors("t#1", "ready/t#1");
}
END_TEST

START_TEST(what_is_stopped_never_becomes_ready) {
        set_ready(READY_AFTER, NULL);
        start_running();
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        pass(3 * S);
        check_ready(false);
        end();
}
END_TEST

START_TEST(what_is_stopped_before_it_runs_never_becomes_ready) {
        set_ready(READY_EXEC, NULL);
        start_task();
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        settle();
        fake_child_started(child);
        settle();
        check_ready(false);
        end();
}
END_TEST

/* ---- a line ---- */

static const struct {
        const char *expression;
        const char *reads[4];
        bool ready;
} lines[] = {
        { "ready", { "ready\n" }, true },
        { "^ready to serve$", { "rea", "dy to ", "serve\n" }, true },
        { "^ready", { "starting\nnot ready\nready now\nmore\n" }, true },
        { "^ready", { "<6>ready\n" }, true },
        { "^ready", { "<", "6>rea", "dy\n" }, true },
        { "port [0-9]+|socket", { "listening on port 80\n" }, true },
        { "^$", { "x\n", "\n" }, true },
        { "ready", { "ready" }, false }, /* not a line yet */
        { "^ready$", { "unready\n", "ready!\n" }, false },
        { "^ready", { "not ready\n" }, false },
        { "ab", { "a\nb\n" }, false },
};

START_TEST(it_is_ready_when_a_line_matches) {
        set_ready(READY_LINE, lines[_i].expression);
        start_running();
        for (size_t i = 0; i < ARRAY_SIZE(lines[_i].reads) && lines[_i].reads[i]; i++)
                prints(lines[_i].reads[i]);
        check_ready(lines[_i].ready);
        end();
}
END_TEST

START_TEST(each_piece_of_a_long_line_counts) {
        char text[OUTPUT_LINE_MAX + 1];

        set_ready(READY_LINE, "ready");
        start_running();
        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        prints(text);
        prints("ready");
        check_ready(false);
        prints("\n");
        check_ready(true);
        end();
}
END_TEST

START_TEST(only_the_first_match_counts) {
        set_ready(READY_LINE, "^ready");
        start_running();
        prints("ready\nready\n");
        prints("ready\n");
        check_ready(true);
        ck_assert_str_eq(logged, "6:t#1:ready;6:t#1:ready;6:t#1:ready;");
        end();
}
END_TEST

START_TEST(a_line_of_one_that_is_stopped_does_not_count) {
        set_ready(READY_LINE, "^ready");
        start_running();
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        settle();
        prints("ready\n");
        check_ready(false);
        end();
}
END_TEST

/* ---- an address ---- */

START_TEST(it_is_ready_when_its_address_takes_connections) {
        set_ready(READY_CONNECT, "localhost:80");
        start_running();
        ck_assert_str_eq(probe.address, "localhost:80");
        check_status(NULL);
        answer("Connection refused");
        check_status("not ready: localhost:80: Connection refused");
        check_ready(false);
        pass(50 * MS);
        ck_assert_uint_eq(probe.n, 2);
        answer(NULL);
        check_ready(true);
        check_status(NULL);
        pass(10 * S);
        ck_assert_uint_eq(probe.n, 2);
        end();
}
END_TEST

START_TEST(it_is_tried_at_growing_intervals) {
        static const usec_t pauses[] = { 50, 100, 200, 400, 800, 1000, 1000 };

        set_ready(READY_CONNECT, "localhost:80");
        start_running();
        for (unsigned i = 0; i < ARRAY_SIZE(pauses); i++) {
                answer("Connection refused");
                pass(pauses[i] * MS - 1);
                ck_assert_uint_eq(probe.n, i + 1);
                pass(1);
                ck_assert_uint_eq(probe.n, i + 2);
        }
        end();
}
END_TEST

START_TEST(a_status_of_its_own_stays) {
        set_ready(READY_CONNECT, "localhost:80");
        start_running();
        answer("Connection refused");
        SAY(.has_status = true, .status = "loading");
        check_status("loading");
        pass(50 * MS);
        answer("Connection refused");
        check_status("loading");
        pass(100 * MS);
        answer(NULL);
        check_ready(true);
        check_status("loading");
        SAY(.has_status = true);
        check_status(NULL);
        end();
}
END_TEST

static const struct {
        int error;
        const char *status;
} refusals[] = {
        { ENOBUFS, "not ready: unix:/run/t.sock: the queue of the pool is full" },
        { ENOMEM, "not ready: unix:/run/t.sock: Cannot allocate memory" },
};

START_TEST(a_try_that_cannot_be_made_is_made_again) {
        set_ready(READY_CONNECT, "unix:/run/t.sock");
        probe.refuse = refusals[_i].error;
        start_running();
        check_status(refusals[_i].status);
        probe.refuse = 0;
        pass(50 * MS);
        answer(NULL);
        check_ready(true);
        end();
}
END_TEST

START_TEST(an_end_ends_the_try) {
        set_ready(READY_CONNECT, "localhost:80");
        start_running();
        exits(W_EXITCODE(1, 0));
        ck_assert_str_eq(probe.address, "");
        pass(2 * S);
        ck_assert_uint_eq(probe.n, 1);
        goes();
        check_errors("t#1", "exit/t#1");
}
END_TEST

/* ---- an end that is too early ---- */

static const struct {
        bool ready;
        bool stopping; /* it says that it is */
        int status;
        const char *errors;
        const char *detail;
} ends[] = {
        { false, false, W_EXITCODE(0, 0), "ready/t#1", "/usr/bin/job: ended before it was ready" },
        { false, true, W_EXITCODE(0, 0), "ready/t#1", "/usr/bin/job: ended before it was ready" },
        { false, false, W_EXITCODE(2, 0), "exit/t#1", "/usr/bin/job: exit status 2" },
        { false, false, W_EXITCODE(0, SIGKILL), "signal/t#1", "/usr/bin/job: killed by signal SIGKILL" },
        { true, false, W_EXITCODE(0, 0), "", "" },
        { true, true, W_EXITCODE(0, 0), "", "" },
        { true, false, W_EXITCODE(2, 0), "exit/t#1", "/usr/bin/job: exit status 2" },
};

START_TEST(an_end_before_it_was_ready_is_a_failure) {
        set_ready(READY_NOTIFY, NULL);
        start_running();
        if (ends[_i].ready)
                SAY(.ready = true);
        if (ends[_i].stopping)
                SAY(.stopping = true);
        exits(ends[_i].status);
        goes();
        check_outcome("t#1", ends[_i].errors[0] ? OUTCOME_FAILED : OUTCOME_OK);
        check_errors("t#1", ends[_i].errors);
        ck_assert_str_eq(result_detail(result_of("t#1")), ends[_i].detail);
}
END_TEST

START_TEST(an_end_while_being_stopped_is_not_too_early) {
        set_ready(READY_NOTIFY, NULL);
        start_running();
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        settle();
        exits(0);
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", "");
}
END_TEST

/* ---- watchdog ---- */

static void start_watched(void) {
        set_ready(READY_NOTIFY, NULL);
        task->service->watchdog_usec = 5 * S;
        start_running();
        check_asked("");
}

START_TEST(who_is_silent_for_too_long_fails) {
        start_watched();
        SAY(.ready = true);
        for (unsigned i = 0; i < 3; i++) {
                pass(5 * S - 1);
                SAY(.watchdog = true);
        }
        check_asked("");
        pass(5 * S);
        check_failed("watchdog/t#1", "no WATCHDOG=1 for 5s");
}
END_TEST

START_TEST(nobody_is_watched_before_being_ready) {
        start_watched();
        pass(S);
        SAY(.watchdog = true);
        pass(60 * S);
        check_asked("");
        SAY(.ready = true);
        pass(5 * S - 1);
        check_asked("");
        pass(1);
        check_failed("watchdog/t#1", "no WATCHDOG=1 for 5s");
}
END_TEST

START_TEST(a_sign_of_life_that_waits_to_be_read_counts) {
        start_watched();
        SAY(.ready = true);
        fake_child_hold_message(child, &(struct notify_message){ .watchdog = true });
        pass(5 * S);
        check_asked("");
        pass(5 * S);
        check_failed("watchdog/t#1", "no WATCHDOG=1 for 5s");
}
END_TEST

START_TEST(an_end_that_has_happened_is_not_silence) {
        start_watched();
        SAY(.ready = true);
        fake_child_hold_exit(child, W_EXITCODE(3, 0));
        pass(5 * S);
        check_asked("kill");
        goes();
        check_errors("t#1", "exit/t#1");
}
END_TEST

START_TEST(who_knows_to_have_failed_may_say_so) {
        start_watched();
        SAY(.watchdog_trigger = true);
        check_failed("watchdog/t#1", "it said WATCHDOG=trigger");
}
END_TEST

START_TEST(who_is_stopped_is_not_watched) {
        start_watched();
        SAY(.ready = true);
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        settle();
        SAY(.watchdog = true);
        pass(6 * S);
        SAY(.watchdog_trigger = true);
        check_asked("signal:15");
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", "");
}
END_TEST

/* ---- leaving ---- */

START_TEST(who_leaves_is_not_ready_nor_watched) {
        start_watched();
        SAY(.ready = true);
        SAY(.stopping = true);
        ck_assert_str_eq(ready_trace(), "t:yes t:no");
        pass(9 * S);
        SAY(.ready = true, .watchdog = true);
        ck_assert_str_eq(ready_trace(), "t:yes t:no");
        check_asked("");
        exits(0);
        goes();
        check_outcome("t#1", OUTCOME_OK);
}
END_TEST

START_TEST(who_leaves_has_its_grace) {
        start_watched();
        SAY(.ready = true);
        SAY(.stopping = true);
        pass(5 * S);
        SAY(.stopping = true);
        pass(5 * S);
        check_failed("watchdog/t#1", "it said STOPPING=1, and did not end within its grace of 10s");
}
END_TEST

START_TEST(who_leaves_may_ask_for_more_time) {
        start_watched();
        SAY(.ready = true);
        SAY(.stopping = true, .extend_usec = 60 * S);
        pass(50 * S);
        SAY(.extend_usec = 5 * S); /* no less than it has */
        pass(10 * S - 1);
        check_asked("");
        pass(1);
        check_failed("watchdog/t#1", "it said STOPPING=1, and did not end within its grace of 10s");
}
END_TEST

/* ---- more time ---- */

START_TEST(before_it_is_ready_it_moves_the_start_timeout) {
        set_ready(READY_NOTIFY, NULL);
        task->run.bounds[BOUND_START_TIMEOUT] = 90 * S;
        start_running();
        pass(80 * S);
        SAY(.extend_usec = 30 * S);
        pass(30 * S - 1);
        check_asked("");
        pass(1);
        check_asked("signal:15");
        ck_assert_int_eq(run_get_state(run_present_leaf(get("t#1"))), RUN_STOPPING);
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_TIMEOUT);
        ck_assert_int_eq(result_of("t#1")->bound, BOUND_START_TIMEOUT);
}
END_TEST

START_TEST(what_waits_to_be_read_comes_before_the_start_timeout) {
        set_ready(READY_NOTIFY, NULL);
        task->run.bounds[BOUND_START_TIMEOUT] = 90 * S;
        start_running();
        fake_child_hold_message(child, &(struct notify_message){ .ready = true });
        pass(91 * S);
        check_ready(true);
        end();
}
END_TEST

START_TEST(while_it_runs_it_moves_the_timeout) {
        task->run.bounds[BOUND_TIMEOUT] = 100 * S;
        start_running();
        SAY(.extend_usec = 10 * S); /* no less than it has */
        pass(99 * S);
        SAY(.extend_usec = 10 * S);
        pass(10 * S - 1);
        check_asked("");
        pass(1);
        check_asked("signal:15");
        SAY(.extend_usec = 100 * S); /* too late */
        pass(10 * S);
        check_asked("kill");
        exits(W_EXITCODE(0, SIGKILL));
        goes();
        check_outcome("t#1", OUTCOME_TIMEOUT);
}
END_TEST

START_TEST(it_cannot_pass_the_total_timeout) {
        task->run.bounds[BOUND_TIMEOUT] = 100 * S;
        task->run.bounds[BOUND_TOTAL_TIMEOUT] = 150 * S;
        start_running();
        SAY(.extend_usec = 1000 * S);
        pass(150 * S - 1);
        check_asked("");
        pass(1);
        check_asked("signal:15");
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_TIMEOUT);
        ck_assert_int_eq(result_of("t#1")->bound, BOUND_TOTAL_TIMEOUT);
}
END_TEST

/* ---- status and progress ---- */

START_TEST(status_and_progress_are_shown_to_the_end) {
        struct run *run;
        uint64_t done, total;

        run = start_running();
        SAY(.has_status = true, .status = "working", .has_progress = true, .done = 1, .total = 3);
        check_status("working");
        ck_assert(run_get_progress(run, &done, &total));
        ck_assert_uint_eq(done, 1);
        ck_assert_uint_eq(total, 3);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        SAY(.has_status = true, .status = "saving");
        check_status("saving");
        end();
}
END_TEST

START_TEST(a_job_may_speak_but_is_no_service) {
        task->run.is_service = false;
        task->run.service = NULL;
        task->service = service_part_free(task->service);
        task->run.bounds[BOUND_TIMEOUT] = 10 * S;
        start_running();
        SAY(.ready = true, .watchdog = true, .watchdog_trigger = true, .has_status = true, .status = "half",
            .extend_usec = 60 * S);
        ck_assert_str_eq(ready_trace(), "");
        check_status("half");
        SAY(.stopping = true);
        pass(59 * S);
        check_asked("");
        exits(0);
        goes();
        check_outcome("t#1", OUTCOME_OK);
}
END_TEST

START_TEST(nobody_hears_what_was_given_up) {
        set_ready(READY_LINE, "ready");
        start_running();
        ck_assert_int_eq(run_cancel(get("t#1"), CANCEL_OPERATOR, "me"), 0);
        pass(16 * S);
        check_errors("t#1", "unkillable/t#1");
        ck_assert_uint_eq(remnant_count(), 1);
        fake_child_says(child, &(struct notify_message){ .ready = true,
                                                         .stopping = true,
                                                         .watchdog_trigger = true,
                                                         .has_status = true,
                                                         .status = "here",
                                                         .extend_usec = S });
        fake_child_prints(child, "ready\n");
        settle();
        ck_assert_str_eq(ready_trace(), "");
        exits(W_EXITCODE(0, SIGKILL));
        goes();
        ck_assert_uint_eq(remnant_count(), 0);
}
END_TEST

START_TEST(it_is_told_what_is_expected) {
        task->service->watchdog_usec = 5 * S;
        start_running();
        for (char *const *word = fake_child_spec(child)->env; *word; word++)
                if (strcmp(*word, "WATCHDOG_USEC=5000000") == 0) {
                        end();
                        return;
                }
        ck_abort_msg("no WATCHDOG_USEC");
}
END_TEST

static void add_ready(TCase *tcase) {
        tcase_add_test(tcase, it_is_ready_when_it_runs);
        tcase_add_test(tcase, it_is_ready_when_it_says_so);
        tcase_add_loop_test(tcase, what_it_says_counts_only_where_it_is_to_say_it, 0, ARRAY_SIZE(others));
        tcase_add_test(tcase, it_is_ready_after_some_time);
        tcase_add_test(tcase, an_end_that_has_happened_comes_before_the_time);
        tcase_add_test(tcase, what_is_stopped_never_becomes_ready);
        tcase_add_test(tcase, what_is_stopped_before_it_runs_never_becomes_ready);
        tcase_add_loop_test(tcase, it_is_ready_when_a_line_matches, 0, ARRAY_SIZE(lines));
        tcase_add_test(tcase, each_piece_of_a_long_line_counts);
        tcase_add_test(tcase, only_the_first_match_counts);
        tcase_add_test(tcase, a_line_of_one_that_is_stopped_does_not_count);
        tcase_add_test(tcase, it_is_ready_when_its_address_takes_connections);
        tcase_add_test(tcase, it_is_tried_at_growing_intervals);
        tcase_add_test(tcase, a_status_of_its_own_stays);
        tcase_add_loop_test(tcase, a_try_that_cannot_be_made_is_made_again, 0, ARRAY_SIZE(refusals));
        tcase_add_test(tcase, an_end_ends_the_try);
        tcase_add_loop_test(tcase, an_end_before_it_was_ready_is_a_failure, 0, ARRAY_SIZE(ends));
        tcase_add_test(tcase, an_end_while_being_stopped_is_not_too_early);
}

static void add_others(TCase *tcase) {
        tcase_add_test(tcase, who_is_silent_for_too_long_fails);
        tcase_add_test(tcase, nobody_is_watched_before_being_ready);
        tcase_add_test(tcase, a_sign_of_life_that_waits_to_be_read_counts);
        tcase_add_test(tcase, an_end_that_has_happened_is_not_silence);
        tcase_add_test(tcase, who_knows_to_have_failed_may_say_so);
        tcase_add_test(tcase, who_is_stopped_is_not_watched);
        tcase_add_test(tcase, who_leaves_is_not_ready_nor_watched);
        tcase_add_test(tcase, who_leaves_has_its_grace);
        tcase_add_test(tcase, who_leaves_may_ask_for_more_time);
        tcase_add_test(tcase, before_it_is_ready_it_moves_the_start_timeout);
        tcase_add_test(tcase, what_waits_to_be_read_comes_before_the_start_timeout);
        tcase_add_test(tcase, while_it_runs_it_moves_the_timeout);
        tcase_add_test(tcase, it_cannot_pass_the_total_timeout);
        tcase_add_test(tcase, status_and_progress_are_shown_to_the_end);
        tcase_add_test(tcase, a_job_may_speak_but_is_no_service);
        tcase_add_test(tcase, nobody_hears_what_was_given_up);
        tcase_add_test(tcase, it_is_told_what_is_expected);
}

int main(void) {
        Suite *suite = suite_create("exec-service");
        TCase *tcase = tcase_create("exec-service");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        add_ready(tcase);
        add_others(tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
