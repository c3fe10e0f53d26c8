/* SPDX-License-Identifier: MIT */
/* zones: the time zones that calendars are read in.
 *
 * Of an expression's own suffix, the task's `timezone` and that of [daemon] the first that is written counts, and else the
 * machine's own. A zone is loaded once for each name, here, where files may be read, and shared by reference; so all tasks
 * of one configuration agree about what it says.
 */
#include "base/text.h"
#include "config/load.h"
#include "when/calendar.h"

#include <dirent.h>
#include <stdio.h>

struct loaded_zone {
        char *name;        /* NULL: the machine's own */
        struct zone *zone; /* NULL: it cannot be used, for … */
        int error;
};

/* ---- what may have been meant ---- */

#define SUGGESTIONS_MAX 2000

struct names {
        char **names;
        size_t n;
};

/* The names of the zones below @path, whose own name is @prefix; directories two deep. */
static void collect(const char *path, const char *prefix, unsigned depth, struct names *names) {
        DIR *directory = opendir(path);
        const struct dirent *entry;

        while (directory && names->n < SUGGESTIONS_MAX && (entry = readdir(directory))) {
                char below[512], name[ZONE_NAME_MAX];

                /* posix/ and right/ are all of it again; what is no zone begins with a small letter. */
                if (entry->d_name[0] < 'A' || entry->d_name[0] > 'Z' ||
                    (size_t)snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) >= sizeof(below) ||
                    (size_t)snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "/" : "", entry->d_name) >=
                            sizeof(name))
                        continue;
                if (entry->d_type == DT_DIR && depth < 2)
                        collect(below, name, depth + 1, names);
                else if (entry->d_type != DT_DIR && (names->names[names->n] = strdup(name)))
                        names->n++;
        }
        if (directory)
                (void)closedir(directory);
}

/* Writes " (did you mean Europe/Berlin?)", or nothing. */
static void suggest(const char *name, char *buf, size_t size) {
        struct names names = { .names = calloc(SUGGESTIONS_MAX, sizeof(char *)) };
        const char *directory = secure_getenv("TZDIR"), *nearest = NULL;

        *buf = '\0';
        if (names.names)
                collect(directory ?: "/usr/share/zoneinfo", "", 0, &names);
        if (names.names)
                nearest = text_nearest(name, (const char *const *)names.names, names.n);
        if (nearest)
                (void)snprintf(buf, size, " (did you mean %s?)", nearest);
        for (size_t i = 0; i < names.n; i++)
                free(names.names[i]);
        free(names.names);
}

/* ---- loading ---- */

static bool is_called(const struct loaded_zone *loaded, const char *name) {
        return loaded->name && name ? streq(loaded->name, name) : loaded->name == name;
}

/* Loads the zone of this name, unless that was done before. Returns 0, also when there is no such zone; -ENOMEM. */
static int find_zone(struct load *load, const char *name, struct loaded_zone **ret) {
        struct loaded_zone *more, *loaded;

        for (size_t i = 0; i < load->n_zones; i++) {
                if (is_called(&load->zones[i], name)) {
                        *ret = &load->zones[i];
                        return 0;
                }
        }
        more = reallocarray(load->zones, load->n_zones + 1, sizeof(*more));
        if (!more)
                return -ENOMEM;
        load->zones = more;
        loaded = &more[load->n_zones];
        *loaded = (struct loaded_zone){ .name = name ? strdup(name) : NULL };
        if (name && !loaded->name)
                return -ENOMEM;
        load->n_zones++;
        loaded->error = zone_load(name, &loaded->zone);
        if (loaded->error == -ENOMEM)
                return -ENOMEM;
        *ret = loaded;
        return 0;
}

void load_zones_done(struct load *load) {
        for (size_t i = 0; i < load->n_zones; i++) {
                zone_unref(load->zones[i].zone);
                free(load->zones[i].name);
        }
        free(load->zones);
}

/* Tells at @key of @section, at the line of its element @n, that the zone cannot be used. */
static void tell_unusable(struct load *load, const struct raw_section *section, const char *key, size_t n,
                          const struct loaded_zone *zone) {
        const struct raw_key *raw = raw_section_find(section, key);
        unsigned line = raw && raw->lines ? load_line_of(raw, n) : section->line;
        const char *shown = zone->name ? load_shown(section, key, zone->name) : NULL;
        char meant[ZONE_NAME_MAX + 32] = "";

        if (!zone->name) {
                load_tell(load, SEVERITY_ERROR, section, key, line,
                          "the time zone of the machine, /etc/localtime, cannot be read: %s (timezone names another)",
                          strerror(-zone->error));
                return;
        }
        if (zone->error != -ENOENT && zone->error != -EINVAL) {
                load_tell(load, SEVERITY_ERROR, section, key, line, "the time zone %s cannot be read: %s", shown,
                          strerror(-zone->error));
                return;
        }
        /* Each costs a look at all the names there are. */
        if (shown == zone->name && load->diagnostics->counts[SEVERITY_ERROR] < DIAGNOSTICS_MAX)
                suggest(zone->name, meant, sizeof(meant));
        load_tell(load, SEVERITY_ERROR, section, key, line, "there is no time zone %s%s", shown, meant);
}

int load_daemon_zone(struct load *load) {
        const struct raw_section *section = load_find(load, SECTION_DAEMON, "");
        struct loaded_zone *zone;
        int r;

        if (!load->config->daemon.timezone)
                return 0;
        r = find_zone(load, load->config->daemon.timezone, &zone);
        if (r == 0 && !zone->zone)
                tell_unusable(load, section, "timezone", 0, zone);
        return r;
}

/* ---- tasks ---- */

/* The name that counts, and the key that has it: where it is wrong, and is that of the daemon, that has been told. */
static const char *name_for(const struct load *load, const struct task *task, const struct calendar *calendar,
                            const char *key, const char **ret_key) {
        const char *suffix = calendar_zone_name(calendar);

        *ret_key = suffix ? key : NULL;
        return suffix ?: task->timezone ?: load->config->daemon.timezone;
}

static int give_zones(struct load *load, const struct raw_section *section, const struct task *task, const char *key,
                      struct task_calendar *calendars, size_t n) {
        for (size_t i = 0; i < n; i++) {
                const char *told_key, *name = name_for(load, task, calendars[i].calendar, key, &told_key);
                struct loaded_zone *zone;
                int r = find_zone(load, name, &zone);

                if (r < 0)
                        return r;
                if (zone->zone)
                        calendars[i].zone = zone_ref(zone->zone);
                else if (told_key || !name)
                        tell_unusable(load, section, key, i, zone);
        }
        return 0;
}

int load_task_zones(struct load *load, const struct raw_section *section, struct task *task) {
        const char *usual = load->config->daemon.timezone;
        struct loaded_zone *zone;
        int r = 0;

        if (usual && !task->timezone && task->when) /* what it means is written elsewhere */
                task->digest += load_digest(0, usual, 0);

        if (task->timezone) {
                r = find_zone(load, task->timezone, &zone);
                if (r == 0 && !zone->zone)
                        tell_unusable(load, section, "timezone", 0, zone);
        }
        if (r == 0 && task->when)
                r = give_zones(load, section, task, "calendar", task->when->calendars, task->when->n_calendars);
        if (r == 0 && task->when)
                r = give_zones(load, section, task, "cron", task->when->crons, task->when->n_crons);
        return r;
}
