/* SPDX-License-Identifier: MIT */
#pragma once
/* journal: what the journal has of tasks and runs. The only file of the client that knows sd-journal; in a build without
 * libsystemd there is no journal. */
#include "base/clock.h"

#include <sys/types.h>

struct journal;

/* Which records. Those of the daemon itself and of everything it runs, when there are no names. */
struct journal_query {
        char *const *names; /* tasks and runs, also patterns; a group means its members too, a run those below it */
        size_t n_names;
        const uid_t *uids; /* as one of these the daemon runs: others may write what they like into the journal */
        size_t n_uids;
        usec_t since_usec; /* realtime; 0: from the first on */
};

/* One record; strings are the journal's, until the next call. They are UTF-8, or "" where the record has none. */
struct journal_record {
        usec_t realtime_usec;
        int level;
        const char *identifier;
        const char *task;
        const char *run;
        const char *event;
        const char *outcome;
        const char *error;
        const char *text;
        usec_t duration_usec;
        bool is_ours; /* said by the daemon, not by a command */
};

/* What of the journal this user can read. */
enum journal_access {
        JOURNAL_NONE,   /* there is none on this machine, or it is not known how to read it */
        JOURNAL_DENIED, /* there is one */
        JOURNAL_PARTLY, /* his own records, not the system's */
        JOURNAL_ALL,
};

enum journal_access journal_access(void);

/* Whether one of the @n @names means the run @run of @task, or one that it is below. */
bool journal_is_wanted(char *const *names, size_t n, const char *task, const char *run);

/* @query is copied but for what it points to. Returns 0, -EOPNOTSUPP (no libsystemd), -ENOMEM, -errno. */
int journal_open(const struct journal_query *query, struct journal **ret);
struct journal *journal_close(struct journal *journal); /* takes NULL; always returns NULL */
DEFINE_CLEANUP(struct journal, journal_close)

/* What comes next is the last @n records, or all with UINT64_MAX. To be called once. Returns 0 or -errno. */
int journal_seek_last(struct journal *journal, uint64_t n);

/* Returns 1; 0: there is none for now; -errno. */
int journal_next(struct journal *journal, struct journal_record *ret);

/* Waits until there may be more. Returns 0 or -errno. */
int journal_wait(struct journal *journal);
