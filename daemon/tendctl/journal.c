/* SPDX-License-Identifier: MIT */
/* journal: reads the journal through sd-journal, see journal.h.
 *
 * What can be asked for exactly, libsystemd looks up in the index of the journal: TENDD_TASK, TENDD_GROUP, TENDD_TOP_RUN.
 * For a pattern it gives all that the daemon has logged. In both cases each record is looked at again, because a run in the
 * middle of a tree can only be told by its name.
 */
#include "tendctl/journal.h"

#include "base/text.h"

/* ---- names ---- */

/* Whether @name means @run or one that it is below: "etl#88" is above "etl#88/load/orders". */
static bool is_run(const char *name, const char *run) {
        size_t n = strlen(name);

        return (strncmp(run, name, n) == 0 && (run[n] == '\0' || run[n] == '/')) || text_match(name, run);
}

/* Whether @name means the task of @run, or a group that it is a member of. */
static bool is_task(const char *name, const char *task, const char *run) {
        char part[64];

        if (text_match(name, task))
                return true;
        for (const char *end; (end = strchr(run, '/')); run = end + 1) {
                size_t n = strcspn(run, "#/");

                if (n >= sizeof(part))
                        continue;
                memcpy(part, run, n);
                part[n] = '\0';
                if (text_match(name, part))
                        return true;
        }
        return false;
}

bool journal_is_wanted(char *const *names, size_t n, const char *task, const char *run) {
        for (size_t i = 0; i < n; i++)
                if (strchr(names[i], '#') ? is_run(names[i], run) : is_task(names[i], task, run))
                        return true;
        return n == 0;
}

#ifdef HAVE_LIBSYSTEMD
#include "base/utf8.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>

enum field {
        FIELD_MESSAGE,
        FIELD_IDENTIFIER,
        FIELD_TASK,
        FIELD_RUN,
        FIELD_EVENT,
        FIELD_OUTCOME,
        FIELD_ERROR,
        FIELD_CODE,
        FIELD_PRIORITY,
        FIELD_DURATION,
        _FIELD_MAX,
};

static bool is_pattern(const char *name) {
        return strpbrk(name, "*?") != NULL;
}

static const char *const field_names[_FIELD_MAX] = {
        [FIELD_MESSAGE] = "MESSAGE",   [FIELD_IDENTIFIER] = "SYSLOG_IDENTIFIER",
        [FIELD_TASK] = "TENDD_TASK",   [FIELD_RUN] = "TENDD_RUN",
        [FIELD_EVENT] = "TENDD_EVENT", [FIELD_OUTCOME] = "TENDD_OUTCOME",
        [FIELD_ERROR] = "TENDD_ERROR", [FIELD_CODE] = "CODE_FILE",
        [FIELD_PRIORITY] = "PRIORITY", [FIELD_DURATION] = "TENDD_DURATION_USEC",
};

struct journal {
        sd_journal *journal;
        struct journal_query query;
        bool at_record; /* the next record is the one at hand */
        char *fields[_FIELD_MAX];
};

/* ---- who may read ---- */

static void look_at_files(int fd, bool *some, bool *denied) {
        DIR *dir = fdopendir(fd);
        const struct dirent *entry;

        if (!dir) {
                (void)close(fd);
                return;
        }
        while ((entry = readdir(dir))) {
                size_t n = strlen(entry->d_name);

                if (n < 8 || !streq(entry->d_name + n - 8, ".journal"))
                        continue;
                if (faccessat(fd, entry->d_name, R_OK, AT_EACCESS) == 0)
                        *some = true;
                else
                        *denied |= errno == EACCES;
        }
        (void)closedir(dir);
}

/* The directory of this machine below @root: its name is the machine's id. */
static void look_at(const char *root, bool *some, bool *denied) {
        char path[PATH_MAX];
        sd_id128_t id;
        int fd;

        if (sd_id128_get_machine(&id) < 0)
                return;
        (void)snprintf(path, sizeof(path), "%s/" SD_ID128_FORMAT_STR, root, SD_ID128_FORMAT_VAL(id));
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                look_at_files(fd, some, denied);
        else
                *denied |= errno == EACCES;
}

enum journal_access journal_access(void) {
        bool some = false, denied = false;

