/* SPDX-License-Identifier: MIT */
/* verbs: the table of verbs. */
#include "base/text.h"
#include "tendctl/verb.h"

#include <stdio.h>

#define ANY SIZE_MAX

static const struct verb verbs[] = {
        {
                .name = "status",
                .arguments = "",
                .summary = "how the daemon does: what is wrong first",
                .details = "Each line about something wrong ends with the command that explains it. Without a verb, "
                           "tendctl shows this.",
                .examples = "tendctl status           what is wrong, what is next\n"
                            "tendctl status -q        nothing printed: exits 1 when something is wrong\n",
                .options = { [STATUS_QUIET] = { "quiet", 'q', NULL, "print nothing; exit 1 when something is wrong" } },
                .run = verb_status,
        },
        {
                .name = "list",
                .arguments = "[TASK...]",
                .max = ANY,
                .summary = "tasks and groups, how each ended last, and when it is next",
                .details = "STATE is failing, stale, remnant (something is left of a run that cannot be ended), slow, "
                           "restarting, outdated, stopped or paused, as status tells of them. Several options widen "
                           "what is shown.",
                .examples = "tendctl list             all\n"
                            "tendctl list 'etl-*'     those whose names match\n"
                            "tendctl list --failing   those that are failing\n"
                            "tendctl list --state stale,slow\n",
                .options = { [LIST_FAILING] = { "failing", 'f', NULL, "only those that are failing" },
                             [LIST_PAUSED] = { "paused", 'p', NULL, "only those that are paused" },
                             [LIST_STATE] = { "state", 's', "STATE[,STATE...]", "only those that are so" } },
                .run = verb_list,
        },
        {
                .name = "show",
                .arguments = "TASK...",
                .min = 1,
                .max = ANY,
                .summary = "all of a task: settings, live runs, how the last one ended",
                .details = "Settings that are defaults are marked so.",
                .examples = "tendctl show backup\n"
                            "tendctl show 'etl-*' | grep timeout\n",
                .run = verb_show,
        },
        {
                .name = "tree",
                .arguments = "[TASK|RUN...]",
                .max = ANY,
                .summary = "the runs that live, each below its parent, and their processes",
                .examples = "tendctl tree             all\n"
                            "tendctl tree 'web*'      of tasks whose names match\n"
                            "tendctl tree etl#88      one run and what is below it\n",
                .options = { [TREE_NO_PROCESSES] = { "no-processes", 0, NULL, "only the runs" } },
                .run = verb_tree,
        },
        {
                .name = "why",
                .arguments = "TASK|RUN...",
                .min = 1,
                .max = ANY,
                .summary = "why a task or a run is as it is",
                .details =
                        "What it waits for and who holds it; of a run at work its last output and what each of its "
                        "processes is at: state, function of the kernel that it waits in, memory, processor time; which "
                        "bound fires next, how the last run ended, and when it is due.",
                .examples = "tendctl why backup\n"
                            "tendctl why etl#88/etl-load-orders\n",
                .run = verb_why,
        },
        {
                .name = "start",
                .arguments = "TASK...",
                .min = 1,
                .max = ANY,
                .summary = "start a run of each task",
                .details =
                        "A run waits for its limits, and for an earlier run of its task. A service that was stopped in "
                        "its group comes back there; one that is up is left alone. With --wait, tendctl exits "
                        "with the code of the command, else 124 after a timeout, 126 or 127 when it could not be run, "
                        "130 when the run was cancelled, 128+N after signal N, 1 after another failure, and 125 when "
                        "tendctl itself failed; of several runs, the first that was not ok decides. To interrupt tendctl does not "
                        "stop the run. With --resume, a group runs only those members that were not ok in RUN, an earlier "
                        "run of it; it may be one that the daemon died under. What a process of a run starts becomes a "
                        "child of that run, which is done only after it: it is stopped with it, also when it fails, and "
                        "no bound of it ends later; but a service is on its own. It is refused when it needs permits that "
                        "the run has, or would wait for its end.",
                .examples = "tendctl start backup               and do not wait\n"
                            "tendctl start --wait backup        wait, and show how it ended\n"
                            "tendctl start 'etl-*'              all that match and are enabled\n"
                            "tendctl start etl --resume etl#88  go on where that run broke\n",
                .options = { [START_WAIT] = { "wait", 'w', NULL, "wait for the end, and show it" },
                             [START_RESUME] = { "resume", 'r', "RUN",
                                                "only what was not ok in this run of the group" } },
                .run = verb_start,
        },
        {
                .name = "run",
                .arguments = "COMMAND [ARGUMENT...]",
                .min = 1,
                .max = ANY,
                .summary = "run a command under the daemon's rules, and wait for it",
                .details =
                        "It has this user and these groups, this environment, directory and umask, and reads and writes what "
                        "tendctl would; but it is in a session of its own, where no key of the terminal reaches it. Its bounds are those "
                        "of any task: without --timeout one attempt may take 1h, with `--timeout infinity` as long as it likes. "
                        "tendctl exits as `tendctl start --wait` does. To interrupt tendctl stops the run; a second time forces "
                        "it, a third leaves it to end. It ends, too, when tendctl goes, unless it was detached. With --user it gets that user's "
                        "environment, and works in /. Put -- before a command that begins with -.",
                .examples =
                        "tendctl run --limit api -- curl -fsS https://api.example.com/v1/7   paces its own calls\n"
                        "tendctl run -l db:2 --timeout 20min --retries 3 bin/load            with two permits of db\n"
                        "tendctl run --detach --name reindex bin/reindex                     goes on without tendctl\n",
                .options = { [RUN_DETACH] = { "detach", 'd', NULL,
                                              "print the run's name and go; output goes to the log" },
                             [RUN_GRACE] = { "grace", 0, "SPAN", "how long it may take to end [10s]" },
                             [RUN_LIMIT] = { "limit", 'l', "LIMIT[:N],...", "what it must hold while it works" },
                             [RUN_NAME] = { "name", 0, "NAME", "of its task [run]" },
                             [RUN_PRIORITY] = { "priority", 0, "N", "higher ones get permits first [0]" },
                             [RUN_QUEUE_TIMEOUT] = { "queue-timeout", 0, "SPAN",
                                                     "how long it may wait for permits [1h]" },
                             [RUN_RETRIES] = { "retries", 0, "N", "more attempts after one that failed [0]" },
                             [RUN_RETRY_DELAY] = { "retry-delay", 0, "SPAN..SPAN", "between them [1s..1min]" },
                             [RUN_TIMEOUT] = { "timeout", 't', "SPAN", "how long one attempt may take [1h]" },
                             [RUN_TOTAL_TIMEOUT] = { "total-timeout", 0, "SPAN",
                                                     "how long all may take, waits included [24h]" },
                             [RUN_USER] = { "user", 'u', "USER[:GROUP]", "as another user; for admins" } },
                .runs = true,
                .run = verb_run,
        },
        {
                .name = "map",
                .arguments = "COMMAND [ARGUMENT...]",
                .min = 1,
                .max = ANY,
                .summary = "run a command for each line of the input",
                .details =
                        "The line stands for {} in the words of the command, or behind them when there is none. Blank lines and "
                        "lines that begin with # are no items. As many as --concurrency are at work at once; the input is read "
                        "only as fast as they end. Commands run as with `tendctl run`, but have nothing to read. On a terminal a "
                        "bar shows how far it is; at the end comes what failed, by kind, and how long items took. Exits 0 when all "
                        "were ok, 1 when more failed than --items-may-fail, else as `tendctl run`.",
                .examples = "tendctl map -c 50 --timeout 5s -- curl -fsSo /dev/null {} < urls\n"
                            "tendctl map --retries 1 -- flac --silent < recordings\n"
                            "tendctl map --limit api --items-may-fail 1% bin/sync < ids\n",
                .options = { [MAP_CONCURRENCY] = { "concurrency", 'c', "N", "items at work at once [number of CPUs]" },
                             [MAP_GRACE] = { "grace", 0, "SPAN", "how long one may take to end [10s]" },
                             [MAP_ITEMS_MAY_FAIL] = { "items-may-fail", 0, "N|N%", "so many may fail [0]" },
                             [MAP_LIMIT] = { "limit", 'l', "LIMIT[:N],...", "what each must hold while it works" },
                             [MAP_NAME] = { "name", 0, "NAME", "of its task [map]" },
                             [MAP_ON_ITEM_FAILURE] = { "on-item-failure", 0, "WORD",
                                                       "continue, or cancel: end when too many have failed [continue]" },
                             [MAP_PRIORITY] = { "priority", 0, "N", "higher ones get permits first [0]" },
                             [MAP_QUEUE_TIMEOUT] = { "queue-timeout", 0, "SPAN",
                                                     "how long one may wait for permits [1h]" },
                             [MAP_RETRIES] = { "retries", 0, "N", "more attempts after one that failed [0]" },
                             [MAP_RETRY_DELAY] = { "retry-delay", 0, "SPAN..SPAN", "between them [1s..1min]" },
                             [MAP_TIMEOUT] = { "timeout", 't', "SPAN",
                                               "how long one attempt of an item may take [1h]" },
                             [MAP_TOTAL_TIMEOUT] = { "total-timeout", 0, "SPAN", "how long all may take [24h]" },
                             [MAP_USER] = { "user", 'u', "USER[:GROUP]", "as another user; for admins" } },
                .runs = true,
                .run = verb_map,
        },
        {
                .name = "stop",
                .arguments = "TASK|RUN...",
                .min = 1,
                .max = ANY,
                .summary = "ask runs to end",
                .details =
                        "A run is asked with its stop-signal, and forced after its grace. A service stays down until "
                        "`tendctl start`: in a group, it is kept down in its place, and the group goes on. Returns "
                        "at once; `tendctl wait` waits.",
                .examples = "tendctl stop backup              all its runs\n"
                            "tendctl stop etl#88/etl-load     one member of a group\n"
                            "tendctl stop --force backup#41   without its grace\n",
                .options = { [STOP_FORCE] = { "force", 'f', NULL, "do not wait for the grace" },
                             [STOP_REASON] = { "reason", 'r', "TEXT", "kept with the outcome, and logged" } },
                .run = verb_stop,
        },
        {
                .name = "restart",
                .arguments = "TASK|RUN...",
                .min = 1,
                .max = ANY,
                .summary = "restart services, and wait until they are ready",
                .details =
                        "Of a group, all its services. Those whose `ready` is other than exec are restarted one after "
                        "the other, each when the one before is ready; when it fails, those after it are left as they "
                        "are. A service that is down is started when it is named. Exits 1 when one did not become "
                        "ready. To interrupt tendctl leaves the rest as they are.",
                .examples = "tendctl restart web               all instances, one by one\n"
                            "tendctl restart web@2             one instance\n"
                            "tendctl restart --no-wait 'w*'    all at once\n",
                .options = { [RESTART_NO_WAIT] = { "no-wait", 0, NULL, "restart all at once, and do not wait" } },
                .run = verb_restart,
        },
        {
                .name = "signal",
                .arguments = "TASK|RUN... SIGNAL",
                .min = 2,
                .max = ANY,
                .summary = "send a signal to all processes of runs",
                .details = "SIGNAL is a name, HUP or SIGHUP, or a number.",
                .examples = "tendctl signal web HUP            to everything that web runs\n"
                            "tendctl signal --main web@2 USR1  to one main process\n",
                .options = { [SIGNAL_MAIN] = { "main", 'm', NULL, "to the main process of each run alone" } },
                .run = verb_signal,
        },
        {
                .name = "extend",
                .arguments = "TASK|RUN... [SPAN]",
                .min = 1,
                .max = ANY,
                .summary = "give runs more time",
                .details =
                        "Moves the bound that would end the run next, but not past the bounds of the groups it is in. "
                        "A run that is being stopped gets no more time. With --until in place of SPAN, up to T, a time: 18:00, "
                        "'tomorrow 06:00', '2025-03-30 02:30'; a bound that is later stays.",
                .examples = "tendctl extend backfill 2h             every run of backfill\n"
                            "tendctl extend backup --until 06:00    whatever is left of its time\n"
                            "tendctl extend etl#88/load 10min       one member of a group\n"
                            "tendctl extend -p etl#88/load 10min    and its group too, if that is in the way\n",
                .options = { [EXTEND_PARENTS] = { "parents", 'p', NULL, "move what is in the way above it, too" },
                             [EXTEND_UNTIL] = { "until", 'u', "T", "up to then, in place of a span" } },
                .run = verb_extend,
        },
        {
                .name = "wait",
                .arguments = "[TASK|RUN...]",
                .max = ANY,
                .summary = "wait until runs have ended, and show how, or for another state",
                .details =
                        "Exits 1 when one of them was not ok, and 124 at --timeout. A task of which nothing runs is answered with "
                        "its last run. WHAT is one of: done [default]; started; ready, of a service; ok, the last run was; "
                        "failing; recovered, not failing; and without names idle, when nothing but services is at work or queued. What "
                        "is so already is not waited for.",
                .examples = "tendctl wait backup                        and show how it ended\n"
                            "tendctl wait etl#88\n"
                            "tendctl wait web --for ready --timeout 1min\n"
                            "tendctl wait 'check-*' --for recovered\n"
                            "tendctl wait --for idle                    nothing is at work\n",
                .options = { [WAIT_FOR] = { "for", 0, "WHAT", "another state than done" },
                             [WAIT_TIMEOUT] = { "timeout", 't', "SPAN", "no longer than that; then exit 124" } },
                .run = verb_wait,
        },
        {
                .name = "pause",
                .arguments = "[TASK|LIMIT...]",
                .max = ANY,
                .summary = "do not follow the triggers of tasks, until they are resumed",
                .details =
                        "Runs that are at work go on; operators, hooks and groups start a paused task all the same. It stays "
                        "paused when the daemon is started anew, and what came due meanwhile is not caught up. With --all, all "
                        "triggers, also on-start and those of tasks that come later. With --limits, the names are those of "
                        "limits: one that is paused grants nothing, and who holds its permits keeps them.",
                .examples = "tendctl pause backup\n"
                            "tendctl pause -r 'disk is being replaced' 'backup*'\n"
                            "tendctl pause --all       nothing starts by itself any more\n"
                            "tendctl pause -l db       nothing begins that needs the limit db\n",
                .options = { [PAUSE_ALL] = { "all", 'a', NULL, "all triggers of all tasks" },
                             [PAUSE_LIMITS] = { "limits", 'l', NULL, "the names are those of limits" },
                             [PAUSE_REASON] = { "reason", 'r', "TEXT", "shown, and logged" } },
                .run = verb_pause,
        },
        {
                .name = "resume",
                .arguments = "[TASK|LIMIT...]",
                .max = ANY,
                .summary = "follow the triggers of paused tasks again",
                .examples = "tendctl resume backup\n"
                            "tendctl resume '*'       all tasks that are paused themselves\n"
                            "tendctl resume --all     what pause --all has paused\n"
                            "tendctl resume -l db     the limit db\n",
                .options = { [RESUME_ALL] = { "all", 'a', NULL, "all triggers: ends pause --all" },
                             [RESUME_LIMITS] = { "limits", 'l', NULL, "the names are those of limits" } },
                .run = verb_resume,
        },
        {
                .name = "reload",
                .arguments = "",
                .summary = "read the configuration anew, and go over to it",
                .details =
                        "Returns when that is done, and exits 1 when the files were refused: then nothing is changed, and "
                        "all mistakes are shown. Only what has changed is touched: what runs goes on as it began, and "
                        "services that are gone are stopped. Services that have changed run on, and are listed until "
                        "they are restarted.",
                .examples = "tendctl reload\n"
                            "tendctl reload --dry-run            only show what would be changed\n"
                            "tendctl reload --restart-changed    and restart the services that need it\n",
                .options = { [RELOAD_DRY_RUN] = { "dry-run", 'n', NULL, "change nothing" },
                             [RELOAD_RESTART_CHANGED] = { "restart-changed", 0, NULL,
                                                          "restart services that run by an earlier configuration" } },
                .run = verb_reload,
        },
        {
                .name = "diff",
                .arguments = "",
                .summary = "what a reload would change",
                .details = "Exits 0 when that is nothing, 1 when something differs, 2 when the files would be refused.",
                .examples = "tendctl diff\n",
                .run = verb_diff,
        },
        {
                .name = "history",
                .arguments = "[TASK...|RUN]",
                .max = ANY,
                .summary = "how runs ended, and what was not run and why",
                .details =
                        "The latest first. An occurrence that was not run has its reason; what the store could not keep is "
                        "a gap. Of one task also how many of its runs were ok, how long they took, and bars of the last "
                        "ones, the newest on the right, in which a cross is a failure. Of one run its outcome tree and the "
                        "end of its output. T is a time: yesterday, '2025-03-30 02:30', 2h (ago), @SECONDS.",
                .examples = "tendctl history                            the latest of all tasks\n"
                            "tendctl history backup --since yesterday   did it run last night?\n"
                            "tendctl history -f --since 7d 'etl-*'      what failed in the last week\n"
                            "tendctl history backup#41                  one run\n",
                .options = { [HISTORY_FAILED] = { "failed", 'f', NULL, "only runs that failed or were interrupted" },
                             [HISTORY_HOOKS] = { "hooks", 0, NULL, "also runs that are hooks" },
                             [HISTORY_LINES] = { "lines", 'n', "N", "at most the latest N [20 without a time]" },
                             [HISTORY_SINCE] = { "since", 's', "T", "begun or due then or later" },
                             [HISTORY_UNTIL] = { "until", 'u', "T", "begun or due before" } },
                .run = verb_history,
        },
        {
                .name = "next",
                .arguments = "[TASK...]",
                .max = ANY,
                .summary = "what is due when",
                .details =
                        "In the order of time: of all tasks the next time that each is due, of those that are named all "
                        "times. Told is when it is started, with the delay of splay and jitter; times are those of this "
                        "terminal's zone, and of the task's as well where they differ. What starts at no known time comes last. T is "
                        "a time: tomorrow, 18:30, '2025-03-30 02:30', 2h, @SECONDS.",
                .examples = "tendctl next                     what is due next\n"
                            "tendctl next --all --until 06:00 everything until then\n"
                            "tendctl next -n 5 cert-renew     the next five times of one task\n",
                .options = { [NEXT_ALL] = { "all", 'a', NULL, "all times of each task, not only its next" },
                             [NEXT_LINES] = { "lines", 'n', "N", "at most N, up to 1000 [20]" },
                             [NEXT_UNTIL] = { "until", 'u', "T", "what is due until then" } },
                .run = verb_next,
        },
        {
                .name = "calendar",
                .arguments = "EXPR",
                .min = 1,
                .max = 1,
                .summary = "when an expression of `calendar` or `cron` elapses",
                .details =
                        "No daemon is needed. EXPR, quoted, is read as `cron` when it has five words or begins with @ and "
                        "a letter, else as `calendar`. The zone at its end goes before --zone. Shown are what "
                        "clocks there will show, UTC, and how long until then; and where clocks skip a time or show it "
                        "twice.",
                .examples = "tendctl calendar 'Mon..Fri 02:30'\n"
                            "tendctl calendar '*/5 2 * * 1-5' --zone Europe/Berlin\n"
                            "tendctl calendar '*-02-29' --from 2096-01-01 -n 2\n",
                .options = { [CALENDAR_FROM] = { "from", 'f', "T",
                                                 "begin later than T, as clocks of the zone show it [now]" },
                             [CALENDAR_LINES] = { "lines", 'n', "N", "show N, at most 1000 [5]" },
                             [CALENDAR_ZONE] = { "zone", 'z', "ZONE", "the time zone [that of this machine]" } },
                .run = verb_calendar,
        },
        {
                .name = "limits",
                .arguments = "[LIMIT...]",
                .max = ANY,
                .summary = "permits: who holds them, and who waits",
                .details =
                        "With an option, other numbers of one limit are put in force, until a reload changes its section, the "
                        "daemon ends, or --reset. Nobody loses permits that it holds.",
                .examples = "tendctl limits                 all\n"
                            "tendctl limits db              one, with holders and waiters\n"
                            "tendctl limits db --permits 2  no more than two from now on\n"
                            "tendctl limits db --reset      as it is configured\n",
                .options = { [LIMITS_PERMITS] = { "permits", 0, "N", "how many there are" },
                             [LIMITS_RATE] = { "rate", 0, "N/SPAN", "how many may start: 10/s, 5/10min" },
                             [LIMITS_RESET] = { "reset", 0, NULL, "what is configured" } },
                .run = verb_limits,
        },
        {
                .name = "pools",
                .arguments = "[POOL...]",
                .max = ANY,
                .summary = "threads for work that blocks",
                .details =
                        "With an option, other numbers of one pool are put in force, until a reload changes its section, the "
                        "daemon ends, or --reset. Threads that are too many end when they are idle.",
                .examples = "tendctl pools\n"
                            "tendctl pools default --threads 8\n"
                            "tendctl pools default --reset\n",
                .options = { [POOLS_THREADS] = { "threads", 0, "N", "how many do the work" },
                             [POOLS_SPARE_THREADS] = { "spare-threads", 0, "N", "how many may replace stuck ones" },
                             [POOLS_QUEUE_MAX] = { "queue-max", 0, "N", "how many jobs may wait" },
                             [POOLS_RESET] = { "reset", 0, NULL, "what is configured" } },
                .run = verb_pools,
        },
        {
                .name = "events",
                .arguments = "[TASK|RUN...]",
                .max = ANY,
                .summary = "what happened lately, or what happens",
                .details = "With --follow, tendctl goes on when the daemon is started anew, and says what is lost.",
                .examples = "tendctl events                    the latest\n"
                            "tendctl events -f                 as they come\n"
                            "tendctl events -f -n 10 'etl-*'   of tasks whose names match\n"
                            "tendctl events -f etl#88          of a run and what is below it\n"
                            "tendctl events -f --failed        only what goes wrong\n"
                            "tendctl events -k run-done,phase  of these kinds\n",
                .options = { [EVENTS_FOLLOW] = { "follow", 'f', NULL, "show what happens, until interrupted" },
                             [EVENTS_LINES] = { "lines", 'n', "N", "begin with the latest N, at most 256" },
                             [EVENTS_KINDS] = { "kinds", 'k', "KIND,...", "only of these kinds" },
                             [EVENTS_FAILED] = { "failed", 'F', NULL, "only what went wrong" } },
                .run = verb_events,
        },
        {
                .name = "logs",
                .arguments = "[TASK|RUN...]",
                .max = ANY,
                .summary = "what tasks printed, and what became of them",
                .details =
                        "From the journal: the lines of their commands and what tendd says of them, in the order of time; "
                        "of a group also of its members. Without names, everything that tendd has logged. Where the "
                        "journal has nothing, the log file of the task, or the end of what its recent runs printed. T is "
                        "a time: yesterday, '2025-03-30 02:30', 2h (ago), @SECONDS.",
                .examples = "tendctl logs backup                    the latest lines of a task\n"
                            "tendctl logs backup#41                 one run, and what is below it\n"
                            "tendctl logs -f 'worker-*'             what those that match print, as it comes\n"
                            "tendctl logs --since yesterday etl     of a group and its members\n",
                .options = { [LOGS_FOLLOW] = { "follow", 'f', NULL, "go on with what comes, until interrupted" },
                             [LOGS_LINES] = { "lines", 'n', "N", "the latest N [100; with -f 10; with --since all]" },
                             [LOGS_SINCE] = { "since", 's', "T", "logged then or later" } },
                .run = verb_logs,
        },
        {
                .name = "timeline",
                .arguments = "[TASK...]",
                .max = ANY,
                .summary = "the runs of a day as a chart",
                .details =
                        "A row for each task, members below their groups, in the order of their first runs. What is not ok is a "
                        "letter: F failed, T timeout, I interrupted, C cancelled, N never-started, S skipped, ! not run. With "
                        "--svg it is a picture.",
                .examples = "tendctl timeline                              since this time yesterday\n"
                            "tendctl timeline backup -s 7d                 with its members, if it is a group\n"
                            "tendctl timeline -s yesterday -u today        yesterday\n"
                            "tendctl timeline 'etl-*' --svg night.svg      as a picture for a browser\n",
                .options = { [TIMELINE_SINCE] = { "since", 's', "T", "from then on [24h before the end]" },
                             [TIMELINE_SVG] = { "svg", 0, "FILE", "write it as a picture; -: to stdout" },
                             [TIMELINE_UNTIL] = { "until", 'u', "T", "until then [now]" } },
                .run = verb_timeline,
        },
        {
                .name = "top",
                .arguments = "",
                .summary = "a console: tasks, runs, limits, pools, and what is due",
                .details =
                        "Keys move, order and filter the rows, and start, stop, restart, pause and extend what is selected, after "
                        "a question; ? tells them all. What runs is drawn against how long it usually takes. With --json, "
                        "what is on all screens is printed once.",
                .examples = "tendctl top                         until q\n"
                            "tendctl top --view runs -i 5s       what runs, looked at each five seconds\n"
                            "tendctl top --once --view limits    one screen, for a script\n",
                .options = { [TOP_INTERVAL] = { "interval", 'i', "SPAN", "how often to look: 100ms to 1h [1s]" },
                             [TOP_ONCE] = { "once", 0, NULL, "print one screen, and end" },
                             [TOP_VIEW] = { "view", 'v', "VIEW", "tasks, runs, limits, pools or next" } },
                .run = verb_top,
        },
        {
                .name = "notify",
                .arguments = "",
                .summary = "say how a run does, from inside it",
                .details = "For what tendd runs: speaks to $NOTIFY_SOCKET, and returns when it was heard. Programs "
                           "may do the same themselves, with sd_notify(3).",
                .examples = "tendctl notify --ready                   with ready = notify\n"
                            "tendctl notify --progress \"$i/$n\"       shown by tendctl tree\n"
                            "tendctl notify --status 'copying users' --extend 10min\n",
                .options = { [NOTIFY_READY] = { "ready", 0, NULL, "the service is ready" },
                             [NOTIFY_STOPPING] = { "stopping", 0, NULL, "it is going to end" },
                             [NOTIFY_STATUS] = { "status", 0, "TEXT", "what it is at; empty: nothing" },
                             [NOTIFY_PROGRESS] = { "progress", 0, "A/B", "how much is done, of how much" },
                             [NOTIFY_WATCHDOG] = { "watchdog", 0, NULL, "it lives" },
                             [NOTIFY_EXTEND] = { "extend", 0, "SPAN", "it needs at least so much time from now" } },
                .run = verb_notify,
        },
        {
                .name = "shutdown",
                .arguments = "",
                .summary = "end the daemon, and wait until it is gone",
                .details =
                        "What SIGTERM does: no new run begins, and what runs is asked to stop within drain-timeout and "
                        "shutdown-timeout. With --when-idle, no trigger is followed and nothing can be started any more, "
                        "what runs or waits comes to its end however long that takes, and then services are stopped; until then another "
                        "shutdown can follow. A run that takes long is named. To interrupt tendctl does not take it back.",
                .examples = "tendctl shutdown               stop everything\n"
                            "tendctl shutdown --now         without any grace\n"
                            "tendctl shutdown --when-idle   when what runs now has ended\n",
                .options = { [SHUTDOWN_NOW] = { "now", 0, NULL, "skip every grace" },
                             [SHUTDOWN_WHEN_IDLE] = { "when-idle", 0, NULL, "when only services are left" },
                             [SHUTDOWN_NO_WAIT] = { "no-wait", 0, NULL, "do not wait until it is gone" } },
                .run = verb_shutdown,
        },
        {
                .name = "complete",
                .arguments = "-- WORD...",
                .min = 1,
                .max = ANY,
                .summary = "what may stand in place of the last WORD: for the completion of shells",
                .details =
                        "A line for each: the word, and behind a tab what it is. Without a word, what is behind the tab "
                        "names what the shell knows itself: files, commands, users.",
                .examples = "tendctl complete -- show back\n",
                .hidden = true,
                .run = verb_complete,
        },
};

const struct verb *verb_at(size_t index) {
        return index < ARRAY_SIZE(verbs) ? &verbs[index] : NULL;
}

const struct verb *verb_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
                if (streq(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

const char *verb_nearest(const char *name) {
        const char *names[ARRAY_SIZE(verbs)];
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
                if (!verbs[i].hidden)
                        names[n++] = verbs[i].name;
        return text_nearest(name, names, n);
}
