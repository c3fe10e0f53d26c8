/* SPDX-License-Identifier: MIT */
/* child-faults: each call that a spawn and the end of a tree make fails once. Either the failure is told, by step and
 * errno, or it does no harm. Nothing is left of it, and the next child is spawned. */
#include "loop/cgroup.h"
#include "loop/notify.h"
#include "loop/spawner.h"
#include "support/child-bed.h"
#include "support/faults.h"
#include "support/hostile.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>

#define FAULT     EDQUOT /* which nothing here has a remedy for */
#define CALLS_MAX 1000   /* there are some hundred */

#define S(step) (1u << CHILD_STEP_##step)

/* The steps that a call may fail. Memory is needed at any. */
static const struct {
        const char *call;
        unsigned steps; /* 0: any */
} calls[] = {
        { "bind", S(NOTIFY) },
        { "calloc", 0 },
        { "chdir", S(CHDIR) },
        { "chmod", S(NOTIFY) },
        { "clone", S(FORK) },
        { "close_range", S(DESCRIPTORS) },
        { "dup3", S(DESCRIPTORS) | S(STDIN) },
        { "execve", S(EXEC) },
        { "fcntl", S(PIPE) },
        { "fork", S(FORK) },
        { "lseek", S(STDIN) },
        { "malloc", 0 },
        { "memfd_create", S(STDIN) },
        { "mkdirat", S(CGROUP) },
        { "mmap", S(FORK) },
        { "open", S(OUTPUT) },
        { "openat", S(CGROUP) },
        { "pidfd_open", S(FORK) },
        { "pipe2", S(PIPE) | S(FORK) },
        { "prctl", S(NO_NEW_PRIVILEGES) },
        { "prlimit", S(NOFILE) | S(CORE) },
        { "realloc", 0 },
        { "reallocarray", 0 },
        { "setgroups", S(SETGROUPS) | S(OUTPUT) },
        { "setpriority", S(NICE) },
        { "setresgid", S(SETGID) },
        { "setresuid", S(SETUID) },
        { "setsid", S(SETSID) },
        { "setsockopt", S(NOTIFY) },
        { "socket", S(NOTIFY) },
        { "strdup", 0 },
        { "write", S(CGROUP) | S(FORK) | S(STDIN) },
};

static bool seen[ARRAY_SIZE(calls)];

/* ---- what is spawned ---- */

static const struct {
        const char *mode;
        bool output_file;
        bool plain_fork;
} cases[] = {
        { "escape", false, false },
        { "escape", false, true },
        { "orphan", true, false },
};

static struct child_spec all_of_it(int i, char *const *argv) {
        struct child_spec spec = child_bed_spec(argv);

        if (geteuid() == 0)
                spec.user = "root";
        spec.stdin_data = "input";
        spec.stdin_size = 5;
        spec.nice = 1;
        spec.nofile = 1000;
        spec.core = 0;
        spec.no_new_privileges = true;
        spec.limits.pids_max = 1000; /* also where it is passed over, such a group is not reused */
        if (cases[i].output_file) {
                spec.output_pipe = false;
                spec.output_path = child_bed_path("log");
        }
        return spec;
}

static bool is_ready_or_gone(const struct probe *probe, size_t n) {
        return child_bed_all_gone(probe, n) || child_bed_is_ready(probe, n) || probe->exited > 0;
}

/* What has ended may be reaped, and forgotten, a turn later. */
static bool is_over(const struct probe *probe, size_t n) {
        return child_bed_all_gone(probe, n) && child_bed_count_unreaped() == 0 &&
               list_empty(&child_bed.spawner->children);
}

/* To its end, whatever fails on the way. Returns what child_spawn() did. */
static int play(int i, struct probe *probe) {
        struct child_spec spec = all_of_it(i, HOSTILE(cases[i].mode));
        int r = child_spawn(child_bed.spawner, &spec, &child_bed_ops, probe, &probe->child);

        if (r < 0)
                return r;
        child_bed_run(probe, 1, is_ready_or_gone);
        if (probe->child)
                child_kill(probe->child);
        child_bed_look();
        child_bed_run(probe, 1, is_over);
        return 0;
}

/* ---- what must be true afterwards ---- */

static bool allocates(const char *call) {
        return strstr(call, "alloc") || streq(call, "strdup");
}

