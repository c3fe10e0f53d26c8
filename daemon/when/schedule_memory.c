/* SPDX-License-Identifier: MIT */
/* schedule_memory: what a schedule remembers, as text and back.
 *
 * Triggers may be others when it is read: then each calendar is known again by its hash, and one that is not begins now,
 * while the mark, and what was decided, stay. So an occurrence that is within its splay, or was missed, is not lost when
 * another calendar is added.
 *
 * The text is words, each a letter and numbers, instants in microseconds:
 *
 *     hHIGH               the furthest that was ever decided, when that is later than the mark
 *     sFROM+LENGTH        a stretch that is decided
 *     zOFFSET/HASH        of each calendar: the local time of the mark less the mark
 *     e                   the run that `every-from = end` counts from was at work
 *     bTDUE, bTDUE+STEP*N N due times that wait to be caught up, STEP apart; T: the trigger's first letter (k: cron)
 */
#include "when/schedule_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* What is read of a row of due times, should the text be damaged; the key catch-up-max allows no more. */
#define BACKLOG_MAX UINT64_C(10000)

/* ---- digest ---- */

#define EVERY_DIGITS 8 /* of the digest: the rest is of calendars */

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits, as described by Fowler, Noll and Vo; the terminating zero keeps the parts apart. */
static uint64_t hash(uint64_t h, const char *s) {
        do {
                h ^= (unsigned char)*s;
                h *= UINT64_C(0x100000001b3);
        } while (*s++);
        return h;
}

static uint32_t fold(uint64_t h) {
        return (uint32_t)(h ^ (h >> 32));
}

static uint32_t hash_calendar(const struct schedule_calendar *use) {
        uint64_t h = hash(HASH_BEGIN, use->trigger);

        h = hash(h, calendar_text(use->calendar));
        return fold(use->own_zone ? h : hash(h, zone_name(use->zone)));
}

const char *schedule_digest(const struct schedule *schedule, char buf[SCHEDULE_DIGEST_MAX]) {
        uint64_t every, calendars = HASH_BEGIN;
        char text[32];

        (void)snprintf(text, sizeof(text), "%" PRIu64 "%s", schedule->every_usec, schedule->from_end ? "e" : "");
        every = hash(HASH_BEGIN, text);
        for (unsigned i = 0; schedule->wall && i < schedule->wall->n_calendars; i++) {
                (void)snprintf(text, sizeof(text), "%" PRIu32, hash_calendar(&schedule->wall->calendars[i].use));
                calendars = hash(calendars, text);
        }
        (void)snprintf(buf, SCHEDULE_DIGEST_MAX, "%08" PRIx32 "%08" PRIx32, fold(every), fold(calendars));
        return buf;
}

/* ---- saving ---- */

struct text {
        char **buf;
        size_t *size;
        size_t used;
        bool failed;
};

static _printf_(2, 3) void put(struct text *text, const char *format, ...) {
        va_list args;
        int n;

        if (text->failed)
                return;
        if (*text->size < text->used + 128) {
                size_t size = MAX(*text->size * 2, text->used + 256);
                char *buf = realloc(*text->buf, size);

                if (!buf) {
                        text->failed = true;
                        return;
                }
                *text->buf = buf;
                *text->size = size;
        }
        va_start(args, format);
        n = vsnprintf(*text->buf + text->used, 128, format, args);
        va_end(args);
        text->used += (size_t)n;
}

static const char *const triggers[] = { "calendar", "every", "cron" };
static const char letters[] = "cek";

static char letter_of(const char *trigger) {
        for (size_t i = 0; i < ARRAY_SIZE(triggers); i++)
                if (streq(triggers[i], trigger))
                        return letters[i];
        return letters[0];
}

/* How many from @items on are as far apart as the first two, and of one trigger. */
static unsigned row_length(const struct schedule_due *items, unsigned n) {
        unsigned k = 1;

        while (k < n && items[k].trigger == items[0].trigger &&
               items[k].due_usec - items[k - 1].due_usec == items[1].due_usec - items[0].due_usec)
                k++;
        return k;
}

static void put_backlog(struct text *text, const struct schedule_backlog *backlog) {
        for (unsigned i = 0, k; i < backlog->n; i += k) {
                const struct schedule_due *items = &backlog->items[backlog->first + i];

                k = row_length(items, backlog->n - i);
                if (k > 1)
                        put(text, " b%c%" PRIu64 "+%" PRIu64 "*%u", letter_of(items[0].trigger), items[0].due_usec,
                            items[1].due_usec - items[0].due_usec, k);
                else
                        put(text, " b%c%" PRIu64, letter_of(items[0].trigger), items[0].due_usec);
        }
}

