/* SPDX-License-Identifier: MIT */
/* test-config: a configuration comes of files without mistakes, and every mistake of others is told. */
#include "base/text.h"
#include "config/config.h"
#include "support/config-text.h"
#include "task/kind.h"
#include "when/calendar.h"

#include <check.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

/* What is told of a text. An empty expectation: it is loaded. */
static const struct {
        const char *text;
        const char *told;
} mistakes[] = {
        { "", "" },
        { "[task a]\ncommand = x\nmanual = yes\n", "" },

        /* sections */
        { "k = v\n", "tendd.ini:1: a key before any section\n" },
        { "[tsak a]\nk = v\n",
          "tendd.ini:1: [tsak a]: unknown section (daemon, defaults, store, limit, pool, task or group) "
          "(did you mean task?)\n" },
        { "[xyzzy]\nk = v\n",
          "tendd.ini:1: [xyzzy]: unknown section (daemon, defaults, store, limit, pool, task or group)\n" },
        { "[task]\n", "tendd.ini:1: [task]: the name is missing ([task NAME])\n" },
        { "[daemon x]\n", "tendd.ini:1: [daemon x]: takes no name ([daemon])\n" },
        { "[task a b]\n", "tendd.ini:1: [task a b]: \"a b\" is no name (letters, digits, and _.- behind the first, at "
                          "most 40)\n" },
        { "[task a]\ncommand = x\nmanual = yes\n[group a]\nmembers = a\n",
          "tendd.ini:4: [group a] is there already: [task a] in tendd.ini:1\n" },
        { "[daemon]\n[daemon]\n", "tendd.ini:2: [daemon] is there already: [daemon] in tendd.ini:1\n" },
        { "[limit a]\npermits = 1\n[pool a]\n[defaults a]\n[task a]\nuse = a\npool = a\nlimit = a\ncommand = x\nmanual = "
          "yes\n",
          "" },
        { "[task a\ncommand = x\nmanual = yes\n", "tendd.ini:1: the `]` after the section's name is missing\n" },

        /* keys */
        { "[task a]\ncommand = x\nmanual = yes\ntimeuot = 5s\n",
          "tendd.ini:4: timeuot: unknown key in [task a] (see tendd.ini(5)) (did you mean timeout?)\n" },
        { "[daemon]\npriority = 5\n", "tendd.ini:2: priority: unknown key in [daemon] (see tendd.ini(5))\n" },
        { "[task a]\ncommand = x\nmanual = yes\nretries = 1\nretries = 2\n",
          "tendd.ini:5: retries: is written twice, first in line 4\n" },
        { "[task a]\ncommand = x\nmanual = yes\nretries = 1\n  2\n",
          "tendd.ini:5: retries: takes one line, and this one is indented, so that it continues it\n" },
        { "[task a]\ncommand = x\nmanual = yes\nretries =\n  2\n", "" },
        { "[task a]\ncommand = x\nmanual = yes\nretries = 1\n  # one is enough\n  ; so it is\n", "" },
        { "[task a]\ncommand = x\nmanual = yes\nretries =\n  # how often\n  2\n", "" },
        { "[task a]\ncommand = x\ncommand = y\nmanual = yes\n",
          "tendd.ini:3: command: is written twice, first in line 2\n" },
        { "[task a]\ncommand = x\nmanual = yes\nlimit = l\nlimit = m\n[limit l]\npermits = 1\n[limit m]\npermits = "
          "1\n",
          "" },
        { "[task a]\ncommand = x\n  every = 5s\nmanual = yes\n",
          "tendd.ini:3: is indented, so that it would continue the value above (remove the blanks)\n" },
        { "[task a]\nshell = x\n  timeout=5\n  echo $timeout\nmanual = yes\n", "" },
        { "[task a]\nshell = x\n  timeout = 5\nmanual = yes\n",
          "tendd.ini:3: is indented, so that it would continue the value above (remove the blanks)\n" },
        { "[task a]\ncommand = 'x\nmanual = yes\n",
          "tendd.ini:2: command: a quote is not closed, or a \\ stands at the end\n" },
        { "[task a]\ncommand =\nmanual = yes\n",
          "tendd.ini:2: command: the command is missing (a program and its arguments, "
          "quoted where they contain blanks; no shell reads them)\n" },
        { "[task a]\ncommand = x\nmanual = maybe\n", "tendd.ini:3: manual: \"maybe\" is no boolean (yes or no)\n" },
        { "[task a]\ncommand = x\nmanual = yes\nenv = A=${env:TENDD_TEST_UNSET}\n",
          "tendd.ini:4: env: ${env:TENDD_TEST_UNSET} is not in the environment\n" },
        { "[task a]\ncommand = x\nmanual = yes\nenv = A=${env:HOME\n",
          "tendd.ini:4: env: ${env:NAME} has no }, or no NAME of 1 to 63 bytes\n" },

        /* kinds */
        { "[task a]\nmanual = yes\n",
          "tendd.ini:1: [task a] does not say what to do (command, shell, url, connect, resolve or path)\n" },
        { "[task a]\ncommand = x\nurl = http://x/\nmanual = yes\n",
          "tendd.ini:3: url: there is command already, and a task does one thing\n" },
        { "[task a]\ncommand = x\nshell = x\nmanual = yes\n",
          "tendd.ini:3: shell: there is command already, and a task does one thing\n" },
        { "[task a]\ntype = http\ncommand = x\nmanual = yes\n",
          "tendd.ini:2: type: is http, but command makes it exec\n" },
        { "[task a]\ntype = http\nmanual = yes\n", "tendd.ini:2: type: http needs url\n" },
        { "[task a]\ntype = sql\nmanual = yes\n",
          "tendd.ini:2: type: \"sql\" is no type (exec, http, tcp, dns or file)\n" },
        { "[task a]\ntype = htpp\nurl = http://x/\nmanual = yes\n",
          "tendd.ini:2: type: \"htpp\" is no type (exec, http, tcp, dns or file) (did you mean http?)\n" },
        { "[task a]\nurl = http://x/\nnice = 5\nmanual = yes\n",
          "tendd.ini:3: nice: is not for tasks of type http (but for exec)\n" },
        { "[task a]\ncommand = x\nmembers = b\nmanual = yes\n",
          "tendd.ini:3: members: is not for tasks of type exec (but for groups)\n" },
        { "[task a]\ncommand = x\nexpect = b\nmanual = yes\n",
          "tendd.ini:3: expect: is not for tasks of type exec (but for tcp and dns)\n" },
        { "[group a]\ncommand = x\nmembers = b\nmanual = yes\n[task b]\ncommand = x\n",
          "tendd.ini:2: command: is not for groups (but for exec)\n" },
        { "[task a]\nurl = x\nmanual = yes\n",
          "tendd.ini:2: url: \"x\" is no URL (http://... or https://..., or beginning with {item})\n" },

        /* items */
        { "[task a]\ncommand = x {item}\nmanual = yes\n",
          "tendd.ini:2: command: {item} means nothing without for-each\n" },
        { "[task a]\nshell = x {item}\nfor-each = list:a\nmanual = yes\n",
          "tendd.ini:2: shell: {item} would become a part of the script (write \"$TENDD_ITEM\")\n" },
        { "[task a]\ncommand = x\ndirectory = /{item}\nfor-each = list:a\nmanual = yes\n",
          "tendd.ini:3: directory: {item} is not filled in here (but in command, env, output, url, header, body, connect, resolve "
          "and path)\n" },
        { "[task a]\ncommand = x\nconcurrency = 4\nmanual = yes\n",
          "tendd.ini:3: concurrency: means nothing without for-each\n" },
        { "[task a]\nurl = {item}\nfor-each = list:a\nsave-to = /x\nmanual = yes\n",
          "tendd.ini:4: save-to: all items would be saved to the same file\n" },

        /* time */
        { "[task a]\ncommand = x\njitter = 1s\nmanual = yes\n",
          "tendd.ini:3: jitter: means nothing without every, calendar or cron\n" },
        { "[task a]\ncommand = x\nevery = 1min\njitter = 30s\nsplay = 30s\non-failure = b\n[task b]\ncommand = x\n",
          "tendd.ini:4: jitter: jitter and splay together must be below the interval, which is 1min\n" },
        { "[task a]\ncommand = x\nevery = 1ms\n",
          "tendd.ini:3: every: 1ms is out of range (a duration such as 1h 30min, from 10ms to 366d)\n" },

        { "[task a]\ncommand = x\ncalendar = Mon 02:30\n  Mun 02:30\n",
          "tendd.ini:4: calendar: \"Mun\" is neither a day of the week nor a shorthand such as daily (expressions of "
          "systemd.time(7), one a line) (did you mean Mon?)\n" },
        { "[task a]\ncommand = x\ncalendar =\n", "tendd.ini:3: calendar: the value is missing (expressions of "
                                                 "systemd.time(7), one a line)\n" },
        { "[task a]\ncommand = x\ncron = 0 3 * * *\ncron = 0 25 * * *\n",
          "tendd.ini:4: cron: hour 25 is not within 0 to 23 (minute hour day month weekday as in crontab(5), or @daily and "
          "the like, one a line)\n" },
        { "[task a]\ncommand = x\ncalendar = 02:30\n  02:30 Europe/Berln\n",
          "tendd.ini:4: calendar: there is no time zone Europe/Berln (did you mean Europe/Berlin?)\n" },
        { "[task a]\ncommand = x\ncalendar = 02:30\ntimezone = Amerika/New_York\n",
          "tendd.ini:4: timezone: there is no time zone Amerika/New_York (did you mean America/New_York?)\n" },
        { "[daemon]\ntimezone = Zzyzx\n[task a]\ncommand = x\ncalendar = 02:30\n  03:30 UTC\n",
          "tendd.ini:2: timezone: there is no time zone Zzyzx\n" },
        { "[defaults]\ntimezone = ../passwd\n[task a]\ncommand = x\ncron = @daily\n",
          "tendd.ini:3: timezone: there is no time zone ../passwd\n" },
        { "[task a]\ncommand = x\nwatch-settle = 1s\nmanual = yes\n",
          "tendd.ini:3: watch-settle: means nothing without watch\n" },
        { "[task a]\ncommand = x\nwatch = /srv/a/*\n  # the others\n  b/*\n  c/*\n",
          "tendd.ini:5: watch: \"b/*\" is no absolute path (paths that begin with /, one a line; * ? and [] match)\n" },
        { "[task a]\ncommand = x\nrestart = always\nstale-after = 1h\non-stale = b\n[task b]\ncommand = x\n",
          "tendd.ini:4: stale-after: is not for what is meant to stay up: it is not ok before it ends (health looks "
          "after services)\n"
          "tendd.ini:5: on-stale: is not for what is meant to stay up: it is not ok before it ends (health looks after "
          "services)\n" },
        { "[task s]\ncommand = x\nrestart = always\n[group g]\nmembers = s\npolicy = all\nstale-after = 1h\n",
          "tendd.ini:7: stale-after: is not for what is meant to stay up: it is not ok before it ends (health looks "
          "after services)\n" },
        { "[task a]\ncommand = x\nmanual = yes\nenv = A=1\nenv = 2\n",
          "tendd.ini:5: env: \"2\" is no NAME=VALUE (NAME=VALUE, one a line)\n" },

        /* services */
        { "[task a]\ncommand = x\nready = notify\nstart-timeout = 5s\nmanual = yes\n",
          "tendd.ini:3: ready: is for services (restart = always or on-failure makes it one)\n"
          "tendd.ini:4: start-timeout: is for services (restart = always or on-failure makes it one)\n" },
        { "[task a]\ncommand = x\nrestart = no\ncritical = yes\nmanual = yes\n",
          "tendd.ini:4: critical: is for services (restart = always or on-failure makes it one)\n" },
        { "[task a]\ncommand = x\nrestart = nope\ncritical = yes\n",
          "tendd.ini:3: restart: \"nope\" is no such word (no, on-failure or always) (did you mean no?)\n" },
        { "[task a]\nurl = http://x/\nrestart = always\n",
          "tendd.ini:3: restart: is not for tasks of type http (but for services, which are of type exec)\n" },
        { "[task a]\nurl = http://x/\nidle-timeout = 1s\n",
          "tendd.ini:3: idle-timeout: is not for tasks of type http (but for exec)\n" },
        { "[task a]\ncommand = x\nrestart = always\nretries = 1\nfor-each = list:a\ntotal-timeout = 1h\n",
          "tendd.ini:4: retries: means nothing for a service (restart, restart-delay and restart-limit say what follows "
          "a failure)\n"
          "tendd.ini:5: for-each: is not for services: it has an end (instances makes several)\n"
          "tendd.ini:6: total-timeout: is not for services: it would end for good (timeout bounds each attempt)\n" },
        { "[defaults]\nrestart = always\nready = notify\ncritical = yes\n"
          "[task a]\ncommand = x\nrestart = no\nmanual = yes\n[task b]\nurl = http://x/\nmanual = yes\n",
          "" },

        /* names */
        { "[task backup]\ncommand = x\non-failure = alret\nmanual = yes\n[task alert]\ncommand = x\nmanual = yes\n",
          "tendd.ini:3: on-failure: there is no [task alret] (did you mean alert?)\n" },
        { "[task a]\ncommand = x\non-failure = a:exit,tiemout\nmanual = yes\n",
          "tendd.ini:3: on-failure: \"tiemout\" is no outcome of a failure, nor an error kind (names of tasks, each with "
          "the error kinds or outcomes it is for as in alert:timeout,exit) (did you mean timeout?)\n" },
        { "[task a]\ncommand = x\nfor-each = line:/x\nmanual = yes\n",
          "tendd.ini:3: for-each: \"line:/x\" is no source of items (lines:FILE, glob:PATTERN, list:WORDS or "
          "command:COMMAND) (did you mean lines?)\n" },
        { "[task a]\ncommand = x\nmanual = yes\nuse = bkup\n[defaults backup]\nnice = 1\n",
          "tendd.ini:4: use: there is no [defaults bkup] (did you mean backup?)\n" },
        { "[task a]\ncommand = x\nmanual = yes\npool = x\n", "tendd.ini:4: pool: there is no [pool x]\n" },
        { "[task a]\ncommand = x\nmanual = yes\nlimit = db\n", "tendd.ini:4: limit: there is no [limit db]\n" },
        { "[task a]\ncommand = x\nmanual = yes\nlimit = db:5\n[limit db]\npermits = 4\n",
          "tendd.ini:4: limit: asks for 5 permits of db, which has 4\n" },
        { "[task a]\ncommand = x\nmanual = yes\nlimit = db db:2\n[limit db]\npermits = 4\n",
          "tendd.ini:4: limit: db is named twice (names of limits, with :N for more than one permit)\n" },
        { "[limit db]\n", "tendd.ini:1: [limit db] has neither permits nor rate\n" },
        { "[task a]\ncommand = x\nmanual = yes\nlimit = api:100\n[limit api]\nrate = 10/s\n", "" },

        /* groups */
        { "[group g]\nmanual = yes\n", "tendd.ini:1: members: is missing (names of tasks or groups)\n" },
        { "[group g]\nmanual = yes\nmembers = x-*\n", "tendd.ini:3: members: no task or group matches x-*\n" },
        { "[group g]\nmanual = yes\nmembers = x\n", "tendd.ini:3: members: there is no [task x]\n" },
        { "[group g]\nmembers = h\n[group h]\nmembers = i\n[group i]\nmembers = g\n",
          "tendd.ini:2: members: each of these has the next as a member, and the last the first: g, h, i\n" },
        { "[group g]\nmembers = g\n",
          "tendd.ini:2: members: each of these has the next as a member, and the last the first: g\n" },
        { "[group g]\nmanual = yes\nmembers = a b\n[task a]\ncommand = x\nafter = b\n[task b]\ncommand = x\nafter = a\n",
          "tendd.ini:6: after: each of these waits for the next, and the last for the first: a, b\n" },
        { "[task a]\ncommand = x\nmanual = yes\nafter = a\n",
          "tendd.ini:4: after: is for members of groups, and no group has this one\n" },
        { "[group g]\nmanual = yes\nmembers = a\n[task a]\ncommand = x\nafter = a\n",
          "tendd.ini:6: after: names itself\n" },
        { "[group g]\nmanual = yes\nmembers = a\n[task a]\ncommand = x\nafter = b\n[task b]\ncommand = x\nmanual = yes\n",
          "tendd.ini:6: after: b is in no group together with this one\n" },
        { "[group g]\nmanual = yes\nmembers = a\n[task a]\ncommand = x\nafter = b-*\n",
          "tendd.ini:6: after: no member of its groups matches b-*\n" },
        { "[group g]\nmanual = yes\nmembers = a b\npolicy = first\n[task a]\ncommand = x\n[task b]\ncommand = x\nafter = a\n",
          "tendd.ini:9: after: has no place in [group g], whose policy is first: its members start at once\n" },
        { "[group g]\nmanual = yes\nmembers = a b\npolicy = quorum:3\n[task a]\ncommand = x\n[task b]\ncommand = x\n",
          "tendd.ini:4: policy: asks for 3 that are ok, but only 2 members can be\n" },
        { "[group g]\nmanual = yes\nmembers = a b\npolicy = quorum:2\nbackground = b\n[task a]\ncommand = x\n[task "
          "b]\ncommand = x\n",
          "tendd.ini:4: policy: asks for 2 that are ok, but only 1 members can be\n" },
        { "[group g]\nmanual = yes\nmembers = a\nbackground = a\n[task a]\ncommand = x\n",
          "tendd.ini:4: background: is every member, so that the group would end at once\n" },
        { "[group g]\nmanual = yes\nmembers = a\nbackground = b\n[task a]\ncommand = x\n[task b]\ncommand = x\nmanual = "
          "yes\n",
          "tendd.ini:4: background: b is no member of the group\n" },

        /* groups, with other mistakes about */
        { "[group g]\nmanual = yes\nmembers = a b\npolicy = quorum:3\n[task a]\ncommand = x\n[task b]\ncommand = "
          "x\nretries = no\n",
          "tendd.ini:4: policy: asks for 3 that are ok, but only 2 members can be\n"
          "tendd.ini:9: retries: \"no\" is no number (a number from 0 to 1000000)\n" },
        { "[group g]\nmanual = yes\nmembers = a b\npolicy = quorum:2\n[task a]\ncommand = x\n[task b]\ncomand = x\n",
          "tendd.ini:8: comand: unknown key in [task b] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[group g]\nmanual = yes\nmembers = a ?\npolicy = quorum:3\n[task a]\ncommand = x\n[task b]\ncomand = x\n",
          "tendd.ini:4: policy: asks for 3 that are ok, but only 2 members can be\n"
          "tendd.ini:8: comand: unknown key in [task b] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[group g]\nmanual = yes\nmembers = a x-*\npolicy = quorum:3\n[task a]\ncommand = x\n",
          "tendd.ini:3: members: no task or group matches x-*\n" },
        { "[group g]\nmanual = yes\nmembers = a b\nbackground = a\n[task a]\ncommand = x\n[task b]\ncomand = x\n",
          "tendd.ini:8: comand: unknown key in [task b] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[group g]\nmanual = yes\nmembers = a bb\nbackground = b bb c\n[task a]\ncommand = x\n[task b]\ncommand = "
          "x\nafter = a d\n",
          "tendd.ini:3: members: there is no [task bb] (did you mean b?)\n"
          "tendd.ini:4: background: there is no [task c]\n"
          "tendd.ini:9: after: there is no [task d]\n" },
        { "[group g]\nmanual = yes\nmembers = a b\n[task a]\ncomand = x\n[task b]\ncommand = x\nafter = a\n",
          "tendd.ini:5: comand: unknown key in [task a] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[group g]\nmanual = yes\nmembers = a b-1\n[task a]\ncommand = x\nafter = b-*\n[task b-1]\ncommand = "
          "x\nenabled = no\n",
          "" },

        /* {item} in what comes from defaults */
        { "[defaults]\nshell = x {item}\n[task a]\nfor-each = list:a\nmanual = yes\n",
          "tendd.ini:3: shell: {item} would become a part of the script (write \"$TENDD_ITEM\"); it comes from "
          "[defaults]\n" },
        { "[defaults d]\ncommand = x {item}\n[task a]\nuse = d\nmanual = yes\n[task b]\nuse = d\nfor-each = "
          "list:a\nmanual = yes\n[task c]\nuse = d\nshell = own\nmanual = yes\n",
          "tendd.ini:3: command: {item} means nothing without for-each; it comes from [defaults d]\n" },
        { "[defaults]\ndirectory = /{item}\n[defaults d]\ndirectory = /\n[task a]\ncommand = x\nmanual = yes\n"
          "[task b]\nuse = d\ncommand = x\nmanual = yes\n",
          "tendd.ini:5: directory: {item} is not filled in here (but in command, env, output, url, header, body, connect, "
          "resolve and path); it comes from [defaults]\n" },

        /* a mistake is told once: what it was meant to be is not also missing */
        { "[task a]\ncomand = x\nmanual = yes\n",
          "tendd.ini:2: comand: unknown key in [task a] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[task a]\ncommand: x\nmanual = yes\n", "tendd.ini:2: `:` where `=` is expected (`key = value`)\n" },
        { "[defaults d]\ncomand = x\n[task a]\nuse = d\nmanual = yes\n",
          "tendd.ini:2: comand: unknown key in [defaults d] (see tendd.ini(5)) (did you mean command?)\n" },
        { "[task a]\nuse = d\nmanual = yes\n", "tendd.ini:2: use: there is no [defaults d]\n" },
        { "[task a]\ntype = http\nulr = http://x/\nmanual = yes\n",
          "tendd.ini:3: ulr: unknown key in [task a] (see tendd.ini(5)) (did you mean url?)\n" },
        { "[task a]\ncommand = x {item}\nfor-eech = list:a\nconcurrency = 2\nmanual = yes\n",
          "tendd.ini:3: for-eech: unknown key in [task a] (see tendd.ini(5)) (did you mean for-each?)\n" },
        { "[task a]\ncommand = x\nevry = 5min\njitter = 1s\nmanual = yes\n",
          "tendd.ini:3: evry: unknown key in [task a] (see tendd.ini(5)) (did you mean every?)\n" },
        { "[limit l]\npermit = 1\n",
          "tendd.ini:2: permit: unknown key in [limit l] (see tendd.ini(5)) (did you mean permits?)\n" },
        { "[group g]\nmember = a\nmanual = yes\n[task a]\ncommand = x\nmanual = yes\n",
          "tendd.ini:2: member: unknown key in [group g] (see tendd.ini(5)) (did you mean members?)\n" },
        { "[task a]\ncolour = blue\nmanual = yes\n",
          "tendd.ini:1: [task a] does not say what to do (command, shell, url, connect, resolve or path)\n"
          "tendd.ini:2: colour: unknown key in [task a] (see tendd.ini(5))\n" },

        /* defaults: told once, used or not */
        { "[defaults]\nca-file = x\n",
          "tendd.ini:2: ca-file: \"x\" is no absolute path (a path that begins with /)\n" },
        { "[defaults]\ntimeout = soon\n[task a]\ncommand = x\nmanual = yes\n[task b]\ncommand = x\nmanual = yes\n",
          "tendd.ini:2: timeout: \"soon\" is no duration (a duration such as 1h 30min, at least 1ms, or infinity)\n" },
        { "[defaults]\ntype = http\nurl = http://x/\n[task a]\ncommand = x\nmanual = yes\n[task b]\nmanual = yes\n",
          "" },
        { "[defaults x]\nuse = y\n", "tendd.ini:2: use: is for tasks and groups, not for sections of defaults\n" },
};

