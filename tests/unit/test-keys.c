/* SPDX-License-Identifier: MIT */
/* test-keys: the table is complete and consistent, values are read and shown as it says, and what is written elsewhere
 * of the keys is what the table says.
 *
 * With an argument, "reference" or "man", prints what conf/tendd.ini.example and conf/tendd.ini.5 must contain.
 */
#include "base/text.h"
#include "support/config-text.h"
#include "task/kind.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>

/* Sections that make one key of the table a complete configuration. */
static void wrap(enum key_section section, const struct key *key, const char *value, FILE *out) {
        static const char *const main_keys[][2] = {
                { "exec", "command = x" },     { "http", "url = http://x/" }, { "tcp", "connect = x:1" },
                { "dns", "resolve = x.test" }, { "file", "path = /x" },
        };
        const char *kind = key->scope == KEY_KIND ? key->kind->name : "exec";
        bool is_main = key->scope == KEY_KIND && (strstr(key->kind->main_keys, key->name));

        fputs("[limit outbound]\npermits = 9\n[limit db]\npermits = 9\n[pool disks]\n[defaults backup]\nnice = 1\n",
              out);
        fputs("[task dump]\ncommand = x\n[task upload]\ncommand = x\n[task prune]\ncommand = x\n", out);
        fputs("[task tunnel]\ncommand = x\n[task publish]\ncommand = x\n[task alert]\ncommand = x\n", out);
        fputs("[task restart-tunnel]\ncommand = x\n[task web-ping]\nurl = http://x/\nevery = 10s\n", out);
        fputs("[group other]\nmembers = dump t\npolicy = all\nmanual = yes\n", out);
        if (section == KEY_SECTION_DAEMON) {
                fprintf(out, "[task t]\ncommand = x\n[daemon]\n%s = %s\n", key->name, value);
        } else if (section == KEY_SECTION_LIMIT) {
                fprintf(out, "[task t]\ncommand = x\n[limit t]\n%s%s = %s\n",
                        streq(key->name, "permits") || streq(key->name, "rate") ? "" : "rate = 1/s\npermits = 1\n",
                        key->name, value);
        } else if (section == KEY_SECTION_ACCESS) {
                fprintf(out, "[task t]\ncommand = x\n[access]\n%s = %s\n", key->name, value);
        } else if (section == KEY_SECTION_STORE) {
                fprintf(out, "[task t]\ncommand = x\n[store]\n%s = %s\n", key->name, value);
        } else if (section == KEY_SECTION_METRICS) {
                fprintf(out, "[task t]\ncommand = x\n[metrics]\n%s = %s\n", key->name, value);
        } else if (section == KEY_SECTION_POOL) {
                fprintf(out, "[task t]\ncommand = x\n[pool t]\n%s = %s\n", key->name, value);
        } else if (key->scope == KEY_GROUPS) {
                fprintf(out, "[group t]\n%s%s = %s\n",
                        streq(key->name, "members") ? "" : "members = upload prune tunnel\n", key->name, value);
        } else {
                fputs("[task t]\n", out);
                for (size_t i = 0; i < ARRAY_SIZE(main_keys) && !is_main; i++) {
                        if (streq(main_keys[i][0], kind))
                                fprintf(out, "%s\n", main_keys[i][1]);
                }
                if (key->flags & KEY_FAN_OUT)
                        fputs("for-each = list:a\n", out);
                if (key->flags & KEY_OF_SERVICE && !streq(key->name, "restart"))
                        fputs("restart = always\n", out);
                if (streq(key->name, "every-from") || streq(key->name, "splay") || streq(key->name, "jitter"))
                        fputs("every = 1000h\n", out);
                if (streq(key->name, "watch-settle"))
                        fputs("watch = /srv/*\n", out);
                fprintf(out, "%s = %s\n", key->name, value);
        }
}

/* Loads a configuration in which @key is @value. */
static void load_key(struct config_text *text, enum key_section section, const struct key *key, const char *value) {
        char *content = NULL;
        size_t size;
        FILE *out = open_memstream(&content, &size);

        ck_assert_ptr_nonnull(out);
        wrap(section, key, value, out);
        ck_assert_int_eq(fclose(out), 0);
        config_text_load_one(text, content);
        free(content);
}

