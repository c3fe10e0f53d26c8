/* SPDX-License-Identifier: MIT */
/* child-given: what a child finds: session, signals, descriptors, limits, user, environment, stdin. */
#include "loop/child_files.h"
#include "loop/spawner.h"
#include "support/child-bed.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

START_TEST(it_has_a_session_of_its_own_and_no_signal_changed) {
        struct child_spec spec = child_bed_spec(SHELL(
                "read -r pid comm state ppid pgrp session rest </proc/self/stat; [ $session = $$ ] && echo session;"
                "grep -E '^Sig(Blk|Ign)' /proc/self/status"));

        ck_assert_ptr_ne((void *)(uintptr_t)signal(SIGPIPE, SIG_IGN), (void *)(uintptr_t)SIG_ERR);
        child_bed_says(&spec, "session\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}
END_TEST

START_TEST(no_descriptor_leaks) {
        struct child_spec spec = child_bed_spec(SHELL("cd /proc/self/fd; echo *"));
        int fds[200];

        child_bed_says(&spec, "0 1 2 3\n"); /* 3: the directory itself */
        /* Not close-on-exec; and so many that ours are pushed beyond what a child copies unless they have low slots. */
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = open("/dev/null", O_RDONLY);
                ck_assert_int_ge(fds[i], 0);
        }
        child_bed_says(&spec, "0 1 2 3\n");
        spec.stdin_data = "data";
        spec.stdin_size = 4;
        spec.argv = SHELL("cat; cd /proc/self/fd; echo *");
        child_bed_says(&spec, "data0 1 2 3\n");
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                (void)close(fds[i]);
}
END_TEST

START_TEST(limits_of_open_files_are_those_of_before) {
        struct rlimit before;
        char expected[64];
        struct child_spec spec = child_bed_spec(SHELL("ulimit -Sn"));

        /* A spawner raised it: ours is what was found then, told by a child without a wish of its own. */
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_uint_eq(before.rlim_cur, before.rlim_max);
        (void)snprintf(expected, sizeof(expected), "%s\n", getenv("TEST_NOFILE"));
        child_bed_says(&spec, expected);
        spec.nofile = 77;
        spec.core = 0;
        spec.argv = SHELL("ulimit -Sn; ulimit -Hn; ulimit -c");
        child_bed_says(&spec, "77\n77\n0\n");
}
END_TEST

/* Of the soft limit; that there is none is not the same as leaving it. */
START_TEST(the_limit_of_core_files_is_left_or_lifted) {
        struct child_spec spec = child_bed_spec(SHELL("ulimit -Sc"));
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
        if (limit.rlim_max != RLIM_INFINITY && geteuid() != 0) {
                fprintf(stderr, "skipped: the hard limit of core files is low\n");
                return;
        }
        limit.rlim_cur = 0;
        ck_assert_int_eq(setrlimit(RLIMIT_CORE, &limit), 0);
        child_bed_says(&spec, "0\n");
        spec.core = UINT64_MAX;
        child_bed_says(&spec, "unlimited\n");
}
END_TEST

START_TEST(umask_nice_directory_and_privileges_are_set) {
        struct child_spec spec = child_bed_spec(SHELL("umask; pwd; nice; grep NoNewPrivs /proc/self/status"));

        spec.umask = 0027;
        spec.nice = 7;
        spec.directory = "/usr";
        spec.no_new_privileges = true;
        child_bed_says(&spec, "0027\n/usr\n7\nNoNewPrivs:\t1\n");
        spec = child_bed_spec(SHELL("pwd"));
        child_bed_says(&spec, "/\n");
}
END_TEST

START_TEST(path_is_searched) {
        const char *path = child_bed_write("tool", "#!/bin/sh\necho found \"$0\"\n");
        char search[PATH_MAX], expected[PATH_MAX];
        struct child_spec spec = child_bed_spec(WORDS("tool"));

        ck_assert_int_eq(chmod(path, 0755), 0);
        (void)snprintf(search, sizeof(search), "PATH=/nonexistent:/etc/passwd:%s:/bin", child_bed.dir);
        (void)snprintf(expected, sizeof(expected), "found %s/tool\n", child_bed.dir);
        spec.env_base = WORDS(search);
        child_bed_says(&spec, expected);

        /* What may not be executed is told when there is nothing else. */
        ck_assert_int_eq(chmod(path, 0644), 0);
        {
                _cleanup_(freep) struct probe *probe = probe_new();

                child_bed_run_to_end(probe, &spec);
                ck_assert_int_eq(probe->error, EACCES);
        }
        /* Without PATH there is a default. */
        spec = child_bed_spec(WORDS("true"));
        spec.env_base = NULL;
        child_bed_says(&spec, "");
}
END_TEST

START_TEST(the_environment_has_four_layers) {
        struct child_spec spec = child_bed_spec(WORDS("env"));
        spec.env = WORDS("C=lost", "D=own", "C=own");
        spec.env_base = WORDS("A=base", "D=base", "F=base", "PATH=/usr/bin");
        spec.env_file = child_bed_write("env", "# comment\n\n A=file\nB=\"fi le\"\r\nB2='x'\nC=file\nE=\nA=last");
        child_bed_says(&spec, "C=own\nD=own\nA=last\nB=fi le\nB2=x\nE=\nF=base\nPATH=/usr/bin\n");
}
END_TEST

START_TEST(a_user_brings_id_groups_and_variables) {
        struct child_spec spec = child_bed_spec(SHELL("id -u; id -g; id -G; echo $USER $LOGNAME $HOME; echo $SHELL"));

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: a change of user needs root\n");
                return;
        }
        spec.user = "nobody";
        spec.env_base = WORDS("PATH=/usr/bin:/bin", "HOME=/wrong");
        child_bed_says(&spec, "65534\n65534\n65534\nnobody nobody /nonexistent\n/usr/sbin/nologin\n");
        spec.group = "daemon";
        spec.argv = SHELL("id -u; id -g; echo $HOME");
        spec.env = WORDS("HOME=/mine");
        child_bed_says(&spec, "65534\n1\n/mine\n");
        ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 1);
        ck_assert_uint_eq(geteuid(), 0);

        /* Files are opened as the user. */
        {
                _cleanup_(freep) struct probe *probe = probe_new();

                spec.output_path = child_bed_path("out");
                child_bed_run_to_end(probe, &spec);
                ck_assert_int_eq(probe->step, CHILD_STEP_OUTPUT);
                ck_assert_int_eq(probe->error, EACCES);
        }
}
END_TEST

