/* SPDX-License-Identifier: MIT */
/* test-lint: what is allowed and unwise is warned of, and what is wise is not. */
#include "support/config-text.h"

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>

#define ALERT "[task alert]\nmanual = yes\ncommand = mail\n"

static const struct {
        const char *text;
        const char *told;
} cases[] = {
        { "", "" },

        /* metrics are open to other machines */
        { "[metrics]\nlisten = 127.0.0.1:9188 [::1]:9188 unix:/run/m\n", "" },
        { "[metrics]\nlisten = 127.0.0.1:9188 0.0.0.0:9188\n",
          "tendd.ini:2: listen: warning: 0.0.0.0:9188 is open to other machines, and asks nobody who he is\n" },
        { "[metrics]\nlisten = [2001:db8::1]:9188\n",
          "tendd.ini:2: listen: warning: [2001:db8::1]:9188 is open to other machines, and asks nobody who he is\n" },

        /* nothing starts it */
        { "[task a]\ncommand = x\n",
          "tendd.ini:1: warning: [task a] nothing starts it: no trigger, no group, no hook (manual = yes if operators "
          "do)\n" },
        { "[task a]\ncommand = x\nmanual = yes\n", "" },
        { "[task a]\ncommand = x\nenabled = no\n", "" },
        { "[task a]\ncommand = x\n[group g]\nmembers = a\nmanual = yes\n", "" },
        { "[task a]\ncommand = x\n[task b]\ncommand = x\nmanual = yes\non-success = a\n", "" },
        { "[group g]\nmembers = a\n[task a]\ncommand = x\n",
          "tendd.ini:1: warning: [group g] nothing starts it: no trigger, no group, no hook (manual = yes if operators "
          "do)\n" },

        /* manual, but something starts it */
        { "[task a]\ncommand = x\nevery = 1min\nmanual = yes\non-failure = alert\n" ALERT,
          "tendd.ini:4: manual: warning: is yes, but every starts it\n" },
        { "[task a]\ncommand = x\non-start = yes\nmanual = yes\non-failure = alert\n" ALERT,
          "tendd.ini:4: manual: warning: is yes, but on-start starts it\n" },

        /* no hook sees its failures */
        { "[task a]\ncommand = x\nevery = 1h\n",
          "tendd.ini:1: warning: [task a] no hook sees its failures (on-failure, on-failing)\n" },
        { "[task a]\ncommand = x\non-start = yes\n",
          "tendd.ini:1: warning: [task a] no hook sees its failures (on-failure, on-failing)\n" },
        { "[task a]\ncommand = x\nevery = 1h\non-failure = alert\n" ALERT, "" },
        { "[task a]\ncommand = x\nevery = 1h\n[group g]\nmembers = a\nmanual = yes\n",
          "tendd.ini:1: warning: [task a] no hook sees its failures (on-failure, on-failing)\n" },
        { "[task a]\ncommand = x\nevery = 1h\non-failing = alert\n" ALERT, "" },
        { "[defaults]\non-failure = alert\n[task a]\ncommand = x\nevery = 1h\n" ALERT, "" },

        { "[task a]\ncommand = x\ncalendar = daily\nmanual = yes\non-failure = alert\n" ALERT,
          "tendd.ini:4: manual: warning: is yes, but calendar starts it\n" },
        { "[task a]\ncommand = x\ncron = @daily\nmanual = yes\non-failure = alert\n" ALERT,
          "tendd.ini:4: manual: warning: is yes, but cron starts it\n" },
        { "[task a]\ncommand = x\nwatch = /srv/*\nmanual = yes\non-failure = alert\n" ALERT,
          "tendd.ini:4: manual: warning: is yes, but watch starts it\n" },
        { "[task a]\ncommand = x\ncalendar = daily\n",
          "tendd.ini:1: warning: [task a] no hook sees its failures (on-failure, on-failing)\n" },

        /* calendars */
        { "[task a]\ncommand = x\non-failure = alert\ncalendar = daily\n  2001-02-03\n  *-02-30\n" ALERT,
          "tendd.ini:4: calendar: warning: 2001-02-03 never elapses again\n"
          "tendd.ini:4: calendar: warning: *-02-30 never elapses\n" },
        { "[task a]\ncommand = x\non-failure = alert\ncron = 0 0 30 2 *\n" ALERT,
          "tendd.ini:4: cron: warning: 0 0 30 2 * never elapses\n" },
        { "[task a]\ncommand = x\non-failure = alert\ntimezone = Europe/Berlin\ncalendar = 02:0/30\n  02:*:0 UTC\n"
          "  01..02:0/30\n  02:30\n  *:0\n  2150-*-* 02:*\ncron = * 2 * * *\n  30 2-3 * * *\n" ALERT,
          "tendd.ini:5: calendar: warning: 02:0/30 is not due on the day on which clocks in Europe/Berlin are set forward "
          "over all of its times (a fixed time would be, after the gap)\n"
          "tendd.ini:11: cron: warning: * 2 * * * is not due on the day on which clocks in Europe/Berlin are set forward "
          "over all of its times (a fixed time would be, after the gap)\n" },
        { "[task a]\ncommand = x\non-failure = alert\ncalendar = *:0/10 UTC\nsplay = 6min\njitter = 4min\n" ALERT,
          "tendd.ini:5: splay: warning: jitter and splay together are not below 10min, the least time between its "
          "occurrences\n" },
        { "[task a]\ncommand = x\non-failure = alert\ncalendar = *:0/10 UTC\nsplay = 6min\njitter = 3min\n" ALERT, "" },
        { "[task a]\ncommand = x\non-failure = alert\ncron = 0 3 * * *\n  10 3 * * *\ntimezone = UTC\njitter = 1h\n" ALERT,
          "tendd.ini:7: jitter: warning: jitter and splay together are not below 10min, the least time between its "
          "occurrences\n" },

        /* keys that mean nothing without others */
        { "[task a]\ncommand = x\nmanual = yes\ntimezone = UTC\ncatch-up = none\n",
          "tendd.ini:4: timezone: warning: means nothing without calendar or cron\n"
          "tendd.ini:5: catch-up: warning: means nothing without every, calendar or cron\n" },
        { "[defaults]\ntimezone = UTC\ncatch-up = none\n[task a]\ncommand = x\nmanual = yes\n", "" },
        { "[task a]\ncommand = x\non-failure = alert\nevery = 1h\ncatch-up-max = 3\n" ALERT,
          "tendd.ini:5: catch-up-max: warning: means nothing without catch-up = all\n" },
        { "[task a]\ncommand = x\non-failure = alert\nevery = 1h\ncatch-up = all\ncatch-up-max = 3\n" ALERT, "" },
        { "[task a]\ncommand = x\non-failure = alert\nevery = 1h\ncatch-up = none\ncatch-up-within = 1h\n" ALERT,
          "tendd.ini:6: catch-up-within: warning: means nothing with catch-up = none\n" },
        { "[task a]\ncommand = x\non-failure = alert\nwatch = /srv/*\n" ALERT, "" },
        { "[task a]\ncommand = x\non-failure = alert\nwatch = /srv/*\noverlap = skip\n" ALERT,
          "tendd.ini:5: overlap: warning: with skip nobody looks at what arrives while it runs (queue, which watch makes "
          "the default, does)\n" },

        /* staleness */
        { "[task a]\ncommand = x\nmanual = yes\nstale-after = 1h\n",
          "tendd.ini:4: stale-after: warning: no hook sees that it is stale (on-stale)\n" },
        { "[task a]\ncommand = x\nmanual = yes\non-stale = alert\n" ALERT,
          "tendd.ini:4: on-stale: warning: means nothing without stale-after\n" },
        { "[task a]\ncommand = x\non-failure = alert\non-stale = alert\nstale-after = 1h\nevery = 1h\n" ALERT,
          "tendd.ini:5: stale-after: warning: 1h is not longer than 1h, the longest time between two of its starts: it "
          "will be stale before it can be ok again\n" },
        { "[task a]\ncommand = x\non-failure = alert\non-stale = alert\nstale-after = 26h\ncalendar = Mon..Fri 02:30 "
          "UTC\n" ALERT,
          "tendd.ini:5: stale-after: warning: 1d 2h is not longer than 3d, the longest time between two of its starts: it "
          "will be stale before it can be ok again\n" },
        { "[task a]\ncommand = x\non-failure = alert\non-stale = alert\nstale-after = 26h\ncalendar = 02:30 UTC\n" ALERT,
          "" },
        { "[task a]\ncommand = x\non-failure = alert\non-stale = alert\nstale-after = 26h\ncalendar = Mon 02:30 UTC\n"
          "every = 1h\n" ALERT,
          "" },

        /* nothing uses it */
        { "[limit l]\npermits = 1\n[pool p]\n[defaults d]\n[pool default]\n",
          "tendd.ini:1: warning: [limit l] nothing uses it\n"
          "tendd.ini:3: warning: [pool p] nothing uses it\n"
          "tendd.ini:4: warning: [defaults d] nothing uses it\n" },
        { "[limit l]\npermits = 1\n[pool p]\n[defaults d]\n[task a]\nuse = d\nlimit = l\npool = p\ncommand = x\nmanual = "
          "yes\n",
          "" },

        /* bounds */
        { "[task a]\ncommand = x\nmanual = yes\ntimeout = 2h\ntotal-timeout = 1h\n",
          "tendd.ini:4: timeout: warning: 2h can never be reached: total-timeout is 1h\n" },
        { "[task a]\ncommand = x\nmanual = yes\ntotal-timeout = 30min\n", "" },
        { "[group g]\nmanual = yes\nmembers = a b\ntotal-timeout = 1h\n[task a]\ncommand = x\ntimeout = 2h\n[task "
          "b]\ncommand = x\n",
          "tendd.ini:7: timeout: warning: 2h is longer than the 1h that [group g] has\n" },

        /* services */
        { "[task a]\ncommand = x\nrestart = always\n",
          "tendd.ini:1: warning: [task a] no hook sees its failures (on-failure, on-failing)\n" },
        { "[defaults s]\nrestart = always\n[group g]\nmembers = a b\npolicy = all\n[task a]\nuse = s\ncommand = x\n"
          "on-failing = alert\n[group b]\nmembers = c\npolicy = all\n[task c]\nuse = s\ncommand = x\non-failure = "
          "alert\n" ALERT,
          "" },
        { "[defaults s]\nrestart = always\n[group g]\nmembers = a b\npolicy = all\n[task a]\nuse = s\ncommand = x\n"
          "on-failing = alert\n[group b]\nmembers = c\npolicy = all\n[task c]\nuse = s\ncommand = x\n" ALERT,
          "tendd.ini:3: warning: [group g] no hook sees its failures (on-failure, on-failing)\n" },
        { "[defaults]\nrestart = always\non-failure = alert\n[task alert]\nmanual = yes\ncommand = mail\nrestart = no\n"
          "[task a]\ncommand = x\nrestart-delay = 1min\nrestart-limit = 10/7min\n"
          "[task b]\ncommand = x\nrestart-delay = 1min\nrestart-limit = 10/8min\n"
          "[task c]\ncommand = x\nrestart-delay = 1h\nrestart-limit = infinity\n"
          "[task d]\ncommand = x\nrestart-delay = 1h\nrestart-limit = 0/1s\n"
          "[task e]\ncommand = x\nready = after:5s\nstart-timeout = 5s\n"
          "[task f]\ncommand = x\nready = after:5s\nstart-timeout = 6s\n",
          "tendd.ini:11: restart-limit: warning: can never be reached: the delays of 10 restarts take 8min at least, and "
          "it counts those of 7min\n"
          "tendd.ini:26: ready: warning: 5s can never pass: start-timeout is 5s\n" },
        { "[defaults]\ntimeout = 5min\nrestart = always\non-failure = alert\n"
          "[defaults short]\ntotal-timeout = 1h\n"
          "[task alert]\nmanual = yes\ncommand = mail\nrestart = no\n"
          "[task a]\ncommand = x\n[task b]\ncommand = x\ntimeout = 1h\n[task c]\ncommand = x\ntimeout = infinity\n"
          "[group g]\nmembers = a\npolicy = all\n[group h]\nmembers = a\npolicy = all\nuse = short\n",
          "tendd.ini:11: timeout: warning: 5min comes from a section of defaults, and is meant to stay up (timeout = "
          "infinity, or the bound here)\n"
          "tendd.ini:22: total-timeout: warning: 1h comes from a section of defaults, and is meant to stay up (total-timeout "
          "= infinity, or the bound here)\n" },
        { "[task a]\ncommand = x\nrestart = always\nhealth = b\non-failure = alert\n[task b]\ncommand = x\nevery = 1s\n" ALERT,
          "" },

        /* signs of a shell */
        { "[task a]\ncommand = x | y\nmanual = yes\n",
          "tendd.ini:2: command: warning: | is given to the program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = x >/dev/null\nmanual = yes\n",
          "tendd.ini:2: command: warning: >/dev/null is given to the "
          "program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = x && y\nmanual = yes\n",
          "tendd.ini:2: command: warning: && is given to the program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = x\n  $HOME/y\nmanual = yes\n",
          "tendd.ini:2: command: warning: $HOME/y is given to the "
          "program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = ~/bin/x\nmanual = yes\n",
          "tendd.ini:2: command: warning: ~/bin/x is given to the program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = grep -c a|b 5$ cost=$5 a>b x~ 'R&D'\nmanual = yes\n", "" },
        { "[task a]\nshell = x | y > $z\nmanual = yes\n", "" },
        { "[task a]\ncommand = awk '$NF > 90 {print $NF}' /x\nmanual = yes\n", "" },
        { "[task a]\ncommand = sh -ec \"cd $HOME && x\" y\nmanual = yes\n", "" },
        { "[task a]\ncommand = /usr/bin/ssh host \"cd $HOME && x\"\nmanual = yes\n", "" },
        { "[task a]\ncommand = ssh host && x\nmanual = yes\n",
          "tendd.ini:2: command: warning: && is given to the program as it is: no shell reads command (shell = does)\n" },
        { "[task a]\ncommand = x \"it's $HOME\"\nmanual = yes\n",
          "tendd.ini:2: command: warning: it's $HOME is given to the program as it is: no shell reads command (shell = "
          "does)\n" },

        /* secrets */
        { "[task a]\ncommand = x --password=hunter2\nmanual = yes\n",
          "tendd.ini:2: command: warning: there seems to be a secret in clear text (ps shows it, too: env takes ${cred:NAME}, "
          "from a credential)\n" },
        { "[task a]\ncommand = x\nmanual = yes\nenv =\n  A=1\n  API_TOKEN=abcdef\n",
          "tendd.ini:4: env: warning: there seems to be a secret in clear text (${cred:NAME} takes it from a "
          "credential)\n" },
        { "[task a]\nurl = https://joe:hunter2@example.com/\nmanual = yes\n",
          "tendd.ini:2: url: warning: there seems to be a secret in clear text (${cred:NAME} takes it from a "
          "credential)\n" },
        { "[task a]\nurl = https://example.com/\nmanual = yes\nheader = Authorization: Bearer abcdef\n",
          "tendd.ini:4: header: warning: there seems to be a secret in clear text (${cred:NAME} takes it from a "
          "credential)\n" },
        { "[task a]\nurl = https://example.com/\nmanual = yes\nheader = Authorization: Bearer ${env:TENDD_TEST_TOKEN}\n",
          "" },
        { "[task a]\ncommand = x --password-file=/etc/x --token=/run/token\nmanual = yes\nenv = TOKEN_FILE=/etc/y\n",
          "" },
        { "[task a]\nurl = http://example.com:8080/a@b\nmanual = yes\n", "" },
        { "[task a]\nurl = https://example.com/?a=b&api_key=hunter2\nmanual = yes\n",
          "tendd.ini:2: url: warning: there seems to be a secret in clear text (${cred:NAME} takes it from a "
          "credential)\n" },
        { "[task a]\nurl = https://example.com/?token=${env:TENDD_TEST_TOKEN}&u=x:y@z\nmanual = yes\n", "" },
        { "[task a]\ncommand = x --password hunter2 --input-file=y\nmanual = yes\n",
          "tendd.ini:2: command: warning: there seems to be a secret in clear text (ps shows it, too: env takes ${cred:NAME}, "
          "from a credential)\n" },
        { "[task a]\ncommand = x --password-stdin registry --token-file secret --password --force\nmanual = yes\n",
          "" },
};