        look_at("/run/log/journal", &some, &denied);
        look_at("/var/log/journal", &some, &denied);
        if (some)
                return denied ? JOURNAL_PARTLY : JOURNAL_ALL;
        return denied ? JOURNAL_DENIED : JOURNAL_NONE;
}

/* ---- opening ---- */

static int match(sd_journal *journal, const char *field, const char *value) {
        char text[512];
        int n = snprintf(text, sizeof(text), "%s=%s", field, value);

        return n < 0 || (size_t)n >= sizeof(text) ? -ENAMETOOLONG : sd_journal_add_match(journal, text, (size_t)n);
}

static int match_either(sd_journal *journal, const char *one, const char *other, const char *value) {
        int r = match(journal, one, value);

        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        return r >= 0 ? match(journal, other, value) : r;
}

static int match_name(sd_journal *journal, const char *name) {
        char run[256];

        if (is_pattern(name))
                return match(journal, "_COMM", "tendd");
        if (!strchr(name, '#'))
                return match_either(journal, "TENDD_TASK", "TENDD_GROUP", name);
        (void)snprintf(run, sizeof(run), "%.*s", (int)strcspn(name, "/"), name);
        return match_either(journal, "TENDD_RUN", "TENDD_TOP_RUN", run);
}

static int add_matches(struct journal *journal) {
        const struct journal_query *query = &journal->query;
        char uid[16];
        int r = query->n_names == 0 ? match(journal->journal, "_COMM", "tendd") : 0;

        for (size_t i = 0; i < query->n_names && r >= 0; i++) {
                r = match_name(journal->journal, query->names[i]);
                if (r >= 0)
                        r = sd_journal_add_disjunction(journal->journal);
        }
        if (r >= 0)
                r = sd_journal_add_conjunction(journal->journal);
        for (size_t i = 0; i < query->n_uids && r >= 0; i++) {
                (void)snprintf(uid, sizeof(uid), "%u", (unsigned)query->uids[i]);
                r = match(journal->journal, "_UID", uid);
        }
        return r;
}

int journal_open(const struct journal_query *query, struct journal **ret) {
        _cleanup_(journal_closep) struct journal *journal = NULL;
        int r;

        journal = calloc(1, sizeof(*journal));
        if (!journal)
                return -ENOMEM;
        journal->query = *query;
        r = sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY);
        if (r < 0)
                return r;
        r = add_matches(journal);
        if (r < 0)
                return r;
        (void)sd_journal_set_data_threshold(journal->journal, 0); /* lines whole */
        *ret = TAKE_PTR(journal);
        return 0;
}

struct journal *journal_close(struct journal *journal) {
        if (!journal)
                return NULL;
        for (size_t i = 0; i < _FIELD_MAX; i++)
                free(journal->fields[i]);
        sd_journal_close(journal->journal);
        free(journal);
        return NULL;
}

/* ---- records ---- */

/* A copy that is UTF-8: what is not becomes U+FFFD. */
static char *to_utf8(const char *data, size_t n) {
        char *copy = malloc(n * 3 + 1), *end = copy;

        for (size_t i = 0; copy && i < n;) {
                size_t length = data[i] == '\0' ? 0 : utf8_length(data + i, n - i);

                if (length > 0)
                        end = mempcpy(end, data + i, length);
                else
                        end = mempcpy(end, "\xef\xbf\xbd", 3);
                i += MAX(length, (size_t)1);
        }
        if (copy)
                *end = '\0';
        return copy;
}

/* Reads the field @field of the record at hand, "" if there is none. Returns 0 or -ENOMEM. */
static int read_field(struct journal *journal, enum field field) {
        size_t n_name = strlen(field_names[field]) + 1, n = 0;
        const void *data = NULL;

        free(journal->fields[field]);
        if (sd_journal_get_data(journal->journal, field_names[field], &data, &n) < 0 || n < n_name)
                journal->fields[field] = strdup("");
        else
                journal->fields[field] = to_utf8((const char *)data + n_name, n - n_name);
        return journal->fields[field] ? 0 : -ENOMEM;
}

