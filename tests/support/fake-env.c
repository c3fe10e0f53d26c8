/* SPDX-License-Identifier: MIT */
/* fake-env: live/env.c for tests whose tasks have leaves of the test's own: no spawner, resolver or HTTP. */
#include "live/live_private.h"

int live_env_init(struct live *live, const struct live_options *options _unused_) {
        live->env.loop = live->loop;
        return 0;
}

void live_env_done(struct live *live _unused_) {
}

int live_env_reload(_unused_ struct live *live, _unused_ const struct config *config) {
        return 0;
}
