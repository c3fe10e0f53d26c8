/* SPDX-License-Identifier: MIT */
/* phases: the life cycle of the runner, and what drives it: signals, and Shutdown.
 *
 * Finishing has no bound: it is over when only services are left.
 *
 * Draining and stopping have a deadline, and stopping has three steps: everything is asked to stop; at shutdown-timeout
 * everything is forced; LEAVE_AFTER later the daemon leaves, whatever is still there: a thread in a system call that
 * does not return, or a process in one. Who waits for the end of a run that was stopped is told before it leaves. A second stop signal goes straight to the second step, but not within a second
 * of the first: terminals and wrappers send two. The first one never does, whoever asked before: it comes from somebody who
 * has seen nothing of that.
 */
#include "runner_private.h"

#include "base/log.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>

#define SECOND_SIGNAL_AFTER USEC_PER_SEC
#define LEAVE_AFTER         (7 * USEC_PER_SEC)

#define M(phase) (1u << RUNNER_##phase)

static const unsigned allowed[_RUNNER_PHASE_MAX] = {
        [RUNNER_STARTING] = M(RUNNING) | M(FINISHING) | M(DRAINING) | M(STOPPING) | M(STOPPED),
        [RUNNER_RUNNING] = M(RELOADING) | M(FINISHING) | M(DRAINING) | M(STOPPING) | M(STOPPED),
        [RUNNER_RELOADING] = M(RUNNING) | M(FINISHING) | M(DRAINING) | M(STOPPING) | M(STOPPED),
        [RUNNER_FINISHING] = M(DRAINING) | M(STOPPING) | M(STOPPED),
        [RUNNER_DRAINING] = M(STOPPING) | M(STOPPED),
        [RUNNER_STOPPING] = M(STOPPED),
};

static const char *const phase_names[_RUNNER_PHASE_MAX] = {
        [RUNNER_STARTING] = "starting",   [RUNNER_RUNNING] = "running",   [RUNNER_RELOADING] = "reloading",
        [RUNNER_FINISHING] = "finishing", [RUNNER_DRAINING] = "draining", [RUNNER_STOPPING] = "stopping",
        [RUNNER_STOPPED] = "stopped",
};

const char *runner_phase_to_string(enum runner_phase phase) {
        return phase < _RUNNER_PHASE_MAX ? phase_names[phase] : "?";
}

void runner_set_phase(struct runner *runner, enum runner_phase phase) {
        struct event event = { .id = EVENT_PHASE, .text = phase_names[phase] };

        assert(allowed[runner->phase] & (1u << phase));
        runner->phase = phase;
        if (runner->options->command != COMMAND_RUN) /* it is no service, and may run below one that is */
                return;
        systemd_notify_phase(phase);
        if (runner->live)
                live_emit(runner->live, &event);
}

/* ---- stopping ---- */

static void leave(struct runner *runner) {
        live_sync_cancel(runner->leaving);
        runner->leaving = NULL;
        runner_set_phase(runner, RUNNER_STOPPED);
        loop_exit(runner->loop, runner->exit_code);
}

static void arm(struct runner *runner, usec_t after) {
        loop_timer_set(&runner->timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), after));
}

static void force(struct runner *runner) {
        runner->forced = true;
        run_tree_force(live_tree(runner->live));
        arm(runner, LEAVE_AFTER);
        runner_status_on_phase(runner, LEAVE_AFTER);
}

static void stop_all(struct runner *runner) {
        usec_t timeout = runner->config->daemon.shutdown_timeout_usec;
        struct run_tree *tree = live_tree(runner->live);

        runner_set_phase(runner, RUNNER_STOPPING);
        run_tree_cap_grace(tree, usec_add(clock_now(CLOCK_ID_MONOTONIC), timeout));
        run_tree_stop(tree, false);
        arm(runner, timeout);
        runner_status_on_phase(runner, timeout);
}

static void drain(struct runner *runner) {
        usec_t timeout = runner->config->daemon.drain_timeout_usec;

        runner_set_phase(runner, RUNNER_DRAINING);
        run_tree_stop(live_tree(runner->live), true);
        arm(runner, timeout);
        runner_status_on_phase(runner, timeout);
}

static bool is_ending(const struct runner *runner) {
        return runner->phase >= RUNNER_DRAINING;
}

/* What is true of every way to end. */
static void begin_end(struct runner *runner) {
        if (runner->reloader)
                reloader_abort(runner->reloader);
        runner->finishing = live_unobserve(runner->finishing);
        loop_work_cancel(&runner->finish_work);
        live_stop_triggers(runner->live);
}

void runner_stop(struct runner *runner) {
        if (is_ending(runner))
                return;
        begin_end(runner);
        if (runner->config->daemon.drain_timeout_usec > 0)
                drain(runner);
        else
                stop_all(runner);
        if (run_tree_is_empty(live_tree(runner->live)))
                runner_on_empty(runner);
}

void runner_stop_now(struct runner *runner) {
        if (runner->forced || runner->phase == RUNNER_STOPPED)
                return;
        if (!is_ending(runner))
                begin_end(runner);
        if (runner->phase != RUNNER_STOPPING)
                stop_all(runner);
        force(runner);
        if (run_tree_is_empty(live_tree(runner->live)))
                runner_on_empty(runner);
}

/* ---- finishing ---- */

static void on_finish_work(struct loop_work *work _unused_, void *arg) {
        struct runner *runner = arg;
        struct run *busy;

        if (runner->phase != RUNNER_FINISHING || live_find_busy(runner->live, &busy, 1) > 0)
                return;
        log_notice("nothing is at work any more: stopping");
        runner_stop(runner);
}

