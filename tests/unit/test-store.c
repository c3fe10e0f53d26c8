/* SPDX-License-Identifier: MIT */
/* store: that what is put is there again, in one piece and once; on real files, with real threads. */
#include "store/database.h"

#include "support/store-bed.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

/* ---- what is kept ---- */

static const struct store_task full_task = {
        .task = "backup",
        .number = 41,
        .first_seen_usec = 1,
        .schedule = "digest",
        .every_anchor_usec = 2,
        .every_boot_id = "boot",
        .every_anchor_boot_usec = 3,
        .accounted_usec = 4,
        .fired = "5 6",
        .last_due_usec = 7,
        .last_due_what = "ran as backup#41",
        .paused_by = "anna",
        .paused_usec = 8,
        .stopped_by = "otto",
        .stopped_usec = 11,
        .failures = 9,
        .failing = true,
        .stale = true,
        .last_ok_usec = USEC_INFINITY,
        .last_run = "backup#41",
        .last_json = "{\"task\":\"backup\"}",
        .gone_usec = 10,
};

static unsigned n_seen;

static int see_full_task(const struct store_task *task, void *arg) {
        ck_assert_ptr_eq(arg, &n_seen);
        ck_assert_str_eq(task->task, full_task.task);
        ck_assert_uint_eq(task->number, 41);
        ck_assert_uint_eq(task->first_seen_usec, 1);
        ck_assert_str_eq(task->schedule, full_task.schedule);
        ck_assert_uint_eq(task->every_anchor_usec, 2);
        ck_assert_str_eq(task->every_boot_id, full_task.every_boot_id);
        ck_assert_uint_eq(task->every_anchor_boot_usec, 3);
        ck_assert_uint_eq(task->accounted_usec, 4);
        ck_assert_str_eq(task->fired, full_task.fired);
        ck_assert_uint_eq(task->last_due_usec, 7);
        ck_assert_str_eq(task->last_due_what, full_task.last_due_what);
        ck_assert_str_eq(task->paused_by, full_task.paused_by);
        ck_assert_uint_eq(task->paused_usec, 8);
        ck_assert_str_eq(task->stopped_by, full_task.stopped_by);
        ck_assert_uint_eq(task->stopped_usec, 11);
        ck_assert_uint_eq(task->failures, 9);
        ck_assert(task->failing);
        ck_assert(task->stale);
        ck_assert_uint_eq(task->last_ok_usec, USEC_INFINITY);
        ck_assert_str_eq(task->last_run, full_task.last_run);
        ck_assert_str_eq(task->last_json, full_task.last_json);
        ck_assert_uint_eq(task->gone_usec, 10);
        n_seen++;
        return 0;
}

START_TEST(task_is_there_again_whole) {
        bed_open();
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(bed_sync(), 0);
        bed_close();
        bed_open();
        ck_assert_int_eq(store_opened_tasks(bed.store, see_full_task, &n_seen), 0);
        ck_assert_uint_eq(n_seen, 1);
        store_forget_opened(bed.store);
        ck_assert_int_eq(store_opened_tasks(bed.store, see_full_task, &n_seen), 0);
        ck_assert_uint_eq(n_seen, 1);
}
END_TEST

static int see_bare_task(const struct store_task *task, _unused_ void *arg) {
        ck_assert_str_eq(task->task, "bare");
        ck_assert_uint_eq(task->number, 2);
        ck_assert_ptr_null(task->schedule);
        ck_assert_ptr_null(task->paused_by);
        ck_assert_ptr_null(task->stopped_by);
        ck_assert_ptr_null(task->last_json);
        n_seen++;
        return -ECANCELED;
}

START_TEST(task_is_put_instead_of_the_one_before) {
        bed_open();
        store_put_task(bed.store, &(const struct store_task){ .task = "bare", .schedule = "digest", .number = 1 });
        ck_assert_int_eq(bed_sync(), 0);
        store_put_task(bed.store, &(const struct store_task){ .task = "bare", .number = 2 });
        bed_close(); /* writes what is queued */
        bed_open();
        ck_assert_int_eq(store_opened_tasks(bed.store, see_bare_task, NULL), -ECANCELED);
        ck_assert_uint_eq(n_seen, 1);
}
END_TEST