static const struct key *find_key(enum key_section section, const char *name, const char *kind) {
        size_t n;
        const struct key *keys = keys_of_section(section, &n);

        for (size_t i = 0; i < n; i++) {
                if (streq(keys[i].name, name) && (!kind || streq(keys[i].kind->name, kind)))
                        return &keys[i];
        }
        ck_abort_msg("no key %s", name);
}

/* ---- the table ---- */

START_TEST(rows_are_complete) {
        size_t n;
        const struct key *keys = keys_of_section((enum key_section)_i, &n);
        char allowed[KEY_ALLOWED_MAX];

        for (size_t i = 0; i < n; i++) {
                const struct key *key = &keys[i];

                ck_assert_uint_eq(strspn(key->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(key->name));
                ck_assert_msg(key->type && key->type->parse, "%s has no type", key->name);
                ck_assert_msg(key->default_value || key->example, "%s has neither a default nor an example", key->name);
                ck_assert_msg(key->help && isupper((unsigned char)*key->help) | islower((unsigned char)*key->help) &&
                                      key->help[strlen(key->help) - 1] == '.',
                              "the help of %s is no sentence", key->name);
                ck_assert_msg((key->topic != NULL) == (_i == KEY_SECTION_TASK), "%s: topic", key->name);
                ck_assert_msg(strlen(key_allowed(key, allowed)) > 0, "%s does not say what is allowed", key->name);
                ck_assert_uint_eq(key_number((enum key_section)_i, key), i);
                ck_assert_msg(!key->topic || !streq(key->topic, "When") || key->flags & KEY_WHOLE,
                              "%s would start each instance of a service by itself", key->name);
        }
}
END_TEST

static bool may_both_fit(const struct key *a, const struct key *b) {
        if (a->scope == KEY_KIND && b->scope == KEY_KIND)
                return a->kind == b->kind;
        if (a->scope == KEY_GROUPS || b->scope == KEY_GROUPS)
                return a->scope == b->scope || a->scope == KEY_ANY || b->scope == KEY_ANY;
        return true;
}

START_TEST(no_task_has_two_keys_of_one_name) {
        size_t n;
        const struct key *keys = keys_of_section((enum key_section)_i, &n);

        for (size_t i = 0; i < n; i++) {
                for (size_t j = 0; j < i; j++)
                        ck_assert_msg(!streq(keys[i].name, keys[j].name) || !may_both_fit(&keys[i], &keys[j]),
                                      "%s is there twice", keys[i].name);
        }
}
END_TEST

START_TEST(defaults_and_examples_are_allowed) {
        size_t n;
        const struct key *keys = keys_of_section((enum key_section)_i, &n);

        for (size_t i = 0; i < n; i++) {
                struct config_text text;

                if (streq(keys[i].name, "include"))
                        continue; /* of files that are not here */
                load_key(&text, (enum key_section)_i, &keys[i], keys[i].example ?: keys[i].default_value);
                ck_assert_msg(text.r == 0, "%s: %s", keys[i].name, text.told);
                config_text_done(&text);
                if (!keys[i].default_value)
                        continue;
                load_key(&text, (enum key_section)_i, &keys[i], keys[i].default_value);
                ck_assert_msg(text.r == 0, "%s: %s", keys[i].name, text.told);
                config_text_done(&text);
        }
}
END_TEST

/* Services, and groups that hold one, start at once and are not bounded, and the one of the test restarts. */
static bool is_other_for_services(const struct key *key, const struct task *task) {
        if (streq(key->name, "total-timeout") || streq(key->name, "on-start"))
                return task->run.is_group || task->service;
        return task->service && (streq(key->name, "restart") || key->flags & KEY_FAN_OUT);
}

START_TEST(tasks_have_the_defaults_of_the_table) {
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);
        struct config_text text;

        config_text_load_one(&text, "[task exec]\ncommand = x\nfor-each = list:a\n"
                                    "[task service]\ncommand = x\nrestart = on-failure\n"
                                    "[task http]\nurl = http://x/\nfor-each = list:a\n"
                                    "[task tcp]\nconnect = x:1\nfor-each = list:a\n"
                                    "[task dns]\nresolve = x\nfor-each = list:a\n"
                                    "[task file]\npath = /x\nfor-each = list:a\n"
                                    "[group g]\nmembers = *\npolicy = all\n");
        ck_assert_int_eq(text.r, 0);
        for (size_t t = 0; t < text.config->n_tasks; t++) {
                const struct task *task = text.config->tasks[t];

                for (size_t i = 0; i < n; i++) {
                        char *value;

                        if (!key_fits(&keys[i], task) || !keys[i].default_value ||
                            (keys[i].flags & KEY_OF_SERVICE && !task->service) || is_other_for_services(&keys[i], task))
                                continue;
                        value = config_text_value(task, keys[i].name);
                        /* A day is shown as such. */
                        ck_assert_msg(value && (streq(value, keys[i].default_value) ||
                                                (streq(value, "1d") && streq(keys[i].default_value, "24h"))),
                                      "%s of %s is %s, not %s", keys[i].name, task->run.name, value ?: "unset",
                                      keys[i].default_value);
                        free(value);
                }
        }
        config_text_done(&text);
}
END_TEST

