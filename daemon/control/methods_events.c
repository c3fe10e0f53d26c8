/* SPDX-License-Identifier: MIT */
/* methods_events: the latest events, and clients that follow them.
 *
 * Events are kept in a ring, numbered from 0; a follower is the cursor of a stream and knows the number of the next
 * event it wants. So an event costs the same whether nobody or a thousand follow, and it becomes JSON only when the
 * first of them takes it. Followers are woken once in a turn of the loop, not for each event. Behind a follower that is
 * slow the ring grows, up to RING_MAX; then the oldest events go, and the follower learns that it was too slow.
 */
#include "control/methods.h"
#include "live/outcome_json.h"

#define RING_MIN       ((size_t)256)
#define RING_MAX       ((size_t)16384)
#define EVENTS_A_REPLY 64

struct kept {
        enum event_id id;
        usec_t at_usec;
        char *task;
        char *run;
        char *text;
        struct result *result;
        json_t *json; /* made when first wanted */
};

struct events {
        struct kept *ring;
        size_t capacity;
        uint64_t begin; /* number of the oldest event kept */
        uint64_t end;   /* number of the next event */
        struct list followers;
        struct loop_work wake;
};

struct follower {
        struct list link;
        struct control *control;
        struct events *events;
        struct varlink_call *call;
        struct patterns patterns;
        struct names_check check;
        bool checked;
        uint64_t at;
        bool follow;
};

static struct kept *kept_at(const struct events *events, uint64_t number) {
        return &events->ring[number % events->capacity];
}

static void kept_done(struct kept *kept) {
        free(kept->task);
        free(kept->run);
        free(kept->text);
        result_unref(kept->result);
        json_decref(kept->json);
        *kept = (struct kept){ 0 };
}

static json_t *kept_json(struct kept *kept) {
        if (kept->json)
                return kept->json;
        kept->json =
                json_pack("{s:s, s:I, s:o*, s:o*, s:o*, s:o*}", "event", event_id_to_string(kept->id), "at_usec",
                          (json_int_t)kept->at_usec, "task", kept->task ? json_text(kept->task) : NULL, "run",
                          kept->run ? json_text(kept->run) : NULL, "text", kept->text ? json_text(kept->text) : NULL,
                          "result", kept->result ? outcome_to_json(kept->result) : NULL);
        return kept->json;
}

static void drop_oldest(struct events *events) {
        kept_done(kept_at(events, events->begin++));
}

/* Makes the ring hold @capacity events, no fewer than there are. */
static int resize(struct events *events, size_t capacity) {
        struct kept *ring = calloc(capacity, sizeof(*ring));

        if (!ring)
                return -ENOMEM;
        for (uint64_t i = events->begin; i < events->end; i++)
                ring[i % capacity] = *kept_at(events, i);
        free(events->ring);
        events->ring = ring;
        events->capacity = capacity;
        return 0;
}

static bool anyone_needs_oldest(const struct events *events) {
        const struct follower *follower;

        list_for_each_entry(follower, &events->followers, link) {
                if (follower->at <= events->begin)
                        return true;
        }
        return false;
}

static void make_room(struct events *events) {
        if (events->end - events->begin < events->capacity)
                return;
        if (events->capacity < RING_MAX && anyone_needs_oldest(events) && resize(events, events->capacity * 2) >= 0)
                return;
        drop_oldest(events);
}

void events_add(struct events *events, const struct event *event) {
        struct kept *kept;

        make_room(events);
        kept = kept_at(events, events->end++);
        *kept = (struct kept){
                .id = event->id,
                .at_usec = event->realtime_usec,
                .task = event->task ? strdup(event->task) : NULL,
                .run = event->run ? strdup(event->run) : NULL,
                .text = event->text ? strdup(event->text) : NULL,
                .result = event->result ? result_ref((struct result *)event->result) : NULL,
        };
        if (!list_empty(&events->followers))
                loop_work_schedule(&events->wake);
}

static void on_wake(_unused_ struct loop_work *work, void *arg) {
        struct events *events = arg;
        struct follower *follower;

        list_for_each_entry(follower, &events->followers, link)
                varlink_wake(follower->call);
}

