/* SPDX-License-Identifier: MIT */
/* top_views: the views of limits, pools and what is due, see top_views.h. */
#include "tendctl/top_views_private.h"

#include <stdio.h>

void view_say(struct cell_text *ret, const char *text) {
        (void)snprintf(ret->text, sizeof(ret->text), "%s", text);
}

void view_say_number(struct cell_text *ret, json_int_t number) {
        if (number != 0)
                (void)snprintf(ret->text, sizeof(ret->text), "%lld", (long long)number);
}

void view_bar(char *buf, size_t size, unsigned width, json_int_t part, json_int_t whole) {
        bool utf8 = print_is_utf8();
        unsigned filled = 0;
        size_t used = 0;

        if (whole > 0 && part > 0)
                filled = (unsigned)MIN((double)part / (double)whole * width + 0.5, (double)width);
        if (part > 0 && filled == 0)
                filled = 1;
        buf[0] = '\0';
        for (unsigned i = 0; i < width && used < size; i++)
                used += (size_t)snprintf(buf + used, size - used, "%s",
                                         i < filled ? (utf8 ? "█" : "#") : (utf8 ? "░" : "."));
}

/* ---- limits ---- */

#define GAUGE_BAR 12

static const char *row_name(const json_t *row) {
        return get_string(row, "name");
}

static void text_name(const json_t *row, struct cell_text *ret) {
        view_say(ret, row_name(row));
}

static void limit_text_gauge(const json_t *limit, struct cell_text *ret) {
        const json_t *permits = json_object_get(limit, "permits");
        char bar[VIEW_BAR_MAX];

        if (!permits) {
                (void)snprintf(ret->text, sizeof(ret->text), "%lld held, unlimited", (long long)get_int(limit, "held"));
                return;
        }
        view_bar(bar, sizeof(bar), GAUGE_BAR, get_int(limit, "held"), json_integer_value(permits));
        (void)snprintf(ret->text, sizeof(ret->text), "%s %lld/%lld", bar, (long long)get_int(limit, "held"),
                       (long long)json_integer_value(permits));
        if (get_int(limit, "held") >= json_integer_value(permits))
                ret->paint = PAINT_WARN;
}

static json_int_t limit_share(const json_t *limit) {
        json_int_t permits = get_int(limit, "permits");

        return permits > 0 ? get_int(limit, "held") * 1000 / permits : 0;
}

static void limit_text_waiting(const json_t *limit, struct cell_text *ret) {
        view_say_number(ret, get_int(limit, "waiting"));
        ret->paint = PAINT_WARN;
}

static json_int_t limit_waiting(const json_t *limit) {
        return get_int(limit, "waiting");
}

static void limit_text_oldest(const json_t *limit, struct cell_text *ret) {
        char span[WHEN_MAX];

        if (get_int(limit, "oldest_wait_usec") > 0)
                view_say(ret,
                         format_short((json_int_t)clock_now(CLOCK_ID_REALTIME) - get_int(limit, "oldest_wait_usec"),
                                      span));
}

static json_int_t limit_oldest(const json_t *limit) {
        json_int_t since = get_int(limit, "oldest_wait_usec");

        return since > 0 ? since : INT64_MAX;
}

static void limit_text_rate(const json_t *limit, struct cell_text *ret) {
        char span[WHEN_MAX];

        if (json_object_get(limit, "rate"))
                (void)snprintf(ret->text, sizeof(ret->text), "%lld/%s", (long long)get_int(limit, "rate"),
                               format_short(get_int(limit, "rate_usec"), span));
}

/* The first of those at @key, and how many more there are. */
static size_t name_some(const json_t *limit, const char *key, const char *word, char *buf, size_t size) {
        const json_t *tickets = json_object_get(limit, key);
        size_t n = json_array_size(tickets), used;

        if (n == 0)
                return 0;
        used = (size_t)snprintf(buf, size, "%s %s", word, get_string(json_array_get(tickets, 0), "run"));
        if (n > 1 && used < size)
                used += (size_t)snprintf(buf + used, size - used, " +%zu", n - 1);
        return MIN(used, size - 1);
}

static void limit_text_detail(const json_t *limit, struct cell_text *ret) {
        size_t used;

        if (*get_string(limit, "paused_by")) {
                (void)snprintf(ret->text, sizeof(ret->text), "paused by %s", get_string(limit, "paused_by"));
                ret->paint = paint_for("paused");
                return;
        }
        used = name_some(limit, "waiters", "waits:", ret->text, sizeof(ret->text));

        if (used > 0 && used + 2 < sizeof(ret->text)) {
                (void)snprintf(ret->text + used, sizeof(ret->text) - used, "; ");
                used += 2;
        }
        (void)name_some(limit, "holders", "holds:", ret->text + used, sizeof(ret->text) - used);
        ret->paint = PAINT_DIM;
}

static bool limit_fails(const json_t *limit) {
        return get_int(limit, "waiting") > 0;
}

static const struct top_column limit_columns[] = {
        { .title = "LIMIT", .least = 12, .most = 30, .text = text_name, .word = row_name },
        { .title = "HELD", .width = 21, .falls = true, .text = limit_text_gauge, .number = limit_share },
        { .title = "WAIT",
          .width = 5,
          .right = true,
          .falls = true,
          .text = limit_text_waiting,
          .number = limit_waiting },
        { .title = "OLDEST", .width = 6, .right = true, .text = limit_text_oldest, .number = limit_oldest },
        { .title = "RATE", .width = 8, .right = true, .text = limit_text_rate },
        { .title = "WHO", .least = 12, .text = limit_text_detail },
};

/* ---- pools ---- */

