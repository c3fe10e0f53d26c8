/* SPDX-License-Identifier: MIT */
/* top_model: order, filter, and a selection that stays on its row. */
#include "tendctl/top_model.h"

#include <check.h>
#include <stdio.h>

static const char *word(const json_t *row) {
        return get_string(row, "kind");
}

static json_int_t number(const json_t *row) {
        return get_int(row, "n");
}

static bool is_failing(const json_t *row) {
        return get_bool(row, "failing");
}

static const struct top_column columns[] = {
        { .title = "NAME" },
        { .title = "KIND", .word = word },
        { .title = "N", .number = number, .falls = true },
};

static const struct top_view view = { "test", "name", columns, ARRAY_SIZE(columns), -1, is_failing };

static struct model *model;

static void setup(void) {
        ck_assert_int_eq(model_new(&view, &model), 0);
}

static void teardown(void) {
        model_free(model);
}

/* Rows such as "a:1 b:2!": the name, the number, ! if it fails; the kind is the first letter of the name. */
static json_t *make_rows(const char *text) {
        json_t *rows = json_array();
        char name[32], mark[2];
        int n, length;

        for (; sscanf(text, " %31[^:]:%d%n", name, &n, &length) == 2; text += length) {
                text += length;
                length = *text == '!';
                mark[0] = name[0];
                mark[1] = '\0';
                ck_assert_int_eq(json_array_append_new(rows, json_pack("{s:s, s:i, s:b, s:s}", "name", name, "n", n,
                                                                       "failing", length, "kind", mark)),
                                 0);
        }
        return rows;
}

static void set(const char *text) {
        json_t *rows = make_rows(text);

        ck_assert_int_eq(model_set(model, rows), 0);
        json_decref(rows);
}

/* The names that are shown, the selected one in brackets. */
static const char *shown(void) {
        static char text[256];
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; i < model_n_shown(model); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used,
                                         model_row(model, i) == model_selected(model) ? "%s[%s]" : "%s%s",
                                         i > 0 ? " " : "", model_id(model, model_row(model, i)));
        return text;
}

START_TEST(an_empty_one_has_no_selection) {
        ck_assert_ptr_null(model_selected(model));
        model_move(model, 1);
        model_sort_next(model);
        model_sort_reverse(model);
        ck_assert_int_eq(model_filter(model, "x"), 0);
        ck_assert_uint_eq(model_scroll(model, 10), 0);
        set("");
        ck_assert_ptr_null(model_selected(model));
        ck_assert_str_eq(shown(), "");
}
END_TEST

START_TEST(rows_are_ordered_by_columns_in_turn) {
        set("b2:1 a:3 b1:2 c:3");
        ck_assert_str_eq(shown(), "[b2] a b1 c");
        model_sort_reverse(model);
        ck_assert_str_eq(shown(), "c b1 a [b2]");
        model_sort_next(model); /* the first column has nothing to be sorted by */
        ck_assert_int_eq(model_sort_column(model), 1);
        ck_assert_str_eq(shown(), "a [b2] b1 c"); /* what is alike stays as it came */
        model_sort_next(model);
        ck_assert_str_eq(shown(), "a c b1 [b2]");
        model_sort_reverse(model);
        ck_assert_str_eq(shown(), "[b2] b1 a c");
        model_sort_next(model);
        ck_assert_int_eq(model_sort_column(model), -1);
        ck_assert_str_eq(shown(), "[b2] a b1 c");
}
END_TEST

START_TEST(the_selection_stays_on_its_row) {
        set("a:1 b:2 c:3 d:4");
        model_move(model, 2);
        ck_assert_str_eq(shown(), "a b [c] d");
        set("x:1 y:2 c:3 a:4");
        ck_assert_str_eq(shown(), "x y [c] a");
        set("c:1");
        ck_assert_str_eq(shown(), "[c]");
        set("a:1 b:2 c:3 d:4");
        set("a:1 b:2 d:4"); /* it has gone: what is in its place */
        ck_assert_str_eq(shown(), "a b [d]");
        set("a:1");
        ck_assert_str_eq(shown(), "[a]");
        set("");
        set("z:1 a:2"); /* after nothing at all, too */
        ck_assert_str_eq(shown(), "z [a]");
}
END_TEST

