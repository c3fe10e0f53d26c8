/* SPDX-License-Identifier: MIT */
/* kind_exec: what becomes of a run when its command ends, cannot be started, is stopped, is forced, will not go, or
 * prints faster than the log can take it. The child is played by the test. */
#include "base/text.h"
#include "support/exec-bed.h"
#include "task/exec_env.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* How t#1 ended: with the errors "kind/run …" and the detail of the first. */
static void check_end(enum outcome outcome, const char *errors, const char *detail, int exit_code) {
        check_outcome("t#1", outcome);
        check_errors("t#1", errors);
        ck_assert_str_eq(result_detail(result_of("t#1")), detail);
        ck_assert_int_eq(result_of("t#1")->exit_code, exit_code);
}

/* ---- ends ---- */

static const struct {
        int status;
        const char *errors;
        const char *detail;
        int exit_code;
} ends[] = {
        { W_EXITCODE(0, 0), "", "", 0 },
        { W_EXITCODE(3, 0), "", "", 3 }, /* success-exit = 0 3 */
        { W_EXITCODE(1, 0), "exit/t#1", "/usr/bin/job: exit status 1", 1 },
        { W_EXITCODE(255, 0), "exit/t#1", "/usr/bin/job: exit status 255", 255 },
        { W_EXITCODE(0, SIGKILL), "signal/t#1", "/usr/bin/job: killed by signal SIGKILL", 128 + SIGKILL },
        { W_EXITCODE(0, SIGSEGV) | WCOREFLAG, "signal/t#1", "/usr/bin/job: killed by signal SIGSEGV, core dumped",
          128 + SIGSEGV },
        { W_EXITCODE(0, 40), "signal/t#1", "/usr/bin/job: killed by signal SIG40", 168 },
};

START_TEST(the_commands_end_is_the_runs) {
        bool ok = ends[_i].errors[0] == '\0';
        struct run *run;

        task->exec->success_exit[0] |= 1u << 3;
        run = start_running();
        exits(ends[_i].status);
        check_asked("kill"); /* what it may have left behind */
        ck_assert_ptr_null(result_of("t#1"));
        ck_assert_int_eq(run_get_state(run_first_child(run)), RUN_STOPPING);
        goes();
        check_end(ok ? OUTCOME_OK : OUTCOME_FAILED, ends[_i].errors, ends[_i].detail, ends[_i].exit_code);
        check_asked("free");
}
END_TEST

static const struct {
        uint64_t memory_max;
        unsigned oom_kills;
        int status;
        const char *detail;
} kills[] = {
        { 64 << 20, 1, W_EXITCODE(0, SIGKILL),
          "/usr/bin/job: killed by signal SIGKILL; the kernel killed it because of memory-max = 64M" },
        { 64 << 20, 2, W_EXITCODE(1, 0),
          "/usr/bin/job: exit status 1; the kernel killed it because of memory-max = 64M" },
        { 0, 1, W_EXITCODE(0, SIGKILL),
          "/usr/bin/job: killed by signal SIGKILL; the kernel killed it because memory ran out" },
        { 64 << 20, 0, W_EXITCODE(0, SIGKILL), "/usr/bin/job: killed by signal SIGKILL" },
        { 64 << 20, 1, W_EXITCODE(0, 0), "" },
};

START_TEST(a_kill_by_the_kernel_is_explained) {
        const struct cgroup_usage usage = {
                .cpu_usec = 1234,
                .memory_peak = 5 << 20,
                .oom_kills = kills[_i].oom_kills,
        };

        task->exec->memory_max = kills[_i].memory_max;
        (void)start_running();
        exits(kills[_i].status);
        fake_child_used(child, &usage);
        goes();
        ck_assert_str_eq(result_detail(result_of("t#1")), kills[_i].detail);
        ck_assert_uint_eq(result_of("t#1")->cpu_usec, 1234);
        ck_assert_uint_eq(result_of("t#1")->memory_peak, 5 << 20);
}
END_TEST

