/* SPDX-License-Identifier: MIT */
/* child_user: users, looked up and kept for a moment.
 *
 * A handful of answers is kept; a new one takes the place of the oldest. The lock is not held while somebody looks up:
 * a server that does not answer holds up only those who need it. So two threads may look the same one up, and the later
 * answer stays.
 */
#include "loop/child_user.h"

#include "base/text.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>

#define KEPT_MAX       8
#define KEPT_USEC      USEC_PER_SEC
#define NSS_BUFFER_MAX (1024 * 1024) /* an answer that is larger is refused */
#define GROUPS_MAX     65536

struct answer {
        struct child_user user;
        atomic_uint n_refs;
};

struct child_users {
        pthread_mutex_t lock;
        struct {
                char *key; /* "NAME" or "NAME:GROUP"; NULL: empty */
                struct child_user *user;
                usec_t until_usec;
        } kept[KEPT_MAX];
};

static struct answer *answer_of(struct child_user *user) {
        return CONTAINER_OF(user, struct answer, user);
}

static struct child_user *ref(struct child_user *user) {
        (void)atomic_fetch_add(&answer_of(user)->n_refs, 1);
        return user;
}

struct child_user *child_user_unref(struct child_user *user) {
        if (!user || atomic_fetch_sub(&answer_of(user)->n_refs, 1) > 1)
                return NULL;
        free(user->groups);
        free(user->env);
        free(answer_of(user));
        return NULL;
}

/* ---- looking up ---- */

/* A number that is nobody's name is the id itself, as in chown(1); -1 is none. */
static bool parse_id(const char *text, uint64_t *ret) {
        return text_parse_uint(text, 0, UINT32_MAX - 1, ret) == 0;
}

/* One string of NAME=VALUE, NUL each, ended by an empty one. */
static int format_env(const struct passwd *pw, char **ret) {
        const char *shell = pw->pw_shell && *pw->pw_shell ? pw->pw_shell : "/bin/sh";
        size_t size = strlen(pw->pw_dir) + 2 * strlen(pw->pw_name) + strlen(shell) + 64;
        char *s = malloc(size);

        if (!s)
                return -ENOMEM;
        (void)snprintf(s, size, "HOME=%s%cUSER=%s%cLOGNAME=%s%cSHELL=%s%c", pw->pw_dir, 0, pw->pw_name, 0, pw->pw_name,
                       0, shell, 0);
        *ret = s;
        return 0;
}

/* getgrouplist() tells how many there are only after having been given too little room. */
static int look_up_groups(struct child_user *user, const char *name) {
        int n = 32;

        for (;;) {
                gid_t *groups = reallocarray(user->groups, (size_t)n, sizeof(gid_t));
                int wanted = n;

                if (!groups)
                        return -ENOMEM;
                user->groups = groups;
                if (getgrouplist(name, user->gid, groups, &wanted) >= 0) {
                        user->n_groups = wanted;
                        return 0;
                }
                n = MAX(wanted, 2 * n);
                if (n > GROUPS_MAX)
                        return -E2BIG;
        }
}

/* Calls a getXXnam_r() through @ask with a buffer that grows until the answer fits. */
static int ask_nss(int (*ask)(const char *name, void *entry, char *buffer, size_t size, bool *ret_found),
                   const char *name, void *entry, char **ret_buffer) {
        for (size_t size = 4096; size <= NSS_BUFFER_MAX; size *= 4) {
                _cleanup_(freep) char *buffer = malloc(size);
                bool found = false;
                int r;

                if (!buffer)
                        return -ENOMEM;
                r = ask(name, entry, buffer, size, &found);
                if (r == ERANGE)
                        continue;
                /* "Not found" comes in several dresses, see getpwnam_r(3). */
                if (!found)
                        return r == 0 || r == ENOENT || r == EBADF || r == EPERM ? -ESRCH : -r;
                *ret_buffer = TAKE_PTR(buffer);
                return 0;
        }
        return -ERANGE;
}

static int ask_user(const char *name, void *entry, char *buffer, size_t size, bool *ret_found) {
        struct passwd *result = NULL;
        int r = getpwnam_r(name, entry, buffer, size, &result);
        uint64_t uid;

        if (!result && parse_id(name, &uid))
                r = getpwuid_r((uid_t)uid, entry, buffer, size, &result);
        *ret_found = result;
        return r;
}

static int ask_group(const char *name, void *entry, char *buffer, size_t size, bool *ret_found) {
        struct group *result = NULL;
        int r = getgrnam_r(name, entry, buffer, size, &result);

        *ret_found = result;
        return r;
}

static int look_up_group(struct child_user *user, const char *group) {
        _cleanup_(freep) char *buffer = NULL;
        struct group gr = { 0 };
        uint64_t gid;
        int r = ask_nss(ask_group, group, &gr, &buffer);

        if (r >= 0)
                user->gid = gr.gr_gid;
        else if (r == -ESRCH && parse_id(group, &gid)) {
                user->gid = (gid_t)gid;
                r = 0;
        }
        return r;
}

