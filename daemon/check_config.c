/* SPDX-License-Identifier: MIT */
/* check_config: `tendd --check`. */
#include "check_config.h"

#include "config/config.h"
#include "live/outcome_json.h"

#include <stdio.h>

void check_print(const struct diagnostics *diagnostics) {
        for (size_t i = 0; i < diagnostics->n; i++) {
                char *line = diagnostic_format(diagnostics, &diagnostics->items[i]);

                (void)fprintf(stderr, "%s\n", line ? line : "out of memory");
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

static int print_json(const struct diagnostics *diagnostics) {
        json_t *findings = json_array();
        json_t *root;
        int r = 0;

        for (size_t i = 0; i < diagnostics->n; i++) {
                const struct diagnostic *item = &diagnostics->items[i];

                r |= json_array_append_new(
                        findings, json_pack("{ss so sI so so so}", "severity", severity_to_string(item->severity),
                                            "file", optional(diagnostic_file(diagnostics, item)), "line",
                                            (json_int_t)item->line, "section", optional(item->section), "key",
                                            optional(item->key), "text", optional(item->text)));
        }
        root = json_pack("{sI sI so}", "errors", (json_int_t)diagnostics->counts[SEVERITY_ERROR], "warnings",
                         (json_int_t)diagnostics->counts[SEVERITY_WARNING], "findings", findings);
        if (!root || r < 0 || json_dumpf(root, stdout, JSON_INDENT(2)) < 0 || putchar('\n') == EOF)
                r = -ENOMEM;
        json_decref(root);
        return r;
}

static int verdict(const struct diagnostics *diagnostics, int loaded, bool strict) {
        if (loaded < 0)
                return 2;
        return strict && diagnostics->counts[SEVERITY_WARNING] > 0 ? 1 : 0;
}

/* `--add NAME=FILE`: takes NAME off, to free(). A file that is there under the whole of it is meant as it is. */
static int split_add(const char **add, char **ret_name) {
        size_t length = *add ? strcspn(*add, "/=") : 0;

        if (length == 0 || (*add)[length] != '=' || access(*add, F_OK) == 0)
                return 0;
        *ret_name = strndup(*add, length);
        *add += length + 1;
        return *ret_name ? 0 : -ENOMEM;
}

int check_run(const struct options *options) {
        _cleanup_(config_unrefp) struct config *config = NULL;
        _cleanup_(freep) char *path = options_config_path(options), *name = NULL;
        struct config_options how = { .portable = options->portable, .add = options->add };
        struct diagnostics diagnostics = { 0 };
        int r, code;

        if (!path || split_add(&how.add, &name) < 0)
                return 2;
        how.add_name = name;
        r = config_load(path, &how, &diagnostics, &config);
        code = verdict(&diagnostics, r, options->strict);
        if (!options->json)
                check_print(&diagnostics);
        else if (print_json(&diagnostics) < 0)
                code = 2;
        diagnostics_done(&diagnostics);
        return code;
}
