/* SPDX-License-Identifier: MIT */
/* test-config: what comes of the texts of a configuration. */
#include "base/text.h"
#include "config/config.h"
#include "support/config-text.h"
#include "task/kind.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>

static void assert_value(const struct config *config, const char *task, const char *key, const char *expected) {
        const struct task *found = config_find_task(config, task);
        char *value;

        ck_assert_msg(found, "no task %s", task);
        value = config_text_value(found, key);
        ck_assert_msg(expected && value ? streq(value, expected) : value == expected, "%s of %s is %s, not %s", key,
                      task, value ?: "unset", expected ?: "unset");
        free(value);
}

START_TEST(a_watch_queues_unless_told_otherwise) {
        struct config_text text;

        config_text_load_one(&text, "[defaults]\nwatch-settle = 5s\nstale-after = 1h\non-stale = h\n"
                                    "[defaults o]\noverlap = replace\n"
                                    "[task a]\ncommand = x\nwatch = /srv/a/*\n  # the others\n  /srv/b c/*\n"
                                    "[task b]\ncommand = x\nuse = o\nwatch = /srv/b\nwatch-settle = 1ms\n"
                                    "[task c]\ncommand = x\nevery = 1min\n"
                                    "[task s]\ncommand = x\nrestart = always\n"
                                    "[task h]\ncommand = x\n");
        ck_assert_msg(text.r == 0, "%s", text.told);
        assert_value(text.config, "a", "watch", "/srv/a/*\n/srv/b c/*");
        assert_value(text.config, "a", "watch-settle", "5s");
        assert_value(text.config, "a", "overlap", "queue");
        assert_value(text.config, "a", "stale-after", "1h");
        assert_value(text.config, "b", "watch-settle", "1ms");
        assert_value(text.config, "b", "overlap", "replace");
        assert_value(text.config, "c", "watch-settle", NULL);
        assert_value(text.config, "c", "overlap", "skip");
        ck_assert_ptr_null(config_find_task(text.config, "c")->when);
        /* Sections of defaults do not say of services that they can be stale. */
        assert_value(text.config, "s", "stale-after", "infinity");
        assert_value(text.config, "s", "on-stale", NULL);
        config_text_done(&text);
}
END_TEST

static const struct zone *zone_of(const struct config *config, const char *task) {
        const struct when_part *when = config_find_task(config, task)->when;

        return when->n_calendars > 0 ? when->calendars[0].zone : when->crons[0].zone;
}

START_TEST(the_nearest_zone_counts_and_is_shared) {
        struct config_text text;

        config_text_load_one(&text,
                             "[daemon]\ntimezone = Asia/Tokyo\n"
                             "[defaults]\non-failure = h\n"
                             "[defaults d]\ntimezone = Europe/Berlin\n"
                             "[task a]\ncommand = x\nuse = d\ncalendar = 02:30 America/New_York\n"
                             "[task b]\ncommand = x\nuse = d\ncron = 30 2 * * *\n"
                             "[task c]\ncommand = x\ncron = 30 2 * * *\n"
                             "[task e]\ncommand = x\nuse = d\ncalendar = 02:30\n"
                             "[group g]\nmembers = c\ntimezone = Europe/Berlin\ncalendar = 02:30\n"
                             "[task w]\ncommand = x\nrestart = always\ninstances = 2\nuse = d\ncalendar = 02:30\n"
                             "[task h]\ncommand = x\n");
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_str_eq(zone_name(zone_of(text.config, "a")), "America/New_York");
        ck_assert_str_eq(zone_name(zone_of(text.config, "b")), "Europe/Berlin");
        ck_assert_str_eq(zone_name(zone_of(text.config, "c")), "Asia/Tokyo");
        ck_assert_ptr_eq(zone_of(text.config, "e"), zone_of(text.config, "b"));
        ck_assert_ptr_eq(zone_of(text.config, "g"), zone_of(text.config, "b"));
        /* Of instances it is the group that is due. */
        ck_assert_ptr_eq(zone_of(text.config, "w"), zone_of(text.config, "b"));
        ck_assert_ptr_null(config_find_task(text.config, "w@1")->when);
        ck_assert(!config_find_task(text.config, "w")->on_start);
        assert_value(text.config, "a", "calendar", "02:30 America/New_York");
        assert_value(text.config, "b", "cron", "30 2 * * *");
        config_text_done(&text);

        config_text_load_one(&text, "[task a]\ncommand = x\ncalendar = 02:30\non-failure = h\n[task h]\ncommand = x\n");
        ck_assert_msg(text.r == 0, "%s", text.told);
        ck_assert_ptr_nonnull(zone_of(text.config, "a"));
        config_text_done(&text);
}
END_TEST

