/* SPDX-License-Identifier: MIT */
/* timeline: rows, lanes and ticks, and what is drawn of them on the terminal and as SVG. */
#include "tendctl/timeline.h"
#include "tendctl/timeline_axis.h"
#include "tendctl/timeline_draw.h"

#include <check.h>
#include <locale.h>
#include <stdio.h>
#include <time.h>

#define H    USEC_PER_HOUR
#define FROM (UINT64_C(1743202800) * USEC_PER_SEC) /* 2025-03-29 00:00 in Berlin */

static struct timeline timeline;
static char shown[64 * 1024];

static void setup(void) {
        (void)setenv("TZ", "Europe/Berlin", 1);
        (void)unsetenv("TERM");
        tzset();
        timeline_init(&timeline, FROM, FROM + 10 * H, FROM + 10 * H);
}

static void teardown(void) {
        timeline_done(&timeline);
}

#define LIVES -1e9

/* A run, in hours since the beginning; LIVES: it goes on. */
static void add(const char *name, double begun, double ended, enum timeline_kind kind) {
        struct timeline_bar bar = { .kind = kind, .name = (char *)name };

        bar.begun_usec = bar.started_usec = (usec_t)((double)FROM + begun * (double)H);
        bar.ended_usec = ended <= LIVES ? USEC_INFINITY : (usec_t)((double)FROM + ended * (double)H);
        ck_assert_int_eq(timeline_add(&timeline, &bar), 0);
}

static const char *rows(void) {
        size_t used = 0;

        timeline_arrange(&timeline);
        shown[0] = '\0';
        for (size_t i = 0; i < timeline.n_rows; i++)
                used += (size_t)snprintf(shown + used, sizeof(shown) - used, "%s%s:%zu", i > 0 ? " " : "",
                                         timeline.rows[i]->path, timeline.rows[i]->n_bars);
        return shown;
}

START_TEST(rows_come_by_their_first_run_members_below) {
        add("z#1", 5, 6, TIMELINE_OK);
        add("pair#7/late", 4, 5, TIMELINE_OK);
        add("pair#7/early", 3, 4, TIMELINE_OK);
        add("pair#7", 3, 5, TIMELINE_OK);
        add("pair#6/late", 1, 2, TIMELINE_OK); /* its group is not in the list */
        add("a#1", 5, 6, TIMELINE_OK);
        add("late#1", 0, 1, TIMELINE_OK); /* alone it is another row */
        add("outer#1/inner/leaf", 2, 3, TIMELINE_OK);
        ck_assert_str_eq(rows(),
                         "late:1 pair:1 pair/late:2 pair/early:1 outer:0 outer/inner:0 outer/inner/leaf:1 a:1 z:1");
        ck_assert_str_eq(timeline.rows[6]->name, "leaf");
        ck_assert_uint_eq(timeline.rows[6]->depth, 2);
}
END_TEST

START_TEST(what_lies_elsewhere_is_left_out) {
        add("before#1", -2, -1, TIMELINE_OK);
        add("reaches#1", -2, 1, TIMELINE_OK);
        add("long-ago#1", -100, -1, TIMELINE_OK);
        add("goes-on#1", -100, LIVES, TIMELINE_RUNNING);
        add("after#1", 10, 11, TIMELINE_OK);
        ck_assert_str_eq(rows(), "goes-on:1 reaches:1");
}
END_TEST

START_TEST(runs_that_overlap_have_lanes) {
        static const unsigned lanes[] = { 0, 1, 0, 2, 1 };

        add("a#1", 0, 2, TIMELINE_OK);
        add("a#2", 1, 4, TIMELINE_OK);
        add("a#3", 2, 5, TIMELINE_FAILED); /* begins when the first ends */
        add("a#4", 3, LIVES, TIMELINE_RUNNING);
        add("a#5", 4, 5, TIMELINE_OK);
        add("a", 3.5, 3.5, TIMELINE_MISSED); /* a mark is in nobody's way */
        timeline_arrange(&timeline);
        ck_assert_uint_eq(timeline.rows[0]->n_lanes, 3);
        for (size_t i = 0, run = 0; i < timeline.rows[0]->n_bars; i++)
                if (timeline.rows[0]->bars[i].kind != TIMELINE_MISSED)
                        ck_assert_uint_eq(timeline.rows[0]->bars[i].lane, lanes[run++]);
        for (int i = 0; i < 30; i++)
                add("a#9", 3, 5, TIMELINE_OK);
        timeline_arrange(&timeline);
        ck_assert_uint_eq(timeline.rows[0]->n_lanes, TIMELINE_LANES_MAX);
}
END_TEST

