/* SPDX-License-Identifier: MIT */
/* test-services: what a configuration makes of services, of the groups that hold them, and of what tells their health. */
#include "support/config-text.h"
#include "task/kind.h"

#include <check.h>
#include <stdio.h>

#define SERVICE(name) "[task " name "]\ncommand = x\nrestart = always\n"
#define JOB(name)     "[task " name "]\ncommand = x\n"
#define PING(name)    "[task " name "]\nurl = http://x/\nevery = 10s\n"

static const struct {
        const char *text;
        const char *told;
} mistakes[] = {
        /* policy */
        { SERVICE("a") "[group g]\nmembers = a\n",
          "tendd.ini:4: policy: must be written where a member is a service (settle: each is on its own; all: a final "
          "failure ends the others)\n" },
        { SERVICE("a") "[group g]\nmembers = h\n[group h]\nmembers = a\npolicy = all\n",
          "tendd.ini:4: policy: must be written where a member is a service (settle: each is on its own; all: a final "
          "failure ends the others)\n" },
        { SERVICE("a") JOB("b") "[group g]\nmembers = a b\nbackground = a\nmanual = yes\n",
          "tendd.ini:6: policy: must be written where a member is a service (settle: each is on its own; all: a final "
          "failure ends the others)\n" },
        { "[defaults]\npolicy = settle\n" SERVICE("a") "[group g]\nmembers = a\n", "" },
        { SERVICE("a") "[group g]\nmembers = a\npolicy = most\n",
          "tendd.ini:6: policy: \"most\" is no such word (all, settle, first, or quorum:N with N from 1 to 100000)\n" },
        { SERVICE("a") "[group g]\nmembers = g a\npolicy = all\n",
          "tendd.ini:5: members: each of these has the next as a member, and the last the first: g\n" },

        /* health */
        { SERVICE("a") "health = b\n", "tendd.ini:4: health: there is no [task b]\n" },
        { SERVICE("a") "health = b\n" PING("b"), "" },
        { SERVICE("a") "health = b\n" PING("b") "enabled = no\n", "tendd.ini:4: health: b is disabled\n" },
        { SERVICE("a") "health = b\n[task b]\nurl = http://x/\nmanual = yes\n",
          "tendd.ini:4: health: b has no every, which says how often it looks\n" },
        { SERVICE("a") "health = b\n" SERVICE("b"),
          "tendd.ini:4: health: b is a service, and it takes a task that comes to an end\n" },
        { SERVICE("a") "health = g\n[group g]\nmembers = b\nevery = 1min\n" JOB("b"),
          "tendd.ini:4: health: g is a group, and it takes a task\n" },
        { SERVICE("a") "health = p\n" SERVICE("b") "health = p\n" PING("p"),
          "tendd.ini:8: health: p tells the health of [task a] already\n" },

        /* hooks */
        { SERVICE("a") JOB("b") "manual = yes\non-slow = a\n",
          "tendd.ini:7: on-slow: a is meant to stay up, and a hook comes to an end\n" },
        { SERVICE("a") "[group g]\nmembers = a\npolicy = all\n" JOB("b") "manual = yes\non-failing = g\n",
          "tendd.ini:10: on-failing: g is meant to stay up, and a hook comes to an end\n" },
        { SERVICE("a") JOB("c") "[group g]\nmembers = a c\nbackground = a\npolicy = all\n" JOB(
                  "b") "manual = yes\non-failing = g\n",
          "" },
        { JOB("b") "manual = yes\non-recover = alret\n" JOB("alert") "manual = yes\n",
          "tendd.ini:4: on-recover: there is no [task alret] (did you mean alert?)\n" },

        /* a misspelt restart is one mistake */
        { JOB("a") "restrat = always\nready = notify\n",
          "tendd.ini:3: restrat: unknown key in [task a] (see tendd.ini(5)) (did you mean restart?)\n" },
};

/* Without warnings. */
static char *errors_of(const struct config_text *text) {
        char *errors = calloc(1, strlen(text->told) + 1);

        ck_assert_ptr_nonnull(errors);
        for (const char *line = text->told; *line; line = strchr(line, '\n') + 1) {
                size_t length = strcspn(line, "\n") + 1;

                if (!memmem(line, length, "warning: ", 9))
                        strncat(errors, line, length);
        }
        return errors;
}

START_TEST(mistakes_are_told) {
        struct config_text text;
        char *errors;

        config_text_load_one(&text, mistakes[_i].text);
        errors = errors_of(&text);
        ck_assert_str_eq(errors, mistakes[_i].told);
        free(errors);
        config_text_done(&text);
}
END_TEST

