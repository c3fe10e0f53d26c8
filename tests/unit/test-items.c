/* SPDX-License-Identifier: MIT */
/* items: every source hands out all its items, once, in order, no further ahead than wanted, and says what went wrong. */
#include "loop/child.h"
#include "loop/pool.h"
#include "support/task-bed.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct task_bed bed;
static char directory[64], path[96];

/* What the leaves saw, separated by |, as far as there is room. */
static char seen[1024];
static uint64_t n_seen, sum;
static unsigned n_live, most_live;

/* ---- a kind that looks at its item, and ends in the next turn ---- */

struct look {
        struct run *leaf;
        struct loop_work work;
};

static void on_look(struct loop_work *work _unused_, void *arg) {
        struct look *look = arg;
        const char *item = run_get_item(look->leaf);
        size_t n = strlen(seen);
        struct leaf_end end = { .error = streq(item, "bad") ? ERROR_EXIT : ERROR_NONE, .detail = "a bad item" };

        (void)snprintf(seen + n, sizeof(seen) - n, "%s%s", n > 0 ? "|" : "", item);
        n_seen++;
        sum += strtoull(item, NULL, 10);
        n_live--;
        run_leaf_end(look->leaf, &end);
}

static int look_start(struct run *leaf) {
        struct look *look = calloc(1, sizeof(*look));

        ck_assert_ptr_nonnull(look);
        look->leaf = leaf;
        loop_work_init(&look->work, bed.loop, "look", on_look, look);
        loop_work_schedule(&look->work);
        run_leaf_set_data(leaf, look);
        n_live++;
        most_live = MAX(most_live, n_live);
        return 0;
}

static void look_force(struct run *leaf) {
        struct look *look = run_leaf_data(leaf);

        loop_work_cancel(&look->work);
        n_live--;
        run_leaf_end(leaf, &(struct leaf_end){ .error = ERROR_NONE });
}

static const struct leaf_ops look_ops = { .name = "look", .start = look_start, .force = look_force, .release = free };
static const struct kind look_kind = { .name = "look", .part_size = 1, .leaf = &look_ops };

/* ---- the test bed ---- */

