/* SPDX-License-Identifier: MIT */
/* child-spawn: how a process begins, or does not: the step that failed, what runs out, what hangs before exec. */
#include "support/child-bed.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- faults: glibc's functions, overridden ---- */

static int fail_clone_with;

int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...) {
        static __typeof__(clone) *real;
        va_list list;
        int *pidfd;

        if (fail_clone_with > 0) {
                errno = fail_clone_with;
                return -1;
        }
        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "clone");
        va_start(list, arg);
        pidfd = va_arg(list, int *);
        va_end(list);
        return real(fn, stack, flags, arg, pidfd, NULL, NULL);
}

/* ---- the beginning ---- */

static const struct {
        struct child_spec spec; /* path "": the default */
        enum child_step step;
        int error;
} failures[] = {
        { { .path = "/nonexistent/program" }, CHILD_STEP_EXEC, ENOENT },
        { { .path = "no-such-program-anywhere" }, CHILD_STEP_EXEC, ENOENT },
        { { .path = "/etc/passwd/x" }, CHILD_STEP_EXEC, ENOTDIR },
        { { .path = "/etc/passwd" }, CHILD_STEP_EXEC, EACCES },
        { { .path = "/etc" }, CHILD_STEP_EXEC, EACCES },
        { { .directory = "/nonexistent" }, CHILD_STEP_CHDIR, ENOENT },
        { { .directory = "/etc/passwd" }, CHILD_STEP_CHDIR, ENOTDIR },
        { { .stdin_path = "/nonexistent" }, CHILD_STEP_STDIN, ENOENT },
        { { .output_path = "/nonexistent/x" }, CHILD_STEP_OUTPUT, ENOENT },
        { { .output_path = "/etc" }, CHILD_STEP_OUTPUT, EISDIR },
        { { .user = "no-such-user-here" }, CHILD_STEP_USER, ESRCH },
        { { .user = "root", .group = "no-such-group-here" }, CHILD_STEP_GROUP, ESRCH },
        { { .nofile = UINT64_C(1) << 40 }, CHILD_STEP_NOFILE, EPERM },
        { { .env_file = "/nonexistent" }, CHILD_STEP_ENV_FILE, ENOENT },
        { { .env_file = "/etc/passwd" }, CHILD_STEP_ENV_FILE, EBADMSG },
};

START_TEST(a_failing_step_is_named) {
        struct child_spec spec = failures[_i].spec;
        unsigned before = child_bed_count_descriptors();

        if (!spec.path)
                spec.path = "/bin/true";
        spec.argv = WORDS("/bin/true");
        spec.umask = (mode_t)-1;
        spec.core = CHILD_CORE_UNCHANGED;
        spec.output_pipe = true;
        for (int i = 0; i < 2; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                child_bed_run_to_end(probe, &spec);
                ck_assert_str_eq(child_step_to_string(probe->step), child_step_to_string(failures[_i].step));
                ck_assert_int_eq(probe->error, failures[_i].error);
                ck_assert_int_eq(probe->pid, 0);
                ck_assert_uint_eq(probe->exited, 0);
                ck_assert_uint_eq(probe->gone, 0);
        }
        ck_assert_uint_eq(child_bed_count_descriptors(), before);
}
END_TEST

START_TEST(when_its_process_began_is_told_when_asked_for) {
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));

        for (int i = 0; i < 2; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();
                uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK);
                uint64_t now = clock_now(CLOCK_ID_BOOTTIME) * second / USEC_PER_SEC;

                spec.start_ticks = i > 0;
                child_bed_run_to_end(probe, &spec);
                if (i > 0) {
                        ck_assert_uint_ge(probe->start_ticks + 1, now);
                        ck_assert_uint_le(probe->start_ticks, now + 60 * second);
                } else
                        ck_assert_uint_eq(probe->start_ticks, 0);
        }
}
END_TEST

/* Lines that a shell would take otherwise, or not at all. */
static const char *const bad_lines[] = { "export A=1", "A = 1", "=1", "A", "A B=1" };

START_TEST(a_line_that_is_no_assignment_is_refused) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("/bin/true"));
        char text[64];

        (void)snprintf(text, sizeof(text), "B=1\n%s\n", bad_lines[_i]);
        spec.env_file = child_bed_write("env", text);
        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->step, CHILD_STEP_ENV_FILE);
        ck_assert_int_eq(probe->error, EBADMSG);
}
END_TEST

START_TEST(an_environment_is_not_read_from_a_fifo) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("/bin/true"));

        spec.env_file = child_bed_path("fifo");
        ck_assert_int_eq(mkfifo(spec.env_file, 0600), 0);
        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->step, CHILD_STEP_ENV_FILE);
        ck_assert_int_eq(probe->error, EINVAL);
}
END_TEST

