/* SPDX-License-Identifier: MIT */
/* lint_host: what a configuration names and this machine does not have, and what others than root could change.
 *
 * Many tasks have the same user and the same command, so each is looked up once: a hundred thousand tasks cost a few
 * look-ups. This asks NSS and the file system, and may wait for them: a configuration is not loaded on the loop once it
 * runs.
 */
#include "base/text.h"
#include "config/lint.h"
#include "task/kind.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <search.h>
#include <stdio.h>
#include <sys/stat.h>

enum question {
        ASK_USER,
        ASK_GROUP,
        ASK_COMMAND,
        ASK_READABLE,
        ASK_WRITABLE, /* by others than root: the file itself or a directory above it */
        _ASK_MAX,
};

/* An answer, found by question and text. */
struct answer {
        enum question question;
        char *text;
        bool no;       /* there is none; ASK_WRITABLE: nobody can */
        char *culprit; /* ASK_WRITABLE: the path that can be changed */
};

struct host_lint {
        struct lint lint;
        void *answers; /* a tree, see tsearch(3) */
};

static int compare_answers(const void *a, const void *b) {
        const struct answer *left = a, *right = b;

        if (left->question != right->question)
                return left->question < right->question ? -1 : 1;
        return strcmp(left->text, right->text);
}

static void free_answer(void *p) {
        struct answer *answer = p;

        free(answer->text);
        free(answer->culprit);
        free(answer);
}

static bool has_user(const char *name) {
        struct passwd entry, *found = NULL;
        char buffer[8192];
        uint64_t uid;

        if (getpwnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found)
                return true;
        return text_parse_uint(name, 0, UINT32_MAX - 1, &uid) == 0 &&
               (getpwuid_r((uid_t)uid, &entry, buffer, sizeof(buffer), &found) != 0 || found);
}

static bool has_group(const char *name) {
        struct group entry, *found = NULL;
        char buffer[16384];
        uint64_t gid;

        return getgrnam_r(name, &entry, buffer, sizeof(buffer), &found) != 0 || found ||
               text_parse_uint(name, 0, UINT32_MAX - 1, &gid) == 0;
}

/* A bare name is looked for where the daemon's children look. */
static bool has_command(const char *name) {
        const char *path = getenv("PATH") ?: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

        if (strchr(name, '/'))
                return access(name, X_OK) == 0;
        while (*path) {
                size_t length = strcspn(path, ":");
                char file[PATH_MAX];

                if (snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, name) < (int)sizeof(file) &&
                    access(file, X_OK) == 0)
                        return true;
                path += length + (path[length] == ':');
        }
        return false;
}

/* Whether others than root may write @path. In a sticky directory they cannot replace what is not theirs. */
static bool others_may_write(const char *path) {
        struct stat st;

        if (stat(path, &st) < 0)
                return false;
        return st.st_uid != 0 || (st.st_mode & 022 && !(S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX));
}

/* The first of @path and the directories above it that others may write, as a new string; NULL: none. */
static char *find_writable(const char *path) {
        char *at = realpath(path, NULL);

        while (at && !others_may_write(at)) {
                char *slash = strrchr(at, '/');

                if (streq(at, "/")) {
                        free(at);
                        return NULL;
                }
                slash[slash == at] = '\0';
        }
        return at;
}

static void find_answer(struct answer *answer) {
        switch (answer->question) {
        case ASK_USER: answer->no = !has_user(answer->text); break;
        case ASK_GROUP: answer->no = !has_group(answer->text); break;
        case ASK_COMMAND: answer->no = !has_command(answer->text); break;
        case ASK_READABLE: answer->no = access(answer->text, R_OK) < 0; break;
        case ASK_WRITABLE:
                answer->culprit = find_writable(answer->text);
                answer->no = !answer->culprit;
                break;
        case _ASK_MAX: break;
        }
}

/* The answer to a question, asked once. NULL: out of memory. */
static const struct answer *ask(struct host_lint *host, enum question question, const char *text) {
        const struct answer key = { .question = question, .text = (char *)text };
        struct answer *answer, **found = tfind(&key, &host->answers, compare_answers);

        if (found)
                return *found;
        answer = calloc(1, sizeof(*answer));
        if (!answer)
                return NULL;
        answer->question = question;
        answer->text = strdup(text);
        if (!answer->text || !tsearch(answer, &host->answers, compare_answers)) {
                free_answer(answer);
                return NULL;
        }
        find_answer(answer);
        return answer;
}

static bool is_missing(struct lint *lint, enum question question, const char *text) {
        const struct answer *answer = ask((struct host_lint *)lint, question, text);

        return answer && answer->no;
}

/* ---- rules ---- */

static const struct exec_part *exec_of(const struct raw_section *section) {
        return section->task && section->task->enabled && section->task->kind == &kind_exec ? section->task->exec
                                                                                            : NULL;
}

