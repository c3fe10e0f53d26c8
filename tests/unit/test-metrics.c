/* SPDX-License-Identifier: MIT */
/* metrics: what a scrape tells after runs whose ends are known. */
#include "live/live_private.h"
#include "metrics/scrape.h"
#include "support/fake-loop.h"
#include "support/live-bed.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>

#define TEXT_MAX ((size_t)8 * 1024 * 1024)

static struct counts *counts;
static char *text;
static size_t n_text;
static bool refused;

static void get_source(struct metrics_source *ret, void *arg _unused_) {
        *ret = (struct metrics_source){
                .live = live_bed.live,
                .counts = counts,
                .phase = "running",
                .refused = refused,
                .started_usec = 1500 * USEC_PER_MSEC,
        };
}

static void make_text(void) {
        text = malloc(TEXT_MAX);
        ck_assert_ptr_nonnull(text);
}

static void free_text(void) {
        free(text);
}

static void setup(void) {
        live_bed_setup();
        make_text();
        refused = false;
}

static void teardown(void) {
        counts_free(counts);
        free(text);
        live_bed_teardown();
}

static void go(unsigned max_tasks) {
        live_bed_go();
        ck_assert_int_eq(counts_new(live_bed.live, max_tasks, &counts), 0);
}

/* Appends pieces to the text, at most @n. Returns whether there are more. */
static bool take_pieces(void *scrape, unsigned n) {
        int r = 1;

        for (; n > 0 && r > 0; n--) {
                size_t got = 0;

                ck_assert_uint_lt(n_text + HTTP_PIECE_MAX, TEXT_MAX);
                r = scrape_ops.next(scrape, text + n_text, &got);
                ck_assert_int_ge(r, 0);
                ck_assert_uint_le(got, HTTP_PIECE_MAX);
                n_text += got;
        }
        text[n_text] = '\0';
        return r > 0;
}

static void scrape_with(bool openmetrics) {
        void *scrape = scrape_new(openmetrics, get_source, NULL);

        ck_assert_ptr_nonnull(scrape);
        n_text = 0;
        ck_assert(!take_pieces(scrape, 100000));
        scrape_ops.free(scrape);
}

static void scrape(void) {
        scrape_with(false);
}

/* The whole line is there. */
static bool has(const char *line) {
        char whole[256];

        (void)snprintf(whole, sizeof(whole), "\n%s\n", line);
        return strstr(text, whole);
}

/* What the family of @line says instead: the first of its samples. */
static const char *instead(const char *line, char ret[500]) {
        char name[100];
        const char *begin;

        (void)snprintf(name, sizeof(name), "\n%.*s", (int)strcspn(line, "{ "), line);
        begin = strstr(text, name);
        (void)snprintf(ret, 500, "%s", begin ? begin + 1 : "nothing of it");
        return ret;
}

#define ASSERT_HAS(line)                                                                                               \
        do {                                                                                                           \
                char found[500];                                                                                       \
                                                                                                                       \
                ck_assert_msg(has(line), "no line \"%s\", but:\n%s", line, instead(line, found));                      \
        } while (false)
#define ASSERT_LACKS(part) ck_assert_msg(!strstr(text, part), "there is \"%s\"", part)

/* ---- single tasks ---- */

