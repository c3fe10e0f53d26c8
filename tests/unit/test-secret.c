/* SPDX-License-Identifier: MIT */
/* secret: what is hidden, what is warned of, and what neither is. */
#include "config/secret.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *key;
        const char *text;
        const char *shown;
        bool warned;
} cases[] = {
        /* headers and variables: one line, one value */
        { "header", "Authorization: Bearer abc def", "Authorization: ***", true },
        { "header", "authorization: x", "authorization: ***", false },
        { "header", "Cookie: session=abcdef", "Cookie: ***", true },
        { "header", "Accept: text/html\nX-Api-Key: abcdef", "Accept: text/html\nX-Api-Key: ***", false },
        { "header", "Content-Type: application/json", "Content-Type: application/json", false },
        { "env", "DB_PASSWORD=two words", "DB_PASSWORD=***", true },
        { "env", "PASSWORD=abc", "PASSWORD=***", false },
        { "env", "MYSQL_PWD=abcdef\nPWD=/srv", "MYSQL_PWD=***\nPWD=/srv", true },
        { "env", "DATABASE_URL=postgres://app:hunter2@db/app", "DATABASE_URL=postgres://***@db/app", true },
        { "env", "TOKEN_FILE=/etc/token", "TOKEN_FILE=/etc/token", false },
        { "env", "VAULT_TOKEN_NAME=deploy", "VAULT_TOKEN_NAME=deploy", false },
        { "env", "LANG=C", "LANG=C", false },
        { "env", "SECRET_KEY_BASE=abcdef", "SECRET_KEY_BASE=***", true },
        { "env", "SMTP_PASS=abcdef\nBYPASS=abcdef", "SMTP_PASS=***\nBYPASS=abcdef", true },
        { "env", "API_TOKEN2=abcdef", "API_TOKEN2=***", true },
        { "env", "GIT_SSH_COMMAND=ssh -i /srv/key", "GIT_SSH_COMMAND=ssh -i /srv/key", false },
        { "env", "AWS_SHARED_CREDENTIALS_FILE=/etc/aws/x", "AWS_SHARED_CREDENTIALS_FILE=/etc/aws/x", false },

        /* URLs */
        { "url", "https://joe:hunter2@example.com/a", "https://***@example.com/a", true },
        { "url", "https://joe@example.com/a", "https://***@example.com/a", false },
        { "url", "https://joe:${env:X}@example.com/a", "https://***@example.com/a", false },
        { "url", "https://example.com/?a=b&api_key=hunter2&c=d", "https://example.com/?a=b&api_key=***&c=d", true },
        { "url", "https://example.com/token/x?y=z@w", "https://example.com/token/x?y=z@w", false },
        { "proxy", "http://joe:hunter2@proxy:3128", "http://***@proxy:3128", true },

        /* commands */
        { "command", "x --password=hunter2 --force", "x --password=*** --force", true },
        { "command", "x --password hunter2 --force", "x --password *** --force", true },
        { "command", "x \"--password=two words\" y", "x \"--password=***\" y", true },
        { "command", "x --password --force", "x --password --force", false },
        { "command", "x --password-file=/etc/x --token-ttl 3600", "x --password-file=/etc/x --token-ttl 3600", false },
        { "command", "x --password-policy strict", "x --password-policy strict", false },
        { "command", "vault token renew -increment=24h", "vault token renew -increment=24h", false },
        { "command", "x --max-tokens 4096", "x --max-tokens 4096", false },
        { "command", "curl -H \"Authorization: Bearer abcdef\" https://x/", "curl -H \"Authorization: ***\" https://x/",
          true },
        { "command", "aws secretsmanager get-secret-value --secret-id prod/db",
          "aws secretsmanager get-secret-value --secret-id prod/db", false },
        { "command", "x {item} --token {item}", "x {item} --token {item}", false },
        { "command", "git clone https://joe:hunter2@git/x", "git clone https://***@git/x", true },

        /* scripts */
        { "shell", "PGPASSWORD=hunter2 pg_dump app", "PGPASSWORD=*** pg_dump app", true },
        { "shell", "PGPASSWORD='two words' pg_dump app", "PGPASSWORD='***' pg_dump app", true },
        { "shell", "PGPASSWORD=\"$(cat /etc/x)\" pg_dump app", "PGPASSWORD=\"$(cat /etc/x)\" pg_dump app", false },
        { "shell", "curl -H \"Authorization: Bearer $TOKEN\" x", "curl -H \"Authorization: Bearer $TOKEN\" x", false },
        { "shell", "grep -c token: /var/log/x; password=$1", "grep -c token: /var/log/x; password=$1", false },
        { "shell", "grep -c 'password: wrong' x", "grep -c 'password: wrong' x", false },
        { "shell", "first\nexport API_TOKEN=abcdef\nlast", "first\nexport API_TOKEN=***\nlast", false },

        /* bodies */
        { "body", "{\"user\": \"joe\", \"password\": \"hunter2\"}", "{\"user\": \"joe\", \"password\": \"***\"}",
          true },
        { "body", "{\"text\": \"{task} {outcome}: {detail}\"}", "{\"text\": \"{task} {outcome}: {detail}\"}", false },
        { "body", "{\"token\": \"{item}\", \"max_tokens\": 4096}", "{\"token\": \"{item}\", \"max_tokens\": 4096}",
          false },
        { "body", "grant_type=refresh_token&client_id=abc", "grant_type=refresh_token&client_id=abc", false },
        { "body", "user=joe&password=hunter2&x=y", "user=joe&password=***&x=y", true },
};

START_TEST(by_what_it_is_called) {
        char *shown = secret_hide(cases[_i].key, cases[_i].text);

        ck_assert_str_eq(shown, cases[_i].shown);
        ck_assert_msg(secret_is_in(cases[_i].key, cases[_i].text) == cases[_i].warned, "%s", cases[_i].text);
        free(shown);
}
END_TEST

/* Whatever a text is cut off at. */
START_TEST(parts_of_texts_are_texts) {
        for (size_t n = 0; n <= strlen(cases[_i].text); n++) {
                char *part = strndup(cases[_i].text, n), *shown = secret_hide(cases[_i].key, part);

                ck_assert_ptr_nonnull(shown);
                if (!strstr(cases[_i].text, "://")) /* who begins it is a user only before the @ */
                        ck_assert_ptr_null(strstr(shown, "hunter2"));
                free(shown);
                free(part);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("secret");
        TCase *tcase = tcase_create("secret");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, by_what_it_is_called, 0, ARRAY_SIZE(cases));
        tcase_add_loop_test(tcase, parts_of_texts_are_texts, 0, ARRAY_SIZE(cases));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
