/* SPDX-License-Identifier: MIT */
/* problems: keeps and tells them, see problems.h. */
#include "control/problems.h"

#include "live/outcome_json.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#define NAMES_MAX 3 /* of a kind, in one line */

static const struct {
        const char *name;
        const char *list; /* the command that lists all of the kind */
        bool is_counted;  /* there may be many: how many is told in one line, too */
        bool in_line;     /* an event tells of it, so that a line that events renew is true */
} kinds[_PROBLEM_KIND_MAX] = {
        [PROBLEM_ALL_PAUSED] = { "all-paused", "tendctl resume --all", false, true },
        [PROBLEM_REFUSED] = { "refused", "tendctl diff", false, true },
        [PROBLEM_DEGRADED] = { "degraded", "tendctl pools", false, true },
        [PROBLEM_DROPPED] = { "dropped", "tendctl events", false, true },
        [PROBLEM_FAILING] = { "failing", "tendctl list --failing", true, true },
        [PROBLEM_STALE] = { "stale", "tendctl list --state stale", true, true },
        [PROBLEM_REMNANT] = { "remnant", "tendctl list --state remnant", true, true },
        [PROBLEM_SLOW] = { "slow", "tendctl list --state slow", true, true },
        [PROBLEM_RESTARTING] = { "restarting", "tendctl list --state restarting", true, true },
        [PROBLEM_FULL] = { "full", "tendctl limits", false, false },
        [PROBLEM_WAITING] = { "waiting", "tendctl tree --no-processes", true, false },
        [PROBLEM_OUTDATED] = { "outdated", "tendctl list --state outdated", true, true },
        [PROBLEM_STOPPED] = { "stopped", "tendctl list --state stopped", true, false },
        [PROBLEM_PAUSED] = { "paused", "tendctl list --paused", true, true },
};

struct kept {
        bool harmless;
        char *subject, *text, *command;
};

struct problems {
        struct kind_state {
                unsigned n;
                unsigned n_wrong; /* of them not harmless */
                unsigned n_kept;
                struct kept kept[PROBLEMS_KEPT];
        } kinds[_PROBLEM_KIND_MAX];
};

enum problem_kind problem_kind_from_string(const char *s) {
        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++)
                if (streq(kinds[kind].name, s))
                        return (enum problem_kind)kind;
        return _PROBLEM_KIND_INVALID;
}

int problems_new(struct problems **ret) {
        struct problems *problems = calloc(1, sizeof(*problems));

        if (!problems)
                return -ENOMEM;
        *ret = problems;
        return 0;
}

static void kept_done(struct kept *kept) {
        free(kept->subject);
        free(kept->text);
        free(kept->command);
}

struct problems *problems_free(struct problems *problems) {
        if (!problems)
                return NULL;
        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++)
                for (unsigned i = 0; i < problems->kinds[kind].n_kept; i++)
                        kept_done(&problems->kinds[kind].kept[i]);
        free(problems);
        return NULL;
}

bool problems_count(struct problems *problems, enum problem_kind kind, bool harmless) {
        struct kind_state *state = &problems->kinds[kind];

        state->n++;
        state->n_wrong += !harmless;
        return state->n_kept < PROBLEMS_KEPT;
}

void problems_tell(struct problems *problems, const struct problem *problem) {
        struct kind_state *state = &problems->kinds[problem->kind];
        struct kept kept = {
                .harmless = problem->harmless,
                .subject = strdup(problem->subject),
                .text = strdup(problem->text),
                .command = strdup(problem->command),
        };

        if (kept.subject && kept.text && kept.command && state->n_kept < PROBLEMS_KEPT)
                state->kept[state->n_kept++] = kept;
        else
                kept_done(&kept);
}

unsigned problems_n(const struct problems *problems, enum problem_kind kind) {
        return problems->kinds[kind].n;
}

json_t *problems_to_json(const struct problems *problems) {
        json_t *array = json_array();

        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++)
                for (unsigned i = 0; i < problems->kinds[kind].n_kept; i++) {
                        const struct kept *kept = &problems->kinds[kind].kept[i];

                        (void)json_array_append_new(
                                array, json_pack("{s:s, s:o, s:o, s:s, s:b}", "kind", kinds[kind].name, "subject",
                                                 json_text(kept->subject), "text", json_text(kept->text), "command",
                                                 kept->command, "wrong", !kept->harmless));
                }
        return array;
}

json_t *problem_counts_to_json(const struct problems *problems) {
        json_t *array = json_array();

        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++) {
                const struct kind_state *state = &problems->kinds[kind];

                if (state->n > 0)
                        (void)json_array_append_new(array,
                                                    json_pack("{s:s, s:I, s:I, s:s}", "kind", kinds[kind].name, "n",
                                                              (json_int_t)state->n, "wrong", (json_int_t)state->n_wrong,
                                                              "command", kinds[kind].list));
        }
        return array;
}

/* ---- in one line ---- */

struct line {
        char *buf;
        size_t size;
        size_t n;
};

static void _printf_(2, 3) add(struct line *line, const char *format, ...) {
        size_t room = line->size - line->n;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line->buf + line->n, room, format, args);
        va_end(args);
        line->n += n < 0 ? 0 : MIN((size_t)n, room - 1);
}

static void describe_kind(struct line *line, const struct problems *problems, enum problem_kind kind) {
        const struct kind_state *state = &problems->kinds[kind];
        unsigned n_names = MIN(state->n_kept, (unsigned)NAMES_MAX);

        add(line, "; ");
        if (kinds[kind].is_counted)
                add(line, "%u ", state->n);
        for (const char *c = kinds[kind].name; *c; c++)
                add(line, "%c", toupper((unsigned char)*c));
        for (unsigned i = 0; i < n_names; i++)
                add(line, "%s%s", i == 0 ? ": " : ", ", state->kept[i].subject);
        if (state->n > n_names)
                add(line, " and %u more", state->n - n_names);
}

void problems_describe(const struct problems *problems, char *buf, size_t size) {
        struct line line = { .buf = buf, .size = size };

        buf[0] = '\0';
        for (int kind = 0; kind < _PROBLEM_KIND_MAX; kind++)
                if (kinds[kind].in_line && problems->kinds[kind].n > 0)
                        describe_kind(&line, problems, (enum problem_kind)kind);
}
