/* SPDX-License-Identifier: MIT */
/* runner: the command line, the lock, and that there is no runner inside a loop. */
#include "instance.h"
#include "loop/loop.h"
#include "runner.h"

#include <check.h>
#include <stdio.h>

/* ---- nested ---- */

static int nested_result;

static void on_work(struct loop_work *work, void *arg _unused_) {
        struct options options = {
                .command = COMMAND_RUN, .config = "/nonexistent", .log_target = -1, .log_level = -1
        };

        nested_result = runner_run(&options);
        loop_exit(work->loop, 0);
}

START_TEST(a_nested_run_is_busy) {
        struct loop *loop;
        struct loop_work work;

        ck_assert_int_eq(loop_new(&loop), 0);
        loop_work_init(&work, loop, "nested", on_work, NULL);
        loop_work_schedule(&work);
        ck_assert_int_eq(loop_run(loop), 0);
        ck_assert_int_eq(nested_result, -EBUSY);
        loop_free(loop);
}
END_TEST

/* ---- options ---- */

static const struct {
        const char *args[6];
        int result;
        struct options options;
} option_cases[] = {
        { { NULL }, 0, { .command = COMMAND_RUN } },
        { { "--config", "x.ini" }, 0, { .command = COMMAND_RUN, .config = "x.ini" } },
        { { "--once", "backup", "--json" }, 0, { .command = COMMAND_ONCE, .once = "backup", .json = true } },
        { { "--check", "--strict", "--portable" }, 0, { .command = COMMAND_CHECK, .strict = true, .portable = true } },
        { { "--check", "--add", "new.ini" }, 0, { .command = COMMAND_CHECK, .adds = { "new.ini" }, .n_adds = 1 } },
        { { "--add", "a", "--check", "--add", "b" },
          0,
          { .command = COMMAND_CHECK, .adds = { "a", "b" }, .n_adds = 2 } },
        { { "a.ini", "--check", "b.ini" }, 0, { .command = COMMAND_CHECK, .n_files = 2 } },
        { { "--check", "--config", "-" }, 0, { .command = COMMAND_CHECK, .config = "-" } },
        { { "--config", "-" }, -EINVAL, { 0 } },
        { { "--check", "--config", "a", "b" }, -EINVAL, { 0 } },
        { { "--check", "--add", "a", "b" }, -EINVAL, { 0 } },
        { { "--version" }, 0, { .command = COMMAND_VERSION } },
        { { "--nonsense" }, -EINVAL, { 0 } },
        { { "--config" }, -EINVAL, { 0 } },
        { { "word" }, -EINVAL, { 0 } },
        { { "--once", "a", "--check" }, -EINVAL, { 0 } },
        { { "--strict" }, -EINVAL, { 0 } },
        { { "--json" }, -EINVAL, { 0 } },
        { { "--log-target", "printer" }, -EINVAL, { 0 } },
        { { "--log-level", "loud" }, -EINVAL, { 0 } },
};

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

START_TEST(options_are_parsed_or_refused) {
        const struct options *expected = &option_cases[_i].options;
        char *argv[8] = { (char *)"tendd" };
        struct options options;
        int argc = 1, r;

        for (size_t i = 0; i < ARRAY_SIZE(option_cases[_i].args) && option_cases[_i].args[i]; i++)
                argv[argc++] = (char *)option_cases[_i].args[i];
        r = options_parse(argc, argv, &options);
        ck_assert_int_eq(r, option_cases[_i].result);
        if (r < 0)
                return;
        ck_assert_int_eq(options.command, expected->command);
        ck_assert(same(options.config, expected->config));
        ck_assert(same(options.once, expected->once));
        ck_assert_uint_eq(options.n_files, expected->n_files);
        ck_assert_uint_eq(options.n_adds, expected->n_adds);
        for (unsigned i = 0; i < options.n_adds; i++)
                ck_assert_str_eq(options.adds[i], expected->adds[i]);
        ck_assert_int_eq(options.json, expected->json);
        ck_assert_int_eq(options.strict, expected->strict);
        ck_assert_int_eq(options.portable, expected->portable);
}
END_TEST

/* ---- the lock ---- */

static char dir[] = "/tmp/test-runner.XXXXXX";
static char runtime[64], state[64];

