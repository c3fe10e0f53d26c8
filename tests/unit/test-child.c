/* SPDX-License-Identifier: MIT */
/* child: real processes on a real loop: what a child is given, what is told of it, and that nothing of it is left.
 *
 * Every child gets a marker in its environment; "nothing is left" is proved by a scan of /proc for it. */
#include "loop/child.h"
#include "support/hostile.h"

#include <check.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define DEADLINE_USEC (50 * USEC_PER_SEC)
#define OUTPUT_MAX    (64 * 1024)

#define WORDS(...)    ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(text)   WORDS("/bin/sh", "-c", text)
#define HOSTILE(mode) WORDS(self, "hostile", mode)

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

/* ---- one child and what it told ---- */

struct probe {
        struct child *child;
        unsigned started, exited, ended_output, gone;
        pid_t pid;
        enum child_step step;
        int error;
        int status;
        struct rusage usage;
        char output[OUTPUT_MAX + 1];
        size_t n_output; /* all of it, also what did not fit */
        bool pause_first;
        bool kill_on_exit;
        bool free_in_callback;
};

static struct loop *loop;
static struct spawner *spawner;
static struct loop_timer deadline;
static char dir[] = "/tmp/test-child-XXXXXX";
static char marker[64];
static char self[PATH_MAX];

static bool all_gone(const struct probe *probes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (probes[i].gone == 0 && !(probes[i].started > 0 && probes[i].pid == 0))
                        return false;
        return true;
}

/* What the loop runs until. */
static struct {
        const struct probe *probes;
        size_t n;
        bool (*reached)(const struct probe *probes, size_t n);
} goal;

static void check_goal(void) {
        if (goal.reached && goal.reached(goal.probes, goal.n))
                loop_exit(loop, 0);
}

static void on_started(struct child *child, pid_t pid, enum child_step step, int error, void *arg) {
        struct probe *probe = arg;

        ck_assert_ptr_eq(child, probe->child);
        probe->started++;
        probe->pid = pid;
        probe->step = step;
        probe->error = error;
        if (pid == 0)
                probe->child = child_free(child);
        check_goal();
}

static void on_exit_(struct child *child, int status, const struct rusage *usage, void *arg) {
        struct probe *probe = arg;

        ck_assert_uint_eq(probe->started, 1);
        probe->exited++;
        probe->status = status;
        probe->usage = *usage;
        if (probe->free_in_callback) {
                probe->child = child_free(child);
                probe->gone++;
        } else if (probe->kill_on_exit)
                child_kill(child);
        check_goal();
}

static void on_output(struct child *child, const char *data, size_t n, void *arg) {
        struct probe *probe = arg;
        size_t room = OUTPUT_MAX - MIN(probe->n_output, (size_t)OUTPUT_MAX);

        ck_assert_uint_eq(probe->ended_output, 0);
        ck_assert_uint_eq(probe->gone, 0);
        probe->ended_output += n == 0;
        if (n > 0)
                memcpy(probe->output + probe->n_output, data, MIN(n, room));
        probe->n_output += n;
        if (probe->pause_first && n > 0)
                child_pause_output(child, true);
        check_goal();
}

static void on_gone(struct child *child, void *arg) {
        struct probe *probe = arg;

        ck_assert_uint_eq(probe->exited, 1);
        probe->gone++;
        probe->child = child_free(child);
        check_goal();
}

static const struct child_ops ops = {
        .on_started = on_started,
        .on_exit = on_exit_,
        .on_output = on_output,
        .on_gone = on_gone,
};

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        loop_exit(loop, 1);
}

static void run_until(const struct probe *probes, size_t n, bool (*reached)(const struct probe *, size_t)) {
        goal.probes = probes;
        goal.n = n;
        goal.reached = reached;
        if (reached(probes, n))
                return;
        loop_timer_set(&deadline, clock_now(CLOCK_ID_MONOTONIC) + DEADLINE_USEC);
        ck_assert_msg(loop_run(loop) == 0, "not within 50 s: started %u exited %u gone %u output \"%s\"",
                      probes->started, probes->exited, probes->gone, probes->output);
        loop_timer_set(&deadline, USEC_INFINITY);
        goal.reached = NULL;
}