START_TEST(the_store_has_a_section) {
        struct config_text text;

        config_text_load_one(&text, "[task a]\ncommand = x\nmanual = yes\n");
        ck_assert_int_eq(text.r, 0);
        ck_assert_ptr_null(text.config->store.path);
        ck_assert_uint_eq(text.config->store.keep_usec, 30 * USEC_PER_DAY);
        ck_assert_uint_eq(text.config->store.keep_runs, UINT64_MAX);
        ck_assert_uint_eq(text.config->daemon.catch_up_delay_usec, USEC_PER_MINUTE);
        config_text_done(&text);

        config_text_load_one(&text, "[task a]\ncommand = x\nmanual = yes\n"
                                    "[store]\npath = /srv/t.db\nkeep = infinity\nkeep-runs = 5000\n"
                                    "[daemon]\ncatch-up-delay = 0\n");
        ck_assert_int_eq(text.r, 0);
        ck_assert_str_eq(text.config->store.path, "/srv/t.db");
        ck_assert_uint_eq(text.config->store.keep_usec, USEC_INFINITY);
        ck_assert_uint_eq(text.config->store.keep_runs, 5000);
        ck_assert_uint_eq(text.config->daemon.catch_up_delay_usec, 0);
        config_text_done(&text);
}
END_TEST

START_TEST(metrics_have_a_section) {
        struct config_text text;

        config_text_load_one(&text, "[task a]\ncommand = x\nmanual = yes\n");
        ck_assert_int_eq(text.r, 0);
        ck_assert_ptr_null(text.config->metrics.listen);
        ck_assert_uint_eq(text.config->metrics.max_tasks, 1000);
        config_text_done(&text);

        config_text_load_one(&text,
                             "[task a]\ncommand = x\nmanual = yes\n"
                             "[metrics]\nlisten = 127.0.0.1:9188 [::1]:9188\n unix:/run/m.sock\nmax-tasks = 0\n");
        ck_assert_int_eq(text.r, 0);
        ck_assert_str_eq(text.config->metrics.listen[1], "[::1]:9188");
        ck_assert_str_eq(text.config->metrics.listen[2], "unix:/run/m.sock");
        ck_assert_ptr_null(text.config->metrics.listen[3]);
        ck_assert_uint_eq(text.config->metrics.max_tasks, 0);
        config_text_done(&text);
}
END_TEST

