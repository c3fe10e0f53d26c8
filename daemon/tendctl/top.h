/* SPDX-License-Identifier: MIT */
#pragma once
/* top: what the files of the console share: its state, which keys change and which is drawn on a canvas. None of it knows the
 * terminal. */
#include "tendctl/top_canvas.h"
#include "tendctl/top_feed.h"
#include "tendctl/top_job.h"
#include "tendctl/top_views.h"

/* The lateness of the loop's timers, a column of the sparkline each LAG_STEP_USEC. */
#define LAG_STEPS     60
#define LAG_STEP_USEC (5 * USEC_PER_SEC)

enum top_mode {
        MODE_TABLE,
        MODE_FILTER,  /* a pattern is being typed */
        MODE_SPAN,    /* how much longer runs are to get */
        MODE_CONFIRM, /* y or n */
        MODE_TEXT,    /* what a verb has printed, or help, is read */
        _MODE_MAX,
};

struct action;

struct top {
        struct ctl *ctl;
        struct model *models[_VIEW_MAX];
        bool told[_VIEW_MAX]; /* the daemon has told of it */
        enum top_view_id view;
        json_t *status;  /* the last, or NULL */
        json_t *by_task; /* runs, see top_runs_by_task(); or NULL */
        bool joined;     /* some rows of tasks have their run */
        usec_t lag_usec[LAG_STEPS];
        size_t n_lag; /* the last of them is that of the present step: */
        usec_t lag_step;

        const char *trouble; /* see feed_trouble() */
        usec_t trouble_since;

        enum top_mode mode;
        char typed[64];
        const struct action *action; /* that is asked about */
        char *subject;               /* what it is done with; of MODE_TEXT what it is about */
        bool subject_is_service;
        char message[320]; /* "": none */
        enum paint message_paint;

        struct job *job;        /* at work, or read; NULL: none */
        const char *text_title; /* of MODE_TEXT */
        const char *text;       /* instead of the job's */
        size_t text_line;       /* the first on the screen */
        size_t text_column;
        bool text_end; /* at its end, also when there comes more */

        size_t first;  /* row on the screen */
        size_t height; /* rows there is room for */
        bool quit;
};

/* Keys that are no characters. */
enum {
        TOP_KEY_NONE = -1,
        TOP_KEY_ENTER = '\n',
        TOP_KEY_ESCAPE = 27,
        TOP_KEY_BACKSPACE = 127,
        TOP_KEY_UP = 0x10000,
        TOP_KEY_DOWN,
        TOP_KEY_LEFT,
        TOP_KEY_RIGHT,
        TOP_KEY_PAGE_UP,
        TOP_KEY_PAGE_DOWN,
        TOP_KEY_HOME,
        TOP_KEY_END,
        TOP_KEY_BACK_TAB,
        TOP_KEY_OTHER, /* the size of the terminal, among others */
};

/* Returns 0 or -ENOMEM. */
int top_init(struct top *top, struct ctl *ctl);
void top_done(struct top *top);

/* What the daemon has told; @arg is the top. */
void top_take(enum top_source source, json_t *answer, void *arg);
/* What its view needs to be told of. */
unsigned top_wants(const struct top *top);
/* The names of the tasks on the screen. */
json_t *top_visible(const struct top *top);

/* top_keys.c: a key was pressed. */
void top_key(struct top *top, int key);

/* top_actions.c: does what the letter @key stands for with the selected row. Returns false: it stands for nothing. */
bool top_act(struct top *top, int key);
/* It was answered with y, or with the span that was typed. */
void top_confirmed(struct top *top);
/* The question: "stop backup#41? y/n …". */
const char *top_question(const struct top *top, char *buf, size_t size);
/* The job has printed something, or has ended. */
void top_job_step(struct top *top);
/* Lines about keys of actions, for help. */
const char *top_help(void);

/* top_draw.c */
void top_draw(struct top *top, struct canvas *canvas);
/* top_draw_text.c */
void top_draw_text(struct top *top, struct canvas *canvas);

void top_say(struct top *top, enum paint paint, const char *format, ...) _printf_(3, 4);
