/* SPDX-License-Identifier: MIT */
/* logs_kept: what runs have printed, where the journal does not have it: a log file that a task has of its own, the ends of
 * output that the store keeps with each run, and those that the daemon has in memory of live ones. */
#include "base/utf8.h"
#include "tendctl/logs.h"
#include "tendctl/print.h"

#include <fcntl.h>
#include <stdio.h>
#include <syslog.h>

#define RUNS_MAX       20                   /* of those that have ended, so many are looked at */
#define ASKED_MAX      100                  /* with those below them */
#define FILE_BYTES_MAX ((off_t)1024 * 1024) /* of the end of a log file */

/* ---- lines ---- */

static size_t count_lines(const char *text) {
        size_t n = 0;

        for (; *text; n++) {
                text += strcspn(text, "\n");
                text += *text != '\0';
        }
        return n;
}

/* Prints the lines of @text, which it changes, but for the first @skip. */
static void print_lines(const struct ctl *ctl, struct journal_record *record, char *text, size_t skip) {
        char *end;

        for (; *text; text = end) {
                size_t n = strcspn(text, "\n");

                end = text + n + (text[n] != '\0');
                text[n] = '\0';
                if (skip > 0) {
                        skip--;
                        continue;
                }
                record->level = LOG_INFO;
                record->text = text;
                if (text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
                        record->level = text[1] - '0';
                        record->text = text + 3;
                }
                logs_print(ctl, record);
        }
}

/* ---- a log file ---- */

static int take_path(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        char **path = arg;
        json_t *setting;
        size_t index;

        json_array_foreach(json_object_get(parameters, "settings"), index, setting) {
                const char *value = get_string(setting, "value");

                if (streq(get_string(setting, "key"), "output") && strncmp(value, "file:", 5) == 0 &&
                    !strchr(value, '{') && !*path)
                        *path = strdup(value + 5);
        }
        return CTL_OK;
}

/* The file that the task @name writes to, or NULL; also when the task is gone, and only its history left. To be freed. */
static char *find_file(struct ctl *ctl, const char *name) {
        char *path = NULL;

        if (!strpbrk(name, "#*?"))
                (void)ctl_call(ctl, "Show", json_pack("{s:s}", "task", name), CTL_MAYBE, take_path, &path);
        return path;
}

/* The end of the file at @path, from the beginning of a line on; NULL: it cannot be read. To be freed. */
static char *read_end(const char *path) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
        off_t from = MAX(size - FILE_BYTES_MAX, (off_t)0);
        char *text, *line;
        ssize_t n;

        if (size < 0)
                return NULL;
        text = malloc((size_t)(size - from) + 1);
        if (!text)
                return NULL;
        n = pread(fd, text, (size_t)(size - from), from);
        if (n < 0) {
                free(text);
                return NULL;
        }
        for (size_t i = 0, length; i < (size_t)n; i += MAX(length, (size_t)1)) {
                length = text[i] == '\0' ? 0 : utf8_length(text + i, (size_t)n - i);
                if (length == 0)
                        text[i] = '?';
        }
        text[n] = '\0';
        line = from > 0 ? strchr(text, '\n') : NULL;
        if (line)
                memmove(text, line + 1, strlen(line + 1) + 1);
        return text;
}

/* ---- the ends of output ---- */

/* What is put together: outputs, the latest first until it is turned round. */
struct kept {
        json_t *outputs;
        json_t *asked; /* names of runs, as keys: a member is listed beside its group */
        json_t *known; /* names of tasks and runs that the history has something of, as keys */
};

static int add_run(struct ctl *ctl, const char *run, struct kept *kept);

/* The runs below one that has ended; its items are too many. */
static int add_children(struct ctl *ctl, const json_t *result, struct kept *kept) {
        const json_t *children = json_object_get(result, "children");
        int code = CTL_OK;

        for (size_t i = json_array_size(children); i-- > 0 && code == CTL_OK;) {
                const char *run = get_string(json_array_get(children, i), "run");

                if (!strstr(run, "/item "))
                        code = add_run(ctl, run, kept);
        }
        return code;
}

static int take(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        json_t **ret = arg;
        json_t *ran = json_object_get(json_array_get(json_object_get(parameters, "history"), 0), "ran");

        if (ran && !*ret)
                *ret = json_incref(ran);
        return CTL_OK;
}

/* Adds what @run, which has ended, and those below it have printed. */
static int add_run(struct ctl *ctl, const char *run, struct kept *kept) {
        json_t *ran = NULL;
        int code;

        if (json_object_get(kept->asked, run) || json_object_size(kept->asked) >= ASKED_MAX)
                return CTL_OK;
        (void)json_object_set_new(kept->asked, run, json_true());
        code = ctl_call(ctl, "History", json_pack("{s:s}", "run", run), CTL_MORE, take, &ran);
        if (ran)
                (void)json_object_set_new(kept->known, run, json_true());
        if (code == CTL_OK)
                code = add_children(ctl, json_object_get(ran, "result"), kept);
        if (json_object_get(ran, "ended_usec") && *get_string(ran, "output_tail"))
                (void)json_array_append_new(kept->outputs,
                                            json_pack("{s:s, s:s, s:I, s:s}", "task", get_string(ran, "task"), "run",
                                                      run, "at_usec", get_int(ran, "ended_usec"), "text",
                                                      get_string(ran, "output_tail")));
        json_decref(ran);
        return code;
}