static int see_item(const struct store_item *item, _unused_ void *arg) {
        ck_assert_str_eq(item->task, "urls");
        ck_assert_str_eq(item->item, "b");
        ck_assert_uint_eq(item->failures, 3);
        ck_assert(item->failing);
        ck_assert_uint_eq(item->since_usec, 5);
        n_seen++;
        return 0;
}

START_TEST(item_without_failures_is_forgotten) {
        const struct store_item a = { .task = "urls", .item = "a", .failures = 1 },
                                a_fine = { .task = "urls", .item = "a" };
        const struct store_item b = { .task = "urls", .item = "b", .failures = 3, .failing = true, .since_usec = 5 };

        bed_open();
        store_put_item(bed.store, &a);
        store_put_item(bed.store, &b);
        ck_assert_int_eq(bed_sync(), 0);
        store_put_item(bed.store, &a_fine);
        bed_close();
        bed_open();
        ck_assert_int_eq(store_opened_items(bed.store, see_item, NULL), 0);
        ck_assert_uint_eq(n_seen, 1);
}
END_TEST

static int count_seen(const struct store_task *task, _unused_ void *arg) {
        ck_assert_ptr_nonnull(task->task);
        n_seen++;
        return 0;
}

static char seen_runs[256];

static int see_run(const struct store_run *run, const struct store_process *processes, size_t n, _unused_ void *arg) {
        char *end = seen_runs + strlen(seen_runs);

        end += sprintf(end, "%s", run->run);
        for (size_t i = 0; i < n; i++) {
                ck_assert_str_eq(processes[i].run, run->run);
                ck_assert_uint_eq(processes[i].begun_usec, run->begun_usec);
                ck_assert_str_eq(processes[i].boot_id, "boot");
                end += sprintf(end, " %d/%llu", processes[i].pid, (unsigned long long)processes[i].start_ticks);
        }
        (void)sprintf(end, ";");
        return 0;
}

static void put_process(const struct store_run *run, int pid) {
        store_put_process(bed.store, &(const struct store_process){ run->run, run->begun_usec, pid, 7, "boot" });
}

START_TEST(runs_without_an_end_come_with_their_processes) {
        struct store_run one = bed_run("a", 1), two = bed_run("a", 2), three = bed_run("b", 3), four = bed_run("b", 4);

        bed_open();
        store_put_begin(bed.store, &two);
        store_put_begin(bed.store, &one);
        store_put_begin(bed.store, &three);
        store_put_begin(bed.store, &four);
        put_process(&one, 10);
        put_process(&three, 30);
        put_process(&three, 31);
        put_process(&three, 32);
        put_process(&four, 40);
        store_put_end(bed.store, &four);
        store_put_process_gone(bed.store, &(const struct store_process){
                                                  .run = three.run, .begun_usec = three.begun_usec, .pid = 31 });
        bed_close();
        bed_open();
        ck_assert_int_eq(store_opened_runs(bed.store, see_run, NULL), 0);
        ck_assert_str_eq(seen_runs, "a#1 10/7;a#2;b#3 30/7 32/7;");
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM process"), 3);
}
END_TEST

static char seen_members[256];

static int see_member(const struct store_run *run, _unused_ void *arg) {
        ck_assert_int_eq(run->outcome, OUTCOME_OK);
        (void)sprintf(seen_members + strlen(seen_members), "%s %llu;", run->run,
                      (unsigned long long)(run->begun_usec - BED_START) / USEC_PER_SEC);
        return 0;
}

START_TEST(members_that_have_ended_come_with_their_group_without_an_end) {
        static const struct {
                const char *run;
                unsigned number;                       /* when it began */
        } ended[] = { { "g#1/a", 2 },  { "g#1/a", 0 }, /* of an older run of that name */
                      { "g#10/a", 3 }, { "g#2/a", 4 }, { "g#1/sub/b", 5 }, { "g#1", 6 }, { "f#1", 7 } };

        bed_open();
        for (unsigned i = 0; i < ARRAY_SIZE(ended); i++) {
                struct store_run run = bed_run("a", ended[i].number);

                run.run = ended[i].run;
                store_put_end(bed.store, &run);
        }
        for (unsigned i = 1; i < 3; i++) {
                struct store_run group = bed_run("g", i);

                group.run = i == 1 ? "g#1" : "g#2";
                group.begun_usec = BED_START + i * USEC_PER_SEC;
                store_put_begin(bed.store, &group);
        }
        bed_close();
        bed_open();
        ck_assert_int_eq(store_opened_members(bed.store, see_member, NULL), 0);
        ck_assert_str_eq(seen_members, "g#1/a 2;g#2/a 4;g#1/sub/b 5;");
}
END_TEST

