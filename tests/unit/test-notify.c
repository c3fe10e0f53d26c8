/* SPDX-License-Identifier: MIT */
/* Notify sockets: who is heard, what happens to descriptors, and that a reused one is nobody's former voice. */
#include "loop/notify.h"
#include "support/notify-say.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

static char path[64];
static struct loop *loop;
static struct notify_dir *dir;
static struct notify *notify;
static unsigned n_heard;
static struct notify_message last;
static bool ours;
static pid_t asked_pid;
static uid_t asked_uid;

static bool is_ours(pid_t pid, uid_t uid, void *arg) {
        (void)arg;
        asked_pid = pid;
        asked_uid = uid;
        return ours;
}

static void on_message(const struct notify_message *message, void *arg) {
        (void)arg;
        n_heard++;
        last = *message;
}

static void setup(void) {
        char template[] = "/tmp/tendd-notify-XXXXXX";

        ck_assert_ptr_nonnull(mkdtemp(template));
        snprintf(path, sizeof(path), "%s/notify", template);
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(notify_dir_new(path, true, &dir), 0);
        ck_assert_int_eq(notify_new(dir, &notify), 0);
        ck_assert_int_eq(notify_watch(notify, loop, is_ours, on_message, NULL), 0);
        n_heard = 0;
        ours = true;
}

static void teardown(void) {
        notify_release(notify);
        notify_dir_free(dir);
        ck_assert_int_lt(access(path, F_OK), 0);
        *strrchr(path, '/') = '\0';
        ck_assert_int_eq(rmdir(path), 0);
        loop_free(loop);
}

static const char *socket_path(void) {
        return strchr(notify_environment(notify), '=') + 1;
}

static void say(const char *text, int fd) {
        ck_assert_int_eq(notify_say(socket_path(), text, fd), 0);
}

START_TEST(a_message_is_heard_with_who_sent_it) {
        say("READY=1\nSTATUS=up", -1);
        notify_poll(notify);
        ck_assert_uint_eq(n_heard, 1);
        ck_assert(last.ready);
        ck_assert_str_eq(last.status, "up");
        ck_assert_int_eq(asked_pid, getpid());
        ck_assert_int_eq((int)asked_uid, (int)getuid());
}
END_TEST

START_TEST(a_stranger_is_not_heard) {
        ours = false;
        say("READY=1", -1);
        notify_poll(notify);
        ck_assert_uint_eq(n_heard, 0);
        ck_assert_int_eq(asked_pid, getpid());
}
END_TEST

START_TEST(what_is_too_long_is_dropped) {
        char text[5000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        memcpy(text, "READY=1\n", 8);
        say(text, -1);
        notify_poll(notify);
        ck_assert_uint_eq(n_heard, 0);
        text[4096] = '\0';
        say(text, -1);
        notify_poll(notify);
        ck_assert_uint_eq(n_heard, 1);
}
END_TEST

START_TEST(descriptors_are_closed_when_the_message_was_read) {
        int pair[2];
        struct pollfd end;

        ck_assert_int_eq(pipe2(pair, O_CLOEXEC), 0);
        say("BARRIER=1", pair[1]);
        close(pair[1]);
        end = (struct pollfd){ .fd = pair[0] };
        ck_assert_int_eq(poll(&end, 1, 0), 0);
        notify_poll(notify);
        ck_assert_int_eq(poll(&end, 1, 0), 1);
        ck_assert(end.revents & POLLHUP);
        close(pair[0]);
}
END_TEST

START_TEST(others_may_write_to_it_and_nobody_lists_it) {
        struct stat stat_socket, stat_dir;

        ck_assert_int_eq(stat(socket_path(), &stat_socket), 0);
        ck_assert_uint_eq(stat_socket.st_mode & 0777, 0666);
        ck_assert_int_eq(stat(path, &stat_dir), 0);
        ck_assert_uint_eq(stat_dir.st_mode & 0777, 0711);
}
END_TEST

START_TEST(a_reused_socket_forgets_what_was_said_before) {
        char former[128];

        snprintf(former, sizeof(former), "%s", socket_path());
        say("READY=1", -1);
        notify_release(notify);
        say("STATUS=to nobody", -1);
        notify = notify_take(dir);
        ck_assert_ptr_nonnull(notify);
        ck_assert_str_eq(socket_path(), former);
        ck_assert_ptr_null(notify_take(dir));
        say("STATUS=early", -1);
        ck_assert_uint_eq(n_heard, 0);
        ck_assert_int_eq(notify_watch(notify, loop, is_ours, on_message, NULL), 0);
        notify_poll(notify);
        ck_assert_uint_eq(n_heard, 1);
        ck_assert_str_eq(last.status, "early");
}
END_TEST

START_TEST(what_an_earlier_daemon_left_is_removed) {
        struct notify_dir *next;
        char keep[128];
        FILE *file;

        snprintf(keep, sizeof(keep), "%s/0123456789abcdef", path);
        file = fopen(keep, "we");
        ck_assert_ptr_nonnull(file);
        fclose(file);
        ck_assert_int_eq(notify_dir_new(path, false, &next), 0);
        ck_assert_int_eq(access(socket_path(), F_OK), 0);
        notify_dir_free(next);
        ck_assert_int_eq(notify_dir_new(path, true, &next), 0);
        ck_assert_int_lt(access(socket_path(), F_OK), 0);
        ck_assert_int_eq(access(keep, F_OK), 0); /* no socket */
        unlink(keep);
        notify_dir_free(next);
        ck_assert_int_eq(notify_dir_new(path, true, &next), 0);
        notify_dir_free(next);
}
END_TEST

START_TEST(a_directory_that_was_removed_is_made_again) {
        struct notify *other;

        (void)unlink(socket_path());
        ck_assert_int_eq(rmdir(path), 0);
        ck_assert_int_eq(notify_new(dir, &other), 0);
        ck_assert_int_eq(access(strchr(notify_environment(other), '=') + 1, F_OK), 0);
        notify_release(other);
}
END_TEST

START_TEST(who_shares_a_directory_leaves_it) {
        struct notify_dir *next;

        (void)unlink(socket_path());
        ck_assert_int_eq(notify_dir_new(path, false, &next), 0);
        notify_dir_free(next);
        ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_directory_must_leave_room_for_names) {
        struct notify_dir *next = NULL;
        char longer[128];

        memset(longer, 'x', sizeof(longer));
        longer[0] = '/';
        longer[100] = '\0';
        ck_assert_int_eq(notify_dir_new(longer, true, &next), -ENAMETOOLONG);
        ck_assert_int_eq(notify_dir_new("/no/such/directory", true, &next), -ENOENT);
        ck_assert_ptr_null(next);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("notify");
        TCase *tcase = tcase_create("socket");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_message_is_heard_with_who_sent_it);
        tcase_add_test(tcase, a_stranger_is_not_heard);
        tcase_add_test(tcase, what_is_too_long_is_dropped);
        tcase_add_test(tcase, descriptors_are_closed_when_the_message_was_read);
        tcase_add_test(tcase, others_may_write_to_it_and_nobody_lists_it);
        tcase_add_test(tcase, a_reused_socket_forgets_what_was_said_before);
        tcase_add_test(tcase, what_an_earlier_daemon_left_is_removed);
        tcase_add_test(tcase, a_directory_that_was_removed_is_made_again);
        tcase_add_test(tcase, who_shares_a_directory_leaves_it);
        tcase_add_test(tcase, a_directory_must_leave_room_for_names);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