static void setup(void) {
        (void)snprintf(directory, sizeof(directory), "/tmp/tendd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void)snprintf(path, sizeof(path), "%s/items", directory);
        seen[0] = 0;
        n_seen = sum = n_live = most_live = 0;
        task_bed_open(&bed);
        (void)task_bed_task(&bed, &look_kind);
        bed.task->run.items = &task_items;
        bed.task->run.concurrency = 2;
}

static void teardown(void) {
        char command[128];

        spawner_free(bed.env.spawner);
        task_bed_close(&bed);
        (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
        ck_assert_int_eq(system(command), 0);
}

static void for_each(enum for_each_type type, const char *argument) {
        struct for_each *f = &bed.task->for_each;

        f->type = type;
        if (type == FOR_EACH_LIST || type == FOR_EACH_COMMAND)
                f->words = task_bed_words(argument);
        else
                f->argument = strdup(argument);
        if (type == FOR_EACH_COMMAND) {
                ck_assert_int_eq(spawner_new(bed.loop, &bed.env.spawner), 0);
                bed.env.environ = environ;
        }
}

/* The end by which items are sent. */
static int from_socket(void) {
        int pair[2];

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        bed.task->transient = calloc(1, sizeof(*bed.task->transient));
        ck_assert_ptr_nonnull(bed.task->transient);
        bed.task->transient->items_fd = pair[1];
        bed.task->for_each.type = FOR_EACH_SOCKET;
        return pair[0];
}

static void write_file(const char *name, const char *text) {
        char file_path[128];
        FILE *file;

        (void)snprintf(file_path, sizeof(file_path), "%s/%s", directory, name);
        file = fopen(file_path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        fclose(file);
}

static void check_ok(uint64_t total) {
        ck_assert_msg(bed.result->outcome == OUTCOME_OK, "%s: %s", outcome_to_string(bed.result->outcome),
                      result_detail(bed.result));
        ck_assert_uint_eq(bed.result->items->total, total);
}

/* ---- list ---- */

START_TEST(a_list_is_its_words) {
        for_each(FOR_EACH_LIST, "one 'two words' three");
        task_bed_run(&bed);
        check_ok(3);
        ck_assert_str_eq(seen, "one|two words|three");
        ck_assert_uint_le(most_live, 2);
}
END_TEST

START_TEST(cancelling_at_an_item_closes_the_source) {
        for_each(FOR_EACH_LIST, "one bad three four five six");
        bed.task->run.cancel_on_item_failure = true;
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_FAILED);
        ck_assert_uint_lt(bed.result->items->total, 6);
}
END_TEST

/* ---- lines ---- */

START_TEST(a_file_is_its_lines) {
        write_file("items", "# a comment\none\n\n  two  \nthree");
        for_each(FOR_EACH_LINES, path);
        task_bed_run(&bed);
        check_ok(3);
        ck_assert_str_eq(seen, "one|two|three");
}
END_TEST

START_TEST(an_empty_file_has_no_items) {
        write_file("items", "");
        for_each(FOR_EACH_LINES, path);
        task_bed_run(&bed);
        check_ok(0);
}
END_TEST

START_TEST(a_file_that_is_missing_fails) {
        for_each(FOR_EACH_LINES, "/nonexistent/items");
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_IO, "/nonexistent/items: No such file or directory");
}
END_TEST

START_TEST(lines_over_many_chunks_come_whole) {
        enum { N = 50000 };
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        for (unsigned i = 1; i <= N; i++)
                fprintf(file, "%u is a number\n", i);
        fclose(file);
        bed.task->run.concurrency = 50;
        for_each(FOR_EACH_LINES, path);
        task_bed_run(&bed);
        check_ok(N);
        ck_assert_uint_eq(n_seen, N);
        ck_assert_uint_eq(sum, (uint64_t)N * (N + 1) / 2);
        ck_assert_uint_le(most_live, 50);
}
END_TEST

START_TEST(a_line_that_is_too_long_fails_alone) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        fputs("before\n", file);
        for (unsigned i = 0; i < 1 << 20; i++)
                fputc('x', file);
        fputs("\nafter\n", file);
        fclose(file);
        bed.task->run.items_may_fail = 1;
        for_each(FOR_EACH_LINES, path);
        task_bed_run(&bed);
        check_ok(3);
        ck_assert_str_eq(seen, "before|after");
        ck_assert_uint_eq(bed.result->items->by_kind[ERROR_TOO_BIG], 1);
}
END_TEST

/* The bad line is told from within the source's turn, and cancels the fan-out there and then. */
START_TEST(a_bad_line_may_close_its_own_source) {
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        for (unsigned i = 0; i < 1 << 17; i++)
                fputc('x', file);
        fputs("\nafter\n", file);
        fclose(file);
        bed.task->run.cancel_on_item_failure = true;
        for_each(FOR_EACH_LINES, path);
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_FAILED);
        ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(a_file_that_hangs_is_given_up) {
        struct pool_stats stats;
        int fd;

        ck_assert_int_eq(mkfifo(path, 0600), 0);
        for_each(FOR_EACH_LINES, path);
        task_bed_cancel_busy(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_CANCELLED);
        pool_get_stats(bed.pool, &stats);
        ck_assert_uint_eq(stats.stuck, 1);
        fd = open(path, O_WRONLY | O_CLOEXEC); /* lets the thread go */
        ck_assert_int_ge(fd, 0);
        close(fd);
}
END_TEST

/* ---- glob ---- */

START_TEST(a_pattern_is_its_matches_in_order) {
        char pattern[128], want[256];

        write_file("b.csv", "");
        write_file("a.csv", "");
        write_file("c.txt", "");
        (void)snprintf(pattern, sizeof(pattern), "%s/*.csv", directory);
        (void)snprintf(want, sizeof(want), "%s/a.csv|%s/b.csv", directory, directory);
        for_each(FOR_EACH_GLOB, pattern);
        task_bed_run(&bed);
        check_ok(2);
        ck_assert_str_eq(seen, want);
}
END_TEST