START_TEST(mistakes_are_told) {
        struct config_text text;

        config_text_load_one(&text, mistakes[_i].text);
        ck_assert_str_eq(text.told, mistakes[_i].told);
        ck_assert_int_eq(text.r, *mistakes[_i].told ? -EBADMSG : 0);
        config_text_done(&text);
}
END_TEST

START_TEST(ten_mistakes_are_ten_lines) {
        struct config_text text;

        config_text_load_one(&text, "[daemon]\n"
                                    "max-running = none\n"
                                    "[limit db]\n"
                                    "permits = 0\n"
                                    "[task a]\n"
                                    "comand = x\n"
                                    "[task b]\n"
                                    "command = x\n"
                                    "every : 5s\n"
                                    "timeout = -1\n"
                                    "overlap = sometimes\n"
                                    "[task c]\n"
                                    "url = http://x/\n"
                                    "header = nothing\n"
                                    "limit = db2\n"
                                    "[group g]\n"
                                    "members = zz\n"
                                    "[pool broken\n");
        ck_assert_str_eq(
                text.told,
                "tendd.ini:2: max-running: \"none\" is no number (a number from 1 to 1000000)\n"
                "tendd.ini:4: permits: 0 is out of range (a number from 1 to 1000000)\n"
                "tendd.ini:6: comand: unknown key in [task a] (see tendd.ini(5)) (did you mean command?)\n"
                "tendd.ini:9: `:` where `=` is expected (`key = value`)\n"
                "tendd.ini:10: timeout: \"-1\" is no duration (a duration such as 1h 30min, at least 1ms, or infinity)\n"
                "tendd.ini:11: overlap: \"sometimes\" is no such word (skip, queue, replace, or allow:N with N from 1 to "
                "100000)\n"
                "tendd.ini:14: header: \"nothing\" is no header (Name: value, one a line)\n"
                "tendd.ini:15: limit: there is no [limit db2] (did you mean db?)\n"
                "tendd.ini:17: members: there is no [task zz]\n"
                "tendd.ini:18: the `]` after the section's name is missing\n");
        ck_assert_int_eq(text.r, -EBADMSG);
        ck_assert_ptr_null(text.config);
        config_text_done(&text);
}
END_TEST

