/* SPDX-License-Identifier: MIT */
/* top_draw: the console on a canvas: how the daemon does, what is wrong, the rows of a view, and a line for keys and answers. */
#include "base/text.h"
#include "tendctl/sparkline.h"
#include "tendctl/top.h"

#include <ctype.h>
#include <stdio.h>

/* Below this the sparkline is flat: nobody notices it. */
#define LAG_SCALE_USEC USEC_PER_MSEC

/* Problems that are told; a large screen has room for more. */
#define ALARMS_SHARE 6
#define ALARMS_MIN   3
#define ALARMS_FEW   12 /* lines, below which there is room for one alone */

/* What is left of a line for the last column, below which the first gets it when names are cut. */
#define REST_MIN 20

/* ---- how the daemon does ---- */

static json_int_t count_problems(const json_t *status, const char *kind) {
        json_t *count;
        size_t index;

        json_array_foreach(json_object_get(status, "problem_counts"), index, count)
                if (streq(get_string(count, "kind"), kind))
                        return get_int(count, "n");
        return 0;
}

/* Puts it at *@x, if there is anything to count. Returns whether it has room: a part of a number would be another one. */
static bool put_count(struct canvas *canvas, unsigned *x, json_int_t n, const char *word) {
        char text[64];
        unsigned length = (unsigned)snprintf(text, sizeof(text), "  %lld %s", (long long)n, word);

        if (n == 0)
                return true;
        if (*x + length > canvas_width(canvas))
                return false;
        *x += canvas_put(canvas, 0, *x, length, paint_for(word), text);
        return true;
}

static void draw_summary(const struct top *top, struct canvas *canvas) {
        static const char *const kinds[] = { "stale", "slow", "restarting", "waiting", "stopped", "paused" };
        const json_t *status = top->status;
        const char *phase = get_string(status, "phase");
        char uptime[WHEN_MAX], now[WHEN_MAX];
        unsigned x = 0;
        bool room;

        x += canvas_putf(canvas, 0, x, PAINT_BOLD, "tendd %s ", get_string(status, "version"));
        x += canvas_put(canvas, 0, x, CANVAS_MAX, streq(phase, "running") ? PAINT_GOOD : PAINT_BAD, phase);
        x += canvas_putf(canvas, 0, x, PAINT_NONE, " %s, %lld tasks, %lld running, %lld queued",
                         format_short(get_int(status, "uptime_usec"), uptime), (long long)get_int(status, "tasks"),
                         (long long)get_int(status, "running"), (long long)get_int(status, "queued"));
        room = put_count(canvas, &x, get_int(status, "failing"), "failing");
        for (size_t i = 0; i < ARRAY_SIZE(kinds) && room; i++)
                room = put_count(canvas, &x, count_problems(status, kinds[i]), kinds[i]);
        (void)format_time((json_int_t)clock_now(CLOCK_ID_REALTIME), now);
        if (x + 1 + strlen(now) <= canvas_width(canvas))
                canvas_put_right(canvas, 0, 0, canvas_width(canvas), PAINT_DIM, now);
}

static void draw_lag(const struct top *top, struct canvas *canvas) {
        const json_t *loop = json_object_get(top->status, "loop");
        usec_t max = LAG_SCALE_USEC;
        char p99[WHEN_MAX], most[WHEN_MAX];
        size_t first, room;
        unsigned x;

        x = canvas_putf(canvas, 1, 0, PAINT_NONE, "loop lag p99 %s, max %s ",
                        format_span(get_int(loop, "recent_lag_p99_usec"), p99),
                        format_span(get_int(loop, "recent_lag_max_usec"), most));
        x = MAX(x, 36u);
        room = canvas_width(canvas) - MIN(x, canvas_width(canvas));
        first = top->n_lag - MIN(top->n_lag, room);
        for (size_t i = first; i < top->n_lag; i++)
                max = MAX(max, top->lag_usec[i]);
        for (size_t i = first; i < top->n_lag; i++)
                x += canvas_put(canvas, 1, x, 1, PAINT_NONE,
                                sparkline_glyph(SPARK_OK, top->lag_usec[i], max, print_is_utf8()));
}

/* ---- what is wrong ---- */

static void draw_alarm(struct canvas *canvas, unsigned *y, unsigned end, const char *kind, enum paint paint,
                       const char *text) {
        char upper[32];
        size_t n = 0;
        unsigned x;

        if (*y >= end)
                return;
        for (; kind[n] && n < sizeof(upper) - 1; n++)
                upper[n] = (char)toupper((unsigned char)kind[n]);
        upper[n] = '\0';
        x = canvas_put(canvas, *y, 0, CANVAS_MAX, paint, upper);
        (void)canvas_put(canvas, *y, MAX(x, 10u) + 1, CANVAS_MAX, PAINT_NONE, text);
        (*y)++;
}

