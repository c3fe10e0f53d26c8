/* SPDX-License-Identifier: MIT */
/* asking: see asking.h. */
#include "support/asking.h"

#include <stdio.h>

struct test_client client;

json_t *answer(void) {
        json_t *message = test_client_receive(&client, NULL), *parameters;

        ck_assert_ptr_nonnull(message);
        ck_assert_msg(!json_object_get(message, "error"), "error: %s",
                      json_string_value(json_object_get(message, "error")));
        parameters = json_incref(json_object_get(message, "parameters"));
        json_decref(message);
        return parameters;
}

void call(const char *method, const char *parameters, bool more) {
        char text[512];

        snprintf(text, sizeof(text), "{\"method\":\"io.tendd.Runner.%s\",\"parameters\":%s,\"more\":%s}", method,
                 parameters, more ? "true" : "false");
        test_client_call(&client, text);
}

json_t *ask(const char *method, const char *parameters) {
        call(method, parameters, false);
        return answer();
}

const char *at(const json_t *json, const char *path, char buf[256]) {
        char word[64];

        while (*path && json) {
                size_t n = strcspn(path, ".");

                snprintf(word, sizeof(word), "%.*s", (int)n, path);
                json = json_is_array(json) ? json_array_get(json, strtoul(word, NULL, 10))
                                           : json_object_get(json, word);
                path += n + (path[n] == '.');
        }
        if (json_is_string(json))
                snprintf(buf, 256, "%s", json_string_value(json));
        else if (json_is_integer(json))
                snprintf(buf, 256, "%lld", (long long)json_integer_value(json));
        else if (json_is_array(json))
                snprintf(buf, 256, "[%zu]", json_array_size(json));
        else
                snprintf(buf, 256, "%s", json_is_boolean(json) ? (json_is_true(json) ? "true" : "false") : "-");
        return buf;
}