/* ---- values ---- */

static const struct {
        const char *kind; /* NULL: of all tasks, or of groups */
        const char *key;
        const char *value;
        const char *shown; /* NULL: refused */
} values[] = {
        { NULL, "timeout", "90", "1min 30s" },
        { NULL, "timeout", "infinity", "infinity" },
        { NULL, "timeout", "1d 1h 1s", "90001000000us" },
        { NULL, "timeout", "0", NULL },
        { NULL, "timeout", "1 fortnight", NULL },
        { NULL, "grace", "0", "0s" },
        { NULL, "grace", "infinity", NULL },
        { NULL, "enabled", "off", "no" },
        { NULL, "enabled", "nope", NULL },
        { NULL, "retries", "1000000", "1000000" },
        { NULL, "retries", "1000001", NULL },
        { NULL, "retries", "-1", NULL },
        { NULL, "priority", "-5", "-5" },
        { NULL, "priority", "+5", NULL },
        { NULL, "priority", "-1001", NULL },
        { NULL, "priority", "-", NULL },
        { NULL, "retry-delay", "5s", "5s" },
        { NULL, "retry-delay", "1s .. 1min", "1s..1min" },
        { NULL, "retry-delay", "1min..1s", NULL },
        { NULL, "retry-delay", "1s..", NULL },
        { NULL, "retry-delay", "1s..soon", NULL },
        { NULL, "overlap", "replace", "replace" },
        { NULL, "overlap", "allow:3", "allow:3" },
        { NULL, "overlap", "allow", NULL },
        { NULL, "overlap", "allow:0", NULL },
        { NULL, "overlap", "skip:1", NULL },
        { NULL, "policy", "quorum:2", "quorum:2" },
        { NULL, "policy", "quorum:x", NULL },
        { NULL, "policy", "most", NULL },
        { NULL, "limit", "outbound db:2", "outbound db:2" },
        { NULL, "limit", "db:0", NULL },
        { NULL, "limit", "db:", NULL },
        { NULL, "for-each", "lines:/etc/x y", "lines:/etc/x y" },
        { NULL, "for-each", "glob:/srv/*.csv", "glob:/srv/*.csv" },
        { NULL, "for-each", "list: a 'b c'", "list:a \"b c\"" },
        { NULL, "for-each", "command:ls -1 /srv", "command:ls -1 /srv" },
        { NULL, "for-each", "lines:urls.txt", NULL },
        { NULL, "for-each", "list:", NULL },
        { NULL, "for-each", "files:/x", NULL },
        { NULL, "for-each", "list:'a", NULL },
        { NULL, "items-may-fail", "10", "10" },
        { NULL, "items-may-fail", "10%", "10%" },
        { NULL, "items-may-fail", "101%", NULL },
        { NULL, "items-may-fail", "%", NULL },
        { NULL, "on-item-failure", "cancel", "cancel" },
        { NULL, "on-failure", "alert", "alert" },
        { NULL, "on-failure", "alert:timeout,exit publish:cancelled", "alert:timeout,exit publish:cancelled" },
        { NULL, "on-failure", "alert:http-status", "alert:http-status" },
        { NULL, "on-failure", "alert:ok", NULL },
        { NULL, "on-failure", "alert:", NULL },
        { NULL, "on-failure", "alert:late", NULL },
        { NULL, "on-success", "publish alert", "publish alert" },
        { NULL, "on-success", "publish:exit", NULL },
        { NULL, "every-from", "end", "end" },
        { NULL, "every-from", "middle", NULL },
        { NULL, "on-shutdown", "wait", "wait" },
        { NULL, "calendar", "Mon..Fri *-*-* 02:30 Europe/Berlin", "Mon..Fri *-*-* 02:30 Europe/Berlin" },
        { NULL, "calendar", "daily", "daily" },
        { NULL, "calendar", "25:00", NULL },
        { NULL, "calendar", "02:30 Europe/Nowhere", NULL },
        { NULL, "cron", "*/5 2 * * 1-5", "*/5 2 * * 1-5" },
        { NULL, "cron", "@daily", "@daily" },
        { NULL, "cron", "@reboot", NULL },
        { NULL, "cron", "* * * *", NULL },
        { NULL, "timezone", "Europe/Nowhere", NULL },
        { NULL, "timezone", "Europe/Berlin", "Europe/Berlin" },
        { NULL, "timezone", "/usr/share/zoneinfo/UTC", NULL },
        { NULL, "timezone", "Europe / Berlin", NULL },
        { NULL, "watch", "/srv/in box/[ab]?.csv", "/srv/in box/[ab]?.csv" },
        { NULL, "watch", "inbox/*", NULL },
        { NULL, "watch", "/srv/inbox/", NULL },
        { NULL, "watch-settle", "100ms", "100ms" },
        { NULL, "watch-settle", "2h", NULL },
        { NULL, "catch-up", "none", "none" },
        { NULL, "catch-up", "every", NULL },
        { NULL, "catch-up-max", "0", NULL },
        { NULL, "catch-up-within", "infinity", "infinity" },
        { NULL, "on-interrupt", "rerun", "rerun" },
        { NULL, "on-interrupt", "yes", NULL },
        { NULL, "description", "a \"line\" ; of # text", "a \"line\" ; of # text" },
        { NULL, "description", "", NULL },
        { "exec", "command", "a 'b c' \"d\\\"e\" ''", "a \"b c\" \"d\\\"e\" \"\"" },
        { "exec", "command", "''", NULL },
        { "exec", "user", "app:web", "app:web" },
        { "exec", "user", "app:", NULL },
        { "exec", "user", ":web", NULL },
        { "exec", "user", "two words", NULL },
        { "exec", "directory", "relative", NULL },
        { "exec", "env", "A=1 2", "A=1 2" },
        { "exec", "env", "1A=2", NULL },
        { "exec", "env", "A", NULL },
        { "exec", "umask", "27", "0027" },
        { "exec", "umask", "28", NULL },
        { "exec", "umask", "1000", NULL },
        { "exec", "nice", "-20", "-20" },
        { "exec", "nice", "20", NULL },
        { "exec", "stdin", "file:/etc/x", "file:/etc/x" },
        { "exec", "stdin", "/etc/x", NULL },
        { "exec", "output", "null", "null" },
        { "exec", "output", "file:/var/log/x", "file:/var/log/x" },
        { "exec", "output", "file:x", NULL },
        { "exec", "success-exit", "0 3-5 4 255", "0 3-5 255" },
        { "exec", "success-exit", "256", NULL },
        { "exec", "success-exit", "5-3", NULL },
        { "exec", "success-exit", "0,1", NULL },
        { "exec", "stop-signal", "SIGINT", "INT" },
        { "exec", "stop-signal", "QUIT", "QUIT" },
        { "exec", "stop-signal", "15", NULL },
        { "exec", "nofile", "4096", "4096" },
        { "exec", "core", "0", "0" },
        { "exec", "core", "infinity", "infinity" },
        { "exec", "memory-max", "512M", "512M" },
        { "exec", "memory-max", "infinity", "infinity" },
        { "exec", "memory-max", "1K", NULL },
        { "exec", "memory-max", "50%", NULL },
        { "exec", "cpu-max", "150%", "150%" },
        { "exec", "cpu-max", "infinity", "infinity" },
        { "exec", "cpu-max", "150", NULL },
        { "exec", "cpu-max", "0%", NULL },
        { "exec", "cpu-max", "%", NULL },
        { "exec", "cpu-max", "1.5%", NULL },
        { "exec", "pids-max", "64", "64" },
        { "exec", "pids-max", "infinity", "infinity" },
        { "exec", "pids-max", "0", NULL },
        { "exec", "idle-timeout", "5min", "5min" },
        { "exec", "start-timeout", "5s", "5s" },
        { "exec", "restart", "on-failure", "on-failure" },
        { "exec", "restart", "never", NULL },
        { "exec", "restart-delay", "0..10s", "0s..10s" },
        { "exec", "restart-delay", "10s..1s", NULL },
        { "exec", "restart-limit", "3/h", "3/1h" },
        { "exec", "restart-limit", "0/1min", "0/1min" },
        { "exec", "restart-limit", "infinity", "infinity" },
        { "exec", "restart-limit", "1001/h", NULL },
        { "exec", "restart-limit", "5", NULL },
        { "exec", "restart-limit", "5/", NULL },
        { "exec", "restart-limit", "5/2d", NULL },
        { "exec", "ready", "exec", "exec" },
        { "exec", "ready", "notify", "notify" },
        { "exec", "ready", "line:^listening (on|at) .*:[0-9]+$", "line:^listening (on|at) .*:[0-9]+$" },
        { "exec", "ready", "connect:127.0.0.1:80", "connect:127.0.0.1:80" },
        { "exec", "ready", "connect:unix:/run/x", "connect:unix:/run/x" },
        { "exec", "ready", "after: 2s", "after:2s" },
        { "exec", "ready", "line:(", NULL },
        { "exec", "ready", "line:", NULL },
        { "exec", "ready", "line", NULL },
        { "exec", "ready", "connect:80", NULL },
        { "exec", "ready", "after:0", NULL },
        { "exec", "ready", "after:soon", NULL },
        { "exec", "ready", "exec:x", NULL },
        { "exec", "ready", "connected", NULL },
        { "exec", "watchdog", "30s", "30s" },
        { "exec", "watchdog", "infinity", "infinity" },
        { "exec", "watchdog", "1ms", NULL },
        { "exec", "health", "a b", NULL },
        { "exec", "instances", "0", NULL },
        { "exec", "instances", "1001", NULL },
        { NULL, "failing-after", "3", "3" },
        { NULL, "failing-after", "0", NULL },
        { NULL, "on-failing", "alert:timeout publish", "alert:timeout publish" },
        { NULL, "on-recover", "alert:timeout", NULL },
        { NULL, "on-slow", "alert publish", "alert publish" },
        { NULL, "slow-after", "5h", "5h" },
        { NULL, "on-failure", "alert:interrupted", "alert:interrupted" },
        { NULL, "stale-after", "26h", "1d 2h" },
        { NULL, "stale-after", "0", NULL },
        { NULL, "on-stale", "alert publish", "alert publish" },
        { NULL, "on-stale", "alert:exit", NULL },
        { "http", "url", "https://example.com:8443/a?b=c#d", "https://example.com:8443/a?b=c#d" },
        { "http", "url", "http:///x", NULL },
        { "http", "url", "ftp://x/", NULL },
        { "http", "url", "http://a b/", NULL },
        { "http", "method", "PURGE", "PURGE" },
        { "http", "method", "get", NULL },
        { "http", "header", "A: b", "A: b" },
        { "http", "header", "A b: c", NULL },
        { "http", "expect-status", "200 301-308", "200 301-308" },
        { "http", "expect-status", "99", NULL },
        { "http", "max-body", "1.5M", "1.5M" },
        { "http", "max-body", "1000", "1000B" },
        { "http", "max-body", "0", NULL },
        { "http", "max-body", "1025", "1025" },
        { "tcp", "connect", "[::1]:80", "[::1]:80" },
        { "tcp", "connect", "unix:/run/x.sock", "unix:/run/x.sock" },
        { "tcp", "connect", "::1:80", NULL },
        { "tcp", "connect", "host", NULL },
        { "tcp", "connect", "host:0", NULL },
        { "tcp", "connect", "host:65536", NULL },
        { "tcp", "connect", "unix:x", NULL },
        { "tcp", "expect", "a b", "a b" },
        { "dns", "expect", "192.0.2.1  2001:db8::1", "192.0.2.1 2001:db8::1" },
        { "file", "path", "x", NULL },
        { "file", "max-age", "26h", "1d 2h" },
        { "file", "sha256", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "file", "sha256", "e3b0", NULL },
};

