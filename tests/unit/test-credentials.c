/* SPDX-License-Identifier: MIT */
/* ${cred:}: where a credential is looked for, which keys take it, and that nothing tells it. */
#include "config/diff.h"
#include "support/config-text.h"
#include "task/kind.h"

#include <check.h>
#include <stdio.h>

#define SECRET  "s3cr3t-of-the-file"
#define COMMAND "[task a]\ncommand = true\nmanual = yes\n"
#define HTTP    "[task a]\nmanual = yes\nurl = http://x/\n"

static struct config_text text;

/* A directory with the credential `token`, named in the environment, and a configuration. */
static void begin(const char *credential, const char *config) {
        char path[64];

        config_text_init(&text);
        text.options.portable = false;
        config_text_write(&text, "cred/token", credential);
        config_text_write(&text, "tendd.ini", config);
        snprintf(path, sizeof(path), "%s/cred", text.directory);
        ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
}

static void load(const char *credential, const char *config) {
        begin(credential, config);
        config_text_load(&text);
        ck_assert_ptr_null(strstr(text.told, SECRET));
}

static const struct {
        const char *key;
        const char *config;
} takers[] = {
        { "env", "[task a]\nmanual = yes\ncommand = true\nenv = TOKEN=${cred:token}\n" },
        { "header", HTTP "header = Authorization: Bearer ${cred:token}\n" },
        { "url", "[task a]\nmanual = yes\nurl = https://joe:${cred:token}@x/?key=${cred:token}\n" },
        { "proxy", HTTP "proxy = http://joe:${cred:token}@proxy:3128\n" },
        { "body", HTTP "body = {\"token\": \"${cred:token}\"}\n" },
        { "send", "[task a]\nmanual = yes\nconnect = x:1\nsend = AUTH ${cred:token}\n" },
};

START_TEST(keys_that_nothing_shows_take_a_credential) {
        char *value;

        load(SECRET "\n", takers[_i].config);
        ck_assert_str_eq(text.told, "");
        value = config_text_value(text.config->tasks[0], takers[_i].key);
        ck_assert_str_eq(value, "(contains ${env:} or ${cred:})");
        free(value);
        config_text_done(&text);
}
END_TEST

START_TEST(these_are_all_keys_that_take_one) {
        size_t n, n_takers = 0;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);

        for (size_t i = 0; i < n; i++)
                n_takers += (keys[i].flags & KEY_SECRET) != 0;
        ck_assert_uint_eq(n_takers, ARRAY_SIZE(takers));
}
END_TEST

static const struct {
        const char *config;
        const char *told;
} refused[] = {
        { "[task a]\nmanual = yes\ncommand = x --token ${cred:token}\n",
          "tendd.ini:3: command: ${cred:} is refused on a command line, which ps shows (env and header take it; env-file "
          "and stdin take the file, of ${env:CREDENTIALS_DIRECTORY})\n" },
        { "[task a]\nmanual = yes\nshell = x ${cred:token}\n",
          "tendd.ini:3: shell: ${cred:} is refused on a command line, which ps shows (env and header take it; env-file "
          "and stdin take the file, of ${env:CREDENTIALS_DIRECTORY})\n" },
        { COMMAND "for-each = list:a ${cred:token}\n",
          "tendd.ini:4: for-each: ${cred:} is refused on a command line, which ps shows (env and header take it; env-file "
          "and stdin take the file, of ${env:CREDENTIALS_DIRECTORY})\n" },
        { COMMAND "description = ${cred:token}\n",
          "tendd.ini:4: description: ${cred:} is refused here, where it would be shown (env, header, url, proxy, body and "
          "send take it)\n" },
        { COMMAND "[daemon]\nstate-dir = /${cred:token}\n",
          "tendd.ini:5: state-dir: ${cred:} is refused here, where it would be shown (env, header, url, proxy, body and "
          "send take it)\n" },
        { COMMAND "env = A=${cred:../token}\n",
          "tendd.ini:4: env: ../token is no name of a credential (letters, digits, _, - and .)\n" },
        { COMMAND "env = A=${cred:token\n", "tendd.ini:4: env: ${cred:NAME} has no }, or no NAME of 1 to 63 bytes\n" },
        { COMMAND "env =\n  A=1\n  B=${cred:}\n",
          "tendd.ini:6: env: ${cred:NAME} has no }, or no NAME of 1 to 63 bytes\n" },
        { COMMAND "env = A=${cred:absent}\n",
          "tendd.ini:4: env: the credential cred/absent cannot be read: No such file or directory\n" },
};

START_TEST(others_are_told_why_not) {
        load(SECRET, refused[_i].config);
        ck_assert_int_eq(text.r, -EBADMSG);
        ck_assert_str_eq(text.told, refused[_i].told);
        config_text_done(&text);
}
END_TEST

START_TEST(what_bash_means_is_left_to_it) {
        load(SECRET, "[task a]\nmanual = yes\nshell = echo ${cred:-none} ${cred} $cred\n");
        ck_assert_str_eq(text.told, "");
        ck_assert_str_eq(text.config->tasks[0]->exec->shell, "echo ${cred:-none} ${cred} $cred");
        config_text_done(&text);
}
END_TEST

