/* SPDX-License-Identifier: MIT */
#pragma once
/* zone: what a zone consists of. For the files of zone alone. */
#include "when/zone.h"

#include <stdatomic.h>

/* Seconds from -26 h to 26 h, exclusive: no offset of a zone is further from UTC (RFC 9636, 3.2). */
#define ZONE_OFFSET_MIN (-89999)
#define ZONE_OFFSET_MAX 93599

/* Instants up to this far before and after 1970 are computed with, the years -94,965 … 98,904; others are as the nearest of
 * these. So what is added to one stays within the years of civil.h. */
#define ZONE_SECS_MAX ((int64_t)97000 * 365 * CIVIL_SECS_PER_DAY)

/* A kind of local time. */
struct zone_type {
        int32_t offset_secs;
        bool dst;
        char abbreviation[ZONE_ABBREVIATION_MAX];
};

/* ---- the rule of a footer: POSIX's TZ, as RFC 9636 extends it ---- */

enum zone_day {
        ZONE_DAY_WEEKDAY,   /* Mm.w.d */
        ZONE_DAY_NO_LEAP,   /* Jn: 1 … 365, February 29 is never counted */
        ZONE_DAY_FROM_ZERO, /* n: 0 … 365 */
};

/* When in a year clocks are set, by what they show before. */
struct zone_date {
        enum zone_day kind;
        unsigned month;   /* ZONE_DAY_WEEKDAY: 1 … 12 */
        unsigned week;    /* 1 … 5: the last */
        unsigned weekday; /* 0: Sunday */
        unsigned day;     /* of the others */
        int32_t secs;     /* from the day's midnight; within ±168 h */
};

struct zone_rule {
        struct zone_type std;
        struct zone_type dst;
        struct zone_date start; /* of dst */
        struct zone_date end;
        bool changes; /* false: always std */
};

/* Parses the @size bytes at @text. Returns 0 or -EBADMSG. */
int zone_rule_parse(const char *text, size_t size, struct zone_rule *ret);

/* What is in force at @utc_secs, and until when at least; INT64_MAX: for ever. What follows is the other. */
const struct zone_type *zone_rule_at(const struct zone_rule *rule, int64_t utc_secs, int64_t *ret_until);

/* ---- zones ---- */

/* Before changes[0] types[0] is in force, from changes[i] on types[kinds[i]], and from the last change on the rule if there
 * is one. Changes never descend; of equal ones the last counts. */
struct zone {
        atomic_uint n_ref;
        char name[ZONE_NAME_MAX];
        char *paths[3]; /* see zone_paths() */
        size_t n_changes;
        int64_t *changes; /* POSIX time */
        uint8_t *kinds;
        size_t n_types; /* at least 1 */
        struct zone_type *types;
        bool has_rule;
        struct zone_rule rule;
};

/* With one reference, and nothing but @name, which is not too long. NULL: out of memory. */
struct zone *zone_new(const char *name);