START_TEST(runs_are_counted_by_outcome) {
        live_bed_job("a");
        live_bed_job("b");
        go(10);
        for (int i = 0; i < 3; i++) {
                live_bed_start("a");
                fake_clock_advance(2 * USEC_PER_SEC);
                live_bed_end("a", i < 2 ? ERROR_NONE : ERROR_EXIT);
        }
        scrape();
        ASSERT_HAS("tendd_task_runs_total{task=\"a\",outcome=\"ok\"} 2");
        ASSERT_HAS("tendd_task_runs_total{task=\"a\",outcome=\"failed\"} 1");
        ASSERT_HAS("tendd_task_runs_total{task=\"a\",outcome=\"timeout\"} 0");
        ASSERT_LACKS("outcome=\"cancelled\"");
        ASSERT_HAS("tendd_task_runs_total{task=\"b\",outcome=\"failed\"} 0"); /* so that its first can be seen */
        ASSERT_HAS("tendd_task_run_duration_seconds_bucket{task=\"a\",le=\"1.0\"} 0");
        ASSERT_HAS("tendd_task_run_duration_seconds_bucket{task=\"a\",le=\"2.5\"} 3");
        ASSERT_HAS("tendd_task_run_duration_seconds_sum{task=\"a\"} 6.000000");
        ASSERT_LACKS("duration_seconds_count{task=\"b\"}");
        ASSERT_HAS("tendd_task_failing{task=\"a\"} 1");
        ASSERT_HAS("tendd_task_failing{task=\"b\"} 0");
        ASSERT_HAS("tendd_run_wait_seconds_count 3");
        ASSERT_HAS("tendd_attempts_started_total 3");
        ASSERT_HAS("tendd_events_total{event=\"run-done\"} 3");
        ASSERT_HAS("tendd_events_total{event=\"failing\"} 1");
        ASSERT_LACKS("event=\"loop-stuck\"");
}
END_TEST

START_TEST(members_and_retries_are_counted) {
        struct task *task = live_bed_job("a");

        task->run.retries = 2;
        live_bed_group("g");
        go(10);
        live_bed_start("g");
        live_bed_end("a", ERROR_EXIT);
        fake_clock_advance(USEC_PER_MINUTE);
        live_bed_end("a", ERROR_NONE);
        scrape();
        ASSERT_HAS("tendd_task_runs_total{task=\"a\",outcome=\"ok\"} 1");
        ASSERT_HAS("tendd_task_runs_total{task=\"g\",outcome=\"ok\"} 1");
        ASSERT_HAS("tendd_task_retries_total{task=\"a\"} 1");
        ASSERT_HAS("tendd_task_retries_total{task=\"g\"} 0");
}
END_TEST

START_TEST(services_are_up_and_restart) {
        live_bed_service("s");
        go(10);
        live_bed_start("s");
        scrape();
        ASSERT_HAS("tendd_task_up{task=\"s\"} 0");
        live_bed_ready("s");
        scrape();
        ASSERT_HAS("tendd_task_up{task=\"s\"} 1");
        live_bed_end("s", ERROR_EXIT);
        fake_clock_advance(USEC_PER_MINUTE);
        scrape();
        ASSERT_HAS("tendd_task_up{task=\"s\"} 0");
        ASSERT_HAS("tendd_task_restarts_total{task=\"s\"} 1");
        ASSERT_LACKS("tendd_task_retries_total{task=\"s\"}");
        ASSERT_HAS("tendd_task_running{task=\"s\"} 1");
        ASSERT_HAS("tendd_attempts_running 1");
}
END_TEST

START_TEST(what_is_paused_stale_and_due) {
        struct task *task = live_bed_job("a");

        live_bed_job("b");
        task->every_usec = USEC_PER_MINUTE;
        task->stale_after_usec = 10 * USEC_PER_MINUTE;
        go(10);
        ck_assert_int_eq(live_pause(live_bed_entry("a"), "somebody"), 0);
        fake_clock_advance(11 * USEC_PER_MINUTE);
        scrape();
        ASSERT_HAS("tendd_task_paused{task=\"a\"} 1");
        ASSERT_HAS("tendd_task_paused{task=\"b\"} 0");
        ASSERT_HAS("tendd_triggers_paused 0");
        ASSERT_HAS("tendd_task_missed_total{task=\"a\"} 11");
        ASSERT_HAS("tendd_task_stale{task=\"a\"} 1");
        ASSERT_LACKS("tendd_task_stale{task=\"b\"}");
        ASSERT_LACKS("tendd_task_last_success_timestamp_seconds{task=\"a\"}");
        ck_assert_ptr_nonnull(strstr(text, "tendd_task_next_due_timestamp_seconds{task=\"a\"} "));
        ASSERT_LACKS("next_due_timestamp_seconds{task=\"b\"}");

        live_bed_start("a");
        live_bed_end("a", ERROR_NONE);
        scrape();
        ASSERT_HAS("tendd_task_stale{task=\"a\"} 0");
        ck_assert_int_eq(live_pause_all(live_bed.live, "somebody"), 0);
        scrape();
        ASSERT_HAS("tendd_triggers_paused 1");
        ASSERT_HAS("tendd_task_paused{task=\"b\"} 1");
        ck_assert_ptr_nonnull(strstr(text, "tendd_task_last_success_timestamp_seconds{task=\"a\"} "));
}
END_TEST

