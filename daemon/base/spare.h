/* SPDX-License-Identifier: MIT */
#pragma once
/* spare: objects of one type, kept for the next use instead of going back to malloc().
 *
 * For what comes and goes by the dozen at a time: the C library's own cache holds seven blocks of a size and then
 * merges and splits memory, which costs more than all else that is done for a short-lived run. Under AddressSanitizer
 * nothing is kept, so that it sees who uses what was given back. One thread.
 */
#include "base/macros.h"

struct spare {
        void *first; /* each begins with a pointer to the next */
        size_t size;
        unsigned n;
        unsigned max;
};

/* For objects of @type, of which at most @max_kept are kept. */
#define SPARE_INIT(type, max_kept)                                                                                     \
        { .size = sizeof(type), .max = (max_kept) }

#if defined(__SANITIZE_ADDRESS__)
#define SPARE_KEEPS false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARE_KEEPS false
#endif
#endif
#ifndef SPARE_KEEPS
#define SPARE_KEEPS true
#endif

/* A zeroed object, to be given back; NULL: out of memory. */
static inline void *spare_take(struct spare *spare) {
        void *object = spare->first;

        if (!object)
                return calloc(1, spare->size);
        memcpy(&spare->first, object, sizeof(spare->first));
        spare->n--;
        return memset(object, 0, spare->size);
}

static inline void spare_give(struct spare *spare, void *object) {
        if (!SPARE_KEEPS || spare->n >= spare->max) {
                free(object);
                return;
        }
        memcpy(object, &spare->first, sizeof(spare->first));
        spare->first = object;
        spare->n++;
}

static inline void spare_done(struct spare *spare) {
        while (spare->first) {
                void *object = spare->first;

                memcpy(&spare->first, object, sizeof(spare->first));
                free(object);
        }
        spare->n = 0;
}
