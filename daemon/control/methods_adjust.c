/* SPDX-License-Identifier: MIT */
/* methods_adjust: SetLimit and SetPool. What is accepted is what the keys of the configuration accept. */
#include "base/text.h"
#include "config/keys.h"
#include "control/methods.h"
#include "live/apply.h"
#include "loop/pool.h"

#include <stdio.h>

static const struct key *find_key(enum key_section section, const char *name) {
        const struct key *keys;
        size_t n;

        keys = keys_of_section(section, &n);
        for (size_t i = 0; i < n; i++)
                if (streq(keys[i].name, name))
                        return &keys[i];
        return NULL;
}

static int refuse(struct varlink_call *call, const struct key *key) {
        char allowed[KEY_ALLOWED_MAX];

        return varlink_error(call, ERROR_RUNNER("OutOfRange"),
                             json_pack("{s:s, s:s}", "parameter", key->name, "allowed", key_allowed(key, allowed)));
}

/* Takes the number @json, if there is one, for the key @name. Returns 1; 0 when @call was answered because it does not do. */
static int take_number(struct varlink_call *call, enum key_section section, const char *name, const json_t *json,
                       unsigned *ret) {
        const struct key *key = find_key(section, name);
        json_int_t n = json_integer_value(json);

        if (!json_is_integer(json))
                return 1;
        if (n < (json_int_t)key->min || n > (json_int_t)key->max) {
                (void)refuse(call, key);
                return 0;
        }
        *ret = (unsigned)n;
        return 1;
}

/* How many of the names in @names, which NULL ends, are given. */
static unsigned count_given(const json_t *parameters, const char *const *names) {
        unsigned n = 0;

        for (; *names; names++) {
                const json_t *value = json_object_get(parameters, *names);

                n += value && !json_is_null(value);
        }
        return n;
}

/* Whether there is either something to set or @reset. If not, @call is answered. */
static bool is_clear(struct varlink_call *call, const json_t *parameters, const char *const *names, bool reset) {
        unsigned n = count_given(parameters, names);

        if ((n > 0) != reset)
                return true;
        (void)varlink_error_parameter(call, reset ? "reset" : names[0]);
        return false;
}

/* ---- limits ---- */

/* Returns 1; 0 when @call was answered; or a negative errno. */
static int take_limit(struct varlink_call *call, const json_t *parameters, struct limit_config *config) {
        const char *rate = json_string_value(json_object_get(parameters, "rate"));
        const struct key *key = find_key(KEY_SECTION_LIMIT, "rate");
        const char *wrong;
        uint64_t n;

        if (!take_number(call, KEY_SECTION_LIMIT, "permits", json_object_get(parameters, "permits"), &config->permits))
                return 0;
        if (!rate)
                return 1;
        if (text_parse_per(rate, key->min, key->max, &n, &config->rate_per_usec, &wrong) < 0)
                return refuse(call, key);
        config->rate = (unsigned)n;
        config->burst = MAX(config->burst, 1u);
        return 1;
}

int method_set_limit(struct varlink_call *call, const json_t *parameters, void *arg) {
        static const char *const names[] = { "permits", "rate", NULL };
        const char *name = json_string_value(json_object_get(parameters, "limit"));
        bool reset = json_is_true(json_object_get(parameters, "reset"));
        struct control *control = arg;
        struct limit *limit = live_find_limit(control->live, name);
        struct limit_config config;
        int r;

        if (!is_clear(call, parameters, names, reset))
                return 0;
        if (!limit)
                return varlink_error(call, ERROR_RUNNER("NoSuchLimit"), json_pack("{s:s}", "limit", name));
        config = *limit_get_config(limit);
        r = reset ? 1 : take_limit(call, parameters, &config);
        if (r <= 0)
                return r;
        r = live_set_limit(control->live, name, reset ? NULL : &config);
        return r < 0 ? r : varlink_reply(call, json_pack("{s:o}", "limit", limit_to_json(control, limit)));
}

/* ---- pools ---- */

static struct pool *find_pool(const struct live *live, const char *name) {
        for (size_t i = 0; i < live_n_pools(live); i++)
                if (streq(pool_name(live_pool_at(live, i)), name))
                        return live_pool_at(live, i);
        return NULL;
}

int method_set_pool(struct varlink_call *call, const json_t *parameters, void *arg) {
        static const char *const names[] = { "threads", "spare_threads", "queue_max", NULL };
        static const char *const keys[] = { "threads", "spare-threads", "queue-max" };
        const char *name = json_string_value(json_object_get(parameters, "pool"));
        bool reset = json_is_true(json_object_get(parameters, "reset"));
        struct control *control = arg;
        struct pool *pool = find_pool(control->live, name);
        struct pool_section numbers = { 0 };
        unsigned *const places[] = { &numbers.threads, &numbers.spare_threads, &numbers.queue_max };
        struct pool_stats stats;
        int r;

        if (!is_clear(call, parameters, names, reset))
                return 0;
        if (!pool)
                return varlink_error(call, ERROR_RUNNER("NoSuchPool"), json_pack("{s:s}", "pool", name));
        pool_get_stats(pool, &stats);
        numbers.threads = stats.threads;
        numbers.spare_threads = stats.spare;
        numbers.queue_max = stats.queue_max;
        for (size_t i = 0; i < ARRAY_SIZE(places); i++)
                if (!take_number(call, KEY_SECTION_POOL, keys[i], json_object_get(parameters, names[i]), places[i]))
                        return 0;
        r = live_set_pool(control->live, name, reset ? NULL : &numbers);
        return r < 0 ? r : varlink_reply(call, json_pack("{s:o}", "pool", pool_to_json(control, pool)));
}