/* As an earlier schema, damage or hands may have made them. */
START_TEST(rows_without_their_names_are_passed_over) {
        bed_open();
        bed_close();
        bed_tell(
                "DROP TABLE task; DROP TABLE item; DROP TABLE live; DROP TABLE process;"
                "CREATE TABLE task(task TEXT, number, first_seen_usec, schedule, every_anchor_usec, every_boot_id,"
                " every_anchor_boot_usec, accounted_usec, fired, last_due_usec, last_due_what, paused_by, paused_usec, stopped_by, stopped_usec,"
                " failures, failing, stale, last_ok_usec, last_run, last_json, gone_usec);"
                "CREATE INDEX task_gone ON task(gone_usec) WHERE gone_usec > 0;"
                "CREATE TABLE item(task, item, failures, failing, since_usec);"
                "CREATE TABLE live(task, run, \"trigger\", due_usec, begun_usec, service, hook, rerun, session, cause);"
                "CREATE TABLE process(run, begun_usec, pid, start_ticks, boot_id);"
                "INSERT INTO task(task) VALUES (NULL), ('a');"
                "INSERT INTO item(task, item) VALUES (NULL, 'x'), ('urls', NULL), (NULL, NULL);"
                "INSERT INTO item VALUES ('urls', 'b', 3, 1, 5);"
                "INSERT INTO live(task, run) VALUES (NULL, 'b#1'), ('b', NULL), ('c', 'c#1');"
                "INSERT INTO process(run, pid, boot_id) VALUES (NULL, 1, 'boot'), ('c#1', 2, NULL), ('c#1', 3, 'boot');");
        bed_open();
        ck_assert_int_eq(store_opened_tasks(bed.store, count_seen, NULL), 0);
        ck_assert_uint_eq(n_seen, 1);
        ck_assert_int_eq(store_opened_items(bed.store, see_item, NULL), 0);
        ck_assert_uint_eq(n_seen, 2);
        ck_assert_int_eq(store_opened_runs(bed.store, see_run, NULL), 0);
        ck_assert_str_eq(seen_runs, "c#1 3/0;");
}
END_TEST

START_TEST(run_within_one_batch_leaves_nothing) {
        struct store_run runs[3] = { bed_run("a", 1), bed_run("b", 2), bed_run("c", 3) };

        bed_open();
        store_put_begin(bed.store, &runs[0]);
        put_process(&runs[0], 10);
        ck_assert_int_eq(bed_sync(), 0);
        for (unsigned i = 1; i < ARRAY_SIZE(runs); i++) {
                store_put_begin(bed.store, &runs[i]);
                put_process(&runs[i], 20 + (int)i);
        }
        put_process(&runs[0], 11); /* of one that began before */
        store_put_end(bed.store, &runs[1]);
        store_put_end(bed.store, &runs[0]);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE run IN ('a#1', 'b#2')"), 2);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live WHERE run = 'c#3'"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 1);
        ck_assert_int_eq(bed_ask("SELECT pid FROM process"), 22);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM process"), 1);
}
END_TEST

START_TEST(hook_that_begins_and_ends_in_one_batch_leaves_nothing) {
        struct store_run hook = bed_run("a", 1);

        hook.hook = true;
        hook.cause = "{}";
        bed_open();
        store_put_begin(bed.store, &hook);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live WHERE cause = '{}'"), 1);
        hook.cause = NULL;
        store_put_begin(bed.store, &hook);
        put_process(&hook, 10);
        store_put_end(bed.store, &hook);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM process"), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 1);
}
END_TEST

static int see_pause(const struct store_pause *pause, void *arg) {
        (void)snprintf(arg, 200, "%s by %s at %llu", pause->what, pause->paused_by,
                       (unsigned long long)pause->paused_usec);
        n_seen++;
        return 0;
}