static void put_wall(struct text *text, const struct schedule_wall *wall) {
        if (wall->high_usec > wall->mark_usec)
                put(text, " h%" PRIu64, wall->high_usec);
        for (unsigned i = 0; i < wall->n_calendars; i++)
                put(text, " z%" PRId64 "/%" PRIu32, wall_local_mark(wall, &wall->calendars[i]),
                    hash_calendar(&wall->calendars[i].use));
        for (unsigned i = 0; i < wall->n_stretches; i++)
                put(text, " s%" PRIu64 "+%" PRIu64, wall->stretches[i].from_usec,
                    wall->stretches[i].to_usec - wall->stretches[i].from_usec);
}

int schedule_save(const struct schedule *schedule, const struct schedule_now *now, struct schedule_memory *ret,
                  char **buf, size_t *size) {
        struct text text = { .buf = buf, .size = size };
        int64_t age = (int64_t)now->boot_usec - schedule->anchor_usec;

        ret->accounted_usec = schedule->wall ? schedule->wall->mark_usec : 0;
        ret->anchor_boot_usec = schedule->anchor_usec;
        ret->anchor_usec = (int64_t)now->wall_usec > age ? (usec_t)((int64_t)now->wall_usec - age) : 1;
        if (schedule->wall)
                put_wall(&text, schedule->wall);
        if (schedule->awaits_end)
                put(&text, " e");
        if (schedule->backlog)
                put_backlog(&text, schedule->backlog);
        ret->fired = text.used > 0 && !text.failed ? *buf + 1 : NULL;
        return text.failed ? -ENOMEM : 0;
}

/* ---- restoring ---- */

static bool read_u64(const char **text, uint64_t *ret) {
        uint64_t value = 0;
        const char *p = *text;

        if (*p < '0' || *p > '9')
                return false;
        for (; *p >= '0' && *p <= '9'; p++)
                if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
                        return false;
        *text = p;
        *ret = value;
        return true;
}

static bool skip(const char **text, char c) {
        if (**text != c)
                return false;
        (*text)++;
        return true;
}

static bool read_backlog(struct schedule *schedule, const char **text) {
        const char *letter = **text ? strchr(letters, **text) : NULL;
        uint64_t due, step = 0, n = 1;

        if (!letter)
                return false;
        (*text)++;
        if (!read_u64(text, &due))
                return false;
        if (skip(text, '+') && (!read_u64(text, &step) || !skip(text, '*') || !read_u64(text, &n)))
                return false;
        for (uint64_t i = 0; i < MIN(n, BACKLOG_MAX); i++)
                if (schedule_push(schedule, &(const struct schedule_due){
                                                    .due_usec = due + i * step,
                                                    .trigger = triggers[letter - letters],
                                            }) < 0)
                        return false;
        return true;
}

static bool read_stretch(struct schedule_wall *wall, const char **text) {
        uint64_t from, length;

        if (!read_u64(text, &from) || !skip(text, '+') || !read_u64(text, &length))
                return false;
        wall_decide(wall, from, usec_add(from, length), false);
        return true;
}

/* What is known of a calendar. */
struct known {
        int64_t local_mark;
        bool is_known;
};

static bool read_offset(const struct schedule_wall *wall, const char **text, struct known *known) {
        bool negative = skip(text, '-');
        uint64_t value, h;

        if (!read_u64(text, &value) || !skip(text, '/') || !read_u64(text, &h) || value > INT64_MAX)
                return false;
        for (unsigned i = 0; i < wall->n_calendars; i++)
                if (hash_calendar(&wall->calendars[i].use) == h)
                        known[i] = (struct known){
                                .local_mark = negative ? -(int64_t)value : (int64_t)value,
                                .is_known = true,
                        };
        return true;
}

static bool read_word(struct schedule *schedule, const char *text, struct known *known) {
        struct schedule_wall *wall = schedule->wall;

        switch (*text++) {
        case 'b': return read_backlog(schedule, &text);
        case 's': return wall && read_stretch(wall, &text);
        case 'z': return wall && read_offset(wall, &text, known);
        case 'e': return schedule->awaits_end = schedule->from_end;
        case 'h': return wall && read_u64(&text, &wall->high_usec);
        default: return false;
        }
}

