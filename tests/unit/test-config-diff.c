/* SPDX-License-Identifier: MIT */
/* config-diff: what a second configuration changes of the first, and which tasks it takes over. */
#include "config/diff.h"
#include "support/config-text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct config_text from, to;
static struct config_diff diff;

static void load(const char *before, const char *after) {
        config_text_load_one(&from, before);
        ck_assert_msg(from.r == 0, "%s", from.told);
        config_text_load_one(&to, after);
        ck_assert_msg(to.r == 0, "%s", to.told);
        ck_assert_int_eq(config_diff(from.config, to.config, &diff), 0);
}

static void done(void) {
        config_diff_done(&diff);
        config_text_done(&to);
        config_text_done(&from);
}

/* "+a -b ~c =g", in the order of names. */
static const char *changes(void) {
        static const char signs[] = { '+', '-', '~', '=' };
        static char text[1000];
        size_t n = 0;

        text[0] = '\0';
        for (size_t i = 0; i < diff.n_tasks; i++) {
                const struct task_change *change = &diff.tasks[i];
                const struct task *task = change->to ? change->to : change->from;

                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c%s", n > 0 ? " " : "", signs[change->change],
                                      task->run.name);
        }
        return text;
}

static int write_key(const char *key, const char *old, const char *new, bool needs_restart, void *userdata) {
        char *text = userdata;
        size_t n = strlen(text);

        (void)snprintf(text + n, 1000 - n, "%s%s: %s -> %s%s", n > 0 ? "; " : "", key, old ?: "none", new ?: "none",
                       needs_restart ? " (restart)" : "");
        return 0;
}

static const char *keys_of(size_t i) {
        static char text[1000];

        text[0] = '\0';
        ck_assert_int_eq(task_change_for_each_key(&diff.tasks[i], write_key, text), 0);
        return text;
}

static const char *section_keys_of(size_t i) {
        static char text[1000];

        text[0] = '\0';
        ck_assert_int_eq(section_change_for_each_key(&diff.sections[i], write_key, text), 0);
        return text;
}

#define A "[task a]\ncommand = /bin/a\nmanual = yes\n"
#define B "[task b]\ncommand = /bin/b\nmanual = yes\n"

