/* SPDX-License-Identifier: MIT */
/* run-family: fake tasks for tests of the run tree, see run-family.h. */
#include "support/run-family.h"

#include <stdio.h>

struct fake_task a, b, c, g, h;
struct fake_task m[FAMILY_MEMBERS];
struct run_member members[FAMILY_MEMBERS], outer[2];

static void make_group(struct fake_task *task, const char *name, const struct run_member *of, size_t n) {
        fake_task_init(task, name);
        task->spec.is_group = true;
        task->spec.members = of;
        task->spec.n_members = n;
}

void family_make(void) {
        fake_task_init(&a, "a");
        fake_task_init(&b, "b");
        fake_task_init(&c, "c");
        members[0] = (struct run_member){ .spec = &a.spec };
        members[1] = (struct run_member){ .spec = &b.spec };
        outer[0] = (struct run_member){ .spec = &g.spec };
        outer[1] = (struct run_member){ .spec = &c.spec };
        make_group(&g, "g", members, 2);
        make_group(&h, "h", outer, 2);
}

void family_make_group(enum group_policy policy, size_t n) {
        static const char *const names[FAMILY_MEMBERS] = { "m0", "m1", "m2", "m3" };

        for (size_t i = 0; i < FAMILY_MEMBERS; i++) {
                fake_task_init(&m[i], names[i]);
                members[i] = (struct run_member){ .spec = &m[i].spec };
        }
        outer[0] = (struct run_member){ .spec = &g.spec };
        make_group(&g, "g", members, n);
        make_group(&h, "h", outer, 1);
        g.spec.policy = policy;
}

void family_end(size_t i, enum error_kind error) {
        char name[32];

        (void)snprintf(name, sizeof(name), "g#1/m%zu", i);
        fake_leaf_end(name, error);
        settle();
}
