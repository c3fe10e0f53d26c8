/* SPDX-License-Identifier: MIT */
/* kind: the table of kinds. */
#include "task/kind.h"

const struct kind *const kinds[] = {
        &kind_exec, &kind_http, &kind_tcp, &kind_dns, &kind_file, NULL,
};

const struct kind *kind_from_string(const char *name) {
        for (size_t i = 0; kinds[i]; i++)
                if (streq(kinds[i]->name, name))
                        return kinds[i];
        return NULL;
}

const struct hook_context *hook_context_of(const struct run *run) {
        return run_is_hook(run) ? run_userdata(run) : NULL;
}
