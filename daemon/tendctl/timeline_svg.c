/* SPDX-License-Identifier: MIT */
/* timeline_svg: a chart as a picture that needs nothing else: no scripts, no fonts of its own. What a bar stands for is told where the
 * mouse is over it. Runs that are too short to be seen apart are one bar, of the worst of them. */
#include "base/utf8.h"
#include "tendctl/print.h"
#include "tendctl/timeline_axis.h"
#include "tendctl/timeline_draw.h"

#define PLOT_WIDTH  1000 /* pixels, as all that follow */
#define CHAR_WIDTH  7
#define LABEL_MAX   300
#define LANE_HEIGHT 14
#define ROW_GAP     6
#define HEAD_HEIGHT 52
#define FOOT_HEIGHT 34
#define MARGIN      10
#define TICK_ROOM   70
#define BAR_MIN     1.5 /* else a short run could not be seen */
#define LETTER_ROOM 9

static const struct {
        const char *colour;
        const char *letter; /* in the bar, if there is room: not all see colours */
} looks[_TIMELINE_KIND_MAX] = {
        [TIMELINE_FAILED] = { "#d1242f", "F" },      [TIMELINE_TIMEOUT] = { "#a40e26", "T" },
        [TIMELINE_INTERRUPTED] = { "#8250df", "I" }, [TIMELINE_MISSED] = { "#bf3989", "!" },
        [TIMELINE_CANCELLED] = { "#9a6700", "C" },   [TIMELINE_NEVER_STARTED] = { "#bc4c00", "N" },
        [TIMELINE_SKIPPED] = { "#d4a72c", "S" },     [TIMELINE_RUNNING] = { "#54aeff", "" },
        [TIMELINE_OK] = { "#2da44e", "" },           [TIMELINE_WAITING] = { "#d0d7de", "" },
};

struct picture {
        const struct timeline *timeline;
        FILE *out;
        unsigned left; /* of the plot */
        unsigned y;
        bool seen[_TIMELINE_KIND_MAX];
};

/* Text of XML: what is no UTF-8, and characters that XML has no way to write, become "?". */
static void put_text(FILE *out, const char *text) {
        while (*text) {
                size_t n = utf8_length(text, strnlen(text, 4));

                if (n == 0 || utf8_is_control(text, n) || strncmp(text, "\xef\xbf\xbe", 3) == 0 ||
                    strncmp(text, "\xef\xbf\xbf", 3) == 0) {
                        fputc('?', out);
                        text += MAX(n, (size_t)1);
                        continue;
                }
                if (*text == '&')
                        fputs("&amp;", out);
                else if (*text == '<')
                        fputs("&lt;", out);
                else if (*text == '>')
                        fputs("&gt;", out);
                else if (*text == '"')
                        fputs("&quot;", out);
                else
                        (void)fwrite(text, 1, n, out);
                text += n;
        }
}

static double x_of(const struct picture *picture, usec_t usec) {
        const struct timeline *timeline = picture->timeline;
        double span = (double)MAX(usec_sub(timeline->until_usec, timeline->from_usec), (usec_t)1);
        double share = (double)usec_sub(MIN(usec, timeline->until_usec), timeline->from_usec) / span;

        return picture->left + share * PLOT_WIDTH;
}

/* ---- bars ---- */

/* Some that are one on the picture. */
struct piece {
        const struct timeline_bar *worst;
        unsigned n;
        double x;
        double end;
};

static void put_title(const struct picture *picture, const struct piece *piece) {
        const struct timeline_bar *bar = piece->worst;
        usec_t end = timeline_end(picture->timeline, bar);
        char when[WHEN_MAX], span[WHEN_MAX];

        fputs("<title>", picture->out);
        if (piece->n > 1)
                fprintf(picture->out, "%u runs, the worst: ", piece->n);
        put_text(picture->out, bar->name);
        fprintf(picture->out, " %s", timeline_kind_to_string(bar->kind));
        if (bar->kind == TIMELINE_MISSED && bar->n > 1)
                fprintf(picture->out, ", %u times", bar->n);
        else if (bar->kind != TIMELINE_MISSED)
                fprintf(picture->out, ", %s",
                        format_span((json_int_t)usec_sub(end, MIN(bar->started_usec, end)), span));
        fprintf(picture->out, ", %s", format_clock((json_int_t)bar->begun_usec, when));
        if (bar->started_usec > bar->begun_usec && bar->started_usec - bar->begun_usec >= USEC_PER_MSEC)
                fprintf(picture->out, ", waited %s",
                        format_span((json_int_t)(bar->started_usec - bar->begun_usec), span));
        if (bar->text && *bar->text) {
                fputs("; ", picture->out);
                put_text(picture->out, bar->text);
        }
        fputs("</title>", picture->out);
}

