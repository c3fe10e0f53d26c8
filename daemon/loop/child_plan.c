/* SPDX-License-Identifier: MIT */
/* child_plan: copies what is to be spawned, and puts its environment together.
 *
 * The copy is one allocation: the structure, then the pointer arrays, then the strings. It is made in two passes over
 * the same function: the first, with nowhere to put anything, only measures.
 */
#include "loop/child_plan.h"

#include "loop/child_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define ENV_FILE_MAX (256 * 1024)

/* ---- the copy ---- */

/* Where the next string goes; @at is NULL while measuring. */
struct packer {
        char *at;
        size_t size;
};

static void *pack(struct packer *packer, const void *data, size_t size) {
        char *to = packer->at;

        packer->size += size;
        if (!to)
                return NULL;
        packer->at += size;
        return size > 0 ? memcpy(to, data, size) : to;
}

static const char *pack_string(struct packer *packer, const char *s) {
        return s ? pack(packer, s, strlen(s) + 1) : NULL;
}

static size_t count(char *const *strv) {
        size_t n = 0;

        while (strv && strv[n])
                n++;
        return n;
}

static void pack_strings(struct packer *packer, char *const *strv, size_t n, char **to) {
        for (size_t i = 0; i < n; i++) {
                char *s = pack(packer, strv[i], strlen(strv[i]) + 1);

                if (to)
                        to[i] = s;
        }
        if (to)
                to[n] = NULL;
}

static struct child_spec pack_spec(struct packer *packer, const struct child_spec *spec, char **argv, size_t n_argv,
                                   char **env, size_t n_env) {
        struct child_spec copy = *spec;

        copy.path = pack_string(packer, spec->path);
        copy.env_file = pack_string(packer, spec->env_file);
        copy.user = pack_string(packer, spec->user);
        copy.group = pack_string(packer, spec->group);
        copy.directory = pack_string(packer, spec->directory);
        copy.stdin_path =
                child_files_get(spec->files, CHILD_FILE_STDIN) < 0 ? pack_string(packer, spec->stdin_path) : NULL;
        copy.output_path = pack_string(packer, spec->output_path);
        copy.marker = NULL;   /* kept by the child itself */
        copy.identity = NULL; /* becomes plan->user */
        if (spec->stdin_data)
                copy.stdin_data = pack(packer, spec->stdin_data, spec->stdin_size);
        pack_strings(packer, spec->argv, n_argv, argv);
        pack_strings(packer, spec->env, n_env, env);
        copy.argv = argv;
        copy.env = env;
        return copy;
}

int child_plan_new(const struct child_spec *spec, struct child_plan **ret) {
        size_t n_argv = count(spec->argv), n_env = count(spec->env);
        struct packer packer = { 0 };
        struct child_plan *plan;
        char **argv, **env;

        (void)pack_spec(&packer, spec, NULL, n_argv, NULL, n_env);
        plan = malloc(sizeof(*plan) + (n_argv + n_env + 2) * sizeof(char *) + packer.size);
        if (!plan)
                return -ENOMEM;

        *plan = (struct child_plan){ 0 };
        argv = (char **)(plan + 1);
        env = argv + n_argv + 1;
        packer = (struct packer){ .at = (char *)(env + n_env + 1) };
        plan->spec = pack_spec(&packer, spec, argv, n_argv, env, n_env);
        plan->spec.files = child_files_ref(spec->files);
        if (spec->identity && child_user_new(spec->identity, &plan->user) < 0) {
                child_plan_free(plan);
                return -ENOMEM;
        }
        *ret = plan;
        return 0;
}

struct child_plan *child_plan_free(struct child_plan *plan) {
        if (!plan)
                return NULL;
        free(plan->env);
        child_user_unref(plan->user);
        child_files_unref(plan->spec.files);
        free(plan->file_env);
        free(plan);
        return NULL;
}

/* ---- the environment file ---- */

/* Reads @path whole, with room for one more byte. O_NONBLOCK, because a FIFO would never open: this thread cannot be
 * killed like a child that hangs. */
static int read_file(const char *path, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *buffer = malloc(ENV_FILE_MAX + 2);
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        size_t n = 0;

        if (!buffer)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISFIFO(st.st_mode)) /* it would seem to be empty */
                return -EINVAL;
        while (n <= ENV_FILE_MAX) {
                ssize_t r = read(fd, buffer + n, ENV_FILE_MAX + 1 - n);

                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t)r;
        }
        if (n > ENV_FILE_MAX)
                return -EFBIG;
        *ret = TAKE_PTR(buffer);
        *ret_size = n;
        return 0;
}