static void draw_trouble(const struct top *top, struct canvas *canvas, unsigned *y, unsigned end) {
        char text[256], when[WHEN_MAX];

        if (!top->trouble)
                return;
        (void)snprintf(text, sizeof(text), "%s, since %s; what is shown is what was so then", top->trouble,
                       format_clock((json_int_t)top->trouble_since, when));
        draw_alarm(canvas, y, end, "no answer", PAINT_BAD, text);
}

/* They come in the order of how bad they are. */
static void draw_problems(const struct top *top, struct canvas *canvas, unsigned *y, unsigned end) {
        const json_t *problems = json_object_get(top->status, "problems"), *counts;
        size_t index;
        json_int_t left = 0;
        char text[512];
        json_t *problem;

        counts = json_object_get(top->status, "problem_counts");
        json_array_foreach((json_t *)counts, index, problem)
                left += get_int(problem, "n");
        json_array_foreach((json_t *)problems, index, problem) {
                if (*y + 1 >= end && left > 1)
                        break;
                (void)snprintf(text, sizeof(text), "%s: %s", get_string(problem, "subject"),
                               get_string(problem, "text"));
                draw_alarm(canvas, y, end, get_string(problem, "kind"),
                           get_bool(problem, "wrong") ? PAINT_BAD : PAINT_WARN, text);
                left--;
        }
        if (left <= 0)
                return;
        (void)snprintf(text, sizeof(text), "%lld more: tendctl status", (long long)left);
        draw_alarm(canvas, y, end, "and", PAINT_WARN, text);
}

/* ---- rows ---- */

static void draw_tabs(const struct top *top, struct canvas *canvas, unsigned y) {
        const struct model *model = top->models[top->view];
        int sort = model_sort_column(model);
        char counts[160], by[60];
        unsigned x = 0;

        for (unsigned i = 0; i < _VIEW_MAX; i++)
                x += canvas_putf(canvas, y, x, i == top->view ? PAINT_BOLD : PAINT_DIM,
                                 i == top->view ? "[%u %s] " : " %u %s  ", i + 1, top_views[i]->name);
        (void)snprintf(by, sizeof(by), "%s%s%s", sort >= 0 ? " by " : "",
                       sort >= 0 ? top_views[top->view]->columns[sort].title : "",
                       model_is_reversed(model) ? " reversed" : "");
        (void)snprintf(counts, sizeof(counts), "%s%s%s%s%zu of %zu%s", *model_pattern(model) ? "/" : "",
                       model_pattern(model), *model_pattern(model) ? "  " : "",
                       model_is_filtered_failing(model) ? "failing  " : "", model_n_shown(model), model_n(model), by);
        if (x + strlen(counts) > canvas_width(canvas)) /* the order is told by the rows, too */
                counts[strlen(counts) - MIN(strlen(counts), strlen(by))] = '\0';
        if (x < canvas_width(canvas))
                canvas_put_right(canvas, y, x, canvas_width(canvas) - x, PAINT_NONE, counts);
}

struct layout {
        unsigned widths[TABLE_COLUMNS_MAX];
        size_t n; /* columns that there is room for */
};

/* The columns from the left on that fit, @n at most; what they leave goes to those without a width: to the first as much as it needs,
 * to the last the rest. */
static void lay_out_some(const struct top_view *view, size_t n, size_t widest, unsigned width, struct layout *ret) {
        unsigned used, left;

        for (ret->n = n;; ret->n--) {
                used = (unsigned)ret->n - 1;
                for (size_t i = 0; i < ret->n; i++) {
                        ret->widths[i] = view->columns[i].width ? view->columns[i].width : view->columns[i].least;
                        used += ret->widths[i];
                }
                if (used <= width || ret->n == 1)
                        break;
        }
        left = width > used ? width - used : 0;
        for (size_t i = 0; i < ret->n; i++) {
                const struct top_column *column = &view->columns[i];
                unsigned more = left;

                if (column->width)
                        continue;
                if (column->most) {
                        unsigned wanted = (unsigned)MIN(widest, (size_t)column->most);

                        wanted = MAX(wanted, ret->widths[i]);
                        more = MIN(left, wanted - ret->widths[i]);
                }
                ret->widths[i] += more;
                left -= more;
        }
}

/* A name that is cut may be that of another; a few words of a sentence tell nothing. */
static void lay_out(const struct top_view *view, size_t widest, unsigned width, struct layout *ret) {
        const struct top_column *last;

        lay_out_some(view, MIN(view->n_columns, (size_t)TABLE_COLUMNS_MAX), widest, width, ret);
        last = &view->columns[ret->n - 1];
        if (ret->n > 1 && !last->width && ret->widths[ret->n - 1] < REST_MIN &&
            ret->widths[0] < MIN(widest, (size_t)view->columns[0].most))
                lay_out_some(view, ret->n - 1, widest, width, ret);
}

