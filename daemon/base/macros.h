/* SPDX-License-Identifier: MIT */
#pragma once
/* macros: the few language extensions used everywhere: scoped cleanup, ownership moves, containers. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))
#define _noreturn_     __attribute__((noreturn))

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Moves a pointer out of a variable, so that its _cleanup_ has nothing left to free. */
#define TAKE_PTR(p)                                                                                                    \
        ({                                                                                                             \
                __typeof__(p) _taken = (p);                                                                            \
                (p) = NULL;                                                                                            \
                _taken;                                                                                                \
        })

/* The same for a descriptor, whose empty value is -EBADF. */
#define TAKE_FD(fd)                                                                                                    \
        ({                                                                                                             \
                int _taken = (fd);                                                                                     \
                (fd) = -EBADF;                                                                                         \
                _taken;                                                                                                \
        })

#define MIN(a, b)                                                                                                      \
        ({                                                                                                             \
                __typeof__(a) _min_a = (a);                                                                            \
                __typeof__(b) _min_b = (b);                                                                            \
                _min_a < _min_b ? _min_a : _min_b;                                                                     \
        })

#define MAX(a, b)                                                                                                      \
        ({                                                                                                             \
                __typeof__(a) _max_a = (a);                                                                            \
                __typeof__(b) _max_b = (b);                                                                            \
                _max_a > _max_b ? _max_a : _max_b;                                                                     \
        })

/* Defines FUNC##p for _cleanup_(): calls @func unless the pointer is NULL. */
#define DEFINE_CLEANUP(type, func)                                                                                     \
        static inline void func##p(type **p) {                                                                         \
                if (*p)                                                                                                \
                        func(*p);                                                                                      \
        }

static inline void freep(void *p) {
        free(*(void **)p);
}

static inline void closep(int *fd) {
        if (*fd >= 0)
                (void)close(*fd);
}

static inline bool streq(const char *a, const char *b) {
        return *a == *b && strcmp(a, b) == 0; /* most that differ do so in their first letter */
}
