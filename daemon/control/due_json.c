/* SPDX-License-Identifier: MIT */
/* due_json: see due_json.h. */
#include "control/due_json.h"

#include "base/text.h"
#include "control/methods.h"
#include "live/outcome_json.h"
#include "when/calendar.h"

#include <stdio.h>

#define LOCAL_MAX      32
#define WATCH_TEXT_MAX 512

/* Local time as people write it. */
static const char *format_local(int64_t local_secs, char buf[LOCAL_MAX]) {
        struct civil civil;

        civil_from_secs(local_secs, &civil);
        (void)snprintf(buf, LOCAL_MAX, "%04d-%02u-%02u %02u:%02u:%02u", civil.year, civil.month, civil.day, civil.hour,
                       civil.minute, civil.second);
        return buf;
}

/* The one of @calendars that elapses at @due_usec, or NULL. */
static const struct task_calendar *find_calendar(const struct task_calendar *calendars, size_t n, usec_t due_usec) {
        struct occurrence occurrence;

        for (size_t i = 0; i < n; i++)
                if (calendar_next(calendars[i].calendar, calendars[i].zone, due_usec - 1, &occurrence) &&
                    occurrence.utc_usec == due_usec)
                        return &calendars[i];
        return NULL;
}

/* Adds what of a calendar is to be known: its expression, its zone, and what clocks show there. */
static int add_calendar(json_t *json, const struct live_task *live, const struct live_due *due) {
        const struct when_part *when = live_task_task(live)->when;
        int64_t secs = (int64_t)(due->due_usec / USEC_PER_SEC);
        const struct task_calendar *calendar;
        char local[LOCAL_MAX];
        struct zone_time time;

        if (!when)
                return 0;
        calendar = streq(due->trigger, "cron") ? find_calendar(when->crons, when->n_crons, due->due_usec)
                                               : find_calendar(when->calendars, when->n_calendars, due->due_usec);
        if (!calendar)
                return 0;
        zone_at(calendar->zone, secs, &time);
        return json_object_set_new(json, "expression", json_text(calendar_text(calendar->calendar))) < 0 ||
                               json_object_set_new(json, "zone", json_text(zone_name(calendar->zone))) < 0 ||
                               json_object_set_new(json, "local",
                                                   json_string(format_local(secs + time.offset_secs, local))) < 0
                       ? -ENOMEM
                       : 0;
}

static json_t *every_to_json(const struct task *task) {
        char span[TEXT_USEC_MAX];

        return json_sprintf("%s%s", text_format_usec(task->every_usec, span),
                            task->every_from_end ? " from its end" : "");
}

static json_t *begin(const struct live_task *live, const char *trigger) {
        return json_pack("{s:s, s:s, s:b}", "task", live_task_task(live)->run.name, "trigger", trigger, "paused",
                         (int)(live_task_paused_by(live, NULL) != NULL));
}

json_t *due_to_json(const struct live_task *live, const struct live_due *due) {
        const struct task *task = live_task_task(live);
        json_t *json = begin(live, due->trigger);
        int r;

        if (!json)
                return NULL;
        r = streq(due->trigger, "every") ? json_object_set_new(json, "expression", every_to_json(task))
                                         : add_calendar(json, live, due);
        if (r < 0 || json_object_set_new(json, "at_usec", json_usec(due->at_usec)) < 0 ||
            json_object_set_new(json, "due_usec", json_usec(due->due_usec)) < 0 ||
            (task->splay_usec > 0 && json_object_set_new(json, "splay_usec", json_usec(task->splay_usec)) < 0) ||
            (task->jitter_usec > 0 && json_object_set_new(json, "jitter_usec", json_usec(task->jitter_usec)) < 0)) {
                json_decref(json);
                return NULL;
        }
        return json;
}

/* The patterns of `watch`, as many as there is room for. */
static json_t *watch_to_json(const struct when_part *when) {
        char text[WATCH_TEXT_MAX];
        size_t used = 0;

        text[0] = '\0';
        for (size_t i = 0; when->watch[i] && used < sizeof(text); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "", when->watch[i]);
        return json_text(text);
}

static bool has_watch(const struct task *task) {
        return task->when && task->when->watch && task->when->watch[0];
}

json_t *due_without_time(const struct live_task *live, bool named) {
        const struct task *task = live_task_task(live);
        json_t *json, *expression = NULL;

        if (!task->enabled)
                return named ? begin(live, "disabled") : NULL;
        if (live_task_is_starting(live))
                return begin(live, "starting");
        if (!has_watch(task) && task->every_usec == 0)
                return named ? begin(live, task->on_start ? "on-start" : "none") : NULL;
        json = begin(live, has_watch(task) ? "watch" : "every");
        expression = has_watch(task) ? watch_to_json(task->when) : every_to_json(task);
        if (json_object_set_new(json, "expression", expression) == 0)
                return json;
        json_decref(json);
        return NULL;
}

/* ---- triggers ---- */

static int append_trigger(json_t *array, const char *trigger, json_t *expression, const struct zone *zone) {
        return json_array_append_new(array, json_pack("{s:s, s:o*, s:o*}", "trigger", trigger, "expression", expression,
                                                      "zone", zone ? json_text(zone_name(zone)) : NULL));
}

static int append_calendars(json_t *array, const char *trigger, const struct task_calendar *calendars, size_t n) {
        char text[CALENDAR_TEXT_MAX];
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++)
                r = append_trigger(array, trigger, json_text(calendar_format(calendars[i].calendar, text)),
                                   calendars[i].zone);
        return r;
}

json_t *triggers_to_json(const struct task *task) {
        const struct when_part *when = task->when;
        json_t *array = json_array();
        int r = 0;

        if (task->on_start)
                r = append_trigger(array, "on-start", NULL, NULL);
        if (r == 0 && task->every_usec > 0)
                r = append_trigger(array, "every", every_to_json(task), NULL);
        if (r == 0 && when)
                r = append_calendars(array, "calendar", when->calendars, when->n_calendars);
        if (r == 0 && when)
                r = append_calendars(array, "cron", when->crons, when->n_crons);
        for (size_t i = 0; r == 0 && has_watch(task) && when->watch[i]; i++)
                r = append_trigger(array, "watch", json_text(when->watch[i]), NULL);
        if (r == 0)
                return array;
        json_decref(array);
        return NULL;
}