static const struct {
        const char *before, *after, *changes, *first;
} cases[] = {
        { A B, A B, "", NULL },
        { A B, B "\n" A, "", NULL },
        { A, A B, "+b", "command: none -> /bin/b; manual: none -> yes" },
        { A B, A, "-b", NULL },
        { A, "[task a]\n# why not\nmanual = yes\ncommand =  /bin/a  \n", "", NULL },
        { A, "[task a]\ncommand = /bin/a now\nmanual = yes\n", "~a", "command: /bin/a -> /bin/a now" },
        { A, A "timeout = 5s\n", "~a", "timeout: 1h -> 5s" },
        { A "timeout = 5s\n", A "timeout = 6s\n", "~a", "timeout: 5s -> 6s" },
        { A "env = X=1\n  Y=2\n", A "env = X=1\n  Y=3\n", "~a", NULL },
        { A "env = X=1\n  Y=2\n", A "env = Y=2\n  X=1\n", "~a", NULL },
        { "[defaults]\ntimeout = 5s\n" A, A "timeout = 5s\n", "", NULL },
        { "[defaults]\ntimeout = 5s\n" A B, "[defaults]\ntimeout = 6s\n" A B, "~a ~b", "timeout: 5s -> 6s" },
        { A, "[task a]\nurl = http://localhost/\nmanual = yes\n", "~a", NULL },
        /* groups */
        { A B "[group g]\nmembers = a b\nmanual = yes\n", A B "[group g]\nmembers = a b\nmanual = yes\n", "", NULL },
        { A B "[group g]\nmembers = a b\nmanual = yes\n",
          A "timeout = 5s\n" B "[group g]\nmembers = a b\nmanual = yes\n", "~a =g", NULL },
        { A B "[group g]\nmembers = a\nmanual = yes\n[group h]\nmembers = g b\nmanual = yes\n",
          A "timeout = 5s\n" B "[group g]\nmembers = a\nmanual = yes\n[group h]\nmembers = g b\nmanual = yes\n",
          "~a =g =h", NULL },
        { A "[group g]\nmembers = ?\nmanual = yes\n", A B "[group g]\nmembers = ?\nmanual = yes\n", "+b ~g", NULL },
        { A B "[group g]\nmembers = a b\nmanual = yes\n", A B "after = a\n[group g]\nmembers = a b\nmanual = yes\n",
          "~b ~g", NULL },
        /* what is written elsewhere */
        { "[daemon]\ntimezone = Europe/Berlin\n[task a]\ncommand = /bin/a\ncalendar = daily\n" B,
          "[daemon]\ntimezone = Europe/Paris\n[task a]\ncommand = /bin/a\ncalendar = daily\n" B, "~a", "" },
        { "[task a]\ncommand = /bin/a\nrestart = always\n[task b]\ncommand = /bin/b\nevery = 10s\n",
          "[task a]\ncommand = /bin/a\nrestart = always\nhealth = b\n[task b]\ncommand = /bin/b\nevery = 10s\n",
          "~a ~b", "health: none -> b" },
        /* instances */
        { "[task a]\ncommand = /bin/a {n}\nrestart = always\ninstances = 2\n",
          "[task a]\ncommand = /bin/a {n}\nrestart = always\ninstances = 3\n", "~a +a@3",
          "members: a@1 a@2 -> a@1 a@2 a@3" },
        { "[task a]\ncommand = /bin/a {n}\nrestart = always\ninstances = 2\n",
          "[task a]\ncommand = /bin/aa {n}\nrestart = always\ninstances = 2\n", "=a ~a@1 ~a@2", NULL },
};

START_TEST(tasks_are_compared) {
        load(cases[_i].before, cases[_i].after);
        ck_assert_str_eq(changes(), cases[_i].changes);
        if (cases[_i].first)
                ck_assert_str_eq(keys_of(0), cases[_i].first);
        done();
}
END_TEST

START_TEST(what_is_the_same_is_taken_over) {
        const struct task *a, *g;

        load(A B "[group g]\nmembers = a b\nmanual = yes\n[group h]\nmembers = a\nmanual = yes\n",
             "# a line more\n" A B
             "timeout = 5s\n[group g]\nmembers = a b\nmanual = yes\n[group h]\nmembers = a\nmanual = yes\n");
        ck_assert_str_eq(changes(), "~b =g");
        ck_assert_uint_eq(diff.n_same, 2);
        ck_assert_uint_eq(config_diff_count(&diff).unchanged, 3);
        ck_assert_uint_eq(config_diff_count(&diff).changed, 1);
        a = config_find_task(from.config, "a");
        g = config_find_task(to.config, "g");
        ck_assert_ptr_eq(config_find_task(to.config, "a"), a);
        ck_assert_ptr_eq(config_find_task(to.config, "h"), config_find_task(from.config, "h"));
        ck_assert_ptr_ne(g, config_find_task(from.config, "g"));
        ck_assert_ptr_eq(g->run.members[0].spec, &a->run);
        ck_assert_ptr_eq(g->run.members[1].spec, &config_find_task(to.config, "b")->run);
        ck_assert_uint_eq(a->origin_line, 1);
        ck_assert_uint_eq(diff.origins[0].line, 2);
        done();
}
END_TEST

START_TEST(a_task_outlives_the_configuration_that_it_comes_from) {
        const struct task *a;

        load(A B, A);
        a = config_find_task(to.config, "a");
        ((struct task *)a)->origin_file = diff.origins[0].file;
        config_diff_done(&diff);
        config_text_done(&from);
        ck_assert_str_eq(a->exec->command[0], "/bin/a");
        ck_assert_ptr_nonnull(strstr(a->origin_file, "tendd.ini"));
        config_text_done(&to);
}
END_TEST

