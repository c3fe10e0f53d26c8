/* SPDX-License-Identifier: MIT */
/* top_feed: asks the daemon again and again, see top_feed.h.
 *
 * One call at a time is on its way. Each source has a time when it is asked again: an interval after the last time, but
 * so late that asking takes 1/SHARE of the time at most. To tell of all of 10,000 tasks costs the daemon 60 ms and the console as
 * much again; so they are told each few seconds, and those on the screen, which cost next to nothing, each interval.
 *
 * When the daemon has gone, or says nothing, what was told last stays until there is one again, which is tried each
 * second.
 */
#include "tendctl/top_feed.h"

#include "tendctl/client.h"

#include <stdio.h>

#define SHARE          40
#define RETRY_USEC     USEC_PER_SEC
#define SILENCE_USEC   (3 * USEC_PER_SEC)
#define NEXT_MAX       1000
#define STEP_MAX       16 /* messages, then the keyboard has its turn */
#define INTERFACE_NAME "io.tendd.Runner."

static json_t *ask_nothing(_unused_ const struct feed *feed) {
        return json_object();
}

static json_t *ask_tree(_unused_ const struct feed *feed) {
        return json_pack("{s:b}", "processes", 0);
}

static json_t *ask_visible(const struct feed *feed);

static json_t *ask_next(_unused_ const struct feed *feed) {
        return json_pack("{s:i, s:i}", "n", NEXT_MAX, "each", 1);
}

static const struct {
        const char *method;
        const char *key; /* of the array in its answers; NULL: the answer as it is */
        json_t *(*ask)(const struct feed *feed);
} sources[_SOURCE_MAX] = {
        [SOURCE_STATUS] = { "Status", NULL, ask_nothing },     [SOURCE_TREE] = { "Tree", "runs", ask_tree },
        [SOURCE_TASKS] = { "List", "tasks", ask_nothing },     [SOURCE_VISIBLE] = { "List", "tasks", ask_visible },
        [SOURCE_LIMITS] = { "Limits", "limits", ask_nothing }, [SOURCE_POOLS] = { "Pools", "pools", ask_nothing },
        [SOURCE_NEXT] = { "Next", "next", ask_next },
};

struct feed {
        struct ctl *ctl;
        usec_t interval_usec;
        top_fed_fn fn;
        void *arg;
        unsigned wanted;
        usec_t due_usec[_SOURCE_MAX];
        json_t *visible;      /* or NULL: none */
        int asking;           /* the source that is being asked, or -1 */
        json_t *answer;       /* so far */
        usec_t asked_usec;    /* when, monotonic */
        usec_t heard_usec;    /* of it, last */
        usec_t look_usec;     /* when it is to be looked at even if nothing comes */
        bool busy;            /* there may be more to do at once */
        usec_t retry_usec;    /* there is no daemon: when one is looked for */
        usec_t trouble_since; /* realtime */
        char trouble[160];    /* "": none */
};

static json_t *ask_visible(const struct feed *feed) {
        return json_pack("{s:O}", "tasks", feed->visible);
}

int feed_new(struct ctl *ctl, usec_t interval_usec, top_fed_fn fn, void *arg, struct feed **ret) {
        struct feed *feed = calloc(1, sizeof(*feed));

        if (!feed)
                return -ENOMEM;
        feed->ctl = ctl;
        feed->interval_usec = interval_usec;
        feed->fn = fn;
        feed->arg = arg;
        feed->asking = -1;
        *ret = feed;
        return 0;
}

struct feed *feed_free(struct feed *feed) {
        if (!feed)
                return NULL;
        json_decref(feed->visible);
        json_decref(feed->answer);
        free(feed);
        return NULL;
}

void feed_want(struct feed *feed, unsigned wanted) {
        for (unsigned i = 0; i < _SOURCE_MAX; i++)
                if (wanted & ~feed->wanted & (1u << i))
                        feed->due_usec[i] = 0;
        feed->wanted = wanted;
}

void feed_look_at(struct feed *feed, json_t *names) {
        bool others = !feed->visible || !json_equal(feed->visible, names);

        json_decref(feed->visible);
        feed->visible = names;
        if (others)
                feed->due_usec[SOURCE_VISIBLE] = 0;
}

void feed_hurry(struct feed *feed) {
        memset(feed->due_usec, 0, sizeof(feed->due_usec));
}

/* ---- what is wrong ---- */

static void set_trouble(struct feed *feed, const char *what, const char *detail) {
        if (!*feed->trouble)
                feed->trouble_since = clock_now(CLOCK_ID_REALTIME);
        (void)snprintf(feed->trouble, sizeof(feed->trouble), "%s%s", what, detail);
}

const char *feed_trouble(const struct feed *feed, usec_t *ret_since_usec) {
        *ret_since_usec = feed->trouble_since;
        return *feed->trouble ? feed->trouble : NULL;
}

static void lose(struct feed *feed, int error, usec_t now_usec) {
        if (error == -ECONNRESET || error == -EPIPE)
                set_trouble(feed, "the daemon has gone", "");
        else if (error == -EPROTO)
                set_trouble(feed, "what answers does not speak Varlink", "");
        else
                set_trouble(feed, "no daemon: ", strerror(-error));
        feed->ctl->client = client_free(feed->ctl->client);
        json_decref(feed->answer);
        feed->answer = NULL;
        feed->asking = -1;
        feed->retry_usec = usec_add(now_usec, RETRY_USEC);
}

/* ---- one call after the other ---- */