START_TEST(pauses_are_there_again_until_they_end) {
        struct store_pause all = { .what = "all", .paused_by = "anna", .paused_usec = 1 };
        struct store_pause limit = { .what = "limit db", .paused_by = "otto", .paused_usec = 2 };
        char text[200] = "";

        bed_open();
        store_put_pause(bed.store, &all);
        store_put_pause(bed.store, &limit);
        all.paused_by = NULL;
        store_put_pause(bed.store, &all);
        bed_close();
        bed_open();
        n_seen = 0;
        ck_assert_int_eq(store_opened_pauses(bed.store, see_pause, text), 0);
        ck_assert_uint_eq(n_seen, 1);
        ck_assert_str_eq(text, "limit db by otto at 2");
}
END_TEST

/* What the version of the schema did not have. */
static const char *const older_schemas[] = {
        ("ALTER TABLE live DROP COLUMN cause; ALTER TABLE task DROP COLUMN stopped_by;"
         "ALTER TABLE task DROP COLUMN stopped_usec; DROP TABLE pause; DROP INDEX run_long; PRAGMA user_version = 1"),
        "DROP TABLE pause; DROP INDEX run_long; PRAGMA user_version = 2",
        "DROP INDEX run_long; PRAGMA user_version = 3",
};

START_TEST(file_of_an_older_schema_is_brought_to_ours) {
        struct store_run run = bed_run("a", 1);

        bed_open();
        store_put_begin(bed.store, &run);
        store_put_task(bed.store, &(const struct store_task){ .task = "bare", .number = 2 });
        bed_close();
        bed_tell(older_schemas[_i]);
        bed_open();
        ck_assert_int_eq(store_opened_tasks(bed.store, see_bare_task, NULL), -ECANCELED);
        ck_assert_uint_eq(n_seen, 1);
        ck_assert_int_eq(store_opened_runs(bed.store, see_run, NULL), 0);
        ck_assert_str_eq(seen_runs, "a#1;");
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("PRAGMA user_version"), DATABASE_SCHEMA);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live WHERE cause IS NULL"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM pause"), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM sqlite_schema WHERE name = 'run_long'"), 1);
}
END_TEST

static void put_full_task(void) {
        if (n_seen++ == 0)
                store_put_task(bed.store, &full_task);
}

START_TEST(what_is_put_at_the_hand_over_is_in_the_same_batch) {
        struct store_run run = bed_run("a", 1);
        struct store_stats stats;

        bed_open();
        bed.on_hand_over = put_full_task;
        store_put_begin(bed.store, &run);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_ge(n_seen, 1);
        store_get_stats(bed.store, &stats);
        ck_assert_uint_eq(stats.commits, 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM task"), 1);
}
END_TEST

START_TEST(runs_that_began_together_are_all_kept) {
        struct store_run run = bed_run("a", 1);
        char name[32];

        bed_open();
        for (unsigned i = 0; i < 3000; i++) {
                (void)snprintf(name, sizeof(name), "a#%u", i);
                run.run = name;
                store_put_end(bed.store, &run);
        }
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 3000);
        ck_assert_int_eq(bed_ask("SELECT count(DISTINCT run) FROM run"), 3000);
}
END_TEST

START_TEST(run_put_twice_is_one) {
        struct store_run run = bed_run("a", 1), other = bed_run("b", 1);

        bed_open();
        store_put_end(bed.store, &other);
        store_put_end(bed.store, &run);
        ck_assert_int_eq(bed_sync(), 0);
        run.outcome = OUTCOME_FAILED;
        store_put_end(bed.store, &run);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 2);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run WHERE task = 'a' AND outcome = 'failed'"), 1);
}
END_TEST

START_TEST(missed_that_runs_after_all_is_taken_back) {
        const struct store_missed missed = { .task = "a", .first_due_usec = 100, .last_due_usec = 300, .n = 3 };
        const struct store_missed one = { .task = "a", .first_due_usec = 500, .last_due_usec = 500, .n = 1 };

        bed_open();
        store_put_missed(bed.store, &missed);
        store_put_missed(bed.store, &one);
        store_put_not_missed(bed.store, "a", 50);
        store_put_not_missed(bed.store, "a", 400);
        store_put_not_missed(bed.store, "b", 200);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT sum(n) FROM missed"), 4);
        store_put_not_missed(bed.store, "a", 200);
        store_put_not_missed(bed.store, "a", 500);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT sum(n) FROM missed"), 2);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed"), 1);
}
END_TEST