/* Of more than a page, none is left out, and none comes twice. */
START_TEST(many_paths_are_all_items) {
        enum { N = 10050 };
        char pattern[128], name[32];

        for (unsigned i = 1; i <= N; i++) {
                (void)snprintf(name, sizeof(name), "%u", i);
                write_file(name, "");
        }
        ck_assert_int_eq(chdir(directory), 0); /* so that an item is a number */
        (void)snprintf(pattern, sizeof(pattern), "*");
        for_each(FOR_EACH_GLOB, pattern);
        task_bed_run(&bed);
        check_ok(N);
        ck_assert_uint_eq(n_seen, N);
        ck_assert_uint_eq(sum, (uint64_t)N * (N + 1) / 2);
}
END_TEST

START_TEST(a_pattern_without_a_match_has_no_items) {
        for_each(FOR_EACH_GLOB, _i == 0 ? "/nonexistent/*.csv" : "/nonexistent");
        task_bed_run(&bed);
        check_ok(0);
}
END_TEST

/* ---- command ---- */

START_TEST(a_command_is_the_lines_it_prints) {
        for_each(FOR_EACH_COMMAND, "/bin/sh -c 'echo one; echo; echo \"# no\"; echo two; printf three'");
        task_bed_run(&bed);
        check_ok(3);
        ck_assert_str_eq(seen, "one|two|three");
}
END_TEST

START_TEST(a_command_that_prints_much_is_held_back) {
        enum { N = 100000 };

        for_each(FOR_EACH_COMMAND, "/usr/bin/seq 100000");
        bed.task->run.concurrency = 10;
        task_bed_run(&bed);
        check_ok(N);
        ck_assert_uint_eq(sum, (uint64_t)N * (N + 1) / 2);
        ck_assert_uint_le(most_live, 10);
}
END_TEST

static const struct {
        const char *command;
        enum error_kind error;
        const char *detail;
        const char *seen;
} commands[] = {
        { "/bin/sh -c 'echo one; exit 3'", ERROR_EXIT, "/bin/sh exited with 3", "one" },
        { "/bin/sh -c 'echo one; kill -9 $$'", ERROR_SIGNAL, "/bin/sh was killed by Killed", "one" },
        { "/nonexistent/command", ERROR_SPAWN, "/nonexistent/command: No such file or directory", "" },
};

START_TEST(a_command_that_fails_fails_the_fanout) {
        for_each(FOR_EACH_COMMAND, commands[_i].command);
        task_bed_run(&bed);
        task_bed_check(&bed, commands[_i].error, commands[_i].detail);
        ck_assert_str_eq(seen, commands[_i].seen);
}
END_TEST

START_TEST(a_command_that_leaves_somebody_behind_still_ends) {
        for_each(FOR_EACH_COMMAND, "/bin/sh -c 'sleep 1000 & echo one'");
        task_bed_run(&bed);
        check_ok(1);
}
END_TEST

START_TEST(a_command_that_does_not_end_is_killed) {
        for_each(FOR_EACH_COMMAND, "/bin/sh -c 'echo one; sleep 1000'");
        bed.task->run.bounds[BOUND_TOTAL_TIMEOUT] = 100 * USEC_PER_MSEC;
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_TIMEOUT);
}
END_TEST

/* ---- a socket ---- */

static void on_granted(_unused_ struct limit_ticket *ticket, _unused_ void *arg) {
}