/* Members whose default is the daemon's own have no value of their own to show. */
static const char *const unset[] = { "core", "nofile", "umask", "directory", "description", "memory-max", "calendar" };

START_TEST(unset_values_are_not_shown) {
        struct config_text text;
        char *shown;

        config_text_load_one(&text, "[task t]\nmanual = yes\ncommand = /bin/true\n");
        ck_assert_int_eq(text.r, 0);
        shown = config_text_value(config_find_task(text.config, "t"), unset[_i]);
        ck_assert_pstr_eq(shown, NULL);
        config_text_done(&text);
}
END_TEST

START_TEST(values_are_read_and_shown) {
        const struct key *key = find_key(KEY_SECTION_TASK, values[_i].key, values[_i].kind);
        struct config_text text, again;
        char *shown, *twice;

        load_key(&text, KEY_SECTION_TASK, key, values[_i].value);
        if (!values[_i].shown) {
                char place[64];

                snprintf(place, sizeof(place), ": %s: ", key->name);
                ck_assert_msg(text.r == -EBADMSG && strstr(text.told, place) && text.diagnostics.counts[0] == 1,
                              "%s = %s: %d, %s", key->name, values[_i].value, text.r, text.told);
                config_text_done(&text);
                return;
        }
        ck_assert_msg(text.r == 0, "%s = %s: %s", key->name, values[_i].value, text.told);
        shown = config_text_value(config_find_task(text.config, "t"), key->name);
        ck_assert_pstr_eq(shown, values[_i].shown);
        config_text_done(&text);

        load_key(&again, KEY_SECTION_TASK, key, shown);
        ck_assert_msg(again.r == 0, "%s = %s: %s", key->name, shown, again.told);
        twice = config_text_value(config_find_task(again.config, "t"), key->name);
        ck_assert_pstr_eq(twice, shown);
        config_text_done(&again);
        free(shown);
        free(twice);
}
END_TEST