START_TEST(what_was_missed_is_counted_with_its_number) {
        const struct schedule_missed missed = { .trigger = "every", .n = 7, .why = MISSED_DOWN };

        live_bed_job("a");
        go(10);
        live_missed(live_bed.live, "a", &missed);
        live_missed(live_bed.live, "a", &missed);
        live_missed(live_bed.live, "gone", &missed);
        scrape();
        ASSERT_HAS("tendd_task_missed_total{task=\"a\"} 14");
        ASSERT_LACKS("\"gone\"");
        ASSERT_HAS("tendd_task_missed_total{task=\"(others)\"} 7");
        ASSERT_LACKS("tendd_task_running{task=\"(others)\"}"); /* each that runs by now has a number of its own */
}
END_TEST

START_TEST(limits_and_pools_are_told) {
        struct limit_section limit = { .name = (char *)"db", .limit = { .permits = 2, .max_waiting = 10 } };
        struct task *task = live_bed_job("a");

        live_bed.config.limits = &limit;
        live_bed.config.n_limits = 1;
        live_bed.config.daemon.max_running = 1;
        task->overlap = OVERLAP_ALLOW;
        task->overlap_max = 2;
        go(10);
        ck_assert_int_eq(limit_set_pause(live_find_limit(live_bed.live, "db"), "somebody", 1), 0);
        live_bed_start("a");
        live_bed_start("a");
        fake_clock_advance(90 * USEC_PER_SEC);
        scrape();
        ASSERT_HAS("tendd_limit_permits{limit=\"max-running\"} 1");
        ASSERT_HAS("tendd_limit_permits{limit=\"db\"} 2");
        ASSERT_HAS("tendd_limit_paused{limit=\"db\"} 1");
        ASSERT_HAS("tendd_limit_paused{limit=\"max-running\"} 0");
        ASSERT_HAS("tendd_limit_held{limit=\"max-running\"} 1");
        ASSERT_HAS("tendd_limit_held{limit=\"db\"} 0");
        ASSERT_HAS("tendd_limit_waiting{limit=\"max-running\"} 1");
        ASSERT_HAS("tendd_limit_granted_total{limit=\"max-running\"} 1");
        ASSERT_HAS("tendd_limit_oldest_wait_seconds{limit=\"max-running\"} 90.000000");
        ASSERT_HAS("tendd_pool_threads{pool=\"default\"} 1");
        ASSERT_HAS("tendd_pool_degraded{pool=\"default\"} 0");
        live_bed_end("a", ERROR_NONE);
        live_bed_end("a", ERROR_NONE);
        scrape();
        ASSERT_HAS("tendd_limit_oldest_wait_seconds{limit=\"max-running\"} 0.000000");
        ASSERT_HAS("tendd_run_wait_seconds_bucket{le=\"60.0\"} 1");
        ASSERT_HAS("tendd_run_wait_seconds_bucket{le=\"300.0\"} 2");
}
END_TEST

START_TEST(the_daemon_tells_of_itself) {
        live_bed_job("a");
        go(10);
        refused = true;
        scrape();
        ASSERT_HAS("tendd_tasks 1");
        ASSERT_HAS("tendd_config_refused 1");
        ASSERT_HAS("tendd_phase{tendd_phase=\"running\"} 1");
        ASSERT_HAS("tendd_phase{tendd_phase=\"stopping\"} 0");
        ASSERT_HAS("tendd_build_info{version=\"" PACKAGE_VERSION "\"} 1");
        ASSERT_HAS("process_start_time_seconds 1.500000");
        ck_assert_ptr_nonnull(strstr(text, "\nprocess_open_fds "));
        ASSERT_LACKS("\nprocess_open_fds 0\n");
        ASSERT_LACKS("\nprocess_resident_memory_bytes 0\n");
        ASSERT_LACKS("\ntendd_store_degraded "); /* there is no store here, and no control socket */
        ASSERT_LACKS("\ntendd_control_calls_total ");
        ASSERT_LACKS("# EOF");
        scrape_with(true);
        ck_assert_str_eq(text + n_text - 6, "# EOF\n");
}
END_TEST

