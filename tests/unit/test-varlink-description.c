/* SPDX-License-Identifier: MIT */
/* The descriptions of the interfaces against the tables that serve them: methods, parameters, types. */
#include "control/methods.h"
#include "control/varlink_internal.h"

#include <check.h>
#include <ctype.h>
#include <stdio.h>

static const struct varlink_interface *const interfaces[] = {
        &runner_interface,
        &varlink_service_interface,
#ifdef ENABLE_DEBUG_HOOKS
        &debug_interface,
#endif
};

/* ---- a parser of descriptions: enough to know every word of them ---- */

struct parser {
        const char *at;
        char token[64];
};

/* The next word or sign, comments passed over; "" at the end. */
static const char *next(struct parser *parser) {
        size_t n = 0;

        for (;;) {
                while (isspace((unsigned char)*parser->at))
                        parser->at++;
                if (*parser->at != '#')
                        break;
                parser->at += strcspn(parser->at, "\n");
        }
        if (strncmp(parser->at, "->", 2) == 0)
                n = 2;
        else if (isalnum((unsigned char)*parser->at))
                while (isalnum((unsigned char)parser->at[n]) || parser->at[n] == '_' || parser->at[n] == '.')
                        n++;
        else
                n = *parser->at != '\0';
        ck_assert_uint_lt(n, sizeof(parser->token));
        memcpy(parser->token, parser->at, n);
        parser->token[n] = '\0';
        parser->at += n;
        return parser->token;
}

static void expect(struct parser *parser, const char *token) {
        ck_assert_str_eq(next(parser), token);
}

/* A type such as "?[]string", after its first token was read; leaves the token after it. */
static void parse_type(struct parser *parser, char *ret, size_t size) {
        size_t length = 0;

        for (;;) {
                bool element = isalnum((unsigned char)parser->token[0]);
                int n = snprintf(ret + length, size - length, "%s", parser->token);

                ck_assert_uint_lt((size_t)n, size - length);
                length += (size_t)n;
                next(parser);
                /* "[string]int": the word within brackets is not the end of the type */
                if (element && !streq(parser->token, "]"))
                        return;
        }
}

typedef void (*field_fn)(const char *name, const char *type, void *arg);

/* "(name: type, …)", after the opening sign was read; leaves the token after the closing one. */
static void parse_fields(struct parser *parser, field_fn fn, void *arg) {
        while (!streq(next(parser), ")")) {
                char name[64], type[64];

                strcpy(name, parser->token);
                expect(parser, ":");
                next(parser);
                parse_type(parser, type, sizeof(type));
                if (fn)
                        fn(name, type, arg);
                if (streq(parser->token, ")"))
                        break;
                ck_assert_str_eq(parser->token, ",");
        }
        next(parser);
}

struct description {
        char methods[64][64];
        size_t n_methods;
        char types[64][64];
        size_t n_types;
        char symbols[256][64]; /* all of them: methods, types and errors share one set of names */
        size_t n_symbols;
        char used[1024][64]; /* types that fields have */
        size_t n_used;
};

struct parameters {
        const struct varlink_method *method;
        size_t n;
};

/* A parameter of the description is one of the table, in the same place and of the same type. */
static void compare_parameter(const char *name, const char *type, void *arg) {
        struct parameters *parameters = arg;
        const struct varlink_field *field = &parameters->method->fields[parameters->n++];
        char expected[64];

        ck_assert_msg(parameters->method->fields && field->name, "%s: parameter %s is not in the table",
                      parameters->method->name, name);
        ck_assert_str_eq(field->name, name);
        snprintf(expected, sizeof(expected), "%s%s", field->optional ? "?" : "", varlink_type_to_string(field->type));
        ck_assert_msg(streq(type, expected), "%s: %s: the description says %s, the table %s", parameters->method->name,
                      name, type, expected);
}

static void note_type(_unused_ const char *name, const char *type, void *arg) {
        struct description *description = arg;

        ck_assert_uint_lt(description->n_used, ARRAY_SIZE(description->used));
        strcpy(description->used[description->n_used++], type);
}

static void note_symbol(struct description *description, const char *name) {
        for (size_t i = 0; i < description->n_symbols; i++)
                ck_assert_msg(!streq(description->symbols[i], name), "there are two %s", name);
        ck_assert_uint_lt(description->n_symbols, ARRAY_SIZE(description->symbols));
        strcpy(description->symbols[description->n_symbols++], name);
}