static const struct {
        const char *value;
        unsigned rate;
        usec_t per;
} rates[] = {
        { "10/s", 10, USEC_PER_SEC },
        { "5/10min", 5, 10 * USEC_PER_MINUTE },
        { "1/h", 1, USEC_PER_HOUR },
        { "10", 0, 0 },
        { "0/s", 0, 0 },
        { "10/", 0, 0 },
        { "10/s/s", 0, 0 },
        { "10/0s", 0, 0 },
        { "10/fortnight", 0, 0 },
};

START_TEST(rates_are_read) {
        struct config_text text;

        load_key(&text, KEY_SECTION_LIMIT, find_key(KEY_SECTION_LIMIT, "rate", NULL), rates[_i].value);
        ck_assert_msg(text.r == (rates[_i].rate ? 0 : -EBADMSG), "%s: %s", rates[_i].value, text.told);
        for (size_t i = 0; text.config && i < text.config->n_limits; i++) {
                if (!streq(text.config->limits[i].name, "t"))
                        continue;
                ck_assert_uint_eq(text.config->limits[i].limit.rate, rates[_i].rate);
                ck_assert_uint_eq(text.config->limits[i].limit.rate_per_usec, rates[_i].per);
        }
        config_text_done(&text);
}
END_TEST

/* ---- what is written elsewhere ---- */