static void on_finish_event(const struct event *event, void *arg) {
        struct runner *runner = arg;

        if (event->id == EVENT_RUN_DONE)
                loop_work_schedule(&runner->finish_work);
}

int runner_stop_when_idle(struct runner *runner) {
        int r;

        if (is_ending(runner) || runner->phase == RUNNER_FINISHING)
                return 0;
        r = live_observe(runner->live, on_finish_event, runner, &runner->finishing);
        if (r < 0)
                return r;
        if (runner->reloader)
                reloader_abort(runner->reloader);
        live_close(runner->live);
        runner_set_phase(runner, RUNNER_FINISHING);
        runner_status_on_phase(runner, USEC_INFINITY);
        loop_work_schedule(&runner->finish_work);
        return 0;
}

usec_t runner_ends_at(const struct runner *runner) {
        if (runner->phase == RUNNER_FINISHING)
                return USEC_INFINITY;
        return is_ending(runner) ? runner->timer.at_usec : 0;
}

static void on_kept(_unused_ int result, void *arg) {
        struct runner *runner = arg;

        runner->leaving = NULL;
        if (run_tree_is_empty(live_tree(runner->live))) /* else it will be again */
                leave(runner);
}

void runner_on_empty(struct runner *runner) {
        bool owes = runner->control && control_owes_ends(runner->control);

        if (runner->phase == RUNNER_STOPPED || runner->leaving)
                return;
        if (!is_ending(runner) && runner->options->command != COMMAND_ONCE)
                return;
        if (!owes || live_sync(runner->live, on_kept, runner, &runner->leaving) < 0)
                leave(runner);
}

/* ---- critical services ---- */

static void on_critical_work(struct loop_work *work _unused_, void *arg) {
        runner_stop(arg);
}

void runner_on_critical(struct runner *runner, const struct result *result) {
        struct event event = { .id = EVENT_CRITICAL, .task = result->task, .run = result->run };
        char text[500];

        if (runner->phase == RUNNER_STARTING || is_ending(runner) || runner->exit_code != 0)
                return;
        runner->exit_code = result->exit_code;
        (void)snprintf(text, sizeof(text), "ending with exit code %d: critical service %s has failed: %s",
                       result->exit_code, result->task, result_detail(result));
        runner->critical = strdup(text);
        event.text = text;
        event.error = result_error(result);
        live_emit(runner->live, &event);
        loop_work_schedule(&runner->critical_work);
}

static void on_timer(struct loop_timer *timer _unused_, void *arg) {
        struct runner *runner = arg;
        char name[RUN_NAME_MAX];
        struct run *run;

        if (runner->phase == RUNNER_DRAINING) {
                stop_all(runner);
                return;
        }
        if (!runner->forced) {
                log_warning("shutdown-timeout reached: killing what is left");
                force(runner);
                return;
        }
        for (run = run_first_child(run_tree_root(live_tree(runner->live))); run; run = run_next_sibling(run))
                log_error("leaving without %s, which could not be ended", run_name(run, name));
        leave(runner);
}

/* ---- signals ---- */

static void on_stop_signal(int signo, void *arg) {
        struct runner *runner = arg;
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (runner->signalled_usec == 0) {
                runner->signalled_usec = now;
                log_notice("SIG%s: stopping", sigabbrev_np(signo));
                runner_stop(runner);
        } else if (now - runner->signalled_usec >= SECOND_SIGNAL_AFTER) {
                log_notice("SIG%s again: skipping every grace", sigabbrev_np(signo));
                runner_stop_now(runner);
        }
}

static void on_hangup(int signo _unused_, void *arg) {
        struct runner *runner = arg;

        int r = -ECANCELED;

        live_reopen_files(runner->live);
        if (runner->reloader)
                r = reloader_ask(runner->reloader, false, "SIGHUP", NULL, NULL, NULL);
        if (r == -ENOMEM)
                log_error(
                        "SIGHUP: output files are opened anew, but the configuration cannot be reloaded: out of memory");
        else
                log_notice("SIGHUP: %sopening output files anew%s", r == 0 ? "reloading the configuration, and " : "",
                           r == 0 ? "" : "; the daemon is ending and reloads no configuration");
}

static const struct {
        int signo;
        loop_signal_fn fn;
} signals[] = {
        { SIGTERM, on_stop_signal },
        { SIGINT, on_stop_signal },
        { SIGHUP, on_hangup },
};

int runner_phases_init(struct runner *runner) {
        int r;

        r = loop_timer_init(&runner->timer, runner->loop, CLOCK_ID_MONOTONIC, "phase", on_timer, runner);
        loop_work_init(&runner->critical_work, runner->loop, "critical", on_critical_work, runner);
        loop_work_init(&runner->finish_work, runner->loop, "finish", on_finish_work, runner);
        for (size_t i = 0; i < ARRAY_SIZE(signals) && r >= 0; i++)
                r = loop_signal_new(runner->loop, signals[i].signo, "signal", signals[i].fn, runner,
                                    &runner->signals[i]);
        return r;
}

void runner_phases_done(struct runner *runner) {
        loop_work_cancel(&runner->critical_work);
        loop_work_cancel(&runner->finish_work);
        free(runner->critical);
        for (size_t i = 0; i < ARRAY_SIZE(runner->signals); i++)
                loop_signal_free(runner->signals[i]);
        loop_timer_done(&runner->timer);
}
