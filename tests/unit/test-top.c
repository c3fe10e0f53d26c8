/* SPDX-License-Identifier: MIT */
/* top: what the console shows of answers, and what its keys do, without terminal and daemon. Verbs are run by a fake. */
#include "tendctl/top.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>

/* ---- verbs ---- */

struct job {
        const char *text;
};

static char asked[256]; /* "verb word second" of the last one */
static const char *answers = "";
static bool job_ended = true;

int job_start(const struct ctl *ctl _unused_, const char *verb, const char *word, const char *second,
              const char *const *options _unused_, struct job **ret) {
        (void)snprintf(asked, sizeof(asked), "%s %s%s%s", verb, word, second ? " " : "", second ? second : "");
        *ret = calloc(1, sizeof(**ret));
        (*ret)->text = answers;
        return 0;
}

struct job *job_free(struct job *job) {
        free(job);
        return NULL;
}

int job_fd(_unused_ const struct job *job) {
        return -1;
}

bool job_step(_unused_ struct job *job) {
        return job_ended;
}

const char *job_text(const struct job *job) {
        return job->text;
}

/* ---- the fixture ---- */

static struct top top;
static struct ctl ctl;
static char screen[64 * 1024];

static void setup(void) {
        ck_assert_int_eq(top_init(&top, &ctl), 0);
        asked[0] = '\0';
        answers = "";
}

static void teardown(void) {
        top_done(&top);
}

static void tell(enum top_source source, const char *text) {
        json_error_t error;
        json_t *answer = json_loads(text, 0, &error);

        ck_assert_msg(answer, "%s: %s", text, error.text);
        top_take(source, answer, &top);
        json_decref(answer);
}

/* What is on a screen of that size. */
static const char *draw(unsigned height, unsigned width) {
        struct canvas *canvas;
        FILE *out = fmemopen(screen, sizeof(screen), "w");

        ck_assert_int_eq(canvas_new(height, width, &canvas), 0);
        top_draw(&top, canvas);
        canvas_print(canvas, out);
        fclose(out);
        canvas_free(canvas);
        return screen;
}

static void expect(const char *text) {
        ck_assert_msg(strstr(draw(24, 80), text), "%s\nis not in\n%s", text, screen);
}

static void expect_not(const char *text) {
        ck_assert_msg(!strstr(draw(24, 80), text), "%s\nis in\n%s", text, screen);
}

static void press(const char *keys) {
        for (; *keys; keys++)
                top_key(&top, (unsigned char)*keys);
        top_job_step(&top);
}

#define STATUS                                                                                                         \
        "{\"version\":\"1.2\",\"phase\":\"%s\",\"uptime_usec\":7200000000,\"tasks\":3,\"running\":1,\"queued\":2,"     \
        "\"failing\":1,\"problems\":[%s],\"problem_counts\":[%s],"                                                     \
        "\"loop\":{\"recent_lag_p99_usec\":900,\"recent_lag_max_usec\":12000}}"

static void tell_status(const char *phase, const char *problems, const char *counts) {
        char text[4096];

        (void)snprintf(text, sizeof(text), STATUS, phase, problems, counts);
        tell(SOURCE_STATUS, text);
}

#define TASKS                                                                                                          \
        "[{\"name\":\"backup\",\"state\":\"running\",\"running\":1},"                                                  \
        "{\"name\":\"mail\",\"state\":\"idle\",\"failing\":true,\"failures\":3,"                                       \
        "\"last\":{\"outcome\":\"failed\",\"error\":\"exit\",\"detail\":\"exit status 7\"}},"                          \
        "{\"name\":\"web\",\"state\":\"running\",\"service\":{\"state\":\"up\"},\"paused_by\":\"alice\"}]"