static void check_user(struct lint *lint, struct raw_section *section) {
        const struct exec_part *exec = exec_of(section);

        if (exec && exec->user && is_missing(lint, ASK_USER, exec->user))
                lint_tell(lint, section, "user", "there is no user %s here", load_shown(section, "user", exec->user));
        if (exec && exec->group && is_missing(lint, ASK_GROUP, exec->group))
                lint_tell(lint, section, "user", "there is no group %s here", load_shown(section, "user", exec->group));
}

/* The path of a command as its process will look it up, in @buf when it must be put together. NULL: that depends on the
 * item, or there is no command. */
static const char *command_path(const struct exec_part *exec, char buf[PATH_MAX]) {
        const char *name = exec->command ? exec->command[0] : NULL;

        if (!name || strstr(name, "{item}") || strstr(name, "{n}"))
                return NULL;
        if (*name == '/' || !strchr(name, '/'))
                return name;
        return snprintf(buf, PATH_MAX, "%s/%s", exec->directory ?: "", name) < PATH_MAX ? buf : NULL;
}

static void check_command(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        const struct exec_part *exec = exec_of(section);
        char buf[PATH_MAX];
        const char *path = exec ? command_path(exec, buf) : NULL;
        const char *source =
                task && task->enabled && task->for_each.type == FOR_EACH_COMMAND ? task->for_each.words[0] : NULL;

        if (path && is_missing(lint, ASK_COMMAND, path))
                lint_tell(lint, section, "command", "%s is not there, or cannot be run",
                          load_shown(section, "command", path));
        if (source && (*source == '/' || !strchr(source, '/')) && is_missing(lint, ASK_COMMAND, source))
                lint_tell(lint, section, "for-each", "%s is not there, or cannot be run",
                          load_shown(section, "for-each", source));
}

static bool is_root(const char *user) {
        return user && (streq(user, "root") || streq(user, "0"));
}

static void check_command_of_root(struct lint *lint, struct raw_section *section) {
        const struct exec_part *exec = exec_of(section);
        const struct answer *answer;
        char buf[PATH_MAX];
        const char *path = exec && is_root(exec->user) ? command_path(exec, buf) : NULL;

        if (!path || *path != '/')
                return;
        answer = ask((struct host_lint *)lint, ASK_WRITABLE, path);
        if (answer && !answer->no)
                lint_tell(lint, section, "command", "runs as root, but others than root can write %s",
                          load_shown(section, "command", answer->culprit));
}

/* Which file it is may depend on the number of an instance. */
static bool is_unreadable(struct lint *lint, const char *path) {
        return path && !strstr(path, "{n}") && is_missing(lint, ASK_READABLE, path);
}

static void check_files(struct lint *lint, struct raw_section *section) {
        const struct task *task = section->task;
        const struct exec_part *exec = exec_of(section);
        const char *ca_file = !task                      ? NULL
                              : task->kind == &kind_http ? task->http->ca_file
                              : task->kind == &kind_tcp  ? task->tcp->ca_file
                                                         : NULL;

        if (task && task->for_each.type == FOR_EACH_LINES && is_missing(lint, ASK_READABLE, task->for_each.argument))
                lint_tell(lint, section, "for-each", "%s cannot be read",
                          load_shown(section, "for-each", task->for_each.argument));
        if (exec && is_unreadable(lint, exec->env_file))
                lint_tell(lint, section, "env-file", "%s cannot be read",
                          load_shown(section, "env-file", exec->env_file));
        if (exec && is_unreadable(lint, exec->stdin_path))
                lint_tell(lint, section, "stdin", "%s cannot be read", load_shown(section, "stdin", exec->stdin_path));
        if (ca_file && is_missing(lint, ASK_READABLE, ca_file))
                lint_tell(lint, section, "ca-file", "%s cannot be read", load_shown(section, "ca-file", ca_file));
}

/* Who can replace a file decides what the daemon runs, as who can write it does, whom reading it has refused. */
static void check_directories(struct host_lint *host) {
        struct diagnostics *diagnostics = host->lint.load->diagnostics;

        for (unsigned i = 0; i < diagnostics->n_files; i++) {
                const char *file = diagnostics->files[i];
                bool elsewhere = load_is_elsewhere(host->lint.load, file);
                const struct answer *answer = elsewhere ? NULL : ask(host, ASK_WRITABLE, file);

                if (answer && !answer->no)
                        diagnostics_add(diagnostics, SEVERITY_WARNING, &(struct diagnostic_place){ .file = i },
                                        "others than root can write %s, and so replace this file", answer->culprit);
        }
}

int load_lint_host(struct load *load) {
        static const struct lint_rule rules[] = {
                { "no such user", check_user },
                { "no such command", check_command },
                { "others can change what runs as root", check_command_of_root },
                { "a file that cannot be read", check_files },
        };
        struct host_lint host = { .lint = { .load = load } };

        lint_run(&host.lint, rules, ARRAY_SIZE(rules));
        if (load->privileged)
                check_directories(&host);
        tdestroy(host.answers, free_answer);
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
