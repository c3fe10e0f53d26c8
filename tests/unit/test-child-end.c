/* SPDX-License-Identifier: MIT */
/* child-end: ends are told once, signals and kills reach the whole tree, and nothing of it is left. */
#include "support/child-bed.h"
#include "support/hostile.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- ends ---- */

static const struct {
        const char *text;
        int status;
} ends[] = {
        { "exit 0", 0 },
        { "exit 1", W_EXITCODE(1, 0) },
        { "exit 255", W_EXITCODE(255, 0) },
        { "kill -TERM $$", SIGTERM },
        { "kill -KILL $$", SIGKILL },
};

START_TEST(every_end_is_told_once) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(SHELL(ends[_i].text));

        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->status, ends[_i].status);
        ck_assert_uint_eq(probe->started, 1);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_uint_eq(probe->ended_output, 1);
        ck_assert_uint_eq(probe->gone, 1);
        ck_assert_int_gt(probe->usage.ru_maxrss, 0);
        ck_assert_int_eq(kill(probe->pid, 0), -1); /* reaped */
}
END_TEST

START_TEST(a_poll_takes_an_exit_that_has_happened) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("deaf"));
        siginfo_t info;

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        child_poll(probe->child);
        ck_assert_uint_eq(probe->exited, 0);
        ck_assert_int_eq(kill(probe->pid, SIGKILL), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)probe->pid, &info, WEXITED | WNOWAIT), 0);
        child_poll(probe->child);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_int_eq(probe->status, SIGKILL);
        ck_assert_uint_eq(probe->gone, 0);
        child_bed_run(probe, 1, child_bed_all_gone);
}
END_TEST

/* ---- ending trees ---- */

START_TEST(no_process_survives_a_kill) {
        _cleanup_(freep) struct probe *probe = probe_new();
        const struct hostile_mode *mode = &hostile_modes[_i];
        struct child_spec spec = child_bed_spec(HOSTILE(mode->name));
        usec_t start;

        if ((mode->flags & HOSTILE_SILENT) || ((mode->flags & HOSTILE_NEEDS_GROUP) && !child_bed.with_cgroups))
                return;
        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        ck_assert_ptr_nonnull(strstr(probe->output, "ready"));
        start = clock_now(CLOCK_ID_MONOTONIC);
        child_kill(probe->child);
        child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_uint_eq(child_bed_count_left(), 0);
        ck_assert_uint_eq(child_bed_count_unreaped(), 0);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_uint_lt(clock_now(CLOCK_ID_MONOTONIC) - start, 5 * USEC_PER_SEC);
}
END_TEST

static bool has_looked_for_a_while(const struct probe *probe, _unused_ size_t n) {
        static unsigned looks;

        return probe->exited > 0 || ++looks > 20;
}

/* Ready for epoll, but not for wait(2). */
START_TEST(an_end_that_a_tracer_withholds_does_not_keep_the_loop_busy) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("tracer"));
        struct loop_stats before, after;

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        loop_get_stats(child_bed.loop, &before);
        child_bed_look();
        child_bed_run(probe, 1, has_looked_for_a_while);
        loop_get_stats(child_bed.loop, &after);
        ck_assert_uint_eq(probe->exited, 0);
        ck_assert_uint_lt(after.turns - before.turns, 200);
        child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_uint_eq(child_bed_count_left(), 0);
}
END_TEST

static bool has_exited(const struct probe *probe, _unused_ size_t n) {
        return probe->exited > 0;
}

START_TEST(what_is_left_after_the_exit_is_killed_on_demand) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("orphan"));

        probe->kill_on_exit = true;
        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->status, 0);
        ck_assert_uint_eq(child_bed_count_left(), 0);
}
END_TEST

START_TEST(what_is_left_may_end_by_itself) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("linger"));
        int fd;

        spec.stdin_path = child_bed_path("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        fd = open(spec.stdin_path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, has_exited);
        ck_assert_uint_eq(probe->gone, 0);
        ck_assert_uint_eq(child_bed_count_left(), 1);
        (void)close(fd);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_uint_eq(child_bed_count_left(), 0);
}
END_TEST

START_TEST(orphans_of_one_do_not_hold_up_another) {
        _cleanup_(freep) struct probe *daemon = probe_new(), *other = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("escape")), quick = child_bed_spec(SHELL("exit 0"));

        child_bed_spawn(daemon, &spec);
        child_bed_run(daemon, 1, child_bed_is_ready);
        quick.marker = "INVOCATION_ID=other";
        quick.env = WORDS("INVOCATION_ID=other");
        child_bed_run_to_end(other, &quick);
        ck_assert_uint_eq(daemon->exited, 0);
        ck_assert_uint_eq(child_bed_count_left(), 2);
        child_kill(daemon->child);
        child_bed_run(daemon, 1, child_bed_all_gone);
}
END_TEST