START_TEST(a_user_may_be_a_number) {
        struct child_spec spec = child_bed_spec(SHELL("id -u; id -g; id -G; echo $USER $HOME"));
        _cleanup_(freep) struct probe *probe = probe_new();

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: a change of user needs root\n");
                return;
        }
        spec.user = "65534";
        spec.env_base = WORDS("PATH=/usr/bin:/bin");
        child_bed_says(&spec, "65534\n65534\n65534\nnobody /nonexistent\n");
        spec.group = "1";
        spec.argv = SHELL("id -g");
        child_bed_says(&spec, "1\n");
        spec.group = "4000000"; /* a group needs no name, but a user a home */
        child_bed_says(&spec, "4000000\n");
        spec.user = "4000000";
        child_bed_run_to_end(probe, &spec);
        ck_assert_int_eq(probe->step, CHILD_STEP_USER);
        ck_assert_int_eq(probe->error, ESRCH);
}
END_TEST

START_TEST(stdin_is_null_a_file_or_data) {
        struct child_spec spec = child_bed_spec(WORDS("wc", "-c"));
        size_t n = 3 * 1024 * 1024;
        _cleanup_(freep) char *data = calloc(1, n);

        child_bed_says(&spec, "0\n");
        spec.stdin_path = child_bed_write("in", "four");
        child_bed_says(&spec, "4\n");
        spec.stdin_data = data;
        spec.stdin_size = n;
        child_bed_says(&spec, "3145728\n");
        spec.stdin_size = 0;
        child_bed_says(&spec, "0\n");
}
END_TEST