START_TEST(a_cancel_after_the_exit_changes_nothing) {
        struct run *run = start_running();

        exits(0);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        check_asked("kill");
        goes();
        check_end(OUTCOME_OK, "", "", 0);
}
END_TEST

START_TEST(an_exit_that_has_happened_wins_against_the_timeout) {
        task->run.bounds[BOUND_TIMEOUT] = USEC_PER_SEC;
        start_running();
        fake_child_hold_exit(child, 0);
        pass(2 * USEC_PER_SEC);
        goes();
        check_end(OUTCOME_OK, "", "", 0);
}
END_TEST

/* ---- the start ---- */

static const struct {
        enum child_step step;
        int error;
        const char *detail;
        int exit_code;
} failures[] = {
        { CHILD_STEP_EXEC, ENOENT, "/usr/bin/job: exec: No such file or directory (errno 2)", 127 },
        { CHILD_STEP_EXEC, EACCES, "/usr/bin/job: exec: Permission denied (errno 13)", 126 },
        { CHILD_STEP_CHDIR, ENOENT, "/srv/none: directory: No such file or directory (errno 2)", 126 },
        { CHILD_STEP_STDIN, ENOENT, "/in: stdin: No such file or directory (errno 2)", 126 },
        { CHILD_STEP_OUTPUT, EACCES, "/out: output: Permission denied (errno 13)", 126 },
        { CHILD_STEP_ENV_FILE, EBADMSG, "/env: env-file: a line is no NAME=VALUE (errno 74)", 126 },
        { CHILD_STEP_USER, ESRCH, "nobody: user: there is none of that name (errno 3)", 126 },
        { CHILD_STEP_GROUP, ESRCH, "games: group: there is none of that name (errno 3)", 126 },
        { CHILD_STEP_FORK, EAGAIN, "/usr/bin/job: fork: Resource temporarily unavailable (errno 11)", 126 },
};

START_TEST(a_spawn_that_fails_names_what_and_why) {
        struct exec_part *part = task->exec;

        part->directory = strdup("/srv/none");
        part->stdin_path = strdup("/in");
        part->output = OUTPUT_FILE;
        part->output_path = strdup("/out");
        part->env_file = strdup("/env");
        part->user = strdup("nobody");
        part->group = strdup("games");
        start_task();
        fake_child_failed(child, failures[_i].step, failures[_i].error);
        settle();
        check_end(OUTCOME_FAILED, "spawn/t#1", failures[_i].detail, failures[_i].exit_code);
        check_asked("spawn free");
}
END_TEST

START_TEST(a_shell_that_is_missing_is_named_by_its_path) {
        env.shell = "/none/sh";
        text_strv_free(task->exec->command);
        task->exec->command = NULL;
        task->exec->shell = strdup("true");
        start_task();
        fake_child_failed(child, CHILD_STEP_EXEC, ENOENT);
        settle();
        check_end(OUTCOME_FAILED, "spawn/t#1", "/none/sh: exec: No such file or directory (errno 2)", 127);
}
END_TEST

START_TEST(a_spawn_that_is_refused_fails_the_run) {
        fake_child_refuse(EAGAIN);
        start_task();
        check_end(OUTCOME_FAILED, "spawn/t#1", "Resource temporarily unavailable", 126);
        check_asked("");
}
END_TEST

START_TEST(a_failed_spawn_is_retried_after_the_delay) {
        task->run.retries = 1;
        task->run.retry_delay_min_usec = task->run.retry_delay_max_usec = 10 * USEC_PER_SEC;
        start_task();
        fake_child_failed(child, CHILD_STEP_EXEC, ENOENT);
        pass(USEC_PER_SEC);
        check_asked("spawn free");
        pass(12 * USEC_PER_SEC);
        check_asked("spawn");
        child = fake_child_last();
        fake_child_started(child);
        exits(0);
        goes();
        check_end(OUTCOME_OK, "", "", 0);
        ck_assert_uint_eq(result_of("t#1")->attempts, 2);
}
END_TEST

