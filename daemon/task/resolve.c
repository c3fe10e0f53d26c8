/* SPDX-License-Identifier: MIT */
/* resolve: shared, cached lookups of names on a pool.
 *
 * An entry of the table is one name asked on one pool: a pool whose threads are stuck must not hold up those who chose
 * another one. An entry is pending (a lookup runs, queries wait), or fresh, or stale; only pending ones are never
 * evicted, and their number is bounded by the queues of the pools.
 *
 * A lookup is what the thread owns: it carries its own copy of the name and touches no entry. When the last query of an
 * entry is cancelled the lookup is abandoned and the entry forgets it, so that the next one who asks gets a thread that
 * works, within the spare threads of the pool.
 */
#include "task/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>

#define BUCKETS        1024u
#define FRESH_USEC     (10 * USEC_PER_SEC)
#define FAILED_USEC    (1 * USEC_PER_SEC)
#define NAME_BYTES_MAX 255u

struct lookup {
        struct entry *entry; /* NULL once abandoned */
        struct pool_job *job;
        struct resolve_answer *answer; /* out of memory, until the thread puts a better one there */
        resolve_returned_fn returned;
        void *returned_arg;
        char name[];
};

struct entry {
        struct list bucket;
        struct list used; /* in resolver->used, least recently used first, unless pending */
        struct resolver *resolver;
        struct pool *pool;
        struct lookup *lookup; /* not NULL: pending */
        struct resolve_answer *answer;
        usec_t until_usec;
        struct list queries;
        char name[];
};

struct resolve_query {
        struct list link;
        struct entry *entry;           /* pending */
        struct resolve_answer *answer; /* or answered from the table, on its way */
        struct resolver *resolver;
        resolve_fn fn;
        void *arg;
};

struct resolver {
        struct loop *loop;
        struct loop_work deliver;
        struct list answered; /* queries whose answer was there already */
        struct list used;
        size_t n;
        size_t n_max;
        struct list buckets[BUCKETS];
};

/* ---- answers ---- */

struct resolve_answer *resolve_answer_ref(struct resolve_answer *answer) {
        answer->n_ref++;
        return answer;
}

struct resolve_answer *resolve_answer_unref(struct resolve_answer *answer) {
        if (answer && --answer->n_ref == 0)
                free(answer);
        return NULL;
}

const char *resolve_answer_reason(const struct resolve_answer *answer) {
        if (answer->error == EAI_SYSTEM)
                return strerrordesc_np(answer->system_error) ?: "unknown error";
        return gai_strerror(answer->error);
}

struct resolve_answer *resolve_answer_of(const struct resolve_address *address) {
        struct resolve_answer *answer = calloc(1, sizeof(*answer) + sizeof(answer->addresses[0]));

        if (!answer)
                return NULL;
        answer->n_ref = 1;
        answer->n = 1;
        answer->addresses[0] = *address;
        return answer;
}

bool resolve_literal(const char *host, struct resolve_address *ret) {
        struct sockaddr_in in = { .sin_family = AF_INET };
        struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

        if (inet_pton(AF_INET, host, &in.sin_addr) == 1) {
                memcpy(&ret->address, &in, sizeof(in));
                ret->length = sizeof(in);
                return true;
        }
        if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
                memcpy(&ret->address, &in6, sizeof(in6));
                ret->length = sizeof(in6);
                return true;
        }
        return false;
}

static struct resolve_answer *answer_new(const struct addrinfo *list, int error, int system_error) {
        struct resolve_answer *answer;
        size_t n = 0;

        for (const struct addrinfo *i = list; i && n < RESOLVE_ADDRESSES_MAX; i = i->ai_next)
                if (i->ai_family == AF_INET || i->ai_family == AF_INET6)
                        n++;

        answer = calloc(1, sizeof(*answer) + n * sizeof(answer->addresses[0]));
        if (!answer)
                return NULL;
        answer->n_ref = 1;
        answer->error = error == 0 && n == 0 ? EAI_NONAME : error;
        answer->system_error = system_error;

        for (const struct addrinfo *i = list; i && answer->n < n; i = i->ai_next) {
                struct resolve_address *a = &answer->addresses[answer->n];

                if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
                        continue;
                memcpy(&a->address, i->ai_addr, i->ai_addrlen);
                a->length = i->ai_addrlen;
                answer->n++;
        }
        return answer;
}

struct resolve_answer *resolve_blocking(const char *name) {
        static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
        struct addrinfo *list = NULL;
        struct resolve_answer *answer;
        int error, system_error;

