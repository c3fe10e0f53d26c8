/* SPDX-License-Identifier: MIT */
#pragma once
/* hostile: processes that do what supervised processes should not do. A test program calls hostile_main() when it is
 * run with the word "hostile", so that it can spawn itself. */
#include <stddef.h>

enum hostile_flags {
        HOSTILE_ENDS = 1 << 0,        /* its main process ends by itself, and leaves others */
        HOSTILE_NEEDS_GROUP = 1 << 1, /* what it leaves is out of a walk's reach: see loop/child_walk.c */
        HOSTILE_WHEN_READY = 1 << 2,  /* the same, while it is on its way there */
        HOSTILE_SILENT = 1 << 3,      /* it does not say that it is ready */
};

struct hostile_mode {
        const char *name;
        void (*run)(void);
        unsigned flags;
};

extern const struct hostile_mode hostile_modes[];
extern const size_t hostile_n_modes;

/* Behaves as argv[1] says; see the table in hostile.c. Most modes write "ready\n" to stdout when all their processes
 * have taken their places. argv[2] is for others to know them by. Never returns. */
void hostile_main(int argc, char *argv[]) __attribute__((noreturn));
