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

static bool view(const struct run_spec *spec, const void *data, struct kind_view *ret) {
        const struct kind *kind = task_of(spec)->kind;

        *ret = (struct kind_view){ 0 };
        if (!data || !kind || !kind->view)
                return false;
        kind->view(data, ret);
        return true;
}

bool kind_view_leaf(const struct run *leaf, struct kind_view *ret) {
        if (!leaf || run_get_state(leaf) == RUN_QUEUED || run_get_state(leaf) == RUN_DONE)
                return false;
        return view(run_get_spec(leaf), run_leaf_data(leaf), ret);
}

struct run *kind_run_of(const struct child *child) {
        struct run *leaf = NULL;

        for (size_t i = 0; kinds[i] && !leaf; i++)
                leaf = kinds[i]->run_of ? kinds[i]->run_of(child) : NULL;
        return leaf;
}

char *kind_output_tail(const struct run *leaf) {
        const struct kind *kind = leaf ? task_of(run_get_spec(leaf))->kind : NULL;

        return kind && kind->output_tail && run_leaf_data(leaf) ? kind->output_tail(run_leaf_data(leaf)) : NULL;
}

bool kind_view_remnant(const struct remnant *remnant, struct kind_view *ret) {
        return view(remnant_spec(remnant), remnant_data(remnant), ret);
}

const struct hook_context *hook_context_of(const struct run *run) {
        return run_is_hook(run) ? run_userdata(run) : NULL;
}
