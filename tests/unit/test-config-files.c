/* SPDX-License-Identifier: MIT */
/* test-config-files: which files a configuration is read from, and which are refused. */
#include "base/text.h"
#include "support/config-text.h"

#include <check.h>
#include <stdio.h>
#include <sys/stat.h>

START_TEST(includes_are_read_in_name_order) {
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini",
                          "[daemon]\ninclude = conf.d/*.ini other/x.ini missing/*.ini\n"
                          "[task a]\ncommand = x\nmanual = yes\n");
        config_text_write(&text, "conf.d/20-b.ini", "[task b]\ncommand = x\nmanual = yes\nbad = 1\n");
        config_text_write(&text, "conf.d/10-c.ini", "nowhere = 1\n[task b]\ncommand = y\nmanual = yes\n");
        config_text_write(&text, "conf.d/.hidden.ini", "[nonsense]\n");
        config_text_write(&text, "conf.d/30.txt", "[nonsense]\n");
        config_text_write(&text, "other/x.ini", "[daemon]\ninclude = *.ini\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told, "conf.d/10-c.ini:1: a key before any section\n"
                                    "conf.d/20-b.ini:1: [task b] is there already: [task b] in conf.d/10-c.ini:2\n"
                                    "conf.d/20-b.ini:4: bad: unknown key in [task b] (see tendd.ini(5)) (did you "
                                    "mean body?)\n"
                                    "other/x.ini:1: [daemon] is there already: [daemon] in tendd.ini:1\n"
                                    "other/x.ini:2: include: is for the main file only\n");
        ck_assert_int_eq(text.r, -EBADMSG);
        config_text_done(&text);
}
END_TEST

START_TEST(a_file_is_read_once) {
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini", "[daemon]\ninclude = *.ini a.ini\n");
        config_text_write(&text, "a.ini", "[task a]\ncommand = x\nmanual = yes\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told, "tendd.ini:2: include: tendd.ini is read already\n"
                                    "tendd.ini:2: include: a.ini is read already\n");
        config_text_done(&text);
}
END_TEST

START_TEST(an_included_file_that_is_named_must_be_there) {
        struct config_text text;

        config_text_load_one(&text, "[daemon]\ninclude = extra.ini\n");
        ck_assert_str_eq(text.told, "tendd.ini:2: include: extra.ini does not exist\n");
        config_text_done(&text);
}
END_TEST

START_TEST(an_added_file_is_checked_in_its_place) {
        static const struct {
                const char *name, *content, *told, *as;
        } cases[] = {
                { "new/20-b.ini", "[task b]\ncommand = x\nmanual = yes\n", "", NULL },
                { "new/30-c.ini", "[task b]\ncommand = x\nmanual = yes\n",
                  "new/30-c.ini:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n", NULL },
                { "new/30-c.ini", "[task c]\ncommand = x\nmanual = yes\nlimit = db\n", "", NULL },
                { "new/30-c.ini", "[task c]\n",
                  "new/30-c.ini:1: [task c] does not say what to do (command, shell, url, connect, resolve or path)\n",
                  NULL },
                { "new/x.conf", "[task b]\n",
                  "tendd.ini: warning: no include would read a file called x.conf (--add NAME=FILE says how FILE will be "
                  "called)\n"
                  "new/x.conf:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n",
                  NULL },
                { "new/.tmp-x", "[task b]\ncommand = x\nmanual = yes\n", "", "20-b.ini" },
                { "new/.tmp-x", "[task b]\ncommand = x\n",
                  "new/.tmp-x:1: [task b] is there already: [task b] in conf.d/20-b.ini:1\n", "30-c.ini" },
                { "new/.tmp-x", "[daemon]\ninclude = conf.d/*.ini\n[task a]\ncommand = x\non-success = b\n",
                  "new/.tmp-x:3: warning: [task a] nothing starts it: no trigger, no group, no hook (manual = yes if "
                  "operators do)\n",
                  "tendd.ini" },
                { "new/.tmp-x", "[task a]\ncommand = x\nmanual = yes\non-success = b\n",
                  "new/.tmp-x:4: on-success: there is no [task b]\n", "tendd.ini" },
        };
        char path[128];
        struct config_text text;

        config_text_init(&text);
        config_text_write(&text, "tendd.ini",
                          "[daemon]\ninclude = conf.d/*.ini\n[limit db]\npermits = 1\n"
                          "[task a]\ncommand = x\nlimit = db\nmanual = yes\n");
        config_text_write(&text, "conf.d/20-b.ini", "[task b]\ncommand = old\nmanual = yes\n");
        config_text_write(&text, cases[_i].name, cases[_i].content);
        snprintf(path, sizeof(path), "%s/%s", text.directory, cases[_i].name);
        text.options.adds = &(const struct config_add){ path, cases[_i].as };
        text.options.n_adds = 1;
        config_text_load(&text);
        ck_assert_str_eq(text.told, cases[_i].told);
        config_text_done(&text);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_told) {
        struct config_text text;

        config_text_init(&text);
        config_text_load(&text);
        ck_assert_int_eq(text.r, -ENOENT);
        ck_assert_str_eq(text.told, "tendd.ini: cannot be read: No such file or directory\n");
        config_text_done(&text);
}
END_TEST

