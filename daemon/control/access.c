/* SPDX-License-Identifier: MIT */
/* access: which role the section [access] gives to whom, see access.h. Pure. */
#include "control/access.h"

/* The highest first. */
static const struct {
        enum varlink_role role;
        size_t list;
} roles[] = {
        { VARLINK_ROLE_ADMIN, offsetof(struct access_section, admin) },
        { VARLINK_ROLE_OPERATE, offsetof(struct access_section, operate) },
        { VARLINK_ROLE_VIEW, offsetof(struct access_section, view) },
};

static const struct access_list *list_at(const struct access_section *access, size_t i) {
        return (const struct access_list *)((const char *)access + roles[i].list);
}

static bool has_group(const struct varlink_peer *peer, const gid_t *groups, size_t n_groups, gid_t group) {
        bool found = peer->gid == group;

        for (size_t i = 0; i < n_groups && !found; i++)
                found = groups[i] == group;
        return found;
}

enum varlink_role access_role(const struct access_section *access, uid_t own, const struct varlink_peer *peer,
                              const gid_t *groups, size_t n_groups) {
        if (peer->uid == 0 || peer->uid == own)
                return VARLINK_ROLE_ADMIN;
        for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
                const struct access_list *list = list_at(access, i);

                for (size_t k = 0; k < list->n_known; k++) {
                        const struct principal *principal = &list->known[k];

                        if (principal->is_group ? has_group(peer, groups, n_groups, principal->id)
                                                : peer->uid == principal->id)
                                return roles[i].role;
                }
        }
        return VARLINK_ROLE_NONE;
}

bool access_names_others(const struct access_section *access, uid_t own) {
        for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
                const struct access_list *list = list_at(access, i);

                for (size_t k = 0; k < list->n_known; k++)
                        if (list->known[k].is_group || (list->known[k].id != 0 && list->known[k].id != own))
                                return true;
        }
        return false;
}
