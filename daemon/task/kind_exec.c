/* SPDX-License-Identifier: MIT */
/* kind_exec: a task that runs a command.
 *
 * The leaf ends when no process of its tree is left, not when the command exits. What the command leaves behind is killed
 * then, or after the grace when it was being stopped; if that cannot be, the run fails as unkillable. Its outcome is that
 * of the command's exit.
 *
 * A child whose output the log cannot take as fast as it comes is not read for a while: its pipe fills, and it waits. For
 * a file loop/child.c does the same. Output that goes nowhere is read only when something depends on it: without a pipe,
 * children would cost nothing and a bound on their silence could not be kept.
 */
#include "base/text.h"
#include "loop/child_files.h"
#include "task/exec_env.h"
#include "task/exec_service.h"
#include "task/output.h"
#include "task/output_gate.h"
#include "task/template.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define ABANDON_AFTER  (5 * USEC_PER_SEC)
#define CONGESTED_WAIT (20 * USEC_PER_MSEC)
#define DETAIL_MAX     512
#define ITEM_SHOWN_MAX 120

/* journald takes 40,000 lines a second. */
#define LOG_RATE      300000
#define LOG_RATE_USEC (30 * USEC_PER_SEC)

struct exec_leaf {
        struct run *leaf;        /* NULL once abandoned */
        struct remnant *remnant; /* then not NULL */
        struct task *task;
        struct child *child;
        struct output output;
        struct exec_service service;
        struct loop_timer resume; /* reading goes on */
        char name[RUN_NAME_MAX];
        char detail[DETAIL_MAX];
        char *what;        /* the command, for messages */
        char *output_path; /* NULL: none */
        struct leaf_end end;
};

static void exec_free(struct exec_leaf *exec) {
        child_free(exec->child);
        loop_timer_done(&exec->resume);
        exec_service_done(&exec->service);
        output_done(&exec->output);
        task_unref(exec->task);
        free(exec->output_path);
        free(exec->what);
        free(exec);
}

/* Whom the present callback works for. Once abandoned, the task may go with the remnant before the callback returns. */
static void name_subject(const struct exec_leaf *exec) {
        if (exec->leaf)
                loop_set_subject(exec->resume.loop, exec->task->run.name);
}

/* ---- ends ---- */

/* A SIGKILL that nobody sent is a riddle at 3 a.m.: the group knows whose it was. */
static void explain_kill(struct exec_leaf *exec, const struct cgroup_usage *usage) {
        size_t n = strlen(exec->detail);
        char size[TEXT_SIZE_MAX];

        if (usage->oom_kills == 0 || exec->end.error == ERROR_NONE)
                return;
        if (exec->task->exec->memory_max > 0)
                (void)snprintf(exec->detail + n, sizeof(exec->detail) - n,
                               "; the kernel killed it because of memory-max = %s",
                               text_format_size(exec->task->exec->memory_max, size));
        else
                (void)snprintf(exec->detail + n, sizeof(exec->detail) - n,
                               "; the kernel killed it because memory ran out");
}

static void finish(struct exec_leaf *exec) {
        _cleanup_(freep) char *tail = NULL;
        struct cgroup_usage usage;

        if (!exec->leaf) {
                remnant_gone(exec->remnant);
                exec_free(exec);
                return;
        }
        child_get_usage(exec->child, &usage);
        exec->end.cpu_usec = usage.cpu_usec;
        exec->end.memory_peak = usage.memory_peak;
        explain_kill(exec, &usage);
        output_flush(&exec->output);
        tail = output_tail(&exec->output);
        exec->end.output_tail = tail;
        run_leaf_end(exec->leaf, &exec->end);
        exec->end.output_tail = NULL;
}

static bool is_success(const struct exec_part *part, int code) {
        return part->success_exit[code / 8] & (1u << code % 8);
}

