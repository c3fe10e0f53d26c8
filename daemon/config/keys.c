/* SPDX-License-Identifier: MIT */
/* keys: the table of all configuration keys, in the order in which the reference shows them. */
#include "config/keys.h"

#include "config/config.h"
#include "task/kind.h"

#define DAEMON(member)  .offset = offsetof(struct daemon_section, member)
#define ACCESS(member)  .offset = offsetof(struct access_section, member.words)
#define LIMIT(member)   .offset = offsetof(struct limit_section, limit.member)
#define POOL(member)    .offset = offsetof(struct pool_section, member)
#define STORE(member)   .offset = offsetof(struct store_section, member)
#define METRICS(member) .offset = offsetof(struct metrics_section, member)
#define TASK(member)    .offset = offsetof(struct task, member)
#define SERVICE(member, more)                                                                                          \
        .scope = KEY_SERVICE, .kind = &kind_exec, .flags = KEY_OF_SERVICE | (more),                                    \
        .offset = offsetof(struct service_part, member)
#define PART(k, member) .scope = KEY_KIND, .kind = &kind_##k, .offset = offsetof(struct k##_part, member)

#define TYPE(t) .type = &value_##t

#define HOUR (USEC_PER_HOUR)
#define DAY  (USEC_PER_DAY)
#define YEAR (366 * USEC_PER_DAY)

static const char *const log_targets[] = { "auto", "journal", "stderr", NULL };
static const char *const every_from[] = { "start", "end", NULL };
static const char *const on_shutdown[] = { "cancel", "wait", NULL };
static const char *const restarts[] = {
        [RESTART_NO] = "no",
        [RESTART_ON_FAILURE] = "on-failure",
        [RESTART_ALWAYS] = "always",
        [_RESTART_POLICY_MAX] = NULL,
};
static const char *const catch_ups[] = {
        [CATCH_UP_LATEST] = "latest",
        [CATCH_UP_NONE] = "none",
        [CATCH_UP_ALL] = "all",
        [_CATCH_UP_MAX] = NULL,
};
static const char *const on_interrupt[] = { "ignore", "rerun", NULL };
static const char *const on_item_failure[] = { "continue", "cancel", NULL };

static const struct key daemon_keys[] = {
        { "include", TYPE(words), .flags = KEY_READER, .example = "conf.d/*.ini",
          .help = "More files, read in the order of their names; paths are relative to the main file's directory, and "
                  "only the main file includes others." },
        { "state-dir", TYPE(path), DAEMON(state_dir), .flags = KEY_RESTART, .example = "/var/lib/tendd",
          .default_shown = "as systemd says, else /var/lib/tendd or the user's state directory",
          .help = "Where the daemon keeps what must survive a restart." },
        { "runtime-dir", TYPE(path), DAEMON(runtime_dir), .flags = KEY_RESTART, .example = "/run/tendd",
          .default_shown = "as systemd says, else /run/tendd or the user's runtime directory",
          .help = "Where the control socket is; one daemon at a time holds it." },
        { "max-running", TYPE(count), DAEMON(max_running), .min = 1, .max = 1000000, .default_value = "256",
          .help = "How many attempts of jobs may be at work at once; the others are queued. While a run is at work, one "
                  "attempt at a time below the runs that were started from inside of it goes on beside these." },
        { "shutdown-timeout", TYPE(duration), DAEMON(shutdown_timeout_usec), .max = DAY, .default_value = "30s",
          .help = "The longest wait for runs to end when the daemon stops; it caps every grace." },
        { "drain-timeout", TYPE(duration), DAEMON(drain_timeout_usec), .max = 7 * DAY, .default_value = "0s",
          .help = "How long runs of tasks with on-shutdown = wait may go on before that." },
        { "loop-warn", TYPE(duration), DAEMON(loop_warn_usec), .min = USEC_PER_MSEC, .max = USEC_PER_MINUTE,
          .default_value = "100ms", .help = "A callback of the event loop that takes longer is logged by its name." },
        { "loop-realtime", TYPE(bool), DAEMON(loop_realtime), .flags = KEY_RESTART, .default_value = "no",
          .help = "Runs the event loop with real-time priority where that is allowed." },
        { "log-level", TYPE(log_level), DAEMON(log_level), .default_value = "info",
          .help = "The least important records that are logged." },
        { "log-target", TYPE(choice), DAEMON(log_target), .choices = log_targets, .flags = KEY_RESTART,
          .default_value = "auto", .help = "Where records go; auto takes the journal when stderr is connected to it." },
        { "timezone", TYPE(zone), DAEMON(timezone), .default_shown = "the machine's own, /etc/localtime",
          .example = "Europe/Berlin", .help = "Whose clocks calendar and cron follow where tasks do not say." },
        { "catch-up-delay", TYPE(duration), DAEMON(catch_up_delay_usec), .max = DAY, .default_value = "1min",
          .help = "How long after its start what was missed before is caught up, four tasks at a time." },
        { "shell", TYPE(path), DAEMON(shell), .example = "/bin/bash",
          .default_shown = "/bin/bash where it exists, else /bin/sh",
          .help = "What runs the texts of shell keys: bash with -eo pipefail -c, another with -ec." },
        { "cgroup", TYPE(cgroup), DAEMON(cgroup), .flags = KEY_RESTART, .default_value = "auto",
          .help = "Where the control groups of runs are made: in the daemon's own where cgroup2 can be written, nowhere, "
                  "or in this directory, where a container or a test has another." },
        { "hook-queue", TYPE(count), DAEMON(hook_queue), .min = 1, .max = 1000000, .default_value = "1000",
          .help = "How many hooks may wait; more are dropped and counted." },
};

