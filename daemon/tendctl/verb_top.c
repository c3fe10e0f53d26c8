/* SPDX-License-Identifier: MIT */
/* verb_top: the console.
 *
 * One loop waits for keys, for the daemon, for a verb that is at work, and for the time when something is asked or drawn again; nothing in it
 * waits for one of them alone. Signals that end it are read like keys, so that the terminal is always given back.
 */
#include "base/text.h"
#include "tendctl/client.h"
#include "tendctl/top.h"
#include "tendctl/top_screen.h"
#include "tendctl/verb.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#define INTERVAL_DEFAULT USEC_PER_SEC
#define INTERVAL_MIN     (100 * USEC_PER_MSEC)
#define INTERVAL_MAX     USEC_PER_HOUR
#define KEYS_A_TURN      256 /* of what was pasted, before it is drawn */

/* ---- one screen, or its data ---- */

static int print_once(struct ctl *ctl, struct top *top) {
        _cleanup_(canvas_freep) struct canvas *canvas = NULL;
        unsigned height, width;
        int code;

        code = feed_once(ctl, top_wants(top), top_take, top);
        if (code != CTL_OK)
                return code;
        print_screen_size(&height, &width);
        if (canvas_new(height, width, &canvas) < 0)
                return ctl_error(CTL_FAILED, "out of memory");
        top_draw(top, canvas);
        canvas_print(canvas, stdout);
        return CTL_OK;
}

static void collect(enum top_source source, json_t *answer, void *arg) {
        static const char *const names[_SOURCE_MAX] = {
                [SOURCE_STATUS] = "status", [SOURCE_TREE] = "runs",   [SOURCE_TASKS] = "tasks",
                [SOURCE_LIMITS] = "limits", [SOURCE_POOLS] = "pools", [SOURCE_NEXT] = "next",
        };

        (void)json_object_set(arg, names[source], answer);
}

static int print_all(struct ctl *ctl) {
        json_t *all = json_object();
        int code = feed_once(ctl, (1u << _SOURCE_MAX) - 1, collect, all);

        if (code == CTL_OK)
                return print_json(all);
        json_decref(all);
        return code;
}

/* ---- the loop ---- */

struct console {
        struct top top;
        struct feed *feed;
        struct screen *screen;
        usec_t interval_usec;
        int signals;
};

static int draw(struct console *console) {
        _cleanup_(canvas_freep) struct canvas *canvas = NULL;
        unsigned height, width;

        console->top.trouble = feed_trouble(console->feed, &console->top.trouble_since);
        screen_size(console->screen, &height, &width);
        if (canvas_new(height, width, &canvas) < 0)
                return -ENOMEM;
        top_draw(&console->top, canvas);
        screen_show(console->screen, canvas);
        return 0;
}

static void wait_for_something(struct console *console, usec_t until_usec) {
        struct pollfd fds[] = {
                { .fd = STDIN_FILENO, .events = POLLIN },
                { .fd = console->signals, .events = POLLIN },
                { .fd = feed_fd(console->feed), .events = POLLIN },
                { .fd = console->top.job ? job_fd(console->top.job) : -1, .events = POLLIN },
        };
        usec_t left = usec_sub(MIN(until_usec, feed_due(console->feed)), clock_now(CLOCK_ID_MONOTONIC));

        (void)poll(fds, ARRAY_SIZE(fds), (int)((MIN(left, USEC_PER_MINUTE) + USEC_PER_MSEC - 1) / USEC_PER_MSEC));
        if (fds[0].revents & (POLLHUP | POLLERR) || fds[1].revents)
                console->top.quit = true;
}

static void read_keys(struct console *console) {
        enum top_view_id view = console->top.view;
        bool acted = console->top.job != NULL;
        int key;

        for (int i = 0; i < KEYS_A_TURN && (key = screen_key(console->screen)) != TOP_KEY_NONE; i++)
                if (key != TOP_KEY_OTHER)
                        top_key(&console->top, key);
        top_job_step(&console->top);
        if (view != console->top.view)
                feed_want(console->feed, top_wants(&console->top));
        if (acted && !console->top.job) /* something was done, and is to be seen */
                feed_hurry(console->feed);
}

static int run(struct console *console) {
        usec_t drawn;

        feed_want(console->feed, top_wants(&console->top));
        while (!console->top.quit) {
                feed_step(console->feed, clock_now(CLOCK_ID_MONOTONIC));
                if (draw(console) < 0)
                        return -ENOMEM;
                drawn = clock_now(CLOCK_ID_MONOTONIC);
                if (console->top.view == VIEW_TASKS)
                        feed_look_at(console->feed, top_visible(&console->top));
                wait_for_something(console, usec_add(drawn, console->interval_usec));
                read_keys(console);
        }
        return 0;
}

/* Keyboard and signals that end it, the latter by a descriptor. */
static int take_signals(struct console *console) {
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGHUP);
        (void)sigaddset(&set, SIGQUIT);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        console->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return console->signals < 0 ? -errno : 0;
}

static int open_console(struct console *console, struct ctl *ctl) {
        int r;

        r = take_signals(console);
        if (r >= 0)
                r = feed_new(ctl, console->interval_usec, top_take, &console->top, &console->feed);
        if (r >= 0)
                r = screen_open(&console->screen);
        if (r == -ENOTTY)
                return ctl_error(CTL_USAGE,
                                 "top needs a terminal; --once prints one screen, --json what is on all of them");
        if (r == -EINVAL)
                return ctl_error(
                        CTL_FAILED,
                        "the terminal %s is not known here, or has no cursor to move; --once prints one screen",
                        getenv("TERM") ? getenv("TERM") : "without TERM");
        return r < 0 ? ctl_error(CTL_FAILED, "%s", strerror(-r)) : CTL_OK;
}

static int run_console(struct ctl *ctl, struct console *console) {
        int code, r;

        code = ctl->client ? CTL_OK : ctl_connect(ctl);
        if (code == CTL_OK)
                code = open_console(console, ctl);
        r = code == CTL_OK ? run(console) : 0;
        console->screen = screen_close(console->screen);
        console->feed = feed_free(console->feed);
        if (console->signals >= 0)
                (void)close(console->signals);
        return r < 0 ? ctl_error(CTL_FAILED, "%s", strerror(-r)) : code;
}

static int parse(const struct verb_args *args, struct console *console) {
        const char *interval = args->options[TOP_INTERVAL], *view = args->options[TOP_VIEW];

        console->interval_usec = INTERVAL_DEFAULT;
        if (interval && (text_parse_usec(interval, &console->interval_usec) < 0 ||
                         console->interval_usec < INTERVAL_MIN || console->interval_usec > INTERVAL_MAX))
                return ctl_error(CTL_USAGE, "--interval %s: a span from 100ms to 1h", interval);
        for (unsigned i = 0; view && i < _VIEW_MAX; i++)
                if (streq(top_views[i]->name, view)) {
                        console->top.view = (enum top_view_id)i;
                        return CTL_OK;
                }
        return view ? ctl_error(CTL_USAGE, "--view %s: tasks, runs, limits, pools or next", view) : CTL_OK;
}

int verb_top(struct ctl *ctl, const struct verb_args *args) {
        struct console console = { .signals = -1 };
        int code;

        if (top_init(&console.top, ctl) < 0)
                return ctl_error(CTL_FAILED, "out of memory");
        code = parse(args, &console);
        if (code == CTL_OK)
                code = ctl->json                 ? print_all(ctl)
                       : args->options[TOP_ONCE] ? print_once(ctl, &console.top)
                                                 : run_console(ctl, &console);
        top_done(&console.top);
        return code;
}
