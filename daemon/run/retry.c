/* SPDX-License-Identifier: MIT */
/* retry: when to try again. */
#include "base/random.h"
#include "run/node.h"

usec_t retry_delay(const struct run_spec *spec, unsigned attempt, uint64_t *random) {
        usec_t delay = spec->retry_delay_min_usec;
        uint64_t percent;

        for (unsigned i = 2; i < attempt && delay < spec->retry_delay_max_usec; i++)
                delay = usec_add(delay, delay);
        delay = MIN(delay, MAX(spec->retry_delay_max_usec, spec->retry_delay_min_usec));

        percent = 80 + random_below(random, 41);
        return delay > USEC_INFINITY / 200 ? delay : delay * percent / 100;
}