START_TEST(a_fifo_is_refused_without_waiting) {
        struct config_text text;
        char path[128];

        config_text_init(&text);
        snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
        ck_assert_int_eq(mkfifo(path, 0644), 0);
        config_text_load(&text);
        ck_assert_str_eq(text.told, "tendd.ini: is no regular file\n");
        config_text_done(&text);
}
END_TEST

/* Of a daemon that is root. */
START_TEST(files_of_others_are_refused) {
        struct config_text text;
        char path[128], owner[128];

        config_text_init(&text);
        text.options.portable = false;
        text.privileged = true;
        config_text_write(&text, "tendd.ini", "[task a]\nurl = http://x/\nmanual = yes\n");
        snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
        snprintf(owner, sizeof(owner), "tendd.ini: belongs to user %u, but the daemon is root (chown root tendd.ini)\n",
                 geteuid() == 0 ? 12345 : (unsigned)geteuid());
        ck_assert_int_eq(chmod(path, 0664), 0);
        if (geteuid() == 0) {
                config_text_load(&text);
                ck_assert_str_eq(text.told, "tendd.ini: may be written by its group (chmod go-w tendd.ini)\n");
                config_text_done(&text);
                config_text_init(&text);
                text.options.portable = false;
                text.privileged = true;
                config_text_write(&text, "tendd.ini", "");
                snprintf(path, sizeof(path), "%s/tendd.ini", text.directory);
                ck_assert_int_eq(chown(path, 12345, 0), 0);
        }
        config_text_load(&text);
        ck_assert_str_eq(text.told, owner);
        ck_assert_int_eq(text.r, -EBADMSG);
        config_text_done(&text);
}
END_TEST

START_TEST(what_is_wrong_with_a_header_belongs_to_its_section) {
        struct config_text text;

        config_text_load_one(&text, "[task a]\ncommand = x\n[task b] # note\ncommand = x\n");
        ck_assert_str_eq(text.told, "tendd.ini:3: text after `]` (a comment needs a line of its own)\n");
        ck_assert_str_eq(text.diagnostics.items[0].section, "task b");
        config_text_done(&text);
}
END_TEST

START_TEST(root_must_name_the_user) {
        struct config_text text;

        if (geteuid() != 0)
                return; /* files that are not root's are refused before this is looked at */
        config_text_init(&text);
        text.options.portable = false;
        text.privileged = true;
        config_text_write(&text, "tendd.ini",
                          "[task a]\ncommand = /bin/true\nmanual = yes\n"
                          "[task b]\ncommand = /bin/true\nmanual = yes\nuser = root\n"
                          "[task c]\ncommand = /bin/true\nmanual = yes\nusser = root\n"
                          "[defaults d]\nuser = a/b\n"
                          "[task d]\nuse = d\ncommand = /bin/true\nmanual = yes\n");
        config_text_load(&text);
        ck_assert_str_eq(text.told,
                         "tendd.ini:1: user: is missing, and the daemon is root (write whom it runs as, also if "
                         "that is root)\n"
                         "tendd.ini:11: usser: unknown key in [task c] (see tendd.ini(5)) (did you mean user?)\n"
                         "tendd.ini:13: user: \"a/b\" is no user (USER or USER:GROUP)\n");
        config_text_done(&text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("config-files");
        TCase *tcase = tcase_create("config-files");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, includes_are_read_in_name_order);
        tcase_add_test(tcase, a_file_is_read_once);
        tcase_add_test(tcase, an_included_file_that_is_named_must_be_there);
        tcase_add_loop_test(tcase, an_added_file_is_checked_in_its_place, 0, 7);
        tcase_add_test(tcase, a_file_that_cannot_be_read_is_told);
        tcase_add_test(tcase, a_fifo_is_refused_without_waiting);
        tcase_add_test(tcase, files_of_others_are_refused);
        tcase_add_test(tcase, what_is_wrong_with_a_header_belongs_to_its_section);
        tcase_add_test(tcase, root_must_name_the_user);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
