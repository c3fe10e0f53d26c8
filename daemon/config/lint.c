/* SPDX-License-Identifier: MIT */
/* lint: what is allowed, and probably not what was meant. Each rule is a row; it looks at one section. */
#include "config/lint.h"
#include "base/text.h"
#include "config/secret.h"
#include "loop/listen_socket.h"
#include "task/kind.h"

#include <ctype.h>

void lint_tell(struct lint *lint, const struct raw_section *section, const char *key, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        if (lint->n_told[lint->rule]++ >= LINT_TOLD_MAX)
                return;
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        if (text)
                load_tell_key(lint->load, SEVERITY_WARNING, section, key, "%s", text);
        else
                lint->load->diagnostics->out_of_memory = true;
}

/* Section by section, as that is how they lie in memory. */
void lint_run(struct lint *lint, const struct lint_rule *rules, size_t n_rules) {
        const struct raw_section *last[LINT_RULES_MAX] = { NULL };

        for (struct raw_section *section = lint->load->first; section; section = section->next) {
                for (lint->rule = 0; lint->rule < n_rules; lint->rule++) {
                        size_t before = lint->n_told[lint->rule];

                        rules[lint->rule].check(lint, section);
                        if (lint->n_told[lint->rule] > before)
                                last[lint->rule] = section;
                }
        }
        for (size_t i = 0; i < n_rules; i++) {
                if (lint->n_told[i] > LINT_TOLD_MAX)
                        load_tell_key(lint->load, SEVERITY_WARNING, last[i], NULL, "and %zu more: %s",
                                      lint->n_told[i] - LINT_TOLD_MAX, rules[i].what);
        }
}

/* ---- what is never used ---- */

static bool has_trigger(const struct task *task) {
        return task_has_trigger(task) || task->on_start;
}

static void check_startable(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        if (task && task->enabled && !task->manual && !has_trigger(task) && !section->member && !section->hooked)
                lint_tell(lint, section, NULL,
                          "nothing starts it: no trigger, no group, no hook (manual = yes if operators do)");
}

static const char *name_trigger(const struct task *task) {
        const struct when_part *when = task->when;

        if (task->every_usec > 0)
                return "every";
        return !when ? "on-start" : when->n_calendars > 0 ? "calendar" : when->n_crons > 0 ? "cron" : "watch";
}

static void check_manual(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        if (task && task->manual && has_trigger(task) && raw_section_find(section, "manual"))
                lint_tell(lint, section, "manual", "is yes, but %s starts it", name_trigger(task));
}

/* A group that is meant to stay up fails when members do, and says no more than they. */
static bool is_seen(const struct task *task) {
        bool seen = task->on_failure.n > 0 || task->on_failing.n > 0;

        if (seen || !task->run.is_group || !task->run.is_service)
                return seen;
        for (size_t i = 0; i < task->run.n_members; i++) {
                if (!is_seen(task_of(task->run.members[i].spec)))
                        return false;
        }
        return true;
}

static void check_seen(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;

        /* The service sees those of what tells its health. */
        if (task && task->enabled && has_trigger(task) && !section->health_of && !is_seen(task))
                lint_tell(lint, section, NULL, "no hook sees its failures (on-failure, on-failing)");
}

static void check_used(struct lint *lint, struct raw_section *section) {
        bool matters = section->type == SECTION_LIMIT || section->type == SECTION_DEFAULTS ||
                       (section->type == SECTION_POOL && !streq(section->name, "default"));

        if (matters && !section->used && (*section->name || !lint->load->config->n_tasks))
                lint_tell(lint, section, NULL, "nothing uses it");
}

/* ---- bounds ---- */

static bool is_written(const struct task *task, enum bound bound) {
        return !(task->run.default_bounds & 1u << bound) && task->run.bounds[bound] != USEC_INFINITY;
}

/* The smaller of the bounds of a run of @task as a whole. */
static usec_t whole_bound(const struct task *task) {
        return task->kind ? task->run.bounds[BOUND_TOTAL_TIMEOUT]
                          : MIN(task->run.bounds[BOUND_TIMEOUT], task->run.bounds[BOUND_TOTAL_TIMEOUT]);
}

static void check_own_bounds(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        char own[TEXT_USEC_MAX], whole[TEXT_USEC_MAX];

        if (task && is_written(task, BOUND_TIMEOUT) &&
            task->run.bounds[BOUND_TIMEOUT] > task->run.bounds[BOUND_TOTAL_TIMEOUT])
                lint_tell(lint, section, "timeout", "%s can never be reached: total-timeout is %s",
                          text_format_usec(task->run.bounds[BOUND_TIMEOUT], own),
                          text_format_usec(task->run.bounds[BOUND_TOTAL_TIMEOUT], whole));
}

