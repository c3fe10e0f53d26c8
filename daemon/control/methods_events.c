/* SPDX-License-Identifier: MIT */
/* methods_events: the latest events, and clients that follow them.
 *
 * A follower is the cursor of a stream and knows the number of the next event it wants; events are in a ring, as text that
 * is made once for all who want it. So an event costs the same whether nobody or a thousand follow. Followers are woken
 * together, and the more there are, the more rarely: each round of them takes its time, which many events then share.
 *
 * Behind a follower that is slow the ring grows, up to its bound; then the oldest events go, and the follower learns that it
 * was too slow. It may come again and begin behind the last that it got, as may one whose daemon was started anew: both are
 * told what is lost.
 */
#include "control/buffer.h"
#include "control/event_ring.h"
#include "control/methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include <syslog.h>

#define BACKLOG_MAX    256
#define EVENTS_A_REPLY 64
#define INSTANCE_MAX   17

/* A follower that is told costs about so much; no more than half of the loop's time is for telling many. */
#define TELL_USEC 10
#define MANY      50

struct events {
        struct event_ring *ring;
        char instance[INSTANCE_MAX]; /* of this daemon: numbers of another one mean other events */
        struct list followers;
        uint64_t needed; /* no follower wants an event before this one */
        struct loop_work wake;
        struct loop_timer rest; /* until many may be woken again */
        usec_t rest_until_usec; /* monotonic */
};

/* What is wanted; each that is there must be met. */
struct event_filter {
        struct patterns tasks; /* one of them, or … */
        json_t *runs;          /* … one of these, or below it; NULL: any */
        uint64_t events;       /* bits by enum event_id */
        bool failed;
};

_Static_assert(_EVENT_ID_MAX <= 64, "events have a bit each");

struct follower {
        struct list link;
        struct control *control;
        struct events *events;
        struct varlink_call *call;
        struct event_filter filter;
        struct names_check check;
        bool checked;
        bool follow;
        bool told;      /* it has had an answer */
        bool restarted; /* it had followed another daemon */
        uint64_t at;
        uint64_t lost;      /* before that */
        struct buffer text; /* without `follow`: the events of the only answer, as far as it is made */
        unsigned n;         /* of them */
};

/* ---- the ring ---- */

/* Followers only go forward, so what nobody needed is not needed later. */
static uint64_t needed(struct events *events) {
        const struct follower *follower;

        if (event_ring_begin(events->ring) < events->needed)
                return events->needed;
        events->needed = UINT64_MAX;
        list_for_each_entry(follower, &events->followers, link)
                events->needed = MIN(events->needed, follower->at);
        return events->needed;
}

void events_add(struct events *events, const struct event *event) {
        event_ring_add(events->ring, event, needed(events));
        if (list_empty(&events->followers) || loop_timer_armed(&events->rest))
                return;
        if (events->rest_until_usec > 0 && clock_now(CLOCK_ID_MONOTONIC) < events->rest_until_usec)
                loop_timer_set(&events->rest, events->rest_until_usec);
        else
                loop_work_schedule(&events->wake);
}

void events_wake(struct events *events) {
        struct follower *follower;
        usec_t n = 0;

        list_for_each_entry(follower, &events->followers, link) {
                varlink_wake(follower->call);
                n++;
        }
        events->rest_until_usec = n < MANY ? 0 : usec_add(clock_now(CLOCK_ID_MONOTONIC), 2 * n * TELL_USEC);
}

static void on_wake(_unused_ struct loop_work *work, void *arg) {
        events_wake(arg);
}

static void on_rest(_unused_ struct loop_timer *timer, void *arg) {
        events_wake(arg);
}

int events_new(struct loop *loop, struct events **ret) {
        struct events *events = calloc(1, sizeof(*events));
        uint64_t random;
        int r;

        if (!events)
                return -ENOMEM;
        if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
                random = clock_now(CLOCK_ID_REALTIME);
        (void)snprintf(events->instance, sizeof(events->instance), "%016" PRIx64, random);
        list_init(&events->followers);
        loop_work_init(&events->wake, loop, "control-events", on_wake, events);
        r = loop_timer_init(&events->rest, loop, CLOCK_ID_MONOTONIC, "control-events", on_rest, events);
        if (r >= 0)
                r = event_ring_new(&events->ring);
        if (r < 0) {
                events_free(events);
                return r;
        }
        *ret = events;
        return 0;
}

struct events *events_free(struct events *events) {
        if (!events)
                return NULL;
        loop_work_cancel(&events->wake);
        loop_timer_done(&events->rest);
        event_ring_free(events->ring);
        free(events);
        return NULL;
}

/* ---- what is wanted ---- */

