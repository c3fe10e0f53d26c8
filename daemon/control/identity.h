/* SPDX-License-Identifier: MIT */
#pragma once
/* identity: as whom a client is, so that what he runs has his rights and no others. */
#include "control/varlink.h"
#include "loop/child.h"

/* The user, group and other groups that the client had when he connected. @ret->groups is to be freed. Returns 0, -ENOMEM,
 * -errno. */
int identity_of(const struct varlink_call *call, struct child_identity *ret);

/* Whether the client has renounced new privileges, as who runs something for him must then do, too; also when that cannot be
 * known. */
bool identity_has_renounced(const struct varlink_call *call);