START_TEST(a_script_without_interpreter_is_refused) {
        _cleanup_(freep) struct probe *probe = probe_new();
        const char *path = child_bed_write("script", "echo hello\n");
        struct child_spec spec = child_bed_spec(WORDS(path));

        ck_assert_int_eq(chmod(path, 0755), 0);
        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->step, CHILD_STEP_EXEC);
        ck_assert_int_eq(probe->error, ENOEXEC);
}
END_TEST

START_TEST(fork_may_fail_and_recover) {
        static const int errors[] = { EAGAIN, ENOMEM };
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                fail_clone_with = errors[i];
                child_bed_run_to_end(probe, &spec);
                fail_clone_with = 0;
#ifndef __SANITIZE_THREAD__ /* there it forks */
                ck_assert_int_eq(probe->step, CHILD_STEP_FORK);
                ck_assert_int_eq(probe->error, errors[i]);
#endif
        }
        child_bed_says(&spec, "");
}
END_TEST

START_TEST(a_refused_clone_falls_back_to_fork) {
        struct child_spec spec = child_bed_spec(SHELL("echo forked"));
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec bad = child_bed_spec(WORDS("/nonexistent"));

        fail_clone_with = EINVAL;
        child_bed_says(&spec, "forked\n");
        child_bed_run_to_end(probe, &bad);
        fail_clone_with = 0;
        ck_assert_int_eq(probe->step, CHILD_STEP_EXEC);
        ck_assert_int_eq(probe->error, ENOENT);
}
END_TEST

START_TEST(running_out_of_descriptors_is_told_and_recovered_from) {
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));
        struct rlimit limit, low;
        unsigned before = child_bed_count_descriptors();

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        /* From no descriptor free to all that are needed, one by one. */
        for (unsigned free_ones = 0; free_ones < 8; free_ones++) {
                _cleanup_(freep) struct probe *probe = probe_new();
                int next = dup(0);

                (void)close(next);
                low.rlim_cur = (rlim_t)next + free_ones;
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
                child_bed_run_to_end(probe, &spec);
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
                if (probe->pid == 0) {
                        ck_assert_int_eq(probe->error, EMFILE);
                        ck_assert_msg(probe->step == CHILD_STEP_PIPE || probe->step == CHILD_STEP_FORK ||
                                              (child_bed.with_cgroups && probe->step == CHILD_STEP_CGROUP),
                                      "%s", child_step_to_string(probe->step));
                }
                ck_assert_msg(free_ones > 0 || probe->pid == 0, "started without a descriptor");
        }
        child_bed_says(&spec, "");
        ck_assert_uint_eq(child_bed_count_descriptors(), before);
}
END_TEST

/* ---- hanging before exec ---- */

static bool last_gone(const struct probe *probes, size_t n) {
        return child_bed_all_gone(&probes[n - 1], 1);
}

START_TEST(children_that_hang_before_exec_cost_only_themselves) {
        enum { N = 11 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec hanging = child_bed_spec(SHELL("exit 0")), good = hanging;
        usec_t start = clock_now(CLOCK_ID_MONOTONIC);

        hanging.stdin_path = child_bed_path("fifo"); /* nobody ever writes to it */
        ck_assert_int_eq(mkfifo(hanging.stdin_path, 0600), 0);
        for (size_t i = 0; i < N; i++)
                child_bed_spawn(&probes[i], i < N - 1 ? &hanging : &good);
        child_bed_run(probes, N, last_gone);
        ck_assert_int_eq(probes[N - 1].status, 0);
        ck_assert_uint_lt(clock_now(CLOCK_ID_MONOTONIC) - start, 5 * USEC_PER_SEC);
        for (size_t i = 0; i < N - 1; i++) {
                ck_assert_uint_eq(probes[i].started, 0);
                child_kill(probes[i].child);
        }
        child_bed_run(probes, N, child_bed_all_gone);
        for (size_t i = 0; i < N - 1; i++)
                ck_assert_msg(probes[i].pid == 0 || probes[i].status == SIGKILL, "status %x", probes[i].status);
}
END_TEST

/* ---- another user before exec ---- */

#define NOBODY 65534

static bool is_nobodys(int pid) {
        char path[64], line[256];
        unsigned uid = 0;
        FILE *file;

        (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = fopen(path, "re");
        while (file && fgets(line, sizeof(line), file))
                if (sscanf(line, "Uid: %u", &uid) == 1)
                        break;
        if (file)
                (void)fclose(file);
        return uid == NOBODY;
}

/* The child that is nobody's; 0: none. */
static int find_nobodys(void) {
        int pid = 0, found = 0;
        glob_t threads;

        ck_assert_int_eq(glob("/proc/self/task/*/children", 0, NULL, &threads), 0);
        for (size_t i = 0; i < threads.gl_pathc && found == 0; i++) {
                FILE *file = fopen(threads.gl_pathv[i], "re");

                while (file && found == 0 && fscanf(file, "%d", &pid) == 1)
                        found = is_nobodys(pid) ? pid : 0;
                if (file)
                        (void)fclose(file);
        }
        globfree(&threads);
        return found;
}

static bool is_hanging(const struct probe *probes _unused_, size_t n _unused_) {
        return find_nobodys() > 0;
}

/* What nobody is told when he asks for the memory of @pid: an errno, 0 when he gets it. */
static int ask_for_memory(int pid) {
        char path[64];
        int status = 0;
        pid_t nobody;

        (void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);
        nobody = fork();
        if (nobody == 0) {
                if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
                    setresuid(NOBODY, NOBODY, NOBODY) < 0)
                        _exit(255);
                _exit(open(path, O_RDWR | O_CLOEXEC) < 0 ? errno : 0);
        }
        ck_assert_int_eq(waitpid(nobody, &status, 0), nobody);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

START_TEST(until_exec_nobody_sees_our_memory) {
        _cleanup_(freep) struct probe *hanging = probe_new();
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));
        int pid;

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: a change of user needs root\n");
                return;
        }
        spec.user = "nobody";
        spec.stdin_path = child_bed_path("fifo"); /* opened as nobody; nobody ever writes to it */
        ck_assert_int_eq(chmod(child_bed_path("."), 0711), 0);
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        ck_assert_int_eq(chown(spec.stdin_path, NOBODY, NOBODY), 0);
        child_bed_spawn(hanging, &spec);
        child_bed_look();
        child_bed_run(hanging, 1, is_hanging);
        pid = find_nobodys();

        /* Another child of his comes and goes. */
        spec.stdin_path = NULL;
        child_bed_says(&spec, "");
        ck_assert_int_eq(ask_for_memory(pid), EACCES);

        child_kill(hanging->child);
        child_bed_run(hanging, 1, child_bed_all_gone);
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
}
END_TEST