/* As when a daemon dies between a row and the state of its task. */
START_TEST(missed_that_is_told_again_is_there_once) {
        struct store_missed missed = {
                .task = "a", .first_due_usec = 100, .last_due_usec = 100, .n = 1, .trigger = "every", .reason = "late"
        };

        bed_open();
        store_put_missed(bed.store, &missed);
        ck_assert_int_eq(bed_sync(), 0);
        missed.last_due_usec = 300;
        missed.n = 3;
        missed.reason = "down";
        store_put_missed(bed.store, &missed);
        store_put_missed(bed.store, &missed);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT sum(n) FROM missed"), 3);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed WHERE reason = 'down'"), 1);
}
END_TEST

START_TEST(missed_of_another_is_another) {
        static const struct store_missed rows[] = {
                { .task = "a", .first_due_usec = 100, .last_due_usec = 100, .n = 1, .trigger = "cron" },
                { .task = "a", .first_due_usec = 100, .last_due_usec = 100, .n = 1, .trigger = "calendar" },
                { .task = "b", .first_due_usec = 100, .last_due_usec = 100, .n = 1, .trigger = "cron" },
                { .task = "a", .first_due_usec = 101, .last_due_usec = 101, .n = 1, .trigger = "cron" },
        };

        bed_open();
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                store_put_missed(bed.store, &rows[i]);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed"), (int)ARRAY_SIZE(rows));
}
END_TEST

/* As the writer does when nobody knows whether the commit succeeded; with what has come meanwhile. */
START_TEST(batch_written_twice_is_there_once) {
        const struct store_missed missed = { .task = "a", .first_due_usec = 100, .last_due_usec = 300, .n = 3 };
        const struct store_missed one = { .task = "a", .first_due_usec = 200, .last_due_usec = 200, .n = 1 };
        struct batch first = BATCH_INIT(first), batch = BATCH_INIT(batch);
        struct store_run run = bed_run("a", 1);
        struct database db = { 0 };
        struct applied applied;

        ck_assert_int_eq(database_open(&db, bed.path, 7), 0);
        ck_assert_ptr_nonnull(batch_add(&first, RECORD_MISSED, &missed));
        ck_assert_int_eq(database_apply(&db, &first, 0, false, &applied), 0);

        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_BEGIN, &run));
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_MISSED, &one));
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_NOT_MISSED, &one)); /* of the row of one */
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_NOT_MISSED, &one)); /* of the row of three */
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(database_apply(&db, &batch, 1, i > 0, &applied), 0);
                ck_assert_int_eq(bed_ask("SELECT n FROM missed"), 2);
                ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed"), 1);
                ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 1);
        }
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_NOT_MISSED, &one));
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_END, &run));
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_int_eq(database_apply(&db, &batch, 1, true, &applied), 0);
                ck_assert_int_eq(bed_ask("SELECT n FROM missed"), 1);
                ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 0);
                ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 1);
        }
        db.session++; /* another daemon begins to count anew */
        ck_assert_int_eq(database_apply(&db, &batch, 0, false, &applied), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM missed"), 0);
        database_done(&db);
        batch_clear(&first);
        batch_clear(&batch);
}
END_TEST

START_TEST(beginning_of_a_batch_tried_before_is_removed_by_its_end) {
        struct store_run run = bed_run("a", 1);
        struct batch batch = BATCH_INIT(batch);
        struct database db = { 0 };
        struct applied applied;

        ck_assert_int_eq(database_open(&db, bed.path, 7), 0);
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_BEGIN, &run));
        ck_assert_int_eq(database_apply(&db, &batch, 0, false, &applied), 0); /* the writer is told that this failed */
        ck_assert_ptr_nonnull(batch_add(&batch, RECORD_END, &run));
        ck_assert_int_eq(database_apply(&db, &batch, 0, true, &applied), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM live"), 0);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM run"), 1);
        database_done(&db);
        batch_clear(&batch);
}
END_TEST