static void judge_exit(struct exec_leaf *exec, int code) {
        const struct exec_part *part = exec->task->exec;

        exec->end.exit_code = code;
        exec->end.clean_when_stopped =
                is_success(part, code) || code == 128 + part->stop_signal || code == 128 + SIGKILL;
        if (is_success(part, code) && !exec_service_is_early(&exec->service))
                return;
        if (is_success(part, code)) {
                exec->end.error = ERROR_READY;
                (void)snprintf(exec->detail, sizeof(exec->detail), "%s: ended before it was ready", exec->what);
                return;
        }
        exec->end.error = ERROR_EXIT;
        (void)snprintf(exec->detail, sizeof(exec->detail), "%s: exit status %d", exec->what, code);
}

static void judge_signal(struct exec_leaf *exec, int status) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", WTERMSIG(status));
        exec->end.exit_code = 128 + WTERMSIG(status);
        exec->end.clean_when_stopped = WTERMSIG(status) == exec->task->exec->stop_signal || WTERMSIG(status) == SIGKILL;
        exec->end.error = ERROR_SIGNAL;
        (void)snprintf(exec->detail, sizeof(exec->detail), "%s: killed by signal SIG%s%s", exec->what,
                       name ? name : number, WCOREDUMP(status) ? ", core dumped" : "");
}

static void on_exit_status(struct child *child, int status, const struct rusage *usage _unused_, void *arg) {
        struct exec_leaf *exec = arg;
        bool stopping = exec->leaf && run_get_state(exec->leaf) == RUN_STOPPING;

        name_subject(exec);
        if (WIFEXITED(status))
                judge_exit(exec, WEXITSTATUS(status));
        else
                judge_signal(exec, status);
        exec->end.detail = exec->detail;
        exec_service_ended(&exec->service);
        if (exec->leaf)
                run_leaf_exited(exec->leaf, &exec->end);
        /* Being stopped, what else there is of the tree has its grace as well; then the leaf is forced. */
        if (!stopping)
                child_kill(child);
}

static void on_gone(struct child *child, void *arg) {
        struct exec_leaf *exec = arg;

        name_subject(exec);
        if (exec->leaf)
                run_leaf_process(exec->leaf, child_pid(child), child_start_ticks(child), true);
        finish(exec);
}

/* What it was that could not be used. */
static const char *step_object(const struct exec_leaf *exec, enum child_step step) {
        const struct exec_part *part = exec->task->exec;

        switch (step) {
        case CHILD_STEP_USER: return part->user;
        case CHILD_STEP_GROUP: return part->group;
        case CHILD_STEP_ENV_FILE: return part->env_file;
        case CHILD_STEP_CHDIR: return part->directory;
        case CHILD_STEP_STDIN: return part->stdin_path;
        case CHILD_STEP_OUTPUT: return exec->output_path;
        case CHILD_STEP_EXEC: return part->shell ? exec->task->env->shell : NULL;
        default: return NULL;
        }
}

static void describe_failure(struct exec_leaf *exec, enum child_step step, int error) {
        const char *object = step_object(exec, step), *why = strerror(error);

        if (error == ESRCH && (step == CHILD_STEP_USER || step == CHILD_STEP_GROUP))
                why = "there is none of that name";
        else if (error == EBADMSG && step == CHILD_STEP_ENV_FILE)
                why = "a line is no NAME=VALUE";
        (void)snprintf(exec->detail, sizeof(exec->detail), "%s: %s: %s (errno %d)", object ? object : exec->what,
                       child_step_to_string(step), why, error);
}

static void on_started(struct child *child, pid_t pid, enum child_step step, int error, void *arg) {
        struct exec_leaf *exec = arg;

        name_subject(exec);
        if (pid > 0) {
                if (exec->leaf) {
                        run_leaf_process(exec->leaf, pid, child_start_ticks(child), false);
                        run_leaf_started(exec->leaf);
                }
                exec_service_started(&exec->service);
                return;
        }
        exec->end.error = ERROR_SPAWN;
        exec->end.clean_when_stopped = step == CHILD_STEP_NONE; /* stopped before its turn came */
        exec->end.exit_code = step == CHILD_STEP_EXEC && error == ENOENT ? 127 : 126;
        exec->end.detail = exec->detail;
        describe_failure(exec, step, error);
        finish(exec);
}