START_TEST(the_unwise_is_warned_of) {
        struct config_text text;

        setenv("TENDD_TEST_TOKEN", "abcdef", 1);
        config_text_load_one(&text, cases[_i].text);
        ck_assert_str_eq(text.told, cases[_i].told);
        ck_assert_int_eq(text.r, 0);
        config_text_done(&text);
}
END_TEST

START_TEST(many_warnings_of_one_kind_are_counted) {
        struct config_text text;
        char content[4096] = "", *last;
        size_t lines = 0;

        for (int i = 10; i < 60; i++)
                sprintf(content + strlen(content), "[task t%d]\ncommand = x\nevery = 1h\n", i);
        config_text_load_one(&text, content);
        for (const char *at = text.told; (at = strchr(at, '\n')); at++)
                lines++;
        ck_assert_uint_eq(lines, 21);
        last = strstr(text.told, "tendd.ini:148");
        ck_assert_pstr_eq(last, "tendd.ini:148: warning: [task t59] and 30 more: no hook sees its failures\n");
        config_text_done(&text);
}
END_TEST

/* ---- what this machine has ---- */

static void load_here(struct config_text *text, const char *content) {
        config_text_init(text);
        text->options.portable = false;
        config_text_write(text, "tendd.ini", content);
        config_text_load(text);
}