/* What a child gets unless a test wants something else. */
static struct child_spec spec_of(char *const *argv) {
        static char *env[] = { marker, NULL };
        static const char *const base[] = { "PATH=/usr/bin:/bin", NULL };

        return (struct child_spec){
                .path = argv[0],
                .argv = argv,
                .env = env,
                .env_base = (char *const *)base,
                .output_pipe = true,
                .umask = (mode_t)-1,
                .core = UINT64_MAX,
                .marker = marker,
        };
}

static void spawn(struct probe *probe, const struct child_spec *spec) {
        int r = child_spawn(spawner, spec, &ops, probe, &probe->child);

        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(child_pid(probe->child), 0);
}

static void run_to_end(struct probe *probe, const struct child_spec *spec) {
        spawn(probe, spec);
        run_until(probe, 1, all_gone);
}

static struct probe *probe_new(void) {
        struct probe *probe = calloc(1, sizeof(*probe));

        ck_assert_ptr_nonnull(probe);
        return probe;
}

/* Runs a shell command to its end and compares its output. */
static void assert_says(struct child_spec *spec, const char *expected) {
        _cleanup_(freep) struct probe *probe = probe_new();

        run_to_end(probe, spec);
        ck_assert_msg(probe->pid > 0, "%s: %s", child_step_to_string(probe->step), strerror(probe->error));
        ck_assert_str_eq(probe->output, expected);
        ck_assert_int_eq(probe->status, 0);
        ck_assert_uint_eq(probe->ended_output, 1);
}

/* ---- who is left ---- */

static bool has_marker(const char *pid) {
        char path[64], env[4096];
        ssize_t n;
        int fd;

        (void)snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = read(fd, env, sizeof(env) - 1);
        (void)close(fd);
        return n > 0 && memmem(env, (size_t)n, marker, strlen(marker));
}

static unsigned count_left(void) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        unsigned n = 0;

        ck_assert_ptr_nonnull(proc);
        while ((entry = readdir(proc)))
                n += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && has_marker(entry->d_name);
        (void)closedir(proc);
        return n;
}

static bool nobody_left(_unused_ const struct probe *probes, _unused_ size_t n) {
        return count_left() == 0;
}

/* Looks again and again, for what is told to nobody. */
static struct loop_timer look_timer;

static void on_look(struct loop_timer *timer, _unused_ void *arg) {
        check_goal();
        loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + 5 * USEC_PER_MSEC);
}

static unsigned count_descriptors(void) {
        DIR *fds = opendir("/proc/self/fd");
        unsigned n = 0;

        ck_assert_ptr_nonnull(fds);
        while (readdir(fds))
                n++;
        (void)closedir(fds);
        return n;
}

/* ---- fixture ---- */

static void setup(void) {
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        ck_assert_int_gt(n, 0);
        (void)snprintf(marker, sizeof(marker), "INVOCATION_ID=test-child-%d.", getpid());
        ck_assert_ptr_nonnull(mkdtemp(dir));
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(spawner_new(loop, &spawner), 0);
        ck_assert_int_eq(loop_timer_init(&deadline, loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL), 0);
        ck_assert_int_eq(loop_timer_init(&look_timer, loop, CLOCK_ID_MONOTONIC, "look", on_look, NULL), 0);
}

static void teardown(void) {
        char command[64];

        spawner_free(spawner);
        ck_assert_uint_eq(count_left(), 0);
        loop_timer_done(&look_timer);
        loop_timer_done(&deadline);
        loop_free(loop);
        (void)snprintf(command, sizeof(command), "rm -rf %s", dir);
        ck_assert_int_eq(system(command), 0);
}

static const char *in_dir(const char *name) {
        static char paths[4][PATH_MAX];
        static unsigned at;
        char *path = paths[at++ % 4];

        (void)snprintf(path, PATH_MAX, "%s/%s", dir, name);
        return path;
}

