/* SPDX-License-Identifier: MIT */
/* timeline_text: a chart on the terminal: a line for each lane of a row, a character for each piece of the time. Of what falls into one
 * piece the worst is shown. What is not ok is a letter, so that it can be told without colours. */
#include "tendctl/print.h"
#include "tendctl/timeline_axis.h"
#include "tendctl/timeline_draw.h"

#include <time.h>

#define LABEL_SHARE 3  /* of the width, at most, for names */
#define COLUMNS_MIN 10 /* for the chart, on however narrow a terminal */
#define TICK_ROOM   9  /* columns */

static const struct {
        const char *text[2]; /* else, in UTF-8 */
        enum paint paint;
} glyphs[_TIMELINE_KIND_MAX] = {
        [TIMELINE_FAILED] = { { "F", "F" }, PAINT_BAD },      [TIMELINE_TIMEOUT] = { { "T", "T" }, PAINT_BAD },
        [TIMELINE_INTERRUPTED] = { { "I", "I" }, PAINT_BAD }, [TIMELINE_MISSED] = { { "!", "!" }, PAINT_WARN },
        [TIMELINE_CANCELLED] = { { "C", "C" }, PAINT_WARN },  [TIMELINE_NEVER_STARTED] = { { "N", "N" }, PAINT_WARN },
        [TIMELINE_SKIPPED] = { { "S", "S" }, PAINT_WARN },    [TIMELINE_RUNNING] = { { ">", "▶" }, PAINT_GOOD },
        [TIMELINE_OK] = { { "=", "█" }, PAINT_GOOD },         [TIMELINE_WAITING] = { { ".", "·" }, PAINT_DIM },
};

const char *timeline_title(const struct timeline *timeline, char buf[TIMELINE_TITLE_MAX]) {
        bool seconds = usec_sub(timeline->until_usec, timeline->from_usec) < USEC_PER_HOUR;
        usec_t instants[] = { timeline->from_usec, timeline->until_usec };
        struct tm tms[2] = { 0 };
        char texts[2][40];
        bool one_zone;

        for (size_t i = 0; i < 2; i++) {
                time_t secs = (time_t)(instants[i] / USEC_PER_SEC);

                texts[i][0] = '\0';
                if (localtime_r(&secs, &tms[i]))
                        (void)strftime(texts[i], sizeof(texts[i]), seconds ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M",
                                       &tms[i]);
                if (!tms[i].tm_zone)
                        tms[i].tm_zone = "";
        }
        one_zone = streq(tms[0].tm_zone, tms[1].tm_zone);
        (void)snprintf(buf, TIMELINE_TITLE_MAX, "%s%s%s to %s %s", texts[0], one_zone ? "" : " ",
                       one_zone ? "" : tms[0].tm_zone, texts[1], tms[1].tm_zone);
        return buf;
}

struct chart {
        const struct timeline *timeline;
        unsigned label;                    /* columns of names */
        unsigned columns;                  /* of the time */
        uint8_t *cells;                    /* of a line: a kind, or _TIMELINE_KIND_MAX */
        bool seen[_TIMELINE_KIND_MAX + 1]; /* which are to be explained */
};

/* ---- the head ---- */

static void print_axis(const struct chart *chart) {
        struct tick ticks[TICKS_MAX];
        size_t n = axis_ticks(chart->timeline->from_usec, chart->timeline->until_usec,
                              MAX(chart->columns / TICK_ROOM, 1u), ticks);
        unsigned at = 0;

        printf("%*s", (int)chart->label + 1, "");
        for (size_t i = 0; i < n; i++) {
                unsigned column = timeline_column(chart->timeline, ticks[i].usec, chart->columns);
                unsigned length = (unsigned)strlen(ticks[i].text) + 1;

                /* Where clocks are set back, ticks may be closer than the others. */
                if ((i > 0 && column < at + 1) || column + length > chart->columns)
                        continue;
                at += (unsigned)printf("%*s|%s", (int)(column - at), "", ticks[i].text);
        }
        putchar('\n');
}

/* ---- lines ---- */

static void mark(struct chart *chart, usec_t from_usec, usec_t to_usec, enum timeline_kind kind) {
        const struct timeline *timeline = chart->timeline;
        unsigned first = timeline_column(timeline, from_usec, chart->columns);
        unsigned last = timeline_column(timeline, to_usec, chart->columns);

        /* What ends where a piece begins is not in it. */
        if (last > first && timeline_column(timeline, to_usec - 1, chart->columns) < last)
                last--;
        for (unsigned column = first; column <= last; column++)
                if (chart->cells[column] > (uint8_t)kind)
                        chart->cells[column] = (uint8_t)kind;
}

