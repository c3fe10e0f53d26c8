/* SPDX-License-Identifier: MIT */
/* transient: the tasks that RunCommand and MapCommand start, see transient.h.
 *
 * A caller gets no more rights than he has: the process has his user and groups and what he has renounced, his
 * environment and none of the daemon's, and descriptors that he has opened himself. To be another user he must be an
 * admin, who may be everybody anyway. What is to hold for the run is written as in the configuration, and checked by the same
 * rows.
 */
#include "control/transient.h"

#include "base/text.h"
#include "config/transient.h"
#include "control/identity.h"
#include "control/methods.h"
#include "loop/child_files.h"
#include "task/kind.h"

#include <stdio.h>
#include <sys/socket.h>

/* Parameters that are keys of [task]. */
static const char *const settings[] = {
        "limit",       "timeout",  "total_timeout", "queue_timeout",  "grace",           "retries",
        "retry_delay", "priority", "concurrency",   "items_may_fail", "on_item_failure", "user",
};

/* ---- the task ---- */

struct texts {
        char keys[ARRAY_SIZE(settings)][32];
        char numbers[ARRAY_SIZE(settings)][24];
        struct task_setting items[ARRAY_SIZE(settings)];
        size_t n;
};

static void collect(const json_t *parameters, struct texts *texts) {
        for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
                const json_t *value = json_object_get(parameters, settings[i]);
                struct task_setting *setting = &texts->items[texts->n];

                if (!value || json_is_null(value))
                        continue;
                (void)snprintf(texts->keys[texts->n], sizeof(texts->keys[0]), "%s", settings[i]);
                for (char *c = texts->keys[texts->n]; *c; c++)
                        *c = *c == '_' ? '-' : *c;
                (void)snprintf(texts->numbers[texts->n], sizeof(texts->numbers[0]), "%lld",
                               (long long)json_integer_value(value));
                setting->key = texts->keys[texts->n];
                setting->text = json_is_string(value) ? json_string_value(value) : texts->numbers[texts->n];
                texts->n++;
        }
}

static int refuse(struct varlink_call *call, const char *message) {
        return varlink_error(call, ERROR_RUNNER("InvalidSetting"), json_pack("{s:s}", "message", message));
}

static int make_task(struct varlink_call *call, const json_t *parameters, bool map, struct task **ret) {
        const char *name = json_string_value(json_object_get(parameters, "name"));
        char wrong[TRANSIENT_WRONG_MAX] = "";
        struct texts texts = { 0 };
        int r;

        if (name && !text_is_name(name))
                return varlink_error_parameter(call, "name");
        collect(parameters, &texts);
        r = transient_task_new(name ? name : map ? "map" : "run", texts.items, texts.n, map, wrong, ret);
        if (r == -EINVAL)
                return refuse(call, wrong);
        return r < 0 ? r : 1;
}

/* ---- words ---- */