static bool has_word(char *const *list, const char *word) {
        for (; *list; list++)
                if (streq(*list, word))
                        return true;
        return false;
}

START_TEST(the_child_is_told_what_it_is_for) {
        const struct child_spec *spec;

        task->exec->env = calloc(2, sizeof(char *));
        task->exec->env[0] = strdup("COLOUR=blue");
        start_task();
        spec = fake_child_spec(child);
        ck_assert_str_eq(spec->path, "/usr/bin/job");
        ck_assert_str_eq(spec->argv[1], "--now");
        ck_assert_ptr_null(spec->argv[2]);
        ck_assert(has_word(spec->env, "COLOUR=blue"));
        ck_assert(has_word(spec->env, "TENDD_TASK=t"));
        ck_assert(has_word(spec->env, "TENDD_RUN=t#1"));
        ck_assert(has_word(spec->env, "TENDD_ATTEMPT=1"));
        ck_assert(has_word(spec->env, "TENDD_DUE=5"));
        ck_assert(has_word(spec->env, "TENDD_TRIGGER=test"));
        ck_assert_ptr_eq(spec->env_base, env.environ);
        ck_assert(spec->output_pipe);
        fake_child_started(child);
        exits(0);
        goes();
}
END_TEST

static const struct {
        const char *shell;
        const char *words[5];
} shells[] = {
        { "/bin/bash", { "/bin/bash", "-eo", "pipefail", "-c", "a | b" } },
        { "/bin/sh", { "/bin/sh", "-ec", "a | b" } },
};

START_TEST(a_shell_is_given_the_text_verbatim) {
        const struct child_spec *spec;

        env.shell = shells[_i].shell;
        text_strv_free(task->exec->command);
        task->exec->command = NULL;
        task->exec->shell = strdup("a | b");
        start_task();
        spec = fake_child_spec(child);
        for (size_t i = 0; i < ARRAY_SIZE(shells[_i].words); i++) {
                if (!shells[_i].words[i]) {
                        ck_assert_ptr_null(spec->argv[i]);
                        break;
                }
                ck_assert_str_eq(spec->argv[i], shells[_i].words[i]);
        }
        fake_child_started(child);
        exits(W_EXITCODE(2, 0));
        goes();
        check_end(OUTCOME_FAILED, "exit/t#1", "shell: exit status 2", 2);
}
END_TEST

/* ---- transient tasks ---- */

static void make_transient(const char *word, const char *variable) {
        task->transient = calloc(1, sizeof(*task->transient));
        ck_assert_ptr_nonnull(task->transient);
        task->transient->items_fd = -EBADF;
        task->transient->as_caller = true;
        task->transient->caller.uid = 1234;
        task->transient->files = (struct child_files *)task; /* the bed does not look into it */
        free(task->exec->command[1]);
        task->exec->command[1] = strdup(word);
        task->transient->env = calloc(2, sizeof(char *));
        task->transient->env[0] = strdup(variable);
}

START_TEST(a_transient_task_is_its_callers_and_its_words_are_not_looked_into) {
        const struct child_spec *spec;
        bool told = false;

        make_transient("{item} {task} {}", "TENDD_TASK={task}");
        start_task();
        spec = fake_child_spec(child);
        ck_assert_str_eq(spec->argv[1], "{item} {task} {}");
        ck_assert_ptr_null(spec->env_base);
        ck_assert_ptr_eq(spec->files, (struct child_files *)task);
        ck_assert_str_eq(spec->env[0], "TENDD_TASK={task}");
        for (size_t i = 1; spec->env[i]; i++) /* what comes last counts */
                told |= streq(spec->env[i], "TENDD_TASK=t");
        ck_assert(told);
        fake_child_started(child);
        exits(0);
        goes();
        task->transient->files = NULL;
}
END_TEST

