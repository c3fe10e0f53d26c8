/* SPDX-License-Identifier: MIT */
/* config: loads a configuration, step by step, and owns what was made. */
#include "config/config.h"

#include "base/text.h"
#include "config/load.h"

struct config *config_ref(struct config *config) {
        atomic_fetch_add_explicit(&config->n_ref, 1, memory_order_relaxed);
        return config;
}

static void access_list_done(struct access_list *list) {
        text_strv_free(list->words);
        free(list->known);
}

/* A task may live on in its runs, and must then not point into what is freed here. One that a later configuration has
 * taken over has the name of a file from there. */
static void drop_task(struct task *task, char *const *files) {
        for (; task->n_ref > 1 && task->origin_file && *files; files++)
                if (task->origin_file == *files)
                        task->origin_file = NULL;
        task_unref(task);
}

struct config *config_unref(struct config *config) {
        if (!config || atomic_fetch_sub_explicit(&config->n_ref, 1, memory_order_acq_rel) > 1)
                return NULL;
        for (size_t i = 0; i < config->n_tasks; i++)
                drop_task(config->tasks[i], config->private);
        free(config->tasks);
        for (size_t i = 0; i < config->n_limits; i++)
                free(config->limits[i].name);
        free(config->limits);
        for (size_t i = 0; i < config->n_pools; i++)
                free(config->pools[i].name);
        free(config->pools);
        free(config->daemon.state_dir);
        free(config->daemon.runtime_dir);
        free(config->daemon.shell);
        free(config->daemon.cgroup);
        free(config->daemon.timezone);
        access_list_done(&config->access.view);
        access_list_done(&config->access.operate);
        access_list_done(&config->access.admin);
        free(config->store.path);
        text_strv_free(config->metrics.listen);
        text_strv_free(config->private);
        free(config->text);
        free(config);
        return NULL;
}

static int compare_name(const void *name, const void *task) {
        return strcmp(name, (*(struct task *const *)task)->run.name);
}

struct task *config_find_task(const struct config *config, const char *name) {
        struct task **found = bsearch(name, config->tasks, config->n_tasks, sizeof(*found), compare_name);

        return found ? *found : NULL;
}

/* ---- loading ---- */

static int compare_rows(const void *a, const void *b) {
        const struct key *left = *(const struct key *const *)a, *right = *(const struct key *const *)b;
        int r = strcmp(left->name, right->name);

        return r ? r : left < right ? -1 : left > right;
}

/* Sorts the key table by names. */
static int sort_rows(struct load *load) {
        for (enum key_section section = 0; section < _KEY_SECTION_MAX; section++) {
                size_t n;
                const struct key *keys = keys_of_section(section, &n);

                load->rows[section] = calloc(n, sizeof(*load->rows[section]));
                if (!load->rows[section])
                        return -ENOMEM;
                for (size_t i = 0; i < n; i++)
                        load->rows[section][i] = &keys[i];
                qsort(load->rows[section], n, sizeof(*load->rows[section]), compare_rows);
                load->n_rows[section] = n;
        }
        return 0;
}

static int new_config(struct load *load) {
        struct config *config = calloc(1, sizeof(*config));
        char **files;

        if (!config)
                return -ENOMEM;
        config->n_ref = 1;
        load->config = config;
        /* The names of the files stay with the configuration: its tasks say where they are written. */
        files = calloc(load->diagnostics->n_files + 1, sizeof(*files));
        config->private = files;
        for (size_t i = 0; files && i < load->diagnostics->n_files; i++) {
                files[i] = strdup(load->diagnostics->files[i]);
                if (!files[i])
                        return -ENOMEM;
        }
        return files ? 0 : -ENOMEM;
}

static void load_done(struct load *load) {
        for (enum section_type type = 0; type < _SECTION_TYPE_MAX; type++)
                free(load->index[type]);
        for (enum key_section section = 0; section < _KEY_SECTION_MAX; section++)
                free(load->rows[section]);
        load_zones_done(load);
        load_credentials_done(load);
        free(load->placed);
        if (load->prototype)
                task_unref(load->prototype);
        config_unref(load->config);
        load_text_done(load);
        arena_done(&load->arena);
}

static bool has_errors(const struct load *load) {
        return load->diagnostics->counts[SEVERITY_ERROR] > 0;
}

static int make(struct load *load) {
        static int (*const steps[])(struct load *) = {
                load_index, new_config, load_build_sections, load_build_tasks, load_check, load_members,
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(steps) && r == 0; i++)
                r = steps[i](load);
        if (r == 0 && !has_errors(load))
                r = load_access(load);
        if (r == 0 && !has_errors(load))
                r = load_lint(load);
        if (r == 0 && !has_errors(load))
                r = load_lint_services(load);
        if (r == 0 && !has_errors(load))
                r = load_lint_when(load);
        if (r == 0 && !has_errors(load) && !load->options->portable)
                r = load_lint_host(load);
        if (r == 0 && !has_errors(load) && !load->options->portable)
                r = load_lint_resources(load);
        if (r == 0 && !has_errors(load))
                r = load_instances(load);
        return r;
}

int config_load_as(const char *path, const struct config_options *options, bool privileged,
                   struct diagnostics *diagnostics, struct config **ret) {
        _cleanup_(load_done) struct load load = {
                .options = options,
                .privileged = privileged && !options->portable,
                .diagnostics = diagnostics,
        };
        int r;

        r = sort_rows(&load);
        if (r == 0)
                r = load_source(&load, path);
        if (r == 0)
                r = make(&load);
        diagnostics_sort(diagnostics);
        if (r < 0)
                return r;
        if (diagnostics->out_of_memory)
                return -ENOMEM;
        if (has_errors(&load)) {
                if (options->ret_state_dir && load.config)
                        *options->ret_state_dir = TAKE_PTR(load.config->daemon.state_dir);
                return -EBADMSG;
        }
        if (options->keep_text) {
                r = load_take_text(&load, &load.config->text, &load.config->text_size);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(load.config);
        return 0;
}

int config_load(const char *path, const struct config_options *options, struct diagnostics *diagnostics,
                struct config **ret) {
        return config_load_as(path, options, geteuid() == 0, diagnostics, ret);
}