static void setup(void) {
        (void)snprintf(dir, sizeof(dir), "/tmp/test-runner.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(dir));
        (void)snprintf(runtime, sizeof(runtime), "%s/a/run", dir);
        (void)snprintf(state, sizeof(state), "%s/a/state", dir);
}

static void teardown(void) {
        char command[128];

        (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
        ck_assert_int_eq(system(command), 0);
}

/* flock(2) belongs to the open file, so that a second one in the same process is refused like another process. */
static int try_open(bool shared, pid_t *ret_pid) {
        struct instance_options options = { .runtime_dir = runtime, .state_dir = state, .shared = shared };
        struct instance instance;
        int r = instance_open(&options, &instance, ret_pid);

        if (r >= 0)
                instance_close(&instance);
        return r;
}

START_TEST(a_second_daemon_is_refused_with_the_pid_of_the_first) {
        struct instance_options options = { .runtime_dir = runtime, .state_dir = state };
        struct instance instance;
        pid_t pid;

        ck_assert_int_eq(instance_open(&options, &instance, &pid), 0);
        ck_assert_int_eq(access(state, W_OK), 0);
        ck_assert_int_eq(try_open(false, &pid), -EBUSY);
        ck_assert_int_eq(pid, getpid());
        ck_assert_int_eq(try_open(true, &pid), -EBUSY);
        instance_close(&instance);
        ck_assert_int_eq(try_open(false, &pid), 0);
}
END_TEST

START_TEST(two_that_share_keep_a_daemon_out_but_not_each_other) {
        struct instance_options options = { .runtime_dir = runtime, .state_dir = state, .shared = true };
        struct instance instance;
        pid_t pid;

        ck_assert_int_eq(instance_open(&options, &instance, &pid), 0);
        ck_assert_int_eq(try_open(true, &pid), 0);
        ck_assert_int_eq(try_open(false, &pid), -EBUSY);
        ck_assert_int_eq(pid, getpid());
        instance_close(&instance);
}
END_TEST

START_TEST(a_pid_of_the_past_is_not_told) {
        struct instance_options options = { .runtime_dir = runtime, .state_dir = state };
        struct instance instance;
        pid_t pid;

        ck_assert_int_eq(instance_open(&options, &instance, &pid), 0);
        ck_assert_int_eq(ftruncate(instance.lock_fd, 0), 0);
        ck_assert_int_eq(pwrite(instance.lock_fd, "2147483647\n", 11, 0), 11); /* more than the kernel has */
        ck_assert_int_eq(try_open(false, &pid), -EBUSY);
        ck_assert_int_eq(pid, 0);
        instance_close(&instance);
}
END_TEST

START_TEST(a_state_directory_is_done_without_unless_it_was_asked_for) {
        struct instance_options options = { .runtime_dir = runtime, .state_dir = "/proc/nowhere/state" };
        struct instance instance;
        pid_t pid;

        ck_assert_int_lt(instance_open(&options, &instance, &pid), 0);
        options.state_dir = NULL;
        ck_assert_int_eq(setenv("STATE_DIRECTORY", "/proc/nowhere/state", 1), 0);
        ck_assert_int_eq(instance_open(&options, &instance, &pid), 0);
        ck_assert_str_eq(instance.state_dir, runtime);
        instance_close(&instance);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_is_told) {
        struct instance_options options = { .runtime_dir = "/proc/nowhere/run", .state_dir = state };
        struct instance instance;
        pid_t pid;

        ck_assert_int_lt(instance_open(&options, &instance, &pid), 0);
}
END_TEST

START_TEST(the_socket_is_in_the_runtime_directory) {
        struct instance instance = { .runtime_dir = runtime };
        char *path = instance_socket_path(&instance), expected[96];

        (void)snprintf(expected, sizeof(expected), "%s/control.sock", runtime);
        ck_assert_str_eq(path, expected);
        free(path);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("runner");
        TCase *plain = tcase_create("plain"), *instance = tcase_create("instance");
        SRunner *runner;
        int failed;

        tcase_add_test(plain, a_nested_run_is_busy);
        tcase_add_loop_test(plain, options_are_parsed_or_refused, 0, ARRAY_SIZE(option_cases));
        tcase_add_checked_fixture(instance, setup, teardown);
        tcase_add_test(instance, a_second_daemon_is_refused_with_the_pid_of_the_first);
        tcase_add_test(instance, two_that_share_keep_a_daemon_out_but_not_each_other);
        tcase_add_test(instance, a_pid_of_the_past_is_not_told);
        tcase_add_test(instance, a_state_directory_is_done_without_unless_it_was_asked_for);
        tcase_add_test(instance, a_directory_that_cannot_be_made_is_told);
        tcase_add_test(instance, the_socket_is_in_the_runtime_directory);
        suite_add_tcase(suite, plain);
        suite_add_tcase(suite, instance);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
