/* SPDX-License-Identifier: MIT */
/* top_canvas: a screen of characters, see top_canvas.h. */
#include "tendctl/top_canvas.h"

#include <limits.h>
#include <stdarg.h>

struct canvas {
        unsigned height;
        unsigned width;
        struct canvas_cell cells[];
};

int canvas_new(unsigned height, unsigned width, struct canvas **ret) {
        struct canvas *canvas;

        height = MAX(1u, MIN(height, (unsigned)CANVAS_MAX));
        width = MAX(1u, MIN(width, (unsigned)CANVAS_MAX));
        canvas = calloc(1, sizeof(*canvas) + (size_t)height * width * sizeof(canvas->cells[0]));
        if (!canvas)
                return -ENOMEM;
        canvas->height = height;
        canvas->width = width;
        for (size_t i = 0; i < (size_t)height * width; i++)
                canvas->cells[i].c = L' ';
        *ret = canvas;
        return 0;
}

struct canvas *canvas_free(struct canvas *canvas) {
        free(canvas);
        return NULL;
}

unsigned canvas_height(const struct canvas *canvas) {
        return canvas->height;
}

unsigned canvas_width(const struct canvas *canvas) {
        return canvas->width;
}

const struct canvas_cell *canvas_line(const struct canvas *canvas, unsigned y) {
        return &canvas->cells[(size_t)y * canvas->width];
}

/* The next character of *@text, which is moved behind it; *@ret_width is 1 or 2, or 0: it joins the one before. */
static wchar_t next_char(const char **text, mbstate_t *state, int *ret_width) {
        wchar_t c;
        size_t n = mbrtowc(&c, *text, MB_LEN_MAX, state);

        if (n == 0 || n > MB_LEN_MAX) { /* no character, or the beginning of one */
                *state = (mbstate_t){ 0 };
                *ret_width = 1;
                (*text)++;
                return L'?';
        }
        *text += n;
        *ret_width = wcwidth(c);
        if (*ret_width >= 0)
                return c;
        *ret_width = 1;
        return L'?';
}

unsigned canvas_put(struct canvas *canvas, unsigned y, unsigned x, unsigned width, enum paint paint, const char *text) {
        struct canvas_cell *cell;
        mbstate_t state = { 0 };
        unsigned used = 0;

        if (y >= canvas->height || x >= canvas->width)
                return 0;
        width = MIN(width, canvas->width - x);
        cell = &canvas->cells[(size_t)y * canvas->width + x];
        while (*text) {
                int n;
                wchar_t c = next_char(&text, &state, &n);

                if (n == 0)
                        continue;
                if (used + (unsigned)n > width)
                        break;
                cell[used].c = c;
                cell[used++].paint = paint;
                if (n == 2) {
                        cell[used].c = 0;
                        cell[used++].paint = paint;
                }
        }
        return used;
}

unsigned canvas_putf(struct canvas *canvas, unsigned y, unsigned x, enum paint paint, const char *format, ...) {
        char text[1024];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(text, sizeof(text), format, ap);
        va_end(ap);
        return canvas_put(canvas, y, x, CANVAS_MAX, paint, text);
}

static unsigned columns_of(const char *text) {
        mbstate_t state = { 0 };
        unsigned columns = 0;

        while (*text) {
                int n;

                (void)next_char(&text, &state, &n);
                columns += (unsigned)n;
        }
        return columns;
}

void canvas_put_right(struct canvas *canvas, unsigned y, unsigned x, unsigned width, enum paint paint,
                      const char *text) {
        unsigned used = MIN(columns_of(text), width);

        (void)canvas_put(canvas, y, x + width - used, used, paint, text);
}

void canvas_reverse(struct canvas *canvas, unsigned y) {
        for (unsigned x = 0; y < canvas->height && x < canvas->width; x++)
                canvas->cells[(size_t)y * canvas->width + x].reverse = true;
}

void canvas_print(const struct canvas *canvas, FILE *out) {
        for (unsigned y = 0; y < canvas->height; y++) {
                const struct canvas_cell *line = canvas_line(canvas, y);
                mbstate_t state = { 0 };
                unsigned n = canvas->width;

                while (n > 0 && line[n - 1].c == L' ')
                        n--;
                for (unsigned x = 0; x < n; x++) {
                        char bytes[MB_LEN_MAX];
                        size_t length = line[x].c ? wcrtomb(bytes, line[x].c, &state) : 0;

                        if (length <= sizeof(bytes))
                                (void)fwrite(bytes, 1, length, out);
                }
                fputc('\n', out);
        }
}