static const struct varlink_method *find_method(const struct varlink_interface *interface, const char *name) {
        for (size_t i = 0; i < interface->n_methods; i++)
                if (streq(interface->methods[i].name, name))
                        return &interface->methods[i];
        return NULL;
}

static void parse_method(struct parser *parser, const struct varlink_interface *interface,
                         struct description *description) {
        struct parameters parameters = { 0 };

        strcpy(description->methods[description->n_methods++], next(parser));
        note_symbol(description, parser->token);
        parameters.method = find_method(interface, parser->token);
        ck_assert_msg(parameters.method, "%s.%s is not in the table", interface->name, parser->token);
        expect(parser, "(");
        parse_fields(parser, compare_parameter, &parameters);
        ck_assert_str_eq(parser->token, "->");
        expect(parser, "(");
        parse_fields(parser, note_type, description);
        if (parameters.method->fields)
                ck_assert_msg(!parameters.method->fields[parameters.n].name, "%s: parameter %s is not described",
                              parameters.method->name, parameters.method->fields[parameters.n].name);
}

static void parse(const struct varlink_interface *interface, struct description *description) {
        struct parser parser = { .at = interface->description };

        expect(&parser, "interface");
        ck_assert_str_eq(next(&parser), interface->name);
        next(&parser);
        while (*parser.token) {
                bool is_type = streq(parser.token, "type");

                if (streq(parser.token, "method")) {
                        parse_method(&parser, interface, description);
                        continue;
                }
                ck_assert_msg(is_type || streq(parser.token, "error"), "what is %s?", parser.token);
                note_symbol(description, next(&parser));
                if (is_type)
                        strcpy(description->types[description->n_types++], parser.token);
                expect(&parser, "(");
                parse_fields(&parser, note_type, description);
        }
}

START_TEST(methods_are_described_as_they_are) {
        static struct description description;
        const struct varlink_interface *interface = interfaces[_i];

        description = (struct description){ 0 };
        parse(interface, &description);
        for (size_t i = 0; i < interface->n_methods; i++) {
                bool found = false;

                for (size_t k = 0; k < description.n_methods; k++)
                        found |= streq(description.methods[k], interface->methods[i].name);
                ck_assert_msg(found, "%s.%s is not described", interface->name, interface->methods[i].name);
        }
        ck_assert_uint_eq(description.n_methods, interface->n_methods);
}
END_TEST

static bool is_known(const struct description *description, const char *type) {
        static const char *const basic[] = { "bool", "int", "float", "string", "object" };

        for (size_t i = 0; i < ARRAY_SIZE(basic); i++)
                if (streq(basic[i], type))
                        return true;
        for (size_t i = 0; i < description->n_types; i++)
                if (streq(description->types[i], type))
                        return true;
        return false;
}

START_TEST(types_that_are_used_are_described) {
        static struct description description;

        description = (struct description){ 0 };
        parse(interfaces[_i], &description);
        for (size_t i = 0; i < description.n_used; i++) {
                const char *type = description.used[i];

                type += strspn(type, "?");
                if (*type == '[')
                        type = strchr(type, ']') + 1;
                ck_assert_msg(is_known(&description, type), "%s: type %s is not described", interfaces[_i]->name,
                              description.used[i]);
        }
}
END_TEST

/* Who may only look changes nothing, and what changes something is logged. */
START_TEST(what_view_may_not_is_what_changes_something) {
        for (size_t i = 0; i < interfaces[_i]->n_methods; i++) {
                const struct varlink_method *method = &interfaces[_i]->methods[i];

                ck_assert_msg((method->role > VARLINK_ROLE_VIEW) == ((method->flags & VARLINK_CHANGES) != 0), "%s.%s",
                              interfaces[_i]->name, method->name);
        }
}
END_TEST

START_TEST(methods_have_a_handler) {
        for (size_t i = 0; i < interfaces[_i]->n_methods; i++)
                ck_assert_msg(interfaces[_i]->methods[i].handler, "%s.%s has no handler", interfaces[_i]->name,
                              interfaces[_i]->methods[i].name);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("varlink-description");
        TCase *tcase = tcase_create("varlink-description");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, methods_are_described_as_they_are, 0, (int)ARRAY_SIZE(interfaces));
        tcase_add_loop_test(tcase, types_that_are_used_are_described, 0, (int)ARRAY_SIZE(interfaces));
        tcase_add_loop_test(tcase, what_view_may_not_is_what_changes_something, 0, (int)ARRAY_SIZE(interfaces));
        tcase_add_loop_test(tcase, methods_have_a_handler, 0, (int)ARRAY_SIZE(interfaces));
        srunner_run_all(runner, CK_NORMAL);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