static void tell_all(void) {
        char runs[512];

        tell_status("running", "", "{\"kind\":\"stale\",\"n\":4}");
        tell(SOURCE_TASKS, TASKS);
        (void)snprintf(runs, sizeof(runs),
                       "[{\"name\":\"backup#4\",\"task\":\"backup\",\"state\":\"running\",\"created_usec\":1,"
                       "\"started_usec\":%lld,\"usual_usec\":200000000,\"errors\":[]},"
                       "{\"name\":\"backup#4/x\",\"task\":\"x\",\"depth\":1,\"state\":\"queued\",\"created_usec\":1,"
                       "\"waiting\":{\"text\":\"waits for 2 of db\"},\"errors\":[]}]",
                       (long long)clock_now(CLOCK_ID_REALTIME) - 50 * (long long)USEC_PER_SEC);
        tell(SOURCE_TREE, runs);
}

/* ---- what is shown ---- */

START_TEST(the_head_tells_how_the_daemon_does) {
        tell_all();
        expect("tendd 1.2 running 2h, 3 tasks, 1 running, 2 queued  1 failing  4 stale");
        expect("loop lag p99 900us, max 12ms");
        expect("3 of 3 by TASK");
}
END_TEST

/* "1 pa" may be one or ten. */
START_TEST(what_is_counted_is_told_whole_or_not) {
        tell_status("running", "", "{\"kind\":\"stale\",\"n\":4},{\"kind\":\"paused\",\"n\":123}");
        for (unsigned width = 60; width <= 100; width++) {
                char *end;

                (void)draw(24, width);
                end = strchr(screen, '\n');
                *end = '\0';
                ck_assert_msg(!strstr(screen, "  1 ") || strstr(screen, "  1 failing"), "%u: %s", width, screen);
                ck_assert_msg(!strstr(screen, "  123") || strstr(screen, "  4 stale  123 paused"), "%u: %s", width,
                              screen);
        }
        ck_assert_ptr_nonnull(strstr(screen, "  123 paused"));
}
END_TEST

START_TEST(nothing_is_said_of_a_daemon_that_has_told_nothing) {
        expect_not("0 tasks");
        expect_not("loop lag");
        expect("waiting for the daemon");
}
END_TEST

START_TEST(a_small_screen_has_a_row) {
        tell_all();
        tell_status("running", "{\"kind\":\"failing\",\"subject\":\"t\",\"text\":\"bad\"}",
                    "{\"kind\":\"failing\",\"n\":9}");
        (void)draw(24, 60);
        ck_assert_msg(strstr(screen, " 3 of 3\n"), "%s", screen);
        (void)draw(7, 80);
        ck_assert_msg(strstr(screen, "AND        9 more: tendctl status\n[1 tasks]"), "%s", screen);
        ck_assert_msg(strstr(screen, "\nbackup "), "%s", screen);
}
END_TEST

START_TEST(what_is_wrong_is_told_by_how_bad_it_is) {
        tell_status("stopping",
                    "{\"kind\":\"degraded\",\"subject\":\"store\",\"text\":\"disk is full\",\"wrong\":true},"
                    "{\"kind\":\"failing\",\"subject\":\"mail\",\"text\":\"bad\",\"wrong\":true}",
                    "{\"kind\":\"degraded\",\"n\":1},{\"kind\":\"failing\",\"n\":1}");
        expect("tendd 1.2 stopping");
        expect("DEGRADED   store: disk is full\nFAILING    mail: bad\n[1 tasks]");
}
END_TEST

START_TEST(more_problems_than_there_is_room_for_are_counted) {
        char problems[4096] = "";
        size_t used = 0;

        for (int i = 0; i < 9; i++)
                used += (size_t)snprintf(problems + used, sizeof(problems) - used,
                                         "%s{\"kind\":\"failing\",\"subject\":\"t%d\",\"text\":\"bad\"}", i ? "," : "",
                                         i);
        tell_status("running", problems, "{\"kind\":\"failing\",\"n\":50},{\"kind\":\"full\",\"n\":2}");
        expect("FAILING    t2: bad\nAND        49 more: tendctl status\n[1 tasks]");
        (void)draw(66, 80);
        ck_assert_msg(strstr(screen, "t8: bad\nAND        43 more: tendctl status\n[1 tasks]"), "%s", screen);
}
END_TEST