/* ---- what comes of a configuration ---- */

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

/* ---- files ---- */

START_TEST(includes_are_read_in_name_order) {
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini",
                          "[daemon]\ninclude = conf.d/*.ini other/x.ini missing/*.ini\n"
                          "[task a]\ncommand = x\nmanual = yes\n");
        config_text_write(&text, "conf.d/20-b.ini", "[task b]\ncommand = x\nmanual = yes\nbad = 1\n");
        config_text_write(&text, "conf.d/10-c.ini", "nowhere = 1\n[task b]\ncommand = y\nmanual = yes\n");
        config_text_write(&text, "conf.d/.hidden.ini", "[nonsense]\n");
        config_text_write(&text, "conf.d/30.txt", "[nonsense]\n");
        config_text_write(&text, "other/x.ini", "[daemon]\ninclude = *.ini\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told, "conf.d/10-c.ini:1: a key before any section\n"
                                    "conf.d/20-b.ini:1: [task b] is there already: [task b] in conf.d/10-c.ini:2\n"
                                    "conf.d/20-b.ini:4: bad: unknown key in [task b] (see tendd.ini(5)) (did you "
                                    "mean body?)\n"
                                    "other/x.ini:1: [daemon] is there already: [daemon] in tendd.ini:1\n"
                                    "other/x.ini:2: include: is for the main file only\n");
        ck_assert_int_eq(text.r, -EBADMSG);
        config_text_done(&text);
}
END_TEST

