/* SPDX-License-Identifier: MIT */
#pragma once
/* asking: calls of io.tendd.Runner by a test, and looks into their answers. */
#include "support/varlink-client.h"

#include <check.h>

extern struct test_client client; /* connected by the test */

/* Calls @method with @parameters, JSON. */
void call(const char *method, const char *parameters, bool more);
/* The parameters of the next answer, which must be there and no error; owned by the caller. */
json_t *answer(void);
/* Both. */
json_t *ask(const char *method, const char *parameters);

/* The value at @path, "runs.0.waiting.why", as text; "-" when there is none, "[3]" for an array of three. */
const char *at(const json_t *json, const char *path, char buf[256]);

#define expect_at(json, path, expected)                                                                                \
        do {                                                                                                           \
                char _buf[256];                                                                                        \
                ck_assert_msg(streq(at(json, path, _buf), expected), "%s: got %s, expected %s", path, _buf, expected); \
        } while (0)