static void put_rect(struct picture *picture, const struct piece *piece, double x, double end, unsigned y,
                     enum timeline_kind kind) {
        bool open = piece->worst->ended_usec == USEC_INFINITY && end >= piece->end;
        double width = MAX(end - x, BAR_MIN);

        picture->seen[kind] = true;
        fprintf(picture->out, "<g><rect x=\"%.1f\" y=\"%u\" width=\"%.1f\" height=\"%d\" fill=\"%s\"%s/>", x, y, width,
                LANE_HEIGHT - 2, looks[kind].colour, open ? "" : " rx=\"1\"");
        if (open) /* it goes on */
                fprintf(picture->out, "<path d=\"M%.1f %u l6 %d l-6 %d z\" fill=\"%s\"/>", x + width, y,
                        (LANE_HEIGHT - 2) / 2, (LANE_HEIGHT - 2) / 2, looks[kind].colour);
        if (*looks[kind].letter && width >= LETTER_ROOM)
                fprintf(picture->out, "<text x=\"%.1f\" y=\"%u\" fill=\"#fff\">%s</text>", x + 2, y + LANE_HEIGHT - 4,
                        looks[kind].letter);
        put_title(picture, piece);
        fputs("</g>\n", picture->out);
}

static void put_piece(struct picture *picture, const struct piece *piece, unsigned y) {
        const struct timeline_bar *bar = piece->worst;
        double started;

        if (!bar)
                return;
        if (bar->kind == TIMELINE_MISSED) {
                picture->seen[TIMELINE_MISSED] = true;
                fprintf(picture->out, "<g><path d=\"M%.1f %u l-4 -6 h8 z\" fill=\"%s\"/>", piece->x, y + 6,
                        looks[TIMELINE_MISSED].colour);
                put_title(picture, piece);
                fputs("</g>\n", picture->out);
                return;
        }
        started = x_of(picture, bar->started_usec);
        if (piece->n == 1 && started - piece->x > BAR_MIN) {
                put_rect(picture, piece, piece->x, started, y, TIMELINE_WAITING);
                put_rect(picture, piece, started, piece->end, y, bar->kind);
        } else
                put_rect(picture, piece, piece->x, piece->end, y, bar->kind);
}

/* The bars of a lane, marks apart: those that lie within the same pixel are one. */
static void put_lane(struct picture *picture, const struct timeline_row *row, unsigned lane, bool marks, unsigned y) {
        struct piece piece = { 0 };

        for (size_t i = 0; i < row->n_bars; i++) {
                const struct timeline_bar *bar = &row->bars[i];
                double x = x_of(picture, bar->begun_usec), end = x_of(picture, timeline_end(picture->timeline, bar));

                if (bar->lane != lane || (bar->kind == TIMELINE_MISSED) != marks)
                        continue;
                if (piece.worst && end - piece.x <= BAR_MIN) {
                        piece.n++;
                        piece.end = MAX(piece.end, end);
                        if (bar->kind < piece.worst->kind)
                                piece.worst = bar;
                        continue;
                }
                put_piece(picture, &piece, y);
                piece = (struct piece){ bar, 1, x, end };
        }
        put_piece(picture, &piece, y);
}

static unsigned row_height(const struct timeline_row *row) {
        return row->n_lanes * LANE_HEIGHT + ROW_GAP;
}

/* Every other row has a ground of its own, so that the eye stays on it. */
static void put_grounds(const struct picture *picture) {
        unsigned y = picture->y;

        for (size_t i = 0; i < picture->timeline->n_rows; i++) {
                unsigned height = row_height(picture->timeline->rows[i]);

                if (i % 2 == 0)
                        fprintf(picture->out, "<rect x=\"0\" y=\"%u\" width=\"%u\" height=\"%u\" fill=\"#f6f8fa\"/>\n",
                                y, picture->left + PLOT_WIDTH + MARGIN, height);
                y += height;
        }
}