static const char *write_file(const char *name, const char *text) {
        const char *path = in_dir(name);
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
        return path;
}

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
        struct child_spec spec = spec_of(SHELL(ends[_i].text));

        run_to_end(probe, &spec);
        ck_assert_int_eq(probe->status, ends[_i].status);
        ck_assert_uint_eq(probe->started, 1);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_uint_eq(probe->ended_output, 1);
        ck_assert_uint_eq(probe->gone, 1);
        ck_assert_int_gt(probe->usage.ru_maxrss, 0);
        ck_assert_int_eq(kill(probe->pid, 0), -1); /* reaped */
}
END_TEST

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
        { { .env_file = "/nonexistent" }, CHILD_STEP_ENV_FILE, ENOENT },
        { { .env_file = "/etc/passwd" }, CHILD_STEP_ENV_FILE, EBADMSG },
};

START_TEST(a_failing_step_is_named) {
        struct child_spec spec = failures[_i].spec;
        unsigned before = count_descriptors();

        if (!spec.path)
                spec.path = "/bin/true";
        spec.argv = WORDS("/bin/true");
        spec.umask = (mode_t)-1;
        spec.core = UINT64_MAX;
        spec.output_pipe = true;
        for (int i = 0; i < 2; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                run_to_end(probe, &spec);
                ck_assert_str_eq(child_step_to_string(probe->step), child_step_to_string(failures[_i].step));
                ck_assert_int_eq(probe->error, failures[_i].error);
                ck_assert_int_eq(probe->pid, 0);
                ck_assert_uint_eq(probe->exited, 0);
                ck_assert_uint_eq(probe->gone, 0);
        }
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

START_TEST(a_script_without_interpreter_is_refused) {
        _cleanup_(freep) struct probe *probe = probe_new();
        const char *path = write_file("script", "echo hello\n");
        struct child_spec spec = spec_of(WORDS(path));

        ck_assert_int_eq(chmod(path, 0755), 0);
        run_to_end(probe, &spec);
        ck_assert_int_eq(probe->step, CHILD_STEP_EXEC);
        ck_assert_int_eq(probe->error, ENOEXEC);
}
END_TEST

START_TEST(fork_may_fail_and_recover) {
        static const int errors[] = { EAGAIN, ENOMEM };
        struct child_spec spec = spec_of(SHELL("exit 0"));

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                fail_clone_with = errors[i];
                run_to_end(probe, &spec);
                fail_clone_with = 0;
#ifndef __SANITIZE_THREAD__ /* there it forks */
                ck_assert_int_eq(probe->step, CHILD_STEP_FORK);
                ck_assert_int_eq(probe->error, errors[i]);
#endif
        }
        assert_says(&spec, "");
}
END_TEST

START_TEST(a_refused_clone_falls_back_to_fork) {
        struct child_spec spec = spec_of(SHELL("echo forked"));
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec bad = spec_of(WORDS("/nonexistent"));

        fail_clone_with = EINVAL;
        assert_says(&spec, "forked\n");
        run_to_end(probe, &bad);
        fail_clone_with = 0;
        ck_assert_int_eq(probe->step, CHILD_STEP_EXEC);
        ck_assert_int_eq(probe->error, ENOENT);
}
END_TEST

START_TEST(running_out_of_descriptors_is_told_and_recovered_from) {
        struct child_spec spec = spec_of(SHELL("exit 0"));
        struct rlimit limit, low;
        unsigned before = count_descriptors();

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        /* From no descriptor free to all that are needed, one by one. */
        for (unsigned free_ones = 0; free_ones < 8; free_ones++) {
                _cleanup_(freep) struct probe *probe = probe_new();
                int next = dup(0);

                (void)close(next);
                low.rlim_cur = (rlim_t)next + free_ones;
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
                run_to_end(probe, &spec);
                ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
                if (probe->pid == 0) {
                        ck_assert_int_eq(probe->error, EMFILE);
                        ck_assert_msg(probe->step == CHILD_STEP_PIPE || probe->step == CHILD_STEP_FORK, "%s",
                                      child_step_to_string(probe->step));
                }
                ck_assert_msg(free_ones > 0 || probe->pid == 0, "started without a descriptor");
        }
        assert_says(&spec, "");
        ck_assert_uint_eq(count_descriptors(), before);
}
END_TEST