START_TEST(a_signal_reaches_the_whole_tree) {
        static const char *const modes[] = { "stopped", "regroup", "chain" };
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE(modes[_i]));

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        ck_assert_uint_gt(child_bed_count_left(), 1);
        child_signal(probe->child, _i == 2 ? SIGUSR1 : SIGTERM);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_int_eq(probe->status, _i == 2 ? SIGUSR1 : SIGTERM);
        ck_assert_uint_eq(child_bed_count_left(), 0);
}
END_TEST

START_TEST(a_signal_asked_for_before_the_start_is_sent_after_it) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("sleep", "1000"));

        child_bed_spawn(probe, &spec);
        child_signal(probe->child, SIGTERM);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_int_eq(probe->status, SIGTERM);
}
END_TEST

START_TEST(a_signal_to_the_main_process_spares_the_others) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(SHELL("sleep 1000 & trap 'exit 7' USR1; echo ready; wait"));

        child_bed_spawn(probe, &spec);
        ck_assert_int_eq(child_signal_main(probe->child, SIGUSR1), -ESRCH);
        child_bed_run(probe, 1, child_bed_is_ready);
        ck_assert_int_eq(child_signal_main(probe->child, SIGUSR1), 0);
        child_bed_run(probe, 1, has_exited);
        ck_assert_int_eq(probe->status, W_EXITCODE(7, 0));
        ck_assert_int_eq(child_signal_main(probe->child, SIGUSR1), -ESRCH);
        ck_assert_uint_eq(child_bed_count_left(), 1);
        child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
}
END_TEST

START_TEST(a_freed_child_is_ended_in_the_background) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(HOSTILE("escape"));

        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        probe->child = child_free(probe->child);
        child_bed_look();
        child_bed_run(probe, 1, child_bed_nobody_left);
        ck_assert_uint_eq(probe->exited, 0);
}
END_TEST

START_TEST(a_child_may_be_freed_at_any_time) {
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));
        _cleanup_(freep) struct probe *probes = calloc(3, sizeof(*probes));

        child_bed_spawn(&probes[0], &spec);
        probes[0].child = child_free(probes[0].child); /* while it starts */
        probes[1].free_in_callback = true;
        child_bed_spawn(&probes[1], &spec);
        child_bed_spawn(&probes[2], &spec);
        child_bed_run(&probes[1], 2, child_bed_all_gone);
        child_bed_look();
        child_bed_run(probes, 1, child_bed_nobody_left);
        ck_assert_uint_eq(probes[0].started, 0);
}
END_TEST

START_TEST(the_spawner_ends_what_still_lives) {
        _cleanup_(freep) struct probe *probes = calloc(2, sizeof(*probes));
        struct child_spec spec = child_bed_spec(HOSTILE("escape"));

        child_bed_spawn(&probes[0], &spec);
        child_bed_run(&probes[0], 1, child_bed_is_ready);
        child_bed_spawn(&probes[1], &spec); /* and this one is not even started */
        /* teardown() looks for leftovers */
}
END_TEST

static Suite *child_end_suite(void) {
        Suite *suite = suite_create("child-end");
        TCase *tcase = child_bed_case(suite, "end");

        tcase_add_loop_test(tcase, every_end_is_told_once, 0, (int)ARRAY_SIZE(ends));
        tcase_add_test(tcase, a_poll_takes_an_exit_that_has_happened);
        tcase_add_loop_test(tcase, no_process_survives_a_kill, 0, (int)hostile_n_modes);
        tcase_add_test(tcase, an_end_that_a_tracer_withholds_does_not_keep_the_loop_busy);
        tcase_add_test(tcase, what_is_left_after_the_exit_is_killed_on_demand);
        tcase_add_test(tcase, what_is_left_may_end_by_itself);
        tcase_add_test(tcase, orphans_of_one_do_not_hold_up_another);
        tcase_add_loop_test(tcase, a_signal_reaches_the_whole_tree, 0, 3);
        tcase_add_test(tcase, a_signal_asked_for_before_the_start_is_sent_after_it);
        tcase_add_test(tcase, a_signal_to_the_main_process_spares_the_others);
        tcase_add_test(tcase, a_freed_child_is_ended_in_the_background);
        tcase_add_test(tcase, a_child_may_be_freed_at_any_time);
        tcase_add_test(tcase, the_spawner_ends_what_still_lives);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_end_suite);
}
