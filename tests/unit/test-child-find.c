/* SPDX-License-Identifier: MIT */
/* child-find: the child that a process is of is found, wherever in its tree that is, and for nobody else. */
#include "loop/child_find.h"

#include "support/child-bed.h"

#include <semaphore.h>
#include <stdio.h>
#include <sys/syscall.h>

/* Reading the environment of this process blocks until the semaphore is posted. */
static pid_t hanging_pid;
static sem_t hanging;

ssize_t __real_proc_environ_read(pid_t pid, size_t max, char **ret);
ssize_t __wrap_proc_environ_read(pid_t pid, size_t max, char **ret);

ssize_t __wrap_proc_environ_read(pid_t pid, size_t max, char **ret) {
        if (pid == hanging_pid)
                (void)sem_wait(&hanging);
        return __real_proc_environ_read(pid, max, ret);
}

static struct {
        unsigned n_told;
        struct child *child;
} got;

static unsigned n_all; /* that were told */

static void on_found(struct child *child, _unused_ void *arg) {
        got.n_told++;
        n_all++;
        got.child = child;
        child_bed_check();
}

static bool was_told(_unused_ const struct probe *probes, _unused_ size_t n) {
        return got.n_told > 0;
}

static struct child_search *ask_of(const struct child_suspect *suspect) {
        struct child_search *search = NULL;

        memset(&got, 0, sizeof(got));
        ck_assert_int_eq(child_find(child_bed.spawner, suspect, on_found, NULL, &search), 0);
        ck_assert_uint_eq(got.n_told, 0); /* not from inside */
        return search;
}

/* Of the process that has @pid now. */
static struct child *find(pid_t pid) {
        (void)ask_of(&(const struct child_suspect){
                .pid = pid, .pidfd = (int)syscall(SYS_pidfd_open, pid, 0), .begun_by_usec = 0 });
        child_bed_run(NULL, 0, was_told);
        ck_assert_uint_eq(got.n_told, 1);
        return got.child;
}

static struct probe *spawn_marked(char *const *argv, const char *marker) {
        struct probe *probe = probe_new();
        struct child_spec spec = child_bed_spec(argv);

        spec.marker = marker;
        child_bed_spawn(probe, &spec);
        child_bed_run(probe, 1, child_bed_is_ready);
        return probe;
}

static struct probe *spawn(char *const *argv) {
        return spawn_marked(argv, child_bed_marker());
}

static void end(struct probe *probe) {
        if (probe->child)
                child_kill(probe->child);
        child_bed_run(probe, 1, child_bed_all_gone);
        free(probe);
}

/* The number that it has printed before "ready". */
static pid_t printed_pid(const struct probe *probe) {
        pid_t pid = (pid_t)strtol(probe->output, NULL, 10);

        ck_assert_int_gt(pid, 1);
        return pid;
}

START_TEST(all_of_a_tree_are_of_its_child) {
        struct probe *other = spawn(SHELL("echo ready; exec sleep 60"));
        struct probe *probe = spawn(SHELL("sh -c 'echo $$; echo ready; sleep 60; :'; :"));

        ck_assert_ptr_eq(find(probe->pid), probe->child);
        ck_assert_ptr_eq(find(printed_pid(probe)), probe->child);
        ck_assert_ptr_eq(find(other->pid), other->child);
        end(other);
        end(probe);
}
END_TEST

START_TEST(a_session_of_its_own_hides_nobody) {
        struct probe *probe = spawn(SHELL("setsid sh -c 'echo $$; echo ready; sleep 60; :' & wait"));

        ck_assert_ptr_eq(find(printed_pid(probe)), probe->child);
        end(probe);
}
END_TEST

/* Its parent is this process then, as that of the other. */
START_TEST(who_lost_its_parents_is_known_by_what_it_was_given) {
        struct probe *other = spawn_marked(SHELL("echo ready; exec sleep 60"), "INVOCATION_ID=other");
        struct probe *probe = spawn(SHELL("setsid -f sh -c 'echo $$; echo ready; sleep 60; :'; exec sleep 60"));

        ck_assert_ptr_eq(find(printed_pid(probe)), probe->child);
        end(other);
        end(probe);
}
END_TEST

START_TEST(who_is_not_below_us_is_of_no_child) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));

        ck_assert_ptr_null(find(getppid()));
        ck_assert_ptr_null(find(getpid()));
        end(probe);
}
END_TEST

/* A pid alone names whoever has it now. */
START_TEST(who_began_later_is_another) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));
        struct child_suspect suspect = { .pid = probe->pid, .pidfd = -EBADF };

        suspect.begun_by_usec = clock_now(CLOCK_ID_BOOTTIME);
        (void)ask_of(&suspect);
        child_bed_run(NULL, 0, was_told);
        ck_assert_ptr_eq(got.child, probe->child);
        suspect.begun_by_usec = 1;
        (void)ask_of(&suspect);
        child_bed_run(NULL, 0, was_told);
        ck_assert_ptr_null(got.child);
        end(probe);
}
END_TEST

