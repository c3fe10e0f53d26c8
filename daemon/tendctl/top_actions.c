/* SPDX-License-Identifier: MIT */
/* top_actions: what can be done with a row: a verb is run with its name. What changes something asks before, and its answer is in the
 * last line; what tells something is read on a screen of its own. */
#include "base/text.h"
#include "tendctl/top.h"

#include <stdio.h>

#define ON_TASKS  (1u << VIEW_TASKS | 1u << VIEW_NEXT)
#define ON_RUNS   (1u << VIEW_RUNS)
#define ON_LIMITS (1u << VIEW_LIMITS)
#define ON_POOLS  (1u << VIEW_POOLS)
#define ON_WORK   (ON_TASKS | ON_RUNS)

struct action {
        int key;
        unsigned views;
        const char *verb;
        bool of_task;               /* of a run, it is done with its task */
        bool paused;                /* only with what is paused */
        bool asks_span;             /* how long */
        const char *effect;         /* asked about; NULL: it changes nothing, and is read */
        const char *service_effect; /* of a service, where that is another */
        const char *const *options;
};

static const char *const restart_options[VERB_OPTIONS_MAX] = { [RESTART_NO_WAIT] = "" };
static const char *const limit_options[VERB_OPTIONS_MAX] = { [PAUSE_LIMITS] = "" };
static const char *const resume_options[VERB_OPTIONS_MAX] = { [RESUME_LIMITS] = "" };
static const char *const logs_options[VERB_OPTIONS_MAX] = { [LOGS_LINES] = "1000" };

/* The first row for a key that is for the view and the selected row is taken. */
static const struct action actions[] = {
        { .key = 's',
          .views = ON_WORK,
          .verb = "start",
          .of_task = true,
          .effect = "a run begins, or waits for its turn",
          .service_effect = "it is brought up, if it is down" },
        { .key = 'x',
          .views = ON_WORK,
          .verb = "stop",
          .effect = "what runs of it is asked to end, and forced after its grace",
          .service_effect = "it ends, and stays down until it is started" },
        { .key = 'r',
          .views = ON_WORK,
          .verb = "restart",
          .effect = "its services end and begin anew",
          .options = restart_options },
        { .key = 'p',
          .views = ON_WORK,
          .verb = "resume",
          .of_task = true,
          .paused = true,
          .effect = "its triggers are followed again" },
        { .key = 'p',
          .views = ON_WORK,
          .verb = "pause",
          .of_task = true,
          .effect = "no trigger starts it until it is resumed" },
        { .key = 'p',
          .views = ON_LIMITS,
          .verb = "resume",
          .paused = true,
          .effect = "it grants permits again",
          .options = resume_options },
        { .key = 'p',
          .views = ON_LIMITS,
          .verb = "pause",
          .effect = "it grants nothing until it is resumed; who holds its permits keeps them",
          .options = limit_options },
        { .key = 'e', .views = ON_WORK, .verb = "extend", .asks_span = true, .effect = "" },
        { .key = 'l', .views = ON_WORK, .verb = "logs", .options = logs_options },
        { .key = 'w', .views = ON_WORK, .verb = "why" },
        { .key = TOP_KEY_ENTER, .views = ON_WORK, .verb = "show", .of_task = true },
        { .key = TOP_KEY_ENTER, .views = ON_LIMITS, .verb = "limits" },
        { .key = TOP_KEY_ENTER, .views = ON_POOLS, .verb = "pools" },
};

const char *top_help(void) {
        return "1-5, Tab, Shift-Tab  tasks, runs, limits, pools, what is due next\n"
               "arrows, PgUp, PgDn, Home, End, j, k, g, G: move\n"
               "o, O      order by the next column; reverse the order\n"
               "/         only those with that in their names, or that match a pattern with\n"
               "          * or ?; Esc: all again\n"
               "f         only those that fail, wait for a limit, or are degraded; all again\n"
               "With the selected one:\n"
               "Enter     all of it: tendctl show; of a limit who holds it and who waits\n"
               "w         why it is as it is: tendctl why\n"
               "l         what it printed, and what became of it: tendctl logs\n"
               "s         start a run of the task\n"
               "x         stop the run, or all runs of the task\n"
               "r         restart the service\n"
               "p         pause the task or the limit; resume it\n"
               "e         give it more time\n"
               "What changes something asks first.\n"
               "PROGRESS  what the run says itself; else how long it is at work, in per cent\n"
               "          of how long that usually takes\n"
               "loop lag  how late the daemon's timers were in the last 5 to 10 s; a bar for\n"
               "          each 5 s\n"
               "q, Ctrl-C quit; Ctrl-L draws all anew\n";
}