/* What cannot be read is left out: the mark alone keeps anything from firing twice. */
static void read_words(struct schedule *schedule, const char *text, struct known *known) {
        while (*text) {
                (void)read_word(schedule, text, known);
                text += strcspn(text, " ");
                text += strspn(text, " ");
        }
}

/* What was decided while the clock was ahead is so for the calendars of then alone: it would hide what is due by others. */
static void forget_ahead(struct schedule_wall *wall, usec_t now_usec) {
        wall->mark_usec = MIN(wall->mark_usec, now_usec);
        wall->high_usec = MIN(wall->high_usec, now_usec);
        while (wall->n_stretches > 0 && wall->stretches[wall->n_stretches - 1].from_usec > now_usec)
                wall->n_stretches--;
        if (wall->n_stretches > 0)
                wall->stretches[wall->n_stretches - 1].to_usec =
                        MIN(wall->stretches[wall->n_stretches - 1].to_usec, now_usec);
}

/* Calendars that are new have missed nothing. */
static int settle_calendars(struct schedule_wall *wall, const struct known *known, const struct schedule_now *now) {
        _cleanup_(freep) int64_t *marks = calloc(wall->n_calendars, sizeof(*marks));
        bool is_new = false, is_same = false;

        if (!marks)
                return -ENOMEM;
        for (unsigned i = 0; i < wall->n_calendars; i++)
                marks[i] = known[i].is_known ? known[i].local_mark : wall_local_mark(wall, &wall->calendars[i]);
        wall_shift(wall, marks);
        for (unsigned i = 0; i < wall->n_calendars; i++)
                if (!known[i].is_known) {
                        wall->calendars[i].from_usec = now->wall_usec;
                        is_new = true;
                } else
                        is_same = true;
        if (is_new)
                forget_ahead(wall, now->wall_usec);
        if (!is_same)
                wall->mark_usec = wall->high_usec = now->wall_usec;
        return 0;
}

static int restore_words(struct schedule *schedule, const struct schedule_memory *memory,
                         const struct schedule_now *now) {
        struct schedule_wall *wall = schedule->wall;
        _cleanup_(freep) struct known *known = calloc(wall ? wall->n_calendars : 1, sizeof(*known));
        bool is_known = memory->accounted_usec > 0; /* else there were no calendars */

        if (!known)
                return -ENOMEM;
        if (wall && is_known)
                wall->mark_usec = wall->high_usec = memory->accounted_usec;
        if (memory->fired)
                read_words(schedule, memory->fired, known);
        if (!wall)
                return 0;
        wall->high_usec = MAX(wall->high_usec, wall->mark_usec);
        for (unsigned i = 0; i < wall->n_calendars && !schedule->changed; i++) /* also if that could not be read */
                if (!known[i].is_known)
                        known[i] = (struct known){ wall_local_mark(wall, &wall->calendars[i]), true };
        return is_known ? settle_calendars(wall, known, now) : 0;
}

/* The anchor in the present boot. One that lies in the future, because the clock was wrong then or is now, keeps its place
 * in the interval and no more; how long ago it was by a clock that had never been set, nobody knows: it begins anew. */
static int64_t translate(const struct schedule *schedule, const struct schedule_memory *memory, const char *boot_id,
                         const struct schedule_now *now) {
        int64_t boot = (int64_t)now->boot_usec, every = (int64_t)schedule->every_usec, anchor;

        if (memory->boot_id && streq(memory->boot_id, boot_id) && memory->anchor_boot_usec <= boot)
                return memory->anchor_boot_usec;
        if (memory->anchor_usec < now->epoch_usec && now->wall_usec >= now->epoch_usec)
                return boot;
        anchor = boot - ((int64_t)now->wall_usec - (int64_t)memory->anchor_usec);
        if (anchor <= boot || every == 0)
                return MIN(anchor, boot);
        return schedule->from_end ? boot : boot - (every - (anchor - boot) % every) % every;
}

/* A run that the next interval waits for ended with its daemon, nobody knows when: at the latest now. One that is still to
 * be caught up is waited for. */
static void end_with_daemon(struct schedule *schedule, const struct schedule_now *now) {
        const struct schedule_backlog *backlog = schedule->backlog;

        if (!now->start) /* a reload: it is at work still */
                return;
        if (schedule->awaits_end)
                schedule->anchor_usec = (int64_t)now->boot_usec;
        schedule->awaits_end = false;
        for (unsigned i = 0; schedule->from_end && backlog && i < backlog->n; i++)
                if (streq(backlog->items[backlog->first + i].trigger, "every"))
                        schedule->awaits_end = true;
}