static char *printed(void (*print)(FILE *)) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        ck_assert_ptr_nonnull(out);
        print(out);
        ck_assert_int_eq(fclose(out), 0);
        return text;
}

static char *read_source(const char *name) {
        char path[4096], *text = calloc(1, 1 << 20);
        FILE *in;

        snprintf(path, sizeof(path), "%s/%s", getenv("top_srcdir") ?: "..", name);
        in = fopen(path, "r");
        ck_assert_msg(in && text, "%s: %s", path, strerror(errno));
        ck_assert_uint_lt(fread(text, 1, (1 << 20) - 1, in), (1 << 20) - 1);
        fclose(in);
        return text;
}

static const struct {
        const char *file;
        void (*print)(FILE *);
        const char *argument;
} documents[] = {
        { "conf/tendd.ini.example", keys_print_reference, "reference" },
        { "conf/tendd.ini.5", keys_print_man, "man" },
};

START_TEST(documents_say_what_the_table_says) {
        char *expected = printed(documents[_i].print), *text = read_source(documents[_i].file);
        const char *line = expected;

        if (!strstr(text, expected)) {
                /* The first line that is nowhere in the file says more than the whole. */
                for (size_t length; *line; line += length + 1) {
                        char copy[1024];

                        length = strcspn(line, "\n");
                        snprintf(copy, sizeof(copy), "\n%.*s\n", (int)length, line);
                        if (!strstr(text, copy))
                                ck_abort_msg("%s lacks: %s(test-keys %s prints what it must contain)",
                                             documents[_i].file, copy + 1, documents[_i].argument);
                }
                ck_abort_msg("%s has the keys in another order (test-keys %s prints what it must contain)",
                             documents[_i].file, documents[_i].argument);
        }
        free(expected);
        free(text);
}
END_TEST

