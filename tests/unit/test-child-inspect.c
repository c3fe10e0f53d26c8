/* SPDX-License-Identifier: MIT */
/* child-inspect: what the processes of a child are at is told, of all of them, however they were left, and in a later
 * turn. */
#include "loop/child_inspect.h"

#include "support/child-bed.h"

#include <ctype.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

/* What was told, and how often. */
static struct {
        unsigned n_told;
        int error;
        struct child_process *list;
        size_t n;
        size_t n_more;
} got;

static void forget(void) {
        free(got.list);
        memset(&got, 0, sizeof(got));
}

static void on_inspected(const struct child_processes *processes, _unused_ void *arg) {
        unsigned n_told = got.n_told;

        forget();
        got.n_told = n_told + 1;
        got.error = processes->error;
        got.n = processes->n;
        got.n_more = processes->n_more;
        got.list = calloc(MAX(got.n, (size_t)1), sizeof(*got.list));
        ck_assert_ptr_nonnull(got.list);
        if (got.n > 0)
                memcpy(got.list, processes->list, got.n * sizeof(*got.list));
        child_bed_check();
}

static bool was_told(_unused_ const struct probe *probes, _unused_ size_t n) {
        return got.n_told > 0;
}

static struct child_inspection *ask(struct probe *probe) {
        struct child_inspection *inspection = NULL;

        ck_assert_int_eq(child_inspect(probe->child, false, on_inspected, NULL, &inspection), 0);
        return inspection;
}

static void inspect(struct probe *probe) {
        forget();
        ask(probe);
        ck_assert_uint_eq(got.n_told, 0); /* not from inside */
        child_bed_run(probe, 1, was_told);
        ck_assert_int_eq(got.error, 0);
}

/* Looks again until @fits says so of what was told: what processes say of themselves may be ahead of their state. */
static void inspect_until(struct probe *probe, bool (*fits)(void)) {
        for (usec_t end = clock_now(CLOCK_ID_MONOTONIC) + 20 * USEC_PER_SEC; clock_now(CLOCK_ID_MONOTONIC) < end;) {
                inspect(probe);
                if (fits())
                        return;
        }
        for (size_t i = 0; i < got.n; i++)
                printf("%d %c %s: %s\n", got.list[i].pid, got.list[i].state, got.list[i].wchan, got.list[i].command);
        ck_abort_msg("not within 20 s");
}

static const struct child_process *find(const char *name) {
        for (size_t i = 0; i < got.n; i++)
                if (streq(got.list[i].name, name))
                        return &got.list[i];
        return NULL;
}

static struct probe *spawn(char *const *argv) {
        struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(argv);

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        ck_assert_ptr_nonnull(strstr(probe->output, "ready"));
        return probe;
}

static void end(struct probe *probe) {
        if (probe->child)
                child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
        free(probe);
        forget();
}

/* ---- what is told ---- */

/* The one below @parent. */
static const struct child_process *find_below(pid_t parent) {
        for (size_t i = 0; i < got.n; i++)
                if (got.list[i].parent == parent)
                        return &got.list[i];
        return NULL;
}

static bool is_nested_and_asleep(void) {
        const struct child_process *sleep = got.n == 3 ? find("sleep") : NULL;

        return sleep && sleep->state == 'S' && got.list[0].state == 'S';
}

START_TEST(all_of_a_nested_shell_are_told) {
        struct probe *probe = spawn(SHELL("sh -c 'echo ready; sleep 61; :'; :"));
        usec_t now = clock_now(CLOCK_ID_BOOTTIME);

        inspect_until(probe, is_nested_and_asleep);
        ck_assert_int_eq(got.list[0].pid, probe->pid);
        ck_assert_int_eq(got.list[0].parent, getpid());
        ck_assert_ptr_nonnull(find_below(probe->pid));
        ck_assert_ptr_eq(find_below(find_below(probe->pid)->pid), find("sleep"));
        ck_assert_str_eq(got.list[0].command, "/bin/sh -c sh -c 'echo ready; sleep 61; :'; :");
        ck_assert_str_eq(find("sleep")->command, "sleep 61");
        for (size_t i = 0; i < got.n; i++) {
                ck_assert_uint_eq(got.list[i].threads, 1);
                ck_assert_uint_gt(got.list[i].memory, 50 * 1024);
                ck_assert_uint_lt(got.list[i].memory, 64 * 1024 * 1024);
                ck_assert_uint_gt(got.list[i].cpu_usec, 0);
                ck_assert_uint_lt(got.list[i].cpu_usec, USEC_PER_SEC);
                ck_assert_uint_ge(got.list[i].started_usec + 100 * USEC_PER_MSEC, now - 10 * USEC_PER_SEC);
                ck_assert_uint_le(got.list[i].started_usec, clock_now(CLOCK_ID_BOOTTIME));
        }
        end(probe);
}
END_TEST

