/* SPDX-License-Identifier: MIT */
/* methods_reload: Reload and Diff.
 *
 * The answer comes when the reload has ended; it is made of what the outcome has during the call that tells of it, and kept
 * until the stream is asked for it. A client that is gone meanwhile takes nothing away.
 */
#include "control/methods.h"
#include "live/apply.h"
#include "live/outcome_json.h"

#include <stdio.h>

/* Changes that are told one by one; the others are counted. */
#define CHANGES_TOLD 1000

struct reload_cursor {
        struct reload_request *request; /* NULL: it has been answered */
        struct varlink_call *call;
        struct control *control;
        json_t *answer;
        const char *error; /* the answer's parameters are those of this error */
};

static void reload_free(void *cursor) {
        struct reload_cursor *reload = cursor;

        reload_request_cancel(reload->request);
        json_decref(reload->answer);
        free(reload);
}

/* ---- changes ---- */

static int append_key(const char *key, const char *from, const char *to, bool needs_restart, void *userdata) {
        json_t *change = json_pack("{s:s, s:o*, s:o*, s:o*}", "key", key, "from", from ? json_text(from) : NULL, "to",
                                   to ? json_text(to) : NULL, "needs_restart", needs_restart ? json_true() : NULL);

        return json_array_append_new(userdata, change) < 0 ? -ENOMEM : 0;
}

static int append_change(json_t *changes, const char *name, enum config_change change, json_t *keys) {
        if (json_array_append_new(changes, json_pack("{s:s, s:s, s:o}", "name", name, "change",
                                                     config_change_to_string(change), "keys", keys)) < 0)
                return -ENOMEM;
        return 0;
}

static int append_task(json_t *changes, const struct task_change *change) {
        const struct task *task = change->to ? change->to : change->from;
        json_t *keys = json_array();
        char name[64];

        if (!keys || (change->to && task_change_for_each_key(change, append_key, keys) < 0)) {
                json_decref(keys);
                return -ENOMEM;
        }
        (void)snprintf(name, sizeof(name), "%s %s", task->kind ? "task" : "group", task->run.name);
        return append_change(changes, name, change->change, keys);
}

static int append_section(json_t *changes, const struct section_change *change) {
        static const char *const types[_KEY_SECTION_MAX] = {
                [KEY_SECTION_DAEMON] = "daemon",   [KEY_SECTION_ACCESS] = "access", [KEY_SECTION_STORE] = "store",
                [KEY_SECTION_METRICS] = "metrics", [KEY_SECTION_LIMIT] = "limit",   [KEY_SECTION_POOL] = "pool",
        };
        json_t *keys = json_array();
        char name[64];

        if (!keys || section_change_for_each_key(change, append_key, keys) < 0) {
                json_decref(keys);
                return -ENOMEM;
        }
        (void)snprintf(name, sizeof(name), "%s%s%s", types[change->section], *change->name ? " " : "", change->name);
        return append_change(changes, name, change->change, keys);
}

static json_t *tell_changes(const struct config_diff *diff) {
        json_t *changes = json_array();
        int r = 0;

        for (size_t i = 0; i < diff->n_sections && r == 0; i++)
                if (json_array_size(changes) < CHANGES_TOLD)
                        r = append_section(changes, &diff->sections[i]);
        for (size_t i = 0; i < diff->n_tasks && r == 0; i++)
                if (diff->tasks[i].change != CONFIG_REBOUND && json_array_size(changes) < CHANGES_TOLD)
                        r = append_task(changes, &diff->tasks[i]);
        if (r < 0) {
                json_decref(changes);
                return NULL;
        }
        return changes;
}

/* ---- findings ---- */