START_TEST(a_file_is_read_once) {
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini", "[daemon]\ninclude = *.ini a.ini\n");
        config_text_write(&text, "a.ini", "[task a]\ncommand = x\nmanual = yes\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told, "tendd.ini:2: include: tendd.ini is read already\n"
                                    "tendd.ini:2: include: a.ini is read already\n");
        config_text_done(&text);
}
END_TEST

START_TEST(an_included_file_that_is_named_must_be_there) {
        struct config_text text;

        config_text_load_one(&text, "[daemon]\ninclude = extra.ini\n");
        ck_assert_str_eq(text.told, "tendd.ini:2: include: extra.ini does not exist\n");
        config_text_done(&text);
}
END_TEST

START_TEST(an_added_file_is_checked_in_its_place) {
        static const struct {
                const char *name, *content, *told, *as;
        } cases[] = {
                { "new/20-b.ini", "[task b]\ncommand = x\nmanual = yes\n", "", NULL },
                { "new/30-c.ini", "[task b]\ncommand = x\nmanual = yes\n",
                  "new/30-c.ini:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n", NULL },
                { "new/30-c.ini", "[task c]\ncommand = x\nmanual = yes\nlimit = db\n", "", NULL },
                { "new/30-c.ini", "[task c]\n",
                  "new/30-c.ini:1: [task c] does not say what to do (command, shell, url, connect, resolve or path)\n",
                  NULL },
                { "new/x.conf", "[task b]\n",
                  "tendd.ini: warning: no include would read a file called x.conf (--add NAME=FILE says how FILE will be "
                  "called)\n"
                  "new/x.conf:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n",
                  NULL },
                { "new/.tmp-x", "[task b]\ncommand = x\nmanual = yes\n", "", "20-b.ini" },
                { "new/.tmp-x", "[task b]\ncommand = x\n",
                  "new/.tmp-x:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n", "30-c.ini" },
                { "new/.tmp-x", "[daemon]\ninclude = conf.d/*.ini\n[task a]\ncommand = x\non-success = b\n",
                  "new/.tmp-x:3: warning: [task a] nothing starts it: no trigger, no group, no hook (manual = yes if "
                  "operators do)\n",
                  "tendd.ini" },
                { "new/.tmp-x", "[task a]\ncommand = x\nmanual = yes\non-success = b\n",
                  "new/.tmp-x:4: on-success: there is no [task b]\n", "tendd.ini" },
        };
        char path[128];
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini",
                          "[daemon]\ninclude = conf.d/*.ini\n[limit db]\npermits = 1\n"
                          "[task a]\ncommand = x\nlimit = db\nmanual = yes\n");
        config_text_write(&text, "conf.d/20-b.ini", "[task b]\ncommand = old\nmanual = yes\n");
        config_text_write(&text, cases[_i].name, cases[_i].content);
        snprintf(path, sizeof(path), "%s/%s", text.directory, cases[_i].name);
        text.options.adds = &(const struct config_add){ path, cases[_i].as };
        text.options.n_adds = 1;
        config_text_load(&text);
        ck_assert_str_eq(text.told, cases[_i].told);
        config_text_done(&text);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_told) {
        struct config_text text;

        config_text_init(&text);
        config_text_load(&text);
        ck_assert_int_eq(text.r, -ENOENT);
        ck_assert_str_eq(text.told, "tendd.ini: cannot be read: No such file or directory\n");
        config_text_done(&text);
}
END_TEST

