/* SPDX-License-Identifier: MIT */
/* build_sections: makes [daemon], [access], [store], [metrics], limits and pools of their sections. */
#include "config/load.h"

/* Fills the structure at @base: the table's defaults, then what is written. */
static int fill(struct load *load, struct raw_section *section, enum key_section keys, void *base) {
        size_t n_rows;
        const struct key *rows = keys_of_section(keys, &n_rows);
        int r;

        for (size_t i = 0; i < n_rows; i++) {
                char *texts[2] = { NULL };
                struct value value = { .texts = texts, .n = 1 };

                if (!rows[i].default_value)
                        continue;
                texts[0] = strdup(rows[i].default_value);
                if (!texts[0])
                        return -ENOMEM;
                r = rows[i].type->parse(&rows[i], &value, base);
                free(texts[0]);
                if (r < 0)
                        return r;
        }
        for (struct raw_key *raw = section ? section->keys : NULL; raw; raw = raw->next) {
                if (!raw->rows || raw->rows[0]->flags & KEY_READER)
                        continue;
                r = load_assign(load, section, raw, raw->rows[0], base, NULL);
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

const char *load_file_of(const struct load *load, const struct raw_section *section) {
        return ((char **)load->config->private)[section->file];
}

/* Each of these may be in one place only, which the index has made sure of. */
static int build_single(struct load *load) {
        int r;

        r = fill(load, load_find(load, SECTION_DAEMON, ""), KEY_SECTION_DAEMON, &load->config->daemon);
        if (r == 0)
                r = fill(load, load_find(load, SECTION_ACCESS, ""), KEY_SECTION_ACCESS, &load->config->access);
        if (r == 0)
                r = fill(load, load_find(load, SECTION_STORE, ""), KEY_SECTION_STORE, &load->config->store);
        if (r == 0)
                r = fill(load, load_find(load, SECTION_METRICS, ""), KEY_SECTION_METRICS, &load->config->metrics);
        return r;
}

static int build_limit(struct load *load, struct raw_section *section) {
        struct limit_section *limit = &load->config->limits[load->config->n_limits];
        int r;

        limit->name = strdup(section->name);
        if (!limit->name)
                return -ENOMEM;
        load->config->n_limits++;
        limit->file = load_file_of(load, section);
        limit->line = section->line;
        section->number = load->config->n_limits - 1;
        r = fill(load, section, KEY_SECTION_LIMIT, limit);
        if (r < 0)
                return r;
        if (!raw_section_may_have(section, "permits") && !raw_section_may_have(section, "rate"))
                load_tell_key(load, SEVERITY_ERROR, section, NULL, "has neither permits nor rate");
        if (raw_section_find(section, "burst") && !raw_section_may_have(section, "rate"))
                load_tell_key(load, SEVERITY_ERROR, section, "burst", "means nothing without rate");
        return 0;
}

static int build_pool(struct load *load, const char *name, struct raw_section *section) {
        struct pool_section *pool = &load->config->pools[load->config->n_pools];

        pool->name = strdup(name);
        if (!pool->name)
                return -ENOMEM;
        load->config->n_pools++;
        if (section) {
                pool->file = load_file_of(load, section);
                pool->line = section->line;
        }
        return fill(load, section, KEY_SECTION_POOL, pool);
}

static int compare_pools(const void *a, const void *b) {
        return strcmp(((const struct pool_section *)a)->name, ((const struct pool_section *)b)->name);
}

int load_build_sections(struct load *load) {
        struct config *config = load->config;
        int r;

        config->limits = calloc(load->n_index[SECTION_LIMIT] + 1, sizeof(*config->limits));
        config->pools = calloc(load->n_index[SECTION_POOL] + 1, sizeof(*config->pools));
        if (!config->limits || !config->pools)
                return -ENOMEM;
        r = build_single(load);
        if (r == 0)
                r = load_daemon_zone(load);
        for (size_t i = 0; i < load->n_index[SECTION_LIMIT] && r == 0; i++)
                r = build_limit(load, load->index[SECTION_LIMIT][i]);
        for (size_t i = 0; i < load->n_index[SECTION_POOL] && r == 0; i++)
                r = build_pool(load, load->index[SECTION_POOL][i]->name, load->index[SECTION_POOL][i]);
        if (r == 0 && !load_find(load, SECTION_POOL, "default"))
                r = build_pool(load, "default", NULL);
        qsort(config->pools, config->n_pools, sizeof(*config->pools), compare_pools);
        return r;
}
