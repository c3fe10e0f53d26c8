/* SPDX-License-Identifier: MIT */
/* items_command: items from the lines that a command prints.
 *
 * The command is a child like any other: it has a session of its own, and when the fan-out ends before it, its whole
 * tree is killed. It is not read faster than items are taken; a pipe that is full makes it wait. The source ends when
 * the output has ended and the command as well; then its exit status decides whether the items were all there are.
 */
#include "loop/child.h"
#include "task/item_lines.h"
#include "task/items.h"

#include <sys/wait.h>

struct command_items {
        struct items items;
        struct item_lines lines;
        struct child *child;
        struct child_spec spec;
        bool paused;
        bool exited;
        bool gone; /* and its whole tree */
};

static void on_started(struct child *child _unused_, pid_t pid, enum child_step step, int error, void *arg) {
        struct command_items *c = arg;

        if (pid > 0)
                return;
        items_fail(&c->items, ERROR_SPAWN, "%s: %s (%s)", c->spec.path, strerrordesc_np(error),
                   child_step_to_string(step));
        item_lines_end(&c->lines);
        c->exited = c->gone = true;
        items_ready(&c->items);
}

static void on_exit_(struct child *child, int status, const struct rusage *usage _unused_, void *arg) {
        struct command_items *c = arg;

        c->exited = true;
        if (WIFSIGNALED(status))
                items_fail(&c->items, ERROR_SIGNAL, "%s was killed by %s", c->spec.path,
                           sigdescr_np(WTERMSIG(status)) ?: "a signal");
        else if (WEXITSTATUS(status) != 0)
                items_fail(&c->items, ERROR_EXIT, "%s exited with %d", c->spec.path, WEXITSTATUS(status));
        child_kill(child); /* what it left behind might keep the pipe open for ever */
        items_ready(&c->items);
}

static void set_paused(struct command_items *c, bool paused) {
        if (c->paused == paused || c->gone)
                return;
        c->paused = paused;
        child_pause_output(c->child, paused);
}

static void on_output(struct child *child _unused_, const char *data, size_t n, void *arg) {
        struct command_items *c = arg;

        if (n == 0) {
                item_lines_end(&c->lines);
        } else if (item_lines_feed(&c->lines, data, n) < 0) {
                items_fail(&c->items, ERROR_IO, "out of memory");
                child_kill(c->child);
        } else {
                set_paused(c, true); /* until these are taken */
        }
        items_ready(&c->items);
}

static void on_gone(struct child *child _unused_, void *arg) {
        struct command_items *c = arg;

        c->gone = true;
        items_ready(&c->items);
}

static int command_open(struct items *items) {
        static const struct child_ops ops = {
                .on_started = on_started,
                .on_exit = on_exit_,
                .on_output = on_output,
                .on_gone = on_gone,
        };
        struct command_items *c = CONTAINER_OF(items, struct command_items, items);
        const struct task *task = items->task;
        const struct exec_part *exec = task->kind == kind_from_string("exec") ? task->exec : NULL;

        if (!task->for_each.words || !task->for_each.words[0])
                return -EINVAL;
        c->spec = (struct child_spec){
                .path = task->for_each.words[0],
                .argv = task->for_each.words,
                .env_base = task->env->environ,
                .directory = exec ? exec->directory : NULL,
                .output_pipe = true,
                .user = exec ? exec->user : NULL,
                .group = exec ? exec->group : NULL,
                .umask = (mode_t)-1,
                .core = CHILD_CORE_UNCHANGED,
        };
        return child_spawn(task->env->spawner, &c->spec, &ops, c, &c->child);
}

static int command_next(struct items *items, const char **ret, size_t *ret_length) {
        struct command_items *c = CONTAINER_OF(items, struct command_items, items);
        int r;

        r = item_lines_next(&c->lines, ret, ret_length);
        if (r != 0)
                return r;
        if (item_lines_finished(&c->lines) && c->exited)
                return -ENODATA;
        set_paused(c, false);
        return 0;
}

static void command_close(struct items *items) {
        struct command_items *c = CONTAINER_OF(items, struct command_items, items);

        if (!c->gone)
                child_kill(c->child);
        child_free(c->child);
        item_lines_done(&c->lines);
}

const struct items_type items_command = {
        .size = sizeof(struct command_items),
        .open = command_open,
        .next = command_next,
        .close = command_close,
};