/* ---- output ---- */

static void on_resume(struct loop_timer *timer, void *arg) {
        struct exec_leaf *exec = arg;

        if (log_is_congested())
                loop_timer_set(timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), CONGESTED_WAIT));
        else
                child_pause_output(exec->child, false);
}

/* Asked before it is read, because then it must find room, however many children print in the same turn. */
static bool may_output(struct child *child, void *arg) {
        struct exec_leaf *exec = arg;

        if (!exec->output.is_logged || !log_is_congested())
                return true;
        child_pause_output(child, true);
        loop_timer_set(&exec->resume, usec_add(clock_now(CLOCK_ID_MONOTONIC), CONGESTED_WAIT));
        return false;
}

static size_t may_log(size_t n, void *arg) {
        struct exec_leaf *exec = arg;

        return output_gate_pass(output_gate_of(exec->task), exec->name, n);
}

static void on_line(const char *line, size_t n, void *arg) {
        struct exec_leaf *exec = arg;

        exec_service_line(&exec->service, line, n);
}

static void on_output(struct child *child _unused_, const char *data, size_t n, void *arg) {
        struct exec_leaf *exec = arg;

        name_subject(exec);
        if (n > 0 && exec->leaf)
                run_leaf_output(exec->leaf);
        exec->output.on_line = exec_service_wants_lines(&exec->service) ? on_line : NULL;
        output_add(&exec->output, data, n);
}

static void on_notify(struct child *child _unused_, const struct notify_message *message, void *arg) {
        struct exec_leaf *exec = arg;

        name_subject(exec);
        exec_service_notify(&exec->service, message);
}

/* ---- the start ---- */

/* @word with the item for each {}. */
static int put_item(const char *word, const char *item, char **ret) {
        size_t size;
        FILE *out = open_memstream(ret, &size);

        if (!out)
                return -ENOMEM;
        for (const char *at = word, *next; at; at = next ? next + 2 : NULL) {
                next = item ? strstr(at, "{}") : NULL;
                (void)fwrite(at, 1, next ? (size_t)(next - at) : strlen(at), out);
                if (next)
                        (void)fputs(item, out);
        }
        return fclose(out) == 0 ? 0 : -ENOMEM;
}

static int expand_word(const struct run *leaf, const char *word, char **ret) {
        struct template_values values;

        if (task_of(run_get_spec(leaf))->transient)
                return put_item(word, run_get_item(leaf), ret);
        template_values_of(leaf, template_words(word), &values);
        return template_expand(word, &values, TEMPLATE_TEXT, ret);
}

static int expand_words(const struct run *leaf, char **words, char ***ret) {
        _cleanup_(text_strv_freep) char **expanded = NULL;
        size_t n = 0;

        while (words[n])
                n++;
        expanded = calloc(n + 1, sizeof(*expanded));
        if (!expanded)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                int r = expand_word(leaf, words[i], &expanded[i]);

                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(expanded);
        return 0;
}

