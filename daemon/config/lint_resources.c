/* SPDX-License-Identifier: MIT */
/* lint_resources: bounds that only a control group can hold, where it has no controller for them.
 *
 * Whoever checks is seldom in the daemon's own group, so with `auto` a controller counts as there when this group or one
 * above it has it: then a unit with Delegate=yes gets it. The daemon itself tells at its start what it got.
 */
#include "config/lint.h"
#include "loop/cgroup.h"
#include "task/kind.h"

#include <limits.h>
#include <stdio.h>

struct resource_lint {
        struct lint lint;
        bool asked;
        bool has[_CGROUP_CONTROLLER_MAX];
        bool has_tree;
};

/* The controllers that the file in @directory names. Returns 0 or -errno. */
static int read_controllers(const char *directory, bool has[_CGROUP_CONTROLLER_MAX]) {
        char path[PATH_MAX], line[512] = "", *rest = line, *word;
        FILE *in;

        if (snprintf(path, sizeof(path), "%s/cgroup.controllers", directory) >= (int)sizeof(path))
                return -ENAMETOOLONG;
        in = fopen(path, "re");
        if (!in)
                return -errno;
        if (!fgets(line, sizeof(line), in))
                line[0] = '\0';
        (void)fclose(in);
        while ((word = strsep(&rest, " \n"))) {
                for (enum cgroup_controller i = 0; i < _CGROUP_CONTROLLER_MAX; i++)
                        has[i] |= streq(word, cgroup_controller_to_string(i));
        }
        return 0;
}

static void ask(struct resource_lint *host) {
        const char *written = host->lint.load->config->daemon.cgroup;
        char *directory;

        if (host->asked)
                return;
        host->asked = true;
        if (streq(written, "no"))
                return;
        if (!streq(written, "auto")) {
                host->has_tree = read_controllers(written, host->has) == 0;
                return;
        }
        if (cgroup_find_own(&directory) < 0)
                return;
        while (*directory && read_controllers(directory, host->has) == 0) {
                host->has_tree = true;
                *strrchr(directory, '/') = '\0';
        }
        free(directory);
}

static void check_bound(struct lint *lint, const struct raw_section *section, const char *key,
                        enum cgroup_controller controller) {
        struct resource_lint *host = (struct resource_lint *)lint;
        const char *written = lint->load->config->daemon.cgroup, *name = cgroup_controller_to_string(controller);

        ask(host);
        if (host->has[controller])
                return;
        if (streq(written, "no"))
                lint_tell(lint, section, key, "cannot be held: [daemon] cgroup is no");
        else if (!streq(written, "auto"))
                lint_tell(lint, section, key, "cannot be held: [daemon] cgroup is %s, which has no %s controller%s",
                          written, name, host->has_tree ? "" : ", nor is it in a cgroup2 tree");
        else if (host->has_tree)
                lint_tell(lint, section, key,
                          "cannot be held: cgroup2 has no %s controller here (the kernel's command line needs "
                          "systemd.unified_cgroup_hierarchy=1, or the container a cgroup2 tree that has it)",
                          name);
        else
                lint_tell(lint, section, key,
                          "cannot be held: there is no cgroup2 tree here (mount it, or run on a host "
                          "that has)");
}

static void check_bounds(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        const struct exec_part *exec = task && task->enabled && task->kind == &kind_exec ? task->exec : NULL;

        if (exec && exec->memory_max > 0)
                check_bound(lint, section, "memory-max", CGROUP_MEMORY);
        if (exec && exec->cpu_max > 0)
                check_bound(lint, section, "cpu-max", CGROUP_CPU);
        if (exec && exec->pids_max > 0)
                check_bound(lint, section, "pids-max", CGROUP_PIDS);
}

int load_lint_resources(struct load *load) {
        static const struct lint_rule rules[] = { { "a bound that cannot be held", check_bounds } };
        struct resource_lint host = { .lint = { .load = load } };

        lint_run(&host.lint, rules, ARRAY_SIZE(rules));
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