static void check_outcome(const char *call, int r, const struct probe *probe) {
        int error = allocates(call) ? ENOMEM : FAULT;
        size_t at = 0;

        while (at < ARRAY_SIZE(calls) && !streq(calls[at].call, call))
                at++;
        ck_assert_msg(at < ARRAY_SIZE(calls), "%s is not in the table", call);
        seen[at] = true;
        if (r < 0) {
                ck_assert_msg(allocates(call) && r == -ENOMEM, "%s: %s", call, strerror(-r));
                return;
        }
        ck_assert_uint_eq(probe->started, 1);
        if (probe->pid > 0) /* no harm done */
                return;
        ck_assert_msg(probe->error == error, "%s: %s", call, strerror(probe->error));
        ck_assert_msg(calls[at].steps == 0 || calls[at].steps & 1u << probe->step, "%s failed the step %s", call,
                      child_step_to_string(probe->step));
}

static unsigned count_groups(void) {
        const struct cgroup_tree *tree = spawner_get_cgroups(child_bed.spawner);
        DIR *dir = tree ? opendir(cgroup_tree_path(tree)) : NULL;
        struct dirent *entry;
        unsigned n = 0;

        while (dir && (entry = readdir(dir)))
                n += strncmp(entry->d_name, "run-", 4) == 0;
        if (dir)
                (void)closedir(dir);
        return n;
}

static void check_leaks(const char *call, unsigned n_descriptors) {
        ck_assert_msg(child_bed_count_left() == 0, "%s: a process is left", call);
        ck_assert_msg(child_bed_count_unreaped() == 0, "%s: a process was not reaped", call);
        ck_assert_msg(child_bed_count_descriptors() == n_descriptors, "%s: a descriptor is left", call);
        ck_assert_msg(count_groups() == 0, "%s: a group is left", call);
        ck_assert(list_empty(&child_bed.spawner->children));
}

/* New ones for each child: a socket is not made when one is kept. */
static struct notify_dir *make_sockets(const char *path) {
        struct notify_dir *dir = NULL;

        ck_assert_int_eq(notify_dir_new(path, true, &dir), 0);
        spawner_use_notify(child_bed.spawner, dir);
        return dir;
}

static void end_sockets(const char *path, struct notify_dir *dir) {
        spawner_use_notify(child_bed.spawner, NULL);
        notify_dir_free(dir);
        ck_assert_msg(access(path, F_OK) < 0, "a notify socket is left");
}

static const char *play_with_fault(int i, unsigned n, unsigned n_descriptors) {
        _cleanup_(freep) struct probe *probe = probe_new(), *next = probe_new();
        const char *path = child_bed_path("notify"), *call;
        struct notify_dir *dir = make_sockets(path);
        int r;

        faults_arm(n, FAULT);
        r = play(i, probe);
        call = faults_disarm();
        end_sockets(path, dir);
        if (call) {
                check_outcome(call, r, probe);
                check_leaks(call, n_descriptors);
        }
        ck_assert_int_eq(play(i, next), 0);
        ck_assert_msg(next->pid > 0, "after %s: %s: %s", call, child_step_to_string(next->step), strerror(next->error));
        check_leaks(call ?: "nothing", n_descriptors);
        return call;
}

START_TEST(what_fails_is_told_and_leaves_nothing) {
        _cleanup_(freep) struct probe *first = probe_new();
        unsigned n_descriptors, n = 1;

        if (cases[_i].plain_fork)
                atomic_store(&child_bed.spawner->plain_fork, true);
        ck_assert_int_eq(play(_i, first), 0);
        n_descriptors = child_bed_count_descriptors();
        while (play_with_fault(_i, n, n_descriptors))
                ck_assert_uint_lt(++n, CALLS_MAX);
        ck_assert_uint_gt(n, 20);
        for (size_t at = 0; getenv("TEST_VERBOSE") && at < ARRAY_SIZE(calls); at++)
                if (seen[at])
                        printf("%s\n", calls[at].call);
}
END_TEST

static Suite *child_faults_suite(void) {
        Suite *suite = suite_create("child-faults");
        TCase *tcase = child_bed_case(suite, "faults");

        tcase_add_loop_test(tcase, what_fails_is_told_and_leaves_nothing, 0, (int)ARRAY_SIZE(cases));
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_faults_suite);
}