/* ---- stopping ---- */

static const struct {
        int status;
        const char *errors;
} stops[] = {
        { W_EXITCODE(0, 0), "" },
        { W_EXITCODE(0, SIGUSR1), "" }, /* the stop signal */
        { W_EXITCODE(0, SIGKILL), "" },
        { W_EXITCODE(128 + SIGUSR1, 0), "" },
        { W_EXITCODE(128 + SIGKILL, 0), "" },
        { W_EXITCODE(7, 0), "exit/t#1" },
        { W_EXITCODE(0, SIGTERM), "signal/t#1" },
};

START_TEST(an_end_while_being_stopped_may_be_clean) {
        char expected[32];
        struct run *run;

        task->exec->stop_signal = SIGUSR1;
        run = start_running();
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        (void)snprintf(expected, sizeof(expected), "signal:%d", SIGUSR1);
        check_asked(expected);
        exits(stops[_i].status);
        check_asked(""); /* the others of the tree have their grace */
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", stops[_i].errors);
}
END_TEST

START_TEST(what_does_not_stop_is_killed_after_the_grace) {
        struct run *run = start_running();

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        check_asked("signal:15");
        pass(9 * USEC_PER_SEC);
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me again"), 0);
        settle();
        check_asked("");
        pass(USEC_PER_SEC);
        check_asked("kill");
        exits(W_EXITCODE(0, SIGKILL));
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", "");
}
END_TEST

START_TEST(an_operators_signal_reaches_the_tree_or_the_main_process) {
        struct run *run = start_task();

        ck_assert_uint_eq(run_signal(run, SIGHUP, false), 1); /* it is told when it is there */
        check_asked("spawn signal:1");
        fake_child_started(child);
        settle();
        ck_assert_uint_eq(run_signal(run, SIGHUP, false), 1);
        ck_assert_uint_eq(run_signal(run, SIGHUP, true), 1);
        check_asked("signal:1 main:1");
        check_state("t#1", RUN_RUNNING);
        exits(0);
        goes();
        check_outcome("t#1", OUTCOME_OK);
}
END_TEST

START_TEST(what_outlives_a_stopped_command_is_killed_after_the_grace) {
        struct run *run = start_running();

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        exits(W_EXITCODE(0, SIGTERM));
        check_asked("signal:15");
        pass(10 * USEC_PER_SEC);
        check_asked("kill");
        goes();
        check_outcome("t#1", OUTCOME_CANCELLED);
}
END_TEST

START_TEST(a_stop_before_the_start_is_asked_for_all_the_same) {
        struct run *run = start_task();

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        settle();
        check_asked("spawn signal:15");
        pass(10 * USEC_PER_SEC);
        check_asked("kill");
        fake_child_failed(child, CHILD_STEP_NONE, ECANCELED); /* it never got its turn */
        settle();
        check_outcome("t#1", OUTCOME_CANCELLED);
        check_errors("t#1", "");
}
END_TEST

/* ---- what will not go ---- */

START_TEST(a_tree_that_survives_kill_is_unkillable_and_a_remnant) {
        struct run *run = start_running();
        struct kind_view view;

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        pass(10 * USEC_PER_SEC);
        check_asked("signal:15 kill");
        pass(4 * USEC_PER_SEC);
        ck_assert_ptr_null(result_of("t#1"));
        pass(2 * USEC_PER_SEC);
        check_outcome("t#1", OUTCOME_FAILED);
        check_errors("t#1", "unkillable/t#1");
        ck_assert_uint_eq(remnant_count(), 1);
        ck_assert(kind_view_remnant(run_tree_first_remnant(tree), &view));
        ck_assert_ptr_eq(view.child, child);
        check_asked("");

        /* What it still does and says harms nobody. */
        fake_child_prints(child, "late\n");
        exits(W_EXITCODE(0, SIGKILL));
        check_asked("kill");
        goes();
        ck_assert_uint_eq(remnant_count(), 0);
        check_asked("free");
}
END_TEST

