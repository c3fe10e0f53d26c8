/* SPDX-License-Identifier: MIT */
#pragma once
/* zone: what the clocks on the walls of a time zone show, from a TZif file (RFC 9636).
 *
 * The process's own TZ is never looked at or switched. Leap seconds of "right/" files are left out: instants are POSIX
 * time. Behind the last transition of a file the rule of its footer goes on for ever; a file without one stays as it was.
 * A zone is constant and may be used on any thread; where a file changes, another zone is loaded.
 */
#include "when/civil.h"

struct zone;

#define ZONE_NAME_MAX         64         /* with the NUL */
#define ZONE_ABBREVIATION_MAX 16         /* with the NUL */
#define ZONE_FILE_MAX         (1u << 20) /* bytes; a larger file is refused */

struct zone_time {
        int32_t offset_secs; /* local less UTC */
        bool dst;
        const char *abbreviation; /* lives as long as the zone */
};

/* Reads a TZif file from memory: version 1 to 4, and later ones as 4. Returns 0, -EBADMSG when it is none or contradicts
 * itself, -EINVAL when @name, what the zone calls itself, is too long, -ENOMEM. */
int zone_parse(const void *data, size_t size, const char *name, struct zone **ret);

/* Loads the zone of this name below the directory of zone files: $TZDIR, else /usr/share/zoneinfo. "UTC" is always there;
 * NULL means the machine's own, /etc/localtime, or UTC where there is none. Blocks: not on the loop. Returns 0, -ENOENT,
 * -EINVAL (no name of a zone: absolute, with "..", too long; or of a directory), -EBADMSG, -EFBIG, -ENOMEM, -errno. */
int zone_load(const char *name, struct zone **ret);

struct zone *zone_ref(struct zone *zone);   /* any thread */
struct zone *zone_unref(struct zone *zone); /* any thread; takes NULL; always returns NULL */
DEFINE_CLEANUP(struct zone, zone_unref)

/* As it was loaded by; of the machine's own the name that /etc/localtime links to, else "localtime". */
const char *zone_name(const struct zone *zone);

/* Where it came from, for who wants to know when that changes: the path that was opened, and if it is a symbolic link, or
 * below one, what it led to. NULL-terminated; none for what came from no file. Live as long as the zone. */
const char *const *zone_paths(const struct zone *zone);

/* Whether both tell the same time always. */
bool zone_equal(const struct zone *a, const struct zone *b);

/* What is in force at @utc_secs. */
void zone_at(const struct zone *zone, int64_t utc_secs, struct zone_time *ret);

enum zone_local {
        ZONE_UNIQUE,   /* [0]: the instant; [1] the same */
        ZONE_GAP,      /* clocks skip it: both are the first instant after the gap */
        ZONE_REPEATED, /* clocks show it twice: the first and the last time */
};

/* When clocks show @local_secs. */
enum zone_local zone_resolve(const struct zone *zone, int64_t local_secs, int64_t ret_utc[2]);

/* The first instant later than @utc_secs at which the offset changes; INT64_MAX: it never does again. */
int64_t zone_next_change(const struct zone *zone, int64_t utc_secs);
