/* SPDX-License-Identifier: MIT */
/* call: calls the daemon, and turns what goes wrong into a message and an exit code. */
#include "tendctl/client.h"
#include "tendctl/ctl.h"
#include "tendctl/print.h"

#include <stdio.h>

#define INTERFACE "io.tendd.Runner."
#define STANDARD  "org.varlink.service."

#define SHOWN_MAX 4200 /* the longest string that a daemon takes, and more */

#define ANSWER_TIMEOUT_USEC (60 * USEC_PER_SEC)

/* ---- errors of the daemon ---- */

static const struct {
        const char *name;
        int code;
        const char *text;
        const char *parameter; /* shown after the text, or NULL */
} errors[] = {
        { INTERFACE "NoSuchTask", CTL_NO_SUCH, "no such task", "task" },
        { INTERFACE "NoSuchRun", CTL_NO_SUCH, "no such run", "run" },
        { INTERFACE "NoSuchLimit", CTL_NO_SUCH, "no such limit", "limit" },
        { INTERFACE "NoSuchPool", CTL_NO_SUCH, "no such pool", "pool" },
        { INTERFACE "OutOfRange", CTL_USAGE, "not accepted", NULL },
        { INTERFACE "NoSuchEvent", CTL_USAGE, "no such event (tendctl events shows their names)", "event" },
        { INTERFACE "NotRunning", CTL_NO_SUCH, "nothing runs of", "name" },
        { INTERFACE "TimedOut", CTL_TIMEOUT, "not in time", "waiting_for" },
        { INTERFACE "NoService", CTL_FAILED, "no service, so that it is never ready and has no restart", "name" },
        { INTERFACE "Ended", CTL_FAILED, "it has ended, and does not start again by itself", "reason" },
        { INTERFACE "Stopping", CTL_FAILED, "it is being stopped", "run" },
        { INTERFACE "NoBound", CTL_FAILED, "no bound ends it", "run" },
        { INTERFACE "NoGroup", CTL_FAILED, "only a group of tasks that end can be resumed; start it without --resume",
          "task" },
        { INTERFACE "NotItsRun", CTL_FAILED, "a run of another task; see `tendctl history` of the group for its runs",
          "run" },
        { INTERFACE "StillRuns", CTL_FAILED, "it still runs; `tendctl wait` for it or `tendctl stop` it first", "run" },
        { INTERFACE "AllOk", CTL_FAILED, "all of its members were ok; to run all again, start it without --resume",
          "run" },
        { INTERFACE "InvalidSetting", CTL_USAGE, "not allowed", "message" },
        { INTERFACE "NameTaken", CTL_USAGE, "a task of the configuration is called so; choose another --name", "name" },
        { INTERFACE "TooMany", CTL_FAILED, "there are too many runs by run and map already", NULL },
        { INTERFACE "NotAsUser", CTL_DENIED, "denied: only an admin may run something as", "user" },
        { INTERFACE "NotYourDaemon", CTL_DENIED,
          "denied: the daemon is not root, and runs nothing for other users than its own", NULL },
        { INTERFACE "Disabled", CTL_FAILED, "not enabled in the configuration", "task" },
        { INTERFACE "CallerEnds", CTL_FAILED, "nothing is started any more from inside of a run that is to end",
          "run" },
        { INTERFACE "TooDeep", CTL_FAILED, "too many runs are started from inside of each other", "run" },
        { INTERFACE "WouldDeadlock", CTL_FAILED, "not from inside of this run", "reason" },
        { INTERFACE "ShuttingDown", CTL_FAILED, "the daemon is ending and starts nothing more", NULL },
        { INTERFACE "ConfigurationRefused", CTL_USAGE, "the configuration is refused, and nothing was changed", NULL },
        { INTERFACE "ReloadFailed", CTL_FAILED, "the configuration was not taken, and nothing was changed", "reason" },
        { INTERFACE "StoreDegraded", CTL_FAILED, "the history cannot be read", "reason" },
        { INTERFACE "TooSlow", CTL_FAILED, "answers were taken too slowly; some are lost", NULL },
        { INTERFACE "Failed", CTL_FAILED, "the daemon could not do it", "message" },
        { STANDARD "PermissionDenied", CTL_DENIED, "denied: your user may not do this", NULL },
        { STANDARD "MethodNotFound", CTL_FAILED, "this daemon does not know", "method" },
        { STANDARD "MethodNotImplemented", CTL_FAILED, "this daemon does not offer", "method" },
        { STANDARD "InterfaceNotFound", CTL_FAILED, "this is no tendd: it does not know", "interface" },
        { STANDARD "InvalidParameter", CTL_USAGE, "the daemon does not accept the value of", "parameter" },
};

