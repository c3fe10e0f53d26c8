/* SPDX-License-Identifier: MIT */
/* verb_run: run. */
#include "tendctl/attach.h"
#include "tendctl/print.h"

#include <stdio.h>

/* What it reads and writes is what tendctl would; with --json stdout is for the outcome alone. */
static int give_files(struct attach *attach, json_t *parameters) {
        static const char *const names[] = { "stdin", "stdout", "stderr" };
        int r = 0;

        for (int i = 0; i < 3 && r == 0; i++) {
                int fd = i == STDOUT_FILENO && attach->ctl->json ? STDERR_FILENO : i;

                r = attach_give(attach, parameters, names[i], fd);
        }
        return r < 0 ? ctl_error(CTL_BROKEN, "out of memory") : CTL_OK;
}

static int print_end(struct attach *attach) {
        int code = (int)get_int(attach->result, "exit_code");

        if (attach->ctl->json)
                (void)print_json(json_incref(attach->result));
        else
                attach_explain(attach);
        return code;
}

static int print_name(const struct attach *attach) {
        if (attach->ctl->json)
                return print_json(json_pack("{s:s}", "run", attach->run));
        printf("%s\n", attach->run);
        return CTL_OK;
}

int verb_run(struct ctl *ctl, const struct verb_args *args) {
        struct attach attach = { .ctl = ctl, .signal_fd = -EBADF };
        bool detach = args->options[RUN_DETACH] != NULL;
        json_t *parameters = NULL;
        int code;

        code = attach_parameters(ctl, verb_find("run"), args, &parameters);
        if (code == CTL_OK)
                code = attach_give_surroundings(&attach, parameters,
                                                json_string_value(json_object_get(parameters, "user")));
        if (code == CTL_OK && !detach)
                code = give_files(&attach, parameters);
        if (code == CTL_OK)
                code = attach_call(&attach, "RunCommand", TAKE_PTR(parameters));
        json_decref(parameters);
        if (code == CTL_OK)
                code = attach.result ? print_end(&attach) : detach ? print_name(&attach) : CTL_BROKEN;
        attach_done(&attach);
        return code;
}
