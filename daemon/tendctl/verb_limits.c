/* SPDX-License-Identifier: MIT */
/* verb_limits: limits, pools: shows them, and puts other numbers in force. */
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

/* "4 permits, rate 10/s" */
static void print_numbers(const json_t *numbers) {
        const json_t *permits = json_object_get(numbers, "permits");
        char rate[TEXT_RATE_MAX];

        if (permits)
                printf("%lld permits", (long long)json_integer_value(permits));
        if (json_object_get(numbers, "rate"))
                printf("%srate %s", permits ? ", " : "",
                       text_format_rate((uint64_t)get_int(numbers, "rate"), (usec_t)get_int(numbers, "rate_usec"),
                                        rate));
}

static void print_limit_configured(const json_t *limit) {
        const json_t *configured = json_object_get(limit, "configured");

        if (!configured)
                return;
        printf("%s was set at run time; configured: ", get_string(limit, "name"));
        print_numbers(configured);
        printf(": tendctl limits %s --reset\n", get_string(limit, "name"));
}

static void add_limit(struct table *table, const json_t *limit) {
        const json_t *permits = json_object_get(limit, "permits");
        char span[WHEN_MAX], rate[TEXT_RATE_MAX];

        table_cell(table, PAINT_NONE, get_string(limit, "name"));
        table_cell(table, PAINT_WARN,
                   *get_string(limit, "paused_by")        ? "paused"
                   : json_object_get(limit, "configured") ? "set"
                                                          : "");
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

static void print_limits(const json_t *limits, bool tickets) {
        static const char *const headings[] = {
                "LIMIT", "", "HELD", "WAITING", "OLDEST WAIT", "RATE", "GRANTED", NULL
        };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        json_t *limit;
        size_t index;

        json_array_foreach((json_t *)limits, index, limit)
                if (table)
                        add_limit(table, limit);
        if (table)
                table_print(table);
        json_array_foreach((json_t *)limits, index, limit) {
                print_limit_pause(limit);
                print_limit_configured(limit);
                if (!tickets)
                        continue;
                print_tickets(limit, "holders", "holds");
                print_tickets(limit, "waiters", "waits for");
        }
}

/* Calls @method, which answers with the one thing that was set, under @key. @ret is an array of it, but for JSON. */
static int set(struct ctl *ctl, const char *method, json_t *parameters, const char *key, json_t **ret) {
        json_t *answer;
        int code;

        code = ctl_ask(ctl, method, parameters, &answer);
        if (code != CTL_OK)
                return code;
        *ret = ctl->json ? json_incref(answer) : json_pack("[O]", json_object_get(answer, key));
        json_decref(answer);
        return CTL_OK;
}

/* Options that take a number, as parameters. */
static int add_number(json_t *parameters, const char *key, const char *option, const char *text) {
        uint64_t n;

        if (!text)
                return CTL_OK;
        if (text_parse_uint(text, 0, INT32_MAX, &n) < 0)
                return ctl_error(CTL_USAGE, "--%s %s: not a number (such as 4)", option, text);
        return json_object_set_new(parameters, key, json_integer((json_int_t)n)) < 0 ? CTL_FAILED : CTL_OK;
}

static int check_rate(const char *text) {
        const char *wrong;
        uint64_t n;
        usec_t usec;

        if (text && text_parse_per(text, 1, INT32_MAX, &n, &usec, &wrong) < 0)
                return ctl_error(CTL_USAGE, "--rate %s: not a rate (such as 10/s or 5/10min)", text);
        return CTL_OK;
}

static int set_limit(struct ctl *ctl, const struct verb_args *args) {
        json_t *parameters = json_pack("{s:s, s:s*, s:b}", "limit", args->words[0], "rate", args->options[LIMITS_RATE],
                                       "reset", args->options[LIMITS_RESET] != NULL);
        json_t *limits = NULL;
        int code;

        code = check_rate(args->options[LIMITS_RATE]);
        if (code == CTL_OK)
                code = add_number(parameters, "permits", "permits", args->options[LIMITS_PERMITS]);
        if (code != CTL_OK) {
                json_decref(parameters);
                return code;
        }
        code = set(ctl, "SetLimit", parameters, "limit", &limits);
        if (code != CTL_OK || ctl->json)
                return code == CTL_OK ? print_json(limits) : code;
        print_limits(limits, false);
        json_decref(limits);
        return CTL_OK;
}

static size_t count_options(const struct verb_args *args) {
        size_t n = 0;

        for (size_t i = 0; i < VERB_OPTIONS_MAX; i++)
                n += args->options[i] != NULL;
        return n;
}

/* What is set is of the one @what that is named. */
static int check_options(const struct verb_args *args, const char *what, size_t reset) {
        size_t n = count_options(args);

        if (n > 0 && args->n != 1)
                return ctl_error(CTL_USAGE, "name the one %s to set", what);
        if (n > 1 && args->options[reset])
                return ctl_error(CTL_USAGE, "--reset goes with no other option");
        return CTL_OK;
}

int verb_limits(struct ctl *ctl, const struct verb_args *args) {
        json_t *answer;
        int code;

        code = check_options(args, "limit", LIMITS_RESET);
        if (code != CTL_OK)
                return code;
        if (count_options(args) > 0)
                return set_limit(ctl, args);
        code = ctl_ask(ctl, "Limits", json_pack("{s:o}", "limits", ctl_strings(args->words, args->n)), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        print_limits(json_object_get(answer, "limits"), args->n > 0);
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

static void print_pools(const json_t *pools) {
        static const char *const headings[] = { "POOL",   "STATE", "BUSY",    "STUCK/SPARE",
                                                "QUEUED", "DONE",  "REFUSED", NULL };
        _cleanup_(table_freep) struct table *table = table_new(headings);
        json_t *pool;
        size_t index;

        json_array_foreach((json_t *)pools, index, pool)
                if (table)
                        add_pool(table, pool);
        if (table)
                table_print(table);
        json_array_foreach((json_t *)pools, index, pool) {
                const json_t *configured = json_object_get(pool, "configured");

                if (configured)
                        printf("%s was set at run time; configured: %lld threads, %lld spare-threads, queue-max %lld: "
                               "tendctl pools %s --reset\n",
                               get_string(pool, "name"), (long long)get_int(configured, "threads"),
                               (long long)get_int(configured, "spare"), (long long)get_int(configured, "queue_max"),
                               get_string(pool, "name"));
        }
}

static int set_pool(struct ctl *ctl, const struct verb_args *args) {
        static const struct {
                size_t row;
                const char *option, *key;
        } numbers[] = {
                { POOLS_THREADS, "threads", "threads" },
                { POOLS_SPARE_THREADS, "spare-threads", "spare_threads" },
                { POOLS_QUEUE_MAX, "queue-max", "queue_max" },
        };
        json_t *parameters =
                json_pack("{s:s, s:b}", "pool", args->words[0], "reset", args->options[POOLS_RESET] != NULL);
        json_t *pools = NULL;
        int code = CTL_OK;

        for (size_t i = 0; i < ARRAY_SIZE(numbers) && code == CTL_OK; i++)
                code = add_number(parameters, numbers[i].key, numbers[i].option, args->options[numbers[i].row]);
        if (code != CTL_OK) {
                json_decref(parameters);
                return code;
        }
        code = set(ctl, "SetPool", parameters, "pool", &pools);
        if (code != CTL_OK || ctl->json)
                return code == CTL_OK ? print_json(pools) : code;
        print_pools(pools);
        json_decref(pools);
        return CTL_OK;
}

int verb_pools(struct ctl *ctl, const struct verb_args *args) {
        json_t *answer;
        int code;

        code = check_options(args, "pool", POOLS_RESET);
        if (code != CTL_OK)
                return code;
        if (count_options(args) > 0)
                return set_pool(ctl, args);
        code = ctl_ask(ctl, "Pools", json_pack("{s:o}", "pools", ctl_strings(args->words, args->n)), &answer);
        if (code != CTL_OK)
                return code;
        if (ctl->json)
                return print_json(answer);
        print_pools(json_object_get(answer, "pools"));
        json_decref(answer);
        return CTL_OK;
}
