/* SPDX-License-Identifier: MIT */
/* verb_map: map. */
#include "tendctl/attach.h"
#include "tendctl/bar.h"
#include "tendctl/feed.h"
#include "tendctl/print.h"

#include <stdio.h>

struct map {
        struct attach attach;
        struct feed feed;
        struct bar bar;
        size_t n_feed; /* of the descriptors that are waited for */
};

/* ---- while it works ---- */

static size_t before(struct pollfd *fds, size_t n, void *arg) {
        struct map *map = arg;
        size_t behind = feed_before(&map->feed, fds, n);

        map->n_feed = behind - n;
        return bar_before(&map->bar, fds, behind);
}

static void after(const struct pollfd *fds, size_t n, void *arg) {
        struct map *map = arg;

        feed_after(&map->feed, fds, map->n_feed);
        bar_after(&map->bar, fds + map->n_feed, n - map->n_feed);
}

static void on_items(const json_t *items, void *arg) {
        struct map *map = arg;

        bar_update(&map->bar, items, map->feed.is_counted ? (int64_t)map->feed.n_items : -1);
}

/* ---- the summary ---- */

static void print_kinds(const json_t *by_kind) {
        const char *separator = " (", *kind;
        json_t *n;

        json_object_foreach((json_t *)by_kind, kind, n) {
                fprintf(stderr, "%s%s %lld", separator, kind, (long long)json_integer_value(n));
                separator = ", ";
        }
        if (*separator == ',')
                fputc(')', stderr);
}

static void print_counts(const json_t *result, const json_t *items) {
        json_int_t total = get_int(items, "total"), ok = get_int(items, "ok"), failed = get_int(items, "failed");
        json_int_t duration = get_int(result, "duration_usec");
        char span[WHEN_MAX];

        fprintf(stderr, "%s: %lld items: %lld ok", get_string(result, "run"), (long long)total, (long long)ok);
        if (failed > 0) {
                fprintf(stderr, ", %lld failed", (long long)failed);
                print_kinds(json_object_get(items, "by_kind"));
        }
        if (total > ok + failed)
                fprintf(stderr, ", %lld not done", (long long)(total - ok - failed));
        fprintf(stderr, ", in %s", format_span(duration, span));
        if (duration > 0)
                fprintf(stderr, ", %.1f/s", (double)(ok + failed) * 1e6 / (double)duration);
        fputc('\n', stderr);
}

static void print_latency(const json_t *latency) {
        static const char *const names[] = { "min", "p50", "p90", "p99", "max" };
        char span[WHEN_MAX];

        if (get_int(latency, "max") == 0)
                return;
        fprintf(stderr, "  an item took");
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                fprintf(stderr, "%s %s %s", i > 0 ? "," : "", names[i], format_span(get_int(latency, names[i]), span));
        fputc('\n', stderr);
}

/* Those that the daemon has kept are the first. */
static void print_errors(const json_t *errors, json_int_t failed) {
        size_t index;
        json_t *error;

        json_array_foreach((json_t *)errors, index, error) {
                fprintf(stderr, "  %s: %s: ", get_string(error, "run"), get_string(error, "kind"));
                print_safe_to(stderr, get_string(error, "detail"), false);
                fputc('\n', stderr);
        }
        if (failed > (json_int_t)index)
                fprintf(stderr, "  and %lld more\n", (long long)(failed - (json_int_t)index));
}

static int print_end(const struct map *map) {
        json_t *result = map->attach.result, *items = json_object_get(result, "items");

        if (map->attach.ctl->json) {
                (void)print_json(json_incref(result));
                return (int)get_int(result, "exit_code");
        }
        if (items) {
                print_counts(result, items);
                print_latency(json_object_get(items, "latency_usec"));
                print_errors(json_object_get(result, "errors"), get_int(items, "failed"));
        }
        if (!items || !streq(get_string(result, "outcome"), "failed"))
                attach_explain(&map->attach);
        return (int)get_int(result, "exit_code");
}

/* ---- the start ---- */

static int give(struct map *map, json_t *parameters) {
        struct attach *attach = &map->attach;
        int r;

        r = feed_init(&map->feed, STDIN_FILENO);
        if (r >= 0)
                r = bar_init(&map->bar, true);
        if (r >= 0)
                r = attach_give(attach, parameters, "items", map->feed.given);
        if (r >= 0)
                r = attach_give(attach, parameters, "stdout", bar_given(&map->bar, attach->ctl->json ? 1 : 0));
        if (r >= 0)
                r = attach_give(attach, parameters, "stderr", bar_given(&map->bar, 1));
        return r < 0 ? ctl_error(CTL_BROKEN, "%s", strerror(-r)) : CTL_OK;
}

int verb_map(struct ctl *ctl, const struct verb_args *args) {
        static const struct attach_ops ops = { before, after };
        struct map map = {
                .attach = { .ctl = ctl, .ops = &ops, .on_items = on_items, .signal_fd = -EBADF },
                .feed = { .out = -EBADF, .given = -EBADF },
        };
        json_t *parameters = NULL;
        int code;

        map.attach.arg = &map;
        code = attach_parameters(ctl, verb_find("map"), args, &parameters);
        if (code == CTL_OK)
                code = attach_give_surroundings(&map.attach, parameters,
                                                json_string_value(json_object_get(parameters, "user")));
        if (code == CTL_OK)
                code = give(&map, parameters);
        if (code == CTL_OK) {
                code = attach_call(&map.attach, "MapCommand", TAKE_PTR(parameters));
                bar_done(&map.bar);
        }
        json_decref(parameters);
        if (code == CTL_OK)
                code = map.attach.result ? print_end(&map) : CTL_BROKEN;
        feed_done(&map.feed);
        attach_done(&map.attach);
        return code;
}