/* "export A" and "A " are shell habits, and names that no program asks for. */
static bool is_name(const char *from, const char *end) {
        for (const char *c = from; c < end; c++)
                if ((unsigned char)*c <= ' ')
                        return false;
        return from < end;
}

/* Takes one pair of quotes off the value of the line @from … @end, and the white space around it. Appends NAME=VALUE and
 * a NUL at @to, which is not after @from. Returns the new end, NULL when the line is no assignment. */
static char *put_assignment(char *to, char *from, char *end) {
        char *equals = memchr(from, '=', (size_t)(end - from)), *value;

        if (!equals || !is_name(from, equals) || memchr(equals, 0, (size_t)(end - equals)))
                return NULL;
        for (value = equals + 1; value < end && (*value == ' ' || *value == '\t');)
                value++;
        while (end > value && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
                end--;
        if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
                value++;
                end--;
        }
        memmove(to, from, (size_t)(equals + 1 - from));
        to += equals + 1 - from;
        memmove(to, value, (size_t)(end - value));
        to += end - value;
        *to++ = 0;
        return to;
}

static int read_env_file(struct child_plan *plan, enum child_step *ret_step) {
        char *to, *line, *end;
        size_t n = 0;
        int r;

        *ret_step = CHILD_STEP_ENV_FILE;
        r = read_file(plan->spec.env_file, &plan->file_env, &n);
        if (r < 0)
                return r;

        to = plan->file_env;
        for (line = to; line < plan->file_env + n; line = end + 1) {
                char *limit = plan->file_env + n;

                end = memchr(line, '\n', (size_t)(limit - line));
                if (!end)
                        end = limit;
                while (line < end && (*line == ' ' || *line == '\t' || *line == '\r'))
                        line++;
                if (line == end || *line == '#' || *line == ';')
                        continue;
                to = put_assignment(to, line, end);
                if (!to)
                        return -EBADMSG;
        }
        *to = 0;
        return 0;
}

/* ---- the environment ---- */

/* Adds @s unless its name is among the first @n_stronger; among the others it takes the place of its name. Most names
 * differ in their first letter: there is no call for these. */
static size_t add(char **env, size_t n, size_t n_stronger, char *s) {
        const char *equals = strchr(s, '=');
        size_t length = equals ? (size_t)(equals - s) + 1 : strlen(s) + 1;

        for (size_t i = 0; i < n; i++) {
                if (env[i][0] != s[0] || strncmp(env[i], s, length) != 0)
                        continue;
                if (i >= n_stronger)
                        env[i] = s;
                return n;
        }
        env[n] = s;
        return n + 1;
}

/* The same for a block of strings that an empty one ends. */
static size_t add_block(char **env, size_t n, char *block) {
        size_t n_stronger = n;

        for (char *s = block; s && *s; s += strlen(s) + 1)
                n = add(env, n, n_stronger, s);
        return n;
}

static size_t count_block(const char *block) {
        size_t n = 0;

        for (const char *s = block; s && *s; s += strlen(s) + 1)
                n++;
        return n;
}

static int merge_env(struct child_plan *plan) {
        char *const *base = plan->spec.env_base, *const *own = plan->spec.env;
        char *user_env = plan->user ? plan->user->env : NULL;
        size_t n_max = count(own) + count_block(plan->file_env) + count_block(user_env) + count(base) + 1, n = 0;
        size_t n_stronger;
        char **env = reallocarray(NULL, n_max + 1, sizeof(char *));

        if (!env)
                return -ENOMEM;
        for (size_t i = 0; own && own[i]; i++)
                n = add(env, n, 0, own[i]);
        if (plan->notify)
                n = add(env, n, n, (char *)plan->notify);
        n = add_block(env, n, plan->file_env);
        n = add_block(env, n, user_env);
        n_stronger = n;
        for (size_t i = 0; base && base[i]; i++)
                n = add(env, n, n_stronger, base[i]);
        env[n] = NULL;
        plan->env = env;
        return 0;
}

int child_plan_complete(struct child_plan *plan, struct child_users *users, enum child_step *ret_step) {
        int r;

        if (plan->spec.user && !plan->user) {
                r = child_users_get(users, plan->spec.user, plan->spec.group, &plan->user, ret_step);
                if (r < 0)
                        return r;
        }
        if (plan->spec.env_file) {
                r = read_env_file(plan, ret_step);
                if (r < 0)
                        return r;
        }
        *ret_step = CHILD_STEP_FORK;
        return merge_env(plan);
}
