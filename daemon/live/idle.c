/* SPDX-License-Identifier: MIT */
/* idle: what is still at work that comes to an end by itself, and a daemon that waits for nothing else.
 *
 * Services do not end, and neither do the groups that hold them; but the jobs among the members of such a group do. What
 * tells the health of a service belongs to it: it goes on as long as the service does, and nobody waits for it.
 */
#include "live/live_private.h"

void live_close(struct live *live) {
        live->closed = true;
}

static size_t find(const struct run *parent, struct run **ret, size_t n) {
        size_t found = 0;

        for (struct run *run = run_first_child(parent); run && found < n; run = run_next_sibling(run)) {
                if (run_get_state(run) == RUN_DONE || live_is_check(live_task_of(run)))
                        continue;
                if (run_is_background(run)) /* its group ends it when all others are done */
                        continue;
                if (run_waits_for_guests(run)) /* who are found by themselves */
                        continue;
                if (!run_get_spec(run)->is_service)
                        ret[found++] = run;
                else if (run_get_role(run) == RUN_GROUP)
                        found += find(run, ret + found, n - found);
        }
        return found;
}

size_t live_find_busy(const struct live *live, struct run **ret, size_t n) {
        return find(run_tree_root(live->tree), ret, n);
}