START_TEST(what_a_command_leaves_behind_may_be_unkillable) {
        start_running();
        exits(0);
        check_asked("kill");
        pass(6 * USEC_PER_SEC);
        check_outcome("t#1", OUTCOME_FAILED);
        check_errors("t#1", "unkillable/t#1");
        goes();
        ck_assert_uint_eq(remnant_count(), 0);
}
END_TEST

START_TEST(a_spawn_that_hangs_is_abandoned_and_may_fail_later) {
        struct run *run = start_task();

        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "me"), 0);
        pass(16 * USEC_PER_SEC);
        check_errors("t#1", "unkillable/t#1");
        ck_assert_uint_eq(remnant_count(), 1);
        fake_child_failed(child, CHILD_STEP_STDIN, EIO);
        settle();
        ck_assert_uint_eq(remnant_count(), 0);
}
END_TEST

/* ---- output ---- */

START_TEST(output_is_logged_line_by_line_and_its_end_is_kept) {
        start_running();
        fake_child_prints(child, "one\n<3>tw");
        fake_child_prints(child, "o\nrest");
        ck_assert_str_eq(logged, "6:t#1:one;3:t#1:two;");
        exits(W_EXITCODE(1, 0));
        goes();
        ck_assert_str_eq(logged, "6:t#1:one;3:t#1:two;6:t#1:rest;");
        ck_assert_str_eq(result_of("t#1")->output_tail, "one\n<3>two\nrest");
}
END_TEST

START_TEST(what_it_is_at_is_told) {
        struct run *run = start_task();
        struct kind_view view;

        ck_assert(kind_view_leaf(run_present_leaf(run), &view));
        ck_assert_str_eq(view.doing, "its process is being made");
        fake_child_started(child);
        fake_child_prints(child, "one\n<3>tw");
        settle();
        ck_assert(kind_view_leaf(run_present_leaf(run), &view));
        ck_assert_ptr_eq(view.child, child);
        ck_assert_str_eq(view.doing, "");
        ck_assert_str_eq(view.last_line, "tw");
        fake_child_exited(child, 0);
        settle();
        ck_assert(kind_view_leaf(run_present_leaf(run), &view));
        ck_assert_str_eq(view.doing, "the command has ended; what it left is being ended");
        goes();
}
END_TEST

static char suppressed[512];

static void on_suppressed(const struct task *of, const char *run, const char *text) {
        size_t at = strlen(suppressed);

        ck_assert_ptr_eq(of, task);
        (void)snprintf(suppressed + at, sizeof(suppressed) - at, "%s%s%s;", run ? run : "", run ? " " : "", text);
}

START_TEST(what_is_more_than_log_rate_is_counted_and_told) {
        suppressed[0] = '\0';
        env.on_suppressed = on_suppressed;
        task->exec->log_rate = 3;
        task->exec->log_rate_usec = 10 * USEC_PER_SEC;
        start_running();
        ck_assert(fake_child_prints(child, "1\n2\n"));
        ck_assert_str_eq(logged, "6:t#1:1\n2;");
        pass(4 * USEC_PER_SEC);
        ck_assert(fake_child_prints(child, "3\n4\n5\n"));
        ck_assert(fake_child_prints(child, "6\n"));
        ck_assert_str_eq(logged, "6:t#1:1\n2;6:t#1:3;");
        ck_assert_str_eq(suppressed, "t#1 output is not logged for 6s: it was more than log-rate, 3 lines in 10s;");

        /* It is told how many they were also when nothing follows. */
        suppressed[0] = '\0';
        pass(6 * USEC_PER_SEC);
        ck_assert_str_eq(suppressed, "3 lines of output were not logged;");
        logged[0] = suppressed[0] = '\0';
        ck_assert(fake_child_prints(child, "7\n8\n9\n10\n"));
        ck_assert_str_eq(logged, "6:t#1:7\n8\n9;");
        ck_assert_ptr_nonnull(strstr(suppressed, "output is not logged for 10s"));
        exits(0);
        goes();
}
END_TEST

