/* SPDX-License-Identifier: MIT */
/* trust: certificates by the file they were read from.
 *
 * When those of a file are stale, the first who asks is told to read them again, and the others go on with the old ones
 * for a while. At the very first time several may read the same file; the first to be done wins.
 */
#include "task/trust.h"

#include "base/clock.h"
#include "base/list.h"

#define SYSTEM_FRESH_USEC (1 * USEC_PER_HOUR)
#define FILE_FRESH_USEC   (60 * USEC_PER_SEC)
#define REREAD_USEC       (10 * USEC_PER_SEC)

struct entry {
        struct list link;
        struct stream_tls *tls;
        usec_t fresh_until_usec;
        bool rereading;
        char *ca_file; /* NULL: the system's */
};

struct trust {
        struct list entries; /* few: one for each file that is named */
};

static struct entry *entry_free(struct entry *entry) {
        if (!entry)
                return NULL;
        list_remove(&entry->link);
        stream_tls_unref(entry->tls);
        free(entry->ca_file);
        free(entry);
        return NULL;
}

static int entry_new(struct trust *trust, const char *ca_file, struct entry **ret) {
        struct entry *entry;

        entry = calloc(1, sizeof(*entry));
        if (!entry)
                return -ENOMEM;
        list_init(&entry->link);
        if (ca_file) {
                entry->ca_file = strdup(ca_file);
                if (!entry->ca_file) {
                        entry_free(entry);
                        return -ENOMEM;
                }
        }
        list_append(&trust->entries, &entry->link);
        *ret = entry;
        return 0;
}

static struct entry *entry_find(struct trust *trust, const char *ca_file) {
        struct entry *entry;

        list_for_each_entry(entry, &trust->entries, link)
                if (ca_file ? entry->ca_file && streq(entry->ca_file, ca_file) : !entry->ca_file)
                        return entry;
        return NULL;
}

int trust_new(struct trust **ret) {
        struct trust *trust;

        trust = calloc(1, sizeof(*trust));
        if (!trust)
                return -ENOMEM;
        list_init(&trust->entries);
        *ret = trust;
        return 0;
}

struct trust *trust_free(struct trust *trust) {
        struct entry *entry, *tmp;

        if (!trust)
                return NULL;
        list_for_each_entry_safe(entry, tmp, &trust->entries, link)
                entry_free(entry);
        free(trust);
        return NULL;
}

struct stream_tls *trust_get(struct trust *trust, const char *ca_file) {
        struct entry *entry = entry_find(trust, ca_file);
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (!entry)
                return NULL;
        if (now < entry->fresh_until_usec)
                return entry->tls;
        entry->fresh_until_usec = usec_add(now, REREAD_USEC);
        entry->rereading = true;
        return NULL;
}

struct stream_tls *trust_put(struct trust *trust, const char *ca_file, struct stream_tls *tls) {
        struct entry *entry = entry_find(trust, ca_file);
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);

        if (entry && !entry->rereading && now < entry->fresh_until_usec) {
                stream_tls_unref(tls);
                return entry->tls;
        }
        if (!entry && entry_new(trust, ca_file, &entry) < 0) {
                stream_tls_unref(tls);
                return NULL;
        }
        stream_tls_unref(entry->tls);
        entry->tls = tls;
        entry->rereading = false;
        entry->fresh_until_usec = usec_add(now, ca_file ? FILE_FRESH_USEC : SYSTEM_FRESH_USEC);
        return tls;
}

const char *trust_error(int error) {
        return error == EINVAL ? "there is no certificate in it" : strerrordesc_np(error);
}