static void draw_bar(struct chart *chart, const struct timeline_bar *bar) {
        usec_t end = MIN(timeline_end(chart->timeline, bar), chart->timeline->until_usec);

        if (bar->kind == TIMELINE_MISSED) {
                mark(chart, MAX(bar->begun_usec, chart->timeline->from_usec),
                     MAX(bar->begun_usec, chart->timeline->from_usec), bar->kind);
                mark(chart, end, end, bar->kind);
                return;
        }
        if (bar->started_usec > bar->begun_usec && bar->started_usec > chart->timeline->from_usec)
                mark(chart, bar->begun_usec, MIN(bar->started_usec, end), TIMELINE_WAITING);
        mark(chart, MIN(bar->started_usec, end), end, bar->kind);
}

static void print_label(const struct chart *chart, const struct timeline_row *row) {
        char label[256];

        (void)snprintf(label, sizeof(label), "%*s%s", 2 * (int)MIN(row->depth, 8u), "", row->name);
        printf("%-*.*s ", (int)chart->label, (int)chart->label, label);
}

static void print_cells(struct chart *chart) {
        unsigned n = chart->columns;
        bool utf8 = print_is_utf8();

        while (n > 0 && chart->cells[n - 1] == _TIMELINE_KIND_MAX)
                n--;
        for (unsigned i = 0; i < n;) {
                char text[4 * 64] = "";
                unsigned begin = i;

                chart->seen[chart->cells[i]] = true;
                for (; i < n && i < begin + 60 && chart->cells[i] == chart->cells[begin]; i++)
                        (void)strcat(text, chart->cells[begin] == _TIMELINE_KIND_MAX
                                                   ? " "
                                                   : glyphs[chart->cells[begin]].text[utf8]);
                print_painted(chart->cells[begin] == _TIMELINE_KIND_MAX ? PAINT_NONE
                                                                        : glyphs[chart->cells[begin]].paint,
                              text);
        }
        putchar('\n');
}

static void print_row(struct chart *chart, const struct timeline_row *row) {
        static const struct timeline_row nobody = { .name = "" };

        for (unsigned lane = 0; lane < row->n_lanes; lane++) {
                memset(chart->cells, _TIMELINE_KIND_MAX, chart->columns);
                for (size_t i = 0; i < row->n_bars; i++)
                        if (row->bars[i].lane == lane)
                                draw_bar(chart, &row->bars[i]);
                print_label(chart, lane == 0 ? row : &nobody);
                print_cells(chart);
        }
}

/* As many pieces on a line as it has room for. */
static void print_legend(const struct chart *chart) {
        usec_t column = usec_sub(chart->timeline->until_usec, chart->timeline->from_usec) / chart->columns;
        unsigned width = chart->label + 1 + chart->columns, used = 0;
        char span[WHEN_MAX], piece[WHEN_MAX + 16];

        for (enum timeline_kind kind = 0; kind <= _TIMELINE_KIND_MAX; kind++) {
                bool last = kind == _TIMELINE_KIND_MAX;
                unsigned length;

                if (!last && !chart->seen[kind])
                        continue;
                if (last)
                        (void)snprintf(piece, sizeof(piece), "one column: %s", format_span((json_int_t)column, span));
                else
                        (void)snprintf(piece, sizeof(piece), " %s", timeline_kind_to_string(kind));
                length = !last + (unsigned)strlen(piece);
                if (used > 0 && used + 2 + length > width) {
                        putchar('\n');
                        used = 0;
                } else if (used > 0)
                        used += (unsigned)printf("  ");
                if (!last)
                        print_painted(glyphs[kind].paint, glyphs[kind].text[print_is_utf8()]);
                fputs(piece, stdout);
                used += length;
        }
        putchar('\n');
}

int timeline_print(const struct timeline *timeline, unsigned width) {
        struct chart chart = { .timeline = timeline };
        char title[TIMELINE_TITLE_MAX];
        size_t widest = 0;

        for (size_t i = 0; i < timeline->n_rows; i++)
                widest = MAX(widest, 2 * timeline->rows[i]->depth + strlen(timeline->rows[i]->name));
        chart.label = (unsigned)MIN(widest, (size_t)width / LABEL_SHARE);
        chart.columns = width > chart.label + 1 + COLUMNS_MIN ? width - chart.label - 1 : COLUMNS_MIN;
        chart.cells = malloc(chart.columns);
        if (!chart.cells)
                return -ENOMEM;
        printf("%s\n", timeline_title(timeline, title));
        print_axis(&chart);
        for (size_t i = 0; i < timeline->n_rows; i++)
                print_row(&chart, timeline->rows[i]);
        print_legend(&chart);
        free(chart.cells);
        return 0;
}