static json_t *tell_findings(const struct diagnostics *diagnostics) {
        json_t *findings = json_array();

        for (size_t i = 0; diagnostics && i < diagnostics->n; i++) {
                const struct diagnostic *item = &diagnostics->items[i];
                const char *file = diagnostic_file(diagnostics, item);
                json_t *finding =
                        json_pack("{s:s, s:o*, s:I, s:o*, s:o*, s:o}", "severity", severity_to_string(item->severity),
                                  "file", file ? json_text(file) : NULL, "line", (json_int_t)item->line, "section",
                                  item->section ? json_text(item->section) : NULL, "key",
                                  item->key ? json_text(item->key) : NULL, "text", json_text(item->text));

                if (json_array_append_new(findings, finding) < 0) {
                        json_decref(findings);
                        return NULL;
                }
        }
        return findings;
}

/* ---- the outcome ---- */

/* Services that run as an earlier configuration said. */
static json_t *tell_outdated(struct live *live) {
        json_t *names = json_array();

        for (size_t i = 0; i < live_n_tasks(live); i++) {
                const struct live_task *task = live_task_at(live, i);

                if (live_task_is_outdated(task) && json_array_size(names) < CHANGES_TOLD)
                        (void)json_array_append_new(names, json_text(live_task_task(task)->run.name));
        }
        return names;
}

static json_t *tell_done(struct control *control, const struct reload_outcome *outcome) {
        struct diff_counts counts = config_diff_count(outcome->diff);

        return json_pack("{s:b, s:o, s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:b}", "applied", (int)outcome->applied,
                         "changes", tell_changes(outcome->diff), "counts", "added", (json_int_t)counts.added, "removed",
                         (json_int_t)counts.removed, "changed", (json_int_t)counts.changed, "unchanged",
                         (json_int_t)counts.unchanged, "findings", tell_findings(outcome->diagnostics),
                         "restart_needed", tell_outdated(control->live), "daemon_restart_needed",
                         (int)outcome->diff->needs_restart);
}

static void on_reloaded(const struct reload_outcome *outcome, void *arg) {
        struct reload_cursor *reload = arg;

        reload->request = NULL;
        if (outcome->error == 0) {
                reload->answer = tell_done(reload->control, outcome);
        } else if (outcome->error == -EBADMSG) {
                reload->error = ERROR_RUNNER("ConfigurationRefused");
                reload->answer = json_pack("{s:o, s:I, s:I}", "findings", tell_findings(outcome->diagnostics), "errors",
                                           (json_int_t)outcome->diagnostics->counts[SEVERITY_ERROR], "warnings",
                                           (json_int_t)outcome->diagnostics->counts[SEVERITY_WARNING]);
        } else {
                reload->error = ERROR_RUNNER("ReloadFailed");
                reload->answer = json_pack("{s:s}", "reason",
                                           outcome->error == -ETIMEDOUT ? "the files could not be read within a minute"
                                           : outcome->error == -ECANCELED ? "the daemon is stopping"
                                                                          : strerror(-outcome->error));
        }
        varlink_wake(reload->call);
}

static int reload_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct reload_cursor *reload = cursor;

        if (reload->request)
                return -EAGAIN;
        if (!reload->answer)
                return -ENOMEM;
        if (reload->error)
                return varlink_error(call, reload->error, TAKE_PTR(reload->answer));
        *ret = TAKE_PTR(reload->answer);
        return 0;
}

static const struct varlink_stream_ops reload_ops = { .next = reload_next, .free = reload_free };

static int ask(struct varlink_call *call, struct control *control, bool dry) {
        struct reload_cursor *reload;
        char by[BY_MAX];
        int r = -ECANCELED;

        reload = calloc(1, sizeof(*reload));
        if (!reload)
                return -ENOMEM;
        reload->control = control;
        reload->call = call;
        if (control->options.reloader)
                r = reloader_ask(control->options.reloader, dry, call_by(call, by), on_reloaded, reload,
                                 &reload->request);
        if (r == 0)
                return varlink_stream(call, &reload_ops, reload);
        reload_free(reload);
        return r == -ENOMEM ? r : varlink_error(call, ERROR_RUNNER("ShuttingDown"), NULL);
}

int method_reload(struct varlink_call *call, const json_t *parameters _unused_, void *arg) {
        return ask(call, arg, false);
}

int method_diff(struct varlink_call *call, const json_t *parameters _unused_, void *arg) {
        return ask(call, arg, true);
}