const char *ctl_explain(const char *error) {
        if (streq(error, INTERFACE "RoleNeeded"))
                return "denied: your user has not the role for this";
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                if (streq(errors[i].name, error))
                        return errors[i].text;
        return error;
}

/* What is wrong with the configuration; as JSON, as `tendd --check` prints it. */
static void tell_findings(const struct ctl *ctl, const json_t *parameters) {
        static const char *const places[] = { "file", "section", "key" };
        json_t *findings = json_object_get(parameters, "findings"), *finding;
        size_t index;

        if (!findings)
                return;
        if (!ctl->json) {
                print_findings(findings, stderr);
                return;
        }
        json_array_foreach(findings, index, finding)
                for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                        if (!json_object_get(finding, places[i]))
                                (void)json_object_set_new(finding, places[i], json_null());
        (void)print_json(json_pack("{s:I, s:I, s:O}", "errors", (json_int_t)get_int(parameters, "errors"), "warnings",
                                   (json_int_t)get_int(parameters, "warnings"), "findings", findings));
}

/* A string, or an array of them, into @buf; what is too long is cut off. */
static void show_parameter(const json_t *parameters, const char *name, char buf[SHOWN_MAX]) {
        const json_t *value = name ? json_object_get(parameters, name) : NULL;
        size_t index, used = 0;
        json_t *item;

        (void)snprintf(buf, SHOWN_MAX, "%s", json_is_string(value) ? json_string_value(value) : "");
        json_array_foreach((json_t *)value, index, item) {
                if (used < SHOWN_MAX)
                        used += (size_t)snprintf(buf + used, SHOWN_MAX - used, "%s%s", index > 0 ? ", " : "",
                                                 json_string_value(item));
        }
}

/* Two errors take a sentence of their own. */
static int tell_denied(const json_t *parameters) {
        const char *method = get_string(parameters, "method"), *dot = strrchr(method, '.');

        return ctl_error(
                CTL_DENIED,
                "denied: %s needs the role %s, and you have %s; who has which is set in the section [access] of "
                "the daemon's configuration, see tendd.ini(5)",
                dot ? dot + 1 : method, get_string(parameters, "needs"), get_string(parameters, "has"));
}

static int tell_out_of_range(const json_t *parameters) {
        return ctl_error(CTL_USAGE, "%s is not accepted; allowed is: %s", get_string(parameters, "parameter"),
                         get_string(parameters, "allowed"));
}

static int daemon_error(const struct ctl *ctl, const struct client_answer *answer, unsigned flags) {
        if (streq(answer->error, INTERFACE "RoleNeeded"))
                return tell_denied(answer->parameters);
        if (streq(answer->error, INTERFACE "OutOfRange"))
                return tell_out_of_range(answer->parameters);
        if (flags & CTL_AGAIN && streq(answer->error, INTERFACE "TooSlow"))
                return CTL_NO_DAEMON;
        tell_findings(ctl, answer->parameters);
        for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
                char parameter[SHOWN_MAX];

                if (!streq(errors[i].name, answer->error))
                        continue;
                if (errors[i].code == CTL_NO_SUCH && flags & CTL_MAYBE)
                        return CTL_NO_SUCH;
                show_parameter(answer->parameters, errors[i].parameter, parameter);
                return ctl_error(errors[i].code, "%s%s%s", errors[i].text, *parameter ? ": " : "", parameter);
        }
        return ctl_error(CTL_FAILED, "the daemon answered %s", answer->error);
}

/* ---- calls ---- */

static int client_error(struct ctl *ctl, int error, unsigned flags) {
        if (flags & CTL_AGAIN && (error == -ECONNRESET || error == -EPIPE)) {
                ctl->client = client_free(ctl->client);
                return CTL_NO_DAEMON;
        }
        switch (error) {
        case -ECONNRESET:
        case -EPIPE: return ctl_error(CTL_NO_DAEMON, "the daemon closed the connection");
        case -ETIMEDOUT: return ctl_error(CTL_NO_DAEMON, "the daemon does not answer");
        case -EINTR: return CTL_INTERRUPTED; /* who did so knows it */
        case -EPROTO: return ctl_error(CTL_NO_DAEMON, "what answers does not speak Varlink");
        default: return ctl_error(CTL_FAILED, "%s", strerror(-error));
        }
}