/* ---- what a child is given ---- */

START_TEST(it_has_a_session_of_its_own_and_no_signal_changed) {
        struct child_spec spec = spec_of(SHELL(
                "read -r pid comm state ppid pgrp session rest </proc/self/stat; [ $session = $$ ] && echo session;"
                "grep -E '^Sig(Blk|Ign)' /proc/self/status"));

        ck_assert_ptr_ne((void *)(uintptr_t)signal(SIGPIPE, SIG_IGN), (void *)(uintptr_t)SIG_ERR);
        assert_says(&spec, "session\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}
END_TEST

START_TEST(no_descriptor_leaks) {
        struct child_spec spec = spec_of(SHELL("cd /proc/self/fd; echo *"));
        int fds[200];

        assert_says(&spec, "0 1 2 3\n"); /* 3: the directory itself */
        /* Not close-on-exec; and so many that ours are pushed beyond what a child copies unless they have low slots. */
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = open("/dev/null", O_RDONLY);
                ck_assert_int_ge(fds[i], 0);
        }
        assert_says(&spec, "0 1 2 3\n");
        spec.stdin_data = "data";
        spec.stdin_size = 4;
        spec.argv = SHELL("cat; cd /proc/self/fd; echo *");
        assert_says(&spec, "data0 1 2 3\n");
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                (void)close(fds[i]);
}
END_TEST

START_TEST(limits_of_open_files_are_those_of_before) {
        struct rlimit before;
        char expected[64];
        struct child_spec spec = spec_of(SHELL("ulimit -Sn"));

        /* A spawner raised it: ours is what was found then, told by a child without a wish of its own. */
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_eq(before.rlim_cur, before.rlim_max);
        (void)snprintf(expected, sizeof(expected), "%s\n", getenv("TEST_NOFILE"));
        assert_says(&spec, expected);
        spec.nofile = 77;
        spec.core = 0;
        spec.argv = SHELL("ulimit -Sn; ulimit -Hn; ulimit -c");
        assert_says(&spec, "77\n77\n0\n");
}
END_TEST

START_TEST(umask_nice_directory_and_privileges_are_set) {
        struct child_spec spec = spec_of(SHELL("umask; pwd; nice; grep NoNewPrivs /proc/self/status"));

        spec.umask = 0027;
        spec.nice = 7;
        spec.directory = "/usr";
        spec.no_new_privileges = true;
        assert_says(&spec, "0027\n/usr\n7\nNoNewPrivs:\t1\n");
        spec = spec_of(SHELL("pwd"));
        assert_says(&spec, "/\n");
}
END_TEST

START_TEST(path_is_searched) {
        const char *path = write_file("tool", "#!/bin/sh\necho found \"$0\"\n");
        char search[PATH_MAX], expected[PATH_MAX];
        struct child_spec spec = spec_of(WORDS("tool"));

        ck_assert_int_eq(chmod(path, 0755), 0);
        (void)snprintf(search, sizeof(search), "PATH=/nonexistent:/etc/passwd:%s:/bin", dir);
        (void)snprintf(expected, sizeof(expected), "found %s/tool\n", dir);
        spec.env_base = WORDS(search);
        assert_says(&spec, expected);

        /* What may not be executed is told when there is nothing else. */
        ck_assert_int_eq(chmod(path, 0644), 0);
        {
                _cleanup_(freep) struct probe *probe = probe_new();

                run_to_end(probe, &spec);
                ck_assert_int_eq(probe->error, EACCES);
        }
        /* Without PATH there is a default. */
        spec = spec_of(WORDS("true"));
        spec.env_base = NULL;
        assert_says(&spec, "");
}
END_TEST

START_TEST(the_environment_has_four_layers) {
        struct child_spec spec = spec_of(WORDS("env"));
        spec.env = WORDS("C=own", "D=own");
        spec.env_base = WORDS("A=base", "D=base", "F=base", "PATH=/usr/bin");
        spec.env_file = write_file("env", "# comment\n\n A=file\nB=\"fi le\"\r\nB2='x'\nC=file\nE=\nA=last");
        assert_says(&spec, "C=own\nD=own\nA=last\nB=fi le\nB2=x\nE=\nF=base\nPATH=/usr/bin\n");
}
END_TEST

START_TEST(a_user_brings_id_groups_and_variables) {
        struct child_spec spec = spec_of(SHELL("id -u; id -g; id -G; echo $USER $LOGNAME $HOME; echo $SHELL"));

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: a change of user needs root\n");
                return;
        }
        spec.user = "nobody";
        spec.env_base = WORDS("PATH=/usr/bin:/bin", "HOME=/wrong");
        assert_says(&spec, "65534\n65534\n65534\nnobody nobody /nonexistent\n/usr/sbin/nologin\n");
        spec.group = "daemon";
        spec.argv = SHELL("id -u; id -g; echo $HOME");
        spec.env = WORDS("HOME=/mine");
        assert_says(&spec, "65534\n1\n/mine\n");
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
        ck_assert_uint_eq(geteuid(), 0);

        /* Files are opened as the user. */
        {
                _cleanup_(freep) struct probe *probe = probe_new();

                spec.output_path = in_dir("out");
                run_to_end(probe, &spec);
                ck_assert_int_eq(probe->step, CHILD_STEP_OUTPUT);
                ck_assert_int_eq(probe->error, EACCES);
        }
}
END_TEST

