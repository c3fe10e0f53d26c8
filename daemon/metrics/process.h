/* SPDX-License-Identifier: MIT */
#pragma once
/* process: what the daemon itself uses, by the names that exporters of other languages have for it. */
#include "base/clock.h"

struct process_usage {
        usec_t cpu_usec;
        uint64_t resident_bytes;
        uint64_t virtual_bytes;
        uint64_t max_fds; /* UINT64_MAX: no bound */
};

/* Of the kernel, which keeps nobody waiting for this. What cannot be read is 0. */
void process_get_usage(struct process_usage *ret);

/* The open descriptors are counted step by step, as there may be many. */
struct process_fds;
struct process_fds *process_fds_new(void); /* NULL: cannot be counted */
/* Returns 1: there are more to count; 0: @ret_n were open. */
int process_fds_step(struct process_fds *fds, uint64_t *ret_n);
struct process_fds *process_fds_free(struct process_fds *fds);
