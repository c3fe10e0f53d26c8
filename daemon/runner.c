/* SPDX-License-Identifier: MIT */
/* runner: sets everything up in order, runs the loop, takes everything down in the reverse.
 *
 * Whatever can be wrong is found before the first process is started: the configuration, the directories, the lock, the
 * control socket.
 */
#include "runner_private.h"

#include "base/log.h"
#include "base/text.h"
#include "check_config.h"
#include "config/diagnostics.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

#define EXIT_CONFIG  2
#define EXIT_NO_TASK 5
#define EXIT_CANNOT  125
#define STUCK_AFTER  (2 * USEC_PER_SEC)
#define FLUSH_WITHIN (2 * USEC_PER_SEC)

/* ---- the parts ---- */

static int cannot(const char *what, int error) {
        (void)fprintf(stderr, "tendd: cannot %s: %s\n", what, strerror(-error));
        return error;
}

/* --once is no service, and may run below one that is. */
static void starting(const struct runner *runner, const char *step) {
        if (runner->options->command == COMMAND_RUN)
                systemd_notify_starting(step);
}

static int load(struct runner *runner) {
        bool falls_back = runner->options->command == COMMAND_RUN && !runner->options->no_fallback;
        _cleanup_(freep) char *state_dir = NULL;
        struct diagnostics diagnostics = { 0 };
        struct config_options options = { .keep_text = falls_back, .ret_state_dir = &state_dir };
        int r;

        r = config_load(runner->config_path, &options, &diagnostics, &runner->config);
        check_print(&diagnostics);
        diagnostics_done(&diagnostics);
        if (r < 0 && falls_back && runner_load_accepted(runner, runner->options->state_dir ?: state_dir) == 0)
                return 0;
        return r;
}

static int open_log(const struct runner *runner) {
        const struct daemon_section *daemon = &runner->config->daemon;
        int target = runner->options->log_target >= 0 ? runner->options->log_target : daemon->log_target;
        int level = runner->options->log_level >= 0 ? runner->options->log_level : daemon->log_level;
        int r;

        r = log_open((enum log_target)target, level, 0);
        return r < 0 ? cannot(target == LOG_TARGET_JOURNAL ? "log to the journal" : "log to standard error", r) : 0;
}

void runner_on_slow(const char *callback, const char *subject, usec_t took_usec, void *arg) {
        struct runner *runner = arg;
        char text[200], took[TEXT_USEC_MAX];
        struct event event = { .id = EVENT_LOOP_SLOW, .task = subject, .text = text };

        (void)snprintf(text, sizeof(text), "the loop was held for %s by callback %s", text_format_usec(took_usec, took),
                       callback);
        live_emit(runner->live, &event);
}

/* Best effort: wake-ups of the loop before the work it supervises, whose sessions are scheduling groups of their own. A
 * daemon that does not lead its session shares the group with a terminal, and leaves it alone. */
static void raise_autogroup(void) {
        int fd;

        if (getsid(0) != getpid())
                return;
        fd = open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        if (write(fd, "-15", 3) < 0)
                log_debug("cannot raise the autogroup's priority: %s", strerror(errno));
        (void)close(fd);
}

/* See loop-realtime in tendd.ini(5). */
static void make_realtime(void) {
        struct sched_param param = { .sched_priority = 1 };

        if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param) < 0)
                log_warning("loop-realtime: %s", strerror(errno));
}

static void on_empty(void *arg) {
        runner_on_empty(arg);
}

static void on_critical(const struct result *result, void *arg) {
        runner_on_critical(arg, result);
}

static const char *refused(void *arg) {
        return ((struct runner *)arg)->refused;
}

static const char *metrics_unreachable(void *arg) {
        return metrics_trouble(((struct runner *)arg)->metrics);
}

static const char *phase_name(void *arg) {
        return runner_phase_to_string(((struct runner *)arg)->phase);
}

static int shut_down(enum control_shutdown how, void *arg) {
        struct runner *runner = arg;

        switch (how) {
        case CONTROL_SHUTDOWN_NOW: runner_stop_now(runner); return 0;
        case CONTROL_SHUTDOWN_WHEN_IDLE: return runner_stop_when_idle(runner);
        default: runner_stop(runner); return 0;
        }
}

static usec_t ends_at(void *arg) {
        return runner_ends_at(arg);
}

/* The socket belongs to the group tendd where there is one, see [access] in tendd.ini(5). The name service is asked before
 * the loop runs. */
static gid_t socket_group(void) {
        const struct group *group = geteuid() == 0 ? getgrnam("tendd") : NULL;

        return group ? group->gr_gid : (gid_t)-1;
}

static int listen_at(struct runner *runner, const char *path) {
        pid_t pid = 0;
        int r;

        r = control_listen(runner->control, path, socket_group(), &pid);
        if (r == -EADDRINUSE)
                (void)fprintf(stderr, "tendd: pid %d listens at %s\n", pid, path);
        else if (r < 0)
                (void)fprintf(stderr, "tendd: cannot listen at %s: %s\n", path, strerror(-r));
        return r;
}