static void send_text(int fd, const char *text) {
        ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

START_TEST(a_socket_is_its_lines) {
        int fd = from_socket();

        send_text(fd, "# a comment\none\n\n  two  \nth");
        send_text(fd, "ree");
        (void)close(fd);
        task_bed_run(&bed);
        check_ok(3);
        ck_assert_str_eq(seen, "one|two|three");
}
END_TEST

/* As far as there is room in the socket, and the little that was read. */
START_TEST(a_socket_is_read_as_fast_as_items_are_taken) {
        struct limit *limit;
        struct limit_ticket *ticket;
        struct limit_use use = { .permits = 1 };
        const struct limit_config config = { .permits = 1 };
        const struct limit_request request = { .uses = &use, .n_uses = 1, .on_granted = on_granted };
        size_t sent = 0;
        unsigned refused = 0;
        int fd = from_socket();

        ck_assert_int_eq(limit_new(run_tree_limits(bed.tree), "held", &config, &limit), 0);
        use.limit = limit;
        ck_assert_int_eq(limit_request(run_tree_limits(bed.tree), &request, &ticket), 0);
        bed.task->run.limits = calloc(1, sizeof(use));
        bed.task->run.limits[0] = (struct limit_use){ .limit = limit_ref(limit), .permits = 1 };
        bed.task->run.n_limits = 1;
        (void)task_bed_start(&bed);
        while (refused < 100 && sent < 4 * 1024 * 1024) {
                ssize_t n = send(fd, "an item of a few words\n", 23, MSG_DONTWAIT | MSG_NOSIGNAL);

                sent += n > 0 ? (size_t)n : 0;
                refused = n > 0 ? 0 : refused + 1;
                if (n < 0 || sent < 10000)
                        task_bed_turn(&bed);
        }
        ck_assert_uint_lt(sent, 1024 * 1024);
        ck_assert_uint_eq(n_seen, 0);
        limit_release(ticket);
        limit_unref(limit);
        (void)close(fd);
        task_bed_wait(&bed);
        ck_assert_uint_ge(n_seen, sent / 23);
        limit_unref(bed.task->run.limits[0].limit); /* it goes before the task */
        bed.task->run.n_limits = 0;
        ck_assert_uint_le(most_live, 2);
}
END_TEST

/* Who sends is told that nobody reads any more. */
START_TEST(a_socket_ends_with_its_fanout) {
        int fd = from_socket();

        bed.task->run.cancel_on_item_failure = true;
        send_text(fd, "bad\nnext\n");
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_FAILED);
        ck_assert_int_lt(send(fd, "more", 4, MSG_NOSIGNAL), 0);
        (void)close(fd);
}
END_TEST

START_TEST(a_socket_may_be_silent_until_the_fanout_is_over) {
        int fd = from_socket();

        bed.task->run.bounds[BOUND_TOTAL_TIMEOUT] = 50 * USEC_PER_MSEC;
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_TIMEOUT);
        (void)close(fd);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("items");
        TCase *tcase = tcase_create("items");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 60); /* with sanitizers, on a busy machine */
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, a_list_is_its_words);
        tcase_add_test(tcase, cancelling_at_an_item_closes_the_source);
        tcase_add_test(tcase, a_file_is_its_lines);
        tcase_add_test(tcase, an_empty_file_has_no_items);
        tcase_add_test(tcase, a_file_that_is_missing_fails);
        tcase_add_test(tcase, lines_over_many_chunks_come_whole);
        tcase_add_test(tcase, a_line_that_is_too_long_fails_alone);
        tcase_add_test(tcase, a_bad_line_may_close_its_own_source);
        tcase_add_test(tcase, a_file_that_hangs_is_given_up);
        tcase_add_test(tcase, a_pattern_is_its_matches_in_order);
        tcase_add_test(tcase, many_paths_are_all_items);
        tcase_add_loop_test(tcase, a_pattern_without_a_match_has_no_items, 0, 2);
        tcase_add_test(tcase, a_command_is_the_lines_it_prints);
        tcase_add_test(tcase, a_command_that_prints_much_is_held_back);
        tcase_add_loop_test(tcase, a_command_that_fails_fails_the_fanout, 0, ARRAY_SIZE(commands));
        tcase_add_test(tcase, a_command_that_leaves_somebody_behind_still_ends);
        tcase_add_test(tcase, a_command_that_does_not_end_is_killed);
        tcase_add_test(tcase, a_socket_is_its_lines);
        tcase_add_test(tcase, a_socket_is_read_as_fast_as_items_are_taken);
        tcase_add_test(tcase, a_socket_ends_with_its_fanout);
        tcase_add_test(tcase, a_socket_may_be_silent_until_the_fanout_is_over);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