static bool is_stopped(void) {
        for (size_t i = 0; i < got.n; i++)
                if (got.list[i].state == 'T')
                        return true;
        return false;
}

START_TEST(a_stopped_process_is_told_as_such) {
        struct probe *probe = spawn(HOSTILE("stopped"));

        inspect_until(probe, is_stopped);
        ck_assert_uint_eq(got.n, 2);
        end(probe);
}
END_TEST

START_TEST(threads_and_sessions_hide_nobody) {
        struct probe *probe = spawn(HOSTILE("threaded"));

        inspect(probe);
        ck_assert_uint_eq(got.n, 2);
        ck_assert_uint_ge(got.list[0].threads, 2); /* a sanitizer may have one of its own */
        end(probe);
        probe = spawn(HOSTILE("regroup"));
        inspect(probe);
        ck_assert_uint_eq(got.n, 3);
        end(probe);
        probe = spawn(HOSTILE("escape"));
        inspect(probe);
        ck_assert_uint_eq(got.n, 2);
        end(probe);
}
END_TEST

static bool is_zombie_below(void) {
        return got.n == 2 && got.list[1].state == 'Z';
}

START_TEST(a_child_that_nobody_waits_for_is_told) {
        struct probe *probe = spawn(SHELL("sleep 0 & echo ready; exec sleep 60"));

        inspect_until(probe, is_zombie_below);
        ck_assert_str_eq(got.list[1].command, "");
        end(probe);
}
END_TEST

static bool has_exited(const struct probe *probe, _unused_ size_t n) {
        return probe->exited > 0;
}

START_TEST(what_the_main_process_left_is_told) {
        struct probe *probe = spawn(HOSTILE("orphan"));

        child_bed_run(probe, 1, has_exited);
        inspect(probe);
        ck_assert_int_eq(got.list[0].pid, probe->pid);
        ck_assert_int_eq(got.list[0].state, 'Z'); /* kept until the other one is gone */
        ck_assert_uint_eq(got.n, 2);
        end(probe);
}
END_TEST

START_TEST(a_command_line_is_fit_to_be_shown) {
        _cleanup_(freep) char *longest = malloc(4096);
        struct probe *probe;
        const char *command;

        ck_assert_ptr_nonnull(longest);
        memset(longest, 'x', 4095);
        longest[4095] = '\0';
        probe = spawn(WORDS("/bin/sh", "-c", "echo ready; kill -STOP $$", "a\033b\tc\xff\xc3\xa9", longest));
        inspect(probe);
        command = got.list[0].command;
        ck_assert_ptr_nonnull(strstr(command, " a?b?c?\xc3\xa9 xxx"));
        ck_assert_uint_eq(strlen(command), CHILD_COMMAND_MAX);
        end(probe);
}
END_TEST

START_TEST(processor_time_is_told_finely) {
        struct probe *probe = spawn(SHELL("echo ready; while :; do :; done"));
        struct child_process first;

        inspect(probe);
        first = got.list[0];
        ck_assert_int_eq(first.state, 'R');
        do
                inspect(probe);
        while (got.list[0].cpu_usec == first.cpu_usec);
        ck_assert_uint_eq(got.list[0].started_usec, first.started_usec);
        ck_assert_uint_gt(got.list[0].looked_usec, first.looked_usec);
        ck_assert_uint_gt(got.list[0].cpu_usec, first.cpu_usec);
        end(probe);
}
END_TEST

static bool is_complete(void) {
        return got.n == CHILD_PROCESSES_MAX && got.n_more == 60 + 1;
}

START_TEST(too_many_are_counted) {
        struct probe *probe =
                spawn(SHELL("i=0; while [ $i -lt 1060 ]; do sleep 60 & i=$((i+1)); done; echo ready; wait"));

        inspect_until(probe, is_complete);
        ck_assert_int_eq(got.list[0].pid, probe->pid);
        end(probe);
}
END_TEST

