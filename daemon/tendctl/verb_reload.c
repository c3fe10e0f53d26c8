/* SPDX-License-Identifier: MIT */
/* verb_reload: reload, diff. */
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

static const char *sign_of(const char *change) {
        if (streq(change, "added"))
                return "+";
        return streq(change, "removed") ? "-" : "~";
}

static enum paint paint_of(const char *change) {
        if (streq(change, "added"))
                return PAINT_GOOD;
        return streq(change, "removed") ? PAINT_BAD : PAINT_WARN;
}

static void print_value(const json_t *key, const char *name) {
        const char *value = json_string_value(json_object_get(key, name));

        if (value)
                print_safe(value, false);
        else
                printf("none");
}

/* "  timeout: 5s -> 6s"; of what is new only the value. */
static void print_key(const json_t *key, bool added) {
        printf("    ");
        print_safe(get_string(key, "key"), false);
        printf(added ? " = " : ": ");
        if (!added) {
                print_value(key, "from");
                printf(" -> ");
        }
        print_value(key, "to");
        printf("%s\n", get_bool(key, "needs_restart") ? " (needs a restart of the daemon)" : "");
}

static void print_change(const json_t *change) {
        const char *word = get_string(change, "change");
        json_t *key;
        size_t index;

        print_painted(paint_of(word), sign_of(word));
        printf(" %s %s\n", word, get_string(change, "name"));
        json_array_foreach(json_object_get(change, "keys"), index, key)
                print_key(key, streq(word, "added"));
}

static bool is_same(const json_t *answer) {
        return json_array_size(json_object_get(answer, "changes")) == 0;
}

static void print_changes(const json_t *answer) {
        const json_t *counts = json_object_get(answer, "counts");
        json_t *change;
        size_t index;

        print_findings(json_object_get(answer, "findings"), stderr);
        json_array_foreach(json_object_get(answer, "changes"), index, change)
                print_change(change);
        if (is_same(answer))
                printf("nothing differs\n");
        else
                printf("%lld added, %lld removed, %lld changed, %lld unchanged\n", (long long)get_int(counts, "added"),
                       (long long)get_int(counts, "removed"), (long long)get_int(counts, "changed"),
                       (long long)get_int(counts, "unchanged"));
        if (get_bool(answer, "daemon_restart_needed"))
                printf("restart the daemon for the keys that say so\n");
}

/* Who runs by an earlier configuration. */
static void print_outdated(const json_t *answer) {
        const json_t *names = json_object_get(answer, "restart_needed");
        json_t *name;
        size_t index;

        if (json_array_size(names) == 0)
                return;
        printf("restart needed:");
        json_array_foreach(names, index, name)
                printf(" %s", json_string_value(name));
        printf("\n");
}

static int restart(struct ctl *ctl, const json_t *answer) {
        const json_t *names = json_object_get(answer, "restart_needed");
        size_t n = json_array_size(names);
        struct verb_args args = { .words = calloc(n + 1, sizeof(char *)), .n = n };
        int code = CTL_OK;

        if (!args.words)
                return ctl_error(CTL_FAILED, "out of memory");
        for (size_t i = 0; i < n; i++)
                args.words[i] = (char *)json_string_value(json_array_get(names, i));
        if (n > 0)
                code = verb_restart(ctl, &args);
        free(args.words);
        return code;
}

int verb_diff(struct ctl *ctl, const struct verb_args *args _unused_) {
        json_t *answer;
        int code;

        code = ctl_ask(ctl, "Diff", json_object(), &answer);
        if (code != CTL_OK)
                return code;
        code = is_same(answer) ? CTL_OK : CTL_FAILED;
        if (ctl->json) {
                int r = print_json(json_incref(answer));

                code = r == CTL_OK ? code : r;
        } else
                print_changes(answer);
        json_decref(answer);
        return code;
}

int verb_reload(struct ctl *ctl, const struct verb_args *args) {
        bool again = args->options[RELOAD_RESTART_CHANGED] != NULL;
        json_t *answer;
        int code;

        if (args->options[RELOAD_DRY_RUN]) {
                code = verb_diff(ctl, args);
                return code == CTL_USAGE ? CTL_FAILED : code == CTL_FAILED ? CTL_OK : code;
        }
        code = ctl_ask(ctl, "Reload", json_object(), &answer);
        if (code != CTL_OK)
                return code == CTL_USAGE ? CTL_FAILED : code;
        if (ctl->json)
                code = print_json(json_incref(answer));
        else
                print_changes(answer);
        if (code == CTL_OK && again)
                code = restart(ctl, answer);
        else if (!ctl->json)
                print_outdated(answer);
        json_decref(answer);
        return code;
}
