/* SPDX-License-Identifier: MIT */
/* keys_show: what is told of the keys: the values of a task, what is allowed, the reference and the man page. */
#include "config/config.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/secret.h"
#include "task/kind.h"

bool key_fits(const struct key *key, const struct task *task) {
        switch (key->scope) {
        case KEY_ANY: return true;
        case KEY_TASKS: return task->kind && (!key->kind || key->kind == task->kind);
        case KEY_GROUPS: return !task->kind;
        case KEY_KIND:
        case KEY_SERVICE: return task->kind == key->kind;
        }
        return false;
}

void *key_base(const struct key *key, struct task *task) {
        switch (key->scope) {
        case KEY_KIND: return task->part;
        case KEY_SERVICE: return task->service;
        default: return task;
        }
}

const char *key_allowed(const struct key *key, char buf[KEY_ALLOWED_MAX]) {
        FILE *out = fmemopen(buf, KEY_ALLOWED_MAX, "w");

        buf[0] = '\0';
        if (out) {
                key->type->allow(key, out);
                (void)fclose(out);
                buf[KEY_ALLOWED_MAX - 1] = '\0';
        }
        return buf;
}

static bool has_bit(const uint64_t bits[2], size_t n) {
        return bits[n / 64] >> n % 64 & 1;
}

static bool task_has_bit(const struct task *task, const uint64_t bits[2], const char *name) {
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);

        for (size_t i = 0; i < n; i++) {
                if (streq(keys[i].name, name) && key_fits(&keys[i], task))
                        return has_bit(bits, i);
        }
        return false;
}

bool task_key_is_written(const struct task *task, const char *name) {
        return task_has_bit(task, task->written, name);
}

bool task_key_is_secret(const struct task *task, const char *name) {
        return task_has_bit(task, task->secret, name);
}

/* Whether a value that was not written says that there is none, by a number that stands for that. */
static bool is_unset(const struct key *key, const char *text) {
        bool number = streq(text, "0") || streq(text, "0s") || streq(text, "infinity");

        return number && !key->default_value && !(key->flags & KEY_BOUND);
}

/* Where values are shown one after another. */
struct showing {
        FILE *out; /* a memory stream that is written anew */
        char *text;
        size_t size;
        key_value_fn fn;
        void *userdata;
};

static int showing_begin(struct showing *showing, key_value_fn fn, void *userdata) {
        *showing = (struct showing){ .fn = fn, .userdata = userdata };
        showing->out = open_memstream(&showing->text, &showing->size);
        return showing->out ? 0 : -ENOMEM;
}

static void showing_done(struct showing *showing) {
        if (showing->out)
                (void)fclose(showing->out);
        free(showing->text);
}

/* Tells of one value, unless it is empty. */
static int tell_value(struct showing *showing, const struct key *key, const void *base, bool written, bool secret) {
        _cleanup_(freep) char *hidden = NULL;
        struct key_value value = { .written = written };

        if (key->flags & KEY_READER || (key->flags & KEY_FAN_OUT && !((const struct task *)base)->for_each.type))
                return 0;
        rewind(showing->out);
        key->type->show(key, base, showing->out);
        if (fputc('\0', showing->out) == EOF || fflush(showing->out) != 0)
                return -ENOMEM;
        if (*showing->text == '\0' || (!written && is_unset(key, showing->text)))
                return 0;
        value.text = secret ? KEY_SECRET_SHOWN : showing->text;
        value.digest = load_digest(0, showing->text, 0);
        if (!secret && key->flags & (KEY_SECRET | KEY_COMMAND_LINE)) {
                hidden = secret_hide(key->name, showing->text);
                if (!hidden)
                        return -ENOMEM;
                value.text = hidden;
        }
        return showing->fn(key, &value, showing->userdata);
}

int keys_for_each_value(const struct task *task, key_value_fn fn, void *userdata) {
        _cleanup_(showing_done) struct showing showing;
        size_t n;
        const struct key *keys = keys_of_section(KEY_SECTION_TASK, &n);
        int r;

        r = showing_begin(&showing, fn, userdata);
        for (size_t i = 0; i < n && r == 0; i++)
                if (key_fits(&keys[i], task) && (task->service || !(keys[i].flags & KEY_OF_SERVICE)))
                        r = tell_value(&showing, &keys[i], key_base(&keys[i], (struct task *)task),
                                       has_bit(task->written, i), has_bit(task->secret, i));
        return r;
}

int keys_for_each_section_value(enum key_section section, const void *base, key_value_fn fn, void *userdata) {
        _cleanup_(showing_done) struct showing showing;
        size_t n;
        const struct key *keys = keys_of_section(section, &n);
        int r;

        r = showing_begin(&showing, fn, userdata);
        for (size_t i = 0; i < n && r == 0; i++)
                r = tell_value(&showing, &keys[i], base, true, false);
        return r;
}

