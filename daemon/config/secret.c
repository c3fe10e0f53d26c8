/* SPDX-License-Identifier: MIT */
/* secret: what in a value is a secret, going by what it is called.
 *
 * A text is looked at name by name: NAME=VALUE, --name VALUE, "name": "value" and Name: value. Where one begins says what
 * is before it: a blank, a quote, a bracket, or what separates the parameters of a URL. How far a value goes depends on
 * the quotes around it and on the key, as a header or a variable has its line for itself.
 */
#include "config/secret.h"

#include "base/text.h"
#include "config/load.h"

#include <ctype.h>

/* A line of the value of a key. */
struct look {
        const char *line;
        const char *end;
        bool whole;  /* the line is one name and its value, as of env and header */
        bool colons; /* a name may stand before a colon, whatever it is */
        bool lint;   /* only what looks like a secret itself */
};

struct span {
        const char *from;
        const char *to;
};

#define BLANKS  " \t"
#define QUOTES  "\"'"
#define OPENERS BLANKS QUOTES "{[(,;?&"

/* ---- names ---- */

static bool ends_with(const char *name, size_t length, const char *word) {
        return length >= strlen(word) && memcmp(name + length - strlen(word), word, strlen(word)) == 0;
}

/* Of a name such as DB_PASSWORD, apiToken or X-Api-Key the last word tells: TOKEN_FILE is a file, and --password-policy a
 * policy. */
static bool is_secret_name(const char *text, size_t length) {
        static const char *const words[] = { "password", "passwd", "passphrase",    "secret", "token",
                                             "apikey",   "_pwd",   "authorization", "cookie" };
        static const char *const of_keys[] = { "secret", "api", "private", "auth" };
        char name[64];
        size_t last = 0;

        length = MIN(length, sizeof(name));
        for (size_t i = 0; i < length; i++) {
                name[i] = text[i] == '-' || text[i] == '.' ? '_' : (char)tolower((unsigned char)text[i]);
                if (name[i] == '_')
                        last = i + 1;
        }
        while (length > last && isdigit((unsigned char)name[length - 1]))
                length--;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
                if (ends_with(name, length, words[i]))
                        return true;
        if (length - last == 4 && memcmp(name + last, "pass", 4) == 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(of_keys); i++)
                if ((ends_with(name, length, "_key") || ends_with(name, length, "_key_base")) &&
                    memmem(name, length, of_keys[i], strlen(of_keys[i])))
                        return true;
        return false;
}

/* ---- values ---- */

static bool is_word(const struct span *value, const char *word) {
        return (size_t)(value->to - value->from) == strlen(word) && strncasecmp(value->from, word, strlen(word)) == 0;
}

/* Whether the value may be a secret: a path, a variable, a placeholder, a switch or a small number is none. */
static bool is_secret_value(const struct look *look, const struct span *value) {
        static const char *const harmless[] = { "true", "false", "null", "none", "prompt", "required" };
        size_t length = (size_t)(value->to - value->from);

        if (length < 4 || strchr("/$-~{<%*(", *value->from))
                return false;
        if (memmem(value->from, length, "${env:", 6) || memmem(value->from, length, "${cred:", 7) ||
            memmem(value->from, length, "{item}", 6) || (!look->whole && memchr(value->from, '$', length)))
                return false;
        for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
                if (is_word(value, harmless[i]))
                        return false;
        for (const char *c = value->from; c < value->to; c++)
                if (!isdigit((unsigned char)*c))
                        return true;
        return length >= 6;
}

static const char *find_any(const char *from, const char *end, const char *set) {
        while (from < end && !strchr(set, *from))
                from++;
        return from;
}

static const char *skip_blanks(const char *from, const char *end) {
        while (from < end && strchr(BLANKS, *from))
                from++;
        return from;
}

/* The value that begins at @from, in @quote with its name, or not. Without quotes of its own it ends at one of @ends, or,
 * NULL, with the line. */
static struct span take_value(const struct look *look, const char *from, char quote, const char *ends) {
        const char own[] = { *from, '\0' }, around[] = { quote, '\0' };

        if (from < look->end && strchr(QUOTES, *from) && !(quote == *from))
                return (struct span){ from + 1, find_any(from + 1, look->end, own) };
        if (quote)
                return (struct span){ from, find_any(from, look->end, around) };
        return (struct span){ from, ends && !look->whole ? find_any(from, look->end, ends) : look->end };
}