/* ---- jobs ---- */

static void start_job(struct top *top, const struct action *action, const char *second) {
        bool reads = !action->effect;
        int r;

        top->job = job_free(top->job);
        r = job_start(top->ctl, action->verb, top->subject, second, action->options, &top->job);
        top->mode = r >= 0 && reads ? MODE_TEXT : MODE_TABLE;
        if (r < 0)
                top_say(top, PAINT_BAD, "cannot %s: %s", action->verb, strerror(-r));
        else if (!reads)
                top_say(top, PAINT_DIM, "%s %s: no answer yet", action->verb, top->subject);
        top->text_title = action->verb;
        top->text_line = top->text_column = 0;
        top->text_end = streq(action->verb, "logs");
}

/* The answer of a verb as one line: its first two. */
static void tell_answer(struct top *top) {
        const char *text = job_text(top->job), *rest, *between;
        bool wrong = strncmp(text, "tendctl: ", strlen("tendctl: ")) == 0;
        int length;

        text += wrong ? strlen("tendctl: ") : 0;
        length = (int)MIN(strcspn(text, "\n"), sizeof(top->message));
        rest = text + length + strspn(text + length, "\n ");
        between = !*rest ? "" : length > 0 && text[length - 1] == ':' ? " " : "; ";
        top_say(top, wrong ? PAINT_BAD : PAINT_GOOD, "%.*s%s%.*s", length, text, between, (int)strcspn(rest, "\n"),
                rest);
        if (!*top->message)
                top_say(top, PAINT_GOOD, "done");
}

void top_job_step(struct top *top) {
        if (!top->job || !job_step(top->job) || top->mode == MODE_TEXT)
                return;
        tell_answer(top);
        top->job = job_free(top->job);
}

/* ---- keys ---- */

static const struct action *find(const struct top *top, int key, const json_t *row) {
        bool paused = (*get_string(row, "paused_by") && !get_bool(row, "paused_all")) || get_bool(row, "paused");

        for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
                if (actions[i].key == key && actions[i].views & (1u << top->view) && (paused || !actions[i].paused))
                        return &actions[i];
        return NULL;
}

bool top_act(struct top *top, int key) {
        const json_t *row = model_selected(top->models[top->view]);
        const struct action *action = row ? find(top, key, row) : NULL;

        if (!action)
                return false;
        free(top->subject);
        top->subject = strdup(action->of_task && top->view == VIEW_RUNS ? get_string(row, "task")
                                                                        : model_id(top->models[top->view], row));
        if (!top->subject)
                return true;
        top->action = action;
        top->subject_is_service = json_object_get(row, "service") != NULL;
        if (action->effect)
                top->mode = action->asks_span ? MODE_SPAN : MODE_CONFIRM;
        else
                start_job(top, action, NULL);
        return true;
}

const char *top_question(const struct top *top, char *buf, size_t size) {
        const struct action *action = top->action;

        if (action->asks_span)
                (void)snprintf(buf, size, "more time for %s, 10min or 2h: %s_", top->subject, top->typed);
        else
                (void)snprintf(buf, size, "%s %s? y/n  %s", action->verb, top->subject,
                               top->subject_is_service && action->service_effect ? action->service_effect
                                                                                 : action->effect);
        return buf;
}

void top_confirmed(struct top *top) {
        usec_t span;

        if (top->action->asks_span && (text_parse_usec(top->typed, &span) < 0 || span == 0 || span == USEC_INFINITY)) {
                top_say(top, PAINT_BAD, "%s: no span; nothing was changed", *top->typed ? top->typed : "\"\"");
                top->mode = MODE_TABLE;
        } else
                start_job(top, top->action, top->action->asks_span ? top->typed : NULL);
        top->typed[0] = '\0';
}
