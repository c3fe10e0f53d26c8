/* SPDX-License-Identifier: MIT */
/* kind_http: a task that is an HTTP request.
 *
 *      start ──▶ [read certificates] ──▶ request ─────▶ [save-to: commit or discard] ──▶ end
 *                                      └─▶ [save-to: write] ─┘
 *
 * What is in brackets touches paths that a user named: jobs on the task's pool, one at a time for a leaf. What is the same for all runs of a
 * task, the plan, is made at its first run and kept with the task: the profile of the HTTP engine, the text to look
 * for, and which values have words in braces to be filled in.
 *
 * The body is looked at as it comes and never kept whole, so a fan-out needs no memory for its responses, and a large
 * one no more than the bound of what waits for the disk.
 */
#include "base/text.h"
#include "task/http_engine.h"
#include "task/http_save.h"
#include "task/kind.h"
#include "task/leaf_work.h"
#include "task/needle.h"
#include "task/template.h"
#include "task/trust.h"

#include <stdio.h>

/* How long a run that is cut off may take to end a write and remove its file, before the disk counts as stuck. */
#define SAVE_TIDY_USEC (1 * USEC_PER_SEC)

#define MAX_BODY ((uint64_t)1024 * 1024)

/* ---- the plan ---- */

struct http_plan {
        struct http_profile *profile;
        struct needle *expect_body;
        unsigned url_words;
        unsigned header_words;
        unsigned body_words;
        enum template_place body_place;
};

static struct http_plan *http_plan_free(struct http_plan *plan) {
        if (!plan)
                return NULL;
        http_profile_free(plan->profile);
        needle_free(plan->expect_body);
        free(plan);
        return NULL;
}
DEFINE_CLEANUP(struct http_plan, http_plan_free)

static bool is_json(const char *header) {
        return strncasecmp(header, "Content-Type:", 13) == 0 && strcasestr(header, "json");
}

static int plan_new(const struct task *task, struct http_plan **ret) {
        const struct http_part *part = task->http;
        struct http_profile_spec spec = {
                .method = part->method,
                .headers = (const char *const *)part->header,
                .body = part->body,
                .user_agent = part->user_agent,
                .proxy = part->proxy,
                .insecure = !part->verify_tls,
                .follow_redirects = part->follow_redirects,
                .connect_timeout_usec = part->connect_timeout_usec,
                .max_body = part->max_body,
        };
        _cleanup_(http_plan_freep) struct http_plan *plan = NULL;
        int r;

        plan = calloc(1, sizeof(*plan));
        if (!plan)
                return -ENOMEM;
        r = http_profile_new(task->env->http, &spec, &plan->profile);
        if (r < 0)
                return r;
        if (part->expect_body && part->expect_body[0]) {
                r = needle_new(part->expect_body, strlen(part->expect_body), &plan->expect_body);
                if (r < 0)
                        return r;
        }
        plan->url_words = template_words(part->url);
        plan->body_words = part->body ? template_words(part->body) : 0;
        plan->body_place = TEMPLATE_TEXT;
        for (char **line = part->header; line && *line; line++) {
                plan->header_words |= template_words(*line);
                if (is_json(*line))
                        plan->body_place = TEMPLATE_JSON;
        }
        *ret = TAKE_PTR(plan);
        return 0;
}

/* ---- a leaf ---- */

struct http_leaf {
        struct leaf_work work;
        struct http_plan *plan;
        struct http_call *call;

        /* Filled in for this leaf; NULL: as in the task. */
        char *url;
        char **headers;
        char *body;

        size_t matched; /* of expect-body */
        bool found;

        struct http_save *save; /* NULL: the body is not kept */
        bool committed;

        struct stream_tls *trust; /* read by a thread */
        int trust_error;

        bool forced;
};

static struct http_leaf *leaf_of(struct leaf_work *work) {
        return CONTAINER_OF(work, struct http_leaf, work);
}

static const struct http_part *part_of(const struct http_leaf *leaf) {
        return leaf->work.task->http;
}