START_TEST(a_run_is_drawn_against_its_usual_duration) {
        tell_all();
        expect("backup       running    #.... 25%\n");
        press("2");
        expect("backup#4         running      50s  3min #.... 25%");
        expect("\n  x              queued  ");
        expect("waits for 2 of db");
        ck_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
        expect("█░░░░ 25%");
        (void)setlocale(LC_CTYPE, "C");
}
END_TEST

START_TEST(what_a_run_says_itself_counts_more) {
        tell(SOURCE_TREE,
             "[{\"name\":\"a#1\",\"task\":\"a\",\"state\":\"running\",\"created_usec\":1,\"started_usec\":1,"
             "\"usual_usec\":5,\"progress\":{\"done\":300,\"total\":400},\"errors\":[]}]");
        press("2");
        expect("####. 75%");
}
END_TEST

START_TEST(columns_fit_the_terminal) {
        tell_all();
        ck_assert_ptr_nonnull(strstr(draw(24, 120), "failed/exit"));
        ck_assert_ptr_nonnull(strstr(screen, "exit status 7\n"));
        for (unsigned width = 1; width <= 130; width++)
                for (unsigned height = 1; height <= 10; height++)
                        (void)draw(height, width);
}
END_TEST

START_TEST(names_come_before_what_has_no_room) {
        tell(SOURCE_TASKS, "[{\"name\":\"backup-of-the-db\",\"state\":\"idle\",\"description\":\"nightly\"}]");
        expect("backup-of-the-db ");
        expect_not("DETAIL");
        (void)draw(24, 100);
        ck_assert_msg(strstr(screen, "nightly\n"), "%s", screen);
}
END_TEST

START_TEST(a_task_whose_run_waits_is_not_running) {
        tell(SOURCE_TASKS, "[{\"name\":\"a\",\"state\":\"running\"},{\"name\":\"b\",\"state\":\"running\"}]");
        tell(SOURCE_TREE,
             "[{\"name\":\"a#1\",\"task\":\"a\",\"created_usec\":5,\"waiting\":{\"text\":\"waits for limit db\"}},"
             "{\"name\":\"b#1\",\"task\":\"b\",\"created_usec\":5,\"waiting\":{\"text\":\"waits\"}},"
             "{\"name\":\"b#2\",\"task\":\"b\",\"created_usec\":6,\"started_usec\":7}]");
        (void)draw(24, 100);
        ck_assert_msg(strstr(screen, "\na            queued "), "%s", screen);
        ck_assert_msg(strstr(screen, "waits for limit db\n"), "%s", screen);
        ck_assert_msg(strstr(screen, "\nb            running "), "%s", screen);
}
END_TEST

START_TEST(last_ends_are_in_the_order_of_how_bad_they_are) {
        const char *at;

        tell(SOURCE_TASKS, "[{\"name\":\"new\"},{\"name\":\"fine\",\"last\":{\"outcome\":\"ok\"}},"
                           "{\"name\":\"late\",\"last\":{\"outcome\":\"timeout\",\"error\":\"timeout\"}},"
                           "{\"name\":\"bad\",\"last\":{\"outcome\":\"failed\",\"error\":\"exit\"}}]");
        press("ooo");
        expect("by LAST\n");
        at = strstr(screen, "\nbad ");
        at = at ? strstr(at, "\nlate ") : NULL;
        at = at ? strstr(at, "\nfine ") : NULL;
        ck_assert_msg(at && strstr(at, "\nnew"), "%s", screen);
        expect(" timeout\n"); /* not that it timed out because of a timeout */
}
END_TEST

