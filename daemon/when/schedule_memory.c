/* SPDX-License-Identifier: MIT */
/* schedule_memory: what a schedule remembers, as text and back.
 *
 * The text is words, each a letter and numbers, instants in microseconds:
 *
 *     hHIGH               the furthest that was ever decided, when that is later than the mark
 *     sFROM+LENGTH        a stretch that is decided
 *     zOFFSET             of each calendar in turn: the local time of the mark less the mark
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

/* FNV-1a, 64 bits, as described by Fowler, Noll and Vo; the terminating zero keeps the parts apart. */
static uint64_t hash(uint64_t h, const char *s) {
        do {
                h ^= (unsigned char)*s;
                h *= UINT64_C(0x100000001b3);
        } while (*s++);
        return h;
}

const char *schedule_digest(const struct schedule *schedule, char buf[SCHEDULE_DIGEST_MAX]) {
        uint64_t h = UINT64_C(0xcbf29ce484222325);
        char text[32];

        (void)snprintf(text, sizeof(text), "%" PRIu64 "%s", schedule->every_usec, schedule->from_end ? "e" : "");
        h = hash(h, text);
        for (unsigned i = 0; schedule->wall && i < schedule->wall->n_calendars; i++) {
                const struct schedule_calendar *use = &schedule->wall->calendars[i].use;

                h = hash(h, use->trigger);
                h = hash(h, calendar_text(use->calendar));
                h = hash(h, zone_name(use->zone));
        }
        (void)snprintf(buf, SCHEDULE_DIGEST_MAX, "%016" PRIx64, h);
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
                put(text, " z%" PRId64, wall_local_mark(wall, &wall->calendars[i]));
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

static bool read_offset(const struct schedule_wall *wall, const char **text, int64_t *marks, unsigned *n) {
        bool negative = skip(text, '-');
        uint64_t value;

        if (!read_u64(text, &value) || *n >= wall->n_calendars || value > INT64_MAX)
                return false;
        marks[(*n)++] = negative ? -(int64_t)value : (int64_t)value;
        return true;
}

/* What cannot be read is left out: the mark alone keeps anything from firing twice. */
static void read_words(struct schedule *schedule, const char *text, int64_t *marks, unsigned *n_marks) {
        struct schedule_wall *wall = schedule->wall;

        for (;;) {
                bool ok;

                while (skip(&text, ' '))
                        ;
                switch (*text++) {
                case 'b': ok = read_backlog(schedule, &text); break;
                case 's': ok = wall && read_stretch(wall, &text); break;
                case 'z': ok = wall && read_offset(wall, &text, marks, n_marks); break;
                case 'e': schedule->awaits_end = ok = schedule->from_end; break;
                case 'h': ok = wall && read_u64(&text, &wall->high_usec); break;
                default: return;
                }
                if (!ok)
                        return;
        }
}

static int restore_wall(struct schedule *schedule, const struct schedule_memory *memory) {
        struct schedule_wall *wall = schedule->wall;
        _cleanup_(freep) int64_t *marks = calloc(wall ? wall->n_calendars : 1, sizeof(*marks));
        unsigned n_marks = 0;

        if (!marks)
                return -ENOMEM;
        if (wall && memory->accounted_usec > 0)
                wall->mark_usec = wall->high_usec = memory->accounted_usec;
        if (memory->fired)
                read_words(schedule, memory->fired, marks, &n_marks);
        if (!wall)
                return 0;
        wall->high_usec = MAX(wall->high_usec, wall->mark_usec);
        if (n_marks == wall->n_calendars)
                wall_shift(wall, marks);
        return 0;
}

/* The anchor in the present boot. One that lies in the future, because the clock was wrong then or is now, keeps its place
 * in the interval and no more. */
static int64_t translate(const struct schedule *schedule, const struct schedule_memory *memory, const char *boot_id,
                         const struct schedule_now *now) {
        int64_t boot = (int64_t)now->boot_usec, every = (int64_t)schedule->every_usec, anchor;

        if (memory->boot_id && streq(memory->boot_id, boot_id) && memory->anchor_boot_usec <= boot)
                return memory->anchor_boot_usec;
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
        if (!memory || !memory->digest || !streq(memory->digest, schedule_digest(schedule, digest)))
                return 0;
        if (memory->anchor_usec > 0)
                schedule->anchor_usec = translate(schedule, memory, boot_id, now);
        r = restore_wall(schedule, memory);
        if (r < 0)
                return r;
        end_with_daemon(schedule, now);
        schedule_replan(schedule);
        return 0;
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
