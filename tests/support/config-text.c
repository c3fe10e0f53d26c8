/* SPDX-License-Identifier: MIT */
#include "support/config-text.h"

#include <check.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

void config_text_init(struct config_text *text) {
        *text = (struct config_text){ .options.portable = true };
        strcpy(text->directory, "/tmp/tendd-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(text->directory));
}

void config_text_write(struct config_text *text, const char *name, const char *content) {
        char path[PATH_MAX];
        FILE *out;

        for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
                snprintf(path, sizeof(path), "%s/%.*s", text->directory, (int)(slash - name), name);
                ck_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
        }
        snprintf(path, sizeof(path), "%s/%s", text->directory, name);
        out = fopen(path, "w");
        ck_assert_msg(out, "%s: %s", path, strerror(errno));
        ck_assert_int_ge(fputs(content, out), 0);
        ck_assert_int_eq(fclose(out), 0);
        ck_assert_int_eq(chmod(path, 0644), 0);
}

/* Removes "/tmp/tendd-test-XXXXXX/" wherever it is. */
static void strip(char *line, const char *directory) {
        size_t length = strlen(directory) + 1;

        for (char *at = line; (at = strstr(at, directory)) && at[length - 1] == '/';)
                memmove(at, at + length, strlen(at + length) + 1);
}

void config_text_load(struct config_text *text) {
        char path[PATH_MAX];
        size_t size;
        FILE *out = open_memstream(&text->told, &size);

        ck_assert_ptr_nonnull(out);
        snprintf(path, sizeof(path), "%s/tendd.ini", text->directory);
        text->r = config_load_as(path, &text->options, text->privileged, &text->diagnostics, &text->config);
        for (size_t i = 0; i < text->diagnostics.n; i++) {
                char *line = diagnostic_format(&text->diagnostics, &text->diagnostics.items[i]);

                ck_assert_ptr_nonnull(line);
                strip(line, text->directory);
                fprintf(out, "%s\n", line);
                free(line);
        }
        ck_assert_int_eq(fclose(out), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void)st;
        (void)type;
        (void)ftw;
        return remove(path);
}

void config_text_done(struct config_text *text) {
        config_unref(text->config);
        diagnostics_done(&text->diagnostics);
        free(text->told);
        ck_assert_int_eq(nftw(text->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

void config_text_load_one(struct config_text *text, const char *content) {
        config_text_init(text);
        config_text_write(text, "tendd.ini", content);
        config_text_load(text);
}

struct wanted {
        const char *key;
        char *value;
};

static int on_value(const struct key *key, const struct key_value *value, void *userdata) {
        struct wanted *wanted = userdata;

        if (streq(key->name, wanted->key))
                wanted->value = strdup(value->text);
        return 0;
}

char *config_text_value(const struct task *task, const char *key) {
        struct wanted wanted = { .key = key };

        ck_assert_int_eq(keys_for_each_value(task, on_value, &wanted), 0);
        return wanted.value;
}