START_TEST(runs_of_a_task_share_its_log_rate) {
        suppressed[0] = '\0';
        env.on_suppressed = on_suppressed;
        task->exec->log_rate = 1;
        task->exec->log_rate_usec = 10 * USEC_PER_SEC;
        start_running();
        ck_assert(fake_child_prints(child, "1\n"));
        exits(0);
        goes();
        check_asked("kill free");
        start_running();
        ck_assert(fake_child_prints(child, "2\n"));
        ck_assert_str_eq(logged, "6:t#1:1;");
        exits(0);
        goes();
}
END_TEST

START_TEST(log_rate_may_be_infinite) {
        task->exec->log_rate = 0;
        start_running();
        for (int i = 0; i < 100; i++)
                ck_assert(fake_child_prints(child, "x\n"));
        ck_assert_uint_eq(strlen(logged), 100 * strlen("6:t#1:x;"));
        ck_assert_ptr_null(task->exec->gate);
        exits(0);
        goes();
}
END_TEST

START_TEST(a_child_waits_while_the_log_is_congested) {
        start_running();
        check_asked("");
        ck_assert(fake_child_prints(child, "one\n"));
        check_asked("");
        congested = true;
        ck_assert(!fake_child_prints(child, "two\n"));
        check_asked("pause");
        pass(USEC_PER_SEC);
        check_asked("");
        congested = false;
        pass(USEC_PER_SEC);
        check_asked("resume");
        ck_assert(fake_child_prints(child, "two\n"));
        ck_assert_str_eq(logged, "6:t#1:one;6:t#1:two;");

        /* One that ends meanwhile is not asked for more. */
        congested = true;
        ck_assert(!fake_child_prints(child, "three\n"));
        exits(0);
        goes();
        check_asked("pause kill free");
        pass(USEC_PER_SEC);
}
END_TEST

static const struct {
        enum output_type output;
        bool listens; /* has idle-timeout */
        bool pipe;
        const char *logged;
        const char *tail;
} outputs[] = {
        { OUTPUT_LOG, false, true, "6:t#1:text;", "text\n" },
        { OUTPUT_LOG, true, true, "6:t#1:text;", "text\n" },
        { OUTPUT_NULL, false, false, "", NULL },
        { OUTPUT_NULL, true, true, "", NULL },
        { OUTPUT_FILE, false, false, "", "text\n" }, /* which has a pipe as well */
        { OUTPUT_FILE, true, true, "", "text\n" },
};

START_TEST(output_is_read_where_something_depends_on_it) {
        const struct child_spec *spec;
        bool is_read = outputs[_i].pipe || outputs[_i].output == OUTPUT_FILE;

        task->exec->output = outputs[_i].output;
        if (outputs[_i].output == OUTPUT_FILE)
                task->exec->output_path = strdup("/var/log/{task}.log");
        if (outputs[_i].listens)
                task->run.bounds[BOUND_IDLE_TIMEOUT] = 10 * USEC_PER_SEC;
        start_running();
        spec = fake_child_spec(child);
        ck_assert_int_eq(spec->output_pipe, outputs[_i].pipe);
        if (outputs[_i].output == OUTPUT_FILE)
                ck_assert_str_eq(spec->output_path, "/var/log/t.log");
        else
                ck_assert_ptr_null(spec->output_path);
        if (is_read) {
                congested = outputs[_i].output != OUTPUT_LOG; /* which is of no matter then */
                pass(9 * USEC_PER_SEC);
                ck_assert(fake_child_prints(child, "text\n"));
        }
        exits(0);
        goes();
        ck_assert_str_eq(logged, outputs[_i].logged);
        if (outputs[_i].tail)
                ck_assert_str_eq(result_of("t#1")->output_tail, outputs[_i].tail);
        else
                ck_assert_ptr_null(result_of("t#1")->output_tail);
}
END_TEST

