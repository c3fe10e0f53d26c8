/* SPDX-License-Identifier: MIT */
/* verb_complete: what may stand where a command line ends, for the completion of shells.
 *
 * Who waits for it has pressed a key: it is silent whatever goes wrong, and after three seconds it ends, be it that the
 * daemon is stopped and its socket takes nobody.
 */
#include "base/event_id.h"
#include "base/text.h"
#include "tendctl/client.h"
#include "tendctl/complete.h"
#include "tendctl/print.h"
#include "tendctl/top_views.h"

#include <signal.h>
#include <stdio.h>

#define SECONDS_MAX    3
#define CANDIDATES_MAX 2000
#define PAST_MAX       50 /* runs that have ended */

struct completion {
        struct ctl *ctl;
        const struct cursor *cursor;
        size_t n; /* told so far */
};

/* ---- what is told ---- */

static bool has_control(const char *text) {
        for (; *text; text++)
                if ((unsigned char)*text < ' ' || *text == 0x7f)
                        return true;
        return false;
}

/* @value with what it is, if it begins as the word does. Returns whether one more is welcome. */
static bool tell(struct completion *completion, const char *value, const char *what) {
        const char *word = completion->cursor->word;

        if (strncmp(value, word, strlen(word)) != 0 || has_control(value))
                return true;
        if (completion->n++ >= CANDIDATES_MAX)
                return false;
        printf("%s%s\t", completion->cursor->prefix, value);
        print_safe(what, false);
        putchar('\n');
        return true;
}

/* What the shell knows itself. */
static void tell_kind(struct completion *completion, const char *kind) {
        completion->n++;
        printf("\t%s\n", kind);
}

/* ---- what the daemon knows ---- */

/* Calls @method and gives each of its answers to @take, until there are enough. Takes the reference to @parameters. */
static void ask(struct completion *completion, const char *method, json_t *parameters,
                bool (*take)(struct completion *completion, const json_t *answer)) {
        char name[128];
        bool more = ctl_connect_quietly(completion->ctl) == 0;

        (void)snprintf(name, sizeof(name), "io.tendd.Runner.%s", method);
        if (!more) {
                json_decref(parameters);
                return;
        }
        more = client_send(completion->ctl->client, name, parameters, true) == 0;
        while (more) {
                struct client_answer answer;

                if (client_receive(completion->ctl->client, USEC_INFINITY, &answer) < 0)
                        break;
                more = !answer.error && take(completion, answer.parameters) && answer.continues;
                client_answer_done(&answer);
        }
        /* Answers that nobody wants any more may be on their way. */
        completion->ctl->client = client_free(completion->ctl->client);
}

/* A pattern for the names that begin as the word does; NULL: there can be none. */
static json_t *beginning(const struct completion *completion) {
        const char *word = completion->cursor->word;

        return strpbrk(word, "*?") ? NULL : json_pack("[o]", json_sprintf("%s*", word));
}

static bool take_tasks(struct completion *completion, const json_t *answer) {
        size_t index;
        json_t *task;

        json_array_foreach(json_object_get(answer, "tasks"), index, task) {
                const char *description = get_string(task, "description");

                if (!tell(completion, get_string(task, "name"), *description ? description : get_string(task, "kind")))
                        return false;
        }
        return true;
}

static void complete_tasks(struct completion *completion) {
        json_t *names = beginning(completion);

        if (names)
                ask(completion, "List", json_pack("{s:o}", "tasks", names), take_tasks);
}

static bool take_runs(struct completion *completion, const json_t *answer) {
        size_t index;
        json_t *run;

        json_array_foreach(json_object_get(answer, "runs"), index, run)
                if (!tell(completion, get_string(run, "name"), get_string(run, "state")))
                        return false;
        return true;
}

static bool take_past(struct completion *completion, const json_t *answer) {
        size_t index;
        json_t *past;

        json_array_foreach(json_object_get(answer, "history"), index, past) {
                const json_t *ran = json_object_get(past, "ran");
                char text[200], when[WHEN_MAX];

                (void)snprintf(text, sizeof(text), "%s, %s", get_string(ran, "outcome"),
                               format_relative(get_int(ran, "ended_usec"), when));
                if (ran && !tell(completion, get_string(ran, "run"), text))
                        return false;
        }
        return true;
}

/* Those that live; when none of them begins so, the last ones of the task. Where a task may stand as well, only once the
 * word is longer than a task's name can be. */
static void complete_runs(struct completion *completion) {
        const char *word = completion->cursor->word;
        size_t n = strcspn(word, "#");

        if (word[n] == '\0' && completion->cursor->n_placeholders > 1)
                return;
        ask(completion, "Tree", json_pack("{s:b}", "processes", 0), take_runs);
        if (completion->n == 0 && n > 0 && word[n] == '#')
                ask(completion, "History", json_pack("{s:[s%], s:i}", "tasks", word, n, "n", PAST_MAX), take_past);
}

static bool take_limits(struct completion *completion, const json_t *answer) {
        size_t index;
        json_t *limit;

        json_array_foreach(json_object_get(answer, "limits"), index, limit) {
                char text[64];

                (void)snprintf(text, sizeof(text), "%lld held, %lld wait", (long long)get_int(limit, "held"),
                               (long long)get_int(limit, "waiting"));
                (void)tell(completion, get_string(limit, "name"), text);
        }
        return true;
}

static void complete_limits(struct completion *completion) {
        ask(completion, "Limits", json_object(), take_limits);
}