/* @run is one of @names, or below one. */
static bool is_of_runs(const json_t *names, const char *run) {
        size_t index;
        json_t *name;

        json_array_foreach((json_t *)names, index, name) {
                size_t n = json_string_length(name);

                if (strncmp(run, json_string_value(name), n) == 0 && (run[n] == '\0' || run[n] == '/'))
                        return true;
        }
        return false;
}

static bool is_wanted(struct event_filter *filter, const struct ring_event *event) {
        if (!(filter->events & UINT64_C(1) << event->id) || (filter->failed && event->level > LOG_WARNING))
                return false;
        if (!filter->tasks.list && !filter->runs)
                return true;
        return (filter->tasks.list && event->task && patterns_match(&filter->tasks, event->task)) ||
               (filter->runs && event->run && is_of_runs(filter->runs, event->run));
}

/* How many events to look at in one step. */
static size_t scan_a_step(const struct event_filter *filter) {
        size_t n = patterns_a_step(&filter->tasks);

        return filter->runs ? MAX(n / json_array_size(filter->runs), (size_t)1) : n;
}

static enum event_id find_event(const char *name) {
        for (enum event_id id = EVENT_NONE + 1; id < _EVENT_ID_MAX; id++)
                if (streq(event_id_to_string(id), name))
                        return id;
        return EVENT_NONE;
}

/* The kinds in @names as bits; all, when there are none. Returns 0, or -ENOENT: @ret_unknown is none. */
static int parse_events(const json_t *names, uint64_t *ret, const char **ret_unknown) {
        size_t index;
        json_t *name;

        *ret = json_array_size(names) > 0 ? 0 : UINT64_MAX;
        json_array_foreach((json_t *)names, index, name) {
                enum event_id id = find_event(json_string_value(name));

                if (id == EVENT_NONE) {
                        *ret_unknown = json_string_value(name);
                        return -ENOENT;
                }
                *ret |= UINT64_C(1) << id;
        }
        return 0;
}

/* ---- followers ---- */

static void follower_free(void *cursor) {
        struct follower *follower = cursor;

        list_remove(&follower->link);
        patterns_done(&follower->filter.tasks);
        json_decref(follower->filter.runs);
        buffer_done(&follower->text);
        free(follower);
}

/* Who follows a task that does not exist would wait for ever. Returns -EAGAIN to be called again, 0 when that was the
 * answer. */
static int check_some(struct follower *follower) {
        const char *name;
        int r;

        r = names_check(follower->control, follower->filter.tasks.list, &follower->check, &name);
        if (r < 0)
                return reply_no_such_task(follower->call, name);
        follower->checked = r > 0;
        varlink_wake(follower->call);
        return -EAGAIN;
}

static int append(struct buffer *out, const char *text) {
        return buffer_append(out, text, strlen(text));
}

/* Appends those of the next events that are wanted, until there are @max. Returns 0 or -ENOMEM. */
static int collect(struct follower *follower, struct buffer *out, unsigned max) {
        struct event_ring *ring = follower->events->ring;
        size_t scan = scan_a_step(&follower->filter), length;
        int r = 0;

        for (; follower->at < event_ring_end(ring) && scan > 0 && follower->n < max && r >= 0; scan--) {
                const struct ring_event event = event_ring_at(ring, follower->at);
                const char *json;

                if (is_wanted(&follower->filter, &event)) {
                        json = event_ring_json(ring, follower->at, &length);
                        r = json && (follower->n == 0 || append(out, ",") >= 0) ? buffer_append(out, json, length)
                                                                                : -ENOMEM;
                        follower->n++;
                }
                follower->at++;
        }
        return r;
}

/* What follows the events in an answer. */
static int append_position(struct follower *follower, struct buffer *out) {
        char text[160], lost[48] = "";

        if (follower->lost > 0)
                (void)snprintf(lost, sizeof(lost), ",\"lost\":%" PRIu64, follower->lost);
        (void)snprintf(text, sizeof(text), "],\"instance\":\"%s\",\"last\":%" PRIu64 "%s%s}",
                       follower->events->instance, follower->at - 1, lost,
                       follower->restarted ? ",\"restarted\":true" : "");
        follower->lost = 0;
        follower->restarted = false;
        follower->told = true;
        follower->n = 0;
        return append(out, text);
}

static bool is_behind(const struct follower *follower) {
        return follower->at < event_ring_end(follower->events->ring);
}

/* Its first answer comes at once: then it knows where it is, and can go on from there when it is cut off. */
static int follow_next(struct follower *follower, struct buffer *out) {
        int r;

        if (follower->at < event_ring_begin(follower->events->ring))
                return varlink_error(follower->call, ERROR_RUNNER("TooSlow"), NULL);
        r = append(out, "{\"events\":[");
        if (r >= 0)
                r = collect(follower, out, EVENTS_A_REPLY);
        if (r < 0)
                return r;
        if (follower->n == 0 && follower->told) {
                if (is_behind(follower))
                        varlink_wake(follower->call);
                return -EAGAIN;
        }
        r = append_position(follower, out);
        return r < 0 ? r : 1;
}