static int try_again(struct ctl *ctl) {
        return ctl_connect_quietly(ctl) == 0 ? CTL_OK : CTL_NO_DAEMON;
}

int ctl_call(struct ctl *ctl, const char *method, json_t *parameters, unsigned flags, ctl_answer_fn fn, void *arg) {
        usec_t timeout = flags & CTL_WAIT ? USEC_INFINITY : ANSWER_TIMEOUT_USEC;
        struct client_answer answer;
        bool continues;
        char name[128];
        int r, code;

        code = ctl->client ? CTL_OK : flags & CTL_AGAIN ? try_again(ctl) : ctl_connect(ctl);
        if (code != CTL_OK) {
                json_decref(parameters);
                return code;
        }
        (void)snprintf(name, sizeof(name), INTERFACE "%s", method);
        r = client_send(ctl->client, name, parameters, flags & CTL_MORE);
        if (r < 0)
                return client_error(ctl, r, flags);
        do {
                r = client_receive(ctl->client, timeout, &answer);
                if (r < 0)
                        return client_error(ctl, r, flags);
                continues = answer.continues;
                code = answer.error ? daemon_error(ctl, &answer, flags) : fn(ctl, answer.parameters, arg);
                client_answer_done(&answer);
        } while (continues && code == CTL_OK);
        return code;
}

struct collection {
        const char *key;
        json_t *array;
};

static int collect(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        const struct collection *collection = arg;
        json_t *part = json_object_get(parameters, collection->key);

        if (json_array_extend(collection->array, part) < 0)
                return ctl_error(CTL_FAILED, "the daemon's answer has no %s", collection->key);
        return CTL_OK;
}

int ctl_collect(struct ctl *ctl, const char *method, json_t *parameters, const char *key, json_t **ret) {
        struct collection collection = { key, json_array() };
        int code;

        code = ctl_call(ctl, method, parameters, CTL_MORE, collect, &collection);
        if (code != CTL_OK) {
                json_decref(collection.array);
                return code;
        }
        *ret = collection.array;
        return CTL_OK;
}

static int keep(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        json_t **ret = arg;

        json_decref(*ret);
        *ret = json_incref((json_t *)parameters);
        return CTL_OK;
}

int ctl_ask(struct ctl *ctl, const char *method, json_t *parameters, json_t **ret) {
        json_t *answer = NULL;
        int code;

        code = ctl_call(ctl, method, parameters, 0, keep, &answer);
        if (code != CTL_OK) {
                json_decref(answer);
                return code;
        }
        *ret = answer;
        return CTL_OK;
}

/* The tasks that the pattern @word matches, or what it is itself. */
static int expand(struct ctl *ctl, const char *word, json_t *names) {
        json_t *tasks, *task;
        size_t index;
        int code;

        if (strchr(word, '#') || !strpbrk(word, "*?"))
                return json_array_append_new(names, json_string(word)) < 0 ? CTL_FAILED : CTL_OK;
        code = ctl_collect(ctl, "List", json_pack("{s:[s]}", "tasks", word), "tasks", &tasks);
        if (code != CTL_OK)
                return code;
        json_array_foreach(tasks, index, task)
                (void)json_array_append(names, json_object_get(task, "name"));
        json_decref(tasks);
        return CTL_OK;
}

int ctl_for_each_name(struct ctl *ctl, char *const *words, size_t n, ctl_name_fn fn) {
        json_auto_t *names = json_array();
        int code = CTL_OK;

        for (size_t i = 0; i < n && code == CTL_OK; i++)
                code = expand(ctl, words[i], names);
        for (size_t i = 0; i < json_array_size(names) && code == CTL_OK; i++) {
                if (i > 0 && !ctl->json)
                        putchar('\n');
                code = fn(ctl, json_string_value(json_array_get(names, i)));
        }
        return code;
}

json_t *ctl_strings(char *const *words, size_t n) {
        json_t *array = json_array();

        for (size_t i = 0; i < n; i++)
                if (json_array_append_new(array, json_string(words[i])) < 0) {
                        json_decref(array);
                        return NULL;
                }
        return array;
}