/* Adds those of the latest runs of @tasks. */
static int add_tasks(struct ctl *ctl, json_t *tasks, usec_t since_usec, struct kept *kept) {
        json_t *rows = NULL, *parameters = json_pack("{s:O, s:i}", "tasks", tasks, "n", RUNS_MAX);
        int code;

        if (since_usec > 0)
                (void)json_object_set_new(parameters, "since_usec", json_integer((json_int_t)since_usec));
        code = ctl_collect(ctl, "History", parameters, "history", &rows);
        for (size_t i = 0; i < json_array_size(rows) && code == CTL_OK; i++) {
                const json_t *ran = json_object_get(json_array_get(rows, i), "ran");

                (void)json_object_set_new(kept->known, get_string(ran, "task"), json_true());
                /* One without an end lives, and the daemon is asked for it. */
                if (json_object_get(ran, "ended_usec"))
                        code = add_run(ctl, get_string(ran, "run"), kept);
        }
        json_decref(rows);
        return code;
}

static int add_live(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        return json_array_extend(arg, json_object_get(parameters, "output")) == 0 ? CTL_OK : CTL_FAILED;
}

static int add_ended(struct ctl *ctl, char *const *names, size_t n_names, usec_t since_usec, struct kept *kept,
                     json_t *live) {
        json_t *tasks = json_array();
        int code = CTL_OK;

        for (size_t i = 0; i < n_names && code == CTL_OK; i++) {
                size_t n = json_array_size(kept->outputs);

                if (!strchr(names[i], '#'))
                        (void)json_array_append_new(tasks, json_string(names[i]));
                else
                        code = add_run(ctl, names[i], kept);
                if (n == json_array_size(kept->outputs)) /* it may live */
                        (void)json_array_append_new(live, json_string(names[i]));
        }
        if (code == CTL_OK && (json_array_size(tasks) > 0 || n_names == 0))
                code = add_tasks(ctl, tasks, since_usec, kept);
        json_decref(tasks);
        return code;
}

/* What the history knows may have ended, and its task may be gone. */
static int ask_live(struct ctl *ctl, const struct kept *kept, json_t *name, json_t *outputs) {
        bool known = json_object_get(kept->known, json_string_value(name));
        int code;

        code = ctl_call(ctl, "Output", json_pack("{s:[O]}", "runs", name), known ? CTL_MAYBE : 0, add_live, outputs);
        return code == CTL_NO_SUCH && known ? CTL_OK : code;
}

/* Puts together what runs have printed, the latest last. */
static int collect(struct ctl *ctl, char *const *names, size_t n_names, usec_t since_usec, json_t *outputs) {
        struct kept kept = { .outputs = json_array(), .asked = json_object(), .known = json_object() };
        json_t *live = json_array(), *name;
        size_t index;
        int code = add_ended(ctl, names, n_names, since_usec, &kept, live);

        for (size_t i = json_array_size(kept.outputs); i-- > 0;)
                (void)json_array_append(outputs, json_array_get(kept.outputs, i));
        json_array_foreach(live, index, name)
                if (code == CTL_OK)
                        code = ask_live(ctl, &kept, name, outputs);
        if (code == CTL_OK && n_names == 0)
                code = ctl_call(ctl, "Output", json_pack("{s:[]}", "runs"), 0, add_live, outputs);
        json_decref(kept.asked);
        json_decref(kept.known);
        json_decref(kept.outputs);
        json_decref(live);
        return code;
}

static void print_outputs(const struct ctl *ctl, const json_t *outputs, uint64_t n) {
        size_t lines = 0, skip, index;
        json_t *output;

        json_array_foreach((json_t *)outputs, index, output)
                lines += count_lines(get_string(output, "text"));
        skip = lines > n ? lines - (size_t)n : 0;
        json_array_foreach((json_t *)outputs, index, output) {
                struct journal_record record = {
                        .realtime_usec = (usec_t)get_int(output, "at_usec"),
                        .task = get_string(output, "task"),
                        .run = get_string(output, "run"),
                        .identifier = get_string(output, "task"),
                };
                _cleanup_(freep) char *text = strdup(get_string(output, "text"));
                size_t here;

                if (!text)
                        return;
                here = count_lines(text);
                print_lines(ctl, &record, text, MIN(skip, here));
                skip -= MIN(skip, here);
        }
}

int logs_find_kept(struct ctl *ctl, char *const *names, size_t n_names, usec_t since_usec, struct logs_kept *ret) {
        _cleanup_(freep) char *path = NULL;
        int code;

        *ret = (struct logs_kept){ .outputs = json_array() };
        code = collect(ctl, names, n_names, since_usec, ret->outputs);
        if (code != CTL_OK || n_names != 1)
                return code;
        path = find_file(ctl, names[0]);
        if (!path)
                return CTL_OK;
        ret->file = read_end(path);
        if (!ret->file)
                fprintf(stderr, "tendctl: its log file is %s, which cannot be read: %s\n", path, strerror(errno));
        else
                fprintf(stderr, "tendctl: its log file is %s\n", path);
        return CTL_OK;
}

void logs_print_kept(const struct ctl *ctl, const struct logs_kept *kept, const char *task, uint64_t n) {
        struct journal_record record = { .task = task, .run = "", .identifier = task };
        size_t lines;

        if (!kept->file) {
                print_outputs(ctl, kept->outputs, n);
                return;
        }
        lines = count_lines(kept->file);
        print_lines(ctl, &record, kept->file, lines > n ? lines - (size_t)n : 0);
}

void logs_kept_done(struct logs_kept *kept) {
        json_decref(kept->outputs);
        free(kept->file);
}
