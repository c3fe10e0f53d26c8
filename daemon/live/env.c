/* SPDX-License-Identifier: MIT */
/* env: makes what the kinds work with. The HTTP engine costs megabytes, so it is there only when a task needs it. */
#include "base/log.h"
#include "live/live_private.h"

#define NAMES_MAX 4096

extern char **environ;

static bool needs_http(const struct config *config) {
        for (size_t i = 0; i < config->n_tasks; i++)
                if (config->tasks[i]->kind == &kind_http)
                        return true;
        return false;
}

/* What is about the daemon, and would mislead a child. */
static bool is_ours(const char *word) {
        static const char *const names[] = {
                "NOTIFY_SOCKET=",
                "WATCHDOG_",
                "LISTEN_",
                "CREDENTIALS_DIRECTORY=",
                "JOURNAL_STREAM=",
                "INVOCATION_ID=",
                "MAINPID=",
                "RUNTIME_DIRECTORY=",
                "STATE_DIRECTORY=",
                "LOGS_DIRECTORY=",
                "CACHE_DIRECTORY=",
                "CONFIGURATION_DIRECTORY=",
                "FDSTORE=",
                "MEMORY_PRESSURE_",
                "SYSTEMD_EXEC_PID=",
                "PWD=",
                "OLDPWD=",
                "_=",
                "TENDD_",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strncmp(word, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

/* The daemon's environment as children get it, and @socket, which may be NULL; the strings are not copied. */
static char **strip_environ(char *socket) {
        char **stripped;
        size_t n = 0, k = 0;

        while (environ && environ[n])
                n++;
        stripped = calloc(n + 2, sizeof(*stripped));
        for (size_t i = 0; stripped && i < n; i++)
                if (!is_ours(environ[i]))
                        stripped[k++] = environ[i];
        if (stripped)
                stripped[k] = socket;
        return stripped;
}

static const char *find_shell(const struct config *config) {
        if (config->daemon.shell)
                return config->daemon.shell;
        return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

static void warn_of_silent(const struct live *live) {
        for (size_t i = 0; i < live->config->n_tasks; i++) {
                const struct task *task = live->config->tasks[i];
                const struct service_part *service = task->service;

                if (service && (service->ready == READY_NOTIFY || service->watchdog_usec > 0))
                        log_warning("[task %s] has %s, and will fail without a notify socket", task->run.name,
                                    service->ready == READY_NOTIFY ? "ready = notify" : "a watchdog");
        }
}

/* Without a socket a run works as well, but cannot say how it does: no reason not to run it. */
static void use_notify(struct live *live, const struct live_options *options) {
        struct notify_dir *dir = NULL;
        int r;

        if (!options->notify_dir)
                return;
        r = notify_dir_new(options->notify_dir, !options->shared, &dir);
        if (r < 0) {
                log_warning("runs get no notify sockets: %s: %s", options->notify_dir, strerror(-r));
                warn_of_silent(live);
        }
        spawner_use_notify(live->env.spawner, dir);
}

int live_env_init(struct live *live, const struct live_options *options) {
        struct task_env *env = &live->env;
        int r;

        env->loop = live->loop;
        env->on_suppressed = live_on_suppressed;
        if (options->socket && asprintf(&live->socket, "TENDD_SOCKET=%s", options->socket) < 0) {
                live->socket = NULL;
                return -ENOMEM;
        }
        live->environ = strip_environ(live->socket);
        if (!live->environ)
                return -ENOMEM;
        env->environ = live->environ;
        env->socket = live->socket;
        env->tag = live->tag;
        env->passed_over = live_passed_over;
        env->shell = find_shell(live->config);
        r = spawner_new(live->loop, &env->spawner);
        if (r < 0)
                return r;
        r = live_use_cgroups(live, live->tag);
        if (r < 0)
                return r;
        use_notify(live, options);
        r = resolver_new(live->loop, NAMES_MAX, &env->resolver);
        if (r < 0)
                return r;
        r = trust_new(&env->trust);
        if (r < 0)
                return r;
        return needs_http(live->config) ? http_engine_new(live->loop, env->resolver, &env->http) : 0;
}

int live_env_reload(struct live *live, const struct config *config) {
        struct task_env *env = &live->env;
        int r;

        if (!env->http && needs_http(config)) {
                r = http_engine_new(live->loop, env->resolver, &env->http);
                if (r < 0)
                        return r;
        }
        env->shell = find_shell(config);
        return 0;
}

void live_reopen_files(struct live *live) {
        spawner_reopen_files(live->env.spawner);
}

void live_flush_files(struct live *live, usec_t timeout_usec) {
        spawner_flush_files(live->env.spawner, timeout_usec);
}

void live_env_done(struct live *live) {
        http_engine_free(live->env.http);
        trust_free(live->env.trust);
        resolver_free(live->env.resolver);
        spawner_free(live->env.spawner);
        free(live->environ);
}
