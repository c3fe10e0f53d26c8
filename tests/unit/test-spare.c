/* SPDX-License-Identifier: MIT */
/* spare: objects come back zeroed, and no more are kept than is allowed. */
#include "base/spare.h"

#include <check.h>

struct object {
        char bytes[200];
};

START_TEST(an_object_comes_back_zeroed) {
        struct spare spare = SPARE_INIT(struct object, 4);
        static const struct object zero;

        for (int i = 0; i < 3; i++) {
                struct object *object = spare_take(&spare);

                ck_assert_ptr_nonnull(object);
                ck_assert_mem_eq(object, &zero, sizeof(zero));
                memset(object, 0xa5, sizeof(*object));
                spare_give(&spare, object);
        }
        ck_assert_uint_eq(spare.n, SPARE_KEEPS ? 1 : 0);
        spare_done(&spare);
        ck_assert_uint_eq(spare.n, 0);
        ck_assert_ptr_null(spare.first);
}
END_TEST

START_TEST(the_last_given_back_is_taken_first_and_none_twice) {
        struct spare spare = SPARE_INIT(struct object, 3);
        struct object *objects[5], *again[5];

        for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
                objects[i] = spare_take(&spare);
        for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
                spare_give(&spare, objects[i]);
        ck_assert_uint_eq(spare.n, SPARE_KEEPS ? 3 : 0);

        for (size_t i = 0; i < ARRAY_SIZE(again); i++) {
                again[i] = spare_take(&spare);
                for (size_t k = 0; k < i; k++)
                        ck_assert_ptr_ne(again[k], again[i]);
        }
        if (SPARE_KEEPS)
                ck_assert_ptr_eq(again[0], objects[2]);
        for (size_t i = 0; i < ARRAY_SIZE(again); i++)
                spare_give(&spare, again[i]);
        spare_done(&spare);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("spare");
        TCase *tcase = tcase_create("spare");
        SRunner *runner;
        int failed;

        tcase_add_test(tcase, an_object_comes_back_zeroed);
        tcase_add_test(tcase, the_last_given_back_is_taken_first_and_none_twice);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
