/* SPDX-License-Identifier: MIT */
/* verb_limits: limits, pools. */
#include "base/text.h"
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <stdio.h>

/* With a few limits asked for by name, who holds and who waits is told too. */
static void print_tickets(const json_t *limit, const char *key, const char *word) {
        char when[WHEN_MAX];
        size_t index;
        json_t *ticket;

        json_array_foreach(json_object_get(limit, key), index, ticket)
                printf("  %s %s %lld, for %s\n", get_string(ticket, "run"), word, (long long)get_int(ticket, "permits"),
                       format_age_of(get_int(ticket, "since_usec"), when));
}

static void print_limit_pause(const json_t *limit) {
        char when[WHEN_MAX];

        if (!*get_string(limit, "paused_by"))
                return;
        printf("%s is paused, %s, by ", get_string(limit, "name"),
               format_relative(get_int(limit, "paused_usec"), when));
        print_safe(get_string(limit, "paused_by"), false);
        printf(": tendctl resume -l %s\n", get_string(limit, "name"));
}

static void add_limit(struct table *table, const json_t *limit) {
        const json_t *permits = json_object_get(limit, "permits");
        char span[WHEN_MAX], rate[TEXT_RATE_MAX];

        table_cell(table, PAINT_NONE, get_string(limit, "name"));
        table_cell(table, PAINT_WARN, *get_string(limit, "paused_by") ? "paused" : "");
        if (permits)
                table_cellf(table, get_int(limit, "waiting") > 0 ? PAINT_WARN : PAINT_NONE, "%lld/%lld",
                            (long long)get_int(limit, "held"), (long long)json_integer_value(permits));
        else
                table_cellf(table, PAINT_NONE, "%lld", (long long)get_int(limit, "held"));
        table_cellf(table, PAINT_NONE, "%lld", (long long)get_int(limit, "waiting"));
        table_cell(table, PAINT_NONE, format_age_of(get_int(limit, "oldest_wait_usec"), span));
        if (json_object_get(limit, "rate"))
                table_cell(
                        table, PAINT_NONE,
                        text_format_rate((uint64_t)get_int(limit, "rate"), (usec_t)get_int(limit, "rate_usec"), rate));
        else
                table_cell(table, PAINT_NONE, "");
        table_cellf(table, PAINT_NONE, "%lld", (long long)get_int(limit, "granted"));
        table_end_row(table);
}

int verb_limits(struct ctl *ctl, const struct verb_args *args) {
        static const char *const headings[] = {
                "LIMIT", "", "HELD", "WAITING", "OLDEST WAIT", "RATE", "GRANTED", NULL
        };
        _cleanup_(table_freep) struct table *table = NULL;
        json_t *answer, *limit;
        size_t index;
        int code;

        code = ctl_ask(ctl, "Limits", json_pack("{s:o}", "limits", ctl_strings(args->words, args->n)), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        table = table_new(headings);
        json_array_foreach(json_object_get(answer, "limits"), index, limit)
                if (table)
                        add_limit(table, limit);
        if (table)
                table_print(table);
        json_array_foreach(json_object_get(answer, "limits"), index, limit) {
                print_limit_pause(limit);
                if (args->n == 0)
                        continue;
                print_tickets(limit, "holders", "holds");
                print_tickets(limit, "waiters", "waits for");
        }
        json_decref(answer);
        return CTL_OK;
}

static void add_pool(struct table *table, const json_t *pool) {
        bool degraded = get_bool(pool, "degraded");

        table_cell(table, PAINT_NONE, get_string(pool, "name"));
        table_cell(table, degraded ? PAINT_WARN : PAINT_GOOD, degraded ? "degraded" : "ok");
        table_cellf(table, PAINT_NONE, "%lld/%lld", (long long)get_int(pool, "busy"),
                    (long long)get_int(pool, "threads"));
        table_cellf(table, PAINT_NONE, "%lld/%lld", (long long)get_int(pool, "stuck"),
                    (long long)get_int(pool, "spare"));
        table_cellf(table, PAINT_NONE, "%lld/%lld", (long long)get_int(pool, "queued"),
                    (long long)get_int(pool, "queue_max"));
        table_cellf(table, PAINT_NONE, "%lld", (long long)get_int(pool, "completed"));
        table_cellf(table, PAINT_NONE, "%lld", (long long)get_int(pool, "refused"));
        table_end_row(table);
}

int verb_pools(struct ctl *ctl, const struct verb_args *args) {
        static const char *const headings[] = { "POOL",   "STATE", "BUSY",    "STUCK/SPARE",
                                                "QUEUED", "DONE",  "REFUSED", NULL };
        _cleanup_(table_freep) struct table *table = NULL;
        json_t *answer, *pool;
        size_t index;
        int code;

        code = ctl_ask(ctl, "Pools", json_pack("{s:o}", "pools", ctl_strings(args->words, args->n)), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        table = table_new(headings);
        json_array_foreach(json_object_get(answer, "pools"), index, pool)
                if (table)
                        add_pool(table, pool);
        json_decref(answer);
        if (table)
                table_print(table);
        return CTL_OK;
}
