/* SPDX-License-Identifier: MIT */
#pragma once
/* hostile: processes that do what supervised processes should not do. A test program calls hostile_main() when it is
 * run with the word "hostile", so that it can spawn itself. */

/* Behaves as argv[1] says; see the table in hostile.c. Most modes write "ready\n" to stdout when all their processes
 * have taken their places. Never returns. */
void hostile_main(int argc, char *argv[]) __attribute__((noreturn));
