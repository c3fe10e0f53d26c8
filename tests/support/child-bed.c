/* SPDX-License-Identifier: MIT */
/* child-bed: real processes on a real loop, see child-bed.h. */
#include "support/child-bed.h"

#include "loop/proc_stat.h"
#include "support/hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#define DEADLINE_USEC (50 * USEC_PER_SEC)
#define TEXT_MAX      (64 * 1024)
#define DIR_TEMPLATE  "/tmp/test-child-XXXXXX"

struct child_bed child_bed;
static struct loop_timer deadline;
static char marker[64];

bool child_bed_all_gone(const struct probe *probes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (probes[i].gone == 0 && !(probes[i].started > 0 && probes[i].pid == 0))
                        return false;
        return true;
}

/* What the loop runs until. */
static struct {
        const struct probe *probes;
        size_t n;
        child_bed_reached_fn reached;
} goal;

void child_bed_check(void) {
        if (goal.reached && goal.reached(goal.probes, goal.n))
                loop_exit(child_bed.loop, 0);
}

static void on_started(struct child *child, pid_t pid, enum child_step step, int error, void *arg) {
        struct probe *probe = arg;

        ck_assert_ptr_eq(child, probe->child);
        probe->started++;
        probe->pid = pid;
        probe->start_ticks = child_start_ticks(child);
        probe->step = step;
        probe->error = error;
        if (pid == 0)
                probe->child = child_free(child);
        child_bed_check();
}

static void on_exit_(struct child *child, int status, const struct rusage *usage, void *arg) {
        struct probe *probe = arg;

        ck_assert_uint_eq(probe->started, 1);
        probe->exited++;
        probe->status = status;
        probe->usage = *usage;
        probe->n_before_exit = probe->n_output;
        if (probe->free_in_callback) {
                probe->child = child_free(child);
                probe->gone++;
        } else if (probe->kill_on_exit)
                child_kill(child);
        child_bed_check();
}

static bool may_output(struct child *child, void *arg) {
        struct probe *probe = arg;

        if (!probe->refuses)
                return true;
        probe->refused++;
        child_pause_output(child, true);
        child_bed_check();
        return false;
}

static void on_output(_unused_ struct child *child, const char *data, size_t n, void *arg) {
        struct probe *probe = arg;
        size_t room = CHILD_BED_OUTPUT_MAX - MIN(probe->n_output, (size_t)CHILD_BED_OUTPUT_MAX);

        ck_assert_uint_eq(probe->ended_output, 0);
        ck_assert_uint_eq(probe->gone, 0);
        probe->ended_output += n == 0;
        if (n > 0)
                memcpy(probe->output + probe->n_output, data, MIN(n, room));
        probe->n_output += n;
        child_bed_check();
}

static void on_notify(struct child *child, const struct notify_message *message, void *arg) {
        struct probe *probe = arg;

        ck_assert_ptr_eq(child, probe->child);
        ck_assert_uint_eq(probe->started, 1);
        ck_assert_uint_eq(probe->gone, 0);
        probe->heard++;
        probe->message = *message;
        child_bed_check();
}

static void on_gone(struct child *child, void *arg) {
        struct probe *probe = arg;

        ck_assert_uint_eq(probe->exited, 1);
        probe->gone++;
        probe->child = child_free(child);
        child_bed_check();
}

const struct child_ops child_bed_ops = {
        .on_started = on_started,
        .on_exit = on_exit_,
        .may_output = may_output,
        .on_output = on_output,
        .on_notify = on_notify,
        .on_gone = on_gone,
};

static void on_deadline(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        loop_exit(child_bed.loop, 1);
}