START_TEST(the_reference_is_a_configuration) {
        struct config_text text;
        char *reference = read_source("conf/tendd.ini.example");

        config_text_load_one(&text, reference);
        ck_assert_str_eq(text.told, "");
        config_text_done(&text);
        free(reference);
}
END_TEST

static int print_document(const char *argument) {
        for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
                if (streq(documents[i].argument, argument)) {
                        documents[i].print(stdout);
                        return 0;
                }
        }
        fprintf(stderr, "usage: test-keys [reference|man]\n");
        return 2;
}

int main(int argc, char **argv) {
        Suite *suite = suite_create("keys");
        TCase *tcase = tcase_create("keys");
        SRunner *runner;
        int failed;

        if (argc > 1)
                return print_document(argv[1]);
        runner = srunner_create(suite);
        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, rows_are_complete, 0, _KEY_SECTION_MAX);
        tcase_add_loop_test(tcase, no_task_has_two_keys_of_one_name, 0, _KEY_SECTION_MAX);
        tcase_add_loop_test(tcase, defaults_and_examples_are_allowed, 0, _KEY_SECTION_MAX);
        tcase_add_test(tcase, tasks_have_the_defaults_of_the_table);
        tcase_add_loop_test(tcase, unset_values_are_not_shown, 0, (int)ARRAY_SIZE(unset));
        tcase_add_loop_test(tcase, values_are_read_and_shown, 0, (int)ARRAY_SIZE(values));
        tcase_add_loop_test(tcase, rates_are_read, 0, (int)ARRAY_SIZE(rates));
        tcase_add_loop_test(tcase, documents_say_what_the_table_says, 0, (int)ARRAY_SIZE(documents));
        tcase_add_test(tcase, the_reference_is_a_configuration);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