/* ---- who asks ---- */

START_TEST(those_who_ask_together_are_all_told) {
        struct probe *probe = spawn(SHELL("echo ready; sleep 60"));
        struct child_inspection *cancelled;

        ask(probe);
        cancelled = ask(probe);
        ask(probe);
        ck_assert_ptr_null(child_inspection_cancel(cancelled));
        child_bed_run(probe, 1, was_told);
        ck_assert_uint_eq(got.n_told, 2);
        end(probe);
}
END_TEST

START_TEST(a_second_look_tells_what_is_used_now) {
        struct probe *probe = spawn(SHELL("sleep 60 & echo ready; while :; do :; done"));
        struct child_inspection *inspection;

        forget();
        ask(probe);
        ck_assert_int_eq(child_inspect(probe->child, true, on_inspected, NULL, &inspection), 0);
        child_bed_run(probe, 1, was_told);
        ck_assert_uint_eq(got.n_told, 1);
        ck_assert_uint_eq(got.list[0].recent_usec, 0);
        forget();
        child_bed_run(probe, 1, was_told);
        ck_assert_uint_eq(got.n, 2);
        ck_assert_uint_ge(got.list[0].recent_usec, CHILD_INSPECT_SPAN_USEC);
        ck_assert_uint_ge(got.list[1].recent_usec, CHILD_INSPECT_SPAN_USEC);
        while (got.list[0].recent_cpu_usec == 0) { /* on a busy machine it may not have had its turn */
                ck_assert_int_eq(child_inspect(probe->child, true, on_inspected, NULL, &inspection), 0);
                forget();
                child_bed_run(probe, 1, was_told);
        }

        /* The end of the child, of who asks and of all between two looks. */
        ck_assert_int_eq(child_inspect(probe->child, true, on_inspected, NULL, &inspection), 0);
        forget();
        ask(probe);
        child_bed_run(probe, 1, was_told);
        child_kill(probe->child);
        forget();
        child_bed_run(probe, 1, was_told);
        ck_assert(got.error == -ESRCH || got.n > 0);
        end(probe);
        probe = spawn(SHELL("echo ready; sleep 60"));
        ck_assert_int_eq(child_inspect(probe->child, true, on_inspected, NULL, &inspection), 0);
        forget();
        ask(probe);
        child_bed_run(probe, 1, was_told);
        child_inspection_cancel(inspection);
        child_bed.spawner = spawner_free(child_bed.spawner);
        free(probe);
}
END_TEST

START_TEST(many_children_are_looked_at_in_turn) {
        enum { N = 20 };
        struct probe *probes[N];

        for (size_t i = 0; i < N; i++)
                probes[i] = spawn(SHELL("echo ready; exec sleep 60"));
        for (size_t i = 0; i < N; i++)
                ask(probes[i]);
        while (got.n_told < N) {
                unsigned before = got.n_told;

                got.n_told = 0;
                child_bed_run(probes[0], 1, was_told);
                got.n_told += before;
                ck_assert_int_eq(got.error, 0);
                ck_assert_uint_eq(got.n, 1);
        }
        for (size_t i = 0; i < N; i++)
                end(probes[i]);
}
END_TEST

static void on_inspected_free(_unused_ const struct child_processes *processes, void *arg) {
        struct probe *probe = arg;

        got.n_told++;
        probe->child = child_free(probe->child);
        child_bed_check();
}

/* Of the next so many processes the command line cannot be read before release(), as of one that hangs in the kernel. */
static atomic_uint n_to_stall, n_stalled;
static sem_t released;

int __real_openat(int dir_fd, const char *path, int flags, ...);
int __wrap_openat(int dir_fd, const char *path, int flags, ...);

/* None of those who call it here create a file. */
int __wrap_openat(int dir_fd, const char *path, int flags, ...) {
        if (streq(path, "cmdline") && atomic_load(&n_to_stall) > 0) {
                atomic_fetch_sub(&n_to_stall, 1);
                atomic_fetch_add(&n_stalled, 1);
                while (sem_wait(&released) < 0)
                        ;
        }
        return __real_openat(dir_fd, path, flags);
}

static bool two_are_stalled(_unused_ const struct probe *probes, _unused_ size_t n) {
        return atomic_load(&n_stalled) == 2;
}

