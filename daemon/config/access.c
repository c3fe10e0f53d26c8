/* SPDX-License-Identifier: MIT */
/* access: from the names in [access] to numbers.
 *
 * Who connects is known by numbers alone, which the kernel tells; so names are looked up here, once, where it may take its time, and
 * the loop never asks the name service. Of a group only its number matters: who is in it the kernel knows of each client.
 */
#include "base/text.h"
#include "config/load.h"

#include <grp.h>
#include <pwd.h>

/* An entry of a group has the names of all its members in it. */
#define ENTRY_MIN ((size_t)4096)
#define ENTRY_MAX ((size_t)(4 * 1024 * 1024))

/* Looks @name up with a buffer of @size bytes. Returns 1, 0 when there is none, -errno; -ERANGE: the buffer is too small. */
static int look_up_within(bool is_group, const char *name, size_t size, uint32_t *ret) {
        _cleanup_(freep) char *buffer = malloc(size);
        struct passwd user, *found_user = NULL;
        struct group group, *found_group = NULL;
        int error;

        if (!buffer)
                return -ENOMEM;
        error = is_group ? getgrnam_r(name, &group, buffer, size, &found_group)
                         : getpwnam_r(name, &user, buffer, size, &found_user);
        if (found_user)
                *ret = found_user->pw_uid;
        if (found_group)
                *ret = found_group->gr_gid;
        if (found_user || found_group)
                return 1;
        /* What else says that there is none, see getpwnam(3). */
        return error == ENOENT || error == ESRCH ? 0 : -error;
}

static int look_up(bool is_group, const char *name, uint32_t *ret) {
        size_t size = ENTRY_MIN;
        int r;

        do {
                r = look_up_within(is_group, name, size, ret);
                size *= 4;
        } while (r == -ERANGE && size <= ENTRY_MAX);
        return r;
}

/* As this number the kernel tells everybody who has none in our user namespace: "nobody" and "nogroup". */
#define OVERFLOW_ID 65534

/* The number of @word. Returns 1, 0 when it is not known, which is told, -ENOMEM. */
static int find_number(struct load *load, const char *key, const char *word, struct principal *ret) {
        const struct raw_section *section = load_find(load, SECTION_ACCESS, "");
        bool is_group = *word == 'g';
        const char *kind = is_group ? "group" : "user", *name = strchr(word, ':') + 1;
        uint64_t number;
        uint32_t id = 0;
        int r;

        if (text_parse_uint(name, 0, UINT32_MAX - 1, &number) == 0) {
                *ret = (struct principal){ .is_group = is_group, .id = (uint32_t)number };
                return 1;
        }
        r = load->options->portable ? 0 : look_up(is_group, name, &id);
        if (r == -ENOMEM)
                return r;
        if (r > 0)
                *ret = (struct principal){ .is_group = is_group, .id = id };
        else if (r < 0)
                load_tell_key(load, SEVERITY_WARNING, section, key,
                              "the %s %s cannot be looked up, so that it gives the role to nobody: %s", kind,
                              load_shown(section, key, name), strerror(-r));
        else if (!load->options->portable)
                load_tell_key(load, SEVERITY_WARNING, section, key,
                              "there is no %s %s here, so that it gives the role to nobody", kind,
                              load_shown(section, key, name));
        return r > 0;
}

/* The same, and says what is wrong with it. */
static int resolve(struct load *load, const char *key, const char *word, struct principal *ret) {
        int r = find_number(load, key, word, ret);

        if (r > 0 && ret->id == OVERFLOW_ID)
                load_tell_key(load, SEVERITY_WARNING, load_find(load, SECTION_ACCESS, ""), key,
                              "%d is the number of whoever has none here, so that it may give the role to anybody from "
                              "another user namespace",
                              OVERFLOW_ID);
        return r;
}

static int resolve_list(struct load *load, const char *key, struct access_list *list) {
        size_t n = 0;
        int r = 0;

        while (list->words && list->words[n])
                n++;
        list->known = calloc(n + 1, sizeof(*list->known));
        if (!list->known)
                return -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++) {
                r = resolve(load, key, list->words[i], &list->known[list->n_known]);
                list->n_known += r > 0;
        }
        return MIN(r, 0);
}

int load_access(struct load *load) {
        struct access_section *access = &load->config->access;
        int r;

        r = resolve_list(load, "view", &access->view);
        if (r == 0)
                r = resolve_list(load, "operate", &access->operate);
        if (r == 0)
                r = resolve_list(load, "admin", &access->admin);
        return r;
}
