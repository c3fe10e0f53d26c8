/* SPDX-License-Identifier: MIT */
/* run-resume: a group that resumes one of its runs runs again what was not ok there, and nothing else. */
#include "run/node.h"
#include "support/run-family.h"

static const unsigned after_0[] = { 0 }, after_1[] = { 1 };

static struct run *resume(struct fake_task *task, uint64_t number, const char *name) {
        struct result *before = result_ref((struct result *)(uintptr_t)result_of(name));
        const struct run_start spec = { .spec = &task->spec, .number = number, .trigger = "test", .resume = before };
        struct run *run = NULL;

        fake_trace_clear();
        ck_assert_int_eq(run_tree_start(tree, &spec, &run), 0);
        result_unref(before); /* the run has its own reference */
        settle();
        return run;
}

static void end_as(const char *name, enum error_kind error) {
        fake_leaf_end(name, error);
        settle();
}

static const struct result *member_of(const char *name, size_t i) {
        const struct result *result = result_of(name);

        ck_assert_ptr_nonnull(result);
        ck_assert_uint_lt(i, result->n_children);
        return result->children[i];
}

static const struct result *named(const char *name, const char *task) {
        const struct result *result = result_of(name);

        for (size_t i = 0; i < result->n_children; i++)
                if (streq(result->children[i]->task, task))
                        return result->children[i];
        ck_abort_msg("no %s in %s", task, name);
}

/* m0, then m1, then m2; m1 fails. */
static void fail_in_a_row(void) {
        family_make_group(GROUP_SETTLE, 3);
        members[1].after = after_0;
        members[1].n_after = 1;
        members[2].after = after_1;
        members[2].n_after = 1;
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_EXIT);
        check_outcome("g#1", OUTCOME_FAILED);
}

START_TEST(it_runs_what_was_not_ok_and_what_comes_after) {
        fail_in_a_row();
        resume(&g, 2, "g#1");
        check_trace("+m1");
        end_as("g#2/m1", ERROR_NONE);
        end_as("g#2/m2", ERROR_NONE);
        check_trace("+m1 .m1 +m2 .m2");
        check_outcome("g#2", OUTCOME_OK);
        ck_assert_uint_eq(result_of("g#2")->n_children, 3);
        ck_assert_str_eq(named("g#2", "m0")->reason, "ok in g#1");
        ck_assert(named("g#2", "m0")->resumed);
        ck_assert_uint_eq(named("g#2", "m0")->attempts, 0);
        ck_assert(!named("g#2", "m1")->resumed);
}
END_TEST

START_TEST(it_fails_again) {
        fail_in_a_row();
        resume(&g, 2, "g#1");
        end_as("g#2/m1", ERROR_IO);
        check_outcome("g#2", OUTCOME_FAILED);
        check_errors("g#2", "io/g#2/m1");
        ck_assert_int_eq(named("g#2", "m2")->outcome, OUTCOME_NEVER_STARTED);
}
END_TEST

/* What was ok in the first of several is named by that one. */
START_TEST(it_is_resumed_itself) {
        fail_in_a_row();
        resume(&g, 2, "g#1");
        end_as("g#2/m1", ERROR_NONE);
        end_as("g#2/m2", ERROR_EXIT);
        resume(&g, 3, "g#2");
        check_trace("+m2");
        end_as("g#3/m2", ERROR_NONE);
        check_outcome("g#3", OUTCOME_OK);
        ck_assert_str_eq(named("g#3", "m0")->reason, "ok in g#1");
        ck_assert_str_eq(named("g#3", "m1")->reason, "ok in g#2");
}
END_TEST

START_TEST(a_group_in_it_resumes_in_turn) {
        family_make_group(GROUP_SETTLE, 3);
        start(&h, 1);
        fake_leaf_end("h#1/g/m0", ERROR_NONE);
        fake_leaf_end("h#1/g/m1", ERROR_EXIT);
        fake_leaf_end("h#1/g/m2", ERROR_NONE);
        settle();
        check_outcome("h#1", OUTCOME_FAILED);
        resume(&h, 2, "h#1");
        check_trace("+m1");
        end_as("h#2/g/m1", ERROR_NONE);
        check_outcome("h#2", OUTCOME_OK);
        ck_assert_uint_eq(member_of("h#2", 0)->n_children, 3);
        ck_assert_str_eq(named("h#2/g", "m0")->reason, "ok in h#1/g");
}
END_TEST

