/* SPDX-License-Identifier: MIT */
#pragma once
/* transient: makes a task that no configuration has, of what somebody asks for as a key of [task] would be written. */
#include "task/task.h"

struct task_setting {
        const char *key;
        const char *text;
};

#define TRANSIENT_WRONG_MAX 640

/* A task of kind exec with what the table says is the default, and @settings; sections of defaults are not for it. With
 * @fan_out its items come from a socket. It has a transient_part without anything, and no command yet. Returns 0, -ENOMEM;
 * -EINVAL with "timeout: what is wrong (what is allowed)" in @wrong. */
int transient_task_new(const char *name, const struct task_setting *settings, size_t n, bool fan_out,
                       char wrong[TRANSIENT_WRONG_MAX], struct task **ret);