static int open_control(struct runner *runner) {
        _cleanup_(freep) char *path = instance_socket_path(&runner->instance);
        const struct control_options options = {
                .live = runner->live,
                .reloader = runner->reloader,
                .phase = phase_name,
                .refused = refused,
                .shutdown = shut_down,
                .ends_at = ends_at,
                .metrics_trouble = metrics_unreachable,
                .arg = runner,
        };
        int fd, r;

        if (!path)
                return -ENOMEM;
        r = control_new(&options, &runner->control);
        if (r < 0)
                return cannot("set up the control socket", r);
        fd = systemd_take_socket();
        if (fd == -ENOENT)
                return listen_at(runner, path);
        if (fd < 0) {
                (void)fprintf(stderr, "tendd: cannot use the socket of the service manager: %s\n",
                              fd == -EINVAL ? "one Unix stream socket that listens is expected" : strerror(-fd));
                return fd;
        }
        r = control_listen_fd(runner->control, fd);
        return r < 0 ? cannot("listen on the socket of the service manager", r) : 0;
}

/* What cannot be opened is told, and keeps nobody from running. */
static int open_metrics(struct runner *runner) {
        const struct metrics_options options = {
                .live = runner->live,
                .control = runner->control,
                .phase = phase_name,
                .refused = refused,
                .arg = runner,
        };
        int r;

        r = metrics_new(&options, &runner->metrics);
        if (r >= 0)
                r = metrics_configure(runner->metrics, &runner->config->metrics);
        return r < 0 ? cannot("set up metrics", r) : 0;
}

/* ---- the store ---- */

static void on_store_health(bool degraded, const char *text, void *arg) {
        struct runner *runner = arg;

        live_emit(runner->live, &(const struct event){
                                        .id = degraded ? EVENT_STORE_DEGRADED : EVENT_STORE_RECOVERED,
                                        .text = text,
                                });
        if (!degraded)
                live_store_recovered(runner->live);
}

static void on_store_anew(void *arg) {
        live_put_anew(((struct runner *)arg)->live);
}

static void on_store_late(void *arg) {
        live_store_late(((struct runner *)arg)->live);
}

static void on_store_hand_over(void *arg) {
        struct runner *runner = arg;

        if (runner->live)
                live_store_hand_over(runner->live);
}

/* One that cannot be used is no reason not to run. --once keeps no history: it may run beside a daemon that does. */
static int open_store(struct runner *runner) {
        const struct store_section *section = &runner->config->store;
        _cleanup_(freep) char *usual = instance_store_path(&runner->instance);
        const struct store_options options = {
                .loop = runner->loop,
                .path = section->path ? section->path : usual,
                .keep_usec = section->keep_usec,
                .keep_runs = section->keep_runs,
                .on_health = on_store_health,
                .on_late = on_store_late,
                .on_anew = on_store_anew,
                .on_hand_over = on_store_hand_over,
                .arg = runner,
        };
        int r;

        if (runner->options->command != COMMAND_RUN)
                return 0;
        if (!options.path)
                return cannot("open the store", -ENOMEM);
        r = store_open(&options, &runner->store);
        if (r == -EADDRINUSE)
                return r; /* told */
        return r < 0 ? cannot("open the store", r) : 0;
}

/* ---- what uses it ---- */

static int open_live(struct runner *runner) {
        _cleanup_(freep) char *notify_dir = instance_notify_path(&runner->instance);
        _cleanup_(freep) char *socket = instance_socket_path(&runner->instance);
        char tag[INSTANCE_TAG_MAX];
        const struct live_options options = {
                .loop = runner->loop,
                .notify_dir = notify_dir,
                .socket = runner->options->command == COMMAND_RUN ? socket : NULL,
                .shared = runner->instance.shared,
                .tag = instance_tag(&runner->instance, tag),
                .store = runner->store,
                .alive_usec = runner->store ? store_last_written(runner->store) : 0,
                .triggers = runner->options->command == COMMAND_RUN,
                .on_empty = on_empty,
                .on_critical = runner->options->command == COMMAND_RUN ? on_critical : NULL,
                .arg = runner,
        };
        int r;

        r = live_new(&options, runner->config, &runner->live);
        if (runner->store)
                store_forget_opened(runner->store);
        return r < 0 ? cannot("set up", r) : 0;
}

/* In the first turn: the loop serves, and so does the socket. It may have been told to stop before. */
static void on_ready(struct loop_work *work _unused_, void *arg) {
        struct runner *runner = arg;

        if (runner->phase == RUNNER_STARTING)
                runner_set_phase(runner, RUNNER_RUNNING);
}

