/* SPDX-License-Identifier: MIT */
/* retry: when to try again. */
#include "base/random.h"
#include "run/node.h"

usec_t retry_delay(usec_t min, usec_t max, unsigned n, uint64_t *random) {
        usec_t delay = min;
        uint64_t percent;

        for (unsigned i = 1; i < n && delay < max; i++)
                delay = usec_add(delay, delay);
        delay = MIN(delay, MAX(max, min));

        percent = 80 + random_below(random, 41);
        return delay > USEC_INFINITY / 200 ? delay : delay * percent / 100;
}