START_TEST(columns_cover_the_time) {
        ck_assert_uint_eq(timeline_column(&timeline, FROM, 10), 0);
        ck_assert_uint_eq(timeline_column(&timeline, FROM - H, 10), 0);
        ck_assert_uint_eq(timeline_column(&timeline, FROM + H - 1, 10), 0);
        ck_assert_uint_eq(timeline_column(&timeline, FROM + H, 10), 1);
        ck_assert_uint_eq(timeline_column(&timeline, FROM + 10 * H, 10), 9);
        ck_assert_uint_eq(timeline_column(&timeline, USEC_INFINITY, 10), 9);
}
END_TEST

/* ---- ticks ---- */

static const struct {
        const char *zone;
        usec_t from;
        usec_t hours;
        size_t max;
        const char *ticks;
} axes[] = {
        { "Europe/Berlin", 1743202800, 24, 9, "03-29 03:00 06:00 09:00 12:00 15:00 18:00 21:00" },
        /* Clocks are set forward from 2 to 3: an hour less until 4. */
        { "Europe/Berlin", 1743289200, 6, 7, "03-30 01:00 03:00 04:00 05:00 06:00" },
        { "Europe/Berlin", 1743289200, 23, 9, "03-30 03:00 06:00 09:00 12:00 15:00 18:00 21:00" },
        /* They are set back from 3 to 2, which they show twice. */
        { "Europe/Berlin", 1761429600, 6, 7, "10-26 01:00 02:00 02:00 03:00 04:00" },
        { "Europe/Berlin", 1743202800, 24 * 5, 6, "03-29 03-30 03-31 04-01 04-02 04-03" },
        { "Europe/Berlin", 1743203100, 1, 5, "00:15 00:30 00:45 01:00" },
        { "Asia/Kathmandu", 1743203100, 3, 4, "05:00 06:00 07:00" },
        { "Australia/Lord_Howe", 1743866100, 4, 5, "02:00 03:00 04:00 05:00" }, /* by half an hour */
        { "UTC", 1743202800, 24 * 400, 5, "2025-06 2025-09 2025-12 2026-03" },
};

START_TEST(ticks_are_round_times_of_the_clock) {
        struct tick ticks[TICKS_MAX];
        char text[512] = "";
        usec_t from = axes[_i].from * USEC_PER_SEC, last = 0;
        size_t n, used = 0;

        (void)setenv("TZ", axes[_i].zone, 1);
        tzset();
        n = axis_ticks(from, from + axes[_i].hours * H, axes[_i].max, ticks);
        ck_assert_uint_le(n, axes[_i].max);
        for (size_t i = 0; i < n; i++) {
                ck_assert_uint_ge(ticks[i].usec, from);
                ck_assert_uint_gt(ticks[i].usec, last);
                last = ticks[i].usec;
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "", ticks[i].text);
        }
        ck_assert_str_eq(text, axes[_i].ticks);
}
END_TEST

START_TEST(any_span_has_some_ticks_and_not_too_many) {
        struct tick ticks[TICKS_MAX];

        for (usec_t span = USEC_PER_SEC; span < 200 * 365 * USEC_PER_DAY; span = span * 3 / 2)
                for (size_t max = 2; max <= 20; max += 6)
                        ck_assert_uint_le(axis_ticks(FROM, FROM + span, max, ticks), max);
}
END_TEST

/* ---- the terminal ---- */

START_TEST(a_title_names_each_zone_that_is_shown) {
        char title[TIMELINE_TITLE_MAX];

        timeline_init(&timeline, FROM, FROM + 48 * H, FROM + 48 * H);
        ck_assert_str_eq(timeline_title(&timeline, title), "2025-03-29 00:00 CET to 2025-03-31 01:00 CEST");
}
END_TEST

static const char *print(unsigned width) {
        FILE *old = stdout;

        timeline_arrange(&timeline);
        stdout = fmemopen(shown, sizeof(shown), "w");
        ck_assert_int_eq(timeline_print(&timeline, width), 0);
        (void)fclose(stdout);
        stdout = old;
        return shown;
}

static void expect(const char *text) {
        ck_assert_msg(strstr(shown, text), "%s\nis not in\n%s", text, shown);
}

START_TEST(bars_are_where_their_time_is) {
        add("a#1", 0, 2, TIMELINE_OK);
        add("a#2", 3, 3.1, TIMELINE_FAILED);
        add("a#3", 9, LIVES, TIMELINE_RUNNING);
        add("b#1", 1, 4, TIMELINE_TIMEOUT);
        timeline.rows[1]->bars[0].started_usec = FROM + 3 * H;
        print(22);
        expect("2025-03-29 00:00 to 2025-03-29 10:00 CET\n");
        expect("\na ====  F           >>\nb   ....TT\n");
        expect("\nF failed  T timeout\n> running  = ok\n. waiting\none column: 30min\n");
        ck_assert(setlocale(LC_CTYPE, "C.UTF-8") != NULL);
        print(22);
        expect("\na ████  F           ▶▶\n");
        print(80);
        expect("\nF failed  T timeout  ▶ running  █ ok  · waiting  one column: 7min 41s\n");
        (void)setlocale(LC_CTYPE, "C");
}
END_TEST

