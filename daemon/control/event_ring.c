/* SPDX-License-Identifier: MIT */
/* event_ring: see event_ring.h. */
#include "control/event_ring.h"

#include "live/outcome_json.h"

#include <jansson.h>

#define CAPACITY_MIN ((size_t)256)

struct kept {
        enum event_id id;
        int level;
        usec_t at_usec;
        char *task;
        char *run;
        char *text;            /* until it is JSON */
        struct result *result; /* the same */
        char *json;            /* made when first wanted */
        size_t json_length;
        size_t bytes; /* of all this */
};

struct event_ring {
        struct kept *kept; /* by number modulo capacity, which is a power of two */
        size_t capacity;
        size_t bytes;
        uint64_t begin;
        uint64_t end;
};

static struct kept *at(const struct event_ring *ring, uint64_t number) {
        return &ring->kept[number & (ring->capacity - 1)];
}

static size_t length(const char *s) {
        return s ? strlen(s) + 1 : 0;
}

/* What it would take if nobody else had it. */
static size_t weigh_result(const struct result *result) {
        size_t bytes = sizeof(*result) + length(result->output_tail) + length(result->task) + length(result->run);

        for (size_t i = 0; i < result->errors.n; i++)
                bytes += sizeof(result->errors.items[i]) + length(result->errors.items[i].detail) +
                         length(result->errors.items[i].run);
        for (size_t i = 0; i < result->n_children; i++)
                bytes += weigh_result(result->children[i]);
        return bytes;
}

static size_t weigh(const struct kept *kept) {
        return sizeof(*kept) + length(kept->task) + length(kept->run) + length(kept->text) + kept->json_length +
               (kept->result ? weigh_result(kept->result) : 0);
}

/* What JSON is made of. */
static void forget_source(struct kept *kept) {
        free(kept->text);
        kept->text = NULL;
        kept->result = result_unref(kept->result);
}

static void drop_oldest(struct event_ring *ring) {
        struct kept *kept = at(ring, ring->begin++);

        ring->bytes -= kept->bytes;
        forget_source(kept);
        free(kept->task);
        free(kept->run);
        free(kept->json);
        *kept = (struct kept){ 0 };
}

static size_t count(const struct event_ring *ring) {
        return (size_t)(ring->end - ring->begin);
}

/* Makes it hold @capacity events, no fewer than there are. */
static int resize(struct event_ring *ring, size_t capacity) {
        struct kept *kept = calloc(capacity, sizeof(*kept));

        if (!kept)
                return -ENOMEM;
        for (uint64_t i = ring->begin; i < ring->end; i++)
                kept[i & (capacity - 1)] = *at(ring, i);
        free(ring->kept);
        ring->kept = kept;
        ring->capacity = capacity;
        return 0;
}

static bool is_over(const struct event_ring *ring, size_t max, size_t bytes) {
        return count(ring) >= max || ring->bytes > bytes;
}

static void make_room(struct event_ring *ring, uint64_t needed) {
        while (count(ring) > 0 && is_over(ring, EVENT_RING_MAX, EVENT_RING_BYTES) &&
               (ring->begin < needed || is_over(ring, EVENT_RING_NEEDED_MAX, EVENT_RING_NEEDED_BYTES)))
                drop_oldest(ring);
        if (count(ring) == ring->capacity && resize(ring, ring->capacity * 2) < 0)
                drop_oldest(ring);
        else if (ring->capacity > EVENT_RING_MAX && count(ring) < EVENT_RING_MAX)
                (void)resize(ring, EVENT_RING_MAX); /* if not, it stays large */
}

void event_ring_add(struct event_ring *ring, const struct event *event, uint64_t needed) {
        struct kept *kept;

        make_room(ring, needed);
        kept = at(ring, ring->end++);
        *kept = (struct kept){
                .id = event->id,
                .level = event_level(event),
                .at_usec = event->realtime_usec,
                .task = event->task ? strdup(event->task) : NULL,
                .run = event->run ? strdup(event->run) : NULL,
                .text = event->text ? strdup(event->text) : NULL,
                .result = event->result ? result_ref((struct result *)event->result) : NULL,
        };
        kept->bytes = weigh(kept);
        ring->bytes += kept->bytes;
}

uint64_t event_ring_begin(const struct event_ring *ring) {
        return ring->begin;
}

uint64_t event_ring_end(const struct event_ring *ring) {
        return ring->end;
}

struct ring_event event_ring_at(const struct event_ring *ring, uint64_t number) {
        const struct kept *kept = at(ring, number);

        return (struct ring_event){ .id = kept->id, .level = kept->level, .task = kept->task, .run = kept->run };
}

static char *make_json(const struct kept *kept, uint64_t number) {
        json_auto_t *json =
                json_pack("{s:I, s:s, s:I, s:o*, s:o*, s:o*, s:o*}", "id", (json_int_t)number, "event",
                          event_id_to_string(kept->id), "at_usec", (json_int_t)kept->at_usec, "task",
                          kept->task ? json_text(kept->task) : NULL, "run", kept->run ? json_text(kept->run) : NULL,
                          "text", kept->text ? json_text(kept->text) : NULL, "result",
                          kept->result ? outcome_to_json(kept->result) : NULL);

        return json ? json_dumps(json, JSON_COMPACT) : NULL;
}

const char *event_ring_json(struct event_ring *ring, uint64_t number, size_t *ret_length) {
        struct kept *kept = at(ring, number);

        if (!kept->json) {
                kept->json = make_json(kept, number);
                if (!kept->json)
                        return NULL;
                kept->json_length = strlen(kept->json);
                forget_source(kept);
                ring->bytes -= kept->bytes;
                kept->bytes = weigh(kept);
                ring->bytes += kept->bytes;
        }
        *ret_length = kept->json_length;
        return kept->json;
}

int event_ring_new(struct event_ring **ret) {
        struct event_ring *ring = calloc(1, sizeof(*ring));

        if (!ring)
                return -ENOMEM;
        ring->begin = ring->end = 1;
        if (resize(ring, CAPACITY_MIN) < 0) {
                free(ring);
                return -ENOMEM;
        }
        *ret = ring;
        return 0;
}

struct event_ring *event_ring_free(struct event_ring *ring) {
        if (!ring)
                return NULL;
        while (count(ring) > 0)
                drop_oldest(ring);
        free(ring->kept);
        free(ring);
        return NULL;
}