START_TEST(stdin_is_null_a_file_or_data) {
        struct child_spec spec = spec_of(WORDS("wc", "-c"));
        size_t n = 3 * 1024 * 1024;
        _cleanup_(freep) char *data = calloc(1, n);

        assert_says(&spec, "0\n");
        spec.stdin_path = write_file("in", "four");
        assert_says(&spec, "4\n");
        spec.stdin_data = data;
        spec.stdin_size = n;
        assert_says(&spec, "3145728\n");
        spec.stdin_size = 0;
        assert_says(&spec, "0\n");
}
END_TEST

START_TEST(output_is_appended_to_a_file) {
        struct child_spec spec = spec_of(SHELL("echo out; echo err >&2"));
        struct child_spec show = spec_of(WORDS("cat", in_dir("log")));

        spec.output_pipe = false;
        spec.output_path = in_dir("log");
        for (int i = 0; i < 2; i++) {
                _cleanup_(freep) struct probe *probe = probe_new();

                run_to_end(probe, &spec);
                ck_assert_int_eq(probe->status, 0);
                ck_assert_uint_eq(probe->ended_output, 0);
        }
        assert_says(&show, "out\nerr\nout\nerr\n");
}
END_TEST

START_TEST(all_output_comes_before_the_end) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(WORDS("head", "-c", "10000000", "/dev/zero"));

        run_to_end(probe, &spec);
        ck_assert_uint_eq(probe->n_output, 10000000);
}
END_TEST

static bool is_paused_and_blocked(const struct probe *probe, _unused_ size_t n) {
        char path[64], state = 0;
        FILE *file;

        if (probe->n_output == 0)
                return false;
        (void)snprintf(path, sizeof(path), "/proc/%d/stat", probe->pid);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%*d %*s %c", &state), 1);
        (void)fclose(file);
        return state == 'S'; /* in write(2) */
}

START_TEST(a_paused_child_waits) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(WORDS("head", "-c", "10000000", "/dev/zero"));

        probe->pause_first = true;
        spawn(probe, &spec);
        loop_timer_set(&look_timer, 1);
        run_until(probe, 1, is_paused_and_blocked);
        ck_assert_uint_le(probe->n_output, 64 * 1024);
        probe->pause_first = false;
        child_pause_output(probe->child, false);
        run_until(probe, 1, all_gone);
        ck_assert_uint_eq(probe->n_output, 10000000);
}
END_TEST

