/* SPDX-License-Identifier: MIT */
/* top_screen: the terminal, see top_screen.h. */
#include "tendctl/top_screen.h"

#include "tendctl/top.h"

#include <curses.h>
#include <term.h>

/* So long after Esc a terminal may send the rest of a key. */
#define ESCAPE_MSEC 50
#define REDRAW_KEY  ('l' & 0x1f)

struct screen {
        SCREEN *terminal;
        attr_t paints[_PAINT_MAX];
        short pairs[_PAINT_MAX];
};

/* Without colours what is bad stands out all the same. */
static void choose_paints(struct screen *screen) {
        const char *no = getenv("NO_COLOR");
        static const struct {
                enum paint paint;
                short colour;
        } colours[] = { { PAINT_GOOD, COLOR_GREEN }, { PAINT_BAD, COLOR_RED }, { PAINT_WARN, COLOR_YELLOW } };

        screen->paints[PAINT_BAD] = screen->paints[PAINT_WARN] = screen->paints[PAINT_BOLD] = A_BOLD;
        screen->paints[PAINT_DIM] = A_DIM;
        if ((no && *no) || !has_colors() || start_color() == ERR || use_default_colors() == ERR)
                return;
        screen->paints[PAINT_WARN] = A_NORMAL;
        for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
                screen->pairs[colours[i].paint] = (short)(i + 1);
                (void)init_pair((short)(i + 1), colours[i].colour, -1);
        }
}

int screen_open(struct screen **ret) {
        struct screen *screen;

        if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
                return -ENOTTY;
        screen = calloc(1, sizeof(*screen));
        if (!screen)
                return -ENOMEM;
        screen->terminal = newterm(NULL, stdout, stdin);
        if (!screen->terminal) {
                free(screen);
                return -EINVAL;
        }
        if (!tigetstr("cup")) { /* its cursor cannot be moved: curses would write one line over the other */
                screen_close(screen);
                return -EINVAL;
        }
        (void)set_escdelay(ESCAPE_MSEC);
        (void)cbreak();
        (void)noecho();
        (void)keypad(stdscr, TRUE);
        (void)nodelay(stdscr, TRUE);
        (void)curs_set(0);
        choose_paints(screen);
        *ret = screen;
        return 0;
}

struct screen *screen_close(struct screen *screen) {
        if (!screen)
                return NULL;
        (void)endwin();
        delscreen(screen->terminal);
        free(screen);
        return NULL;
}

void screen_size(_unused_ const struct screen *screen, unsigned *ret_height, unsigned *ret_width) {
        *ret_height = (unsigned)MAX(getmaxy(stdscr), 1);
        *ret_width = (unsigned)MAX(getmaxx(stdscr), 1);
}

static bool looks_alike(const struct canvas_cell *a, const struct canvas_cell *b) {
        return a->paint == b->paint && a->reverse == b->reverse;
}

static void show_line(const struct screen *screen, const struct canvas_cell *line, unsigned width, int y) {
        wchar_t text[CANVAS_MAX];

        for (unsigned x = 0; x < width;) {
                unsigned begin = x;
                int n = 0;

                for (; x < width && looks_alike(&line[begin], &line[x]); x++)
                        if (line[x].c)
                                text[n++] = line[x].c;
                (void)attr_set(screen->paints[line[begin].paint] | (line[begin].reverse ? A_REVERSE : 0),
                               screen->pairs[line[begin].paint], NULL);
                (void)mvaddnwstr(y, (int)begin, text, n);
        }
}

void screen_show(struct screen *screen, const struct canvas *canvas) {
        unsigned height, width;

        screen_size(screen, &height, &width);
        (void)attr_set(A_NORMAL, 0, NULL);
        (void)erase();
        for (unsigned y = 0; y < MIN(height, canvas_height(canvas)); y++)
                show_line(screen, canvas_line(canvas, y), MIN(width, canvas_width(canvas)), (int)y);
        (void)refresh();
}

int screen_key(_unused_ struct screen *screen) {
        static const struct {
                int curses;
                int key;
        } keys[] = {
                { KEY_UP, TOP_KEY_UP },
                { KEY_DOWN, TOP_KEY_DOWN },
                { KEY_LEFT, TOP_KEY_LEFT },
                { KEY_RIGHT, TOP_KEY_RIGHT },
                { KEY_PPAGE, TOP_KEY_PAGE_UP },
                { KEY_NPAGE, TOP_KEY_PAGE_DOWN },
                { KEY_HOME, TOP_KEY_HOME },
                { KEY_END, TOP_KEY_END },
                { KEY_BTAB, TOP_KEY_BACK_TAB },
                { KEY_ENTER, TOP_KEY_ENTER },
                { KEY_BACKSPACE, TOP_KEY_BACKSPACE },
                { '\r', TOP_KEY_ENTER },
                { '\b', TOP_KEY_BACKSPACE },
        };
        int key = getch();

        if (key == ERR)
                return TOP_KEY_NONE;
        if (key == REDRAW_KEY) /* something else has written on the terminal */
                (void)clearok(curscr, TRUE);
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
                if (keys[i].curses == key)
                        return keys[i].key;
        return key < 0x80 ? key : TOP_KEY_OTHER;
}