/* ---- many tasks ---- */

static void make_tasks(unsigned n) {
        char name[32];

        for (unsigned i = 0; i < n; i++) {
                (void)snprintf(name, sizeof(name), "t%04u", i);
                live_bed_job(name);
        }
}

static void run_once(const char *task, enum error_kind error) {
        live_bed_start(task);
        live_bed_end(task, error);
}

START_TEST(tasks_beyond_max_tasks_are_counted_together) {
        make_tasks(5);
        go(2);
        run_once("t0004", ERROR_EXIT);
        run_once("t0003", ERROR_EXIT);
        run_once("t0001", ERROR_NONE);
        ck_assert_int_eq(live_pause(live_bed_entry("t0002"), "somebody"), 0);
        scrape();
        ASSERT_HAS("tendd_task_runs_total{task=\"t0001\",outcome=\"ok\"} 1");
        ASSERT_HAS("tendd_task_runs_total{task=\"(others)\",outcome=\"failed\"} 2");
        ASSERT_HAS("tendd_task_run_duration_seconds_count{task=\"(others)\"} 2");
        ASSERT_HAS("tendd_task_failing{task=\"(others)\"} 2");
        ASSERT_HAS("tendd_task_paused{task=\"(others)\"} 1");
        ASSERT_LACKS("last_success_timestamp_seconds{task=\"(others)\"}");
        ASSERT_LACKS("t0002");
        ASSERT_LACKS("t0004");

        /* Counters never go back. Who has metrics of its own from now on begins anew. */
        counts_reloaded(counts, 4);
        run_once("t0003", ERROR_EXIT);
        scrape();
        ASSERT_HAS("tendd_task_runs_total{task=\"t0001\",outcome=\"ok\"} 1");
        ASSERT_HAS("tendd_task_runs_total{task=\"t0003\",outcome=\"failed\"} 1");
        ASSERT_HAS("tendd_task_runs_total{task=\"(others)\",outcome=\"failed\"} 2");
        ASSERT_HAS("tendd_task_failing{task=\"(others)\"} 1");
        counts_reloaded(counts, 0);
        scrape();
        ASSERT_LACKS("t0001");
        ASSERT_HAS("tendd_task_failing{task=\"(others)\"} 2");
        counts_reloaded(counts, 5);
        scrape();
        ASSERT_LACKS("failing{task=\"(others)\"}");
        ASSERT_HAS("tendd_task_runs_total{task=\"(others)\",outcome=\"failed\"} 2");
}
END_TEST

/* A counter that was the sum over tasks would go back when one is taken out. */
START_TEST(what_was_skipped_stays_counted) {
        make_tasks(3);
        live_bed.config.tasks[2]->every_usec = USEC_PER_MINUTE;
        go(2);
        live_bed_start("t0002");
        fake_clock_advance(3 * USEC_PER_MINUTE + USEC_PER_SEC);
        scrape();
        ASSERT_HAS("tendd_task_skipped_total{task=\"(others)\"} 3");
        ASSERT_HAS("tendd_task_skipped_total{task=\"t0000\"} 0");
        counts_reloaded(counts, 3);
        scrape();
        ASSERT_HAS("tendd_task_skipped_total{task=\"(others)\"} 3");
        ASSERT_HAS("tendd_task_skipped_total{task=\"t0002\"} 0");
}
END_TEST