static bool is_ready(const struct probe *probe, _unused_ size_t n) {
        return strstr(probe->output, "ready") || probe->gone > 0;
}

START_TEST(a_poll_takes_an_exit_that_has_happened) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE("deaf"));
        siginfo_t info;

        spawn(probe, &spec);
        run_until(probe, 1, is_ready);
        child_poll(probe->child);
        ck_assert_uint_eq(probe->exited, 0);
        ck_assert_int_eq(kill(probe->pid, SIGKILL), 0);
        ck_assert_int_eq(waitid(P_PID, (id_t)probe->pid, &info, WEXITED | WNOWAIT), 0);
        child_poll(probe->child);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_int_eq(probe->status, SIGKILL);
        ck_assert_uint_eq(probe->gone, 0);
        run_until(probe, 1, all_gone);
}
END_TEST

/* ---- ending trees ---- */

/* Without those that are born again in a session of their own faster than any walk: see child_walk.c. */
static const char *const hostile[] = {
        "deaf", "orphan", "escape", "breed", "stopped", "regroup", "threaded", "chain", "flood",
};

START_TEST(no_process_survives_a_kill) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE(hostile[_i]));
        usec_t start;

        spawn(probe, &spec);
        run_until(probe, 1, is_ready);
        ck_assert_ptr_nonnull(strstr(probe->output, "ready"));
        ck_assert_uint_gt(count_left(), 0);
        start = clock_now(CLOCK_ID_MONOTONIC);
        child_kill(probe->child);
        child_kill(probe->child);
        run_until(probe, 1, all_gone);
        ck_assert_uint_eq(count_left(), 0);
        ck_assert_uint_eq(probe->exited, 1);
        ck_assert_uint_lt(clock_now(CLOCK_ID_MONOTONIC) - start, 5 * USEC_PER_SEC);
}
END_TEST

static bool has_exited(const struct probe *probe, _unused_ size_t n) {
        return probe->exited > 0;
}

START_TEST(what_is_left_after_the_exit_is_killed_on_demand) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE("orphan"));

        probe->kill_on_exit = true;
        run_to_end(probe, &spec);
        ck_assert_int_eq(probe->status, 0);
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(what_is_left_may_end_by_itself) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE("linger"));
        int fd;

        spec.stdin_path = in_dir("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        fd = open(spec.stdin_path, O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        spawn(probe, &spec);
        run_until(probe, 1, has_exited);
        ck_assert_uint_eq(probe->gone, 0);
        ck_assert_uint_eq(count_left(), 1);
        (void)close(fd);
        run_until(probe, 1, all_gone);
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(orphans_of_one_do_not_hold_up_another) {
        _cleanup_(freep) struct probe *daemon = probe_new(), *other = probe_new();
        struct child_spec spec = spec_of(HOSTILE("escape")), quick = spec_of(SHELL("exit 0"));

        spawn(daemon, &spec);
        run_until(daemon, 1, is_ready);
        quick.marker = "INVOCATION_ID=other";
        quick.env = WORDS("INVOCATION_ID=other");
        run_to_end(other, &quick);
        ck_assert_uint_eq(daemon->exited, 0);
        ck_assert_uint_eq(count_left(), 2);
        child_kill(daemon->child);
        run_until(daemon, 1, all_gone);
}
END_TEST

START_TEST(a_signal_reaches_the_whole_tree) {
        static const char *const modes[] = { "stopped", "regroup", "chain" };
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE(modes[_i]));

        spawn(probe, &spec);
        run_until(probe, 1, is_ready);
        ck_assert_uint_gt(count_left(), 1);
        child_signal(probe->child, _i == 2 ? SIGUSR1 : SIGTERM);
        run_until(probe, 1, all_gone);
        ck_assert_int_eq(probe->status, _i == 2 ? SIGUSR1 : SIGTERM);
        ck_assert_uint_eq(count_left(), 0);
}
END_TEST

START_TEST(a_signal_asked_for_before_the_start_is_sent_after_it) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(WORDS("sleep", "1000"));

        spawn(probe, &spec);
        child_signal(probe->child, SIGTERM);
        run_until(probe, 1, all_gone);
        ck_assert_int_eq(probe->status, SIGTERM);
}
END_TEST

