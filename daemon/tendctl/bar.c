/* SPDX-License-Identifier: MIT */
/* bar: how far a map is, see bar.h. */
#include "tendctl/bar.h"

#include "base/clock.h"
#include "tendctl/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define WIDTH     30 /* of the bar */
#define WIDTH_MIN 5
#define TAIL_MAX  120
#define FALLBACK  80 /* columns */

static bool is_same(int a, int b) {
        struct stat x, y;

        return isatty(a) && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_rdev == y.st_rdev;
}

int bar_init(struct bar *bar, bool wanted) {
        *bar = (struct bar){ .total = -1, .began_usec = (int64_t)clock_now(CLOCK_ID_MONOTONIC) };
        bar->shown = wanted && isatty(STDERR_FILENO);
        for (int i = 0; i < BAR_STREAMS; i++) {
                int fd = STDOUT_FILENO + i, pair[2];

                bar->streams[i].from = -EBADF;
                bar->streams[i].given = bar->streams[i].to = fd;
                if (!bar->shown || !is_same(fd, STDERR_FILENO))
                        continue;
                if (pipe2(pair, O_CLOEXEC) < 0)
                        return -errno;
                (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
                bar->streams[i].from = pair[0];
                bar->streams[i].given = pair[1];
        }
        return 0;
}

int bar_given(const struct bar *bar, int stream) {
        return bar->streams[stream].given;
}

/* ---- drawing ---- */

static void clear(struct bar *bar) {
        if (bar->drawn)
                (void)!write(STDERR_FILENO, "\r\033[K", 4);
        bar->drawn = false;
}

static unsigned columns(void) {
        struct winsize size;

        return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : FALLBACK;
}

/* How much is done, in numbers. Returns the length. */
static size_t format_tail(const struct bar *bar, char tail[TAIL_MAX]) {
        int64_t spent = (int64_t)clock_now(CLOCK_ID_MONOTONIC) - bar->began_usec;
        int n;

        if (bar->total > 0)
                n = snprintf(tail, TAIL_MAX, "%3lld%% %lld/%lld", (long long)(bar->done * 100 / bar->total),
                             (long long)bar->done, (long long)bar->total);
        else
                n = snprintf(tail, TAIL_MAX, "%lld done", (long long)bar->done);
        if (spent > 0)
                n += snprintf(tail + n, TAIL_MAX - (size_t)n, ", %.1f/s", (double)bar->done * 1e6 / (double)spent);
        if (bar->failed > 0)
                n += snprintf(tail + n, TAIL_MAX - (size_t)n, ", %lld failed", (long long)bar->failed);
        return (size_t)n;
}

/* The numbers, and before them a bar when the terminal is wide enough for both. */
static void draw(struct bar *bar) {
        char line[WIDTH + TAIL_MAX + 8], tail[TAIL_MAX];
        size_t room = columns() - 1, n, width, full;

        if (!bar->shown || bar->in_line)
                return;
        n = format_tail(bar, tail);
        width = bar->total > 0 && room > n + strlen("[] ") ? MIN(room - n - strlen("[] "), (size_t)WIDTH) : 0;
        full = bar->total > 0 ? (size_t)bar->done * width / (size_t)bar->total : 0;
        if (width >= WIDTH_MIN)
                n = (size_t)snprintf(line, sizeof(line), "[%.*s%*s] %s", (int)full, "##############################",
                                     (int)(width - full), "", tail);
        else
                n = (size_t)snprintf(line, sizeof(line), "%s", tail);
        clear(bar);
        bar->drawn = write(STDERR_FILENO, line, MIN(n, room)) > 0;
}

void bar_update(struct bar *bar, const json_t *items, int64_t total) {
        bar->failed = get_int(items, "failed");
        bar->done = bar->failed + get_int(items, "ok");
        bar->total = MAX(total, total < 0 ? total : bar->done);
        draw(bar);
}

/* ---- what items print ---- */

static void write_all(int fd, const char *data, size_t n) {
        while (n > 0) {
                ssize_t written = write(fd, data, n);

                if (written < 0 && errno != EINTR)
                        return;
                data += MAX(written, (ssize_t)0);
                n -= (size_t)MAX(written, (ssize_t)0);
        }
}

/* Returns whether there was something. */
static bool copy(struct bar *bar, int stream) {
        char data[16 * 1024];
        ssize_t n = read(bar->streams[stream].from, data, sizeof(data));

        if (n == 0) { /* nobody has the other end any more */
                (void)close(bar->streams[stream].from);
                bar->streams[stream].from = -EBADF;
        }
        if (n <= 0)
                return false;
        clear(bar);
        write_all(bar->streams[stream].to, data, (size_t)n);
        bar->in_line = data[n - 1] != '\n';
        return true;
}

/* The call has been sent: the daemon has these. */
static void close_given(struct bar *bar) {
        for (int i = 0; i < BAR_STREAMS; i++)
                if (bar->streams[i].given != bar->streams[i].to && bar->streams[i].given >= 0) {
                        (void)close(bar->streams[i].given);
                        bar->streams[i].given = -EBADF;
                }
}

size_t bar_before(struct bar *bar, struct pollfd *fds, size_t n) {
        close_given(bar);
        for (int i = 0; i < BAR_STREAMS; i++)
                if (bar->streams[i].from >= 0)
                        fds[n++] = (struct pollfd){ .fd = bar->streams[i].from, .events = POLLIN };
        return n;
}

void bar_after(struct bar *bar, const struct pollfd *fds, size_t n) {
        bool printed = false;

        for (size_t k = 0; k < n; k++)
                for (int i = 0; i < BAR_STREAMS; i++)
                        if (fds[k].revents != 0 && fds[k].fd >= 0 && fds[k].fd == bar->streams[i].from)
                                printed |= copy(bar, i);
        if (printed)
                draw(bar);
}

void bar_done(struct bar *bar) {
        close_given(bar);
        for (int i = 0; i < BAR_STREAMS; i++) {
                while (bar->streams[i].from >= 0 && copy(bar, i))
                        ;
                if (bar->streams[i].from >= 0)
                        (void)close(bar->streams[i].from);
        }
        clear(bar);
        bar->shown = false;
}