/* One answer, of whatever is there, for which it may take several steps to look. */
static int answer_next(struct follower *follower, struct buffer *out) {
        uint64_t begin = event_ring_begin(follower->events->ring);
        int r;

        if (follower->at < begin) { /* they went meanwhile */
                follower->lost += begin - follower->at;
                follower->at = begin;
        }
        r = collect(follower, &follower->text, BACKLOG_MAX);
        if (r < 0)
                return r;
        if (follower->n < BACKLOG_MAX && is_behind(follower)) {
                varlink_wake(follower->call);
                return -EAGAIN;
        }
        r = append(out, "{\"events\":[");
        if (r >= 0)
                r = buffer_append(out, buffer_head(&follower->text), buffer_length(&follower->text));
        if (r >= 0)
                r = append_position(follower, out);
        return r;
}

static int follower_next(_unused_ struct varlink_call *call, void *cursor, struct buffer *out) {
        struct follower *follower = cursor;

        if (!follower->checked)
                return check_some(follower);
        return follower->follow ? follow_next(follower, out) : answer_next(follower, out);
}

static const struct varlink_stream_ops follower_ops = { .next_text = follower_next, .free = follower_free };

/* ---- where it begins ---- */

/* Behind the event @after, as the daemon @instance had numbered it. Returns false: there is no such event yet. */
static bool begin_after(struct follower *follower, uint64_t after, const char *instance) {
        const struct event_ring *ring = follower->events->ring;
        uint64_t begin = event_ring_begin(ring);

        follower->restarted = instance && !streq(instance, follower->events->instance);
        if (!follower->restarted && after >= event_ring_end(ring))
                return false;
        follower->at = follower->restarted ? 1 : after + 1;
        follower->lost = follower->at < begin ? begin - follower->at : 0;
        follower->at = MAX(follower->at, begin);
        return true;
}

/* Returns the parameter that does not do, or NULL. */
static const char *begin_where(struct follower *follower, const json_t *parameters) {
        const json_t *after = json_object_get(parameters, "after"), *backlog = json_object_get(parameters, "backlog");
        const char *instance = json_string_value(json_object_get(parameters, "instance"));
        uint64_t end = event_ring_end(follower->events->ring);
        uint64_t n = follower->follow ? 0 : BACKLOG_MAX;

        if (json_is_integer(after)) {
                if (json_is_integer(backlog))
                        return "backlog";
                return json_integer_value(after) < 0 ||
                                       !begin_after(follower, (uint64_t)json_integer_value(after), instance)
                               ? "after"
                               : NULL;
        }
        if (instance)
                return "instance";
        if (json_is_integer(backlog)) {
                if (json_integer_value(backlog) < 0 || json_integer_value(backlog) > BACKLOG_MAX)
                        return "backlog";
                n = (uint64_t)json_integer_value(backlog);
        }
        follower->at = end - MIN(n, end - event_ring_begin(follower->events->ring));
        return NULL;
}

int method_events(struct varlink_call *call, const json_t *parameters, void *arg) {
        const json_t *runs = json_object_get(parameters, "runs");
        struct control *control = arg;
        struct event_filter filter = { .failed = json_is_true(json_object_get(parameters, "failed")) };
        struct follower *follower;
        const char *wrong;

        if (parse_events(json_object_get(parameters, "events"), &filter.events, &wrong) < 0)
                return varlink_error(call, ERROR_RUNNER("NoSuchEvent"), json_pack("{s:s}", "event", wrong));
        follower = calloc(1, sizeof(*follower));
        if (!follower)
                return -ENOMEM;
        list_init(&follower->link);
        follower->control = control;
        follower->check.gone = true;
        follower->events = control->events;
        follower->call = call;
        follower->follow = varlink_call_more(call);
        follower->filter = filter;
        wrong = begin_where(follower, parameters);
        if (wrong) {
                follower_free(follower);
                return varlink_error_parameter(call, wrong);
        }
        if (patterns_init(&follower->filter.tasks, json_object_get(parameters, "tasks")) < 0) {
                follower_free(follower);
                return -ENOMEM;
        }
        if (json_array_size(runs) > 0)
                follower->filter.runs = json_incref((json_t *)runs);
        list_append(&control->events->followers, &follower->link);
        control->events->needed = MIN(control->events->needed, follower->at);
        return varlink_stream(call, &follower_ops, follower);
}
