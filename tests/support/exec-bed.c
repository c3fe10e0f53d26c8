/* SPDX-License-Identifier: MIT */
/* exec-bed: see exec-bed.h. */
#include "support/exec-bed.h"

#include "base/log.h"
#include "base/text.h"
#include "task/output_gate.h"

#include <stdio.h>

struct task_env env;
struct task *task;
struct child *child;

/* ---- in place of the logger ---- */

char logged[1024];
bool congested;

void log_output(int level, const struct log_context *context, const char *line, size_t n) {
        size_t at = strlen(logged);

        ck_assert_str_eq(context->task, "t");
        ck_assert_str_eq(context->identifier, "t");
        (void)snprintf(logged + at, sizeof(logged) - at, "%d:%s:%.*s;", level, context->run, (int)n, line);
}

bool log_is_congested(void) {
        return congested;
}

void log_record(int level _unused_, const struct log_context *context _unused_, const char *format _unused_, ...) {
}

/* ---- set up ---- */

static char *const words[] = { (char *)"PATH=/bin", NULL };

void exec_setup(void) {
        fixture_setup();
        fake_child_reset();
        logged[0] = '\0';
        congested = false;
        env = (struct task_env){ .loop = loop, .environ = words, .shell = "/bin/bash" };
        task = task_new("t");
        ck_assert_ptr_nonnull(task);
        task->kind = &kind_exec;
        task->env = &env;
        task->run.leaf = kind_exec.leaf;
        task->run.grace_usec = 10 * USEC_PER_SEC;
        task->part = calloc(1, kind_exec.part_size);
        ck_assert_ptr_nonnull(task->part);
        kind_exec.part_init(task->part);
        task->exec->command = calloc(3, sizeof(char *));
        task->exec->command[0] = strdup("/usr/bin/job");
        task->exec->command[1] = strdup("--now");
        for (enum bound b = 0; b < _BOUND_MAX; b++)
                task->run.bounds[b] = USEC_INFINITY;
}

void exec_teardown(void) {
        ck_assert_uint_eq(remnant_count(), 0);
        task->exec->gate = output_gate_free(task->exec->gate); /* its timer is of the loop */
        fixture_teardown();
        ck_assert_uint_eq(fake_child_count(), 0);
        task_unref(task);
}

struct run *start_task(void) {
        struct run_start how = { .spec = &task->run, .number = 1, .trigger = "test", .due_realtime_usec = 5000000 };
        struct run *run;

        ck_assert_int_eq(run_tree_start(tree, &how, &run), 0);
        settle();
        child = fake_child_last();
        return run;
}

void check_subject(void) {
        if (remnant_count() == 0)
                ck_assert_str_eq(loop_subject(loop), "t");
        loop_set_subject(loop, NULL);
}

struct run *start_running(void) {
        struct run *run = start_task();

        check_asked("spawn");
        fake_child_started(child);
        check_subject();
        settle();
        check_state("t#1", RUN_RUNNING);
        return run;
}

void exits(int status) {
        fake_child_exited(child, status);
        check_subject();
        settle();
}

void goes(void) {
        bool abandoned = remnant_count() > 0;

        fake_child_gone(child);
        if (!abandoned)
                check_subject();
        settle();
}