        errno = 0;
        error = getaddrinfo(name, NULL, &hints, &list);
        system_error = errno;
        answer = answer_new(error == 0 ? list : NULL, error, system_error);
        if (error == 0)
                freeaddrinfo(list);
        return answer;
}

/* ---- the table ---- */

static struct list *bucket_of(struct resolver *resolver, const char *name) {
        uint32_t h = 2166136261u; /* FNV-1a */

        for (; *name; name++)
                h = (h ^ (unsigned char)*name) * 16777619u;
        return &resolver->buckets[h % BUCKETS];
}

static struct entry *entry_find(struct resolver *resolver, struct pool *pool, const char *name) {
        struct entry *entry;

        list_for_each_entry(entry, bucket_of(resolver, name), bucket)
                if (entry->pool == pool && streq(entry->name, name))
                        return entry;
        return NULL;
}

static void entry_free(struct entry *entry) {
        entry->resolver->n--;
        list_remove(&entry->bucket);
        list_remove(&entry->used);
        resolve_answer_unref(entry->answer);
        free(entry);
}

static int entry_new(struct resolver *resolver, struct pool *pool, const char *name, struct entry **ret) {
        size_t size = strlen(name) + 1;
        struct entry *entry;

        while (resolver->n >= resolver->n_max && !list_empty(&resolver->used))
                entry_free(list_first_entry(&resolver->used, struct entry, used));

        entry = calloc(1, sizeof(*entry) + size);
        if (!entry)
                return -ENOMEM;
        memcpy(entry->name, name, size);
        entry->resolver = resolver;
        entry->pool = pool;
        list_init(&entry->used);
        list_init(&entry->queries);
        list_append(bucket_of(resolver, name), &entry->bucket);
        resolver->n++;
        *ret = entry;
        return 0;
}

static bool entry_fresh(const struct entry *entry) {
        return entry->answer && !entry->lookup && clock_now(CLOCK_ID_MONOTONIC) < entry->until_usec;
}

static void entry_touch(struct entry *entry) {
        list_remove(&entry->used);
        list_append(&entry->resolver->used, &entry->used);
}

/* ---- lookups ---- */

static void on_lookup_work(void *arg) {
        struct lookup *lookup = arg;
        struct resolve_answer *answer;

        answer = resolve_blocking(lookup->name);
        if (!answer)
                return;
        resolve_answer_unref(lookup->answer);
        lookup->answer = answer;
}

static void lookup_free(struct lookup *lookup) {
        resolve_answer_unref(lookup->answer);
        free(lookup);
}

static void on_lookup_returned(void *arg) {
        struct lookup *lookup = arg;

        if (lookup->returned)
                lookup->returned(lookup->returned_arg);
        lookup_free(lookup);
}

/* How long @answer may be given to others. What may be better the next moment is not kept. */
static usec_t keep_usec(const struct resolve_answer *answer) {
        switch (answer->error) {
        case 0: return FRESH_USEC;
        case EAI_AGAIN:
        case EAI_MEMORY:
        case EAI_SYSTEM: return 0;
        default: return FAILED_USEC;
        }
}

/* Tells every query in @queries. They may start others, and cancel those that were not told yet. */
static void deliver(struct list *queries, struct resolve_answer *answer) {
        struct resolve_query *query;

        while ((query = list_first_entry(queries, struct resolve_query, link))) {
                resolve_fn fn = query->fn;
                void *arg = query->arg;

                list_remove(&query->link);
                resolve_answer_unref(query->answer);
                free(query);
                fn(answer, arg);
        }
}

static void on_lookup_done(void *arg) {
        struct lookup *lookup = arg;
        struct entry *entry = lookup->entry;
        _cleanup_(resolve_answer_unrefp) struct resolve_answer *answer = TAKE_PTR(lookup->answer);
        struct list queries = LIST_INIT(queries);
        struct resolve_query *query;

        lookup_free(lookup);
        list_splice(&queries, &entry->queries);
        list_for_each_entry(query, &queries, link)
                query->entry = NULL;

        entry->lookup = NULL;
        resolve_answer_unref(entry->answer);
        entry->answer = resolve_answer_ref(answer);
        entry->until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), keep_usec(answer));
        entry_touch(entry);

        deliver(&queries, answer); /* after which the entry may be gone */
}

