/* SPDX-License-Identifier: MIT */
/* cgroups: whether runs get control groups, and which bounds can be kept by them. */
#include "base/log.h"
#include "live/live_private.h"

/* Bounds that cannot be kept are told once for each task, not for each of its runs. */
static void warn_of_missing(const struct live *live, const struct cgroup_tree *tree) {
        for (size_t i = 0; i < live->n_tasks; i++) {
                const struct task *task = live->config->tasks[i];
                const struct exec_part *part = task->kind == &kind_exec ? task->exec : NULL;
                const struct {
                        enum cgroup_controller controller;
                        const char *key;
                        bool wanted;
                } bounds[] = {
                        { CGROUP_MEMORY, "memory-max", part && part->memory_max > 0 },
                        { CGROUP_CPU, "cpu-max", part && part->cpu_max > 0 },
                        { CGROUP_PIDS, "pids-max", part && part->pids_max > 0 },
                };

                for (size_t k = 0; k < ARRAY_SIZE(bounds); k++)
                        if (bounds[k].wanted && !(tree && cgroup_tree_has(tree, bounds[k].controller)))
                                log_record(LOG_WARNING,
                                           &(struct log_context){ .task = task->run.name, .place = LOG_HERE },
                                           "%s is not kept here: the daemon's cgroup2 tree has no %s controller "
                                           "(a unit with Delegate=yes has)",
                                           bounds[k].key, cgroup_controller_to_string(bounds[k].controller));
        }
}

static const char *explain(int error) {
        return error == -EOPNOTSUPP ? "there is no cgroup2 tree" : strerror(-error);
}

int live_use_cgroups(struct live *live, const char *tag) {
        const char *where = live->config->daemon.cgroup;
        bool is_auto = !where || streq(where, "auto");
        struct cgroup_tree *tree = NULL;
        int r;

        if (tag && (is_auto || !streq(where, "no"))) {
                r = cgroup_tree_new(is_auto ? NULL : where, tag, &tree);
                if (r < 0 && !is_auto) {
                        log_error("[daemon] cgroup = %s: no control group can be made there: %s", where, explain(r));
                        return r;
                }
                if (tree)
                        log_info("runs get control groups below %s", cgroup_tree_path(tree));
                else
                        log_info("runs get no control groups (%s): their processes are found by walking", explain(r));
        }
        warn_of_missing(live, tree);
        live->cgroups = tree;
        spawner_use_cgroups(live->env.spawner, tree);
        return 0;
}