static int set_up(struct runner *runner) {
        const struct daemon_section *daemon = &runner->config->daemon;
        int r;

        r = loop_new(&runner->loop);
        if (r >= 0)
                r = runner_phases_init(runner);
        if (r < 0)
                return cannot("make the loop", r);
        starting(runner, "opening the store");
        r = open_store(runner);
        starting(runner, "setting up tasks");
        if (r >= 0)
                r = open_live(runner);
        if (r < 0)
                return r;
        if (daemon->loop_realtime)
                make_realtime();
        loop_set_warn(runner->loop, daemon->loop_warn_usec, runner_on_slow, runner);
        if (runner->options->command == COMMAND_ONCE) {
                runner_set_phase(runner, RUNNER_RUNNING);
                return runner_once_init(runner);
        }
        raise_autogroup();
        r = live_zones_follow(runner->live);
        if (r < 0)
                log_warning("time zones that change are not noticed: %s", strerror(-r));
        r = runner_reload_init(runner);
        if (r < 0)
                return cannot("prepare reloads", r);
        r = open_control(runner);
        if (r >= 0)
                r = open_metrics(runner);
        if (r < 0)
                return r;
        r = watchdog_start(runner->loop, MAX(STUCK_AFTER, daemon->loop_warn_usec), &runner->watchdog);
        if (r < 0)
                log_warning("no watchdog for the loop: %s", strerror(-r));
        r = runner_status_init(runner);
        if (r >= 0)
                r = systemd_watchdog_init(&runner->systemd_watchdog, runner->loop);
        if (r < 0)
                return cannot("follow the service manager", r);
        loop_work_init(&runner->ready_work, runner->loop, "ready", on_ready, runner);
        loop_work_schedule(&runner->ready_work);
        return 0;
}

static void take_down(struct runner *runner) {
        runner->watchdog = watchdog_stop(runner->watchdog);
        loop_work_cancel(&runner->ready_work);
        systemd_watchdog_done(&runner->systemd_watchdog);
        runner_status_done(runner);
        runner->metrics = metrics_free(runner->metrics);
        runner->control = control_free(runner->control);
        runner->reloader = reloader_free(runner->reloader);
        runner_once_done(runner);
        if (runner->live)
                live_flush_files(runner->live, FLUSH_WITHIN);
        if (runner->live && runner->store)
                live_memory_flush(runner->live);
        /* What is left has been told of; its memory may be in use by a thread that cannot be stopped. */
        if (runner->live &&
            (!run_tree_is_empty(live_tree(runner->live)) || run_tree_first_remnant(live_tree(runner->live)))) {
                (void)store_close(runner->store, FLUSH_WITHIN);
                log_close(FLUSH_WITHIN);
                return;
        }
        /* The last reference must be the live's: its tasks hold limits, which go before the run tree. */
        runner->config = config_unref(runner->config);
        live_free(runner->live);
        runner->store = store_close(runner->store, FLUSH_WITHIN);
        runner_phases_done(runner);
        loop_free(runner->loop);
        log_close(FLUSH_WITHIN);
}

/* ---- the whole ---- */

static int serve(struct runner *runner) {
        int r;

        r = open_log(runner);
        if (r < 0)
                return EXIT_CANNOT;
        r = set_up(runner);
        if (r < 0)
                return r == -ENOENT ? EXIT_NO_TASK : EXIT_CANNOT;
        r = loop_run(runner->loop);
        if (r < 0) {
                log_error("the loop failed: %s", strerror(-r));
                return EXIT_CANNOT;
        }
        return runner->options->command == COMMAND_ONCE ? runner_once_finish(runner) : r;
}

static int run_in(struct runner *runner) {
        struct instance_options options = {
                .runtime_dir = runner->options->runtime_dir ? runner->options->runtime_dir
                                                            : runner->config->daemon.runtime_dir,
                .state_dir = runner->options->state_dir ? runner->options->state_dir : runner->config->daemon.state_dir,
                .shared = runner->options->command == COMMAND_ONCE,
        };
        pid_t pid;
        int r;

        r = instance_open(&options, &runner->instance, &pid);
        if (r < 0) {
                runner->config = config_unref(runner->config);
                return EXIT_CANNOT;
        }
        r = serve(runner);
        take_down(runner);
        instance_close(&runner->instance);
        return r;
}

/* The last two mean nothing here, and must not end a daemon whose children would be left. */
static void ignore_signals(void) {
        static const int ignored[] = { SIGPIPE, SIGUSR1, SIGUSR2 };

        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                (void)signal(ignored[i], SIG_IGN);
}

int runner_run(const struct options *options) {
        struct runner runner = {
                .options = options,
                .instance = { .lock_fd = -EBADF },
        };
        int r;

        if (loop_is_running())
                return -EBUSY;
        ignore_signals();
        runner.config_path = options_config_path(options);
        if (!runner.config_path)
                return -ENOMEM;
        starting(&runner, "reading the configuration");
        r = load(&runner);
        r = r < 0 ? EXIT_CONFIG : run_in(&runner);
        free(runner.config_path);
        return r;
}