static bool is_gone(const struct probe *probe, _unused_ size_t n) {
        return probe->gone > 0;
}

START_TEST(looks_that_hang_hold_up_neither_others_nor_the_end) {
        struct probe *hung[2], *other = spawn(SHELL("echo ready; sleep 60"));

        ck_assert_int_eq(sem_init(&released, 0, 0), 0);
        atomic_store(&n_to_stall, 2);
        forget();
        for (size_t i = 0; i < 2; i++) {
                hung[i] = spawn(SHELL("echo ready; exec sleep 60"));
                ask(hung[i]);
        }
        child_bed_look();
        child_bed_run(other, 1, two_are_stalled);
        ask(other);
        child_bed_run(other, 1, was_told);
        ck_assert_int_eq(got.error, 0);
        ck_assert_uint_eq(got.n, 2);
        for (size_t i = 0; i < 2; i++) {
                child_kill(hung[i]->child);
                child_bed_run(hung[i], 1, is_gone);
        }
        ck_assert_uint_eq(got.n_told, 1);
        (void)sem_post(&released);
        (void)sem_post(&released);
        forget();
        while (got.n_told < 2) {
                unsigned before = got.n_told;

                got.n_told = 0;
                child_bed_run(other, 1, was_told);
                got.n_told += before;
                ck_assert_int_eq(got.error, -ESRCH);
        }
        free(hung[0]);
        free(hung[1]);
        end(other);
}
END_TEST

START_TEST(a_child_may_be_freed_before_and_when_it_is_told) {
        struct probe *probe = spawn(SHELL("echo ready; sleep 60"));
        struct child_inspection *inspection;

        ck_assert_int_eq(child_inspect(probe->child, false, on_inspected_free, probe, &inspection), 0);
        child_bed_run(probe, 1, was_told);
        ck_assert_ptr_null(probe->child);
        free(probe);

        probe = spawn(SHELL("echo ready; sleep 60"));
        forget();
        ask(probe);
        probe->child = child_free(probe->child);
        child_bed_run(probe, 1, was_told);
        ck_assert(got.error == 0 || got.error == -ESRCH);
        child_bed_look();
        child_bed_run(probe, 1, child_bed_nobody_left);
        free(probe);
}
END_TEST

START_TEST(there_must_be_processes) {
        struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(SHELL("echo ready"));
        struct child_inspection *inspection;

        child_bed_spawn(probe, &spec);
        ck_assert_int_eq(child_inspect(probe->child, false, on_inspected, NULL, &inspection), -ESRCH);
        end(probe);
}
END_TEST

START_TEST(the_spawner_may_go_first) {
        struct probe *probe = spawn(SHELL("echo ready; sleep 60"));
        struct child_inspection *inspection = ask(probe);

        child_bed.spawner = spawner_free(child_bed.spawner);
        ck_assert_uint_eq(got.n_told, 0);
        child_inspection_cancel(inspection);
        free(probe);
}
END_TEST

static Suite *suite(void) {
        Suite *suite = suite_create("child-inspect");
        TCase *tcase = child_bed_case(suite, "told");

        tcase_add_test(tcase, all_of_a_nested_shell_are_told);
        tcase_add_test(tcase, a_stopped_process_is_told_as_such);
        tcase_add_test(tcase, threads_and_sessions_hide_nobody);
        tcase_add_test(tcase, a_child_that_nobody_waits_for_is_told);
        tcase_add_test(tcase, what_the_main_process_left_is_told);
        tcase_add_test(tcase, a_command_line_is_fit_to_be_shown);
        tcase_add_test(tcase, processor_time_is_told_finely);
        tcase_add_test(tcase, too_many_are_counted);
        tcase = child_bed_case(suite, "asking");
        tcase_add_test(tcase, those_who_ask_together_are_all_told);
        tcase_add_test(tcase, a_second_look_tells_what_is_used_now);
        tcase_add_test(tcase, many_children_are_looked_at_in_turn);
        tcase_add_test(tcase, looks_that_hang_hold_up_neither_others_nor_the_end);
        tcase_add_test(tcase, a_child_may_be_freed_before_and_when_it_is_told);
        tcase_add_test(tcase, there_must_be_processes);
        tcase_add_test(tcase, the_spawner_may_go_first);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, suite);
}