static const struct {
        const char *text;
        const char *told;
} host_cases[] = {
        { "[task a]\ncommand = /bin/true\nmanual = yes\nuser = root\n", "" },
        { "[task a]\ncommand = true\nmanual = yes\nuser = 0:0\n", "" },
        { "[task a]\ncommand = true\nmanual = yes\nuser = 0:4000000\n", "" },
        { "[task a]\ncommand = true\nmanual = yes\nuser = 4000000\n",
          "tendd.ini:4: user: warning: there is no user 4000000 here\n" },
        { "[task a]\ncommand = /bin/true\nmanual = yes\nuser = no-such-user:no-such-group\n",
          "tendd.ini:4: user: warning: there is no user no-such-user here\n"
          "tendd.ini:4: user: warning: there is no group no-such-group here\n" },
        { "[task a]\ncommand = /no/such/program\nmanual = yes\n",
          "tendd.ini:2: command: warning: /no/such/program is not there, or cannot be run\n" },
        { "[task a]\ncommand = no-such-program-of-tendd\nmanual = yes\n",
          "tendd.ini:2: command: warning: no-such-program-of-tendd is not there, or cannot be run\n" },
        { "[task a]\ncommand = ./x\ndirectory = /no\nmanual = yes\n",
          "tendd.ini:2: command: warning: /no/./x is not there, or cannot be run\n" },
        { "[task a]\ncommand = {item}\nfor-each = list:x\nmanual = yes\n", "" },
        { "[task a]\ncommand = /no/such/program\nenabled = no\n", "" },
        { "[task a]\ncommand = /bin/true\nfor-each = lines:/no/such/file\nenv-file = /no/such/env\nmanual = yes\n",
          "tendd.ini:3: for-each: warning: /no/such/file cannot be read\n"
          "tendd.ini:4: env-file: warning: /no/such/env cannot be read\n" },
        { "[task a]\ncommand = true\nstdin = file:/no/such/input\nfor-each = command:/no/such/source x\nmanual = yes\n",
          "tendd.ini:3: stdin: warning: /no/such/input cannot be read\n"
          "tendd.ini:4: for-each: warning: /no/such/source is not there, or cannot be run\n" },
        { "[task a]\nurl = https://x/\nca-file = /no/such/ca\nmanual = yes\n",
          "tendd.ini:3: ca-file: warning: /no/such/ca cannot be read\n" },
        { "[task a]\ncommand = /no/such/{n}\nenv-file = /no/{n}\nstdin = file:/no/{n}\nrestart = always\ninstances = 2\n"
          "manual = yes\n",
          "" },
        { "[daemon]\ncgroup = no\n[task a]\ncommand = true\nmemory-max = 1G\nmanual = yes\n",
          "tendd.ini:5: memory-max: warning: cannot be held: [daemon] cgroup is no\n" },
        { "[daemon]\ncgroup = /no/such/tree\n[task a]\ncommand = true\npids-max = 10\nmanual = yes\n",
          "tendd.ini:5: pids-max: warning: cannot be held: [daemon] cgroup is /no/such/tree, which has no pids controller, "
          "nor is it in a cgroup2 tree\n" },
        { "[daemon]\ncgroup = no\n[task a]\ncommand = true\nmemory-max = infinity\ncpu-max = 5%\nenabled = no\n", "" },
};

