/* SPDX-License-Identifier: MIT */
/* top_keys: what keys do. Those that do something with a row are in top_actions.c. */
#include "tendctl/top.h"

#include <ctype.h>

#define FAR ((long)1 << 40)

static void to_table(struct top *top) {
        top->mode = MODE_TABLE;
        top->typed[0] = '\0';
}

/* ---- a line that is typed ---- */

/* Returns whether it is another one. */
static bool edit(struct top *top, int key) {
        size_t n = strlen(top->typed);

        if (key == TOP_KEY_BACKSPACE && n > 0)
                top->typed[n - 1] = '\0';
        else if (key == ('u' & 0x1f))
                top->typed[0] = '\0';
        else if (key >= ' ' && key < TOP_KEY_BACKSPACE && n + 1 < sizeof(top->typed)) {
                top->typed[n] = (char)key;
                top->typed[n + 1] = '\0';
        } else
                return false;
        return true;
}

static void key_filter(struct top *top, int key) {
        struct model *model = top->models[top->view];

        if (key == TOP_KEY_ESCAPE)
                (void)model_filter(model, NULL);
        else if (key != TOP_KEY_ENTER) {
                if (edit(top, key))
                        (void)model_filter(model, top->typed);
                return;
        }
        to_table(top);
}

static void key_span(struct top *top, int key) {
        if (key == TOP_KEY_ESCAPE) {
                top_say(top, PAINT_NONE, "nothing was changed");
                to_table(top);
        } else if (key == TOP_KEY_ENTER)
                top_confirmed(top);
        else
                (void)edit(top, key);
}

static void key_confirm(struct top *top, int key) {
        if (key == 'y')
                top_confirmed(top);
        else if (key == 'n' || key == TOP_KEY_ESCAPE || key == 'q') {
                top_say(top, PAINT_NONE, "nothing was changed");
                to_table(top);
        }
}

/* ---- what is read ---- */

static void key_text(struct top *top, int key) {
        size_t page = top->height > 1 ? top->height - 1 : 1, line = top->text_line;

        top->text_end = key == TOP_KEY_END || key == 'G';
        switch (key) {
        case 'q':
        case TOP_KEY_ESCAPE:
                top->job = job_free(top->job);
                top->text = NULL;
                to_table(top);
                break;
        case TOP_KEY_UP:
        case 'k': top->text_line -= line > 0; break;
        case TOP_KEY_DOWN:
        case 'j':
        case TOP_KEY_ENTER: top->text_line++; break;
        case TOP_KEY_PAGE_UP:
        case 'b': top->text_line -= MIN(line, page); break;
        case TOP_KEY_PAGE_DOWN:
        case ' ': top->text_line += page; break;
        case TOP_KEY_HOME:
        case 'g': top->text_line = 0; break;
        case TOP_KEY_LEFT: top->text_column -= MIN(top->text_column, (size_t)8); break;
        case TOP_KEY_RIGHT: top->text_column = MIN(top->text_column + 8, (size_t)4000); break;
        default: break;
        }
}

/* ---- the table ---- */

static void look_at(struct top *top, unsigned view) {
        top->view = (enum top_view_id)(view % _VIEW_MAX);
        top->first = 0;
}

static void begin_filter(struct top *top) {
        top->mode = MODE_FILTER;
        (void)model_filter(top->models[top->view], NULL);
}

static void show_help(struct top *top) {
        top->mode = MODE_TEXT;
        top->text = top_help();
        top->text_title = "help";
        free(top->subject);
        top->subject = NULL;
        top->text_line = top->text_column = 0;
        top->text_end = false;
}

static void key_table(struct top *top, int key) {
        struct model *model = top->models[top->view];
        long page = top->height > 1 ? (long)top->height - 1 : 1;

        top->message[0] = '\0';
        switch (key) {
        case 'q': top->quit = true; break;
        case '?':
        case 'h': show_help(top); break;
        case '\t': look_at(top, top->view + 1); break;
        case TOP_KEY_BACK_TAB: look_at(top, top->view + _VIEW_MAX - 1); break;
        case '1' ... '0' + _VIEW_MAX: look_at(top, (unsigned)(key - '1')); break;
        case 'o': model_sort_next(model); break;
        case 'O': model_sort_reverse(model); break;
        case '/': begin_filter(top); break;
        case 'f': model_filter_failing(model, !model_is_filtered_failing(model)); break;
        case TOP_KEY_ESCAPE: (void)model_filter(model, NULL); break;
        case TOP_KEY_UP:
        case 'k': model_move(model, -1); break;
        case TOP_KEY_DOWN:
        case 'j': model_move(model, 1); break;
        case TOP_KEY_PAGE_UP: model_move(model, -page); break;
        case TOP_KEY_PAGE_DOWN:
        case ' ': model_move(model, page); break;
        case TOP_KEY_HOME:
        case 'g': model_move(model, -FAR); break;
        case TOP_KEY_END:
        case 'G': model_move(model, FAR); break;
        default: (void)top_act(top, key);
        }
}

void top_key(struct top *top, int key) {
        static void (*const modes[_MODE_MAX])(struct top * top, int key) = {
                [MODE_TABLE] = key_table,     [MODE_FILTER] = key_filter, [MODE_SPAN] = key_span,
                [MODE_CONFIRM] = key_confirm, [MODE_TEXT] = key_text,
        };

        modes[top->mode](top, key);
}
