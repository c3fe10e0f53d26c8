/* SPDX-License-Identifier: MIT */
/* every: the arithmetic of `every`. */
#include "when/every.h"

usec_t every_next(usec_t anchor, usec_t interval, usec_t after) {
        if (after < anchor)
                return usec_add(anchor, interval);
        return usec_add(after - (after - anchor) % interval, interval);
}

/* FNV-1a, 64 bits, as described by Fowler, Noll and Vo; the terminating zero keeps the parts apart. */
static uint64_t hash(uint64_t h, const char *s) {
        do {
                h ^= (unsigned char)*s;
                h *= UINT64_C(0x100000001b3);
        } while (*s++);
        return h;
}

usec_t every_splay(usec_t splay, const char *machine_id, const char *host, const char *task) {
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        if (splay == 0)
                return 0;
        h = hash(h, machine_id);
        h = hash(h, host);
        h = hash(h, task);
        return h % splay;
}