static void leaf_free(struct leaf_work *work) {
        struct http_leaf *leaf = leaf_of(work);

        for (char **line = leaf->headers; line && *line; line++)
                free(*line);
        free(leaf->headers);
        free(leaf->url);
        free(leaf->body);
        http_save_free(leaf->save);
        stream_tls_unref(leaf->trust);
        free(leaf);
}

/* ---- filling in ---- */

static int expand_headers(struct http_leaf *leaf, const struct template_values *values) {
        strv lines = part_of(leaf)->header;
        size_t n = 0;
        int r;

        while (lines[n])
                n++;
        leaf->headers = calloc(n + 1, sizeof(*leaf->headers));
        if (!leaf->headers)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++) {
                r = template_expand(lines[i], values, TEMPLATE_HEADER, &leaf->headers[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int expand(struct http_leaf *leaf) {
        const struct http_plan *plan = leaf->plan;
        const struct http_part *part = part_of(leaf);
        unsigned words = plan->url_words | plan->header_words | plan->body_words;
        struct template_values values;
        int r;

        if (words == 0)
                return 0;
        template_values_of(leaf->work.leaf, words, &values);
        if (plan->url_words) {
                r = template_expand(part->url, &values, TEMPLATE_URL, &leaf->url);
                if (r < 0)
                        return r;
        }
        if (plan->body_words) {
                r = template_expand(part->body, &values, plan->body_place, &leaf->body);
                if (r < 0)
                        return r;
        }
        return plan->header_words ? expand_headers(leaf, &values) : 0;
}

/* ---- the end ---- */

static void commit_on_thread(struct leaf_work *work) {
        if (!atomic_load(&work->given_up)) /* else it might replace the file of a later run */
                http_save_commit(leaf_of(work)->save);
}

static void discard_on_thread(struct leaf_work *work) {
        http_save_discard(leaf_of(work)->save);
}

static void advance(struct leaf_work *work);

static void on_committed(struct leaf_work *work) {
        leaf_of(work)->committed = true;
        advance(work);
}

/* The next step of saving, on a thread. Returns false when there is none, or no thread for it. */
static bool save_goes_on(struct http_leaf *leaf) {
        const char *step = NULL;
        int error = http_save_error(leaf->save, &step);

        if (error != 0 && !leaf->forced)
                leaf_work_note(&leaf->work, ERROR_IO, "%s: cannot %s: %s (save-to)", part_of(leaf)->save_to, step,
                               strerrordesc_np(error));

        if (leaf->work.error == ERROR_NONE && !leaf->forced && !leaf->committed) {
                http_save_hand_over(leaf->save);
                if (leaf_work_submit(&leaf->work, commit_on_thread, on_committed) == 0)
                        return true;
                leaf->work.error = ERROR_SPAWN; /* the sentence is there already */
        }
        return http_save_has_file(leaf->save) && leaf_work_tidy(&leaf->work, discard_on_thread, advance) == 0;
}

/* When neither the request nor a thread is at work: a file that was begun is finished or removed, then the leaf ends. */
static void advance(struct leaf_work *work) {
        struct http_leaf *leaf = leaf_of(work);

        if (leaf->call || work->job)
                return;
        if (!leaf->save || !save_goes_on(leaf))
                leaf_work_finish(work);
}

/* ---- the request ---- */

static bool status_expected(const struct http_part *part, unsigned status) {
        if (part->n_expect_status == 0)
                return status >= 200 && status <= 299;
        for (size_t i = 0; i < part->n_expect_status; i++)
                if (status >= part->expect_status[i].from && status <= part->expect_status[i].to)
                        return true;
        return false;
}

static void write_on_thread(struct leaf_work *work) {
        http_save_write(leaf_of(work)->save);
}

static void on_written(struct leaf_work *work);

/* Returns false when there is no thread for it; the leaf's end is set then. */
static bool write_if_due(struct http_leaf *leaf) {
        if (leaf->work.job || !http_save_is_due(leaf->save))
                return true;
        http_save_hand_over(leaf->save);
        if (leaf_work_submit(&leaf->work, write_on_thread, on_written) == 0)
                return true;
        leaf->work.error = ERROR_SPAWN; /* the sentence is there already */
        return false;
}

static void on_written(struct leaf_work *work) {
        struct http_leaf *leaf = leaf_of(work);
        const char *step;

        if (!leaf->call)
                advance(work);
        else if (http_save_error(leaf->save, &step) != 0 || !write_if_due(leaf))
                http_cancel(leaf->call);
        else
                http_resume(leaf->call);
}

static enum http_body on_body(unsigned status, const char *data, size_t n, void *arg) {
        struct http_leaf *leaf = leaf_of(arg);
        int r;

        if (leaf->save && status_expected(part_of(leaf), status)) {
                r = http_save_append(leaf->save, data, n);
                if (r == -ENOBUFS)
                        return HTTP_BODY_PAUSE;
                if (r < 0)
                        leaf_work_note(&leaf->work, ERROR_IO, "out of memory");
                if (r < 0 || !write_if_due(leaf))
                        return HTTP_BODY_STOP;
        }
        if (leaf->plan->expect_body)
                leaf->found = needle_feed(leaf->plan->expect_body, &leaf->matched, data, n);
        return HTTP_BODY_TAKEN;
}

/* What a request that ended by itself means for the leaf. */
static void judge(struct http_leaf *leaf, const struct http_result *result) {
        const struct http_part *part = part_of(leaf);

        if (result->cancelled || result->error != ERROR_NONE)
                leaf_work_note(&leaf->work, result->error, "%s", result->detail);
        else if (!status_expected(part, result->status))
                leaf_work_note(&leaf->work, ERROR_HTTP_STATUS, "status %u%s%s", result->status,
                               result->reason[0] ? " " : "", result->reason);
        else if (leaf->plan->expect_body && !leaf->found)
                leaf_work_note(&leaf->work, ERROR_MISMATCH, "the body does not contain \"%.200s\" (expect-body)",
                               part->expect_body);
}

static void on_done(const struct http_result *result, void *arg) {
        struct leaf_work *work = arg;
        struct http_leaf *leaf = leaf_of(work);

        leaf->call = NULL;
        if (leaf->work.error == ERROR_NONE)
                judge(leaf, result);
        advance(work);
}

static void request(struct leaf_work *work) {
        static const struct http_ops plain = { .on_done = on_done };
        static const struct http_ops with_body = { .on_body = on_body, .on_done = on_done };
        struct http_leaf *leaf = leaf_of(work);
        const struct http_part *part = part_of(leaf);
        struct http_request wish = {
                .url = leaf->url ?: part->url,
                .headers = (const char *const *)leaf->headers,
                .body = leaf->body,
        };
        int r;

        r = http_start(work->task->env->http, leaf->plan->profile, work->task->pool, &wish,
                       leaf->plan->expect_body || leaf->save ? &with_body : &plain, work, &leaf->call);
        if (r < 0)
                leaf_work_fail(work, ERROR_IO, "%s", strerrordesc_np(-r));
}

/* ---- certificates ---- */

/* A redirect may lead to https as well. */
static bool needs_trust(const struct http_leaf *leaf) {
        const struct http_part *part = part_of(leaf);
        const char *url = leaf->url ?: part->url;

        if (!part->verify_tls)
                return false;
        return part->follow_redirects || strncasecmp(url, "https:", 6) == 0 ||
               (part->proxy && strncasecmp(part->proxy, "https:", 6) == 0);
}

static void read_trust_on_thread(struct leaf_work *work) {
        struct http_leaf *leaf = leaf_of(work);

        leaf->trust_error = -stream_tls_new(part_of(leaf)->ca_file, &leaf->trust);
}

static void on_trust_read(struct leaf_work *work) {
        struct http_leaf *leaf = leaf_of(work);
        const char *ca_file = part_of(leaf)->ca_file;
        struct stream_tls *trust = NULL;

        if (leaf->trust_error == 0) {
                trust = trust_put(work->task->env->trust, ca_file, TAKE_PTR(leaf->trust));
                leaf->trust_error = trust ? 0 : ENOMEM;
        }
        if (!trust) {
                leaf_work_end(work, ERROR_TLS, "%s: %s (ca-file)", ca_file ?: "the system's certificates",
                              trust_error(leaf->trust_error));
                return;
        }
        http_profile_set_trust(leaf->plan->profile, trust);
        request(work);
}

static void request_with_trust(struct http_leaf *leaf) {
        struct stream_tls *trust = trust_get(leaf->work.task->env->trust, part_of(leaf)->ca_file);

        if (!trust) {
                leaf_work_begin(&leaf->work, read_trust_on_thread, on_trust_read);
                return;
        }
        http_profile_set_trust(leaf->plan->profile, trust);
        request(&leaf->work);
}

/* ---- the kind ---- */

static int http_leaf_start(struct run *run) {
        struct task *task = task_of(run_get_spec(run));
        struct http_leaf *leaf;
        int r;

        if (!task->http->plan) {
                r = plan_new(task, &task->http->plan);
                if (r < 0)
                        return r;
        }
        leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
                return -ENOMEM;
        leaf->plan = task->http->plan;
        leaf_work_init(&leaf->work, run, leaf_free);
        leaf->work.on_given_up = advance;
        r = expand(leaf);
        if (r == 0 && task->http->save_to)
                r = http_save_new(task->http->save_to, &leaf->save);
        if (r < 0)
                return r;
        if (needs_trust(leaf))
                request_with_trust(leaf);
        else
                request(&leaf->work);
        return 0;
}

static void http_leaf_force(struct run *run) {
        struct leaf_work *work = run_leaf_data(run);

        leaf_of(work)->forced = true;
        if (leaf_of(work)->save && (work->job || http_save_has_file(leaf_of(work)->save)))
                run_leaf_tidies(run, SAVE_TIDY_USEC);
        if (leaf_of(work)->call)
                http_cancel(leaf_of(work)->call);
        leaf_work_give_up(work);
}

static void http_leaf_poll(struct run *run) {
        struct leaf_work *work = run_leaf_data(run);

        leaf_work_poll(run);
        if (leaf_of(work)->call)
                http_poll(leaf_of(work)->call);
}

static void http_view(const void *data, struct kind_view *view) {
        const struct http_leaf *leaf = data;
        const struct http_part *part = leaf->work.task->http;

        if (leaf->call && !(leaf->work.job && leaf->save))
                http_describe(leaf->call, view->doing, sizeof(view->doing));
        else if (leaf->save)
                (void)leaf_work_view(&leaf->work, view, "writes %s", part->save_to);
        else
                (void)leaf_work_view(&leaf->work, view, "reads %s", part->ca_file ?: "the system's certificates");
}

static void http_part_init(void *part) {
        struct http_part *p = part;

        p->max_body = MAX_BODY;
        p->verify_tls = true;
        p->connect_timeout_usec = USEC_INFINITY;
}

static void http_part_done(void *part) {
        struct http_part *p = part;

        http_plan_free(p->plan);
        free(p->url);
        free(p->method);
        text_strv_free(p->header);
        free(p->body);
        free(p->expect_status);
        free(p->expect_body);
        free(p->save_to);
        free(p->ca_file);
        free(p->user_agent);
        free(p->proxy);
}

static const struct leaf_ops http_leaf_ops = {
        .name = "http",
        .start = http_leaf_start,
        .force = http_leaf_force,
        .poll = http_leaf_poll,
        .abandon = leaf_work_abandon,
        .abandon_after_usec = LEAF_WORK_ABANDON_USEC,
        .release = leaf_work_release,
};

const struct kind kind_http = {
        .name = "http",
        .main_keys = "url",
        .part_size = sizeof(struct http_part),
        .default_timeout_usec = 30 * USEC_PER_SEC,
        .default_concurrency = 50,
        .leaf = &http_leaf_ops,
        .view = http_view,
        .part_init = http_part_init,
        .part_done = http_part_done,
};
