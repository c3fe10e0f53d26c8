/* SPDX-License-Identifier: MIT */
/* check_config: `tendd --check`. */
#include "check_config.h"

#include "base/log.h"
#include "config/config.h"
#include "live/outcome_json.h"

#include <stdio.h>

/* What is wrong at the start is found before there is a log. */
static const char *priority(enum severity severity) {
        if (!log_stderr_is_journal())
                return "";
        return severity == SEVERITY_ERROR ? "<3>" : "<4>";
}

void check_print(const struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->n; i++) {
                char *line = diagnostic_format(diagnostics, &diagnostics->items[i]);

                (void)fprintf(stderr, "%s%s\n", priority(diagnostics->items[i].severity),
                              line ? line : "out of memory");
                free(line);
        }
        for (int i = 0; i < _SEVERITY_MAX; i++)
                if (diagnostics->counts[i] > DIAGNOSTICS_MAX)
                        (void)fprintf(stderr, "… and %zu more of severity %s\n",
                                      diagnostics->counts[i] - DIAGNOSTICS_MAX, severity_to_string((enum severity)i));
}

static json_t *optional(const char *s) {
        return s ? json_text(s) : json_null();
}

static int append_findings(json_t *findings, const struct diagnostics *diagnostics) {
        int r = 0;

        for (size_t i = 0; i < diagnostics->n; i++) {
                const struct diagnostic *item = &diagnostics->items[i];

                r |= json_array_append_new(
                        findings, json_pack("{ss so sI so so so}", "severity", severity_to_string(item->severity),
                                            "file", optional(diagnostic_file(diagnostics, item)), "line",
                                            (json_int_t)item->line, "section", optional(item->section), "key",
                                            optional(item->key), "text", optional(item->text)));
        }
        return r;
}

/* What was found in all configurations. */
struct checked {
        const struct options *options;
        json_t *findings;
        size_t counts[_SEVERITY_MAX];
        int code;
};

static int print_json(const struct checked *checked) {
        json_t *root = json_pack("{sI sI sO}", "errors", (json_int_t)checked->counts[SEVERITY_ERROR], "warnings",
                                 (json_int_t)checked->counts[SEVERITY_WARNING], "findings", checked->findings);
        int r = 0;

        if (!root || json_dumpf(root, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF)
                r = -ENOMEM;
        json_decref(root);
        return r;
}

static int verdict(const struct diagnostics *diagnostics, int loaded, bool strict) {
        if (loaded < 0)
                return 2;
        return strict && diagnostics->counts[SEVERITY_WARNING] > 0 ? 1 : 0;
}

static void check_one(struct checked *checked, const char *path, const struct config_add *adds) {
        _cleanup_(config_unrefp) struct config *config = NULL;
        const struct config_options how = {
                .portable = checked->options->portable,
                .adds = adds,
                .n_adds = checked->options->n_adds,
        };
        struct diagnostics diagnostics = { 0 };
        int r;

        r = config_load(path, &how, &diagnostics, &config);
        checked->code = MAX(checked->code, verdict(&diagnostics, r, checked->options->strict));
        for (int i = 0; i < _SEVERITY_MAX; i++)
                checked->counts[i] += diagnostics.counts[i];
        if (!checked->findings)
                check_print(&diagnostics);
        else if (append_findings(checked->findings, &diagnostics) < 0)
                checked->code = 2;
        diagnostics_done(&diagnostics);
}

/* `--add NAME=FILE`: takes NAME off, to free(). A file that is there under the whole of it is meant as it is. */
static int split_add(const char *text, struct config_add *ret, char **ret_name) {
        size_t length = strcspn(text, "/=");

        *ret = (struct config_add){ .path = text };
        if (length == 0 || text[length] != '=' || access(text, F_OK) == 0)
                return 0;
        *ret_name = strndup(text, length);
        ret->name = *ret_name;
        ret->path = text + length + 1;
        return *ret_name ? 0 : -ENOMEM;
}

static void check_main(struct checked *checked) {
        _cleanup_(freep) char *path = options_config_path(checked->options);
        struct config_add adds[OPTIONS_ADDS_MAX];
        char *names[OPTIONS_ADDS_MAX] = { NULL };
        int r = path ? 0 : -ENOMEM;

        for (unsigned i = 0; i < checked->options->n_adds && r == 0; i++)
                r = split_add(checked->options->adds[i], &adds[i], &names[i]);
        if (r == 0)
                check_one(checked, path, adds);
        else
                checked->code = 2;
        for (unsigned i = 0; i < checked->options->n_adds; i++)
                free(names[i]);
}

int check_run(const struct options *options) {
        struct checked checked = { .options = options };

        if (options->json) {
                checked.findings = json_array();
                if (!checked.findings)
                        return 2;
        }
        for (unsigned i = 0; i < options->n_files; i++)
                check_one(&checked, options->files[i], NULL);
        if (options->n_files == 0)
                check_main(&checked);
        if (checked.findings && print_json(&checked) < 0)
                checked.code = 2;
        json_decref(checked.findings);
        return checked.code;
}
