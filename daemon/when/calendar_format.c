/* SPDX-License-Identifier: MIT */
/* calendar_format: the normalized form of an expression, as systemd-analyze(1) shows it. */
#include "when/calendar_private.h"

#include <stdarg.h>
#include <stdio.h>

static const char weekdays[][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };

/* Counts on behind the end of the buffer, as snprintf() does. */
struct writer {
        char *buf;
        size_t size;
        size_t length;
};

static void put(struct writer *w, const char *format, ...) _printf_(2, 3);
static void put(struct writer *w, const char *format, ...) {
        bool fits = w->length < w->size;
        va_list ap;

        va_start(ap, format);
        w->length += (size_t)vsnprintf(fits ? w->buf + w->length : NULL, fits ? w->size - w->length : 0, format, ap);
        va_end(ap);
}

/* Two days that follow each other are listed, three are a range. */
static void put_weekdays(struct writer *w, unsigned set) {
        const char *comma = "";

        for (unsigned first = 0, next; first < ARRAY_SIZE(weekdays); first = next) {
                next = first + 1;
                if (!(set & 1u << first))
                        continue;
                while (next < ARRAY_SIZE(weekdays) && set & 1u << next)
                        next++;
                put(w, "%s%s", comma, weekdays[first]);
                if (next - first > 1)
                        put(w, "%s%s", next - first > 2 ? ".." : ",", weekdays[next - 1]);
                comma = ",";
        }
        put(w, " ");
}

static void put_value(struct writer *w, int value, int width, int unit) {
        put(w, "%0*d", width, value / unit);
        if (value % unit > 0)
                put(w, ".%06d", value % unit);
}

static void put_field(struct writer *w, const struct calendar_spec *spec, enum field_id id, int width) {
        const struct field *field = &spec->fields[id];
        int unit = id == FIELD_SECOND ? (int)USEC_PER_SEC : 1;

        if (field->n == 0)
                put(w, "*");
        for (unsigned i = 0; i < field->n; i++) {
                const struct component *component = &field->components[i];

                put(w, "%s", i > 0 ? "," : "");
                put_value(w, component->start, width, unit);
                if (component->stop >= 0) {
                        put(w, "..");
                        put_value(w, component->stop, width, unit);
                }
                if (component->repeat > 0 && !(component->stop >= 0 && component->repeat == unit)) {
                        put(w, "/");
                        put_value(w, component->repeat, 1, unit);
                }
        }
}

size_t calendar_spec_format(const struct calendar_spec *spec, char *buf, size_t size) {
        struct writer w = { .buf = buf, .size = size };

        if (spec->weekdays != WEEKDAYS_ALL)
                put_weekdays(&w, spec->weekdays);
        put_field(&w, spec, FIELD_YEAR, 4);
        put(&w, "-");
        put_field(&w, spec, FIELD_MONTH, 2);
        put(&w, spec->from_month_end ? "~" : "-");
        put_field(&w, spec, FIELD_DAY, 2);
        put(&w, " ");
        put_field(&w, spec, FIELD_HOUR, 2);
        put(&w, ":");
        put_field(&w, spec, FIELD_MINUTE, 2);
        put(&w, ":");
        put_field(&w, spec, FIELD_SECOND, 2);
        if (spec->utc || spec->zone)
                put(&w, " %s", spec->utc ? "UTC" : spec->zone);
        return w.length;
}

static void put_cron_field(struct writer *w, const struct field *field) {
        if (field->n == 0)
                put(w, "*");
        for (unsigned i = 0; i < field->n; i++) {
                const struct component *component = &field->components[i];

                put(w, "%s", i > 0 ? "," : "");
                if (component->star)
                        put(w, "*");
                else
                        put(w, "%d", component->start);
                if (component->stop >= 0 && !component->star)
                        put(w, "-%d", component->stop);
                if (component->repeat > 1)
                        put(w, "/%d", component->repeat);
        }
}

size_t cron_spec_format(const struct calendar_spec *spec, char *buf, size_t size) {
        struct writer w = { .buf = buf, .size = size };

        put_cron_field(&w, &spec->fields[FIELD_MINUTE]);
        put(&w, " ");
        put_cron_field(&w, &spec->fields[FIELD_HOUR]);
        put(&w, " ");
        put_cron_field(&w, &spec->fields[FIELD_DAY]);
        put(&w, " ");
        put_cron_field(&w, &spec->fields[FIELD_MONTH]);
        put(&w, " ");
        put_cron_field(&w, &spec->cron_weekdays);
        return w.length;
}