START_TEST(other_sections_are_compared) {
        load("[daemon]\nmax-running = 5\nstate-dir = /a\n[limit x]\npermits = 2\n[limit y]\npermits = 2\n[pool p]\nthreads = 2\n"
             "[task a]\nmanual = yes\ncommand = /bin/a\nlimit = x y\npool = p\n",
             "[daemon]\nmax-running = 6\nstate-dir = /b\n[limit x]\npermits = 3\n[limit y]\npermits = 2\n[limit z]\npermits = 1\n"
             "[pool p]\nthreads = 3\n[metrics]\nlisten = 127.0.0.1:9188\n[task a]\nmanual = yes\ncommand = /bin/a\nlimit = x y\npool = p\n");
        ck_assert_str_eq(changes(), "");
        ck_assert_uint_eq(diff.n_sections, 5);
        ck_assert(diff.needs_restart);
        ck_assert_str_eq(section_keys_of(0), "state-dir: /a -> /b (restart); max-running: 5 -> 6");
        ck_assert_str_eq(section_keys_of(1), "listen: none -> 127.0.0.1:9188");
        ck_assert_str_eq(diff.sections[2].name, "x");
        ck_assert_str_eq(section_keys_of(2), "permits: 2 -> 3");
        ck_assert_int_eq(diff.sections[3].change, CONFIG_ADDED);
        ck_assert_str_eq(diff.sections[3].name, "z");
        ck_assert_str_eq(section_keys_of(4), "threads: 2 -> 3");
        done();
}
END_TEST

/* More than there are in either, as each limit and pool has another name. */
START_TEST(all_sections_are_others) {
        load("[limit x]\npermits = 2\n[pool p]\nthreads = 2\n" A "limit = x\n",
             "[daemon]\nmax-running = 6\n[access]\nview = user:root\n[store]\nkeep = 1d\n[metrics]\nmax-tasks = 7\n"
             "[limit y]\npermits = 2\n[pool q]\nthreads = 2\n" A "limit = y\n");
        ck_assert_uint_eq(diff.n_sections, 8);
        for (size_t i = 0; i < 4; i++)
                ck_assert_int_eq(diff.sections[i].change, CONFIG_CHANGED);
        ck_assert_str_eq(diff.sections[4].name, "x");
        ck_assert_int_eq(diff.sections[4].change, CONFIG_REMOVED);
        ck_assert_int_eq(diff.sections[7].change, CONFIG_ADDED);
        ck_assert_str_eq(diff.sections[7].name, "q");
        done();
}
END_TEST

START_TEST(secrets_are_compared_and_not_shown) {
        ck_assert_int_eq(setenv("TENDD_TEST_WORD", "one", 1), 0);
        config_text_load_one(&from, A "env = WORD=${env:TENDD_TEST_WORD}\n");
        ck_assert_int_eq(setenv("TENDD_TEST_WORD", "two", 1), 0);
        config_text_load_one(&to, A "env = WORD=${env:TENDD_TEST_WORD}\n");
        ck_assert_int_eq(config_diff(from.config, to.config, &diff), 0);
        ck_assert_str_eq(changes(), "~a");
        ck_assert_str_eq(keys_of(0), "env: (contains ${env:} or ${cred:}) -> (contains ${env:} or ${cred:})");
        done();
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-diff");
        TCase *tcase = tcase_create("config-diff");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, tasks_are_compared, 0, ARRAY_SIZE(cases));
        tcase_add_test(tcase, what_is_the_same_is_taken_over);
        tcase_add_test(tcase, a_task_outlives_the_configuration_that_it_comes_from);
        tcase_add_test(tcase, other_sections_are_compared);
        tcase_add_test(tcase, all_sections_are_others);
        tcase_add_test(tcase, secrets_are_compared_and_not_shown);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
