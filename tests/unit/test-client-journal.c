/* SPDX-License-Identifier: MIT */
/* client-journal: which records are those of the tasks and runs that were asked for. */
#include "tendctl/journal.h"

#include <check.h>

static const struct {
        const char *name;
        const char *task;
        const char *run;
        bool wanted;
} rows[] = {
        { "backup", "backup", "backup#7", true },
        { "backup", "backup", "", true },
        { "backup", "backup2", "backup2#7", false },
        { "backup", "", "", false },
        { "worker-*", "worker-3", "worker-3#1", true },
        { "worker-*", "work", "work#1", false },
        { "*", "backup", "backup#7", true },
        /* a group: its members, and those of groups in it */
        { "etl", "orders", "etl#88/orders", true },
        { "etl", "orders", "etl#88/load/orders", true },
        { "load", "orders", "etl#88/load/orders", true },
        { "orders", "orders", "etl#88/load/orders", true },
        { "et?", "orders", "etl#88/load/orders", true },
        { "et", "orders", "etl#88/load/orders", false },
        { "fetch", "fetch", "fetch#41/item 812", true },
        /* a run: those below it */
        { "etl#88", "etl", "etl#88", true },
        { "etl#88", "orders", "etl#88/load/orders", true },
        { "etl#88/load", "orders", "etl#88/load/orders", true },
        { "etl#88/load", "loads", "etl#88/loads", false },
        { "etl#88/load", "etl", "etl#88", false },
        { "etl#8", "etl", "etl#88", false },
        { "etl#88", "etl", "etl#89", false },
        { "etl#88", "etl", "", false },
        { "etl#8*", "etl", "etl#89", true },
};

START_TEST(names_mean_tasks_groups_and_runs) {
        char *names[] = { (char *)"other", (char *)rows[_i].name };

        ck_assert_int_eq(journal_is_wanted(names, 2, rows[_i].task, rows[_i].run), rows[_i].wanted);
        ck_assert(journal_is_wanted(names, 0, rows[_i].task, rows[_i].run));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("client-journal");
        TCase *tcase = tcase_create("client-journal");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, names_mean_tasks_groups_and_runs, 0, (int)ARRAY_SIZE(rows));
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