START_TEST(who_has_ended_is_of_no_child) {
        struct probe *probe = spawn(SHELL("sh -c 'echo $$'; echo ready; exec sleep 60"));

        (void)ask_of(&(const struct child_suspect){
                .pid = printed_pid(probe), .pidfd = -EBADF, .begun_by_usec = clock_now(CLOCK_ID_BOOTTIME) });
        child_bed_run(NULL, 0, was_told);
        ck_assert_ptr_null(got.child);
        end(probe);
}
END_TEST

START_TEST(without_children_nobody_looks) {
        const struct child_suspect suspect = { .pid = getpid(), .pidfd = -EBADF };
        struct child_search *search;

        ck_assert_int_eq(child_find(child_bed.spawner, &suspect, on_found, NULL, &search), -ENOENT);
        ck_assert_int_eq(child_find(NULL, &suspect, on_found, NULL, &search), -ENOENT);
}
END_TEST

START_TEST(many_are_looked_for_in_turn_and_some_are_given_up) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));
        const struct child_suspect suspect = { .pid = probe->pid,
                                               .pidfd = -EBADF,
                                               .begun_by_usec = clock_now(CLOCK_ID_BOOTTIME) };
        struct child_search *searches[40];

        for (size_t i = 0; i < ARRAY_SIZE(searches); i++)
                searches[i] = ask_of(&suspect);
        for (size_t i = 0; i + 1 < ARRAY_SIZE(searches); i++)
                (void)child_search_cancel(searches[i]);
        child_bed_run(NULL, 0, was_told);
        ck_assert_uint_eq(got.n_told, 1);
        ck_assert_ptr_eq(got.child, probe->child);
        end(probe);
}
END_TEST

#define N_ASKED   12
#define N_HANGING 4 /* more are not tried at once */

static bool were_others_told(_unused_ const struct probe *probes, _unused_ size_t n) {
        return n_all == N_ASKED - N_HANGING;
}

static bool were_all_told(_unused_ const struct probe *probes, _unused_ size_t n) {
        return n_all == N_ASKED + 1;
}

START_TEST(searches_that_hang_do_not_hold_up_others_for_long) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));
        struct probe *other = spawn(SHELL("echo ready; exec sleep 60"));

        ck_assert_int_eq(sem_init(&hanging, 0, 0), 0);
        hanging_pid = probe->pid;
        n_all = 0;
        for (size_t i = 0; i < N_ASKED; i++)
                (void)ask_of(&(const struct child_suspect){
                        .pid = probe->pid, .pidfd = -EBADF, .begun_by_usec = clock_now(CLOCK_ID_BOOTTIME) });
        child_bed_run(NULL, 0, were_others_told); /* of whom no environment was read any more */
        ck_assert_ptr_eq(got.child, probe->child);
        ck_assert_ptr_eq(find(other->pid), other->child);
        for (size_t i = 0; i < N_HANGING; i++)
                ck_assert_int_eq(sem_post(&hanging), 0);
        child_bed_run(NULL, 0, were_all_told);
        hanging_pid = 0;
        end(other);
        end(probe);
}
END_TEST

START_TEST(a_child_may_end_meanwhile) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));

        (void)ask_of(&(const struct child_suspect){
                .pid = probe->pid, .pidfd = -EBADF, .begun_by_usec = clock_now(CLOCK_ID_BOOTTIME) });
        end(probe);
        child_bed_run(NULL, 0, was_told);
        ck_assert_uint_eq(got.n_told, 1);
}
END_TEST

START_TEST(the_spawner_may_go_first) {
        struct probe *probe = spawn(SHELL("echo ready; exec sleep 60"));
        struct child_search *search = ask_of(&(const struct child_suspect){ .pid = probe->pid, .pidfd = -EBADF });

        child_bed.spawner = spawner_free(child_bed.spawner);
        ck_assert_uint_eq(got.n_told, 0);
        (void)child_search_cancel(search);
        free(probe);
}
END_TEST

static Suite *suite(void) {
        Suite *suite = suite_create("child-find");
        TCase *tcase = child_bed_case(suite, "found");

        tcase_add_test(tcase, all_of_a_tree_are_of_its_child);
        tcase_add_test(tcase, a_session_of_its_own_hides_nobody);
        tcase_add_test(tcase, who_lost_its_parents_is_known_by_what_it_was_given);
        tcase = child_bed_case(suite, "nobody");
        tcase_add_test(tcase, who_is_not_below_us_is_of_no_child);
        tcase_add_test(tcase, who_began_later_is_another);
        tcase_add_test(tcase, who_has_ended_is_of_no_child);
        tcase_add_test(tcase, without_children_nobody_looks);
        tcase = child_bed_case(suite, "asking");
        tcase_add_test(tcase, many_are_looked_for_in_turn_and_some_are_given_up);
        tcase_add_test(tcase, searches_that_hang_do_not_hold_up_others_for_long);
        tcase_add_test(tcase, a_child_may_end_meanwhile);
        tcase_add_test(tcase, the_spawner_may_go_first);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, suite);
}