/* Whether the record at hand is one that was asked for: 1, 0 or -errno. */
static int is_wanted(struct journal *journal) {
        const struct journal_query *query = &journal->query;
        uint64_t usec = 0;

        if (query->since_usec > 0 && sd_journal_get_realtime_usec(journal->journal, &usec) >= 0 &&
            usec < query->since_usec)
                return 0;
        if (query->n_names == 0)
                return 1;
        if (read_field(journal, FIELD_TASK) < 0 || read_field(journal, FIELD_RUN) < 0)
                return -ENOMEM;
        return journal_is_wanted(query->names, query->n_names, journal->fields[FIELD_TASK], journal->fields[FIELD_RUN]);
}

static bool is_too_old(const struct journal *journal) {
        uint64_t usec;

        return journal->query.since_usec > 0 && sd_journal_get_realtime_usec(journal->journal, &usec) >= 0 &&
               usec < journal->query.since_usec;
}

/* Steps back until the @n-th record that is wanted is at hand. Returns 1; 0: there are not so many; -errno. */
static int step_back(struct journal *journal, uint64_t n) {
        int r;

        while ((r = sd_journal_previous(journal->journal)) > 0) {
                if (is_too_old(journal))
                        return 0;
                r = is_wanted(journal);
                if (r < 0)
                        return r;
                if (r > 0 && --n == 0)
                        return 1;
        }
        return r;
}

int journal_seek_last(struct journal *journal, uint64_t n) {
        int r;

        if (n < UINT64_MAX) {
                r = sd_journal_seek_tail(journal->journal);
                if (r >= 0)
                        r = n > 0 ? step_back(journal, n) : sd_journal_previous(journal->journal);
                if (r < 0)
                        return r;
                journal->at_record = r > 0 && n > 0;
                if (r > 0)
                        return 0;
        }
        return journal->query.since_usec > 0
                       ? sd_journal_seek_realtime_usec(journal->journal, journal->query.since_usec)
                       : sd_journal_seek_head(journal->journal);
}

static int read_record(struct journal *journal, struct journal_record *ret) {
        char *const *fields = journal->fields;
        uint64_t usec = 0, level, duration;
        int r;

        for (enum field field = 0; field < _FIELD_MAX; field++) {
                r = read_field(journal, field);
                if (r < 0)
                        return r;
        }
        r = sd_journal_get_realtime_usec(journal->journal, &usec);
        if (r < 0)
                return r;
        *ret = (struct journal_record){
                .realtime_usec = usec,
                .level = text_parse_uint(fields[FIELD_PRIORITY], 0, 7, &level) == 0 ? (int)level : 6,
                .identifier = fields[FIELD_IDENTIFIER],
                .task = fields[FIELD_TASK],
                .run = fields[FIELD_RUN],
                .event = fields[FIELD_EVENT],
                .outcome = fields[FIELD_OUTCOME],
                .error = fields[FIELD_ERROR],
                .text = fields[FIELD_MESSAGE],
                .duration_usec = text_parse_uint(fields[FIELD_DURATION], 0, INT64_MAX, &duration) == 0 ? duration : 0,
                .is_ours = *fields[FIELD_CODE] || streq(fields[FIELD_IDENTIFIER], "tendd"),
        };
        return 1;
}

int journal_next(struct journal *journal, struct journal_record *ret) {
        int r;

        do {
                r = journal->at_record ? 1 : sd_journal_next(journal->journal);
                journal->at_record = false;
                if (r <= 0)
                        return r;
                r = is_wanted(journal);
        } while (r == 0);
        return r < 0 ? r : read_record(journal, ret);
}

int journal_wait(struct journal *journal) {
        int r = sd_journal_wait(journal->journal, UINT64_MAX);

        return r < 0 ? r : 0;
}

#else

enum journal_access journal_access(void) {
        return JOURNAL_NONE;
}

int journal_open(const struct journal_query *query _unused_, struct journal **ret _unused_) {
        return -EOPNOTSUPP;
}

struct journal *journal_close(struct journal *journal _unused_) {
        return NULL;
}

int journal_seek_last(struct journal *journal _unused_, uint64_t n _unused_) {
        return -EOPNOTSUPP;
}

int journal_next(struct journal *journal _unused_, struct journal_record *ret _unused_) {
        return -EOPNOTSUPP;
}

int journal_wait(struct journal *journal _unused_) {
        return -EOPNOTSUPP;
}

#endif
