/* SPDX-License-Identifier: MIT */
#pragma once
/* instance: the directories of a daemon, and the lock that keeps a second one out of them. */
#include "base/macros.h"

#include <sys/types.h>

struct instance {
        char *runtime_dir;
        char *state_dir;
        int lock_fd;
        bool shared;
};

struct instance_options {
        const char *
                runtime_dir; /* NULL: $RUNTIME_DIRECTORY, /run/tendd for root, else below the user's runtime directory */
        const char
                *state_dir; /* NULL: $STATE_DIRECTORY, /var/lib/tendd for root, else below the user's state directory */
        bool shared;        /* others that share may be there, a daemon may not: --once */
};

/* Makes the directories that are missing and takes the lock in the runtime directory. Returns 0; -EBUSY when another
 * process holds it, which is @ret_pid (0: not known); -errno. A line on stderr says what is wrong. */
int instance_open(const struct instance_options *options, struct instance *ret, pid_t *ret_pid);
void instance_close(struct instance *instance);

/* What tells this instance from all others at work on the machine; the same for the next one in the same directory, but
 * not for instances that share it. Returns @buf. */
#define INSTANCE_TAG_MAX 64
const char *instance_tag(const struct instance *instance, char buf[INSTANCE_TAG_MAX]);

/* The directory for what runs speak to. To be freed; NULL: out of memory. */
char *instance_notify_path(const struct instance *instance);

/* Where the last accepted configuration is kept in @state_dir, NULL: where instance_options says. To be freed; NULL: out of
 * memory. */
char *instance_accepted_path(const char *state_dir);

/* The usual path of the store. To be freed; NULL: out of memory. */
char *instance_store_path(const struct instance *instance);

/* The path of the control socket. To be freed; NULL: out of memory. */
char *instance_socket_path(const struct instance *instance);
