/* SPDX-License-Identifier: MIT */
/* error: what goes wrong is told on stderr, see ctl.h. */
#include "tendctl/ctl.h"

#include <stdarg.h>
#include <stdio.h>

int ctl_error(int code, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        fputs("tendctl: ", stderr);
        vfprintf(stderr, format, ap);
        fputc('\n', stderr);
        va_end(ap);
        return code;
}