/* ---- the reference and the man page ---- */

static const struct {
        enum key_section section;
        const char *header;
        const char *help;
} chapters[] = {
        { KEY_SECTION_DAEMON, "[daemon]", "The daemon itself." },
        { KEY_SECTION_ACCESS, "[access]",
          "Who may do what over the control socket. Root and the user the daemon runs as may everything, all others nothing "
          "unless they are named here; who is named more than once may what the highest of these roles may." },
        { KEY_SECTION_LIMIT, "[limit NAME]", "Permits and a pace that runs share." },
        { KEY_SECTION_POOL, "[pool NAME]", "Threads for work that blocks. The pool called default is always there." },
        { KEY_SECTION_STORE, "[store]", "What is remembered: the state of tasks, and the history of runs." },
        { KEY_SECTION_METRICS, "[metrics]", "Where the daemon tells its metrics, see tendd-metrics(7)." },
        { KEY_SECTION_TASK, "[task NAME], [group NAME], [defaults], [defaults NAME]",
          "A piece of work, several that run as one, and what they have in common." },
};

static const char *only_for(const struct key *key) {
        if (key->scope == KEY_GROUPS)
                return "Groups only.";
        if (key->scope == KEY_TASKS && key->kind == &kind_exec && !(key->flags & KEY_OF_SERVICE))
                return "Commands only.";
        return key->flags & KEY_FAN_OUT ? "Only with for-each." : "";
}

static const char *default_of(const struct key *key) {
        return key->default_shown ?: key->default_value ?: "none";
}

/* Prints @text in comment lines of at most 118 columns. */
static void print_comment(const char *text, FILE *out) {
        while (*text) {
                size_t length = strlen(text);

                for (size_t end = 116; length > 116 && end > 0; end--) {
                        if (text[end] == ' ')
                                length = end;
                }
                fprintf(out, "# %.*s\n", (int)length, text);
                text += length;
                text += *text == ' ';
        }
}

void keys_print_reference(FILE *out) {
        char allowed[KEY_ALLOWED_MAX], text[1024];

        for (size_t c = 0; c < ARRAY_SIZE(chapters); c++) {
                const char *topic = NULL;
                size_t n;
                const struct key *keys = keys_of_section(chapters[c].section, &n);

                fprintf(out, "\n# ==== %s ====\n", chapters[c].header);
                print_comment(chapters[c].help, out);
                for (size_t i = 0; i < n; i++) {
                        const struct key *key = &keys[i];

                        if (key->topic && (!topic || !streq(key->topic, topic)))
                                fprintf(out, "\n# ---- %s ----\n", key->topic);
                        topic = key->topic;
                        (void)snprintf(text, sizeof(text), "%s%s%s Value: %s. Default: %s.", key->help,
                                       *only_for(key) ? " " : "", only_for(key), key_allowed(key, allowed),
                                       default_of(key));
                        fputc('\n', out);
                        print_comment(text, out);
                        fprintf(out, "#%s = %s\n", key->name, key->default_value ?: key->example);
                }
        }
}

/* A text of roff: nothing in it is a request or an escape. */
static void print_roff(const char *text, FILE *out) {
        if (*text == '.' || *text == '\'')
                fputs("\\&", out);
        for (; *text; text++) {
                if (*text == '\\')
                        fputs("\\e", out);
                else if (*text == '-')
                        fputs("\\-", out);
                else
                        fputc(*text, out);
        }
}

void keys_print_man(FILE *out) {
        char allowed[KEY_ALLOWED_MAX];

        for (size_t c = 0; c < ARRAY_SIZE(chapters); c++) {
                const char *topic = NULL;
                size_t n;
                const struct key *keys = keys_of_section(chapters[c].section, &n);

                fprintf(out, ".SH \"%s\"\n", chapters[c].header);
                print_roff(chapters[c].help, out);
                fputc('\n', out);
                for (size_t i = 0; i < n; i++) {
                        const struct key *key = &keys[i];

                        if (key->topic && (!topic || !streq(key->topic, topic)))
                                fprintf(out, ".SS %s\n", key->topic);
                        topic = key->topic;
                        fputs(".TP\n.BI \"", out);
                        print_roff(key->name, out);
                        fputs(" = \" \"", out);
                        print_roff(key->type->name, out);
                        fputs("\"\n", out);
                        print_roff(key->help, out);
                        fprintf(out, "%s%s\nValue: ", *only_for(key) ? "\n" : "", only_for(key));
                        print_roff(key_allowed(key, allowed), out);
                        fputs(".\nDefault: ", out);
                        print_roff(default_of(key), out);
                        fputs(".\n", out);
                }
        }
}