void child_bed_run(const struct probe *probes, size_t n, child_bed_reached_fn reached) {
        goal.probes = probes;
        goal.n = n;
        goal.reached = reached;
        if (reached(probes, n))
                return;
        loop_timer_set(&deadline, clock_now(CLOCK_ID_MONOTONIC) + DEADLINE_USEC);
        ck_assert_msg(loop_run(child_bed.loop) == 0, "not within 50 s: started %u exited %u gone %u output \"%s\"",
                      probes->started, probes->exited, probes->gone, probes->output);
        loop_timer_set(&deadline, USEC_INFINITY);
        goal.reached = NULL;
}

struct child_spec child_bed_spec(char *const *argv) {
        static char *env[] = { marker, NULL };
        static const char *const base[] = { "PATH=/usr/bin:/bin", NULL };

        return (struct child_spec){
                .path = argv[0],
                .argv = argv,
                .env = env,
                .env_base = (char *const *)base,
                .output_pipe = true,
                .umask = (mode_t)-1,
                .core = CHILD_CORE_UNCHANGED,
                .marker = marker,
        };
}

void child_bed_spawn(struct probe *probe, const struct child_spec *spec) {
        int r = child_spawn(child_bed.spawner, spec, &child_bed_ops, probe, &probe->child);

        ck_assert_int_eq(r, 0);
        ck_assert_int_eq(child_pid(probe->child), 0);
}

void child_bed_run_to_end(struct probe *probe, const struct child_spec *spec) {
        child_bed_spawn(probe, spec);
        child_bed_run(probe, 1, child_bed_all_gone);
}

struct probe *probe_new(void) {
        struct probe *probe = calloc(1, sizeof(*probe));

        ck_assert_ptr_nonnull(probe);
        return probe;
}

void child_bed_says(const struct child_spec *spec, const char *expected) {
        _cleanup_(freep) struct probe *probe = probe_new();

        child_bed_run_to_end(probe, spec);
        ck_assert_msg(probe->pid > 0, "%s: %s", child_step_to_string(probe->step), strerror(probe->error));
        ck_assert_str_eq(probe->output, expected);
        ck_assert_int_eq(probe->status, 0);
        ck_assert_uint_eq(probe->ended_output, 1);
}

/* ---- who is left ---- */

const char *child_bed_marker(void) {
        return marker;
}

/* One amid an exec has neither an environment nor a command line: it is asked again. */
static bool has_marker(pid_t pid) {
        _cleanup_(freep) char *env = NULL, *line = NULL;
        char path[64];
        ssize_t n;

        while ((n = proc_environ_read(pid, TEXT_MAX, &env)) == -EAGAIN)
                (void)sched_yield();
        if (n > 0 && memmem(env, (size_t)n, marker, strlen(marker)))
                return true;
        (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
        n = proc_read(path, TEXT_MAX, &line);
        return n > 0 && memmem(line, (size_t)n, marker, strlen(marker));
}

unsigned child_bed_count_left(void) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        unsigned n = 0;

        ck_assert_ptr_nonnull(proc);
        while ((entry = readdir(proc))) {
                pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

                n += pid > 0 && has_marker(pid);
        }
        (void)closedir(proc);
        return n;
}

unsigned child_bed_count_unreaped(void) {
        DIR *tasks = opendir("/proc/self/task");
        struct dirent *entry;
        unsigned n = 0;

        ck_assert_ptr_nonnull(tasks);
        while ((entry = readdir(tasks))) {
                char path[300];
                FILE *file;

                (void)snprintf(path, sizeof(path), "/proc/self/task/%s/children", entry->d_name);
                file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
                for (int pid; file && fscanf(file, "%d", &pid) == 1;)
                        n++;
                if (file)
                        (void)fclose(file);
        }
        (void)closedir(tasks);
        return n;
}

bool child_bed_is_ready(const struct probe *probe, _unused_ size_t n) {
        return strstr(probe->output, "ready") || probe->gone > 0;
}

bool child_bed_nobody_left(_unused_ const struct probe *probes, _unused_ size_t n) {
        return child_bed_count_left() == 0;
}

/* Looks again and again, for what is told to nobody. */
static struct loop_timer look_timer;