START_TEST(what_is_not_here_is_warned_of) {
        struct config_text text;

        load_here(&text, host_cases[_i].text);
        ck_assert_str_eq(text.told, host_cases[_i].told);
        config_text_done(&text);
}
END_TEST

START_TEST(a_bound_without_its_controller_is_warned_of) {
        char content[256], expected[256];
        struct config_text text;

        config_text_init(&text);
        text.options.portable = false;
        config_text_write(&text, "tree/cgroup.controllers", "cpuset cpu io pids\n");
        snprintf(content, sizeof(content),
                 "[daemon]\ncgroup = %s/tree\n"
                 "[task a]\ncommand = true\nmemory-max = 1G\ncpu-max = 50%%\npids-max = 10\nmanual = yes\n",
                 text.directory);
        config_text_write(&text, "tendd.ini", content);
        config_text_load(&text);
        snprintf(expected, sizeof(expected),
                 "tendd.ini:5: memory-max: warning: cannot be held: [daemon] cgroup is tree, which has no memory "
                 "controller\n");
        ck_assert_str_eq(text.told, expected);
        config_text_done(&text);
}
END_TEST

START_TEST(what_is_missing_is_not_shown_when_it_is_secret) {
        struct config_text text;

        setenv("TENDD_TEST_TOKEN", "/no/s3cret", 1);
        load_here(&text, "[defaults]\nenv-file = ${env:TENDD_TEST_TOKEN}\n"
                         "[task a]\ncommand = ${env:TENDD_TEST_TOKEN}\nmanual = yes\n");
        ck_assert_str_eq(
                text.told,
                "tendd.ini:3: env-file: warning: (contains ${env:} or ${cred:}) cannot be read\n"
                "tendd.ini:4: command: warning: (contains ${env:} or ${cred:}) is not there, or cannot be run\n");
        config_text_done(&text);
}
END_TEST