START_TEST(a_fifo_is_refused_without_waiting) {
        struct config_text text;
        char path[128];

        config_text_init(&text);
        snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
        ck_assert_int_eq(mkfifo(path, 0644), 0);
        config_text_load(&text);
        ck_assert_str_eq(text.told, "tendd.ini: is no regular file\n");
        config_text_done(&text);
}
END_TEST

/* Of a daemon that is root. */
START_TEST(files_of_others_are_refused) {
        struct config_text text;
        char path[128], owner[128];

        config_text_init(&text);
        text.options.portable = false;
        text.privileged = true;
        config_text_write(&text, "tendd.ini", "[task a]\nurl = http://x/\nmanual = yes\n");
        snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
        snprintf(owner, sizeof(owner), "tendd.ini: belongs to user %u, but the daemon is root (chown root tendd.ini)\n",
                 geteuid() == 0 ? 12345 : (unsigned)geteuid());
        ck_assert_int_eq(chmod(path, 0664), 0);
        if (geteuid() == 0) {
                config_text_load(&text);
                ck_assert_str_eq(text.told, "tendd.ini: may be written by its group (chmod go-w tendd.ini)\n");
                config_text_done(&text);
                config_text_init(&text);
                text.options.portable = false;
                text.privileged = true;
                config_text_write(&text, "tendd.ini", "");
                snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
                ck_assert_int_eq(chown(path, 12345, 0), 0);
        }
        config_text_load(&text);
        ck_assert_str_eq(text.told, owner);
        ck_assert_int_eq(text.r, -EBADMSG);
        config_text_done(&text);
}
END_TEST