START_TEST(limits_and_pools_are_gauges) {
        tell(SOURCE_LIMITS, "[{\"name\":\"db\",\"permits\":4,\"held\":3,\"waiting\":2,\"oldest_wait_usec\":1,"
                            "\"waiters\":[{\"run\":\"a#7\"},{\"run\":\"a#8\"}],\"holders\":[{\"run\":\"b#1\"}]},"
                            "{\"name\":\"free\",\"held\":3,\"rate\":10,\"rate_usec\":1000000}]");
        tell(SOURCE_POOLS,
             "[{\"name\":\"disk\",\"threads\":4,\"busy\":4,\"spare\":4,\"stuck\":2,\"queued\":7,\"queue_max\":1000,"
             "\"degraded\":true}]");
        press("3");
        expect("db           #########... 3/4          2");
        expect("waits: a#7 +1; holds:");
        expect("free         3 held, unlimited");
        expect("10/1s");
        press("4");
        expect("disk         degraded ############ 4/4         2/4    7/1000");
}
END_TEST

START_TEST(what_is_due_is_told) {
        tell(SOURCE_NEXT,
             "[{\"task\":\"a\",\"trigger\":\"every\",\"expression\":\"5min\",\"at_usec\":4102444800000000},"
             "{\"task\":\"b\",\"trigger\":\"calendar\",\"expression\":\"*:00\",\"at_usec\":4102444800000000,"
             "\"paused\":true},{\"task\":\"c\",\"trigger\":\"watch\",\"expression\":\"/srv/x\"}]");
        press("5");
        expect("a            every 5min");
        expect("paused b            calendar *:00");
        expect("c            watch /srv/x");
}
END_TEST

START_TEST(nothing_of_tasks_commands_the_terminal) {
        tell(SOURCE_TASKS, "[{\"name\":\"a\",\"state\":\"idle\",\"description\":\"x\\u001b[31m\\u0007y\"}]");
        (void)draw(24, 120);
        ck_assert_ptr_nonnull(strstr(screen, "x?[31m?y"));
}
END_TEST

/* What is on a canvas of one line and @width columns, on which @text was put at column @x. */
static const char *put(unsigned width, unsigned x, unsigned room, const char *text) {
        struct canvas *canvas;
        FILE *out = fmemopen(screen, sizeof(screen), "w");

        ck_assert_int_eq(canvas_new(1, width, &canvas), 0);
        (void)canvas_put(canvas, 0, x, room, PAINT_NONE, text);
        canvas_print(canvas, out);
        (void)fclose(out);
        canvas_free(canvas);
        return screen;
}

START_TEST(characters_are_put_in_columns) {
        ck_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
        ck_assert_str_eq(put(10, 2, 3, "abcdef"), "  abc\n");
        ck_assert_str_eq(put(4, 2, 9, "abc"), "  ab\n");
        ck_assert_str_eq(put(4, 4, 9, "abc"), "\n");
        ck_assert_str_eq(put(10, 0, 5, "日本語"), "日本\n"); /* half a character has no place */
        ck_assert_str_eq(put(10, 0, 6, "日本語x"), "日本語\n");
        ck_assert_str_eq(put(10, 0, 9, "e\u0301x"), "ex\n"); /* it would join the one before */
        ck_assert_str_eq(put(10, 0, 9,
                             "a\xff\xe6\x97"
                             "b\x1b\x7f"),
                         "a???b??\n");
        ck_assert_str_eq(put(10, 0, 9, "\xe6\x97"), "??\n"); /* cut off */
        (void)setlocale(LC_CTYPE, "C");
        ck_assert_str_eq(put(10, 0, 9, "\xc3\xa4x"), "??x\n");
}
END_TEST

START_TEST(a_daemon_that_is_gone_is_told) {
        tell_all();
        top.trouble = "the daemon has gone";
        top.trouble_since = 1;
        expect("NO ANSWER  the daemon has gone, since ");
        expect("backup"); /* what was known stays */
}
END_TEST

/* ---- keys ---- */