int schedule_restore(struct schedule *schedule, const struct schedule_memory *memory, const char *boot_id,
                     const struct schedule_now *now) {
        char digest[SCHEDULE_DIGEST_MAX];
        int r;

        schedule_arm(schedule, now);
        if (!memory || !memory->digest)
                return 0;
        (void)schedule_digest(schedule, digest);
        schedule->changed = !streq(memory->digest, digest);
        schedule->every_changed = strncmp(memory->digest, digest, EVERY_DIGITS) != 0;
        if (memory->anchor_usec > 0 && !schedule->every_changed)
                schedule->anchor_usec = translate(schedule, memory, boot_id, now);
        r = restore_words(schedule, memory, now);
        if (r < 0)
                return r;
        end_with_daemon(schedule, now);
        schedule_replan(schedule);
        return 0;
}

/* ---- what is given up ---- */

bool schedule_has_saved_backlog(const char *fired) {
        return fired && (fired[0] == 'b' || strstr(fired, " b"));
}

/* What waits of one trigger, told in one. */
static void give_up_trigger(const struct schedule_backlog *backlog, const char *trigger,
                            const struct schedule_listener *listener, const char *detail) {
        struct schedule_missed missed = { .trigger = trigger, .why = MISSED_CHANGED, .detail = detail };

        for (unsigned i = 0; i < backlog->n; i++) {
                const struct schedule_due *due = &backlog->items[backlog->first + i];

                if (due->trigger != trigger)
                        continue;
                if (missed.n++ == 0)
                        missed.first_usec = due->due_usec;
                missed.last_usec = due->due_usec;
        }
        if (missed.n > 0)
                listener->missed(&missed, listener->arg);
}

void schedule_give_up_saved(const char *fired, const struct schedule_listener *listener, const char *detail) {
        struct schedule schedule = { 0 };

        if (!schedule_has_saved_backlog(fired))
                return;
        read_words(&schedule, fired, NULL);
        for (size_t i = 0; schedule.backlog && i < ARRAY_SIZE(triggers); i++)
                give_up_trigger(schedule.backlog, triggers[i], listener, detail);
        schedule_done(&schedule);
}

/* ---- what was run ---- */

static bool take_out(struct schedule *schedule, usec_t due_usec) {
        struct schedule_backlog *backlog = schedule->backlog;

        for (unsigned i = backlog ? backlog->first : 0; backlog && i < backlog->first + backlog->n; i++) {
                if (backlog->items[i].due_usec != due_usec)
                        continue;
                backlog->n--;
                memmove(&backlog->items[i], &backlog->items[i + 1],
                        (backlog->first + backlog->n - i) * sizeof(backlog->items[0]));
                if (backlog->n == 0) {
                        free(backlog);
                        schedule->backlog = NULL;
                }
                return true;
        }
        return false;
}

void schedule_mark_fired(struct schedule *schedule, const struct schedule_due *due, const struct schedule_now *now) {
        struct schedule_wall *wall = schedule->wall;
        int64_t at = (int64_t)now->boot_usec - ((int64_t)now->wall_usec - (int64_t)due->due_usec);
        int64_t every = (int64_t)schedule->every_usec;

        if (schedule->from_end)
                schedule->awaits_end = true; /* it was at work, whoever had started it */
        if (take_out(schedule, due->due_usec)) {
                end_with_daemon(schedule, now);
                schedule_replan(schedule);
                return;
        }
        at = MIN(at, (int64_t)now->boot_usec); /* what ran is not ahead, whatever a clock that is behind says */
        if (every > 0 && streq(due->trigger, "every") && at - schedule->anchor_usec > every / 2)
                schedule->anchor_usec += (at - schedule->anchor_usec + every / 2) / every * every;
        if (wall && !streq(due->trigger, "every") && wall_next(wall, due->due_usec - 1).due_usec == due->due_usec) {
                wall_decide(wall, due->due_usec, due->due_usec, false);
                wall->mark_usec = MAX(wall->mark_usec, due->due_usec);
                wall->high_usec = MAX(wall->high_usec, due->due_usec);
        }
        end_with_daemon(schedule, now);
        schedule_replan(schedule);
}
