/* SPDX-License-Identifier: MIT */
/* config-transient: tasks made of settings that somebody asks for: the defaults, and what is wrong with a value. */
#include "config/transient.h"
#include "task/kind.h"

#include <check.h>
#include <signal.h>

static struct task *make(const struct task_setting *settings, size_t n, bool fan_out) {
        char wrong[TRANSIENT_WRONG_MAX] = "";
        struct task *task = NULL;
        int r = transient_task_new("run", settings, n, fan_out, wrong, &task);

        ck_assert_msg(r == 0, "%d: %s", r, wrong);
        return task;
}

START_TEST(without_settings_it_has_the_defaults_of_a_command) {
        struct task *task = make(NULL, 0, false);

        ck_assert_str_eq(task->run.name, "run");
        ck_assert_ptr_eq(task->kind, &kind_exec);
        ck_assert_ptr_nonnull(task->transient);
        ck_assert(task->run.is_transient);
        ck_assert_uint_eq(task->run.bounds[BOUND_TIMEOUT], USEC_PER_HOUR);
        ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], 24 * USEC_PER_HOUR);
        ck_assert_uint_eq(task->run.bounds[BOUND_QUEUE_TIMEOUT], USEC_PER_HOUR);
        ck_assert_uint_eq(task->run.bounds[BOUND_START_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.bounds[BOUND_IDLE_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.default_bounds, (1u << _BOUND_MAX) - 1);
        ck_assert_uint_eq(task->run.grace_usec, 10 * USEC_PER_SEC);
        ck_assert_uint_eq(task->run.retries, 0);
        ck_assert_int_eq(task->exec->stop_signal, SIGTERM);
        ck_assert_ptr_null(task->run.items);
        task_unref(task);
}
END_TEST

START_TEST(settings_are_as_in_a_file) {
        static const struct task_setting settings[] = {
                { "timeout", "1min 30s" },     { "total-timeout", "infinity" }, { "retries", "3" },
                { "retry-delay", "10ms..1s" }, { "limit", "api db:2" },         { "priority", "-5" },
                { "user", "app:www" },
        };
        struct task *task = make(settings, ARRAY_SIZE(settings), false);

        ck_assert_uint_eq(task->run.bounds[BOUND_TIMEOUT], 90 * USEC_PER_SEC);
        ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.default_bounds & (1u << BOUND_TIMEOUT | 1u << BOUND_TOTAL_TIMEOUT), 0);
        ck_assert_uint_ne(task->run.default_bounds & 1u << BOUND_QUEUE_TIMEOUT, 0);
        ck_assert_uint_eq(task->run.retries, 3);
        ck_assert_uint_eq(task->run.retry_delay_min_usec, 10 * USEC_PER_MSEC);
        ck_assert_int_eq(task->run.priority, -5);
        ck_assert_uint_eq(task->n_limits, 2);
        ck_assert_str_eq(task->limits[1].name, "db");
        ck_assert_uint_eq(task->limits[1].permits, 2);
        ck_assert_str_eq(task->exec->user, "app");
        ck_assert_str_eq(task->exec->group, "www");
        task_unref(task);
}
END_TEST

START_TEST(a_fan_out_reads_from_a_socket) {
        static const struct task_setting settings[] = { { "concurrency", "7" }, { "items-may-fail", "5%" } };
        struct task *task = make(settings, ARRAY_SIZE(settings), true);

        ck_assert_ptr_eq(task->run.items, &task_items);
        ck_assert_int_eq(task->for_each.type, FOR_EACH_SOCKET);
        ck_assert_uint_eq(task->run.concurrency, 7);
        ck_assert_uint_eq(task->run.items_may_fail, 5);
        ck_assert(task->run.items_may_fail_percent);
        task_unref(task);
        task = make(NULL, 0, true);
        ck_assert_uint_ge(task->run.concurrency, 1);
        task_unref(task);
}
END_TEST

static const struct {
        struct task_setting setting;
        const char *wrong;
} mistakes[] = {
        { { "timeout", "5x" },
          "timeout: \"5x\" is no duration (a duration such as 1h 30min, at least 1ms, or infinity)" },
        { { "timeout", "0s" }, "timeout: 0s is out of range (a duration such as 1h 30min, at least 1ms, or infinity)" },
        { { "limit", "db:0" }, "limit: 0 is out of range" },
        { { "limit", "\"db" }, "limit: a quote is not closed, or a \\ stands at the end" },
        { { "retries", "-1" }, "retries: \"-1\" is " },
        { { "retry-delay", "2s..1s" }, "retry-delay: the longest delay is shorter than the first" },
};

START_TEST(what_is_wrong_is_told_with_what_is_allowed) {
        char wrong[TRANSIENT_WRONG_MAX] = "";
        struct task *task = NULL;

        ck_assert_int_eq(transient_task_new("run", &mistakes[_i].setting, 1, false, wrong, &task), -EINVAL);
        ck_assert_ptr_null(task);
        ck_assert_msg(strncmp(wrong, mistakes[_i].wrong, strlen(mistakes[_i].wrong)) == 0, "got: %s", wrong);
        ck_assert_ptr_nonnull(strchr(wrong, '('));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-transient");
        TCase *tcase = tcase_create("transient");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, without_settings_it_has_the_defaults_of_a_command);
        tcase_add_test(tcase, settings_are_as_in_a_file);
        tcase_add_test(tcase, a_fan_out_reads_from_a_socket);
        tcase_add_loop_test(tcase, what_is_wrong_is_told_with_what_is_allowed, 0, (int)ARRAY_SIZE(mistakes));
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
