/* SPDX-License-Identifier: MIT */
/* calendar-invariants: what holds of every expression. */
#include "support/calendar-invariants.h"

#include <stdio.h>

/* A gap of an hour, one of half an hour, one at midnight, one of a day, and none. */
static const char *const zone_names[] = { "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia",
                                          "UTC" };

#define OCCURRENCES 20

static void require(bool holds, const char *what, const char *text) {
        if (holds)
                return;
        fprintf(stderr, "%s: %s\n", text, what);
        abort();
}

static bool same(const struct occurrence *a, const struct occurrence *b) {
        return a->utc_usec == b->utc_usec && a->local_usec == b->local_usec && a->fold == b->fold;
}

static void follow(const struct calendar *calendar, const struct calendar *again, const struct zone *zone,
                   usec_t after) {
        const char *text = calendar_text(calendar);
        struct occurrence at, other, before = { .local_usec = INT64_MIN };

        for (unsigned i = 0; i < OCCURRENCES; i++) {
                bool elapses = calendar_next(calendar, zone, after, &at);

                require(calendar_next(again, zone, after, &other) == elapses, "normalized, it ends otherwise", text);
                if (!elapses)
                        return;
                require(same(&at, &other), "normalized, it elapses otherwise", text);
                require(at.utc_usec > after, "not later", text);
                require(at.local_usec != before.local_usec || at.fold != before.fold, "one name for two", text);
                /* Asked a moment before, it is the same. */
                require(calendar_next(calendar, zone, at.utc_usec - 1, &other) && same(&at, &other), "not found again",
                        text);
                before = at;
                after = at.utc_usec;
        }
}

void calendar_check_invariants(const uint8_t *data, size_t size, calendar_parse_fn parse) {
        static struct zone *zones[ARRAY_SIZE(zone_names)];
        const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
        size_t length = end ? (size_t)(end - data) : size;
        _cleanup_(calendar_freep) struct calendar *calendar = NULL, *again = NULL;
        char wrong[CALENDAR_WRONG_MAX] = "", form[CALENDAR_TEXT_MAX], form_again[CALENDAR_TEXT_MAX];
        _cleanup_(freep) char *text = NULL;
        uint32_t after = 0;

        if (!zones[0])
                for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
                        if (zone_load(zone_names[i], &zones[i]) < 0 && zone_load(NULL, &zones[i]) < 0)
                                abort();
        if (end)
                memcpy(&after, end + 1, MIN(size - length - 1, sizeof(after)));
        text = strndup(size > 0 ? (const char *)data : "", length);
        if (!text)
                return;
        if (parse(text, &calendar, wrong) < 0) {
                require(wrong[0] != '\0' && !calendar, "nothing said about the mistake", text);
                return;
        }
        calendar_format(calendar, form);
        require(parse(form, &again, wrong) == 0, wrong, form);
        require(streq(calendar_format(again, form_again), form), "another form of the normalized one", text);
        for (size_t i = 0; i < ARRAY_SIZE(zones); i++)
                follow(calendar, again, zones[i], (usec_t)after * USEC_PER_SEC);
}
