/* SPDX-License-Identifier: MIT */
/* fake-inspect: see fake-inspect.h. */
#include "support/fake-inspect.h"

#include "base/list.h"
#include "loop/spawner.h"

struct child_inspection {
        struct list link;
        const struct child *child;
        bool twice;
        child_inspected_fn fn;
        void *arg;
};

static struct list inspections = LIST_INIT(inspections);
static int refuse;

void fake_inspect_reset(void) {
        list_init(&inspections);
        refuse = 0;
}

void fake_inspect_refuse(int error) {
        refuse = error;
}

unsigned fake_inspect_count(const struct child *child) {
        const struct child_inspection *inspection;
        unsigned n = 0;

        list_for_each_entry(inspection, &inspections, link)
                n += inspection->child == child;
        return n;
}

bool fake_inspect_twice(const struct child *child) {
        const struct child_inspection *inspection;

        list_for_each_entry(inspection, &inspections, link)
                if (inspection->child == child && !inspection->twice)
                        return false;
        return true;
}

void fake_inspect_tell(const struct child *child, const struct child_processes *processes) {
        struct child_inspection *inspection, *tmp;

        list_for_each_entry_safe(inspection, tmp, &inspections, link) {
                child_inspected_fn fn = inspection->fn;
                void *arg = inspection->arg;

                if (inspection->child != child)
                        continue;
                child_inspection_cancel(inspection);
                fn(processes, arg);
        }
}

/* ---- in place of child_inspect.c ---- */

int child_inspect(struct child *child, bool twice, child_inspected_fn fn, void *arg, struct child_inspection **ret) {
        struct child_inspection *inspection;

        if (refuse > 0)
                return -refuse;
        inspection = malloc(sizeof(*inspection));
        if (!inspection)
                return -ENOMEM;
        *inspection = (struct child_inspection){ .child = child, .twice = twice, .fn = fn, .arg = arg };
        list_append(&inspections, &inspection->link);
        *ret = inspection;
        return 0;
}

struct child_inspection *child_inspection_cancel(struct child_inspection *inspection) {
        if (inspection)
                list_remove(&inspection->link);
        free(inspection);
        return NULL;
}

/* What children and their spawner ask of it: there are none. */
void child_look_forget(struct child_look *look _unused_) {
}

void child_looks_go_on(struct spawner *spawner _unused_) {
}

void child_looks_end(struct spawner *spawner _unused_) {
}