static void check_member_bounds(struct lint *lint, struct raw_section *section) {
        const struct task *group = section->task;
        char own[TEXT_USEC_MAX], whole[TEXT_USEC_MAX];

        for (size_t i = 0; group && i < group->run.n_members; i++) {
                const struct task *member = task_of(group->run.members[i].spec);
                const struct raw_section *of = load_find(lint->load, SECTION_TASK, member->run.name);

                if (of && is_written(member, BOUND_TIMEOUT) && member->run.bounds[BOUND_TIMEOUT] > whole_bound(group))
                        lint_tell(lint, of, "timeout", "%s is longer than the %s that [%s] has",
                                  text_format_usec(member->run.bounds[BOUND_TIMEOUT], own),
                                  text_format_usec(whole_bound(group), whole), section->title);
        }
}

/* ---- commands that look like scripts ---- */

static bool is_shell_sign(const char *word) {
        static const char *const operators[] = { "|", "||", "&&", "&", ";" };
        const char *dollar = strchr(word, '$');

        for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
                if (streq(word, operators[i]))
                        return true;
        }
        if (*word == '>' || *word == '<' || strncmp(word, "2>", 2) == 0)
                return true;
        if (*word == '~' && (word[1] == '/' || word[1] == '\0'))
                return true;
        return dollar && dollar[1] && (isalpha((unsigned char)dollar[1]) || strchr("_{(", dollar[1]));
}

/* What is in single quotes is meant as it is: an x for each sign, so that the words stay. */
static void cover_quoted(char *text) {
        bool single = false, twofold = false;

        for (char *c = text; *c; c++) {
                if (*c == '\\' && !single && c[1])
                        c++;
                else if (*c == '"' && !single)
                        twofold = !twofold;
                else if (*c == '\'' && !twofold)
                        single = !single;
                else if (single)
                        *c = 'x';
        }
}

/* Whether the word behind @word is a script: -c of shells and others, -e of perl and others. */
static bool precedes_script(const char *word) {
        return word[0] == '-' && word[1] != '-' && word[1] && strchr("ce", word[strlen(word) - 1]);
}

/* What ssh is told, a shell reads elsewhere. */
static bool is_read_elsewhere(const char *program) {
        const char *slash = strrchr(program, '/');

        return streq(slash ? slash + 1 : program, "ssh");
}

/* Looks at the words as they are written: what ${env:} makes of them is not shown, and not judged. */
static void check_shell_signs(struct lint *lint, struct raw_section *section) {
        const struct raw_key *raw = section->task ? raw_section_find(section, "command") : NULL;
        bool script = false, elsewhere = false, first = true;

        for (const struct raw_line *line = raw ? raw->lines : NULL; line; line = line->next) {
                _cleanup_(text_strv_freep) char **words = NULL;
                _cleanup_(freep) char *text = strdup(line->text);

                if (!text)
                        continue;
                cover_quoted(text);
                if (text_split_words(text, &words) < 0)
                        continue;
                for (char **word = words; *word; script = precedes_script(*word), first = false, word++) {
                        if (first)
                                elsewhere = is_read_elsewhere(*word);
                        if (script || (elsewhere && strchr(*word, ' ')) || load_has_expansion(*word) ||
                            !is_shell_sign(*word))
                                continue;
                        lint_tell(lint, section, "command",
                                  "%.100s is given to the program as it is: no shell reads command (shell = does)",
                                  *word);
                        return;
                }
        }
}

/* ---- secrets ---- */

static void check_secrets(struct lint *lint, struct raw_section *section) {
        if (section_keys(section->type) != KEY_SECTION_TASK)
                return;
        for (const struct raw_key *raw = section->keys; raw; raw = raw->next) {
                unsigned flags = raw->rows ? raw->rows[0]->flags : 0;
                bool found = false;

                for (const struct raw_line *line = flags & (KEY_SECRET | KEY_COMMAND_LINE) ? raw->lines : NULL;
                     line && !found; line = line->next)
                        found = strpbrk(line->text, "=:-") && secret_is_in(raw->name, line->text);
                if (found)
                        lint_tell(lint, section, raw->name, "there seems to be a secret in clear text (%s)",
                                  flags & KEY_SECRET ? "${cred:NAME} takes it from a credential"
                                                     : "ps shows it, too: env takes ${cred:NAME}, from a credential");
        }
}

/* ---- metrics ---- */

static void check_listen(struct lint *lint, struct raw_section *section) {
        char *const *listen = section->type == SECTION_METRICS ? lint->load->config->metrics.listen : NULL;
        struct listen_address address;

        for (; listen && *listen; listen++)
                if (listen_address_parse(*listen, &address) == 0 && !listen_address_is_local(&address))
                        lint_tell(lint, section, "listen", "%s is open to other machines, and asks nobody who he is",
                                  load_shown(section, "listen", *listen));
}

int load_lint(struct load *load) {
        static const struct lint_rule rules[] = {
                { "nothing starts it", check_startable },
                { "manual, but something starts it", check_manual },
                { "no hook sees its failures", check_seen },
                { "nothing uses it", check_used },
                { "timeout is longer than total-timeout", check_own_bounds },
                { "timeout is longer than that of its group", check_member_bounds },
                { "command has signs of a shell", check_shell_signs },
                { "a secret in clear text", check_secrets },
                { "metrics are open to other machines", check_listen },
        };
        struct lint lint = { .load = load };

        lint_run(&lint, rules, ARRAY_SIZE(rules));
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