START_TEST(a_freed_child_is_ended_in_the_background) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = spec_of(HOSTILE("escape"));

        spawn(probe, &spec);
        run_until(probe, 1, is_ready);
        probe->child = child_free(probe->child);
        loop_timer_set(&look_timer, 1);
        run_until(probe, 1, nobody_left);
        ck_assert_uint_eq(probe->exited, 0);
}
END_TEST

START_TEST(a_child_may_be_freed_at_any_time) {
        struct child_spec spec = spec_of(SHELL("exit 0"));
        _cleanup_(freep) struct probe *probes = calloc(3, sizeof(*probes));

        spawn(&probes[0], &spec);
        probes[0].child = child_free(probes[0].child); /* while it starts */
        probes[1].free_in_callback = true;
        spawn(&probes[1], &spec);
        spawn(&probes[2], &spec);
        run_until(&probes[1], 2, all_gone);
        loop_timer_set(&look_timer, 1);
        run_until(probes, 1, nobody_left);
        ck_assert_uint_eq(probes[0].started, 0);
}
END_TEST

START_TEST(the_spawner_ends_what_still_lives) {
        _cleanup_(freep) struct probe *probes = calloc(2, sizeof(*probes));
        struct child_spec spec = spec_of(HOSTILE("escape"));

        spawn(&probes[0], &spec);
        run_until(&probes[0], 1, is_ready);
        spawn(&probes[1], &spec); /* and this one is not even started */
        /* teardown() looks for leftovers */
}
END_TEST

/* ---- hanging before exec ---- */

static bool last_gone(const struct probe *probes, size_t n) {
        return all_gone(&probes[n - 1], 1);
}

