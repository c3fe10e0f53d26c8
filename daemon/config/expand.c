/* SPDX-License-Identifier: MIT */
/* expand: ${env:NAME} and ${cred:NAME} in the texts of values.
 *
 * A credential is a file that systemd puts where only the daemon can read it (systemd.exec(5), LoadCredential=). Its value
 * goes only to keys that neither a process list nor anything of ours shows, KEY_SECRET; the others say where it can be
 * had instead. What a load has read it keeps, so that all tasks of one configuration have the same; the next load
 * reads anew.
 */
#include "base/text.h"
#include "config/load.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define CREDENTIAL_SIZE_MAX (64 * 1024)
#define NAME_SIZE           64

struct credential {
        struct credential *next;
        char *name;
        char *text;
};

void load_credentials_done(struct load *load) {
        struct credential *credential;

        while ((credential = load->credentials)) {
                load->credentials = credential->next;
                explicit_bzero(credential->text, strlen(credential->text));
                free(credential->text);
                free(credential->name);
                free(credential);
        }
}

/* ---- reading ---- */

/* Returns 0; -EFBIG, -EBADMSG when a NUL is in it; -errno. */
static int read_text(const char *path, char **ret) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        text = malloc(CREDENTIAL_SIZE_MAX + 2);
        if (!text)
                return -ENOMEM;
        while ((n = read(fd, text + size, CREDENTIAL_SIZE_MAX + 2 - size)) > 0)
                size += (size_t)n;
        if (n < 0)
                return -errno;
        if (size > 0 && text[size - 1] == '\n')
                size--;
        if (size > CREDENTIAL_SIZE_MAX)
                return -EFBIG;
        text[size] = '\0';
        if (strlen(text) < size)
                return -EBADMSG;
        *ret = TAKE_PTR(text);
        return 0;
}

static int tell_unreadable(struct value *value, const char *path, int r) {
        if (r == -EFBIG)
                return value_wrong(value, "the credential %s has more than %d bytes", path, CREDENTIAL_SIZE_MAX);
        if (r == -EBADMSG)
                return value_wrong(value, "the credential %s has a NUL in it", path);
        return value_wrong(value, "the credential %s cannot be read: %s", path, strerror(-r));
}

/* The text of the credential @name, which stays with @load. Returns 0, -EINVAL with the reason in @value, -ENOMEM. */
static int get_credential(struct load *load, const char *name, struct value *value, const char **ret) {
        const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
        struct credential *credential;
        _cleanup_(freep) char *text = NULL;
        char path[PATH_MAX];
        int r;

        for (credential = load->credentials; credential; credential = credential->next)
                if (streq(credential->name, name)) {
                        *ret = credential->text;
                        return 0;
                }
        if (load->options->portable) {
                *ret = "credential";
                return 0;
        }
        if (!directory || *directory != '/')
                return value_wrong(
                        value,
                        "${cred:%s} has no $CREDENTIALS_DIRECTORY to be looked for in: systemd sets it for units "
                        "with LoadCredential=",
                        name);
        if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
                return value_wrong(value, "the path of ${cred:%s} is too long", name);
        r = read_text(path, &text);
        if (r < 0)
                return r == -ENOMEM ? r : tell_unreadable(value, path, r);
        credential = calloc(1, sizeof(*credential));
        if (!credential)
                return -ENOMEM;
        credential->name = strdup(name);
        credential->text = TAKE_PTR(text);
        credential->next = load->credentials;
        load->credentials = credential;
        if (!credential->name)
                return -ENOMEM;
        *ret = credential->text;
        return 0;
}

/* ---- expanding ---- */

/* Of the bash expansions of a variable that is called so, ${cred:-x} and the like, shell may have as many as it wants. */
static bool names_credential(const char *text) {
        return strncmp(text, "${cred:", 7) == 0 && !strchr("-+=? ", text[7]);
}

static bool begins_expansion(const char *text) {
        return strncmp(text, "${env:", 6) == 0 || names_credential(text);
}

bool load_has_expansion(const char *text) {
        for (const char *at = text; (at = strstr(at, "${")); at += 2)
                if (begins_expansion(at))
                        return true;
        return false;
}

/* Why a credential does not go to the value of @key. */
static int refuse_credential(const struct key *key, struct value *value) {
        if (key && key->flags & KEY_COMMAND_LINE)
                return value_wrong(value,
                                   "${cred:} is refused on a command line, which ps shows (env and header take it; "
                                   "env-file and stdin take the file, of ${env:CREDENTIALS_DIRECTORY})");
        return value_wrong(value,
                           "${cred:} is refused here, where it would be shown (env, header, url, proxy, body and "
                           "send take it)");
}

static bool is_credential_name(const char *name) {
        for (const char *c = name; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
                        return false;
        return *name != '.';
}

/* What stands for the expansion of @name at @at. Returns as below. */
static int look_up(struct load *load, const struct key *key, bool env, const char *name, struct value *value,
                   const char **ret) {
        if (env) {
                *ret = secure_getenv(name);
                return *ret ? 0 : value_wrong(value, "${env:%s} is not in the environment", name);
        }
        if (!key || !(key->flags & KEY_SECRET))
                return refuse_credential(key, value);
        if (!is_credential_name(name))
                return value_wrong(value, "%s is no name of a credential (letters, digits, _, - and .)", name);
        return get_credential(load, name, value, ret);
}

int load_expand(struct load *load, const struct key *key, char **text, struct value *value, bool *ret_secret) {
        char *at = *text;

        while ((at = strstr(at, "${"))) {
                bool env = strncmp(at, "${env:", 6) == 0;
                const char *name_at = at + (env ? 6 : 7), *found = NULL;
                size_t before = (size_t)(at - *text), length;
                char name[NAME_SIZE], *expanded;
                int r;

                if (!begins_expansion(at)) {
                        at += 2;
                        continue;
                }
                length = strcspn(name_at, "}");
                if (name_at[length] != '}' || length == 0 || length >= NAME_SIZE)
                        return value_wrong(value, "${%s:NAME} has no }, or no NAME of 1 to %d bytes",
                                           env ? "env" : "cred", NAME_SIZE - 1);
                (void)snprintf(name, sizeof(name), "%.*s", (int)length, name_at);
                r = look_up(load, key, env, name, value, &found);
                if (r < 0)
                        return r;
                if (asprintf(&expanded, "%.*s%s%s", (int)before, *text, found, name_at + length + 1) < 0)
                        return -ENOMEM;
                free(*text);
                *text = expanded;
                /* What was put there is not looked at again. */
                at = expanded + before + strlen(found);
                *ret_secret = true;
        }
        return 0;
}