static bool take_pools(struct completion *completion, const json_t *answer) {
        size_t index;
        json_t *pool;

        json_array_foreach(json_object_get(answer, "pools"), index, pool) {
                char text[64];

                (void)snprintf(text, sizeof(text), "%lld of %lld threads busy", (long long)get_int(pool, "busy"),
                               (long long)get_int(pool, "threads"));
                (void)tell(completion, get_string(pool, "name"), text);
        }
        return true;
}

static void complete_pools(struct completion *completion) {
        ask(completion, "Pools", json_object(), take_pools);
}

/* ---- what is known without it ---- */

static void complete_states(struct completion *completion) {
        for (size_t i = 0; verb_list_states[i]; i++)
                (void)tell(completion, verb_list_states[i], "");
}

static void complete_awaited(struct completion *completion) {
        for (size_t i = 0; verb_wait_state(i); i++)
                (void)tell(completion, verb_wait_state(i), "");
}

static void complete_views(struct completion *completion) {
        for (size_t i = 0; i < _VIEW_MAX; i++)
                (void)tell(completion, top_views[i]->name, "");
}

/* Kinds of events that a client can be told. */
static void complete_kinds(struct completion *completion) {
        for (int i = EVENT_NONE + 1; i < _EVENT_ID_MAX; i++)
                (void)tell(completion, event_id_to_string((enum event_id)i), "");
}

static void complete_signals(struct completion *completion) {
        for (int signo = 1; signo < SIGSYS + 1; signo++)
                if (sigabbrev_np(signo))
                        (void)tell(completion, sigabbrev_np(signo), sigdescr_np(signo));
}

static void complete_times(struct completion *completion) {
        static const char *const words[] = { "now", "today", "yesterday", "tomorrow" };

        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                (void)tell(completion, words[i], "");
}

/* The third column of the list of zones by country. */
static void complete_zones(struct completion *completion) {
        const char *directory = getenv("TZDIR");
        char path[4096], line[512], zone[128];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/zone1970.tab", directory ? directory : "/usr/share/zoneinfo");
        file = fopen(path, "re");
        (void)tell(completion, "UTC", "");
        while (file && fgets(line, sizeof(line), file))
                if (line[0] != '#' && sscanf(line, "%*s %*s %127s", zone) == 1)
                        (void)tell(completion, zone, "");
        if (file)
                (void)fclose(file);
}

static void complete_files(struct completion *completion) {
        tell_kind(completion, "files");
}

static void complete_commands(struct completion *completion) {
        tell_kind(completion, "commands");
}

static void complete_users(struct completion *completion) {
        tell_kind(completion, "users");
}

/* Anything may be written there. */
static void complete_nothing(_unused_ struct completion *completion) {
}

/* Each word that stands for something in the table of verbs. */
static const struct {
        const char *placeholder;
        void (*complete)(struct completion *completion);
} completers[] = {
        { "TASK", complete_tasks },       { "RUN", complete_runs },       { "LIMIT", complete_limits },
        { "POOL", complete_pools },       { "STATE", complete_states },   { "VIEW", complete_views },
        { "SIGNAL", complete_signals },   { "T", complete_times },        { "ZONE", complete_zones },
        { "PATH", complete_files },       { "FILE", complete_files },     { "DIR", complete_files },
        { "COMMAND", complete_commands }, { "ARGUMENT", complete_files }, { "USER", complete_users },
        { "WORD", complete_nothing },     { "N", complete_nothing },      { "TEXT", complete_nothing },
        { "KIND", complete_kinds },       { "SPAN", complete_nothing },   { "EXPR", complete_nothing },
        { "A/B", complete_nothing },      { "N/SPAN", complete_nothing }, { "NAME", complete_nothing },
        { "WHAT", complete_awaited },
};

/* ---- where the cursor is ---- */

static void complete_verbs(struct completion *completion) {
        for (size_t i = 0; verb_at(i); i++)
                if (!verb_at(i)->hidden)
                        (void)tell(completion, verb_at(i)->name, verb_at(i)->summary);
}

static void complete_options(struct completion *completion, const struct verb_option *option) {
        char name[64];

        for (; option->name; option++) {
                (void)snprintf(name, sizeof(name), "--%s", option->name);
                (void)tell(completion, name, option->help);
        }
}

/* Returns CTL_OK, or CTL_USAGE for a word of the table that is not known here. */
static int complete_argument(struct completion *completion, const char *placeholder) {
        for (size_t i = 0; i < ARRAY_SIZE(completers); i++)
                if (streq(completers[i].placeholder, placeholder)) {
                        completers[i].complete(completion);
                        return CTL_OK;
                }
        return CTL_USAGE;
}

static void on_alarm(_unused_ int signo) {
        _exit(CTL_OK);
}

int verb_complete(struct ctl *ctl, const struct verb_args *args) {
        struct completion completion = { .ctl = ctl };
        struct cursor cursor;
        int code = CTL_OK;

        (void)signal(SIGALRM, on_alarm);
        (void)alarm(SECONDS_MAX);
        if (cursor_find(args->words, args->n, &cursor) < 0)
                return CTL_FAILED;
        completion.cursor = &cursor;
        if (cursor.socket)
                ctl->socket = cursor.socket;
        if (cursor.at == CURSOR_VERB)
                complete_verbs(&completion);
        if (cursor.at == CURSOR_OPTION) {
                if (cursor.verb)
                        complete_options(&completion, cursor.verb->options);
                complete_options(&completion, verb_common_options);
        }
        for (size_t i = 0; i < cursor.n_placeholders && code == CTL_OK; i++)
                code = complete_argument(&completion, cursor.placeholders[i]);
        cursor_done(&cursor);
        return code;
}