static int compare_lines(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How many samples there are; no series is there twice. Cuts the text up. */
static size_t count_series(void) {
        char **lines = calloc(n_text / 8, sizeof(char *)), *rest = text, *line;
        size_t n = 0;

        ck_assert_ptr_nonnull(lines);
        while ((line = strsep(&rest, "\n")))
                if (*line && *line != '#') {
                        *strrchr(line, ' ') = '\0';
                        lines[n++] = line;
                }
        qsort(lines, n, sizeof(char *), compare_lines);
        for (size_t i = 1; i < n; i++)
                ck_assert_msg(!streq(lines[i - 1], lines[i]), "%s is there twice", lines[i]);
        free(lines);
        return n;
}

START_TEST(series_are_bounded) {
        size_t few, many;

        make_tasks(LIVE_BED_TASKS_MAX);
        go(100);
        for (unsigned i = 0; i < LIVE_BED_TASKS_MAX; i += 7) {
                char name[32];

                (void)snprintf(name, sizeof(name), "t%04u", i);
                run_once(name, ERROR_NONE);
        }
        scrape();
        ASSERT_HAS("tendd_task_runs_total{task=\"(others)\",outcome=\"ok\"} 700");
        few = count_series();
        counts_reloaded(counts, 200);
        scrape();
        many = count_series();
        ck_assert_uint_lt(few, 100 * 30 + 300);
        ck_assert_uint_lt(many, few + 100 * 30);
        ck_assert_uint_gt(many, few + 100 * 7);
}
END_TEST

/* A reload comes between any two pieces: no series is told twice, and none is missing. */
START_TEST(a_reload_under_a_scrape) {
        size_t whole;
        void *under;

        make_tasks(400);
        go(400);
        scrape();
        whole = count_series();
        under = scrape_new(false, get_source, NULL);
        ck_assert_ptr_nonnull(under);
        n_text = 0;
        while (take_pieces(under, 1)) {
                live_bed.live->generation++;
                counts_reloaded(counts, 400);
        }
        scrape_ops.free(under);
        ck_assert_uint_eq(count_series(), whole);
}
END_TEST

/* A reload gives a task metrics of its own, and takes them from it, wherever a piece ends. */
START_TEST(others_come_once_in_a_family) {
        make_tasks(200);
        go(150);
        for (unsigned own = 100; own < 140; own++) {
                void *under = scrape_new(false, get_source, NULL);
                bool odd = false;

                ck_assert_ptr_nonnull(under);
                n_text = 0;
                while (take_pieces(under, 1)) {
                        odd = !odd;
                        live_bed.live->generation++;
                        counts_reloaded(counts, own + odd);
                }
                scrape_ops.free(under);
                ASSERT_HAS("tendd_task_running{task=\"(others)\"} 0");
                (void)count_series();
        }
}
END_TEST

/* A reload takes the first limit out, or puts it back, between any two pieces. */
START_TEST(limits_go_under_a_scrape) {
        static struct limit_section limits[300];
        static char names[ARRAY_SIZE(limits)][8];
        struct limit **all;
        void *under;
        bool odd = false;

        for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
                (void)snprintf(names[i], sizeof(names[i]), "l%03zu", i);
                limits[i] = (struct limit_section){ .name = names[i], .limit = { .permits = 2, .max_waiting = 10 } };
        }
        live_bed.config.limits = limits;
        live_bed.config.n_limits = ARRAY_SIZE(limits);
        live_bed_job("a");
        go(10);
        all = live_bed.live->limits;
        under = scrape_new(false, get_source, NULL);
        ck_assert_ptr_nonnull(under);
        n_text = 0;
        while (take_pieces(under, 1)) {
                odd = !odd;
                live_bed.live->generation++;
                live_bed.live->limits = all + odd;
                live_bed.config.n_limits = ARRAY_SIZE(limits) - odd;
        }
        scrape_ops.free(under);
        live_bed.live->limits = all;
        live_bed.config.n_limits = ARRAY_SIZE(limits);
        ASSERT_HAS("tendd_limit_held{limit=\"l001\"} 0");
        ASSERT_HAS("tendd_limit_held{limit=\"l299\"} 0");
        (void)count_series();
}
END_TEST

/* ---- the table ---- */

