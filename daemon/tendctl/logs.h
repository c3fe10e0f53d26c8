/* SPDX-License-Identifier: MIT */
#pragma once
/* logs: what `tendctl logs` is made of: the lines of the journal, or of what the daemon keeps where the journal has none. */
#include "tendctl/ctl.h"
#include "tendctl/journal.h"

/* Prints one line as ctl->json says. */
void logs_print(const struct ctl *ctl, const struct journal_record *record);

/* What is kept of what runs have printed. */
struct logs_kept {
        json_t *outputs; /* the end of what each has printed, the latest last */
        char *file;      /* the end of the task's log file; NULL: it has none, or it cannot be read */
};

/* Finds what is kept of the runs that @names mean: of those that ended after @since_usec, and of those that live. Returns an
 * exit code; @ret is to be done with in any case. */
int logs_find_kept(struct ctl *ctl, char *const *names, size_t n_names, usec_t since_usec, struct logs_kept *ret);

/* Prints the last @n lines of it: of the file, if there is one, as lines of @task. */
void logs_print_kept(const struct ctl *ctl, const struct logs_kept *kept, const char *task, uint64_t n);
void logs_kept_done(struct logs_kept *kept);