START_TEST(what_is_written_nearest_wins) {
        static const struct {
                const char *task, *key, *value;
                bool written;
        } cases[] = {
                { "a", "nice", "3", true },         { "a", "user", "app", true },
                { "a", "grace", "1s", true },       { "a", "env", "B=2", true },
                { "b", "nice", "2", true },         { "b", "env", "A=1\nA2=1", true },
                { "c", "nice", "1", true },         { "c", "grace", "1s", true },
                { "c", "timeout", "1h", false },    { "u", "grace", "1s", true },
                { "u", "timeout", "30s", false },   { "u", "nice", NULL, false },
                { "g", "grace", "1s", true },       { "g", "timeout", "infinity", false },
                { "d", "command", "run it", true }, { "d", "type", "exec", false },
                { "e", "shell", "own", true },      { "e", "command", NULL, false },
        };
        struct config_text text;

        config_text_load_one(&text, "[defaults]\nnice = 1\ngrace = 1s\nuser = nobody\n"
                                    "[defaults app]\nnice = 2\nuser = app\nenv =\n  A=1\n  # a comment\n  A2=1\n"
                                    "[defaults cmd]\ncommand = run it\n"
                                    "[task a]\nuse = app\ncommand = x\nmanual = yes\nnice = 3\nenv = B=2\n"
                                    "[task b]\nuse = app\ncommand = x\nmanual = yes\n"
                                    "[task c]\ncommand = x\nmanual = yes\n"
                                    "[task d]\nuse = cmd\nmanual = yes\n"
                                    "[task e]\nuse = cmd\nshell = own\nmanual = yes\n"
                                    "[task u]\nurl = http://x/\nmanual = yes\n"
                                    "[group g]\nmembers = a b\nmanual = yes\n");
        ck_assert_str_eq(text.told, "");
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                assert_value(text.config, cases[i].task, cases[i].key, cases[i].value);
                if (cases[i].value)
                        ck_assert_msg(task_key_is_written(config_find_task(text.config, cases[i].task), cases[i].key) ==
                                              cases[i].written,
                                      "%s of %s: written should be %d", cases[i].key, cases[i].task, cases[i].written);
        }
        config_text_done(&text);
}
END_TEST

START_TEST(default_bounds_are_known_as_such) {
        struct config_text text;
        const struct task *task;
        unsigned unwritten = 1u << BOUND_QUEUE_TIMEOUT | 1u << BOUND_START_TIMEOUT | 1u << BOUND_IDLE_TIMEOUT;

        config_text_load_one(&text, "[defaults x]\ntotal-timeout = 2h\n"
                                    "[task a]\nuse = x\ncommand = x\nmanual = yes\n"
                                    "[task b]\ncommand = x\nmanual = yes\ntimeout = infinity\n");
        ck_assert_str_eq(text.told, "");
        task = config_find_task(text.config, "a");
        ck_assert_uint_eq(task->run.default_bounds, 1u << BOUND_TIMEOUT | unwritten);
        ck_assert_uint_eq(task->run.bounds[BOUND_TIMEOUT], USEC_PER_HOUR);
        ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], 2 * USEC_PER_HOUR);
        task = config_find_task(text.config, "b");
        ck_assert_uint_eq(task->run.default_bounds, 1u << BOUND_TOTAL_TIMEOUT | unwritten);
        ck_assert_uint_eq(task->run.bounds[BOUND_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], 24 * USEC_PER_HOUR);
        config_text_done(&text);
}
END_TEST