START_TEST(what_changes_something_asks_first) {
        tell_all();
        answers = "stopping backup#4\n";
        press("x");
        expect("stop backup? y/n  what runs of it is asked to end, and forced after its grace");
        press("zn");
        ck_assert_str_eq(asked, "");
        expect("nothing was changed");
        press("xy");
        ck_assert_str_eq(asked, "stop backup");
        expect("stopping backup#4");
        press("2x"); /* a run, by its name */
        expect("stop backup#4?");
        press("y");
        ck_assert_str_eq(asked, "stop backup#4");
}
END_TEST

START_TEST(its_effect_is_told_as_it_is) {
        tell_all();
        press("/web\nx");
        expect("stop web? y/n  it ends, and stays down until it is started");
        press("np");
        expect("resume web? y/n  its triggers are followed again");
        press("n1");
        top_key(&top, TOP_KEY_ESCAPE);
        press("g");
        press("p");
        expect("pause backup? y/n  no trigger starts it until it is resumed");
        press("y");
        ck_assert_str_eq(asked, "pause backup");
}
END_TEST

START_TEST(of_a_run_the_task_is_started) {
        tell_all();
        press("2jsy");
        ck_assert_str_eq(asked, "start x");
}
END_TEST

START_TEST(an_error_is_told) {
        tell_all();
        answers = "tendctl: denied: your user may not do this\n";
        press("sy");
        expect("denied: your user may not do this");
        ck_assert_int_eq(top.message_paint, PAINT_BAD);
        press("j");
        expect_not("denied");
        answers = "tendctl: no daemon; tried:\n  /run/tendd/control.sock: Connection refused\n";
        press("sy");
        expect("no daemon; tried: /run/tendd/control.sock: Connection refused");
        answers = "stopping a#1\nstopping a#2\n";
        press("sy");
        expect("stopping a#1; stopping a#2");
}
END_TEST

START_TEST(that_an_answer_is_waited_for_is_told) {
        tell_all();
        job_ended = false;
        press("sy");
        expect("start backup: no answer yet");
        answers = "started backup#5\n";
        top.job->text = answers;
        job_ended = true;
        top_job_step(&top);
        expect("started backup#5");
        expect_not("no answer");
}
END_TEST

START_TEST(more_time_is_typed) {
        tell_all();
        press("e1x");
        expect("more time for backup, 10min or 2h: 1x_");
        press("\n");
        ck_assert_str_eq(asked, "");
        expect("1x: no span; nothing was changed");
        press("e15");
        top_key(&top, TOP_KEY_BACKSPACE);
        press("0min\n");
        ck_assert_str_eq(asked, "extend backup 10min");
        press("e5min");
        top_key(&top, TOP_KEY_ESCAPE);
        ck_assert_str_eq(asked, "extend backup 10min");
}
END_TEST

START_TEST(what_a_verb_tells_is_read_by_screens) {
        static char text[4096];
        size_t used = 0;

        for (int i = 1; i <= 100; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "line\t%d of text\n", i);
        answers = text;
        tell_all();
        press("w");
        ck_assert_str_eq(asked, "why backup");
        expect("why backup\nline    1 of text\n");
        expect("1-22 of 100 lines");
        press(" ");
        expect("why backup\nline    22 of text\n");
        press("G");
        expect("79-100 of 100 lines");
        press("k");
        expect("78-99 of 100 lines");
        press("g");
        top_key(&top, TOP_KEY_RIGHT);
        expect("why backup\n1 of text\n");
        press("qq");
        ck_assert(top.quit);
}
END_TEST

START_TEST(logs_begin_with_their_end) {
        answers = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n20\n21\n22\n23\n24\n25\n";
        tell_all();
        press("l");
        ck_assert_str_eq(asked, "logs backup");
        expect("4-25 of 25 lines");
}
END_TEST

START_TEST(help_tells_the_keys) {
        press("?");
        expect("Shift-Tab  tasks, runs, limits, pools, what is due next");
        expect("q, Ctrl-C quit; "); /* all of them */
        for (const char *line = top_help(); *line; line += strcspn(line, "\n") + 1)
                ck_assert_uint_le(strcspn(line, "\n"), 80);
        press("q");
        expect("[1 tasks]");
        ck_assert(!top.quit);
}
END_TEST