/* ---- one name and its value ---- */

/* Name: as in a header, wherever it is. */
static bool is_header_name(const char *name, size_t length) {
        return length > 1 && (isupper((unsigned char)*name) || strncmp(name, "x-", 2) == 0 ||
                              (length == 13 && strncmp(name, "authorization", 13) == 0));
}

/* The value of the name at @name, which stands behind @opener, and whether it is a secret. */
static bool look_at(const struct look *look, const char *name, char opener, struct span *ret) {
        const char *name_end = find_any(name, look->end, "=:,;" BLANKS QUOTES);
        size_t length = (size_t)(name_end - name);
        char quote = opener && strchr(QUOTES, opener) ? opener : '\0';
        const char *at = name_end;
        bool json = quote && at < look->end && *at == quote;

        if (json) {
                quote = '\0';
                at = skip_blanks(at + 1, look->end);
                if (at == look->end || *at != ':')
                        return false;
        }
        if (at == look->end || length == 0 || !is_secret_name(name, length))
                return false;
        if (*at == '=')
                *ret = take_value(look, at + 1, quote,
                                  opener && strchr("?&", opener) ? BLANKS QUOTES "&#" : BLANKS "&");
        else if (*at == ':' && (json || look->colons || is_header_name(name, length)))
                *ret = take_value(look, skip_blanks(at + 1, look->end), quote, json ? BLANKS ",}]" : NULL);
        else if (strchr(BLANKS, *at) && !look->whole && strncmp(name, "--", 2) == 0)
                *ret = take_value(look, skip_blanks(at, look->end), '\0', BLANKS);
        else
                return false;
        return ret->from < ret->to && ((look->whole && !look->lint) || is_secret_value(look, ret));
}

/* The first secret behind @from. */
static bool find(const struct look *look, const char *from, struct span *ret) {
        for (const char *at = from; at < look->end; at++) {
                char opener = at == look->line ? '\0' : at[-1];

                if ((!opener || strchr(OPENERS, opener)) && look_at(look, at, opener, ret))
                        return true;
        }
        return false;
}

/* ---- the user and password of URLs ---- */

static bool has_password(const struct look *look) {
        for (const char *at = look->line; (at = strstr(at, "://")) && at < look->end;) {
                size_t host = strcspn(at += 3, "/?# \t\"'"), user = strcspn(at, ":@");
                const char *sign = memchr(at, '@', host);

                if (sign && user < host && at[user] == ':' && at + user + 1 < sign && at[user + 1] != '$' &&
                    at[user + 1] != '{')
                        return true;
        }
        return false;
}

/* ---- the whole ---- */

static struct look begin(const char *key, const char *line, bool lint) {
        bool whole = streq(key, "env") || streq(key, "header");

        return (struct look){
                .line = line,
                .end = line + strcspn(line, "\n"),
                .whole = whole,
                .colons = whole || streq(key, "body"),
                .lint = lint,
        };
}

bool secret_is_in(const char *key, const char *line) {
        const struct look look = begin(key, line, true);
        struct span span;

        return find(&look, line, &span) || has_password(&look);
}

static void hide_line(const struct look *look, FILE *out) {
        const char *at = look->line;
        struct span span;

        while (find(look, at, &span)) {
                fprintf(out, "%.*s***", (int)(span.from - at), at);
                at = span.to;
        }
        fwrite(at, 1, (size_t)(look->end - at), out);
}

char *secret_hide(const char *key, const char *text) {
        _cleanup_(freep) char *hidden = NULL;
        size_t size;
        FILE *out = open_memstream(&hidden, &size);
        char *shown;

        if (!out)
                return NULL;
        for (const char *line = text;; line++) {
                const struct look look = begin(key, line, false);

                hide_line(&look, out);
                line = look.end;
                if (!*line)
                        break;
                fputc('\n', out);
        }
        if (fclose(out) != 0)
                return NULL;
        /* Three stars for a user of one letter. */
        size = 2 * size + 4;
        shown = malloc(size);
        if (shown)
                (void)text_hide_userinfo(hidden, shown, size);
        return shown;
}