/* ---- waiting for a turn ---- */

START_TEST(killed_before_its_turn_it_never_starts) {
        enum { N = 4 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));

        spec.stdin_path = child_bed_path("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        for (size_t i = 0; i < N; i++) { /* more than there are threads: they wait */
                child_bed_spawn(&probes[i], &spec);
                if (i >= 2)
                        child_kill(probes[i].child);
        }
        child_bed_run(probes, N, last_gone);
        ck_assert_int_eq(probes[N - 1].pid, 0);
        ck_assert_int_eq(probes[N - 1].step, CHILD_STEP_NONE);
        ck_assert_int_eq(probes[N - 1].error, ECANCELED);
}
END_TEST

START_TEST(too_many_waiting_spawns_are_refused) {
        struct child_spec spec = child_bed_spec(SHELL("exit 0"));
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child *child;
        int r = 0, n = 0;

        spec.stdin_path = child_bed_path("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        for (; r == 0 && n < 6000; n++)
                r = child_spawn(child_bed.spawner, &spec, &child_bed_ops, probe, &child);
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_int_ge(n, 4096);
}
END_TEST

START_TEST(many_at_once) {
        enum { N = 100 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec spec = child_bed_spec(SHELL("exit 3"));

        for (size_t i = 0; i < N; i++)
                child_bed_spawn(&probes[i], &spec);
        child_bed_run(probes, N, child_bed_all_gone);
        for (size_t i = 0; i < N; i++) {
                ck_assert_int_eq(probes[i].status, W_EXITCODE(3, 0));
                ck_assert_uint_eq(probes[i].exited + probes[i].gone + probes[i].ended_output, 3);
        }
}
END_TEST

static Suite *child_spawn_suite(void) {
        Suite *suite = suite_create("child-spawn");
        TCase *tcase = child_bed_case(suite, "spawn");

        tcase_add_loop_test(tcase, a_failing_step_is_named, 0, (int)ARRAY_SIZE(failures));
        tcase_add_loop_test(tcase, a_line_that_is_no_assignment_is_refused, 0, (int)ARRAY_SIZE(bad_lines));
        tcase_add_test(tcase, an_environment_is_not_read_from_a_fifo);
        tcase_add_test(tcase, a_script_without_interpreter_is_refused);
        tcase_add_test(tcase, when_its_process_began_is_told_when_asked_for);
        tcase_add_test(tcase, fork_may_fail_and_recover);
        tcase_add_test(tcase, a_refused_clone_falls_back_to_fork);
        tcase_add_test(tcase, running_out_of_descriptors_is_told_and_recovered_from);
        tcase_add_test(tcase, children_that_hang_before_exec_cost_only_themselves);
        tcase_add_test(tcase, until_exec_nobody_sees_our_memory);
        tcase_add_test(tcase, killed_before_its_turn_it_never_starts);
        tcase_add_test(tcase, too_many_waiting_spawns_are_refused);
        tcase_add_test(tcase, many_at_once);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_spawn_suite);
}
