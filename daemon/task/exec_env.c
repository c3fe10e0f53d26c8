/* SPDX-License-Identifier: MIT */
/* exec_env: the environment of a run's process. */
#include "task/exec_env.h"

#include "base/log.h"
#include "base/text.h"
#include "task/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>

#define OWN_MAX 20

struct env {
        char **words;
        size_t n;
        size_t n_max;
        bool failed;
};

static void add(struct env *env, char *word) {
        if (!word || env->n == env->n_max) {
                free(word);
                env->failed = true;
                return;
        }
        env->words[env->n++] = word;
}

static void add_pair(struct env *env, const char *name, const char *value) {
        char *word = NULL;

        if (asprintf(&word, "%s=%s", name, value) < 0)
                word = NULL;
        add(env, word);
}

static void add_number(struct env *env, const char *name, uint64_t value) {
        char text[24];

        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        add_pair(env, name, text);
}

static size_t count(const strv words) {
        size_t n = 0;

        while (words && words[n])
                n++;
        return n;
}

static void add_configured(struct env *env, const struct run *leaf) {
        const struct exec_part *part = task_of(run_get_spec(leaf))->exec;

        for (char **word = part->env; word && *word; word++) {
                struct template_values values;
                char *expanded = NULL;

                template_values_of(leaf, template_words(*word), &values);
                if (template_expand(*word, &values, TEMPLATE_TEXT, &expanded) < 0)
                        expanded = NULL;
                add(env, expanded);
        }
}

/* The caller's, as it is. */
static void add_given(struct env *env, const struct transient_part *transient) {
        for (char **word = transient ? transient->env : NULL; word && *word; word++)
                add(env, strdup(*word));
}

static void add_run(struct env *env, const struct run *leaf) {
        const struct task *task = task_of(run_get_spec(leaf));
        char name[RUN_NAME_MAX];

        add_pair(env, "TENDD_TASK", task->run.name);
        if (task->env && task->env->tag)
                add_pair(env, "TENDD_DAEMON", task->env->tag);
        if (task->env && task->env->socket && task->transient) /* others have it from the daemon's environment */
                add(env, strdup(task->env->socket));
        add_pair(env, "TENDD_RUN", run_name(leaf, name));
        add_number(env, "TENDD_ATTEMPT", run_get_number(leaf));
        add_number(env, "TENDD_DUE", run_get_due(leaf) / USEC_PER_SEC);
        add_pair(env, "TENDD_TRIGGER", run_get_trigger(leaf));
        if (task->instance > 0)
                add_number(env, "TENDD_INSTANCE", task->instance);
        if (task->service && task->service->watchdog_usec > 0)
                add_number(env, "WATCHDOG_USEC", task->service->watchdog_usec);
        if (run_get_item(leaf))
                add_pair(env, "TENDD_ITEM", run_get_item(leaf));
}

static void add_hook(struct env *env, const struct run *leaf) {
        const struct hook_context *hook = hook_context_of(leaf);
        enum error_kind error;

        if (!hook)
                return;
        error = result_error(hook->result);
        add_pair(env, "TENDD_FOR_TASK", hook->result->task);
        add_pair(env, "TENDD_FOR_RUN", hook->result->run);
        add_pair(env, "TENDD_FOR_EVENT", hook->event);
        add_pair(env, "TENDD_FOR_OUTCOME", hook->outcome);
        add_pair(env, "TENDD_FOR_ERROR", error == ERROR_NONE ? "" : error_kind_to_string(error));
        add_pair(env, "TENDD_FOR_DETAIL", hook->detail);
}

/* 128 random bits as systemd's INVOCATION_ID has them; they also mark whose process an orphan is. */
static const char *add_marker(struct env *env) {
        uint64_t bits[2] = { clock_now(CLOCK_ID_REALTIME), (uint64_t)(uintptr_t)env };
        char text[33];

        /* Early at boot there may be no randomness yet; the time and an address are unique enough then. */
        if (getrandom(bits, sizeof(bits), GRND_NONBLOCK) < 0)
                log_debug("no randomness yet: %s", strerror(errno));
        (void)snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, bits[0], bits[1]);
        add_pair(env, "INVOCATION_ID", text);
        return env->failed ? NULL : env->words[env->n - 1];
}

int exec_env(const struct run *leaf, char ***ret, const char **ret_marker) {
        const struct task *task = task_of(run_get_spec(leaf));
        struct env env = { .n_max = OWN_MAX };

        env.n_max += count(task->exec->env) + (task->transient ? count(task->transient->env) : 0);
        env.words = calloc(env.n_max + 1, sizeof(*env.words));
        if (!env.words)
                return -ENOMEM;
        add_given(&env, task->transient);
        add_configured(&env, leaf);
        add_run(&env, leaf);
        add_hook(&env, leaf);
        *ret_marker = add_marker(&env);
        if (env.failed) {
                text_strv_free(env.words);
                return -ENOMEM;
        }
        *ret = env.words;
        return 0;
}