START_TEST(what_is_wrong_with_a_header_belongs_to_its_section) {
        struct config_text text;

        config_text_load_one(&text, "[task a]\ncommand = x\n[task b] # note\ncommand = x\n");
        ck_assert_str_eq(text.told, "tendd.ini:3: text after `]` (a comment needs a line of its own)\n");
        ck_assert_str_eq(text.diagnostics.items[0].section, "task b");
        config_text_done(&text);
}
END_TEST

START_TEST(root_must_name_the_user) {
        struct config_text text;

        if (geteuid() != 0)
                return; /* files that are not root's are refused before this is looked at */
        config_text_init(&text);
        text.options.portable = false;
        text.privileged = true;
        config_text_write(&text, "tendd.ini",
                          "[task a]\ncommand = /bin/true\nmanual = yes\n"
                          "[task b]\ncommand = /bin/true\nmanual = yes\nuser = root\n"
                          "[task c]\ncommand = /bin/true\nmanual = yes\nusser = root\n"
                          "[defaults d]\nuser = a/b\n"
                          "[task d]\nuse = d\ncommand = /bin/true\nmanual = yes\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told,
                         "tendd.ini:1: user: is missing, and the daemon is root (write whom it runs as, also if "
                         "that is root)\n"
                         "tendd.ini:11: usser: unknown key in [task c] (see tendd.ini(5)) (did you mean user?)\n"
                         "tendd.ini:13: user: \"a/b\" is no user (USER or USER:GROUP)\n");
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
        tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)ARRAY_SIZE(mistakes));
        tcase_add_test(tcase, ten_mistakes_are_ten_lines);
        tcase_add_test(tcase, a_watch_queues_unless_told_otherwise);
        tcase_add_test(tcase, the_nearest_zone_counts_and_is_shared);
        tcase_add_test(tcase, the_store_has_a_section);
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
        tcase_add_test(tcase, includes_are_read_in_name_order);
        tcase_add_test(tcase, a_file_is_read_once);
        tcase_add_test(tcase, an_included_file_that_is_named_must_be_there);
        tcase_add_loop_test(tcase, an_added_file_is_checked_in_its_place, 0, 7);
        tcase_add_test(tcase, a_file_that_cannot_be_read_is_told);
        tcase_add_test(tcase, a_fifo_is_refused_without_waiting);
        tcase_add_test(tcase, files_of_others_are_refused);
        tcase_add_test(tcase, what_is_wrong_with_a_header_belongs_to_its_section);
        tcase_add_test(tcase, root_must_name_the_user);
        tcase_add_test(tcase, a_task_is_small);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
