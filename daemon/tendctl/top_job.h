/* SPDX-License-Identifier: MIT */
#pragma once
/* top_job: a verb that is run beside the console, and what it prints, errors too. So what the console does and tells is what the verb
 * does and tells, and a daemon that is slow to answer does not keep anybody from typing. */
#include "tendctl/verb.h"

#define JOB_TEXT_MAX ((size_t)4 << 20) /* what is printed beyond that is left out */

struct job;

/* Runs @verb with one or two words and the options @options, which may be NULL. Returns 0, -ENOMEM, -errno. */
int job_start(const struct ctl *ctl, const char *verb, const char *word, const char *second, const char *const *options,
              struct job **ret);
/* Ends it if it has not ended. */
struct job *job_free(struct job *job);
DEFINE_CLEANUP(struct job, job_free)

int job_fd(const struct job *job); /* -1: it has ended */
/* Takes what it has printed. Returns whether it has ended. */
bool job_step(struct job *job);
/* So far; lines end with a line break, or the last with nothing. */
const char *job_text(const struct job *job);