static const struct key access_keys[] = {
        { "view", TYPE(principals), ACCESS(view), .example = "group:users", .default_shown = "nobody",
          .help = "Who may ask how everything is, and follow what happens and what is printed." },
        { "operate", TYPE(principals), ACCESS(operate), .example = "group:ops user:deploy", .default_shown = "nobody",
          .help = "Who may also start, stop, restart, signal, pause and resume, give more time, set limits and pools, and run "
                  "commands as themselves." },
        { "admin", TYPE(principals), ACCESS(admin), .example = "user:alice",
          .default_shown = "nobody but root and the daemon's own user",
          .help = "Who may do everything, also reload, and run commands as any user: where the daemon is root, they are as good as "
                  "root." },
};

static const struct key limit_keys[] = {
        { "permits", TYPE(count), LIMIT(permits), .min = 1, .max = LIMIT_PERMITS_MAX,
          .default_shown = "unlimited; needed unless rate is set", .example = "4",
          .help = "How many of these can be held at once." },
        { "rate", TYPE(rate), .offset = offsetof(struct limit_section, limit), .min = 1, .max = 1000000,
          .default_shown = "none", .example = "10/s", .help = "How many attempts may start in a span of time." },
        { "burst", TYPE(count), LIMIT(burst), .min = 1, .max = 1000000, .default_value = "1",
          .help = "How many may start at once after a pause, when there is a rate." },
        { "max-waiting", TYPE(count), LIMIT(max_waiting), .min = 1, .max = 1000000, .default_value = "1000",
          .help = "How many may wait; one more is refused, and a fan-out pauses instead." },
};

static const struct key pool_keys[] = {
        { "threads", TYPE(count), POOL(threads), .min = 1, .max = 1024, .default_value = "4",
          .help = "How many threads do blocking work." },
        { "spare-threads", TYPE(count), POOL(spare_threads), .max = 1024, .default_value = "4",
          .help = "How many threads may replace stuck ones; then the pool is degraded." },
        { "queue-max", TYPE(count), POOL(queue_max), .min = 1, .max = 1000000, .default_value = "1000",
          .help = "How many jobs may wait for a thread." },
};

static const struct key store_keys[] = {
        { "path", TYPE(path), STORE(path), .flags = KEY_RESTART, .example = "/srv/tendd/state.db",
          .default_shown = "state.db in the state directory", .help = "The database." },
        { "keep", TYPE(duration), STORE(keep_usec), .min = USEC_PER_MINUTE, .max = USEC_INFINITY,
          .default_value = "30d", .help = "How long the history is kept: of a run, since its end." },
        { "keep-runs", TYPE(count64), STORE(keep_runs), .min = 1, .max = UINT64_MAX, .default_value = "infinity",
          .help = "How many runs the history keeps, all tasks together, and how many rows of what did not run; the oldest go "
                  "first." },
};

