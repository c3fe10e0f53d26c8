/* SPDX-License-Identifier: MIT */
/* kind_http: what a response must be like, where its body goes, and what is left when a run is cut off. */
#include "support/fake-getaddrinfo.h"
#include "support/http-peer.h"
#include "support/task-bed.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>

static struct task_bed bed;
static struct http_peer *peer;
static char directory[64], path[96];

static void setup(void) {
        fake_getaddrinfo_reset();
        (void)snprintf(directory, sizeof(directory), "/tmp/tendd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        (void)snprintf(path, sizeof(path), "%s/body", directory);
        peer = http_peer_start();
        task_bed_open(&bed);
        (void)task_bed_task(&bed, &kind_http);
}

static void teardown(void) {
        task_bed_close(&bed);
        http_peer_stop(peer);
        (void)unlink(path);
        ck_assert_msg(rmdir(directory) == 0, "something is left in %s", directory);
}

static void set_url(const char *format, const char *host) {
        char url[256];

        (void)snprintf(url, sizeof(url), "http://%s:%u%s", host, http_peer_port(peer), format);
        free(bed.task->http->url);
        bed.task->http->url = strdup(url);
}

static const struct {
        const char *path;
        struct status_range expect; /* 0: the default */
        const char *expect_body;
        enum error_kind error;
        const char *detail;
} cases[] = {
        { "/ok", { 0 }, NULL, ERROR_NONE, "" },
        { "/status/204", { 0 }, NULL, ERROR_NONE, "" },
        { "/nothing", { 0 }, NULL, ERROR_HTTP_STATUS, "status 404 Not Found" },
        { "/status/503", { 0 }, NULL, ERROR_HTTP_STATUS, "status 503" },
        { "/status/503", { 500, 599 }, NULL, ERROR_NONE, "" },
        { "/ok", { 500, 599 }, NULL, ERROR_HTTP_STATUS, "status 200 OK" },
        { "/ok", { 0 }, "ell", ERROR_NONE, "" },
        { "/ok", { 0 }, "bell", ERROR_MISMATCH, "does not contain \"bell\"" },
        { "/to/302/http://127.0.0.1/", { 0 }, NULL, ERROR_HTTP_STATUS, "status 302 Elsewhere" },
        { "/endless", { 0 }, NULL, ERROR_TOO_BIG, "max-body" },
};

START_TEST(a_response_is_checked) {
        struct http_part *part = bed.task->http;

        set_url(cases[_i].path, "127.0.0.1");
        if (cases[_i].expect.from > 0) {
                part->expect_status = malloc(sizeof(*part->expect_status));
                *part->expect_status = cases[_i].expect;
                part->n_expect_status = 1;
        }
        part->expect_body = cases[_i].expect_body ? strdup(cases[_i].expect_body) : NULL;
        task_bed_run(&bed);
        task_bed_check(&bed, cases[_i].error, cases[_i].detail);
}
END_TEST

/* The size of what is saved; -1: nothing is. */
static long saved_size(void) {
        FILE *file = fopen(path, "re");
        long size;

        if (!file)
                return -1;
        ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
        size = ftell(file);
        fclose(file);
        return size;
}

static unsigned n_files(void) {
        DIR *d = opendir(directory);
        const struct dirent *entry;
        unsigned n = 0;

        ck_assert_ptr_nonnull(d);
        while ((entry = readdir(d)))
                n += !streq(entry->d_name, ".") && !streq(entry->d_name, "..");
        closedir(d);
        return n;
}

static const struct {
        const char *path;
        enum error_kind error;
        long size;
} saves[] = {
        { "/ok", ERROR_NONE, 5 },
        { "/status/200", ERROR_NONE, 0 },
        { "/bytes/200000", ERROR_NONE, 200000 },
        { "/bytes/9000000", ERROR_NONE, 9000000 },
        { "/status/404", ERROR_HTTP_STATUS, -1 },
        { "/partial", ERROR_IO, -1 },
        { "/endless", ERROR_TOO_BIG, -1 },
};

START_TEST(a_body_is_saved_whole_or_not_at_all) {
        bed.task->http->save_to = strdup(path);
        bed.task->http->max_body = 10000000;
        set_url(saves[_i].path, "127.0.0.1");
        task_bed_run(&bed);
        task_bed_check(&bed, saves[_i].error, "");
        ck_assert_int_eq(saved_size(), saves[_i].size);
        ck_assert_uint_eq(n_files(), saves[_i].size < 0 ? 0 : 1);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_says_why) {
        bed.task->http->save_to = strdup("/nonexistent/body");
        set_url("/ok", "127.0.0.1");
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_IO, "/nonexistent/body: cannot create a file beside it: No such file or directory");

        (void)task_bed_task(&bed, &kind_http); /* found out while the body comes */
        bed.task->http->save_to = strdup("/nonexistent/body");
        bed.task->http->max_body = UINT64_MAX;
        set_url("/endless", "127.0.0.1");
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_IO, "cannot create a file beside it");
}
END_TEST

