/* SPDX-License-Identifier: MIT */
/* files: the files of a configuration: which they are, whether they can be trusted, and what is in them.
 *
 * All of a file is read before it is looked at, so that what is parsed is what was checked. Nothing here waits: a FIFO
 * or a device in the place of a file is refused.
 */
#include "base/text.h"
#include "config/ini.h"
#include "config/load.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#define FILE_SIZE_MAX (256 * 1024 * 1024)
#define FILES_MAX     10000

extern const struct ini_events load_events;

_printf_(3, 4) static void tell_file(struct load *load, unsigned file, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        diagnostics_add(load->diagnostics, SEVERITY_ERROR, &(struct diagnostic_place){ .file = file }, "%s",
                        text ?: "out of memory");
}

/* Who may change the file decides what the daemon runs as root. */
static bool is_trusted(struct load *load, unsigned file, const char *path, const struct stat *st) {
        if (st->st_uid != 0) {
                tell_file(load, file, "belongs to user %u, but the daemon is root (chown root %s)",
                          (unsigned)st->st_uid, path);
                return false;
        }
        if (st->st_mode & 022) {
                tell_file(load, file, "may be written by %s (chmod go-w %s)",
                          st->st_mode & 002 ? "everybody" : "its group", path);
                return false;
        }
        return true;
}

/* The other name would refuse a pipe, which is no file that a daemon could read again. */
bool config_is_stdin(const char *path) {
        return streq(path, CONFIG_STDIN) || streq(path, "/dev/stdin");
}

/* Whether what was opened as @path is a file that may be read whole. */
static int check_type(struct load *load, unsigned file, const char *path, bool trust, const struct stat *st) {
        if (S_ISDIR(st->st_mode))
                return -EISDIR;
        if (!S_ISREG(st->st_mode)) {
                tell_file(load, file, "is no regular file");
                return -EBADMSG;
        }
        return trust || is_trusted(load, file, path, st) ? 0 : -EBADMSG;
}

/* All of @fd, which is expected to have @size bytes. Returns 0, -EFBIG, -errno. */
static int read_all(int fd, size_t size, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *text = NULL;
        size_t room = 0, n_read = 0;
        ssize_t n = 1;

        while (n > 0) {
                if (n_read == room) {
                        char *more;

                        room = room == 0 ? size + 1 : 2 * room;
                        more = realloc(text, room);
                        if (!more)
                                return -ENOMEM;
                        text = more;
                }
                n = read(fd, text + n_read, room - n_read);
                if (n < 0)
                        return -errno;
                n_read += (size_t)n;
                if (n_read > FILE_SIZE_MAX)
                        return -EFBIG;
        }
        *ret = TAKE_PTR(text);
        *ret_size = n_read;
        return 0;
}

/* Reads the whole file into @ret, @ret_size bytes to free(). Returns 0, -EBADMSG (told), -errno, -ENOMEM. */
static int read_file(struct load *load, unsigned file, const char *path, bool trust, char **ret, size_t *ret_size) {
        bool stream = config_is_stdin(path);
        _cleanup_(closep) int fd = stream ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                          : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        r = stream ? 0 : check_type(load, file, path, trust, &st);
        if (r == 0)
                r = read_all(fd, S_ISREG(st.st_mode) && st.st_size < FILE_SIZE_MAX ? (size_t)st.st_size : 4096, ret,
                             ret_size);
        if (r != -EFBIG)
                return r;
        tell_file(load, file, "has more than %d bytes", FILE_SIZE_MAX);
        return -EBADMSG;
}

/* ---- their texts ---- */

static int keep_text(struct load *load, const char *path, const char *text, size_t size) {
        if (!load->options->keep_text)
                return 0;
        if (!load->text)
                load->text = open_memstream(&load->text_buffer, &load->text_size);
        if (!load->text)
                return -ENOMEM;
        /* What is in the main file has the same lines as there: what is known of `include` stays true. */
        if (load->current_file != load->main_file)
                fprintf(load->text, "# %s\n", path);
        fwrite(text, 1, size, load->text);
        if (size > 0 && text[size - 1] != '\n')
                fputc('\n', load->text);
        return ferror(load->text) ? -ENOMEM : 0;
}

/* Makes comments of the lines that say `include`. */
static void drop_include(const struct load *load, char *text) {
        const struct raw_section *section = load_find(load, SECTION_DAEMON, "");
        const struct raw_key *raw = section ? raw_section_find(section, "include") : NULL;
        unsigned number = 1;

        for (const struct raw_line *line = raw ? raw->lines : NULL; line; line = line->next) {
                for (; number < line->line; number++)
                        text = strchr(text, '\n') + 1;
                *text = '#';
        }
}

int load_take_text(struct load *load, char **ret, size_t *ret_size) {
        FILE *file = TAKE_PTR(load->text);

        if (!file || fclose(file) != 0)
                return -ENOMEM;
        drop_include(load, load->text_buffer);
        *ret = TAKE_PTR(load->text_buffer);
        *ret_size = load->text_size;
        return 0;
}