static void on_look(struct loop_timer *timer, _unused_ void *arg) {
        child_bed_check();
        loop_timer_set(timer, clock_now(CLOCK_ID_MONOTONIC) + 5 * USEC_PER_MSEC);
}

void child_bed_look(void) {
        loop_timer_set(&look_timer, 1);
}

/* A file of a child that is gone is closed by a thread. */
unsigned child_bed_count_descriptors(void) {
        DIR *fds = opendir("/proc/self/fd");
        unsigned n = 0;

        spawner_flush_files(child_bed.spawner, DEADLINE_USEC);
        ck_assert_ptr_nonnull(fds);
        while (readdir(fds))
                n++;
        (void)closedir(fds);
        return n;
}

/* ---- fixture ---- */

static struct cgroup_tree *make_cgroups(void) {
        struct cgroup_tree *tree = NULL;
        char tag[32];

        (void)snprintf(tag, sizeof(tag), "test-child-%d", (int)getpid());
        return cgroup_tree_new(NULL, tag, &tree) < 0 ? NULL : tree;
}

static void setup(void) {
        ssize_t n = readlink("/proc/self/exe", child_bed.self, sizeof(child_bed.self) - 1);

        ck_assert_int_gt(n, 0);
        (void)snprintf(marker, sizeof(marker), "INVOCATION_ID=test-child-%d.", getpid());
        (void)strcpy(child_bed.dir, DIR_TEMPLATE);
        ck_assert_ptr_nonnull(mkdtemp(child_bed.dir));
        ck_assert_int_eq(loop_new(&child_bed.loop), 0);
        ck_assert_int_eq(spawner_new(child_bed.loop, &child_bed.spawner), 0);
        if (child_bed.with_cgroups)
                spawner_use_cgroups(child_bed.spawner, make_cgroups());
        ck_assert_int_eq(loop_timer_init(&deadline, child_bed.loop, CLOCK_ID_MONOTONIC, "deadline", on_deadline, NULL),
                         0);
        ck_assert_int_eq(loop_timer_init(&look_timer, child_bed.loop, CLOCK_ID_MONOTONIC, "look", on_look, NULL), 0);
}

static void teardown(void) {
        char command[64];

        spawner_free(child_bed.spawner);
        ck_assert_uint_eq(child_bed_count_left(), 0);
        loop_timer_done(&look_timer);
        loop_timer_done(&deadline);
        loop_free(child_bed.loop);
        (void)snprintf(command, sizeof(command), "rm -rf %s", child_bed.dir);
        ck_assert_int_eq(system(command), 0);
}

const char *child_bed_path(const char *name) {
        static char paths[4][PATH_MAX];
        static unsigned at;
        char *path = paths[at++ % 4];

        (void)snprintf(path, PATH_MAX, "%s/%s", child_bed.dir, name);
        return path;
}

const char *child_bed_write(const char *name, const char *text) {
        const char *path = child_bed_path(name);
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
        return path;
}

TCase *child_bed_case(Suite *suite, const char *name) {
        TCase *tcase = tcase_create(name);

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        return tcase;
}

static int run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed;
}

int child_bed_main(int argc, char *argv[], Suite *(*suite)(void)) {
        struct rlimit limit;
        char nofile[32];
        struct cgroup_tree *cgroups;
        int failed;

        if (argc > 1 && streq(argv[1], "hostile"))
                hostile_main(argc - 1, argv + 1);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        (void)snprintf(nofile, sizeof(nofile), "%llu", (unsigned long long)limit.rlim_cur);
        (void)setenv("TEST_NOFILE", nofile, 1);
        failed = run(suite());
        cgroups = make_cgroups();
        if (cgroups) {
                cgroup_tree_free(cgroups);
                child_bed.with_cgroups = true;
                failed += run(suite());
        } else {
                printf("skipped: children in groups: no cgroup2 tree is writable here\n");
        }
        return failed > 0;
}