START_TEST(views_are_switched) {
        press("\t");
        ck_assert_int_eq(top.view, VIEW_RUNS);
        press("\t\t\t\t");
        ck_assert_int_eq(top.view, VIEW_TASKS);
        top_key(&top, TOP_KEY_BACK_TAB);
        ck_assert_int_eq(top.view, VIEW_NEXT);
        press("6");
        ck_assert_int_eq(top.view, VIEW_NEXT);
        ck_assert_uint_eq(top_wants(&top), 1u << SOURCE_STATUS | 1u << SOURCE_NEXT);
}
END_TEST

START_TEST(what_fails_can_be_seen_alone) {
        tell_all();
        press("f");
        expect("failing  1 of 3 by TASK");
        expect_not("backup");
        press("ff");
        press("/zzz\n");
        expect("none that the filter lets through");
        press("x"); /* nothing is selected */
        ck_assert_int_eq(top.mode, MODE_TABLE);
}
END_TEST

START_TEST(those_on_the_screen_are_asked_for) {
        json_t *names;

        tell_all();
        (void)draw(8, 80);
        names = top_visible(&top);
        ck_assert_uint_eq(json_array_size(names), MIN(top.height, (size_t)3));
        ck_assert_str_eq(json_string_value(json_array_get(names, 0)), "backup");
        json_decref(names);
        tell(SOURCE_VISIBLE, "[{\"name\":\"backup\",\"state\":\"idle\",\"failures\":42}]");
        expect("backup       idle       #.... 25%"); /* its run is still known */
        expect("  42");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("top");
        TCase *tcase = tcase_create("top");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_head_tells_how_the_daemon_does);
        tcase_add_test(tcase, what_is_counted_is_told_whole_or_not);
        tcase_add_test(tcase, nothing_is_said_of_a_daemon_that_has_told_nothing);
        tcase_add_test(tcase, a_small_screen_has_a_row);
        tcase_add_test(tcase, what_is_wrong_is_told_by_how_bad_it_is);
        tcase_add_test(tcase, more_problems_than_there_is_room_for_are_counted);
        tcase_add_test(tcase, a_run_is_drawn_against_its_usual_duration);
        tcase_add_test(tcase, what_a_run_says_itself_counts_more);
        tcase_add_test(tcase, columns_fit_the_terminal);
        tcase_add_test(tcase, names_come_before_what_has_no_room);
        tcase_add_test(tcase, a_task_whose_run_waits_is_not_running);
        tcase_add_test(tcase, last_ends_are_in_the_order_of_how_bad_they_are);
        tcase_add_test(tcase, limits_and_pools_are_gauges);
        tcase_add_test(tcase, what_is_due_is_told);
        tcase_add_test(tcase, nothing_of_tasks_commands_the_terminal);
        tcase_add_test(tcase, characters_are_put_in_columns);
        tcase_add_test(tcase, a_daemon_that_is_gone_is_told);
        tcase_add_test(tcase, what_changes_something_asks_first);
        tcase_add_test(tcase, its_effect_is_told_as_it_is);
        tcase_add_test(tcase, of_a_run_the_task_is_started);
        tcase_add_test(tcase, an_error_is_told);
        tcase_add_test(tcase, that_an_answer_is_waited_for_is_told);
        tcase_add_test(tcase, more_time_is_typed);
        tcase_add_test(tcase, what_a_verb_tells_is_read_by_screens);
        tcase_add_test(tcase, logs_begin_with_their_end);
        tcase_add_test(tcase, help_tells_the_keys);
        tcase_add_test(tcase, views_are_switched);
        tcase_add_test(tcase, what_fails_can_be_seen_alone);
        tcase_add_test(tcase, those_on_the_screen_are_asked_for);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