static int shell_words(const struct task *task, char ***ret) {
        const char *shell = task->env->shell;
        const char *slash = strrchr(shell, '/');
        bool is_bash = streq(slash ? slash + 1 : shell, "bash");
        const char *words[] = { shell,
                                is_bash ? "-eo" : "-ec",
                                is_bash ? "pipefail" : task->exec->shell,
                                is_bash ? "-c" : NULL,
                                is_bash ? task->exec->shell : NULL,
                                NULL };
        _cleanup_(text_strv_freep) char **copy = calloc(ARRAY_SIZE(words), sizeof(*copy));

        if (!copy)
                return -ENOMEM;
        for (size_t i = 0; words[i]; i++) {
                copy[i] = strdup(words[i]);
                if (!copy[i])
                        return -ENOMEM;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

/* Whether it matters that it prints, wherever that goes. */
static bool is_listened_to(const struct task *task) {
        return task->run.bounds[BOUND_IDLE_TIMEOUT] != USEC_INFINITY ||
               (task->service && task->service->ready == READY_LINE);
}

static const struct child_ops child_callbacks = {
        .on_started = on_started,
        .on_exit = on_exit_status,
        .may_output = may_output,
        .on_output = on_output,
        .on_notify = on_notify,
        .on_gone = on_gone,
};

static int spawn(struct exec_leaf *exec, char **argv, char **env, const char *marker) {
        const struct hook_context *hook = hook_context_of(exec->leaf);
        const struct task *task = exec->task;
        const struct exec_part *part = task->exec;
        const struct transient_part *transient = task->transient;
        const struct child_spec spec = {
                .path = argv[0],
                .argv = argv,
                .env = env,
                .env_file = part->env_file,
                .env_base = transient && transient->as_caller ? NULL : task->env->environ,
                /* A daemon that is not root does it for its own user alone, and cannot change groups. */
                .identity = transient && transient->as_caller && geteuid() == 0 ? &transient->caller : NULL,
                .files = transient ? transient->files : NULL,
                .user = part->user,
                .group = part->group,
                .directory = part->directory,
                .stdin_path = part->stdin_path,
                .stdin_data = hook && !part->stdin_path ? hook->json : NULL,
                .stdin_size = hook && !part->stdin_path ? hook->json_size : 0,
                .output_path = exec->output_path,
                .output_pipe = part->output == OUTPUT_LOG || is_listened_to(task),
                .no_new_privileges = part->no_new_privileges,
                .start_ticks = !run_get_item(exec->leaf), /* they are not remembered one by one */
                .umask = part->umask < 0 ? (mode_t)-1 : (mode_t)part->umask,
                .nice = part->nice,
                .nofile = part->nofile,
                .core = part->core,
                .limits = { .memory_max = part->memory_max, .pids_max = part->pids_max, .cpu_max = part->cpu_max },
                .marker = marker,
        };

        return child_spawn(task->env->spawner, &spec, &child_callbacks, exec, &exec->child);
}

static int prepare(struct exec_leaf *exec, struct run *leaf) {
        const struct exec_part *part;
        int r;

        exec->leaf = leaf;
        exec->task = task_ref(task_of(run_get_spec(leaf)));
        part = exec->task->exec;
        (void)run_name(leaf, exec->name);
        output_init(&exec->output, &(struct log_context){
                                           .task = exec->task->run.name,
                                           .run = exec->name,
                                           .identifier = exec->task->run.name,
                                   });
        exec->output.arg = exec;
        exec->output.may_log = part->log_rate > 0 ? may_log : NULL;
        exec->output.is_logged = part->output == OUTPUT_LOG;
        exec->output.has_tail = part->output != OUTPUT_NULL;
        r = exec_service_init(&exec->service, leaf);
        if (r >= 0 && part->output == OUTPUT_FILE)
                r = template_fill(leaf, part->output_path, TEMPLATE_FILE, &exec->output_path);
        if (r < 0)
                return r;
        return loop_timer_init(&exec->resume, exec->task->env->loop, CLOCK_ID_MONOTONIC, "output", on_resume, exec);
}

/* Nobody could look up what item a number was. */
static char *name_with_item(const char *program, const char *item) {
        char shown[ITEM_SHOWN_MAX], *text;

        return asprintf(&text, "%s (%s)", program, text_hide_userinfo(item, shown, sizeof(shown))) < 0 ? NULL : text;
}

static int exec_start(struct run *leaf) {
        const struct task *task = task_of(run_get_spec(leaf));
        _cleanup_(text_strv_freep) char **argv = NULL;
        _cleanup_(text_strv_freep) char **env = NULL;
        struct exec_leaf *exec;
        const char *marker;
        int r;

        exec = calloc(1, sizeof(*exec));
        if (!exec)
                return -ENOMEM;
        r = prepare(exec, leaf);
        run_leaf_set_data(leaf, exec);
        if (r < 0)
                return r;
        r = task->exec->shell ? shell_words(task, &argv) : expand_words(leaf, task->exec->command, &argv);
        if (r < 0)
                return r;
        exec->what = task->transient && run_get_item(leaf) ? name_with_item(argv[0], run_get_item(leaf))
                                                           : strdup(task->exec->shell ? "shell" : argv[0]);
        r = exec_env(leaf, &env, &marker);
        if (r < 0 || !exec->what)
                return -ENOMEM;
        return spawn(exec, argv, env, marker);
}

/* ---- the rest ---- */

static void exec_stop(struct run *leaf) {
        struct exec_leaf *exec = run_leaf_data(leaf);

        exec_service_stopped(&exec->service);
        if (exec->child)
                child_signal(exec->child, exec->task->exec->stop_signal);
}

static void exec_force(struct run *leaf) {
        struct exec_leaf *exec = run_leaf_data(leaf);

        exec_service_stopped(&exec->service);
        if (exec->child)
                child_kill(exec->child);
}

/* What it has printed and nobody has read, for want of room or of time, is no silence. */
static void exec_poll(struct run *leaf) {
        const struct exec_leaf *exec = run_leaf_data(leaf);

        if (!exec->child)
                return;
        if (child_has_output(exec->child))
                run_leaf_output(leaf);
        child_poll(exec->child);
}

static void exec_abandon(struct run *leaf, struct remnant *remnant) {
        struct exec_leaf *exec = run_leaf_data(leaf);

        exec_service_ended(&exec->service);
        exec->leaf = NULL;
        exec->remnant = remnant;
}

static int exec_signal(struct run *leaf, int signo, bool main) {
        const struct exec_leaf *exec = run_leaf_data(leaf);

        if (!exec->child)
                return -ESRCH;
        if (main)
                return child_signal_main(exec->child, signo);
        child_signal(exec->child, signo); /* also one that is being made: it is told as soon as it is there */
        return 0;
}

static void exec_release(void *data) {
        exec_free(data);
}

static void view(const void *data, struct kind_view *view) {
        const struct exec_leaf *exec = data;

        view->child = exec->child;
        (void)output_last_line(&exec->output, view->last_line, sizeof(view->last_line));
        if (!exec->child)
                return;
        if (child_pid(exec->child) == 0)
                (void)snprintf(view->doing, sizeof(view->doing), "its process is being made");
        else if (exec->end.detail)
                (void)snprintf(view->doing, sizeof(view->doing), "the command has ended; what it left is being ended");
}

static struct run *run_of(const struct child *child) {
        const struct exec_leaf *exec = child_owner(child, &child_callbacks);

        return exec ? exec->leaf : NULL;
}

static char *tail_of(const void *data) {
        const struct exec_leaf *exec = data;

        return output_tail(&exec->output);
}

static void part_init(void *part) {
        struct exec_part *exec = part;

        exec->umask = -1;
        exec->core = CHILD_CORE_UNCHANGED;
        exec->stop_signal = SIGTERM;
        exec->success_exit[0] = 1;
        exec->log_rate = LOG_RATE;
        exec->log_rate_usec = LOG_RATE_USEC;
}

static void part_done(void *part) {
        struct exec_part *exec = part;

        exec->gate = output_gate_free(exec->gate);
        text_strv_free(exec->command);
        text_strv_free(exec->env);
        free(exec->shell);
        free(exec->user);
        free(exec->group);
        free(exec->directory);
        free(exec->env_file);
        free(exec->stdin_path);
        free(exec->output_path);
}

static const struct leaf_ops exec_leaf_ops = {
        .name = "exec",
        .start = exec_start,
        .stop = exec_stop,
        .force = exec_force,
        .poll = exec_poll,
        .abandon = exec_abandon,
        .abandon_after_usec = ABANDON_AFTER,
        .abandoned_is_unkillable = true,
        .signal = exec_signal,
        .release = exec_release,
};

const struct kind kind_exec = {
        .name = "exec",
        .main_keys = "command shell",
        .part_size = sizeof(struct exec_part),
        .default_timeout_usec = USEC_PER_HOUR,
        .leaf = &exec_leaf_ops,
        .view = view,
        .run_of = run_of,
        .output_tail = tail_of,
        .part_init = part_init,
        .part_done = part_done,
};