/* ---- descriptors of somebody else's ---- */

/* A file of the test's, opened; and numbered so that a child that copies a small table does not have it. */
static int open_high(const char *name, int flags) {
        int fd = open(child_bed_path(name), flags | O_CLOEXEC, 0600), high;

        ck_assert_int_ge(fd, 0);
        high = fcntl(fd, F_DUPFD_CLOEXEC, 300);
        ck_assert_int_ge(high, 0);
        (void)close(fd);
        return high;
}

static const char *read_back(const char *name) {
        static char text[256];
        int fd = open(child_bed_path(name), O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, text, sizeof(text) - 1);

        ck_assert_int_ge(n, 0);
        text[n] = '\0';
        (void)close(fd);
        return text;
}

static struct child_files *give(int in, int out, int err, int directory) {
        const int fds[_CHILD_FILE_MAX] = { in, out, err, directory };
        struct child_files *files;

        ck_assert_int_eq(child_files_new(child_bed.spawner, fds, &files), 0);
        return files;
}

/* Also where a child is forked, and reports by a descriptor of its own. */
START_TEST(descriptors_are_what_it_reads_and_writes_and_where_it_works) {
        _cleanup_(freep) struct probe *probe = probe_new();
        _cleanup_(freep) struct probe *other = probe_new();
        struct child_spec spec = child_bed_spec(SHELL("cat; pwd; echo wrong >&2; cd /proc/self/fd; echo *"));

        (void)child_bed_write("in", "told ");
        if (_i == 1)
                atomic_store(&child_bed.spawner->plain_fork, true);
        spec.files = give(open_high("in", O_RDONLY), open_high("out", O_CREAT | O_WRONLY),
                          open_high("err", O_CREAT | O_WRONLY), open("/usr", O_PATH | O_CLOEXEC));
        spec.directory = "/var";
        spec.stdin_path = "/dev/zero";
        child_bed_run_to_end(probe, &spec); /* of whom we hear nothing */
        ck_assert_int_eq(probe->status, 0);
        ck_assert_uint_eq(probe->n_output, 0);
        ck_assert_str_eq(read_back("out"), "told /usr\n0 1 2 3\n");
        ck_assert_str_eq(read_back("err"), "wrong\n");
        /* What it cannot become is told although it writes elsewhere. */
        spec.path = "/nonexistent";
        child_bed_run_to_end(other, &spec);
        ck_assert_int_eq(other->step, CHILD_STEP_EXEC);
        ck_assert_int_eq(other->error, ENOENT);
        child_files_unref(spec.files);
}
END_TEST

/* Each attempt of a run has the same ones. */
START_TEST(descriptors_serve_one_child_after_the_other) {
        struct child_spec spec = child_bed_spec(SHELL("echo line"));

        spec.files = give(-EBADF, open_high("out", O_CREAT | O_WRONLY), -EBADF, -EBADF);
        for (unsigned i = 0; i < 3; i++)
                child_bed_says(&spec, "");
        ck_assert_str_eq(read_back("out"), "line\nline\nline\n");
        child_files_unref(spec.files);
}
END_TEST

START_TEST(what_is_not_given_of_the_output_comes_to_us) {
        struct child_spec spec = child_bed_spec(SHELL("wc -c; echo out; echo err >&2; pwd"));

        spec.files = give(-EBADF, open_high("out", O_CREAT | O_WRONLY), -EBADF, -EBADF);
        child_bed_says(&spec, "err\n");
        ck_assert_str_eq(read_back("out"), "0\nout\n/\n");
        child_files_unref(spec.files);
        spec.files = give(-EBADF, -EBADF, open_high("err", O_CREAT | O_WRONLY), -EBADF);
        child_bed_says(&spec, "0\nout\n/\n");
        ck_assert_str_eq(read_back("err"), "err\n");
        child_files_unref(spec.files);
}
END_TEST