/* Services start with the daemon unless something else says when. */
START_TEST(a_service_without_a_trigger_starts_with_the_daemon) {
        static const struct {
                const char *text;
                bool on_start;
        } cases[] = {
                { SERVICE("a"), true },
                { SERVICE("a") "every = 1h\n", false },
                { SERVICE("a") "manual = yes\n", false },
                { SERVICE("a") "on-start = no\n", false },
                { SERVICE("a") "[group g]\nmembers = a\npolicy = all\n", false },
                { JOB("a") "manual = yes\n", false },
                { "[group a]\nmembers = s\npolicy = all\n" SERVICE("s"), true },
                { "[group a]\nmembers = h\npolicy = all\n[group h]\nmembers = s\npolicy = all\n" SERVICE("s"), true },
                { "[group a]\nmembers = s j\nbackground = s\npolicy = all\n" SERVICE("s") JOB("j"), false },
                { "[group a]\nmembers = s\npolicy = all\nmanual = yes\n" SERVICE("s"), false },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct config_text text;

                config_text_load_one(&text, cases[i].text);
                ck_assert_msg(text.r == 0, "%s", text.told);
                ck_assert_msg(config_find_task(text.config, "a")->on_start == cases[i].on_start, "case %zu", i);
                config_text_done(&text);
        }
}
END_TEST

START_TEST(a_group_that_holds_a_service_counts_as_one) {
        static const struct {
                const char *task;
                bool is_service;
                usec_t total;
        } cases[] = {
                { "outer", true, USEC_INFINITY }, { "inner", true, USEC_INFINITY }, { "bounded", true, USEC_PER_HOUR },
                { "batch", false, USEC_PER_DAY }, { "jobs", false, USEC_PER_DAY },
        };
        struct config_text text;

        config_text_load_one(&text,
                             "[group outer]\nmembers = inner job\npolicy = settle\n"
                             "[group inner]\nmembers = service\npolicy = all\n"
                             "[group bounded]\nmembers = service\npolicy = all\ntotal-timeout = 1h\non-start = yes\n"
                             "[group batch]\nmembers = service job\npolicy = all\nbackground = service\nmanual = yes\n"
                             "[group jobs]\nmembers = job\nmanual = yes\n" SERVICE("service") JOB("job"));
        ck_assert_msg(text.r == 0, "%s", text.told);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct task *task = config_find_task(text.config, cases[i].task);

                ck_assert_msg(task->run.is_service == cases[i].is_service, "%s", cases[i].task);
                ck_assert_uint_eq(task->run.bounds[BOUND_TOTAL_TIMEOUT], cases[i].total);
                ck_assert_ptr_null(task->run.service);
        }
        config_text_done(&text);
}
END_TEST

/* The situations that are about services and long batches, as they are written for operators. */
static const char *const situations[] = {
        "[defaults app]\nuser = app\ndirectory = /srv/app\nrestart = always\n"
        "[group site]\npolicy = settle\nmembers = web worker-* beat\n"
        "[task web]\nuse = app\ncommand = /srv/app/bin/gunicorn app:app -b unix:/run/app/{n}.sock\ninstances = 4\n"
        "ready = notify\n"
        "[task worker-mail]\nuse = app\ncommand = /srv/app/bin/worker mail\nafter = web\n"
        "[task beat]\nuse = app\ncommand = /srv/app/bin/beat\n",

        "[task web]\nuser = app\ncommand = /srv/app/bin/web\nrestart = always\nhealth = web-ping\n"
        "[task web-ping]\nurl = http://127.0.0.1:8080/healthz\nevery = 10s\ntimeout = 2s\nfailing-after = 3\n",

        "[task backfill]\nuser = etl\nmanual = yes\ncommand = /srv/etl/bin/backfill\ntimeout = 6h\ntotal-timeout = 12h\n"
        "slow-after = 5h\non-slow = alert\n[task alert]\nmanual = yes\nurl = https://hooks.example.com/ops\n",
};

START_TEST(situations_are_loaded) {
        struct config_text text;
        char *warning;

        config_text_load_one(&text, situations[_i]);
        /* They say nothing of who is told. */
        while ((warning = strstr(text.told, " no hook sees its failures"))) {
                while (warning > text.told && warning[-1] != '\n')
                        warning--;
                memmove(warning, strchr(warning, '\n') + 1, strlen(strchr(warning, '\n')));
        }
        ck_assert_str_eq(text.told, "");
        ck_assert_int_eq(text.r, 0);
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("services");
        TCase *tcase = tcase_create("services");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)ARRAY_SIZE(mistakes));
        tcase_add_test(tcase, a_service_without_a_trigger_starts_with_the_daemon);
        tcase_add_test(tcase, a_group_that_holds_a_service_counts_as_one);
        tcase_add_loop_test(tcase, situations_are_loaded, 0, (int)ARRAY_SIZE(situations));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
