/* SPDX-License-Identifier: MIT */
#pragma once
/* random: spread for delays and the seeds of tests; nothing here is fit for secrets. */
#include "base/macros.h"

/* The next number of the sequence that @state, any seed, is at (splitmix64, Steele, Lea and Flood 2014). */
static inline uint64_t random_next(uint64_t *state) {
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

/* A number in 0 … @n - 1, @n ≥ 1. */
static inline uint64_t random_below(uint64_t *state, uint64_t n) {
        return random_next(state) % n;
}