static void pool_text_busy(const json_t *pool, struct cell_text *ret) {
        char bar[VIEW_BAR_MAX];

        view_bar(bar, sizeof(bar), GAUGE_BAR, get_int(pool, "busy"), get_int(pool, "threads"));
        (void)snprintf(ret->text, sizeof(ret->text), "%s %lld/%lld", bar, (long long)get_int(pool, "busy"),
                       (long long)get_int(pool, "threads"));
}

static json_int_t pool_busy(const json_t *pool) {
        return get_int(pool, "busy");
}

static void pool_text_state(const json_t *pool, struct cell_text *ret) {
        const char *word = get_bool(pool, "degraded") ? "degraded" : "ok";

        view_say(ret, word);
        ret->paint = paint_for(word);
}

static json_int_t pool_state(const json_t *pool) {
        return get_bool(pool, "degraded");
}

static void pool_text_stuck(const json_t *pool, struct cell_text *ret) {
        (void)snprintf(ret->text, sizeof(ret->text), "%lld/%lld", (long long)get_int(pool, "stuck"),
                       (long long)get_int(pool, "spare"));
        if (get_int(pool, "stuck") > 0)
                ret->paint = PAINT_WARN;
}

static json_int_t pool_stuck(const json_t *pool) {
        return get_int(pool, "stuck");
}

static void pool_text_queued(const json_t *pool, struct cell_text *ret) {
        (void)snprintf(ret->text, sizeof(ret->text), "%lld/%lld", (long long)get_int(pool, "queued"),
                       (long long)get_int(pool, "queue_max"));
        if (get_int(pool, "queued") > 0)
                ret->paint = PAINT_WARN;
}

static json_int_t pool_queued(const json_t *pool) {
        return get_int(pool, "queued");
}

static void pool_text_completed(const json_t *pool, struct cell_text *ret) {
        (void)snprintf(ret->text, sizeof(ret->text), "%lld", (long long)get_int(pool, "completed"));
}

static json_int_t pool_completed(const json_t *pool) {
        return get_int(pool, "completed");
}

static void pool_text_refused(const json_t *pool, struct cell_text *ret) {
        view_say_number(ret, get_int(pool, "refused"));
        ret->paint = PAINT_BAD;
}

static json_int_t pool_refused(const json_t *pool) {
        return get_int(pool, "refused");
}

static bool pool_fails(const json_t *pool) {
        return get_bool(pool, "degraded");
}

static const struct top_column pool_columns[] = {
        { .title = "POOL", .least = 12, .most = 30, .text = text_name, .word = row_name },
        { .title = "STATE", .width = 8, .falls = true, .text = pool_text_state, .number = pool_state },
        { .title = "BUSY", .width = 21, .falls = true, .text = pool_text_busy, .number = pool_busy },
        { .title = "STUCK", .width = 6, .right = true, .falls = true, .text = pool_text_stuck, .number = pool_stuck },
        { .title = "QUEUED",
          .width = 9,
          .right = true,
          .falls = true,
          .text = pool_text_queued,
          .number = pool_queued },
        { .title = "DONE",
          .width = 10,
          .right = true,
          .falls = true,
          .text = pool_text_completed,
          .number = pool_completed },
        { .title = "REFUSED",
          .width = 7,
          .right = true,
          .falls = true,
          .text = pool_text_refused,
          .number = pool_refused },
};

/* ---- what is due ---- */

static void next_text_time(const json_t *due, struct cell_text *ret) {
        char when[WHEN_MAX];

        view_say(ret, get_int(due, "at_usec") > 0 ? format_clock(get_int(due, "at_usec"), when) : "-");
}

static json_int_t next_at(const json_t *due) {
        json_int_t at = get_int(due, "at_usec");

        return at > 0 ? at : INT64_MAX;
}

static void next_text_in(const json_t *due, struct cell_text *ret) {
        char span[WHEN_MAX];

        if (get_bool(due, "paused")) {
                view_say(ret, "paused");
                ret->paint = paint_for("paused");
        } else if (get_int(due, "at_usec") > 0)
                view_say(ret, format_short(get_int(due, "at_usec") - (json_int_t)clock_now(CLOCK_ID_REALTIME), span));
}

static const char *next_task(const json_t *due) {
        return get_string(due, "task");
}

static void next_text_task(const json_t *due, struct cell_text *ret) {
        view_say(ret, next_task(due));
        ret->paint = PAINT_BOLD;
}

static void next_text_trigger(const json_t *due, struct cell_text *ret) {
        (void)snprintf(ret->text, sizeof(ret->text), "%s %s", get_string(due, "trigger"),
                       get_string(due, "expression"));
}

static const char *next_trigger(const json_t *due) {
        return get_string(due, "trigger");
}

static const struct top_column next_columns[] = {
        { .title = "TIME", .width = 19, .text = next_text_time, .number = next_at },
        { .title = "IN", .width = 6, .right = true, .text = next_text_in },
        { .title = "TASK", .least = 12, .most = 40, .text = next_text_task, .word = next_task },
        { .title = "TRIGGER", .least = 12, .text = next_text_trigger, .word = next_trigger },
};

static const struct top_view limits = { "limits", "name", limit_columns, ARRAY_SIZE(limit_columns), 0, limit_fails };
static const struct top_view pools = { "pools", "name", pool_columns, ARRAY_SIZE(pool_columns), 0, pool_fails };
static const struct top_view next = { "next", "task", next_columns, ARRAY_SIZE(next_columns), -1, NULL };

const struct top_view *const top_views[_VIEW_MAX] = {
        [VIEW_TASKS] = &top_view_tasks, [VIEW_RUNS] = &top_view_runs, [VIEW_LIMITS] = &limits,
        [VIEW_POOLS] = &pools,          [VIEW_NEXT] = &next,
};