START_TEST(cutting_a_download_off_leaves_no_file) {
        bed.task->http->save_to = strdup(path);
        bed.task->http->max_body = UINT64_MAX;
        bed.task->run.bounds[BOUND_TIMEOUT] = 50 * USEC_PER_MSEC;
        set_url("/endless", "127.0.0.1");
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_TIMEOUT);
        task_bed_wait_remnants(&bed); /* the disk may have been slow */
        ck_assert_uint_eq(n_files(), 0);
}
END_TEST

START_TEST(silence_times_out) {
        bed.task->run.bounds[BOUND_TIMEOUT] = 20 * USEC_PER_MSEC;
        set_url("/silence", "127.0.0.1");
        task_bed_run(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_TIMEOUT);
        ck_assert_uint_eq(bed.n_remnants, 0);
}
END_TEST

START_TEST(it_says_what_it_is_at) {
        static const struct {
                const char *path, *doing;
        } slow[] = {
                { "/silence", "waiting for the answer of http://" },
                { "/chunks", "status 200, 200B so far" },
        };
        struct run *run;

        for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
                set_url(slow[i].path, "127.0.0.1");
                run = task_bed_start(&bed);
                task_bed_until_doing(&bed, run, slow[i].doing);
                ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
                task_bed_wait(&bed);
        }
        fake_getaddrinfo_stall();
        set_url("/ok", "peer.test");
        run = task_bed_start(&bed);
        task_bed_until_doing(&bed, run, "resolving peer.test");
        fake_getaddrinfo_release();
        ck_assert_int_eq(run_cancel(run, CANCEL_OPERATOR, "test"), 0);
        task_bed_wait(&bed);
        task_bed_wait_remnants(&bed);
        http_peer_release(peer);
}
END_TEST

START_TEST(a_name_that_hangs_leaves_a_remnant) {
        fake_getaddrinfo_stall();
        set_url("/ok", "stalled.test");
        task_bed_cancel_busy(&bed);
        ck_assert_int_eq(bed.result->outcome, OUTCOME_CANCELLED);
        ck_assert_uint_eq(bed.n_remnants, 1);
        fake_getaddrinfo_release();
        task_bed_wait_remnants(&bed);
}
END_TEST

START_TEST(items_are_filled_in_and_escaped) {
        struct task *task = bed.task;

        task->for_each.type = FOR_EACH_LIST;
        task->for_each.words = task_bed_words("ok 'o k' status/404");
        task->run.items = &task_items;
        task->run.concurrency = 2;
        task->run.items_may_fail = 2;
        set_url("/{item}", "127.0.0.1");
        task_bed_run(&bed);
        ck_assert_msg(bed.result->outcome == OUTCOME_OK, "%s", result_detail(bed.result));
        ck_assert_uint_eq(bed.result->items->total, 3);
        ck_assert_uint_eq(bed.result->items->by_outcome[OUTCOME_OK], 1);
        ck_assert_uint_eq(bed.result->items->by_kind[ERROR_HTTP_STATUS], 2); /* "o%20k" was asked for as well */
}
END_TEST

START_TEST(a_body_for_json_keeps_its_quotes) {
        struct task *task = bed.task;

        task->http->header = calloc(2, sizeof(char *));
        task->http->header[0] = strdup("Content-Type: application/json");
        task->http->body = strdup("{\"item\": \"{item}\"}");
        task->http->expect_body = strdup("{\"item\": \"say \\\"hi\\\"\"}");
        task->for_each.type = FOR_EACH_LIST;
        task->for_each.words = task_bed_words("'say \"hi\"'");
        task->run.items = &task_items;
        task->run.concurrency = 1;
        set_url("/echo", "127.0.0.1");
        task_bed_run(&bed);
        ck_assert_msg(bed.result->outcome == OUTCOME_OK, "%s", result_detail(bed.result));
}
END_TEST

START_TEST(a_ca_file_is_read_off_the_loop) {
        bed.task->http->url = strdup("https://127.0.0.1:1/");
        bed.task->http->ca_file = strdup("/nonexistent/ca.pem");
        task_bed_run(&bed);
        task_bed_check(&bed, ERROR_TLS, "/nonexistent/ca.pem: No such file or directory");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("kind-http");
        TCase *tcase = tcase_create("kind-http");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, a_response_is_checked, 0, ARRAY_SIZE(cases));
        tcase_add_loop_test(tcase, a_body_is_saved_whole_or_not_at_all, 0, ARRAY_SIZE(saves));
        tcase_add_test(tcase, a_file_that_cannot_be_written_says_why);
        tcase_add_test(tcase, cutting_a_download_off_leaves_no_file);
        tcase_add_test(tcase, silence_times_out);
        tcase_add_test(tcase, it_says_what_it_is_at);
        tcase_add_test(tcase, a_name_that_hangs_leaves_a_remnant);
        tcase_add_test(tcase, items_are_filled_in_and_escaped);
        tcase_add_test(tcase, a_body_for_json_keeps_its_quotes);
        tcase_add_test(tcase, a_ca_file_is_read_off_the_loop);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
