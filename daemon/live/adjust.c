/* SPDX-License-Identifier: MIT */
/* adjust: numbers of limits and pools that an operator has set in place of the configured ones.
 *
 * They are in force until he takes that back, a reload changes the section, or the daemon ends: who wants them to stay writes
 * them into a file.
 */
#include "live/live_private.h"
#include "loop/pool.h"

int live_set_limit(struct live *live, const char *name, const struct limit_config *config) {
        struct limit *limit = live_find_limit(live, name);

        return limit ? limit_override(limit, config) : -ENOENT;
}

static const struct pool_section *find_section(const struct config *config, const char *name) {
        for (size_t i = 0; i < config->n_pools; i++)
                if (streq(config->pools[i].name, name))
                        return &config->pools[i];
        return NULL;
}

int live_set_pool(struct live *live, const char *name, const struct pool_section *numbers) {
        const struct pool_section *section = find_section(live->config, name);
        struct live_pool *pool = live_find_pool(live, name);

        if (!section || !pool)
                return -ENOENT;
        if (numbers)
                section = numbers;
        return pool_configure(pool->pool, section->threads, section->spare_threads, section->queue_max);
}

const struct pool_section *live_pool_configured(const struct live *live, const struct pool *pool) {
        const struct pool_section *section = find_section(live->config, pool_name(pool));
        struct pool_stats stats;

        pool_get_stats(pool, &stats);
        if (!section || (section->threads == stats.threads && section->spare_threads == stats.spare &&
                         section->queue_max == stats.queue_max))
                return NULL;
        return section;
}

void live_pool_reloaded(const struct config *from, const struct pool_section *section, struct live_pool *pool) {
        const struct pool_section *was = find_section(from, section->name);

        if (was && was->threads == section->threads && was->spare_threads == section->spare_threads &&
            was->queue_max == section->queue_max)
                return;
        (void)pool_configure(pool->pool, section->threads, section->spare_threads, section->queue_max);
}
