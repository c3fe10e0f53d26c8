/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-getaddrinfo: name resolution that a test scripts. Named in a test's SOURCES it takes the place of libc's, for the
 * libraries as well: libcurl, should it resolve anything by itself, is counted too. */
#include <stdbool.h>

/* Forgets everything; no thread may be stalled. */
void fake_getaddrinfo_reset(void);

/* @name has these @addresses, separated by spaces, or fails with the EAI_ code @error. Names not told of: EAI_NONAME. */
void fake_getaddrinfo_add(const char *name, const char *addresses, int error);

/* Lookups of any name hang until fake_getaddrinfo_release(). */
void fake_getaddrinfo_stall(void);

/* Lets them all go on; later ones do not hang. */
void fake_getaddrinfo_release(void);

/* Returns when @n lookups hang. */
void fake_getaddrinfo_wait_stalled(unsigned n);

/* How many lookups there were. */
unsigned fake_getaddrinfo_calls(void);