static void draw_cell(struct canvas *canvas, unsigned y, unsigned x, unsigned width, bool right, enum paint paint,
                      const char *text) {
        if (right)
                canvas_put_right(canvas, y, x, width, paint, text);
        else
                (void)canvas_put(canvas, y, x, width, paint, text);
}

static void draw_titles(const struct top *top, const struct layout *layout, struct canvas *canvas, unsigned y) {
        const struct top_view *view = top_views[top->view];
        unsigned x = 0;

        for (size_t i = 0; i < layout->n; i++) {
                draw_cell(canvas, y, x, layout->widths[i], view->columns[i].right, PAINT_BOLD, view->columns[i].title);
                x += layout->widths[i] + 1;
        }
        canvas_reverse(canvas, y);
}

static void draw_row(const struct top *top, const struct layout *layout, struct canvas *canvas, unsigned y,
                     const json_t *row) {
        const struct top_view *view = top_views[top->view];
        unsigned x = 0;

        for (size_t i = 0; i < layout->n; i++) {
                struct cell_text cell = { 0 };

                view->columns[i].text(row, &cell);
                draw_cell(canvas, y, x, layout->widths[i], view->columns[i].right, cell.paint, cell.text);
                x += layout->widths[i] + 1;
        }
}

static void draw_rows(struct top *top, struct canvas *canvas, unsigned y, unsigned end) {
        static const char *const nothing[_VIEW_MAX] = {
                [VIEW_TASKS] = "no tasks", [VIEW_RUNS] = "nothing runs",   [VIEW_LIMITS] = "no limits",
                [VIEW_POOLS] = "no pools", [VIEW_NEXT] = "nothing is due",
        };
        struct model *model = top->models[top->view];
        struct layout layout;

        lay_out(top_views[top->view], model_widest(model), canvas_width(canvas), &layout);
        draw_titles(top, &layout, canvas, y++);
        top->height = end > y ? end - y : 0;
        top->first = model_scroll(model, top->height);
        for (size_t i = top->first; i < model_n_shown(model) && y < end; i++, y++) {
                draw_row(top, &layout, canvas, y, model_row(model, i));
                if (i == model_selected_index(model))
                        canvas_reverse(canvas, y);
        }
        if (model_n_shown(model) == 0 && y < end)
                (void)canvas_put(canvas, y, 0, CANVAS_MAX, PAINT_DIM,
                                 !top->told[top->view] ? "waiting for the daemon"
                                 : model_n(model) > 0  ? "none that the filter lets through"
                                                       : nothing[top->view]);
}

/* ---- the last line ---- */

static void draw_foot(const struct top *top, struct canvas *canvas, unsigned y) {
        char question[512];
        unsigned x;

        switch (top->mode) {
        case MODE_FILTER:
                x = canvas_putf(canvas, y, 0, PAINT_BOLD, "/%s", top->typed);
                (void)canvas_put(canvas, y, x, CANVAS_MAX, PAINT_NONE, "_");
                (void)canvas_put(canvas, y, MAX(x + 2, 24u), CANVAS_MAX, PAINT_DIM,
                                 "a part of the name, or a pattern; Enter, Esc: none");
                break;
        case MODE_SPAN:
        case MODE_CONFIRM:
                (void)canvas_put(canvas, y, 0, CANVAS_MAX, PAINT_WARN, top_question(top, question, sizeof(question)));
                break;
        default:
                if (*top->message)
                        (void)canvas_put(canvas, y, 0, CANVAS_MAX, top->message_paint, top->message);
                else
                        (void)canvas_put(canvas, y, 0, CANVAS_MAX, PAINT_DIM,
                                         "? help  q quit  / filter  o order  Enter show  w why  l logs  s x r p e act");
        }
}

void top_draw(struct top *top, struct canvas *canvas) {
        unsigned height = canvas_height(canvas), y = 2, alarms;

        if (top->mode == MODE_TEXT) {
                top_draw_text(top, canvas);
                return;
        }
        alarms = height < ALARMS_FEW ? 1 : MAX(height / ALARMS_SHARE, (unsigned)ALARMS_MIN);
        if (top->status) {
                draw_summary(top, canvas);
                draw_lag(top, canvas);
        }
        draw_trouble(top, canvas, &y, 2 + alarms);
        draw_problems(top, canvas, &y, 2 + alarms);
        draw_tabs(top, canvas, y);
        draw_rows(top, canvas, y + 1, height - 1);
        draw_foot(top, canvas, height - 1);
}