START_TEST(a_service_is_made_by_restart) {
        struct config_text text;
        const struct task *task;

        config_text_load_one(&text, "[defaults]\nretries = 2\ntotal-timeout = 1h\nready = after:2s\nfor-each = list:a\n"
                                    "[task a]\ncommand = x\nrestart = always\nrestart-delay = 2s\nmanual = yes\n"
                                    "[task b]\ncommand = x\nmanual = yes\n");
        ck_assert_int_eq(text.r, 0);
        task = config_find_task(text.config, "a");
        ck_assert(task->run.is_service && task->run.service == &task->service->spec);
        ck_assert_int_eq(task->service->spec.restart, RESTART_ALWAYS);
        ck_assert_uint_eq(task->service->spec.restart_delay_max_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(task->service->spec.restart_limit, 5);
        ck_assert_uint_eq(task->service->spec.restart_limit_usec, 10 * USEC_PER_MINUTE);
        ck_assert_int_eq(task->service->ready, READY_AFTER);
        ck_assert_uint_eq(task->service->ready_after_usec, 2 * USEC_PER_SEC);
        ck_assert_uint_eq(task->run.bounds[BOUND_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(task->run.bounds[BOUND_START_TIMEOUT], 90 * USEC_PER_SEC);
        ck_assert(task->run.retries == 0 && !task->run.items);
        ck_assert(!task_key_is_written(task, "retries") && task_key_is_written(task, "ready"));
        task = config_find_task(text.config, "b");
        ck_assert(!task->service && !task->run.is_service && !task->run.service);
        ck_assert(task->run.retries == 2 && task->run.items);
        ck_assert_uint_eq(task->run.bounds[BOUND_START_TIMEOUT], USEC_INFINITY);
        ck_assert(!task_key_is_written(task, "ready"));
        assert_value(text.config, "a", "ready", "after:2s");
        assert_value(text.config, "b", "ready", NULL);
        config_text_done(&text);
}
END_TEST

START_TEST(texts_keep_their_lines) {
        struct config_text text;

        config_text_load_one(&text,
                             "[task a]\nshell =\n    if true; then\n        echo 'a  b' ; # c\n    fi\nmanual = yes\n"
                             "[task b]\nshell = one\n  two\n    three\nmanual = yes\n"
                             "[task c]\ncommand = one\n  'two  words'\n  # not this\n  three\nmanual = yes\n");
        ck_assert_str_eq(text.told, "");
        assert_value(text.config, "a", "shell", "if true; then\n    echo 'a  b' ; # c\nfi");
        assert_value(text.config, "b", "shell", "one\ntwo\n  three");
        assert_value(text.config, "c", "command", "one \"two  words\" three");
        config_text_done(&text);
}
END_TEST

START_TEST(the_environment_fills_in_and_is_not_shown) {
        struct config_text text;
        const struct task *task;

        setenv("TENDD_TEST_TOKEN", "s3 cr\"et ${env:HOME}", 1);
        config_text_load_one(&text,
                             "[task a]\nurl = http://x/\nheader = Authorization: Bearer ${env:TENDD_TEST_TOKEN}\n"
                             "manual = yes\n"
                             "[task b]\ncommand = x ${env:TENDD_TEST_TOKEN}! $HOME x\nmanual = yes\n");
        ck_assert_str_eq(text.told,
                         "tendd.ini:6: command: warning: $HOME is given to the program as it is: no shell reads "
                         "command (shell = does)\n");
        task = config_find_task(text.config, "a");
        ck_assert_str_eq(task->http->header[0], "Authorization: Bearer s3 cr\"et ${env:HOME}");
        assert_value(text.config, "a", "header", "(contains ${env:} or ${cred:})");
        task = config_find_task(text.config, "b");
        ck_assert_str_eq(task->exec->command[1], "s3 cr\"et ${env:HOME}!");
        ck_assert_str_eq(task->exec->command[2], "$HOME");
        ck_assert_ptr_null(task->exec->command[4]);
        config_text_done(&text);
}
END_TEST

START_TEST(a_mistake_does_not_show_what_the_environment_had) {
        struct config_text text;

        setenv("TENDD_TEST_TOKEN", "s3cret", 1);
        config_text_load_one(&text, "[defaults]\nlimit = ${env:TENDD_TEST_TOKEN}\n"
                                    "[task a]\ncommand = x\nmanual = yes\nretries = ${env:TENDD_TEST_TOKEN}\n"
                                    "use = ${env:TENDD_TEST_TOKEN}\npool = ${env:TENDD_TEST_TOKEN}\n"
                                    "on-failure = ${env:TENDD_TEST_TOKEN}\nafter = ${env:TENDD_TEST_TOKEN}\n"
                                    "[group g]\nmembers = ${env:TENDD_TEST_TOKEN} ${env:TENDD_TEST_TOKEN}* a\n"
                                    "manual = yes\n[pool s3crte]\n");
        ck_assert_ptr_null(strstr(text.told, "s3c"));
        ck_assert_ptr_nonnull(
                strstr(text.told, "tendd.ini:6: retries: what ${env:} or ${cred:} made of it is not allowed (a number "
                                  "from 0 to 1000000)\n"));
        ck_assert_ptr_nonnull(
                strstr(text.told, "tendd.ini:8: pool: there is no [pool (contains ${env:} or ${cred:})]\n"));
        ck_assert_ptr_nonnull(
                strstr(text.told, "tendd.ini:3: limit: there is no [limit (contains ${env:} or ${cred:})]\n"));
        config_text_done(&text);
}
END_TEST

START_TEST(members_are_bound_in_order) {
        struct config_text text;
        const struct task *group;

        config_text_load_one(&text,
                             "[group etl]\nmembers = publish etl-* check\nbackground = tunnel-x etl-z*\nmanual = yes\n"
                             "[group check]\nmembers = c1\n"
                             "[task c1]\ncommand = x\nafter = etl-a\n"
                             "[task etl-b]\ncommand = x\nafter = etl-a\n"
                             "[task etl-a]\ncommand = x\n"
                             "[task etl-off]\ncommand = x\nenabled = no\n"
                             "[task etl-z]\ncommand = x\n"
                             "[task publish]\ncommand = x\nafter = etl-?  etl-off\n");
        ck_assert_str_eq(text.told, "tendd.ini:3: background: tunnel-x is no member of the group\n"
                                    "tendd.ini:9: after: etl-a is in no group together with this one\n");
        config_text_done(&text);

        config_text_load_one(&text,
                             "[group etl]\nmembers = publish etl-* check publish\nbackground = etl-z*\nmanual = yes\n"
                             "[group check]\nmembers = c1\n"
                             "[task c1]\ncommand = x\n"
                             "[task etl-b]\ncommand = x\nafter = etl-a\n"
                             "[task etl-a]\ncommand = x\n"
                             "[task etl-off]\ncommand = x\nenabled = no\n"
                             "[task etl-z]\ncommand = x\n"
                             "[task publish]\ncommand = x\nafter = etl-?  etl-off\n");
        ck_assert_str_eq(text.told, "");
        group = config_find_task(text.config, "etl");
        ck_assert(group->run.is_group && !group->kind);
        ck_assert_uint_eq(group->run.n_members, 5);
        ck_assert_str_eq(group->run.members[0].spec->name, "publish");
        ck_assert_str_eq(group->run.members[1].spec->name, "etl-a");
        ck_assert_str_eq(group->run.members[2].spec->name, "etl-b");
        ck_assert_str_eq(group->run.members[3].spec->name, "etl-z");
        ck_assert_str_eq(group->run.members[4].spec->name, "check");
        ck_assert(group->run.members[3].background && !group->run.members[2].background);
        ck_assert_uint_eq(group->run.members[0].n_after, 3);
        ck_assert_uint_eq(group->run.members[0].after[2], 3);
        ck_assert_uint_eq(group->run.members[2].n_after, 1);
        ck_assert_uint_eq(group->run.members[2].after[0], 1);
        config_text_done(&text);
}
END_TEST

START_TEST(tasks_outlive_their_configuration) {
        struct config_text text;
        struct task *task;

        config_text_load_one(&text, "[task a]\ncommand = x\nmanual = yes\n");
        task = task_ref(config_find_task(text.config, "a"));
        ck_assert_str_eq(strrchr(task->origin_file, '/'), "/tendd.ini");
        ck_assert_uint_eq(task->origin_line, 1);
        config_text_done(&text);
        ck_assert_ptr_null(task->origin_file);
        ck_assert_str_eq(task->exec->command[0], "x");
        task_unref(task);
}
END_TEST

START_TEST(fan_outs_have_their_defaults) {
        struct config_text text;
        const struct task *task;

        config_text_load_one(&text,
                             "[task a]\nurl = {item}\nfor-each = lines:/x\nmanual = yes\n"
                             "[task b]\ncommand = x\nfor-each = list:'a b' c\nitems-may-fail = 5%\nmanual = yes\n"
                             "[task c]\ncommand = x\nmanual = yes\n");
        ck_assert_str_eq(text.told, "");
        task = config_find_task(text.config, "a");
        ck_assert_uint_eq(task->run.concurrency, 50);
        ck_assert_ptr_eq(task->run.items, &task_items);
        task = config_find_task(text.config, "b");
        ck_assert_uint_ge(task->run.concurrency, 1);
        ck_assert_str_eq(task->for_each.words[0], "a b");
        ck_assert(task->run.items_may_fail == 5 && task->run.items_may_fail_percent);
        ck_assert_ptr_null(config_find_task(text.config, "c")->run.items);
        config_text_done(&text);
}
END_TEST

START_TEST(sections_have_their_defaults) {
        struct config_text text;

        config_text_load_one(&text, "[daemon]\nmax-running = 7\n[limit b]\nrate = 5/10min\n[limit a]\npermits = 3\n"
                                    "[pool z]\nthreads = 2\n");
        ck_assert_uint_eq(text.config->daemon.max_running, 7);
        ck_assert_uint_eq(text.config->daemon.shutdown_timeout_usec, 30 * USEC_PER_SEC);
        ck_assert_uint_eq(text.config->daemon.hook_queue, 1000);
        ck_assert_uint_eq(text.config->n_limits, 2);
        ck_assert_str_eq(text.config->limits[0].name, "a");
        ck_assert_uint_eq(text.config->limits[0].limit.permits, 3);
        ck_assert_uint_eq(text.config->limits[1].limit.permits, 0);
        ck_assert_uint_eq(text.config->limits[1].limit.rate, 5);
        ck_assert_uint_eq(text.config->limits[1].limit.rate_per_usec, 10 * USEC_PER_MINUTE);
        ck_assert_uint_eq(text.config->limits[1].limit.burst, 1);
        ck_assert_uint_eq(text.config->n_pools, 2);
        ck_assert_str_eq(text.config->pools[0].name, "default");
        ck_assert_uint_eq(text.config->pools[0].threads, 4);
        ck_assert_uint_eq(text.config->pools[1].threads, 2);
        config_text_done(&text);
}
END_TEST

START_TEST(a_task_is_small) {
        enum { TASKS = 20000 };
        struct config_text text;
        struct mallinfo2 before, after;
        char *content = NULL;
        size_t size, bytes;
        FILE *out = open_memstream(&content, &size);

        fprintf(out, "[defaults]\nuser = nobody\n");
        for (int i = 0; i < TASKS; i++)
                fprintf(out, "[task job-%d]\ncommand = /bin/true\nevery = 1h\n", i);
        ck_assert_int_eq(fclose(out), 0);
        config_text_init(&text);
        config_text_write(&text, "tendd.ini", content);
        free(content);
        before = mallinfo2();
        config_text_load(&text);
        after = mallinfo2();
        ck_assert_int_eq(text.r, 0);
        ck_assert_uint_eq(text.config->n_tasks, TASKS);
        bytes = (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / TASKS;
        /* Sanitizers have an allocator of their own, of which this says 0. */
        ck_assert_uint_le(bytes, 1024);
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config");
        TCase *tcase = tcase_create("config");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, a_watch_queues_unless_told_otherwise);
        tcase_add_test(tcase, the_nearest_zone_counts_and_is_shared);
        tcase_add_test(tcase, the_store_has_a_section);
        tcase_add_test(tcase, metrics_have_a_section);
        tcase_add_test(tcase, what_is_written_nearest_wins);
        tcase_add_test(tcase, default_bounds_are_known_as_such);
        tcase_add_test(tcase, a_service_is_made_by_restart);
        tcase_add_test(tcase, texts_keep_their_lines);
        tcase_add_test(tcase, the_environment_fills_in_and_is_not_shown);
        tcase_add_test(tcase, a_mistake_does_not_show_what_the_environment_had);
        tcase_add_test(tcase, members_are_bound_in_order);
        tcase_add_test(tcase, tasks_outlive_their_configuration);
        tcase_add_test(tcase, fan_outs_have_their_defaults);
        tcase_add_test(tcase, sections_have_their_defaults);
        tcase_add_test(tcase, a_task_is_small);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