START_TEST(a_command_of_root_that_others_can_change_is_warned_of) {
        char content[256], expected[512], path[128];
        struct config_text text;

        config_text_init(&text);
        text.options.portable = false;
        config_text_write(&text, "bin/tool", "#!/bin/sh\n");
        snprintf(path, sizeof(path), "%s/bin/tool", text.directory);
        ck_assert_int_eq(chmod(path, 0777), 0);
        snprintf(content, sizeof(content), "[task a]\ncommand = %s\nuser = root\nmanual = yes\n", path);
        config_text_write(&text, "tendd.ini", content);
        config_text_load(&text);
        snprintf(expected, sizeof(expected),
                 "tendd.ini:2: command: warning: runs as root, but others than root can write bin/tool\n");
        ck_assert_str_eq(text.told, expected);
        config_text_done(&text);
}
END_TEST

START_TEST(a_directory_that_others_can_change_is_warned_of) {
        struct config_text text;
        char path[128];

        if (geteuid() != 0)
                return; /* files that are not root's are refused before this is looked at */
        config_text_init(&text);
        text.options.portable = false;
        text.privileged = true;
        config_text_write(&text, "tendd.ini", "[daemon]\ninclude = conf.d/*\n");
        config_text_write(&text, "conf.d/a.ini", "");
        snprintf(path, sizeof(path), "%s/conf.d", text.directory);
        ck_assert_int_eq(chmod(path, 0777), 0);
        config_text_load(&text);
        ck_assert_str_eq(text.told,
                         "conf.d/a.ini: warning: others than root can write conf.d, and so replace this file\n");
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("lint");
        TCase *tcase = tcase_create("lint");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, the_unwise_is_warned_of, 0, (int)ARRAY_SIZE(cases));
        tcase_add_test(tcase, many_warnings_of_one_kind_are_counted);
        tcase_add_loop_test(tcase, what_is_not_here_is_warned_of, 0, (int)ARRAY_SIZE(host_cases));
        tcase_add_test(tcase, a_bound_without_its_controller_is_warned_of);
        tcase_add_test(tcase, what_is_missing_is_not_shown_when_it_is_secret);
        tcase_add_test(tcase, a_command_of_root_that_others_can_change_is_warned_of);
        tcase_add_test(tcase, a_directory_that_others_can_change_is_warned_of);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
