/* SPDX-License-Identifier: MIT */
/* test-config-mistakes: every mistake of a configuration is told, with its file and line. */
#include "base/text.h"
#include "support/config-text.h"

#include <check.h>
#include <stdio.h>

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
          "tendd.ini:1: [tsak a]: unknown section (daemon, access, defaults, store, metrics, limit, pool, task or group) "
          "(did you mean task?)\n" },
        { "[xyzzy]\nk = v\n",
          "tendd.ini:1: [xyzzy]: unknown section (daemon, access, defaults, store, metrics, limit, pool, task or group)\n" },
        { "[task]\n", "tendd.ini:1: [task]: the name is missing ([task NAME])\n" },
        { "[daemon x]\n", "tendd.ini:1: [daemon x]: takes no name ([daemon])\n" },
        { "[task a b]\n", "tendd.ini:1: [task a b]: \"a b\" is no name (letters, digits, and _.- behind the first, at "
                          "most 40)\n" },
        { "[task a]\ncommand = x\nmanual = yes\n[group a]\nmembers = a\n",
          "tendd.ini:4: [group a] is there already: [task a] in tendd.ini:1\n" },
        { "[metrics]\nlisten = localhost:9188\n",
          "tendd.ini:2: listen: \"localhost:9188\" is no address to listen at (ADDRESS:PORT, where the address is a "
          "number, [IPv6]:PORT, or unix:/PATH)\n" },
        { "[metrics]\nlisten =\n", "tendd.ini:2: listen: the address is missing (ADDRESS:PORT, where the address is a "
                                   "number, [IPv6]:PORT, or unix:/PATH)\n" },
        { "[metrics]\nlisten = 127.0.0.1:1 127.0.0.1:1\n",
          "tendd.ini:2: listen: 127.0.0.1:1 is there twice (ADDRESS:PORT, where the address is a number, [IPv6]:PORT, or "
          "unix:/PATH)\n" },
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
        { "[task a]\nmanual = maybe\nevery = soon\nexpect-status = many\n",
          "tendd.ini:1: [task a] does not say what to do (command, shell, url, connect, resolve or path)\n"
          "tendd.ini:2: manual: \"maybe\" is no boolean (yes or no)\n"
          "tendd.ini:3: every: \"soon\" is no duration (a duration such as 1h 30min, from 10ms to 366d)\n"
          "tendd.ini:4: expect-status: \"many\" is no number (numbers and ranges such as 3-5, from 100 to 599)\n" },
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

int main(void) {
        Suite *suite = suite_create("config-mistakes");
        TCase *tcase = tcase_create("config-mistakes");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, mistakes_are_told, 0, (int)ARRAY_SIZE(mistakes));
        tcase_add_test(tcase, ten_mistakes_are_ten_lines);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
