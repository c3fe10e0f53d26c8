/* SPDX-License-Identifier: MIT */
/* env: makes what the kinds work with. The HTTP engine costs megabytes, so it is there only when a task needs it. */
#include "live/live_private.h"

#define NAMES_MAX 4096

extern char **environ;

static bool needs_http(const struct config *config) {
        for (size_t i = 0; i < config->n_tasks; i++)
                if (config->tasks[i]->kind == &kind_http)
                        return true;
        return false;
}

int live_env_init(struct live *live) {
        struct task_env *env = &live->env;
        int r;

        env->loop = live->loop;
        env->environ = environ;
        env->shell = live->config->daemon.shell;
        r = spawner_new(live->loop, &env->spawner);
        if (r < 0)
                return r;
        r = resolver_new(live->loop, NAMES_MAX, &env->resolver);
        if (r < 0)
                return r;
        return needs_http(live->config) ? http_engine_new(live->loop, env->resolver, &env->http) : 0;
}

void live_env_done(struct live *live) {
        http_engine_free(live->env.http);
        resolver_free(live->env.resolver);
        spawner_free(live->env.spawner);
}