/* What the daemon says itself, or what is not so in another process. */
static bool is_misleading(const char *word) {
        static const char *const names[] = {
                "NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "INVOCATION_ID=", "MAINPID=", "SYSTEMD_EXEC_PID=", "TENDD_",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strncmp(word, names[i], strlen(names[i])) == 0)
                        return true;
        return false;
}

/* Copies of the strings of @array, which may be NULL, with room for one more; of an environment, those that make sense. What they
 * take is added to @size. */
static int copy_words(const json_t *array, bool environment, strv *ret, size_t *size) {
        strv words = calloc(json_array_size(array) + 2, sizeof(*words));
        size_t n = 0;

        if (!words)
                return -ENOMEM;
        for (size_t i = 0; i < json_array_size(array); i++) {
                const char *word = json_string_value(json_array_get(array, i));

                if (environment && is_misleading(word))
                        continue;
                *size += strlen(word) + 1 + sizeof(*words);
                words[n] = strdup(word);
                if (!words[n++]) {
                        text_strv_free(words);
                        return -ENOMEM;
                }
        }
        *ret = words;
        return 0;
}

/* Returns 1; 0 when the call was answered; -ENOMEM. */
static int set_env(struct varlink_call *call, const json_t *parameters, struct task *task) {
        const json_t *env = json_object_get(parameters, "env");

        for (size_t i = 0; i < json_array_size(env); i++) {
                const char *word = json_string_value(json_array_get(env, i));

                if (!strchr(word, '=') || *word == '=')
                        return varlink_error_parameter(call, "env");
        }
        return copy_words(env, true, &task->transient->env, &task->transient->size) < 0 ? -ENOMEM : 1;
}

static bool has_braces(const strv words) {
        for (size_t i = 0; words[i]; i++)
                if (strstr(words[i], "{}"))
                        return true;
        return false;
}

static int set_command(struct varlink_call *call, const json_t *parameters, bool map, struct task *task) {
        const json_t *command = json_object_get(parameters, "command");
        const json_t *umask = json_object_get(parameters, "umask");
        size_t n = json_array_size(command);

        if (n == 0 || *json_string_value(json_array_get(command, 0)) == '\0')
                return varlink_error_parameter(call, "command");
        if (json_is_integer(umask)) {
                if (json_integer_value(umask) < 0 || json_integer_value(umask) > 0777)
                        return varlink_error_parameter(call, "umask");
                task->exec->umask = (int)json_integer_value(umask);
        }
        if (copy_words(command, false, &task->exec->command, &task->transient->size) < 0)
                return -ENOMEM;
        if (!map || has_braces(task->exec->command))
                return 1;
        task->exec->command[n] = strdup("{}");
        return task->exec->command[n] ? 1 : -ENOMEM;
}

/* ---- as whom ---- */

static int set_identity(struct varlink_call *call, struct task *task) {
        const struct varlink_peer *peer = varlink_call_peer(call);
        struct transient_part *transient = task->transient;
        int r;

        if (task->exec->user) {
                if (peer->role < VARLINK_ROLE_ADMIN)
                        return varlink_error(call, ERROR_RUNNER("NotAsUser"),
                                             json_pack("{s:s}", "user", task->exec->user));
                return 1;
        }
        /* A daemon that is not root can run things as itself alone; root may do that, too. */
        if (geteuid() != 0 && peer->uid != geteuid())
                return peer->uid == 0 ? 1 : varlink_error(call, ERROR_RUNNER("NotYourDaemon"), NULL);
        transient->as_caller = true;
        task->exec->no_new_privileges = identity_has_renounced(call);
        r = identity_of(call, &transient->caller);
        return r < 0 ? r : 1;
}

/* ---- descriptors ---- */

static bool is_socket(int fd) {
        int domain = 0, type = 0;
        socklen_t length = sizeof(int);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX &&
               getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

/* Takes the descriptor whose number is the parameter @name. Returns whether there is one, or none is asked for. */
static bool take_fd(struct varlink_call *call, const json_t *parameters, const char *name, int *ret) {
        const json_t *index = json_object_get(parameters, name);

        if (!json_is_integer(index))
                return true;
        *ret = varlink_call_take_fd(call, json_integer_value(index));
        return *ret >= 0;
}

static int set_files(struct control *control, struct varlink_call *call, const json_t *parameters, bool map,
                     struct task *task) {
        static const char *const names[_CHILD_FILE_MAX] = { "stdin", "stdout", "stderr", "directory" };
        int fds[_CHILD_FILE_MAX] = { -EBADF, -EBADF, -EBADF, -EBADF };
        const char *wrong = NULL;
        bool any = false;

        for (size_t i = 0; i < _CHILD_FILE_MAX && !wrong; i++) {
                if (!take_fd(call, parameters, names[i], &fds[i]))
                        wrong = names[i];
                any |= fds[i] >= 0;
        }
        if (any && child_files_new(live_spawner(control->live), fds, &task->transient->files) < 0) {
                child_files_close(live_spawner(control->live), fds, _CHILD_FILE_MAX);
                return -ENOMEM;
        }
        if (!wrong && map &&
            (!take_fd(call, parameters, "items", &task->transient->items_fd) || !is_socket(task->transient->items_fd)))
                wrong = "items";
        return wrong ? varlink_error_parameter(call, wrong) : 1;
}

/* ---- the whole ---- */

int transient_new(struct control *control, struct varlink_call *call, const json_t *parameters, bool map,
                  struct task **ret) {
        _cleanup_(task_unrefp) struct task *task = NULL;
        int r;

        r = make_task(call, parameters, map, &task);
        if (r > 0)
                r = set_command(call, parameters, map, task);
        if (r > 0)
                r = set_identity(call, task);
        if (r > 0)
                r = set_env(call, parameters, task);
        if (r > 0)
                r = set_files(control, call, parameters, map, task);
        if (r > 0)
                *ret = TAKE_PTR(task);
        return r;
}

int transient_refused(struct varlink_call *call, const struct task *task, int error, const char *limit) {
        char message[128];

        switch (error) {
        case -EEXIST: return varlink_error(call, ERROR_RUNNER("NameTaken"), json_pack("{s:s}", "name", task->run.name));
        case -ENOBUFS: return varlink_error(call, ERROR_RUNNER("TooMany"), NULL);
        case -ESHUTDOWN: return varlink_error(call, ERROR_RUNNER("ShuttingDown"), NULL);
        case -ENOENT: return varlink_error(call, ERROR_RUNNER("NoSuchLimit"), json_pack("{s:s}", "limit", limit));
        case -ERANGE:
                (void)snprintf(message, sizeof(message), "limit: asks for more permits of %s than there are", limit);
                return refuse(call, message);
        default: return error;
        }
}