void load_text_done(struct load *load) {
        if (load->text)
                (void)fclose(load->text);
        free(load->text_buffer);
}

/* What messages call it. */
static const char *shown_path(const char *path) {
        return config_is_stdin(path) ? "<stdin>" : path;
}

bool load_is_elsewhere(const struct load *load, const char *name) {
        for (size_t i = 0; i < load->options->n_adds; i++)
                if (streq(shown_path(load->options->adds[i].path), name))
                        return true;
        return streq(name, shown_path(CONFIG_STDIN));
}

/* Reads one file into sections. @trust: whoever owns it. Returns 0, also after mistakes; -errno (told); -ENOMEM. */
static int load_file(struct load *load, const char *path, bool trust) {
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        int r;

        load->current = NULL;
        load->in_section = false;
        load->current_file = diagnostics_add_file(load->diagnostics, shown_path(path));
        if (load->current_file == DIAGNOSTIC_NO_FILE)
                return -ENOMEM;
        r = read_file(load, load->current_file, path, trust || !load->privileged, &text, &size);
        if (r == -ENOMEM)
                return r;
        if (r == -EBADMSG)
                return 0;
        if (r < 0) {
                tell_file(load, load->current_file, "cannot be read: %s", strerror(-r));
                return r;
        }
        r = keep_text(load, path, text, size);
        return r < 0 ? r : ini_read(text, size, &load_events, load);
}

/* ---- include ---- */

struct file_list {
        char **paths; /* NULL-terminated */
        size_t n;
};

static void file_list_done(struct file_list *list) {
        text_strv_free(list->paths);
}

/* Takes @path over. */
static int file_list_add(struct file_list *list, char *path) {
        char **more = path ? realloc(list->paths, (list->n + 2) * sizeof(*more)) : NULL;

        if (!more) {
                free(path);
                return -ENOMEM;
        }
        list->paths = more;
        more[list->n++] = path;
        more[list->n] = NULL;
        return 0;
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static const char *name_of_added(const struct config_add *add) {
        return add->name ? add->name : base_name(add->path);
}

/* The name that the file at @path has, or will have, in its directory. */
static const char *name_in_place(const struct config_options *options, const char *path) {
        for (size_t i = 0; i < options->n_adds; i++)
                if (streq(options->adds[i].path, path))
                        return name_of_added(&options->adds[i]);
        return base_name(path);
}

static int compare_names(const void *a, const void *b, void *options) {
        const char *left = *(const char *const *)a, *right = *(const char *const *)b;
        int r = strcmp(name_in_place(options, left), name_in_place(options, right));

        return r ? r : strcmp(left, right);
}

/* Adds the files that @pattern stands for. Returns 0, -ENOMEM. */
static int expand_pattern(struct load *load, const struct raw_section *section, const char *pattern,
                          struct file_list *list) {
        glob_t found = { 0 };
        int r = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found), q = 0;

        if (r == GLOB_NOSPACE)
                q = -ENOMEM;
        else if (r == GLOB_ABORTED && errno != ENOENT)
                load_tell_key(load, SEVERITY_ERROR, section, "include", "%s cannot be looked at: %s", pattern,
                              strerror(errno));
        else if (r != 0 && !strpbrk(pattern, "*?["))
                load_tell_key(load, SEVERITY_ERROR, section, "include", "%s does not exist", pattern);
        for (size_t i = 0; r == 0 && q == 0 && i < found.gl_pathc; i++)
                q = file_list_add(list, strdup(found.gl_pathv[i]));
        globfree(&found);
        return q;
}

/* Puts a file of --add in the place it would have: among the files of a pattern that its name matches, instead of one
 * of the same name. Returns 1 when it has one, 0, -ENOMEM. */
static int place_added(const struct config_add *add, const char *pattern, struct file_list *list, size_t first) {
        const char *name = name_of_added(add);
        int r;

        if (fnmatch(base_name(pattern), name, FNM_PERIOD) != 0)
                return 0;
        for (size_t i = first; i < list->n; i++) {
                if (!streq(base_name(list->paths[i]), name))
                        continue;
                free(list->paths[i]);
                list->paths[i] = strdup(add->path);
                if (list->paths[i])
                        return 1;
                list->n = i;
                return -ENOMEM;
        }
        r = file_list_add(list, strdup(add->path));
        return r < 0 ? r : 1;
}

/* The same of all that have no place yet. */
static int place_all(struct load *load, const char *pattern, struct file_list *list, size_t first) {
        int r = 0;

        for (size_t i = 0; i < load->options->n_adds && r >= 0; i++) {
                if (load->placed[i])
                        continue;
                r = place_added(&load->options->adds[i], pattern, list, first);
                load->placed[i] = r > 0;
        }
        return MIN(r, 0);
}