/* A daemon that is not root can only stay who it is, which it may without any change. */
static bool must_change(const struct child_user *user) {
        return geteuid() == 0 || user->uid != geteuid() || user->gid != getegid();
}

static int look_up(struct child_user *user, const char *name, const char *group, enum child_step *ret_step) {
        _cleanup_(freep) char *user_buffer = NULL;
        struct passwd pw = { 0 };
        int r;

        *ret_step = CHILD_STEP_USER;
        r = ask_nss(ask_user, name, &pw, &user_buffer);
        if (r < 0)
                return r;
        user->uid = pw.pw_uid;
        user->gid = pw.pw_gid;
        r = format_env(&pw, &user->env);
        if (r < 0)
                return r;

        *ret_step = CHILD_STEP_GROUP;
        if (group) {
                r = look_up_group(user, group);
                if (r < 0)
                        return r;
        }
        user->change = must_change(user);
        return user->change ? look_up_groups(user, pw.pw_name) : 0;
}

/* ---- keeping ---- */

static struct child_user *find(struct child_users *users, const char *key) {
        usec_t now = clock_now(CLOCK_ID_MONOTONIC);
        struct child_user *user = NULL;

        (void)pthread_mutex_lock(&users->lock);
        for (size_t i = 0; i < KEPT_MAX && !user; i++)
                if (users->kept[i].key && streq(users->kept[i].key, key) && now < users->kept[i].until_usec)
                        user = ref(users->kept[i].user);
        (void)pthread_mutex_unlock(&users->lock);
        return user;
}

/* In the place of what is kept of the same, else of the oldest. Takes @key. */
static void keep(struct child_users *users, char *key, struct child_user *user) {
        size_t at = 0;

        (void)pthread_mutex_lock(&users->lock);
        for (size_t i = 0; i < KEPT_MAX; i++) {
                if (users->kept[i].key && streq(users->kept[i].key, key)) {
                        at = i;
                        break;
                }
                if (users->kept[i].until_usec < users->kept[at].until_usec)
                        at = i;
        }
        free(users->kept[at].key);
        child_user_unref(users->kept[at].user);
        users->kept[at].key = key;
        users->kept[at].user = ref(user);
        users->kept[at].until_usec = usec_add(clock_now(CLOCK_ID_MONOTONIC), KEPT_USEC);
        (void)pthread_mutex_unlock(&users->lock);
}

static struct child_user *new_user(void) {
        struct answer *answer = calloc(1, sizeof(*answer));

        if (!answer)
                return NULL;
        atomic_init(&answer->n_refs, 1);
        return &answer->user;
}

int child_user_new(const struct child_identity *identity, struct child_user **ret) {
        _cleanup_(child_user_unrefp) struct child_user *user = new_user();

        if (!user)
                return -ENOMEM;
        user->uid = identity->uid;
        user->gid = identity->gid;
        user->change = must_change(user);
        user->groups = reallocarray(NULL, identity->n_groups + 1, sizeof(gid_t));
        if (!user->groups)
                return -ENOMEM;
        if (identity->n_groups > 0)
                memcpy(user->groups, identity->groups, identity->n_groups * sizeof(gid_t));
        user->n_groups = (int)identity->n_groups;
        *ret = TAKE_PTR(user);
        return 0;
}

int child_users_get(struct child_users *users, const char *name, const char *group, struct child_user **ret,
                    enum child_step *ret_step) {
        _cleanup_(child_user_unrefp) struct child_user *user = NULL;
        _cleanup_(freep) char *key = NULL;
        int r;

        *ret_step = CHILD_STEP_USER;
        if (asprintf(&key, "%s%s%s", name, group ? ":" : "", group ?: "") < 0) {
                key = NULL;
                return -ENOMEM;
        }
        user = find(users, key);
        if (!user) {
                user = new_user();
                if (!user)
                        return -ENOMEM;
                r = look_up(user, name, group, ret_step);
                if (r < 0)
                        return r;
                keep(users, TAKE_PTR(key), user);
        }
        *ret = TAKE_PTR(user);
        return 0;
}

int child_users_new(struct child_users **ret) {
        struct child_users *users = calloc(1, sizeof(*users));

        if (!users)
                return -ENOMEM;
        (void)pthread_mutex_init(&users->lock, NULL);
        *ret = users;
        return 0;
}

struct child_users *child_users_free(struct child_users *users) {
        if (!users)
                return NULL;
        for (size_t i = 0; i < KEPT_MAX; i++) {
                free(users->kept[i].key);
                child_user_unref(users->kept[i].user);
        }
        (void)pthread_mutex_destroy(&users->lock);
        free(users);
        return NULL;
}
