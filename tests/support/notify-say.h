/* SPDX-License-Identifier: MIT */
#pragma once
/* notify-say: says something on a notify socket, as sd_notify(3) does. */
#include "base/macros.h"

/* Sends @text to the socket at @path, with the descriptor @fd unless it is negative. Returns 0 or -errno. */
int notify_say(const char *path, const char *text, int fd);
