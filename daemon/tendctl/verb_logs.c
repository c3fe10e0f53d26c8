/* SPDX-License-Identifier: MIT */
/* verb_logs: what tasks printed, and what became of them.
 *
 * The journal is read here, not by the daemon: it is the user who may read it or may not. Who is not allowed to, or has no
 * journal, gets what the daemon keeps of each run.
 */
#include "base/text.h"
#include "tendctl/client.h"
#include "tendctl/logs.h"
#include "tendctl/print.h"
#include "tendctl/time_arg.h"
#include "tendctl/verb.h"

#include <pwd.h>
#include <stdio.h>
#include <syslog.h>

#define LINES_MAX     1000000
#define LINES_DEFAULT 100
#define LINES_FOLLOW  10

/* ---- printing ---- */

static const char *const levels[] = {
        [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static void set_text(json_t *object, const char *key, const char *value) {
        if (value && *value)
                (void)json_object_set_new(object, key, json_string(value));
}

static void print_as_json(const struct journal_record *record) {
        json_t *object = json_object();

        if (record->realtime_usec > 0)
                (void)json_object_set_new(object, "at_usec", json_integer((json_int_t)record->realtime_usec));
        set_text(object, "task", record->task);
        set_text(object, "run", record->run);
        set_text(object, "identifier", record->identifier);
        set_text(object, "level", levels[record->level]);
        set_text(object, "event", record->event);
        set_text(object, "outcome", record->outcome);
        set_text(object, "error", record->error);
        if (record->duration_usec > 0)
                (void)json_object_set_new(object, "duration_usec", json_integer((json_int_t)record->duration_usec));
        (void)json_object_set_new(object, "text", json_string(record->text));
        if (json_dumpf(object, stdout, JSON_COMPACT) == 0)
                putchar('\n');
        json_decref(object);
}

static enum paint paint_of(const struct journal_record *record) {
        if (record->level <= LOG_ERR)
                return PAINT_BAD;
        if (record->level == LOG_WARNING)
                return PAINT_WARN;
        return record->is_ours ? PAINT_BOLD : record->level == LOG_DEBUG ? PAINT_DIM : PAINT_NONE;
}

static void print_for_people(const struct journal_record *record) {
        const char *who = *record->run ? record->run : *record->task ? record->task : record->identifier;
        char when[WHEN_MAX];

        if (record->realtime_usec > 0) {
                print_painted(PAINT_DIM, format_clock((json_int_t)record->realtime_usec, when));
                putchar(' ');
        }
        /* What tendd says begins with whom it is about. */
        if (!record->is_ours && *who) {
                print_painted(PAINT_DIM, who);
                fputs(": ", stdout);
        }
        print_painted(paint_of(record), record->text);
        putchar('\n');
}

void logs_print(const struct ctl *ctl, const struct journal_record *record) {
        if (ctl->json)
                print_as_json(record);
        else
                print_for_people(record);
}

/* ---- the journal ---- */

#define UIDS_MAX 3

/* As whom the daemon may run: as its socket says, and as the user tendd, for whom systemd may have made the socket. */
static size_t find_uids(const struct ctl *ctl, uid_t uids[UIDS_MAX]) {
        const struct passwd *user;
        size_t n = 0;

        if (!ctl->client || client_peer(ctl->client, &uids[n++], NULL) < 0) {
                n = 0;
                uids[n++] = 0;
                uids[n++] = geteuid();
        }
        user = getpwnam("tendd");
        if (user)
                uids[n++] = user->pw_uid;
        return n;
}

static int cannot_read(int error) {
        return ctl_error(CTL_FAILED, "cannot read the journal: %s", strerror(-error));
}

/* Prints what there is, and with @follow what comes. Returns an exit code. */
static int print_journal(const struct ctl *ctl, struct journal *journal, bool follow, uint64_t *ret_n) {
        struct journal_record record;
        int r;

        for (;;) {
                r = journal_next(journal, &record);
                if (r > 0) {
                        logs_print(ctl, &record);
                        ++*ret_n;
                }
                if (r < 0)
                        return cannot_read(r);
                if (r > 0)
                        continue;
                if (fflush(stdout) != 0)
                        return ctl_error(CTL_FAILED, "cannot write: %s", strerror(errno));
                if (!follow)
                        return CTL_OK;
                r = journal_wait(journal);
                if (r < 0)
                        return cannot_read(r);
        }
}

static int from_journal(const struct ctl *ctl, const struct journal_query *query, uint64_t n, bool follow,
                        uint64_t *ret_n) {
        _cleanup_(journal_closep) struct journal *journal = NULL;
        int r;

        r = journal_open(query, &journal);
        if (r >= 0)
                r = journal_seek_last(journal, n);
        return r < 0 ? cannot_read(r) : print_journal(ctl, journal, follow, ret_n);
}

/* ---- when the journal has nothing ---- */

#define HOW_TO_READ                                                                                                    \
        "as root, or as a member of the group systemd-journal (usermod -aG systemd-journal USER, then log in anew)"

static void say_why_not(enum journal_access access, bool kept) {
        const char *instead = kept ? "; below is the end of what recent runs printed" : "";

        switch (access) {
        case JOURNAL_NONE: fprintf(stderr, "tendctl: there is no journal here%s\n", instead); break;
        case JOURNAL_DENIED:
                fprintf(stderr, "tendctl: you may not read the journal: do so " HOW_TO_READ "%s\n", instead);
                break;
        case JOURNAL_PARTLY:
                fprintf(stderr,
                        "tendctl: your part of the journal has nothing of it: read all of it " HOW_TO_READ "%s\n",
                        instead);
                break;
        case JOURNAL_ALL: fprintf(stderr, "tendctl: the journal has nothing of it%s\n", instead); break;
        }
}

static int say_cannot_follow(enum journal_access access) {
        if (access == JOURNAL_DENIED)
                return ctl_error(CTL_DENIED, "you may not read the journal: do so " HOW_TO_READ);
        return ctl_error(CTL_FAILED, "there is no journal here that could be followed: tendctl events -f tells what "
                                     "happens, and what writes the daemon's standard error has the lines");
}

/* ---- the verb ---- */

struct wanted {
        uint64_t n;
        usec_t since_usec;
        bool follow;
};

static int read_options(const struct verb_args *args, struct wanted *ret) {
        const char *lines = args->options[LOGS_LINES], *since = args->options[LOGS_SINCE];

        *ret = (struct wanted){ .follow = args->options[LOGS_FOLLOW] != NULL };
        ret->n = since ? UINT64_MAX : ret->follow ? LINES_FOLLOW : LINES_DEFAULT;
        if (lines && text_parse_uint(lines, 0, LINES_MAX, &ret->n) < 0)
                return ctl_error(CTL_USAGE, "--lines %s: a number up to %d", lines, LINES_MAX);
        if (since && time_arg_parse(since, TIME_AGO, clock_now(CLOCK_ID_REALTIME), &ret->since_usec) < 0)
                return ctl_error(CTL_USAGE, "--since %s: not a time; for instance yesterday, '2025-03-30 02:30', 2h",
                                 since);
        return CTL_OK;
}

static int print_kept(struct ctl *ctl, const struct verb_args *args, const struct wanted *wanted,
                      enum journal_access access) {
        struct logs_kept kept;
        int code;

        if (!ctl->client) {
                say_why_not(access, false);
                return ctl_connect(ctl); /* says what was tried */
        }
        code = logs_find_kept(ctl, args->words, args->n, wanted->since_usec, &kept);
        if (code == CTL_OK) {
                say_why_not(access, kept.file || json_array_size(kept.outputs) > 0);
                logs_print_kept(ctl, &kept, args->n > 0 ? args->words[0] : "", wanted->n);
        } else if (code != CTL_NO_SUCH)
                say_why_not(access, false);
        logs_kept_done(&kept);
        return code;
}

static int ignore(_unused_ struct ctl *ctl, _unused_ const json_t *parameters, _unused_ void *arg) {
        return CTL_OK;
}

/* Who follows a name with a mistake in it would wait for ever. */
static int check_names(struct ctl *ctl, const struct verb_args *args) {
        json_t *tasks = json_array();

        for (size_t i = 0; i < args->n; i++) {
                size_t n = strcspn(args->words[i], "#");

                (void)json_array_append_new(tasks, json_stringn(args->words[i], n));
        }
        if (args->n > 0)
                return ctl_call(ctl, "List", json_pack("{s:o}", "tasks", tasks), CTL_MORE, ignore, NULL);
        json_decref(tasks);
        return CTL_OK;
}

int verb_logs(struct ctl *ctl, const struct verb_args *args) {
        enum journal_access access = journal_access();
        bool connected = ctl_connect_quietly(ctl) == 0;
        uid_t uids[UIDS_MAX];
        struct journal_query query = { .names = args->words, .n_names = args->n, .uids = uids };
        struct wanted wanted;
        uint64_t n_printed = 0;
        int code;

        code = read_options(args, &wanted);
        if (code != CTL_OK)
                return code;
        query.n_uids = find_uids(ctl, uids);
        query.since_usec = wanted.since_usec;
        if (wanted.follow) {
                if (access == JOURNAL_NONE || access == JOURNAL_DENIED)
                        return say_cannot_follow(access);
                if (connected)
                        code = check_names(ctl, args);
        }
        if (code == CTL_OK && access != JOURNAL_NONE && access != JOURNAL_DENIED)
                code = from_journal(ctl, &query, wanted.n, wanted.follow, &n_printed);
        if (code != CTL_OK || n_printed > 0)
                return code;
        return print_kept(ctl, args, &wanted, access);
}