/* The wanted source that is due first, or -1. */
static int first_due(const struct feed *feed) {
        int first = -1;

        for (int i = 0; i < _SOURCE_MAX; i++) {
                if (!(feed->wanted & (1u << i)) || (i == SOURCE_VISIBLE && json_array_size(feed->visible) == 0))
                        continue;
                if (first < 0 || feed->due_usec[i] < feed->due_usec[first])
                        first = i;
        }
        return first;
}

/* Returns 1: it was asked; 0: nothing is due; -errno. */
static int ask(struct feed *feed, usec_t now_usec) {
        int source = first_due(feed), r;
        char method[64];

        if (source < 0 || feed->due_usec[source] > now_usec)
                return 0;
        (void)snprintf(method, sizeof(method), INTERFACE_NAME "%s", sources[source].method);
        r = client_send(feed->ctl->client, method, sources[source].ask(feed), sources[source].key != NULL);
        if (r < 0)
                return r;
        feed->asking = source;
        feed->asked_usec = feed->heard_usec = now_usec;
        feed->look_usec = usec_add(now_usec, SILENCE_USEC);
        feed->answer = sources[source].key ? json_array() : NULL;
        return 1;
}

static void finish(struct feed *feed, usec_t now_usec) {
        enum top_source source = (enum top_source)feed->asking;
        usec_t took = usec_sub(clock_now(CLOCK_ID_MONOTONIC), feed->asked_usec);
        json_t *answer = TAKE_PTR(feed->answer);

        feed->asking = -1;
        feed->due_usec[source] = usec_add(now_usec, MAX(feed->interval_usec, took * SHARE));
        /* All tasks are known for now. */
        if (source == SOURCE_TASKS)
                feed->due_usec[SOURCE_VISIBLE] = usec_add(now_usec, feed->interval_usec);
        feed->trouble[0] = '\0';
        if (answer)
                feed->fn(source, answer, feed->arg);
        json_decref(answer);
}

static void take_error(struct feed *feed, const struct client_answer *answer, usec_t now_usec) {
        enum top_source source = (enum top_source)feed->asking;

        json_decref(feed->answer);
        feed->answer = NULL;
        feed->asking = -1;
        feed->due_usec[source] = usec_add(now_usec, MAX(feed->interval_usec, RETRY_USEC));
        /* A task on the screen is no more: all are told next. */
        if (source == SOURCE_VISIBLE)
                feed->due_usec[SOURCE_TASKS] = 0;
        else
                set_trouble(feed, ctl_explain(answer->error), "");
}

/* Takes what has come. Returns 1: an answer is complete; 0: not yet; -errno. */
static int take(struct feed *feed, usec_t now_usec) {
        struct client_answer answer;
        int r = client_receive(feed->ctl->client, 0, &answer);

        if (r == -ETIMEDOUT) {
                if (usec_sub(now_usec, feed->heard_usec) >= SILENCE_USEC) {
                        set_trouble(feed, "the daemon does not answer", "");
                        feed->look_usec = usec_add(now_usec, RETRY_USEC);
                }
                return 0;
        }
        if (r < 0)
                return r;
        feed->heard_usec = now_usec;
        feed->look_usec = usec_add(now_usec, SILENCE_USEC);
        if (answer.error)
                take_error(feed, &answer, now_usec);
        else if (!sources[feed->asking].key)
                feed->answer = json_incref((json_t *)answer.parameters);
        else
                (void)json_array_extend(feed->answer, json_object_get(answer.parameters, sources[feed->asking].key));
        if (!answer.error && !answer.continues)
                finish(feed, now_usec);
        client_answer_done(&answer);
        return 1;
}

void feed_step(struct feed *feed, usec_t now_usec) {
        int r, n = 0;

        feed->busy = false;
        if (!feed->ctl->client) {
                if (now_usec < feed->retry_usec)
                        return;
                r = ctl_connect_quietly(feed->ctl);
                if (r < 0) {
                        lose(feed, r, now_usec);
                        return;
                }
                feed_hurry(feed);
        }
        do
                r = feed->asking >= 0 ? take(feed, now_usec) : ask(feed, now_usec);
        while (r > 0 && n++ < STEP_MAX);
        feed->busy = r > 0;
        if (r < 0)
                lose(feed, r, now_usec);
}

int feed_once(struct ctl *ctl, unsigned wanted, top_fed_fn fn, void *arg) {
        const struct feed nobody = { 0 };

        for (int i = 0; i < _SOURCE_MAX; i++) {
                json_t *answer, *parameters;
                int code;

                if (!(wanted & (1u << i)) || i == SOURCE_VISIBLE)
                        continue;
                parameters = sources[i].ask(&nobody);
                code = sources[i].key ? ctl_collect(ctl, sources[i].method, parameters, sources[i].key, &answer)
                                      : ctl_ask(ctl, sources[i].method, parameters, &answer);
                if (code != CTL_OK)
                        return code;
                fn((enum top_source)i, answer, arg);
                json_decref(answer);
        }
        return CTL_OK;
}

int feed_fd(const struct feed *feed) {
        return feed->ctl->client && feed->asking >= 0 ? client_fd(feed->ctl->client) : -1;
}

usec_t feed_due(const struct feed *feed) {
        int first;

        if (feed->busy)
                return 0;
        if (!feed->ctl->client)
                return feed->retry_usec;
        if (feed->asking >= 0)
                return feed->look_usec;
        first = first_due(feed);
        return first >= 0 ? feed->due_usec[first] : USEC_INFINITY;
}
