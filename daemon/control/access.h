/* SPDX-License-Identifier: MIT */
#pragma once
/* access: which role the section [access] gives to whom. */
#include "config/config.h"
#include "control/varlink.h"

/* The highest role that @access gives to @peer, which has @groups beside its gid. Root and @own, the daemon's own user, are always
 * admins. */
enum varlink_role access_role(const struct access_section *access, uid_t own, const struct varlink_peer *peer,
                              const gid_t *groups, size_t n_groups);

/* Whether it gives one to anybody who is not an admin anyway. */
bool access_names_others(const struct access_section *access, uid_t own);