static void put_row(struct picture *picture, const struct timeline_row *row) {
        unsigned y = picture->y + ROW_GAP / 2 + 1;

        fprintf(picture->out, "<text x=\"%u\" y=\"%u\">", MARGIN + 2 * CHAR_WIDTH * MIN(row->depth, 8u),
                y + LANE_HEIGHT - 4);
        put_text(picture->out, row->name);
        fputs("</text>\n", picture->out);
        for (unsigned lane = 0; lane < row->n_lanes; lane++)
                put_lane(picture, row, lane, false, y + lane * LANE_HEIGHT);
        put_lane(picture, row, 0, true, y);
        picture->y += row_height(row);
}

/* ---- around them ---- */

static void put_axis(const struct picture *picture, unsigned bottom) {
        struct tick ticks[TICKS_MAX];
        size_t n =
                axis_ticks(picture->timeline->from_usec, picture->timeline->until_usec, PLOT_WIDTH / TICK_ROOM, ticks);

        for (size_t i = 0; i < n; i++) {
                double x = x_of(picture, ticks[i].usec);

                fprintf(picture->out, "<path d=\"M%.1f %d V%u\" stroke=\"#d0d7de\"/>\n", x, HEAD_HEIGHT - 6, bottom);
                if (x + CHAR_WIDTH * (double)strlen(ticks[i].text) < picture->left + PLOT_WIDTH + MARGIN)
                        fprintf(picture->out, "<text x=\"%.1f\" y=\"%d\" fill=\"#57606a\">%s</text>\n", x + 3,
                                HEAD_HEIGHT - 8, ticks[i].text);
        }
}

static void put_now(const struct picture *picture, unsigned bottom) {
        const struct timeline *timeline = picture->timeline;
        double x = x_of(picture, timeline->now_usec);

        if (timeline->now_usec > timeline->from_usec && timeline->now_usec < timeline->until_usec)
                fprintf(picture->out, "<path d=\"M%.1f %d V%u\" stroke=\"#0969da\" stroke-dasharray=\"3 3\"/>\n", x,
                        HEAD_HEIGHT - 6, bottom);
}

static void put_legend(const struct picture *picture) {
        unsigned x = MARGIN, y = picture->y + 12;

        for (enum timeline_kind kind = 0; kind < _TIMELINE_KIND_MAX; kind++) {
                const char *name = timeline_kind_to_string(kind);

                if (!picture->seen[kind])
                        continue;
                fprintf(picture->out,
                        "<rect x=\"%u\" y=\"%u\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%u\" y=\"%u\">%s</text>\n",
                        x, y, looks[kind].colour, x + 17, y + 10, name);
                x += 17 + CHAR_WIDTH * (unsigned)strlen(name) + 18;
        }
}

void timeline_write_svg(const struct timeline *timeline, FILE *out) {
        struct picture picture = { .timeline = timeline, .out = out, .y = HEAD_HEIGHT };
        unsigned height = HEAD_HEIGHT + FOOT_HEIGHT, width;
        char title[TIMELINE_TITLE_MAX];
        size_t widest = 0;

        for (size_t i = 0; i < timeline->n_rows; i++) {
                widest = MAX(widest, 2 * timeline->rows[i]->depth + strlen(timeline->rows[i]->name));
                height += row_height(timeline->rows[i]);
        }
        picture.left = 2 * MARGIN + (unsigned)MIN(widest * CHAR_WIDTH, (size_t)LABEL_MAX);
        width = picture.left + PLOT_WIDTH + MARGIN;
        fprintf(out,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\" "
                "font-family=\"monospace\" font-size=\"11\" fill=\"#24292f\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
                "<text x=\"%d\" y=\"20\" font-size=\"14\">",
                width, height, width, height, MARGIN);
        put_text(out, timeline_title(timeline, title));
        fputs("</text>\n", out);
        put_grounds(&picture);
        put_axis(&picture, height - FOOT_HEIGHT);
        for (size_t i = 0; i < timeline->n_rows; i++)
                put_row(&picture, timeline->rows[i]);
        put_now(&picture, height - FOOT_HEIGHT);
        put_legend(&picture);
        fputs("</svg>\n", out);
}
