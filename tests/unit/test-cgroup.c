/* SPDX-License-Identifier: MIT */
/* Groups of processes: on directories that look like the kernel's, and for real where a tree is writable. */
#include "loop/cgroup.h"
#include "support/fake-cgroup.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct cgroup_limits no_limits;

/* ---- finding the tree ---- */

static const struct {
        const char *mountinfo;
        const char *self;
        const char *found; /* NULL: none */
} places[] = {
        { "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n", "0::/system.slice/tendd.service\n",
          "/sys/fs/cgroup/system.slice/tendd.service" },
        { "31 23 0:28 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n", "0::/\n", "/sys/fs/cgroup" },
        { "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
          "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
          "9:name=systemd:/user.slice\n1:cpu:/x\n0::/user.slice\n", "/sys/fs/cgroup/unified/user.slice" },
        { "31 23 0:28 /machine.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/machine.slice/a\n",
          "/sys/fs/cgroup/a" },
        { "31 23 0:28 /machine.slice /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/machine.slice\n",
          "/sys/fs/cgroup" },
        { "31 23 0:28 /machine /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/machine.slice/a\n", NULL },
        { "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/a\n", NULL },
        { "31 23 0:28 / /mnt/a\\040b rw - cgroup2 cgroup2 rw\n", "0::/c\n", "/mnt/a b/c" },
        { "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "0::/x\n", NULL },
        { "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "3:cpu:/x\n", NULL },
        { "31 23 0:28\n - cgroup2 \n", "0::/x\n", NULL },
        { "", "", NULL },
};

static FILE *text_file(const char *text) {
        FILE *file = tmpfile();

        fputs(text, file);
        rewind(file);
        return file;
}

START_TEST(the_tree_is_found_in_mountinfo) {
        FILE *mountinfo = text_file(places[_i].mountinfo), *self = text_file(places[_i].self);
        char *found = NULL;
        int r = cgroup_find(mountinfo, self, &found);

        ck_assert_int_eq(r, places[_i].found ? 0 : -EOPNOTSUPP);
        ck_assert_pstr_eq(found, places[_i].found);
        free(found);
        fclose(mountinfo);
        fclose(self);
}
END_TEST

/* ---- on the fake ---- */

static struct cgroup_tree *tree;
static const char *path_of_top;

static void make_tree(const char *controllers) {
        path_of_top = fake_cgroup_init(controllers);
        ck_assert_int_eq(cgroup_tree_new(path_of_top, "test", &tree), 0);
}

static struct cgroup *new_group(const struct cgroup_limits *limits) {
        struct cgroup *cgroup = NULL;
        int fd = -EBADF;

        ck_assert_int_eq(cgroup_new(tree, limits, &cgroup, &fd), 0);
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        return cgroup;
}

static void end_tree(void) {
        tree = cgroup_tree_free(tree);
        ck_assert(!fake_cgroup_exists("tendd-test/cgroup.procs"));
        fake_cgroup_done();
}

/* Not the root of the tree, and who is there. */
static void make_tree_below(const char *procs) {
        path_of_top = fake_cgroup_init("cpu memory pids");
        fake_cgroup_write("cgroup.type", "domain\n");
        fake_cgroup_write("cgroup.procs", procs);
        ck_assert_int_eq(cgroup_tree_new(path_of_top, "test", &tree), 0);
}

START_TEST(the_daemon_moves_before_any_controller_is_enabled) {
        char own[32];

        (void)snprintf(own, sizeof(own), "%d\n", (int)getpid());
        make_tree_below(own);
        ck_assert_str_eq(fake_cgroup_read("tendd-test/daemon/cgroup.procs"), "0");
        for (enum cgroup_controller i = 0; i < _CGROUP_CONTROLLER_MAX; i++)
                ck_assert(cgroup_tree_has(tree, i));
        end_tree();
}
END_TEST

START_TEST(beside_others_there_are_no_controllers) {
        char both[32];

        (void)snprintf(both, sizeof(both), "1\n%d\n", (int)getpid());
        make_tree_below(both);
        ck_assert(!fake_cgroup_exists("tendd-test/daemon/cgroup.procs"));
        for (enum cgroup_controller i = 0; i < _CGROUP_CONTROLLER_MAX; i++)
                ck_assert(!cgroup_tree_has(tree, i));
        ck_assert_str_eq(fake_cgroup_read("cgroup.subtree_control"), "");
        end_tree();
}
END_TEST

START_TEST(controllers_are_enabled_on_both_levels) {
        make_tree("cpuset cpu memory pids");
        ck_assert(cgroup_tree_has(tree, CGROUP_CPU));
        ck_assert(cgroup_tree_has(tree, CGROUP_MEMORY));
        ck_assert(cgroup_tree_has(tree, CGROUP_PIDS));
        ck_assert_str_eq(fake_cgroup_read("tendd-test/cgroup.subtree_control"), "+pids");
        ck_assert_str_eq(fake_cgroup_read("cgroup.subtree_control"), "+pids");
        tree = cgroup_tree_free(tree);
        ck_assert_str_eq(fake_cgroup_read("cgroup.subtree_control"), "-pids");
        fake_cgroup_done();
}
END_TEST

START_TEST(controllers_that_are_missing_are_known) {
        struct cgroup_limits limits = { .memory_max = 1 << 20, .pids_max = 7, .cpu_max = 50 };
        struct cgroup *cgroup;

        make_tree("cpu");
        ck_assert(cgroup_tree_has(tree, CGROUP_CPU));
        ck_assert(!cgroup_tree_has(tree, CGROUP_MEMORY));
        ck_assert(!cgroup_tree_has(tree, CGROUP_PIDS));
        cgroup = new_group(&limits);
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/cpu.max"), "50000 100000");
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/memory.max"), "max");
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/pids.max"), "max");
        cgroup_release(cgroup);
        end_tree();
}
END_TEST

START_TEST(bounds_are_written) {
        struct cgroup_limits limits = { .memory_max = UINT64_C(5) << 30, .pids_max = 64, .cpu_max = 150 };
        struct cgroup *cgroup;

        make_tree("cpu memory pids");
        cgroup = new_group(&limits);
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/memory.max"), "5368709120");
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/memory.oom.group"), "1");
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/pids.max"), "64");
        ck_assert_str_eq(fake_cgroup_read("tendd-test/run-1/cpu.max"), "150000 100000");
        cgroup_release(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.procs"));
        end_tree();
}
END_TEST

static const char *const bound_files[] = { "memory.max", "pids.max", "cpu.max" };

START_TEST(a_bound_that_cannot_be_written_leaves_nothing) {
        struct cgroup_limits limits = { .memory_max = 1 << 20, .pids_max = 7, .cpu_max = 50 };
        struct cgroup *cgroup = NULL;
        int fd;

        make_tree("cpu memory pids");
        fake_cgroup_leave_out(bound_files[_i]);
        ck_assert_int_eq(cgroup_new(tree, &limits, &cgroup, &fd), -ENOENT);
        ck_assert_ptr_null(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.procs"));
        end_tree();
}
END_TEST

START_TEST(empty_groups_are_reused) {
        struct cgroup *a, *b;

        make_tree("");
        a = new_group(&no_limits);
        b = new_group(&no_limits);
        ck_assert_str_eq(cgroup_name(a), "run-1");
        ck_assert_str_eq(cgroup_name(b), "run-2");
        ck_assert(cgroup_try_release(a));
        a = new_group(&no_limits);
        ck_assert_str_eq(cgroup_name(a), "run-1");
        cgroup_release(a);
        cgroup_release(b);
        end_tree();
}
END_TEST

/* As a directory of version 1, which has cgroup.procs. */
START_TEST(a_directory_that_is_no_cgroup2_is_refused) {
        path_of_top = fake_cgroup_init("");
        fake_cgroup_leave_out("cgroup.events");
        ck_assert_int_eq(cgroup_tree_new(path_of_top, "test", &tree), -EOPNOTSUPP);
        ck_assert(!fake_cgroup_exists("tendd-test/cgroup.controllers"));
        fake_cgroup_done();
}
END_TEST

static void make_below(const struct cgroup *cgroup, const char *name) {
        char path[256];

        snprintf(path, sizeof(path), "%s/%s/%s", cgroup_tree_path(tree), cgroup_name(cgroup), name);
        ck_assert_int_eq(mkdir(path, 0755), 0);
}

START_TEST(spoiled_groups_are_removed) {
        struct cgroup *cgroup;

        make_tree("");
        cgroup = new_group(&no_limits);
        fake_cgroup_write("tendd-test/run-1/cgroup.events", "populated 1\nfrozen 0\n");
        ck_assert(!cgroup_try_release(cgroup));
        fake_cgroup_write("tendd-test/run-1/cgroup.events", "populated 0\nfrozen 1\n");
        ck_assert(!cgroup_try_release(cgroup));
        cgroup_release(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.procs"));

        cgroup = new_group(&no_limits);
        ck_assert_str_eq(cgroup_name(cgroup), "run-2");
        make_below(cgroup, "a");
        ck_assert(!cgroup_try_release(cgroup));
        cgroup_release(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-2/cgroup.procs"));
        end_tree();
}
END_TEST

START_TEST(groups_that_a_stranger_removed_are_passed_over) {
        struct cgroup *a, *b;
        char path[256];

        make_tree("");
        a = new_group(&no_limits);
        b = new_group(&no_limits);
        cgroup_release(b);
        cgroup_release(a);
        snprintf(path, sizeof(path), "%s/run-1", cgroup_tree_path(tree));
        ck_assert_int_eq(rmdir(path), 0);
        a = new_group(&no_limits);
        ck_assert_str_eq(cgroup_name(a), "run-2");
        cgroup_release(a);
        end_tree();
}
END_TEST

START_TEST(a_number_that_is_taken_is_passed_over) {
        struct cgroup *cgroup;
        char path[256];

        make_tree("");
        snprintf(path, sizeof(path), "%s/run-1", cgroup_tree_path(tree));
        ck_assert_int_eq(mkdir(path, 0755), 0);
        cgroup = new_group(&no_limits);
        ck_assert_str_eq(cgroup_name(cgroup), "run-2");
        cgroup_release(cgroup);
        end_tree();
}
END_TEST

START_TEST(a_group_that_cannot_be_entered_is_not_kept) {
        struct cgroup *cgroup = NULL;
        int fd;

        make_tree("");
        fake_cgroup_leave_out("cgroup.procs");
        ck_assert_int_eq(cgroup_new(tree, &no_limits, &cgroup, &fd), -ENOENT);
        ck_assert_ptr_null(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.events"));
        end_tree();
}
END_TEST

START_TEST(processor_time_of_former_users_does_not_count) {
        struct cgroup_usage usage;
        struct cgroup *cgroup;

        make_tree("");
        cgroup = new_group(&no_limits);
        fake_cgroup_write("tendd-test/run-1/cpu.stat", "usage_usec 1000\nuser_usec 900\n");
        ck_assert_int_eq(cgroup_get_usage(cgroup, &usage), 0);
        ck_assert_uint_eq(usage.cpu_usec, 1000);
        cgroup_release(cgroup);
        cgroup = new_group(&no_limits);
        fake_cgroup_write("tendd-test/run-1/cpu.stat", "usage_usec 1700\nuser_usec 900\n");
        ck_assert_int_eq(cgroup_get_usage(cgroup, &usage), 0);
        ck_assert_uint_eq(usage.cpu_usec, 700);
        ck_assert_uint_eq(usage.memory_peak, 0);
        cgroup_release(cgroup);
        end_tree();
}
END_TEST

START_TEST(memory_is_known_where_there_is_the_controller) {
        struct cgroup_usage usage;
        struct cgroup *cgroup;

        make_tree("memory");
        cgroup = new_group(&no_limits);
        ck_assert(!cgroup_try_release(cgroup));
        fake_cgroup_write("tendd-test/run-1/memory.peak", "123456789\n");
        fake_cgroup_write("tendd-test/run-1/memory.events", "oom 3\noom_group_kill 9\noom_kill 2\n");
        ck_assert_int_eq(cgroup_get_usage(cgroup, &usage), 0);
        ck_assert_uint_eq(usage.memory_peak, 123456789);
        ck_assert_uint_eq(usage.oom_kills, 2);
        cgroup_release(cgroup);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.procs"));
        end_tree();
}
END_TEST

START_TEST(groups_of_a_dead_daemon_are_removed) {
        struct cgroup_tree *former;
        struct cgroup *cgroup;
        char path[256];

        make_tree("");
        former = tree;
        cgroup = new_group(&no_limits);
        snprintf(path, sizeof(path), "%s/run-1/made-by-it", cgroup_tree_path(former));
        ck_assert_int_eq(mkdir(path, 0755), 0);
        ck_assert(fake_cgroup_exists("tendd-test/run-1/made-by-it/cgroup.procs"));

        ck_assert_int_eq(cgroup_tree_new(path_of_top, "test", &tree), 0);
        cgroup_tree_end_leftovers(tree, USEC_PER_SEC);
        ck_assert(!fake_cgroup_exists("tendd-test/run-1/cgroup.procs"));
        cgroup_release(cgroup);
        cgroup_tree_free(former);
        end_tree();
}
END_TEST

START_TEST(what_is_no_tree_is_refused) {
        char empty[] = "/tmp/tendd-cgroup-XXXXXX";

        /* No wrapped mkdir fills it: the fake is not in use. */
        ck_assert_ptr_nonnull(mkdtemp(empty));
        ck_assert_int_eq(cgroup_tree_new(empty, "test", &tree), -EOPNOTSUPP);
        ck_assert_int_eq(rmdir(empty), 0);
        ck_assert_int_eq(cgroup_tree_new("/no/such/directory", "test", &tree), -ENOENT);
        ck_assert_ptr_null(tree);
}
END_TEST

/* ---- for real ---- */

static struct cgroup *group;
static int group_procs;

static void real_setup(void) {
        char tag[32];

        snprintf(tag, sizeof(tag), "test-%d", (int)getpid());
        if (cgroup_tree_new(NULL, tag, &tree) < 0)
                return; /* skipped: see main() */
        ck_assert_int_eq(cgroup_new(tree, &no_limits, &group, &group_procs), 0);
}

static void real_teardown(void) {
        closep(&group_procs);
        group = cgroup_release(group);
        tree = cgroup_tree_free(tree);
}

/* It is nobody's, but he is elsewhere, and what is above belongs to root. */
START_TEST(a_directory_that_cannot_be_entered_is_refused) {
        char path[512], procs[600];
        int status = 0;
        pid_t nobody;

        if (!tree || geteuid() != 0) {
                fprintf(stderr, "skipped: giving a group away needs root and cgroup2\n");
                return;
        }
        snprintf(path, sizeof(path), "%s/run-given", cgroup_tree_path(tree));
        snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        ck_assert_int_eq(chown(procs, 65534, 65534), 0);
        nobody = fork();
        if (nobody == 0) {
                struct cgroup_tree *theirs = NULL;

                _exit(setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0
                              ? 255
                              : -cgroup_tree_new(path, "test", &theirs));
        }
        ck_assert_int_eq(waitpid(nobody, &status, 0), nobody);
        ck_assert_int_eq(WEXITSTATUS(status), EACCES);
        ck_assert_int_eq(rmdir(path), 0); /* nothing of ours is left in it */
}
END_TEST

static void enter(void) {
        if (write(group_procs, "0", 1) != 1)
                _exit(99);
}

/* A process in the group, which sleeps; a stopped one if asked for. */
static pid_t sleeper(bool stopped) {
        int pair[2];
        char byte;
        pid_t pid;

        ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
        pid = fork();
        if (pid == 0) {
                (void)signal(SIGTERM, SIG_DFL); /* Check has a handler */
                enter();
                (void)!write(pair[1], "x", 1);
                if (stopped)
                        (void)raise(SIGSTOP);
                for (;;)
                        (void)pause();
        }
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(read(pair[0], &byte, 1), 1);
        (void)close(pair[0]);
        (void)close(pair[1]);
        return pid;
}

static int signal_that_ended(pid_t pid) {
        int status;

        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : -1;
}

static void wait_until_empty(void) {
        for (int i = 0; i < 5000 && cgroup_is_populated(group) != 0; i++)
                (void)poll(NULL, 0, 1);
        ck_assert_int_eq(cgroup_is_populated(group), 0);
}

START_TEST(a_group_knows_who_is_in_it_and_is_killed) {
        pid_t pids[3];

        ck_assert_int_eq(cgroup_is_populated(group), 0);
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                pids[i] = sleeper(i == 1);
        ck_assert_int_eq(cgroup_is_populated(group), 1);
        ck_assert_int_eq(cgroup_kill(group, false), 0);
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                ck_assert_int_eq(signal_that_ended(pids[i]), SIGKILL);
        wait_until_empty();
}
END_TEST

START_TEST(a_signal_reaches_all_the_stopped_too) {
        pid_t pids[3];

        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                pids[i] = sleeper(i == 1);
        ck_assert_int_eq(cgroup_signal(group, SIGTERM, true), 3);
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                ck_assert_int_eq(signal_that_ended(pids[i]), SIGTERM);
        wait_until_empty();
        ck_assert_int_eq(cgroup_signal(group, SIGTERM, true), 0);
}
END_TEST

/* More than one batch of pidfds, and some in a group below. */
START_TEST(a_signal_reaches_many_and_those_below) {
        enum { MANY = 700 };
        static pid_t pids[MANY];
        char path[256], procs[300], text[16];
        FILE *file;

        for (size_t i = 0; i < MANY; i++) {
                pids[i] = fork();
                if (pids[i] == 0) {
                        enter();
                        for (;;)
                                (void)pause();
                }
                ck_assert_int_gt(pids[i], 0);
        }
        snprintf(path, sizeof(path), "%s/run-1/below", cgroup_tree_path(tree));
        ck_assert_int_eq(mkdir(path, 0755), 0);
        snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
        for (size_t i = 0; i < 10; i++) {
                file = fopen(procs, "we");
                snprintf(text, sizeof(text), "%d", (int)pids[i]);
                fputs(text, file);
                ck_assert_int_eq(fclose(file), 0);
        }
        /* The last ones may still be on their way in. */
        for (int n = 0; n < MANY;) {
                n = cgroup_signal(group, 0, false);
                ck_assert_int_ge(n, 0);
                (void)poll(NULL, 0, 1);
        }
        ck_assert_int_eq(cgroup_signal(group, SIGUSR1, false), MANY);
        for (size_t i = 0; i < MANY; i++)
                ck_assert_int_eq(signal_that_ended(pids[i]), SIGUSR1);
        wait_until_empty();
}
END_TEST

/* As deep as can be removed, and no deeper. */
START_TEST(groups_below_are_removed_however_deep) {
        char path[4096];
        int n, depth;

        n = snprintf(path, sizeof(path), "%s/%s", cgroup_tree_path(tree), cgroup_name(group));
        for (depth = 0; depth < 100; depth++) {
                n += snprintf(path + n, sizeof(path) - (size_t)n, "/d");
                if (mkdir(path, 0755) < 0)
                        break;
        }
        ck_assert_int_gt(depth, 20);
        ck_assert_int_lt(depth, 100);
        path[strlen(cgroup_tree_path(tree)) + 1 + strlen(cgroup_name(group))] = '\0';
        ck_assert_int_eq(access(path, F_OK), 0);
        group = cgroup_release(group);
        ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(what_a_dead_daemon_left_is_killed) {
        pid_t pid = sleeper(false);
        struct cgroup_tree *next;
        char tag[32];

        snprintf(tag, sizeof(tag), "test-%d", (int)getpid());
        ck_assert_int_eq(cgroup_tree_new(NULL, tag, &next), 0);
        cgroup_tree_end_leftovers(next, 10 * USEC_PER_SEC);
        ck_assert_int_eq(signal_that_ended(pid), SIGKILL);
        cgroup_tree_free(next);
}
END_TEST

static bool can_make_groups(void) {
        struct cgroup_tree *probe;
        char tag[32];
        int r;

        snprintf(tag, sizeof(tag), "probe-%d", (int)getpid());
        r = cgroup_tree_new(NULL, tag, &probe);
        if (r < 0)
                printf("skipped: tests on real groups: no writable cgroup2 tree (%s)\n", strerror(-r));
        else
                cgroup_tree_free(probe);
        return r == 0;
}

int main(void) {
        Suite *suite = suite_create("cgroup");
        TCase *fake = tcase_create("fake"), *real = tcase_create("real");
        SRunner *runner;
        int failed;

        tcase_add_loop_test(fake, the_tree_is_found_in_mountinfo, 0, ARRAY_SIZE(places));
        tcase_add_test(fake, the_daemon_moves_before_any_controller_is_enabled);
        tcase_add_test(fake, beside_others_there_are_no_controllers);
        tcase_add_test(fake, controllers_are_enabled_on_both_levels);
        tcase_add_test(fake, controllers_that_are_missing_are_known);
        tcase_add_test(fake, bounds_are_written);
        tcase_add_loop_test(fake, a_bound_that_cannot_be_written_leaves_nothing, 0, ARRAY_SIZE(bound_files));
        tcase_add_test(fake, empty_groups_are_reused);
        tcase_add_test(fake, a_directory_that_is_no_cgroup2_is_refused);
        tcase_add_test(fake, spoiled_groups_are_removed);
        tcase_add_test(fake, groups_that_a_stranger_removed_are_passed_over);
        tcase_add_test(fake, a_number_that_is_taken_is_passed_over);
        tcase_add_test(fake, a_group_that_cannot_be_entered_is_not_kept);
        tcase_add_test(fake, processor_time_of_former_users_does_not_count);
        tcase_add_test(fake, memory_is_known_where_there_is_the_controller);
        tcase_add_test(fake, groups_of_a_dead_daemon_are_removed);
        tcase_add_test(fake, what_is_no_tree_is_refused);
        suite_add_tcase(suite, fake);
        tcase_add_checked_fixture(real, real_setup, real_teardown);
        tcase_set_timeout(real, 60);
        tcase_add_test(real, a_directory_that_cannot_be_entered_is_refused);
        tcase_add_test(real, a_group_knows_who_is_in_it_and_is_killed);
        tcase_add_test(real, a_signal_reaches_all_the_stopped_too);
        tcase_add_test(real, a_signal_reaches_many_and_those_below);
        tcase_add_test(real, groups_below_are_removed_however_deep);
        tcase_add_test(real, what_a_dead_daemon_left_is_killed);
        if (can_make_groups())
                suite_add_tcase(suite, real);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