START_TEST(silence_is_what_idle_timeout_bounds) {
        task->exec->output = OUTPUT_NULL;
        task->run.bounds[BOUND_IDLE_TIMEOUT] = 10 * USEC_PER_SEC;
        start_running();
        pass(9 * USEC_PER_SEC);
        fake_child_prints(child, "x");
        pass(9 * USEC_PER_SEC);
        check_state("t#1", RUN_RUNNING);
        check_asked("");

        /* What was printed and could not be read yet is no silence. */
        fake_child_hold_output(child, true);
        pass(30 * USEC_PER_SEC);
        check_state("t#1", RUN_RUNNING);
        check_asked("");
        fake_child_hold_output(child, false);
        pass(10 * USEC_PER_SEC);
        check_asked("signal:15");
        exits(W_EXITCODE(0, SIGTERM));
        goes();
        check_outcome("t#1", OUTCOME_TIMEOUT);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kind-exec");
        TCase *tcase = tcase_create("kind-exec");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, exec_setup, exec_teardown);
        tcase_add_loop_test(tcase, the_commands_end_is_the_runs, 0, ARRAY_SIZE(ends));
        tcase_add_loop_test(tcase, a_kill_by_the_kernel_is_explained, 0, (int)ARRAY_SIZE(kills));
        tcase_add_test(tcase, a_cancel_after_the_exit_changes_nothing);
        tcase_add_test(tcase, an_exit_that_has_happened_wins_against_the_timeout);
        tcase_add_loop_test(tcase, a_spawn_that_fails_names_what_and_why, 0, ARRAY_SIZE(failures));
        tcase_add_test(tcase, a_shell_that_is_missing_is_named_by_its_path);
        tcase_add_test(tcase, a_spawn_that_is_refused_fails_the_run);
        tcase_add_test(tcase, a_failed_spawn_is_retried_after_the_delay);
        tcase_add_test(tcase, the_child_is_told_what_it_is_for);
        tcase_add_loop_test(tcase, a_shell_is_given_the_text_verbatim, 0, ARRAY_SIZE(shells));
        tcase_add_test(tcase, a_transient_task_is_its_callers_and_its_words_are_not_looked_into);
        tcase_add_loop_test(tcase, an_end_while_being_stopped_may_be_clean, 0, ARRAY_SIZE(stops));
        tcase_add_test(tcase, what_does_not_stop_is_killed_after_the_grace);
        tcase_add_test(tcase, an_operators_signal_reaches_the_tree_or_the_main_process);
        tcase_add_test(tcase, what_outlives_a_stopped_command_is_killed_after_the_grace);
        tcase_add_test(tcase, a_stop_before_the_start_is_asked_for_all_the_same);
        tcase_add_test(tcase, a_tree_that_survives_kill_is_unkillable_and_a_remnant);
        tcase_add_test(tcase, what_a_command_leaves_behind_may_be_unkillable);
        tcase_add_test(tcase, a_spawn_that_hangs_is_abandoned_and_may_fail_later);
        tcase_add_test(tcase, output_is_logged_line_by_line_and_its_end_is_kept);
        tcase_add_test(tcase, what_it_is_at_is_told);
        tcase_add_test(tcase, what_is_more_than_log_rate_is_counted_and_told);
        tcase_add_test(tcase, runs_of_a_task_share_its_log_rate);
        tcase_add_test(tcase, log_rate_may_be_infinite);
        tcase_add_test(tcase, a_child_waits_while_the_log_is_congested);
        tcase_add_loop_test(tcase, output_is_read_where_something_depends_on_it, 0, ARRAY_SIZE(outputs));
        tcase_add_test(tcase, silence_is_what_idle_timeout_bounds);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