/* The files of the patterns in @words, pattern by pattern, each in name order. */
static int expand_includes(struct load *load, const struct raw_section *section, const char *directory, char **words,
                           struct file_list *list) {
        int r;

        for (; *words; words++) {
                char pattern[PATH_MAX];
                size_t first = list->n;

                if (snprintf(pattern, sizeof(pattern), "%s%s%s", **words == '/' ? "" : directory,
                             **words == '/' ? "" : "/", *words) >= (int)sizeof(pattern)) {
                        load_tell_key(load, SEVERITY_ERROR, section, "include", "the path is too long");
                        continue;
                }
                r = expand_pattern(load, section, pattern, list);
                if (r == 0)
                        r = place_all(load, pattern, list, first);
                if (r < 0)
                        return r;
                if (list->n > FILES_MAX) {
                        load_tell_key(load, SEVERITY_ERROR, section, "include", "more than %d files", FILES_MAX);
                        return 0;
                }
                if (list->n > first)
                        qsort_r(list->paths + first, list->n - first, sizeof(*list->paths), compare_names,
                                (void *)load->options);
        }
        return 0;
}

/* A file has no place among the included ones, so nobody would read it: it is checked behind them all the same. */
static int append_added(struct load *load, struct file_list *list) {
        int r = 0;

        for (size_t i = 0; i < load->options->n_adds && r == 0; i++) {
                if (load->placed[i])
                        continue;
                diagnostics_add(load->diagnostics, SEVERITY_WARNING,
                                &(struct diagnostic_place){ .file = load->main_file },
                                "no include would read a file called %s (--add NAME=FILE says how FILE will be called)",
                                name_of_added(&load->options->adds[i]));
                r = file_list_add(list, strdup(load->options->adds[i].path));
        }
        return r;
}

static bool is_same_file(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Leaves out files that are read already, the main file at @path among them: nothing in them can be told twice. */
static int drop_twins(struct load *load, const struct raw_section *section, const char *path, struct file_list *list) {
        _cleanup_(freep) struct stat *known = calloc(list->n + 1, sizeof(*known));
        size_t n_known = 0, n = 0;

        if (!known)
                return -ENOMEM;
        if (stat(path, &known[0]) == 0)
                n_known++;
        for (size_t i = 0; i < list->n; i++) {
                struct stat *st = &known[n_known];
                size_t twin = 0;

                if (stat(list->paths[i], st) == 0) {
                        while (twin < n_known && !is_same_file(&known[twin], st))
                                twin++;
                        if (twin < n_known) {
                                load_tell_key(load, SEVERITY_ERROR, section, "include", "%s is read already",
                                              list->paths[i]);
                                free(list->paths[i]);
                                continue;
                        }
                        n_known++;
                }
                list->paths[n++] = list->paths[i];
        }
        list->n = n;
        if (list->paths)
                list->paths[n] = NULL;
        return 0;
}

/* Reads what the main file includes. */
static int load_includes(struct load *load, const char *path) {
        _cleanup_(file_list_done) struct file_list list = { 0 };
        _cleanup_(text_strv_freep) char **words = NULL;
        struct raw_section *section = load->first;
        char directory[PATH_MAX];
        struct raw_key *raw;
        int r;

        while (section && (section->type != SECTION_DAEMON || !raw_section_find(section, "include")))
                section = section->next;
        raw = section ? raw_section_find(section, "include") : NULL;
        r = raw ? load_words(load, section, raw, &words) : 0;
        if (r == -ENOMEM)
                return r;
        (void)snprintf(directory, sizeof(directory), "%s", path);
        if (words) {
                r = expand_includes(load, section, dirname(directory), words, &list);
                if (r == 0)
                        r = drop_twins(load, section, path, &list);
                if (r < 0)
                        return r;
        }
        r = append_added(load, &list);
        if (r < 0)
                return r;
        for (size_t i = 0; i < list.n; i++) {
                r = load_file(load, list.paths[i], load_is_elsewhere(load, list.paths[i]));
                if (r == -ENOMEM)
                        return r;
        }
        return 0;
}

/* `include` works in the main file only: a chain of files would hide who says what. */
static void refuse_nested_includes(struct load *load) {
        for (struct raw_section *section = load->first; section; section = section->next) {
                if (section->type == SECTION_DAEMON && section->file != load->main_file &&
                    raw_section_find(section, "include"))
                        load_tell_key(load, SEVERITY_ERROR, section, "include", "is for the main file only");
        }
}

/* The file that is read as the main one: @path, or what --add has in its place. */
static const char *find_main(struct load *load, const char *path) {
        for (size_t i = 0; i < load->options->n_adds; i++)
                if (streq(name_of_added(&load->options->adds[i]), base_name(path))) {
                        load->placed[i] = true;
                        return load->options->adds[i].path;
                }
        return path;
}

int load_source(struct load *load, const char *path) {
        const char *main_path;
        int r;

        load->placed = calloc(load->options->n_adds + 1, sizeof(*load->placed));
        if (!load->placed)
                return -ENOMEM;
        main_path = find_main(load, path);
        load->main_file = diagnostics_add_file(load->diagnostics, shown_path(main_path));
        r = load_file(load, main_path, main_path != path || config_is_stdin(path));
        if (r < 0)
                return r;
        r = load_includes(load, path);
        if (r < 0)
                return r;
        refuse_nested_includes(load);
        return load->diagnostics->out_of_memory ? -ENOMEM : 0;
}
