/* SPDX-License-Identifier: MIT */
/* test-instances: a service with `instances` becomes a group of services, each with its number filled in. */
#include "support/config-text.h"
#include "task/kind.h"

#include <check.h>
#include <stdio.h>

#define WEB "[task web]\ncommand = serve --port 80{n}\nrestart = always\n"

static void load(struct config_text *text, const char *content) {
        config_text_load_one(text, content);
        ck_assert_msg(text->r == 0, "%s", text->told);
}

static struct task *find(const struct config_text *text, const char *name) {
        struct task *task = config_find_task(text->config, name);

        ck_assert_msg(task, "no %s", name);
        return task;
}

static void assert_value(const struct config_text *text, const char *task, const char *key, const char *expected) {
        char *value = config_text_value(find(text, task), key);

        ck_assert_msg(expected && value ? streq(value, expected) : value == expected, "%s of %s is %s, not %s", key,
                      task, value ?: "unset", expected ?: "unset");
        free(value);
}

START_TEST(a_service_becomes_a_group) {
        struct config_text text;
        const struct task *group, *second;

        load(&text, WEB "instances = 3\nhealth = ping\ndescription = the site\n"
                        "[task web-x]\ncommand = x\nmanual = yes\n[task webb]\ncommand = x\nmanual = yes\n"
                        "[task ping]\nurl = http://localhost:80{n}/\nevery = 10s\n");
        ck_assert_uint_eq(text.config->n_tasks, 4 + 3 + 3);
        for (size_t i = 1; i < text.config->n_tasks; i++)
                ck_assert_str_lt(text.config->tasks[i - 1]->run.name, text.config->tasks[i]->run.name);
        group = find(&text, "web");
        ck_assert(!group->kind && !group->service && !group->run.service && group->run.is_group);
        ck_assert(group->run.is_service && group->on_start && group->run.policy == GROUP_SETTLE);
        ck_assert_uint_eq(group->run.bounds[BOUND_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(group->run.bounds[BOUND_TOTAL_TIMEOUT], USEC_INFINITY);
        ck_assert_uint_eq(group->run.n_members, 3);
        second = find(&text, "web@2");
        ck_assert_ptr_eq(task_of(group->run.members[1].spec), second);
        ck_assert_uint_eq(second->instance, 2);
        ck_assert(second->run.service && second->run.is_service && !second->on_start && !second->run.is_group);
        ck_assert_uint_eq(second->run.bounds[BOUND_START_TIMEOUT], 90 * USEC_PER_SEC);
        assert_value(&text, "web", "members", "web@*");
        assert_value(&text, "web", "description", "the site");
        assert_value(&text, "web@2", "description", "the site");
        assert_value(&text, "web@2", "command", "serve --port 802");
        assert_value(&text, "web@2", "health", "ping@2");
        assert_value(&text, "ping@3", "url", "http://localhost:803/");
        ck_assert_uint_eq(find(&text, "ping@3")->every_usec, 10 * USEC_PER_SEC);
        ck_assert(find(&text, "ping")->run.is_group && find(&text, "ping")->every_usec == 0);
        config_text_done(&text);
}
END_TEST

/* What stays with the whole, and what each instance has. */
START_TEST(keys_are_shared_out) {
        struct config_text text;

        load(&text, "[defaults app]\nrestart = always\ngrace = 3s\non-failure = alert\nretries = 1\nenv = N={n}\n" WEB
                    "use = app\ninstances = 2\nevery = 1h\njitter = 1s\non-start = yes\noverlap = queue\nlimit = l\n"
                    "ready = connect:[::1]:80{n}\noutput = file:/var/log/web-{n}.log\ndirectory = /srv/{n}\n"
                    "timeout = 1d\nmemory-max = 64M\non-shutdown = wait\non-failing = alert\nfailing-after = 2\n"
                    "stdin = file:/{n}/{n}{n\nenv-file = /{n}\n"
                    "[limit l]\npermits = 2\n[task alert]\ncommand = x\nmanual = yes\n");
        assert_value(&text, "web", "every", "1h");
        assert_value(&text, "web", "jitter", "1s");
        assert_value(&text, "web", "on-start", "yes");
        assert_value(&text, "web", "overlap", "queue");
        assert_value(&text, "web", "grace", "3s");
        assert_value(&text, "web", "on-shutdown", "wait");
        assert_value(&text, "web", "limit", NULL);
        assert_value(&text, "web", "timeout", "infinity");
        assert_value(&text, "web", "on-failure", NULL);
        assert_value(&text, "web", "on-failing", NULL);
        assert_value(&text, "web@1", "every", NULL);
        assert_value(&text, "web@1", "on-start", "no");
        assert_value(&text, "web@1", "overlap", "skip");
        assert_value(&text, "web@1", "grace", "3s");
        assert_value(&text, "web@1", "on-shutdown", "wait");
        assert_value(&text, "web@1", "limit", "l");
        assert_value(&text, "web@1", "timeout", "1d");
        assert_value(&text, "web@1", "on-failure", "alert");
        assert_value(&text, "web@1", "on-failing", "alert");
        assert_value(&text, "web@1", "failing-after", "2");
        assert_value(&text, "web@1", "ready", "connect:[::1]:801");
        assert_value(&text, "web@1", "output", "file:/var/log/web-1.log");
        assert_value(&text, "web@1", "directory", "/srv/1");
        assert_value(&text, "web@1", "stdin", "file:/1/1{n");
        assert_value(&text, "web@1", "env-file", "/1");
        assert_value(&text, "web@2", "env", "N=2");
        assert_value(&text, "web@2", "memory-max", "64M");
        ck_assert_uint_eq(find(&text, "web@2")->run.retries, 0);
        ck_assert(!task_key_is_written(find(&text, "web@2"), "instances"));
        config_text_done(&text);
}
END_TEST

START_TEST(groups_have_the_whole_and_not_each) {
        struct config_text text;
        const struct task *group;

        load(&text, "[group site]\nmembers = web*\npolicy = settle\n" WEB "instances = 2\n"
                    "[task web-late]\ncommand = x\nrestart = always\nafter = web\n");
        group = find(&text, "site");
        ck_assert_uint_eq(group->run.n_members, 2);
        ck_assert_str_eq(group->run.members[0].spec->name, "web");
        ck_assert(group->run.members[0].spec->is_group && group->run.members[0].spec->is_service);
        ck_assert_str_eq(group->run.members[1].spec->name, "web-late");
        ck_assert_uint_eq(group->run.members[1].n_after, 1);
        ck_assert(!find(&text, "web")->on_start && group->on_start);
        config_text_done(&text);
}
END_TEST

/* A run goes on under the configuration it began with. */
START_TEST(instances_outlive_their_configuration) {
        struct config_text text;
        struct task *group;

        load(&text, WEB "instances = 2\n");
        group = task_ref(find(&text, "web"));
        config_text_done(&text);
        ck_assert_str_eq(group->run.members[1].spec->name, "web@2");
        ck_assert_str_eq(task_of(group->run.members[1].spec)->exec->command[2], "802");
        task_unref(group);
}
END_TEST

static const struct {
        const char *text;
        const char *told;
} mistakes[] = {
        { WEB "instances = 2\nshell = x {n}\n",
          "tendd.ini:5: shell: there is command already, and a task does one thing\n" },
        { "[task web]\nshell = x {n}\nrestart = always\ninstances = 2\n",
          "tendd.ini:2: shell: {n} would become a part of the script (write \"$TENDD_INSTANCE\")\n" },
        { "[task web]\ncommand = x {item}\nrestart = always\ninstances = 2\n",
          "tendd.ini:2: command: {item} means nothing without for-each\n" },
        { "[task web@1]\ncommand = x\nmanual = yes\n",
          "tendd.ini:1: [task web@1]: \"web@1\" is no name (letters, digits, and _.- behind the first, at most 40)\n" },
        { WEB "instances = 2\n[group g]\nmembers = web@1\npolicy = all\n",
          "tendd.ini:6: members: \"web@1\" is no name (names of tasks or groups; * and ? match)\n" },
        { WEB "instances = 2\nready = connect:localhost:{n}0000\n", "" },
        { WEB "instances = 7\nready = connect:localhost:{n}0000\n",
          "tendd.ini:5: ready: \"localhost:70000\" is no address (exec, notify, line:EXPRESSION, connect:HOST:PORT, "
          "connect:unix:/PATH or after:DURATION)\n" },
        { "[task a]\ncommand = x\ninstances = 2\nmanual = yes\n",
          "tendd.ini:3: instances: is for services (restart = always or on-failure makes it one)\n" },
};

START_TEST(mistakes_are_told) {
        struct config_text text;
        char *warning;

        config_text_load_one(&text, mistakes[_i].text);
        while ((warning = strstr(text.told, "tendd.ini:1: warning:")))
                memmove(warning, strchr(warning, '\n') + 1, strlen(strchr(warning, '\n')));
        ck_assert_str_eq(text.told, mistakes[_i].told);
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("instances");
        TCase *tcase = tcase_create("instances");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, a_service_becomes_a_group);
        tcase_add_test(tcase, keys_are_shared_out);
        tcase_add_test(tcase, groups_have_the_whole_and_not_each);
        tcase_add_test(tcase, instances_outlive_their_configuration);
        tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)ARRAY_SIZE(mistakes));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