static const struct {
        const char *file;
        const char *value;
} contents[] = {
        { "abc", "A=abc" },
        { "abc\n", "A=abc" },
        { "abc\n\n", "A=abc\n" },
        { "two\nlines\n", "A=two\nlines" },
        { "", "A=" },
        { "\n", "A=" },
        { " ${env:HOME} ${cred:token} \"", "A= ${env:HOME} ${cred:token} \"" },
};

START_TEST(one_line_break_at_the_end_is_not_of_it) {
        load(contents[_i].file, COMMAND "env = A=${cred:token}\n");
        ck_assert_str_eq(text.config->tasks[0]->exec->env[0], contents[_i].value);
        config_text_done(&text);
}
END_TEST

START_TEST(a_header_is_one_line) {
        load(SECRET "\nX-More: 1\n", HTTP "header = Authorization: ${cred:token}\n");
        ck_assert_str_eq(text.told,
                         "tendd.ini:4: header: what ${env:} or ${cred:} made of it is not allowed (Name: value, one "
                         "a line)\n");
        config_text_done(&text);
}
END_TEST

/* Replaces the credential by @size bytes of @c. */
static void fill(size_t size, char c) {
        char path[80];
        FILE *out;

        snprintf(path, sizeof(path), "%s/cred/token", text.directory);
        out = fopen(path, "w");
        ck_assert_ptr_nonnull(out);
        for (size_t i = 0; i < size; i++)
                fputc(c, out);
        ck_assert_int_eq(fclose(out), 0);
}

static const struct {
        size_t size;
        char c;
        const char *told;
} bounds[] = {
        { 64 * 1024, 'x', "" },
        { 64 * 1024 + 1, 'x', "tendd.ini:4: env: the credential cred/token has more than 65536 bytes\n" },
        { 10 * 1024 * 1024, 'x', "tendd.ini:4: env: the credential cred/token has more than 65536 bytes\n" },
        { 10, '\0', "tendd.ini:4: env: the credential cred/token has a NUL in it\n" },
};

START_TEST(what_is_read_is_bounded) {
        begin("", COMMAND "env = A=${cred:token}\n");
        fill(bounds[_i].size, bounds[_i].c);
        config_text_load(&text);
        ck_assert_str_eq(text.told, bounds[_i].told);
        config_text_done(&text);
}
END_TEST

START_TEST(without_a_directory_it_says_who_makes_it) {
        begin(SECRET, COMMAND "env = A=${cred:token}\n");
        unsetenv("CREDENTIALS_DIRECTORY");
        config_text_load(&text);
        ck_assert_str_eq(text.told,
                         "tendd.ini:4: env: ${cred:token} has no $CREDENTIALS_DIRECTORY to be looked for in: systemd "
                         "sets it for units with LoadCredential=\n");
        config_text_done(&text);
}
END_TEST

START_TEST(portable_does_not_look) {
        begin(SECRET, HTTP "header = Authorization: Bearer ${cred:elsewhere}\n");
        unsetenv("CREDENTIALS_DIRECTORY");
        text.options.portable = true;
        config_text_load(&text);
        ck_assert_str_eq(text.told, "");
        config_text_done(&text);
}
END_TEST

static int note_key(const char *key, const char *from, const char *to, bool needs_restart, void *userdata) {
        char *told = userdata;

        (void)needs_restart;
        snprintf(told + strlen(told), 200 - strlen(told), "%s: %s -> %s\n", key, from, to);
        return 0;
}

START_TEST(another_secret_is_another_configuration) {
        struct config_text first;
        struct config_diff diff;
        char told[200] = "";

        load(SECRET, COMMAND "env = A=${cred:token}\n");
        first = text;
        load(SECRET "2", COMMAND "env = A=${cred:token}\n");
        ck_assert_int_eq(config_diff(first.config, text.config, &diff), 0);
        ck_assert_uint_eq(diff.n_tasks, 1);
        ck_assert_int_eq(diff.tasks[0].change, CONFIG_CHANGED);
        ck_assert_int_eq(task_change_for_each_key(&diff.tasks[0], note_key, told), 0);
        ck_assert_str_eq(told, "env: (contains ${env:} or ${cred:}) -> (contains ${env:} or ${cred:})\n");
        config_diff_done(&diff);
        config_text_done(&first);
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("credentials");
        TCase *tcase = tcase_create("credentials");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, keys_that_nothing_shows_take_a_credential, 0, ARRAY_SIZE(takers));
        tcase_add_test(tcase, these_are_all_keys_that_take_one);
        tcase_add_loop_test(tcase, others_are_told_why_not, 0, ARRAY_SIZE(refused));
        tcase_add_test(tcase, what_bash_means_is_left_to_it);
        tcase_add_loop_test(tcase, one_line_break_at_the_end_is_not_of_it, 0, ARRAY_SIZE(contents));
        tcase_add_test(tcase, a_header_is_one_line);
        tcase_add_loop_test(tcase, what_is_read_is_bounded, 0, ARRAY_SIZE(bounds));
        tcase_add_test(tcase, without_a_directory_it_says_who_makes_it);
        tcase_add_test(tcase, portable_does_not_look);
        tcase_add_test(tcase, another_secret_is_another_configuration);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