static struct stat given;
static unsigned n_copies;

/* Other threads open and close meanwhile: the descriptors are not touched. */
static unsigned count_copies(void) {
        char path[sizeof("/proc/self/fd/") + 11];
        unsigned n = 0;
        struct stat st;

        for (int fd = 0; fd < 1000; fd++) {
                (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                n += stat(path, &st) == 0 && st.st_dev == given.st_dev && st.st_ino == given.st_ino;
        }
        return n;
}

/* A FIFO can be opened for writing when somebody waits for that. */
static bool waits_for_its_stdin(_unused_ const struct probe *probes, _unused_ size_t n) {
        int fd;

        n_copies = count_copies();
        fd = open(child_bed_path("fifo"), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0)
                (void)close(fd);
        return fd >= 0;
}

/* Or other children would have copies, and closing one can hang. */
START_TEST(descriptors_are_in_no_other_place_while_a_child_begins) {
        _cleanup_(freep) struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(WORDS("cat"));
        int fd = open_high("out", O_CREAT | O_WRONLY);

        ck_assert_int_eq(fstat(fd, &given), 0);
        spec.stdin_path = child_bed_path("fifo");
        ck_assert_int_eq(mkfifo(spec.stdin_path, 0600), 0);
        spec.files = give(-EBADF, fd, -EBADF, -EBADF);
        child_bed_spawn(probe, &spec);
        child_bed_look();
        child_bed_run(probe, 1, waits_for_its_stdin);
        ck_assert_uint_eq(n_copies, 1);
        child_bed_run(probe, 1, child_bed_all_gone);
        ck_assert_int_eq(probe->status, 0);
        child_files_unref(spec.files);
}
END_TEST

static int watched;

static bool is_closed(_unused_ const struct probe *probes, _unused_ size_t n) {
        char c;

        return read(watched, &c, 1) == 0;
}

/* By a thread, after the last child that had them; also those that no child was ever given. */
START_TEST(descriptors_are_closed_when_nobody_needs_them) {
        struct child_spec spec = child_bed_spec(WORDS("true"));
        int pair[2];

        ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
        watched = pair[0];
        spec.files = give(-EBADF, pair[1], -EBADF, -EBADF);
        child_bed_says(&spec, "");
        ck_assert(!is_closed(NULL, 0));
        child_files_unref(spec.files);
        child_bed_look();
        child_bed_run(NULL, 0, is_closed);
        (void)close(pair[0]);

        ck_assert_int_eq(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
        watched = pair[0];
        child_files_close(child_bed.spawner, &pair[1], 1);
        child_bed_look();
        child_bed_run(NULL, 0, is_closed);
        (void)close(pair[0]);
}
END_TEST

START_TEST(an_identity_brings_its_groups_and_no_variables) {
        gid_t groups[] = { 7, 4000007 };
        const struct child_identity identity = { 4000000, 4000001, groups, ARRAY_SIZE(groups) };
        struct child_spec spec = child_bed_spec(SHELL("id -u; id -g; id -G; echo $HOME $USER"));
        struct child_files *files;

        if (geteuid() != 0) {
                fprintf(stderr, "skipped: not root\n");
                return;
        }
        spec.identity = &identity;
        child_bed_says(&spec, "4000000\n4000001\n4000001 7 4000007\n\n");
        /* A directory into which it could not go by itself is none for it. */
        ck_assert_int_eq(mkdir(child_bed_path("secret"), 0700), 0);
        files = give(-EBADF, -EBADF, -EBADF, open(child_bed_path("secret"), O_PATH | O_CLOEXEC));
        spec.files = files;
        {
                _cleanup_(freep) struct probe *probe = probe_new();

                child_bed_run_to_end(probe, &spec);
                ck_assert_int_eq(probe->step, CHILD_STEP_CHDIR);
                ck_assert_int_eq(probe->error, EACCES);
        }
        child_files_unref(files);
}
END_TEST

static long request_key_named(const char *name) {
        return syscall(SYS_request_key, "user", name, NULL, 0);
}

/* Also a forked one. Keys of the session would otherwise be anybody's whom the daemon runs something for. */
START_TEST(keys_of_the_daemon_are_for_no_other_user) {
        char name[64], look[PATH_MAX + 128];
        struct child_spec spec;
        long before = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL), own;

        if (geteuid() != 0 || before < 0) {
                fprintf(stderr, "skipped: not root, or no keyrings\n");
                return;
        }
        (void)snprintf(name, sizeof(name), "test-child-given-%d", (int)getpid());
        own = syscall(SYS_add_key, "user", name, "secret", (size_t)6, KEY_SPEC_SESSION_KEYRING);
        ck_assert_int_ge(own, 0);
        ck_assert_int_eq(request_key_named(name), own);
        (void)snprintf(look, sizeof(look), "grep -c %s /proc/keys; true",
                       name); /* only keys that it may see are listed */
        spec = child_bed_spec(SHELL(look));
        spawner_free(child_bed.spawner); /* its threads are from before */
        ck_assert_int_eq(spawner_new(child_bed.loop, &child_bed.spawner), 0);
        child_bed_says(&spec, "1\n");
        spec.user = "nobody";
        child_bed_says(&spec, "0\n");
        atomic_store(&child_bed.spawner->plain_fork, true);
        child_bed_says(&spec, "0\n");
}
END_TEST

/* Without privileges it can only be raised; a child may go back to what its parent once had. */
START_TEST(protection_from_the_oom_killer_ends_with_the_daemon) {
        struct child_spec spec = child_bed_spec(SHELL("cat /proc/self/oom_score_adj"));
        struct child_spec ours = child_bed_spec(SHELL("cat /proc/$PPID/oom_score_adj"));
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        ck_assert_int_eq(write(fd, "300", 3), 3);
        (void)close(fd);
        child_bed_says(&spec, "300\n");
        child_bed.spawner->oom_protected = true;
        child_bed_says(&spec, "0\n");
        child_bed_says(&ours, "300\n");
}
END_TEST

static Suite *child_given_suite(void) {
        Suite *suite = suite_create("child-given");
        TCase *tcase = child_bed_case(suite, "given");

        tcase_add_test(tcase, it_has_a_session_of_its_own_and_no_signal_changed);
        tcase_add_test(tcase, no_descriptor_leaks);
        tcase_add_test(tcase, limits_of_open_files_are_those_of_before);
        tcase_add_test(tcase, the_limit_of_core_files_is_left_or_lifted);
        tcase_add_test(tcase, umask_nice_directory_and_privileges_are_set);
        tcase_add_test(tcase, path_is_searched);
        tcase_add_test(tcase, the_environment_has_four_layers);
        tcase_add_test(tcase, a_user_brings_id_groups_and_variables);
        tcase_add_test(tcase, a_user_may_be_a_number);
        tcase_add_test(tcase, stdin_is_null_a_file_or_data);
        tcase_add_loop_test(tcase, descriptors_are_what_it_reads_and_writes_and_where_it_works, 0, 2);
        tcase_add_test(tcase, descriptors_serve_one_child_after_the_other);
        tcase_add_test(tcase, what_is_not_given_of_the_output_comes_to_us);
        tcase_add_test(tcase, descriptors_are_in_no_other_place_while_a_child_begins);
        tcase_add_test(tcase, descriptors_are_closed_when_nobody_needs_them);
        tcase_add_test(tcase, an_identity_brings_its_groups_and_no_variables);
        tcase_add_test(tcase, keys_of_the_daemon_are_for_no_other_user);
        tcase_add_test(tcase, protection_from_the_oom_killer_ends_with_the_daemon);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_given_suite);
}