static int lookup_start(struct entry *entry) {
        static const struct pool_job_ops ops = {
                .name = "resolve",
                .work = on_lookup_work,
                .done = on_lookup_done,
                .returned = on_lookup_returned,
        };
        size_t size = strlen(entry->name) + 1;
        struct lookup *lookup;
        int r;

        lookup = calloc(1, sizeof(*lookup) + size);
        if (!lookup)
                return -ENOMEM;
        memcpy(lookup->name, entry->name, size);
        lookup->entry = entry;
        lookup->answer = answer_new(NULL, EAI_MEMORY, 0);
        if (!lookup->answer) {
                lookup_free(lookup);
                return -ENOMEM;
        }

        r = pool_submit(entry->pool, &ops, lookup, &lookup->job);
        if (r < 0) {
                lookup_free(lookup);
                return r;
        }
        entry->lookup = lookup;
        list_remove(&entry->used);
        return 0;
}

/* ---- the resolver ---- */

static void on_deliver(struct loop_work *work _unused_, void *arg) {
        struct resolver *resolver = arg;
        struct list queries = LIST_INIT(queries);
        struct resolve_query *query;

        list_splice(&queries, &resolver->answered);
        while ((query = list_first_entry(&queries, struct resolve_query, link))) {
                struct list one = LIST_INIT(one);
                _cleanup_(resolve_answer_unrefp) struct resolve_answer *answer = resolve_answer_ref(query->answer);

                list_remove(&query->link);
                list_append(&one, &query->link);
                deliver(&one, answer);
        }
}

int resolver_new(struct loop *loop, size_t names_max, struct resolver **ret) {
        struct resolver *resolver;

        resolver = calloc(1, sizeof(*resolver));
        if (!resolver)
                return -ENOMEM;
        resolver->loop = loop;
        resolver->n_max = names_max;
        list_init(&resolver->answered);
        list_init(&resolver->used);
        for (size_t i = 0; i < BUCKETS; i++)
                list_init(&resolver->buckets[i]);
        loop_work_init(&resolver->deliver, loop, "resolve", on_deliver, resolver);
        *ret = resolver;
        return 0;
}

struct resolver *resolver_free(struct resolver *resolver) {
        struct entry *entry;

        if (!resolver)
                return NULL;
        loop_work_cancel(&resolver->deliver);
        while ((entry = list_first_entry(&resolver->used, struct entry, used)))
                entry_free(entry);
        free(resolver);
        return NULL;
}

struct resolve_answer *resolve_cached(struct resolver *resolver, struct pool *pool, const char *name) {
        struct entry *entry = entry_find(resolver, pool, name);

        if (!entry || !entry_fresh(entry))
                return NULL;
        entry_touch(entry);
        return entry->answer;
}

/* The entry for @name, with an answer that is fresh, or pending. */
static int entry_ask(struct resolver *resolver, struct pool *pool, const char *name, struct entry **ret) {
        struct entry *entry;
        int r;

        entry = entry_find(resolver, pool, name);
        if (!entry) {
                r = entry_new(resolver, pool, name, &entry);
                if (r < 0)
                        return r;
        }
        if (!entry->lookup && !entry_fresh(entry)) {
                r = lookup_start(entry);
                if (r < 0) {
                        entry_free(entry);
                        return r;
                }
        }
        *ret = entry;
        return 0;
}

int resolve_start(struct resolver *resolver, struct pool *pool, const char *name, resolve_fn fn, void *arg,
                  struct resolve_query **ret) {
        _cleanup_(freep) struct resolve_query *query = NULL;
        struct entry *entry;
        int r;

        if (!name[0] || strlen(name) > NAME_BYTES_MAX)
                return -EINVAL;

        query = calloc(1, sizeof(*query));
        if (!query)
                return -ENOMEM;
        *query = (struct resolve_query){ .resolver = resolver, .fn = fn, .arg = arg };

        r = entry_ask(resolver, pool, name, &entry);
        if (r < 0)
                return r;

        if (entry->lookup) {
                query->entry = entry;
                list_append(&entry->queries, &query->link);
        } else {
                entry_touch(entry);
                query->answer = resolve_answer_ref(entry->answer);
                list_append(&resolver->answered, &query->link);
                loop_work_schedule(&resolver->deliver);
        }
        *ret = TAKE_PTR(query);
        return 0;
}

bool resolve_cancel(struct resolve_query *query, resolve_returned_fn returned, void *arg) {
        struct entry *entry = query->entry;
        struct lookup *lookup;

        list_remove(&query->link);
        resolve_answer_unref(query->answer);
        free(query);
        if (!entry || !list_empty(&entry->queries))
                return false;

        lookup = TAKE_PTR(entry->lookup);
        lookup->entry = NULL;
        if (entry->answer)
                entry_touch(entry);
        else
                entry_free(entry);

        /* `returned` is called in a later turn, so it may be set after the pool was told. */
        if (!pool_abandon(lookup->job))
                return false;
        lookup->returned = returned;
        lookup->returned_arg = arg;
        return true;
}