START_TEST(it_moves_as_far_as_there_are_rows) {
        set("a:1 b:2 c:3");
        model_move(model, -1);
        ck_assert_str_eq(shown(), "[a] b c");
        model_move(model, 1000000000000L);
        ck_assert_str_eq(shown(), "a b [c]");
        model_move(model, 1);
        ck_assert_str_eq(shown(), "a b [c]");
        model_move(model, -1);
        ck_assert_str_eq(shown(), "a [b] c");
        model_move(model, -1000000000000L);
        ck_assert_str_eq(shown(), "[a] b c");
}
END_TEST

START_TEST(a_filter_is_a_part_of_the_name_or_a_pattern) {
        static const struct {
                const char *pattern;
                const char *shown;
        } rows[] = {
                { "we", "[web-1] web-2 WEB-x" },    { "WEB-1", "[web-1]" },           { "-2", "[web-2]" },
                { "web*", "[web-1] web-2" },        { "*-?", "[web-1] web-2 WEB-x" }, { "nothing", "" },
                { "", "[web-1] web-2 WEB-x mail" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                set("web-1:1 web-2:2! WEB-x:3 mail:4!");
                ck_assert_int_eq(model_filter(model, rows[i].pattern), 0);
                model_move(model, -10);
                ck_assert_str_eq(shown(), rows[i].shown);
                ck_assert_str_eq(model_pattern(model), rows[i].pattern);
                ck_assert_uint_eq(model_n(model), 4);
        }
        model_filter_failing(model, true);
        ck_assert_str_eq(shown(), "[web-2] mail");
        ck_assert_int_eq(model_filter(model, "mail"), 0);
        ck_assert_str_eq(shown(), "[mail]");
        model_filter_failing(model, false);
        ck_assert_int_eq(model_filter(model, NULL), 0);
        ck_assert_str_eq(shown(), "web-1 web-2 WEB-x [mail]");
}
END_TEST

START_TEST(some_rows_can_be_told_anew) {
        json_t *rows = make_rows("c:9 unknown:1"), *by_id = json_pack("{s:s, s:s}", "b", "run", "z", "run");

        set("a:1 b:2 c:3");
        model_sort_next(model);
        model_sort_next(model);
        ck_assert_str_eq(shown(), "c b [a]");
        model_sort_reverse(model);
        ck_assert_str_eq(shown(), "[a] b c");
        model_update(model, rows);
        ck_assert_str_eq(shown(), "[a] b c");
        ck_assert_int_eq(get_int(model_row(model, 2), "n"), 9);
        model_join(model, "run", by_id);
        ck_assert_str_eq(get_string(model_row(model, 1), "run"), "run");
        ck_assert_str_eq(get_string(model_row(model, 0), "run"), "");
        json_object_clear(by_id);
        model_join(model, "run", by_id);
        ck_assert_str_eq(get_string(model_row(model, 1), "run"), "");
        json_decref(rows);
        json_decref(by_id);
}
END_TEST

START_TEST(the_screen_follows_the_selection) {
        set("a:1 b:2 c:3 d:4 e:5 f:6");
        ck_assert_uint_eq(model_scroll(model, 3), 0);
        model_move(model, 2);
        ck_assert_uint_eq(model_scroll(model, 3), 0);
        model_move(model, 1);
        ck_assert_uint_eq(model_scroll(model, 3), 1);
        model_move(model, -1); /* within what is shown nothing moves */
        ck_assert_uint_eq(model_scroll(model, 3), 1);
        model_move(model, 10);
        ck_assert_uint_eq(model_scroll(model, 3), 3);
        ck_assert_uint_eq(model_scroll(model, 5), 1); /* a larger terminal has no empty lines */
        ck_assert_uint_eq(model_scroll(model, 2), 4);
        ck_assert_uint_eq(model_scroll(model, 0), 4);
        set("a:1");
        ck_assert_uint_eq(model_scroll(model, 3), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("top-model");
        TCase *tcase = tcase_create("top-model");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, an_empty_one_has_no_selection);
        tcase_add_test(tcase, rows_are_ordered_by_columns_in_turn);
        tcase_add_test(tcase, the_selection_stays_on_its_row);
        tcase_add_test(tcase, it_moves_as_far_as_there_are_rows);
        tcase_add_test(tcase, a_filter_is_a_part_of_the_name_or_a_pattern);
        tcase_add_test(tcase, some_rows_can_be_told_anew);
        tcase_add_test(tcase, the_screen_follows_the_selection);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
