/* SPDX-License-Identifier: MIT */
/* fake-child: children that a test plays, see fake-child.h. */
#include "support/fake-child.h"

#include "loop/child_files.h"
#include "loop/child_plan.h"

#include <stdarg.h>
#include <stdio.h>

#define FAKE_PID 4242

struct child {
        const struct child_ops *ops;
        void *arg;
        struct child_plan *plan;
        bool started;
        bool holds_exit;
        bool holds_output;
        int status;
        struct cgroup_usage usage;
        struct notify_message held;
        bool holds_message;
};

static struct {
        char trace[512];
        struct child *last;
        unsigned n;
        int refuse;
} fake;

static _printf_(1, 2) void note(const char *format, ...) {
        size_t n = strlen(fake.trace);
        va_list ap;

        if (n > 0 && n < sizeof(fake.trace) - 1)
                fake.trace[n++] = ' ';
        va_start(ap, format);
        (void)vsnprintf(fake.trace + n, sizeof(fake.trace) - n, format, ap);
        va_end(ap);
}

void fake_child_reset(void) {
        memset(&fake, 0, sizeof(fake));
}

const char *fake_child_trace(void) {
        static char trace[sizeof(fake.trace)];

        memcpy(trace, fake.trace, sizeof(trace));
        fake.trace[0] = '\0';
        return trace;
}

struct child *fake_child_last(void) {
        return fake.last;
}

const struct child_spec *fake_child_spec(const struct child *child) {
        return &child->plan->spec;
}

unsigned fake_child_count(void) {
        return fake.n;
}

void fake_child_refuse(int error) {
        fake.refuse = error;
}

void fake_child_hold_exit(struct child *child, int status) {
        child->holds_exit = true;
        child->status = status;
}

void fake_child_hold_message(struct child *child, const struct notify_message *message) {
        child->holds_message = true;
        child->held = *message;
}

/* ---- what is told ---- */

void fake_child_started(struct child *child) {
        child->started = true;
        child->ops->on_started(child, FAKE_PID, CHILD_STEP_NONE, 0, child->arg);
}

void fake_child_failed(struct child *child, enum child_step step, int error) {
        child->ops->on_started(child, 0, step, error, child->arg);
}

void fake_child_hold_output(struct child *child, bool hold) {
        child->holds_output = hold;
}

bool fake_child_prints(struct child *child, const char *text) {
        if (child->ops->may_output && !child->ops->may_output(child, child->arg))
                return false;
        child->ops->on_output(child, text, strlen(text), child->arg);
        return true;
}

void fake_child_says(struct child *child, const struct notify_message *message) {
        child->holds_message = false;
        child->ops->on_notify(child, message, child->arg);
}

void fake_child_exited(struct child *child, int status) {
        struct rusage usage = { 0 };

        child->holds_exit = false;
        child->ops->on_exit(child, status, &usage, child->arg);
}

void fake_child_used(struct child *child, const struct cgroup_usage *usage) {
        child->usage = *usage;
}

void fake_child_gone(struct child *child) {
        child->ops->on_gone(child, child->arg);
}

/* ---- in place of child_files.c: who has them is compared, and not what is in them ---- */

struct child_files *child_files_ref(struct child_files *files) {
        return files;
}

struct child_files *child_files_unref(_unused_ struct child_files *files) {
        return NULL;
}

int child_files_get(_unused_ const struct child_files *files, _unused_ enum child_file which) {
        return -EBADF;
}

/* ---- in place of child.c ---- */

const char *child_step_to_string(enum child_step step) {
        static const char *const names[_CHILD_STEP_MAX] = {
                [CHILD_STEP_NONE] = "none",       [CHILD_STEP_USER] = "user",   [CHILD_STEP_ENV_FILE] = "env-file",
                [CHILD_STEP_CHDIR] = "directory", [CHILD_STEP_FORK] = "fork",   [CHILD_STEP_STDIN] = "stdin",
                [CHILD_STEP_OUTPUT] = "output",   [CHILD_STEP_GROUP] = "group", [CHILD_STEP_EXEC] = "exec",
        };

        return names[step] ?: "other";
}

void child_get_usage(const struct child *child, struct cgroup_usage *ret) {
        *ret = child->usage;
}

int child_spawn(struct spawner *spawner _unused_, const struct child_spec *spec, const struct child_ops *ops, void *arg,
                struct child **ret) {
        struct child *child;
        int r;

        if (fake.refuse > 0)
                return -fake.refuse;
        child = calloc(1, sizeof(*child));
        if (!child)
                return -ENOMEM;
        *child = (struct child){ .ops = ops, .arg = arg };
        r = child_plan_new(spec, &child->plan);
        if (r < 0) {
                free(child);
                return r;
        }
        note("spawn");
        fake.last = child;
        fake.n++;
        *ret = child;
        return 0;
}

struct child *child_free(struct child *child) {
        if (!child)
                return NULL;
        note("free");
        fake.n--;
        if (fake.last == child)
                fake.last = NULL;
        child_plan_free(child->plan);
        free(child);
        return NULL;
}

void *child_owner(const struct child *child, const struct child_ops *ops) {
        return child->ops == ops ? child->arg : NULL;
}

pid_t child_pid(const struct child *child) {
        return child->started ? FAKE_PID : 0;
}

uint64_t child_start_ticks(const struct child *child) {
        return child->started ? FAKE_PID : 0;
}

void child_signal(struct child *child _unused_, int signo) {
        note("signal:%d", signo);
}

int child_signal_main(struct child *child _unused_, int signo) {
        note("main:%d", signo);
        return 0;
}

void child_kill(struct child *child _unused_) {
        note("kill");
}

void child_poll(struct child *child) {
        if (child->holds_message)
                fake_child_says(child, &child->held);
        if (child->holds_exit)
                fake_child_exited(child, child->status);
}

bool child_has_output(const struct child *child) {
        return child->holds_output;
}

void child_pause_output(struct child *child _unused_, bool pause) {
        note(pause ? "pause" : "resume");
}
