/* SPDX-License-Identifier: MIT */
/* varlink_params: checks the parameters of a call against the fields of its method. */
#include "control/varlink_internal.h"

static bool is_bool(const json_t *value) {
        return json_is_boolean(value);
}

static bool is_int(const json_t *value) {
        return json_is_integer(value);
}

static bool is_string(const json_t *value) {
        return json_is_string(value) && json_string_length(value) <= VARLINK_STRING_MAX;
}

static bool is_array(const json_t *value, size_t max, bool (*fits)(const json_t *element)) {
        if (!json_is_array(value) || json_array_size(value) > max)
                return false;
        for (size_t i = 0; i < json_array_size(value); i++)
                if (!fits(json_array_get(value, i)))
                        return false;
        return true;
}

static bool is_strings(const json_t *value) {
        return is_array(value, VARLINK_STRINGS_MAX, is_string);
}

static bool is_word(const json_t *value) {
        return json_is_string(value) && json_string_length(value) < VARLINK_WORD_MAX;
}

static bool is_words(const json_t *value) {
        return is_array(value, VARLINK_WORDS_MAX, is_word);
}

static const struct {
        const char *name;
        bool (*fits)(const json_t *value);
} types[_VARLINK_TYPE_MAX] = {
        [VARLINK_BOOL] = { "bool", is_bool },       [VARLINK_INT] = { "int", is_int },
        [VARLINK_STRING] = { "string", is_string }, [VARLINK_STRINGS] = { "[]string", is_strings },
        [VARLINK_WORDS] = { "[]string", is_words },
};

const char *varlink_type_to_string(enum varlink_type type) {
        return types[type].name;
}

static const struct varlink_field *find(const struct varlink_field *fields, const char *name) {
        for (const struct varlink_field *field = fields; field && field->name; field++)
                if (streq(field->name, name))
                        return field;
        return NULL;
}

const char *varlink_params_check(const struct varlink_field *fields, const json_t *parameters) {
        const char *name;
        json_t *value;

        json_object_foreach((json_t *)parameters, name, value) {
                const struct varlink_field *field = find(fields, name);

                if (!field || !(types[field->type].fits(value) || (field->optional && json_is_null(value))))
                        return name;
        }
        for (const struct varlink_field *field = fields; field && field->name; field++)
                if (!field->optional && !json_object_get(parameters, field->name))
                        return field->name;
        return NULL;
}