int events_new(struct loop *loop, struct events **ret) {
        struct events *events = calloc(1, sizeof(*events));

        if (!events)
                return -ENOMEM;
        list_init(&events->followers);
        loop_work_init(&events->wake, loop, "control-events", on_wake, events);
        if (resize(events, RING_MIN) < 0) {
                free(events);
                return -ENOMEM;
        }
        *ret = events;
        return 0;
}

struct events *events_free(struct events *events) {
        if (!events)
                return NULL;
        while (events->begin < events->end)
                drop_oldest(events);
        loop_work_cancel(&events->wake);
        free(events->ring);
        free(events);
        return NULL;
}

/* ---- followers ---- */

static void follower_free(void *cursor) {
        struct follower *follower = cursor;
        struct events *events = follower->events;

        list_remove(&follower->link);
        patterns_done(&follower->patterns);
        free(follower);
        if (!list_empty(&events->followers) || events->capacity == RING_MIN)
                return;
        while (events->end - events->begin > RING_MIN)
                drop_oldest(events);
        (void)resize(events, RING_MIN); /* if not, it stays large */
}

static bool is_wanted(struct follower *follower, const struct kept *kept) {
        return !follower->patterns.list || (kept->task && patterns_match(&follower->patterns, kept->task));
}

/* Who follows a task that does not exist would wait for ever. Returns -EAGAIN to be called again, 0 when that was the
 * answer. */
static int check_some(struct follower *follower) {
        const char *name;
        int r;

        r = names_check(follower->control, follower->patterns.list, &follower->check, &name);
        if (r < 0)
                return reply_no_such_task(follower->call, name);
        follower->checked = r > 0;
        varlink_wake(follower->call);
        return -EAGAIN;
}

static int follower_next(struct varlink_call *call, void *cursor, json_t **ret) {
        struct follower *follower = cursor;
        struct events *events = follower->events;
        size_t scan = patterns_a_step(&follower->patterns);
        json_t *array;

        if (!follower->checked)
                return check_some(follower);
        if (follower->at < events->begin)
                return varlink_error(call, ERROR_RUNNER("TooSlow"), NULL);
        array = json_array();
        for (; follower->at < events->end && scan > 0; scan--) {
                struct kept *kept = kept_at(events, follower->at++);

                if (is_wanted(follower, kept) && json_array_append(array, kept_json(kept)) < 0) {
                        json_decref(array);
                        return -ENOMEM;
                }
                if (follower->follow && json_array_size(array) == EVENTS_A_REPLY)
                        break;
        }
        if (follower->follow && json_array_size(array) == 0) {
                json_decref(array);
                if (follower->at < events->end)
                        varlink_wake(call);
                return -EAGAIN;
        }
        *ret = json_pack("{s:o}", "events", array);
        return follower->follow || follower->at < events->end;
}

static const struct varlink_stream_ops follower_ops = { follower_next, follower_free };

int method_events(struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        struct events *events = control->events;
        const json_t *backlog = json_object_get(parameters, "backlog");
        bool follow = varlink_call_more(call);
        uint64_t n = follow ? 0 : RING_MIN;
        struct follower *follower;

        if (json_is_integer(backlog)) {
                if (json_integer_value(backlog) < 0 || json_integer_value(backlog) > (json_int_t)RING_MIN)
                        return varlink_error_parameter(call, "backlog");
                n = (uint64_t)json_integer_value(backlog);
        }
        follower = calloc(1, sizeof(*follower));
        if (!follower)
                return -ENOMEM;
        list_init(&follower->link);
        if (patterns_init(&follower->patterns, json_object_get(parameters, "tasks")) < 0) {
                free(follower);
                return -ENOMEM;
        }
        follower->control = control;
        follower->events = events;
        follower->call = call;
        follower->follow = follow;
        follower->at = events->end - MIN(n, events->end - events->begin);
        list_append(&events->followers, &follower->link);
        return varlink_stream(call, &follower_ops, follower);
}