static const struct key metrics_keys[] = {
        { "listen", TYPE(listen), METRICS(listen), .default_shown = "nowhere", .example = "127.0.0.1:9188",
          .help = "Where metrics and health are served over HTTP: numeric addresses with their ports, [::1]:9188 for IPv6, and "
                  "unix:PATH for sockets. Whoever can connect may read them." },
        { "max-tasks", TYPE(count), METRICS(max_tasks), .max = 100000, .default_value = "1000",
          .help = "How many tasks, the first in the order of their names, have metrics of their own; the others are "
                  "counted together." },
};

static const struct key task_keys[] = {
        /* What */
        { "description", TYPE(string), TASK(description), .topic = "What", .flags = KEY_WHOLE | KEY_EACH,
          .example = "nightly dump", .help = "A line for people." },
        { "enabled", TYPE(bool), TASK(enabled), .topic = "What", .flags = KEY_WHOLE | KEY_EACH, .default_value = "yes",
          .help = "With no, nothing starts it." },
        { "use", TYPE(name), .flags = KEY_READER, .topic = "What", .example = "backup",
          .help = "Takes what is not written here from [defaults NAME], and then from [defaults]." },
        { "type", TYPE(type_of_task), .scope = KEY_TASKS, .topic = "What", .example = "exec",
          .default_shown = "from the keys: command or shell, url, connect, resolve, path",
          .help = "How the task does its work." },
        { "pool", TYPE(name), .scope = KEY_TASKS, TASK(pool_name), .topic = "What", .default_shown = "default",
          .example = "disks", .help = "Which threads do the blocking parts of its work." },

        /* exec */
        { "command", TYPE(command), PART(exec, command), .topic = "Commands", .flags = KEY_ITEM | KEY_COMMAND_LINE,
          .example = "/usr/local/bin/import \"two words\"",
          .help = "A program and its arguments. No shell reads them." },
        { "shell", TYPE(text), PART(exec, shell), .topic = "Commands", .flags = KEY_COMMAND_LINE,
          .example = "pg_dump app | gzip > /srv/app.gz",
          .help = "Instead of command: a text for the shell, which gets items as $TENDD_ITEM." },
        { "user", TYPE(user), PART(exec, user), .topic = "Commands",
          .default_shown = "the daemon's; a daemon that is root needs it written", .example = "app",
          .help = "As whom it runs, by name or number, with the groups of that user, which are looked up again after a second. Others than root get a session keyring of their own." },
        { "directory", TYPE(path), PART(exec, directory), .topic = "Commands", .flags = KEY_NUMBER,
          .default_shown = "/", .example = "/srv/app", .help = "Where it runs." },
        { "env", TYPE(env), PART(exec, env), .topic = "Commands", .flags = KEY_ITEM | KEY_SECRET, .example = "LANG=C",
          .help = "Variables for it, one a line." },
        { "env-file", TYPE(path), PART(exec, env_file), .topic = "Commands", .flags = KEY_NUMBER,
          .example = "/etc/app/env", .help = "A file of NAME=VALUE lines, read at each start; env wins over it." },
        { "umask", TYPE(octal), PART(exec, umask), .topic = "Commands", .max = 0777, .example = "0027",
          .default_shown = "the daemon's", .help = "Which permissions new files do not get." },
        { "nice", TYPE(integer), PART(exec, nice), .topic = "Commands", .min = (uint64_t)-20, .max = 19,
          .default_value = "0", .help = "The higher, the less of the processor it takes from others." },
        { "stdin", TYPE(stdin), PART(exec, stdin_path), .topic = "Commands", .flags = KEY_NUMBER,
          .default_value = "null", .help = "Where it reads from." },
        { "output", TYPE(output), PART(exec, output), .topic = "Commands", .flags = KEY_ITEM, .default_value = "log",
          .help = "Where its output goes: line by line to the log, nowhere, or to the end of a file." },
        { "log-rate", TYPE(log_rate), PART(exec, log_rate), .topic = "Commands", .min = 1, .max = 1000000000,
          .default_value = "300000/30s",
          .help = "How many lines of its output are logged in a span of time; those beyond are counted, and told." },
        { "success-exit", TYPE(exit_codes), PART(exec, success_exit), .topic = "Commands", .max = 255,
          .default_value = "0", .help = "Which exit codes are no failure." },
        { "stop-signal", TYPE(signal), PART(exec, stop_signal), .topic = "Commands", .default_value = "TERM",
          .help = "Asks its processes to end; those that are left after grace are killed." },
        { "no-new-privileges", TYPE(bool), PART(exec, no_new_privileges), .topic = "Commands", .default_value = "no",
          .help = "Makes set-user-ID programs run without their privileges." },
        { "nofile", TYPE(count64), PART(exec, nofile), .topic = "Commands", .min = 16, .max = 1 << 30,
          .default_shown = "as the daemon was started with", .example = "4096",
          .help = "How many descriptors it may have open." },
        { "core", TYPE(size), PART(exec, core), .topic = "Commands", .max = UINT64_MAX, .default_shown = "the daemon's",
          .example = "0", .help = "The largest core file." },
        { "memory-max", TYPE(size_bound), PART(exec, memory_max), .topic = "Commands", .min = 64 * 1024,
          .max = UINT64_C(1) << 60, .default_shown = "infinity", .example = "512M",
          .help = "How much memory its processes may have together; the kernel kills them beyond." },
        { "cpu-max", TYPE(cpu_bound), PART(exec, cpu_max), .topic = "Commands", .min = 1, .max = 1000000,
          .default_shown = "infinity", .example = "150%",
          .help = "How much processor time they may take together, in percent of one processor." },
        { "pids-max", TYPE(count_bound), PART(exec, pids_max), .topic = "Commands", .min = 1, .max = 1 << 22,
          .default_shown = "infinity", .example = "100", .help = "How many processes and threads there may be." },

        /* http */
        { "url", TYPE(url), PART(http, url), .topic = "HTTP", .flags = KEY_ITEM | KEY_SECRET,
          .example = "https://example.com/health", .help = "What is requested." },
        { "method", TYPE(method), PART(http, method), .topic = "HTTP", .default_shown = "GET, or POST with a body",
          .example = "HEAD", .help = "The method of the request." },
        { "header", TYPE(header), PART(http, header), .topic = "HTTP", .flags = KEY_ITEM | KEY_SECRET,
          .example = "Accept: application/json", .help = "Headers of the request, one a line." },
        { "body", TYPE(text), PART(http, body), .topic = "HTTP", .flags = KEY_ITEM | KEY_SECRET,
          .example = "{\"text\": \"{task} {outcome}: {detail}\"}", .help = "What is sent." },
        { "expect-status", TYPE(statuses), PART(http, expect_status), .topic = "HTTP", .min = 100, .max = 599,
          .default_value = "200-299", .help = "Which statuses are no failure." },
        { "expect-body", TYPE(string), PART(http, expect_body), .topic = "HTTP", .example = "ok",
          .help = "A text that must be in the answer." },
        { "max-body", TYPE(size), PART(http, max_body), .topic = "HTTP", .min = 1, .max = UINT64_C(1) << 50,
          .default_value = "1M", .help = "A larger answer is a failure." },
        { "save-to", TYPE(path), PART(http, save_to), .topic = "HTTP", .example = "/srv/data/rates.json",
          .help = "Writes the answer to a temporary file that takes this one's place when it is whole." },
        { "follow-redirects", TYPE(bool), PART(http, follow_redirects), .topic = "HTTP", .default_value = "no",
          .help = "Follows up to ten redirects." },
        { "ca-file", TYPE(path), PART(http, ca_file), .topic = "HTTP", .default_shown = "the system's",
          .example = "/etc/ssl/internal-ca.pem", .help = "The certificates that are trusted." },
        { "verify-tls", TYPE(bool), PART(http, verify_tls), .topic = "HTTP", .default_value = "yes",
          .help = "Whether the peer's certificate must be valid for its name." },
        { "connect-timeout", TYPE(duration), PART(http, connect_timeout_usec), .topic = "HTTP", .min = USEC_PER_MSEC,
          .max = USEC_INFINITY, .default_value = "infinity",
          .help = "The part of timeout in which a connection must stand." },
        { "user-agent", TYPE(string), PART(http, user_agent), .topic = "HTTP", .default_shown = "tendd and its version",
          .example = "monitor/1", .help = "What the request says of its sender." },
        { "proxy", TYPE(string), PART(http, proxy), .topic = "HTTP", .flags = KEY_SECRET, .default_shown = "none",
          .example = "http://proxy.internal:3128",
          .help = "The proxy to go through; the environment's variables are not read." },

        /* tcp */
        { "connect", TYPE(address), PART(tcp, connect), .topic = "TCP", .flags = KEY_ITEM,
          .example = "db.internal:5432", .help = "What is connected to: HOST:PORT or unix:/PATH." },
        { "send", TYPE(text), PART(tcp, send), .topic = "TCP", .flags = KEY_SECRET, .example = "PING\\r\\n",
          .help = "What is sent; \\r \\n \\t \\\\ and \\xHH stand for bytes." },
        { "expect", TYPE(string), PART(tcp, expect), .topic = "TCP", .example = "+PONG",
          .help = "A text that must come back; without it a connection is enough." },
        { "tls", TYPE(bool), PART(tcp, tls), .topic = "TCP", .default_value = "no",
          .help = "Speaks TLS, and verifies the peer." },
        { "ca-file", TYPE(path), PART(tcp, ca_file), .topic = "TCP", .default_shown = "the system's",
          .example = "/etc/ssl/internal-ca.pem", .help = "The certificates that are trusted." },

        /* dns */
        { "resolve", TYPE(string), PART(dns, resolve), .topic = "DNS", .flags = KEY_ITEM, .example = "example.com",
          .help = "The name whose addresses are asked for." },
        { "expect", TYPE(words), PART(dns, expect), .topic = "DNS", .example = "192.0.2.1 192.0.2.2",
          .help = "Addresses that must be among them." },

        /* file */
        { "path", TYPE(item_path), PART(file, path), .topic = "Files", .flags = KEY_ITEM,
          .example = "/srv/backup/app.dump", .help = "The file or directory that must be there." },
        { "max-age", TYPE(duration), PART(file, max_age_usec), .topic = "Files", .min = USEC_PER_SEC,
          .max = USEC_INFINITY, .default_value = "infinity", .help = "How long ago it may have been changed." },
        { "min-size", TYPE(size), PART(file, min_size), .topic = "Files", .max = UINT64_C(1) << 60,
          .default_value = "0", .help = "How large it must be." },
        { "sha256", TYPE(sha256), PART(file, sha256), .topic = "Files",
          .example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", .help = "Its content's sum." },
        { "min-free", TYPE(size), PART(file, min_free), .topic = "Files", .max = UINT64_C(1) << 60,
          .default_value = "0", .help = "How much room its file system must have." },

        /* groups */
        { "members", TYPE(names), .scope = KEY_GROUPS, TASK(members), .topic = "Groups", .example = "dump upload prune",
          .help = "The tasks and groups that run as one." },
        { "policy", TYPE(policy), .scope = KEY_GROUPS, TASK(run.policy), .topic = "Groups", .min = 1, .max = 100000,
          .default_value = "all",
          .help = "all: the first failure cancels the others; settle: all run to their end; first: the first ok wins; "
                  "quorum:N: N oks win." },
        { "background", TYPE(names), .scope = KEY_GROUPS, TASK(background), .topic = "Groups", .example = "tunnel",
          .help = "Members that are cancelled when all others are done, and do not affect the outcome." },
        { "after", TYPE(names), TASK(after), .topic = "Groups", .flags = KEY_WHOLE, .example = "dump",
          .help = "Members of the same group that must be ok, or ready where they are services, before this one starts." },

        /* When */
        { "every", TYPE(duration), TASK(every_usec), .topic = "When", .flags = KEY_WHOLE, .min = 10 * USEC_PER_MSEC,
          .max = YEAR, .example = "5min", .help = "Starts it again and again, at a rate that does not drift." },
        { "every-from", TYPE(flag), TASK(every_from_end), .topic = "When", .flags = KEY_WHOLE, .choices = every_from,
          .default_value = "start", .help = "With end, the interval counts from the end of the last run." },
        { "calendar", TYPE(calendars), TASK(when), .topic = "When", .flags = KEY_WHOLE,
          .example = "Mon..Fri *-*-* 02:30",
          .help = "Starts it when a clock shows this; a time that is skipped when clocks are set forward runs once, at the "
                  "first instant after it, and one that comes twice when they are set back runs the first time." },
        { "cron", TYPE(crons), TASK(when), .topic = "When", .flags = KEY_WHOLE, .example = "*/5 2 * * 1-5",
          .help = "The same, written as in a crontab; where both days are restricted, one of them is enough." },
        { "timezone", TYPE(zone), TASK(timezone), .topic = "When", .flags = KEY_WHOLE, .example = "Europe/Berlin",
          .default_shown = "[daemon] timezone",
          .help = "Whose clocks calendar and cron follow, where an expression does not end with a zone itself." },
        { "watch", TYPE(watch), TASK(when), .topic = "When", .flags = KEY_WHOLE, .example = "/srv/inbox/*.csv",
          .help = "Starts it when a file that matches has been written and closed, or was moved or linked there, and at "
                  "the start if one is there; patterns, one a line. Directories on the way may have wildcards too, and may "
                  "come later. A file that is linked there, or written under another name, is asked for a lease, which the "
                  "kernel grants once nobody writes to it, if it is on a local disk and the daemon is root or owns it. The "
                  "task's for-each = glob: passes over files that are being written. What cannot be watched is "
                  "looked at each minute." },
        { "watch-settle", TYPE(settle), TASK(when), .topic = "When", .flags = KEY_WHOLE, .max = USEC_PER_HOUR,
          .default_shown = "1s", .example = "5s", .help = "How long nothing more may happen there before it starts." },
        { "jitter", TYPE(duration), TASK(jitter_usec), .topic = "When", .flags = KEY_WHOLE, .max = YEAR,
          .default_value = "0s", .help = "Delays each start by up to this, drawn anew each time." },
        { "splay", TYPE(duration), TASK(splay_usec), .topic = "When", .flags = KEY_WHOLE, .max = YEAR,
          .default_value = "0s", .help = "Delays each start by up to this, always the same on this machine." },
        { "on-start", TYPE(bool), TASK(on_start), .topic = "When", .flags = KEY_WHOLE, .default_value = "no",
          .help = "Starts it when the daemon starts." },
        { "manual", TYPE(bool), TASK(manual), .topic = "When", .flags = KEY_WHOLE, .default_value = "no",
          .help = "Says that only operators and hooks start it." },
        { "overlap", TYPE(overlap), TASK(overlap), .topic = "When", .flags = KEY_WHOLE, .min = 1, .max = 100000,
          .default_value = "skip", .default_shown = "skip; with watch, queue",
          .help = "What becomes of a start while it runs: none, one waits, it replaces the one that runs, or N run." },
        { "catch-up", TYPE(choice), TASK(catch_up), .topic = "When", .flags = KEY_WHOLE, .choices = catch_ups,
          .default_value = "latest",
          .help = "Which of the starts that were missed, because the daemon was down or the machine asleep, follow." },
        { "catch-up-max", TYPE(count), TASK(catch_up_max), .topic = "When", .flags = KEY_WHOLE, .min = 1, .max = 10000,
          .default_value = "100", .help = "How many, the newest, with catch-up = all." },
        { "catch-up-within", TYPE(duration), TASK(catch_up_within_usec), .topic = "When", .flags = KEY_WHOLE,
          .max = USEC_INFINITY, .default_value = "1d", .help = "How long ago they may have been due." },
        { "on-interrupt", TYPE(flag), TASK(rerun_interrupted), .topic = "When", .flags = KEY_WHOLE,
          .choices = on_interrupt, .default_value = "ignore",
          .help = "With rerun, another run follows at the next start of a daemon that died under one, of a group only of the "
                  "members that had not been ok; of many, as many as overlap lets be at work. Runs that others had "
                  "started from inside are left to those." },
        { "on-shutdown", TYPE(flag), TASK(run.drain), .topic = "When", .flags = KEY_WHOLE | KEY_EACH,
          .choices = on_shutdown, .default_value = "cancel",
          .help = "With wait, runs are given [daemon] drain-timeout." },

        /* Bounds */
        { "timeout", TYPE(duration), TASK(run.bounds[BOUND_TIMEOUT]), .topic = "Bounds", .flags = KEY_BOUND,
          .min = USEC_PER_MSEC, .max = USEC_INFINITY,
          .default_shown = "commands 1h, services and groups infinity, others 30s", .example = "15min",
          .help = "How long one attempt, or one item, may take." },
        { "total-timeout", TYPE(duration), TASK(run.bounds[BOUND_TOTAL_TIMEOUT]), .topic = "Bounds", .flags = KEY_BOUND,
          .min = USEC_PER_MSEC, .max = USEC_INFINITY, .default_value = "24h",
          .default_shown = "24h; services, and groups that hold one, infinity",
          .help = "How long a run may take, waits and retries included." },
        { "queue-timeout", TYPE(duration), TASK(run.bounds[BOUND_QUEUE_TIMEOUT]), .topic = "Bounds", .flags = KEY_BOUND,
          .min = USEC_PER_MSEC, .max = USEC_INFINITY, .default_value = "1h",
          .help = "How long an attempt may wait for permits." },
        { "start-timeout", TYPE(duration), .scope = KEY_TASKS, .kind = &kind_exec,
          TASK(run.bounds[BOUND_START_TIMEOUT]), .topic = "Bounds", .flags = KEY_BOUND | KEY_OF_SERVICE,
          .min = USEC_PER_MSEC, .max = USEC_INFINITY, .default_value = "1min 30s",
          .help = "How long an attempt of a service may take until it is ready." },
        { "idle-timeout", TYPE(duration), .scope = KEY_TASKS, .kind = &kind_exec, TASK(run.bounds[BOUND_IDLE_TIMEOUT]),
          .topic = "Bounds", .flags = KEY_BOUND, .min = USEC_PER_MSEC, .max = USEC_INFINITY,
          .default_value = "infinity", .help = "How long a command may go on without any output." },
        { "grace", TYPE(duration), TASK(run.grace_usec), .topic = "Bounds", .flags = KEY_WHOLE | KEY_EACH, .max = DAY,
          .default_value = "10s", .help = "How long a run that is stopped may take to end before it is forced." },
        { "retries", TYPE(count), TASK(run.retries), .topic = "Bounds", .max = 1000000, .default_value = "0",
          .help = "How many more attempts a failed one gets." },
        { "retry-delay", TYPE(delays), TASK(run.retry_delay_min_usec), .topic = "Bounds", .min = 0, .max = DAY,
          .default_value = "1s..1min",
          .help = "The wait before the first and at most before later ones; it doubles, give or take 20 %." },
        { "limit", TYPE(limits), .topic = "Bounds", .min = 1, .max = LIMIT_PERMITS_MAX, .example = "outbound db:2",
          .help = "What each attempt must hold while it works." },
        { "priority", TYPE(integer), TASK(run.priority), .topic = "Bounds", .min = (uint64_t)-1000, .max = 1000,
          .default_value = "0", .help = "Higher ones get permits first." },

        /* Services */
        { "restart", TYPE(choice), SERVICE(spec.restart, 0), .topic = "Services", .choices = restarts,
          .default_value = "no",
          .help = "With another word than no the task is a service: another attempt follows one that failed, or any." },
        { "restart-delay", TYPE(delays), SERVICE(spec.restart_delay_min_usec, 0), .topic = "Services", .min = 0,
          .max = DAY, .default_value = "1s..1min",
          .help = "The wait before the first restart and at most before later ones; it doubles, give or take 20 %, and "
                  "begins anew after 60s of readiness." },
        { "restart-limit", TYPE(restart_limit), SERVICE(spec, 0), .topic = "Services", .max = SERVICE_RESTARTS_MAX,
          .default_value = "5/10min", .help = "More restarts than this, and the service has failed." },
        { "ready", TYPE(ready), SERVICE(ready, KEY_NUMBER), .topic = "Services", .min = USEC_PER_MSEC, .max = DAY,
          .default_value = "exec",
          .help = "When it is ready: once its program runs, when it says so, when a line of its output matches, when an "
                  "address takes connections, or some time after its program runs." },
        { "watchdog", TYPE(duration_bound), SERVICE(watchdog_usec, 0), .topic = "Services", .min = 100 * USEC_PER_MSEC,
          .max = DAY, .default_shown = "infinity", .example = "30s",
          .help = "How long a ready one may be silent on its notify socket; it must send WATCHDOG=1 more often." },
        { "health", TYPE(name), SERVICE(health, 0), .topic = "Services", .example = "web-ping",
          .help = "A task with every that runs while this is ready; once it is failing, the attempt has failed." },
        { "critical", TYPE(bool), SERVICE(critical, 0), .topic = "Services", .default_value = "no",
          .help = "Its final failure ends the daemon, with its exit code." },
        { "instances", TYPE(count), SERVICE(instances, KEY_WHOLE), .topic = "Services", .min = 1, .max = 1000,
          .default_shown = "one, without a number", .example = "4",
          .help = "Makes it a group of so many, NAME@1 and so on; {n} stands for their number." },

        /* Fan-out */
        { "for-each", TYPE(for_each), .scope = KEY_TASKS, TASK(for_each), .topic = "Fan-out", .flags = KEY_COMMAND_LINE,
          .example = "lines:/etc/tendd/urls.txt", .help = "Runs once for each item, which {item} stands for." },
        { "concurrency", TYPE(count), .scope = KEY_TASKS, TASK(run.concurrency), .topic = "Fan-out",
          .flags = KEY_FAN_OUT, .min = 1, .max = 100000, .example = "10",
          .default_shown = "commands: the number of CPUs, others 50", .help = "How many items are worked on at once." },
        { "items-may-fail", TYPE(items_may_fail), .scope = KEY_TASKS, .topic = "Fan-out", .flags = KEY_FAN_OUT,
          .max = 1000000000, .default_value = "0", .help = "How many items may fail before the run is failed." },
        { "on-item-failure", TYPE(flag), .scope = KEY_TASKS, TASK(run.cancel_on_item_failure), .topic = "Fan-out",
          .flags = KEY_FAN_OUT, .choices = on_item_failure, .default_value = "continue",
          .help = "With cancel, the first failed item ends the run." },

        /* Outcome */
        { "on-success", TYPE(hooks), TASK(on_success), .topic = "Outcome", .example = "publish",
          .help = "Tasks that are started when a run is ok." },
        { "on-failure", TYPE(hooks), TASK(on_failure), .topic = "Outcome", .flags = KEY_HOOK_WORDS,
          .example = "restart-tunnel:connect,resolve alert",
          .help = "Tasks that are started when a run failed; each error goes to the first that it matches." },
        { "failing-after", TYPE(count), TASK(failing_after), .topic = "Outcome", .min = 1, .max = 1000000,
          .default_value = "1", .help = "How many failures in a row make it failing." },
        { "on-failing", TYPE(hooks), TASK(on_failing), .topic = "Outcome", .flags = KEY_HOOK_WORDS, .example = "alert",
          .help = "Tasks that are started once it has become failing." },
        { "on-recover", TYPE(hooks), TASK(on_recover), .topic = "Outcome", .example = "alert",
          .help = "Tasks that are started once it is no longer failing." },
        { "slow-after", TYPE(duration), TASK(slow_after_usec), .topic = "Outcome", .min = USEC_PER_MSEC,
          .max = USEC_INFINITY, .default_value = "infinity", .help = "A run that takes longer is slow." },
        { "on-slow", TYPE(hooks), TASK(on_slow), .topic = "Outcome", .example = "alert",
          .help = "Tasks that are started once a run is slow; it goes on." },
        { "stale-after", TYPE(duration), TASK(stale_after_usec), .topic = "Outcome", .min = USEC_PER_MSEC,
          .max = USEC_INFINITY, .default_value = "infinity",
          .help = "Without a run that was ok for so long, it is stale; not for services." },
        { "on-stale", TYPE(hooks), TASK(on_stale), .topic = "Outcome", .example = "alert",
          .help = "Tasks that are started once it has become stale." },
};

_Static_assert(offsetof(struct run_spec, retry_delay_max_usec) ==
                       offsetof(struct run_spec, retry_delay_min_usec) + sizeof(usec_t),
               "value_delays stores both");
_Static_assert(offsetof(struct service_spec, restart_delay_max_usec) ==
                       offsetof(struct service_spec, restart_delay_min_usec) + sizeof(usec_t),
               "value_delays stores both");

_Static_assert(ARRAY_SIZE(task_keys) <= 8 * sizeof(((struct task *)NULL)->written), "task->written has a bit for each");

static const struct {
        const struct key *keys;
        size_t n;
} sections[_KEY_SECTION_MAX] = {
        [KEY_SECTION_DAEMON] = { daemon_keys, ARRAY_SIZE(daemon_keys) },
        [KEY_SECTION_ACCESS] = { access_keys, ARRAY_SIZE(access_keys) },
        [KEY_SECTION_LIMIT] = { limit_keys, ARRAY_SIZE(limit_keys) },
        [KEY_SECTION_POOL] = { pool_keys, ARRAY_SIZE(pool_keys) },
        [KEY_SECTION_STORE] = { store_keys, ARRAY_SIZE(store_keys) },
        [KEY_SECTION_METRICS] = { metrics_keys, ARRAY_SIZE(metrics_keys) },
        [KEY_SECTION_TASK] = { task_keys, ARRAY_SIZE(task_keys) },
};

const struct key *keys_of_section(enum key_section section, size_t *ret_n) {
        *ret_n = sections[section].n;
        return sections[section].keys;
}

size_t key_number(enum key_section section, const struct key *key) {
        return (size_t)(key - sections[section].keys);
}