START_TEST(families_are_well_named) {
        size_t n;
        const struct family *table = families(&n);

        for (size_t i = 0; i < n; i++) {
                const struct family *family = &table[i];
                const char *unit = family->unit ? family->unit : "";
                size_t length = strlen(family->name);
                int sources = (family->one != NULL) + (family->task != NULL) + (family->counts != NULL) +
                              (family->limit != NULL) + (family->pool != NULL);

                ck_assert_uint_eq(strspn(family->name, "abcdefghijklmnopqrstuvwxyz_"), length);
                ck_assert_msg(strncmp(family->name, "tendd_", 6) == 0 || strncmp(family->name, "process_", 8) == 0,
                              "%s", family->name);
                ck_assert_msg(length > strlen(unit) && streq(family->name + length - strlen(unit), unit),
                              "%s does not end with its unit", family->name);
                ck_assert_msg(!strstr(family->name, "_total") && !strstr(family->name, "_info"), "%s", family->name);
                ck_assert_msg(isupper((unsigned char)family->help[0]) && family->help[strlen(family->help) - 1] == '.',
                              "the help of %s is no sentence", family->name);
                ck_assert_msg(sources == 1, "%s is told of %d things", family->name, sources);
                for (size_t k = 0; k < i; k++)
                        ck_assert_str_ne(family->name, table[k].name);
        }
}
END_TEST

/* ---- the list in the man page ---- */

static void print_escaped(const char *s, FILE *out) {
        for (; *s; s++)
                fprintf(out, *s == '-' ? "\\-" : "%c", *s);
}

static const char *labels_of(const struct family *family) {
        if (family->task || family->counts)
                return streq(family->name, "tendd_task_runs") || streq(family->name, "tendd_task_items")
                               ? ", by task and outcome"
                               : ", by task";
        return family->limit ? ", by limit" : family->pool ? ", by pool" : "";
}

static void print_man(FILE *out) {
        static const char *const types[] = { "counter", "gauge", "histogram", "info", "stateset" };
        size_t n;
        const struct family *table = families(&n);

        fputs(".SH \"ALL FAMILIES\"\n", out);
        for (size_t i = 0; i < n; i++) {
                fprintf(out, ".TP\n.BR %s \" (%s%s)\"\n", table[i].name, types[table[i].type], labels_of(&table[i]));
                print_escaped(table[i].help, out);
                fputc('\n', out);
        }
}

START_TEST(the_man_page_lists_all_families) {
        const char *top = getenv("top_srcdir");
        char *list = NULL, path[512];
        size_t n_list;
        FILE *file, *out = open_memstream(&list, &n_list);

        print_man(out);
        ck_assert_int_eq(fclose(out), 0);
        (void)snprintf(path, sizeof(path), "%s/daemon/metrics/tendd-metrics.7", top ? top : ".");
        file = fopen(path, "r");
        ck_assert_msg(file, "no %s", path);
        text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
        (void)fclose(file);
        ck_assert_msg(strstr(text, list), "%s is not what the table says: run contrib/update-reference", path);
        free(list);
}
END_TEST

int main(int argc, char **argv) {
        TCase *tcase = tcase_create("metrics"), *table = tcase_create("table");
        Suite *suite = suite_create("metrics");
        SRunner *runner;
        int failed;

        if (argc == 2 && streq(argv[1], "man")) {
                print_man(stdout);
                return 0;
        }
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_checked_fixture(table, make_text, free_text);
        tcase_add_test(tcase, runs_are_counted_by_outcome);
        tcase_add_test(tcase, members_and_retries_are_counted);
        tcase_add_test(tcase, services_are_up_and_restart);
        tcase_add_test(tcase, what_is_paused_stale_and_due);
        tcase_add_test(tcase, what_was_missed_is_counted_with_its_number);
        tcase_add_test(tcase, what_was_skipped_stays_counted);
        tcase_add_test(tcase, limits_and_pools_are_told);
        tcase_add_test(tcase, the_daemon_tells_of_itself);
        tcase_add_test(tcase, tasks_beyond_max_tasks_are_counted_together);
        tcase_add_test(tcase, series_are_bounded);
        tcase_add_test(tcase, a_reload_under_a_scrape);
        tcase_add_test(tcase, others_come_once_in_a_family);
        tcase_add_test(tcase, limits_go_under_a_scrape);
        suite_add_tcase(suite, tcase);
        tcase_add_test(table, families_are_well_named);
        tcase_add_test(table, the_man_page_lists_all_families);
        suite_add_tcase(suite, table);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
