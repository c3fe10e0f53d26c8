/* SPDX-License-Identifier: MIT */
#pragma once
/* secret: what in a value is a secret, going by what it is called.
 *
 * Nobody can know; this knows names such as password and Authorization, and the user and password of URLs. Lint asks to
 * warn of what is written in clear text, and would rather miss one than cry wolf; what is shown to people hides
 * whatever has such a name.
 */
#include "config/keys.h"

/* Whether @line, of the value of a key called @key, seems to have a secret in it. */
bool secret_is_in(const char *key, const char *line);

/* @text, the value of a key called @key, with *** for what is secret in it, to be freed; NULL: out of memory. */
char *secret_hide(const char *key, const char *text);