START_TEST(children_that_hang_before_exec_cost_only_themselves) {
        enum { N = 11 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec hanging = spec_of(SHELL("exit 0")), good = hanging;
        usec_t start = clock_now(CLOCK_ID_MONOTONIC);

        hanging.stdin_path = in_dir("fifo"); /* nobody ever writes to it */
        ck_assert_int_eq(mkfifo(hanging.stdin_path, 0600), 0);
        for (size_t i = 0; i < N; i++)
                spawn(&probes[i], i < N - 1 ? &hanging : &good);
        run_until(probes, N, last_gone);
        ck_assert_int_eq(probes[N - 1].status, 0);
        ck_assert_uint_lt(clock_now(CLOCK_ID_MONOTONIC) - start, 5 * USEC_PER_SEC);
        for (size_t i = 0; i < N - 1; i++) {
                ck_assert_uint_eq(probes[i].started, 0);
                child_kill(probes[i].child);
        }
        run_until(probes, N, all_gone);
        for (size_t i = 0; i < N - 1; i++)
                ck_assert_msg(probes[i].pid == 0 || probes[i].status == SIGKILL, "status %x", probes[i].status);
}
END_TEST

START_TEST(killed_before_its_turn_it_never_starts) {
        enum { N = 4 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec spec = spec_of(SHELL("exit 0"));

        spec.stdin_path = in_dir("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        for (size_t i = 0; i < N; i++) { /* more than there are threads: they wait */
                spawn(&probes[i], &spec);
                if (i >= 2)
                        child_kill(probes[i].child);
        }
        run_until(probes, N, last_gone);
        ck_assert_int_eq(probes[N - 1].pid, 0);
        ck_assert_int_eq(probes[N - 1].step, CHILD_STEP_NONE);
        ck_assert_int_eq(probes[N - 1].error, ECANCELED);
}
END_TEST

START_TEST(too_many_waiting_spawns_are_refused) {
        struct child_spec spec = spec_of(SHELL("exit 0"));
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child *child;
        int r = 0, n = 0;

        spec.stdin_path = in_dir("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        for (; r == 0 && n < 6000; n++)
                r = child_spawn(spawner, &spec, &ops, probe, &child);
        ck_assert_int_eq(r, -EAGAIN);
        ck_assert_int_ge(n, 4096);
}
END_TEST

START_TEST(many_at_once) {
        enum { N = 100 };
        _cleanup_(freep) struct probe *probes = calloc(N, sizeof(*probes));
        struct child_spec spec = spec_of(SHELL("exit 3"));

        for (size_t i = 0; i < N; i++)
                spawn(&probes[i], &spec);
        run_until(probes, N, all_gone);
        for (size_t i = 0; i < N; i++) {
                ck_assert_int_eq(probes[i].status, W_EXITCODE(3, 0));
                ck_assert_uint_eq(probes[i].exited + probes[i].gone + probes[i].ended_output, 3);
        }
}
END_TEST

static TCase *add_case(Suite *suite, const char *name) {
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static Suite *child_suite(void) {
        Suite *suite = suite_create("child");
        TCase *tcase;

        tcase = add_case(suite, "ends");
        tcase_add_loop_test(tcase, every_end_is_told_once, 0, (int)ARRAY_SIZE(ends));
        tcase_add_loop_test(tcase, a_failing_step_is_named, 0, (int)ARRAY_SIZE(failures));
        tcase_add_test(tcase, a_script_without_interpreter_is_refused);
        tcase_add_test(tcase, fork_may_fail_and_recover);
        tcase_add_test(tcase, a_refused_clone_falls_back_to_fork);
        tcase_add_test(tcase, running_out_of_descriptors_is_told_and_recovered_from);

        tcase = add_case(suite, "given");
        tcase_add_test(tcase, it_has_a_session_of_its_own_and_no_signal_changed);
        tcase_add_test(tcase, no_descriptor_leaks);
        tcase_add_test(tcase, limits_of_open_files_are_those_of_before);
        tcase_add_test(tcase, umask_nice_directory_and_privileges_are_set);
        tcase_add_test(tcase, path_is_searched);
        tcase_add_test(tcase, the_environment_has_four_layers);
        tcase_add_test(tcase, a_user_brings_id_groups_and_variables);
        tcase_add_test(tcase, stdin_is_null_a_file_or_data);
        tcase_add_test(tcase, output_is_appended_to_a_file);
        tcase_add_test(tcase, all_output_comes_before_the_end);
        tcase_add_test(tcase, a_paused_child_waits);
        tcase_add_test(tcase, a_poll_takes_an_exit_that_has_happened);

        tcase = add_case(suite, "trees");
        tcase_add_loop_test(tcase, no_process_survives_a_kill, 0, (int)ARRAY_SIZE(hostile));
        tcase_add_test(tcase, what_is_left_after_the_exit_is_killed_on_demand);
        tcase_add_test(tcase, what_is_left_may_end_by_itself);
        tcase_add_test(tcase, orphans_of_one_do_not_hold_up_another);
        tcase_add_loop_test(tcase, a_signal_reaches_the_whole_tree, 0, 3);
        tcase_add_test(tcase, a_signal_asked_for_before_the_start_is_sent_after_it);
        tcase_add_test(tcase, a_freed_child_is_ended_in_the_background);
        tcase_add_test(tcase, a_child_may_be_freed_at_any_time);
        tcase_add_test(tcase, the_spawner_ends_what_still_lives);

        tcase = add_case(suite, "hanging");
        tcase_add_test(tcase, children_that_hang_before_exec_cost_only_themselves);
        tcase_add_test(tcase, killed_before_its_turn_it_never_starts);
        tcase_add_test(tcase, too_many_waiting_spawns_are_refused);
        tcase_add_test(tcase, many_at_once);
        return suite;
}

int main(int argc, char *argv[]) {
        struct rlimit limit;
        char nofile[32];
        SRunner *runner;
        int failed;

        if (argc > 1 && streq(argv[1], "hostile"))
                hostile_main(argc - 1, argv + 1);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        (void)snprintf(nofile, sizeof(nofile), "%llu", (unsigned long long)limit.rlim_cur);
        (void)setenv("TEST_NOFILE", nofile, 1);
        runner = srunner_create(child_suite());
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