START_TEST(nothing_runs_when_all_was_ok) {
        family_make_group(GROUP_ALL, 2);
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_NONE);
        resume(&g, 2, "g#1");
        check_trace("");
        check_outcome("g#2", OUTCOME_OK);
}
END_TEST

START_TEST(a_quorum_counts_it) {
        family_make_group(GROUP_QUORUM, 3);
        g.spec.quorum = 2;
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_EXIT);
        family_end(2, ERROR_EXIT);
        check_outcome("g#1", OUTCOME_FAILED);
        resume(&g, 2, "g#1");
        check_trace("+m1 +m2");
        end_as("g#2/m2", ERROR_NONE);
        check_outcome("g#2", OUTCOME_OK);
}
END_TEST

START_TEST(what_a_sibling_cancelled_runs_again) {
        family_make_group(GROUP_ALL, 3);
        start(&g, 1);
        family_end(0, ERROR_NONE);
        family_end(1, ERROR_EXIT);
        settle();
        check_outcome("g#1", OUTCOME_FAILED);
        resume(&g, 2, "g#1");
        check_trace("+m1 +m2");
        end_as("g#2/m1", ERROR_NONE);
        end_as("g#2/m2", ERROR_NONE);
        check_outcome("g#2", OUTCOME_OK);
}
END_TEST

/* Retries rerun all that the run itself has to run. */
START_TEST(a_retry_leaves_it_alone_too) {
        fail_in_a_row();
        g.spec.retries = 1;
        g.spec.retry_delay_min_usec = g.spec.retry_delay_max_usec = USEC_PER_SEC;
        resume(&g, 2, "g#1");
        end_as("g#2/m1", ERROR_EXIT);
        fake_trace_clear();
        pass(2 * USEC_PER_SEC);
        check_trace("+m1");
        end_as("g#2/m1", ERROR_NONE);
        end_as("g#2/m2", ERROR_NONE);
        check_outcome("g#2", OUTCOME_OK);
}
END_TEST

START_TEST(it_is_cancelled_before_it_begins) {
        fail_in_a_row();
        {
                struct result *before = result_ref((struct result *)(uintptr_t)result_of("g#1"));
                const struct run_start spec = { .spec = &g.spec, .number = 2, .trigger = "test", .resume = before };

                ck_assert_int_eq(run_tree_start(tree, &spec, NULL), 0);
                result_unref(before);
        }
        (void)run_cancel(get("g#2"), CANCEL_OPERATOR, "alice");
        settle();
        check_outcome("g#2", OUTCOME_CANCELLED);
}
END_TEST

/* The configuration may have changed: one that was not there runs, one that is not there any more is nothing. */
START_TEST(other_members) {
        static const struct run_member one_and_three[] = { { .spec = &m[1].spec }, { .spec = &m[3].spec } };

        family_make_group(GROUP_SETTLE, 3);
        start(&g, 1);
        family_end(0, ERROR_EXIT);
        family_end(1, ERROR_NONE);
        family_end(2, ERROR_NONE);
        g.spec.members = one_and_three;
        g.spec.n_members = 2;
        resume(&g, 2, "g#1");
        check_trace("+m3");
        end_as("g#2/m3", ERROR_NONE);
        check_outcome("g#2", OUTCOME_OK);
}
END_TEST

int main(void) {
        const TTest *const tests[] = {
                it_runs_what_was_not_ok_and_what_comes_after,
                it_fails_again,
                it_is_resumed_itself,
                a_group_in_it_resumes_in_turn,
                nothing_runs_when_all_was_ok,
                a_quorum_counts_it,
                what_a_sibling_cancelled_runs_again,
                a_retry_leaves_it_alone_too,
                it_is_cancelled_before_it_begins,
                other_members,
        };

        return fixture_main("run-resume", tests, ARRAY_SIZE(tests));
}