/* ---- the file ---- */

START_TEST(file_is_ours_alone) {
        struct stat st;

        (void)umask(0);
        bed_open();
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(stat(bed.path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        ck_assert_int_eq(stat(bed_path("db-wal"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        ck_assert_int_eq(bed_ask("PRAGMA application_id"), 0x74656e64);
        ck_assert_int_eq(bed_ask("PRAGMA user_version"), DATABASE_SCHEMA);
        bed_close();
        ck_assert_uint_eq(bed_count("db"), 1); /* the log is in the file */
}
END_TEST

START_TEST(file_of_another_daemon_is_left_alone) {
        const struct store_options options = { .loop = bed.loop, .path = bed.path, .patience_usec = bed.patience_usec };
        int fd = open(bed_path("db.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        struct store *store = NULL;
        struct database db = { 0 };

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(flock(fd, LOCK_EX), 0);
        ck_assert_int_eq(write(fd, "4711\n", 5), 5);
        ck_assert_int_eq(store_open(&options, &store), -EADDRINUSE);
        ck_assert_ptr_null(store);
        ck_assert_int_eq(database_open(&db, bed.path, 1), -EADDRINUSE);
        ck_assert_str_eq(db.why, "another tendd, pid 4711, uses it");
        ck_assert_int_ne(access(bed.path, F_OK), 0);
        (void)close(fd);
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(database_open(&db, bed.path, 1), -EADDRINUSE); /* the store has it now */
        bed_close();
        ck_assert_int_eq(database_open(&db, bed.path, 1), 0);
        database_done(&db);
}
END_TEST

START_TEST(link_is_not_followed) {
        ck_assert_int_eq(symlink(bed_path("elsewhere"), bed.path), 0);
        bed_open();
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "it is no regular file"));
        ck_assert_uint_eq(bed_count("elsewhere"), 0);
        ck_assert_int_eq(unlink(bed.path), 0);
        store_retry(bed.store);
        bed_await_health("well anew");
}
END_TEST

START_TEST(directory_may_be_reached_by_a_link) {
        ck_assert_int_eq(mkdir(bed_path("real"), 0700), 0);
        ck_assert_int_eq(symlink("real", bed_path("link")), 0);
        (void)strcpy(bed.path, bed_path("link/db"));
        bed_open();
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(access(bed_path("real/db"), F_OK), 0);
}
END_TEST

START_TEST(missing_directory_is_made) {
        (void)strcpy(bed.path, bed_path("new/db"));
        bed_open();
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(access(bed.path, F_OK), 0);
}
END_TEST

START_TEST(newer_schema_is_left_alone) {
        struct stat before, after;

        bed_open();
        store_put_task(bed.store, &full_task);
        bed_close();
        bed_tell("PRAGMA user_version = 1000; PRAGMA wal_checkpoint(TRUNCATE)");
        ck_assert_int_eq(stat(bed.path, &before), 0);
        bed_open();
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "written by a newer tendd"));
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(bed_sync(), -EIO);
        bed_close();
        ck_assert_int_eq(stat(bed.path, &after), 0);
        ck_assert_int_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
        ck_assert_int_eq(before.st_size, after.st_size);
        ck_assert_int_eq(bed_ask("PRAGMA user_version"), 1000);
}
END_TEST

START_TEST(database_of_another_program_is_left_alone) {
        FILE *f = fopen(bed.path, "w");

        ck_assert_ptr_nonnull(f);
        (void)fclose(f);
        bed_tell("CREATE TABLE theirs(x); INSERT INTO theirs VALUES (1)");
        bed_open();
        bed_await_health("degraded");
        ck_assert_ptr_nonnull(strstr(bed.why, "another program"));
        bed_close();
        ck_assert_int_eq(bed_ask("SELECT x FROM theirs"), 1);
        ck_assert_int_eq(bed_ask("SELECT count(*) FROM sqlite_schema"), 1);
}
END_TEST

/* ---- syncs ---- */

static unsigned n_called;

static void on_called(int result, _unused_ void *arg) {
        ck_assert_int_eq(result, 0);
        n_called++;
}

START_TEST(cancelled_sync_is_not_called) {
        struct store_sync *one, *two;

        bed_open();
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(store_sync(bed.store, on_called, NULL, &one), 0);
        ck_assert_int_eq(store_sync(bed.store, on_called, NULL, &two), 0);
        store_sync_cancel(one);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_uint_eq(n_called, 1);
        ck_assert_int_eq(store_sync(bed.store, on_called, NULL, NULL), 0); /* closing forgets it */
}
END_TEST

START_TEST(quiet_store_lets_the_loop_sleep) {
        struct store_stats stats;

        bed_open();
        store_put_task(bed.store, &full_task);
        ck_assert_int_eq(bed_sync(), 0);
        ck_assert_int_eq(bed_sync(), 0); /* also of nothing new */
        store_get_stats(bed.store, &stats);
        ck_assert_uint_eq(stats.commits, 1);
        ck_assert_uint_eq(stats.written, 1);
        ck_assert_uint_eq(stats.queued, 0);
        ck_assert_uint_gt(stats.size, 0);
        ck_assert(!stats.degraded);
        ck_assert_ptr_null(stats.why);
        ck_assert_str_eq(bed.health, "");
}
END_TEST

START_TEST(when_it_was_written_before_it_was_opened_is_known) {
        const struct timespec old[2] = { { .tv_sec = 1000, .tv_nsec = 5000 }, { .tv_sec = 2000, .tv_nsec = 7000 } };

        bed_open();
        ck_assert_uint_eq(store_last_written(bed.store), 0);
        bed_close();
        ck_assert_int_eq(utimensat(AT_FDCWD, bed.path, old, 0), 0);
        bed_open();
        ck_assert_uint_eq(store_last_written(bed.store), 2000 * USEC_PER_SEC + 7);
}
END_TEST

static Suite *store_suite(void) {
        Suite *suite = suite_create("store");
        TCase *tcase = tcase_create("store");

        tcase_add_checked_fixture(tcase, bed_setup, bed_teardown);
        tcase_add_test(tcase, task_is_there_again_whole);
        tcase_add_test(tcase, when_it_was_written_before_it_was_opened_is_known);
        tcase_add_test(tcase, task_is_put_instead_of_the_one_before);
        tcase_add_test(tcase, item_without_failures_is_forgotten);
        tcase_add_test(tcase, runs_without_an_end_come_with_their_processes);
        tcase_add_test(tcase, members_that_have_ended_come_with_their_group_without_an_end);
        tcase_add_test(tcase, rows_without_their_names_are_passed_over);
        tcase_add_test(tcase, run_within_one_batch_leaves_nothing);
        tcase_add_test(tcase, hook_that_begins_and_ends_in_one_batch_leaves_nothing);
        tcase_add_test(tcase, pauses_are_there_again_until_they_end);
        tcase_add_loop_test(tcase, file_of_an_older_schema_is_brought_to_ours, 0, (int)ARRAY_SIZE(older_schemas));
        tcase_add_test(tcase, what_is_put_at_the_hand_over_is_in_the_same_batch);
        tcase_add_test(tcase, runs_that_began_together_are_all_kept);
        tcase_add_test(tcase, run_put_twice_is_one);
        tcase_add_test(tcase, missed_that_runs_after_all_is_taken_back);
        tcase_add_test(tcase, missed_that_is_told_again_is_there_once);
        tcase_add_test(tcase, missed_of_another_is_another);
        tcase_add_test(tcase, batch_written_twice_is_there_once);
        tcase_add_test(tcase, beginning_of_a_batch_tried_before_is_removed_by_its_end);
        tcase_add_test(tcase, file_is_ours_alone);
        tcase_add_test(tcase, file_of_another_daemon_is_left_alone);
        tcase_add_test(tcase, link_is_not_followed);
        tcase_add_test(tcase, directory_may_be_reached_by_a_link);
        tcase_add_test(tcase, missing_directory_is_made);
        tcase_add_test(tcase, newer_schema_is_left_alone);
        tcase_add_test(tcase, database_of_another_program_is_left_alone);
        tcase_add_test(tcase, cancelled_sync_is_not_called);
        tcase_add_test(tcase, quiet_store_lets_the_loop_sleep);
        suite_add_tcase(suite, tcase);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(store_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