START_TEST(of_many_in_a_column_the_worst_is_shown) {
        for (int i = 0; i < 100; i++)
                add("a#1", i * 0.1, i * 0.1 + 0.05,
                    i == 42   ? TIMELINE_FAILED
                    : i == 77 ? TIMELINE_SKIPPED
                              : TIMELINE_OK);
        add("a", 1.5, 2.5, TIMELINE_MISSED);
        print(12);
        expect("\na =!!=F==S==\n");
}
END_TEST

START_TEST(members_are_indented_and_lanes_have_lines) {
        add("group#1", 0, 4, TIMELINE_CANCELLED);
        add("group#1/m", 0, 4, TIMELINE_NEVER_STARTED);
        add("group#2/m", 3, 6, TIMELINE_INTERRUPTED);
        print(36);
        expect("\ngroup CCCCCCCCCCCC\n  m   NNNNNNNNNNNN\n               IIIIIIIII\n");
}
END_TEST

START_TEST(it_fits_any_terminal) {
        add("a-task-with-a-name-of-forty-characters-aa#1", 0, 4, TIMELINE_OK);
        for (unsigned width = 1; width < 300; width += 7) {
                print(width);
                for (const char *line = shown; *line; line += strcspn(line, "\n") + 1)
                        if (*line != '2') /* the title */
                                ck_assert_uint_le(strcspn(line, "\n"), MAX(width, *line == 'o' ? 24u : 18u));
        }
}
END_TEST

/* ---- the picture ---- */

static const char *draw(void) {
        FILE *out = fmemopen(shown, sizeof(shown), "w");

        timeline_arrange(&timeline);
        timeline_write_svg(&timeline, out);
        (void)fclose(out);
        return shown;
}

static size_t count(const char *text) {
        size_t n = 0;

        for (const char *at = shown; (at = strstr(at, text)); at++)
                n++;
        return n;
}

START_TEST(a_picture_has_a_bar_for_each_run) {
        add("a#1", 0, 2, TIMELINE_OK);
        add("a#2", 5, 6, TIMELINE_FAILED);
        add("a", 7, 8, TIMELINE_MISSED);
        timeline.rows[0]->bars[2].n = 3;
        timeline.rows[0]->bars[1].text = strdup("exit: <status> & \"7\"");
        draw();
        expect("<rect x=\"27.0\" y=\"56\" width=\"200.0\" height=\"12\" fill=\"#2da44e\" rx=\"1\"/><title>a#1 ok, 2h, ");
        expect("x=\"527.0\" y=\"56\" width=\"100.0\" height=\"12\" fill=\"#d1242f\" rx=\"1\"/><text x=\"529.0\" y=\"66\" fill=\"#fff\">F</text>");
        expect("exit: &lt;status&gt; &amp; &quot;7&quot;</title>");
        expect("not run, 3 times, ");
        ck_assert_uint_eq(count("<script"), 0);
}
END_TEST

START_TEST(bytes_that_are_no_text_harm_no_picture) {
        add("a\xff\x01<b\xef\xbf\xbf#1", 0, 2, TIMELINE_OK);
        draw();
        expect(">a??&lt;b?</text>");
}
END_TEST

START_TEST(runs_within_a_pixel_are_one) {
        for (int i = 0; i < 1000; i++)
                add("a#1", 1 + i * 1e-5, 1 + i * 1e-5 + 1e-6, i == 500 ? TIMELINE_FAILED : TIMELINE_OK);
        add("a#2", 2, 2.0001, TIMELINE_OK); /* too short to be seen, and seen all the same */
        draw();
        expect("width=\"1.5\" height=\"12\" fill=\"#d1242f\" rx=\"1\"/><title>1000 runs, the worst: a#1 failed");
        ck_assert_uint_eq(count("<title>"), 2);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("timeline");
        TCase *tcase = tcase_create("timeline");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, rows_come_by_their_first_run_members_below);
        tcase_add_test(tcase, what_lies_elsewhere_is_left_out);
        tcase_add_test(tcase, runs_that_overlap_have_lanes);
        tcase_add_test(tcase, columns_cover_the_time);
        tcase_add_loop_test(tcase, ticks_are_round_times_of_the_clock, 0, (int)ARRAY_SIZE(axes));
        tcase_add_test(tcase, any_span_has_some_ticks_and_not_too_many);
        tcase_add_test(tcase, a_title_names_each_zone_that_is_shown);
        tcase_add_test(tcase, bars_are_where_their_time_is);
        tcase_add_test(tcase, of_many_in_a_column_the_worst_is_shown);
        tcase_add_test(tcase, members_are_indented_and_lanes_have_lines);
        tcase_add_test(tcase, it_fits_any_terminal);
        tcase_add_test(tcase, a_picture_has_a_bar_for_each_run);
        tcase_add_test(tcase, bytes_that_are_no_text_harm_no_picture);
        tcase_add_test(tcase, runs_within_a_pixel_are_one);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
