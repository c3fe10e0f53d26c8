/* SPDX-License-Identifier: MIT */
/* kind_tcp: a task that connects, says something and waits for an answer.
 *
 *      start ──▶ [prepare] ──▶ resolve ──▶ connect ──▶ send ──▶ expect ──▶ end
 *                                            │  ▲
 *                                            └──┘ the next address of the name
 *
 * Preparing is a job on the task's pool, where it is needed: for the certificates of TLS, and for
 * the path of a local socket, which may lie on a file system that hangs: the thread opens it (O_PATH), and the loop
 * connects to what was opened by way of /proc/self/fd.
 *
 * Without `expect` the task is ok when it is connected and what is to be sent has gone to the kernel. An answer is
 * searched as it comes, in at most EXPECT_MAX bytes, and not kept.
 */
#include "loop/stream.h"
#include "task/leaf_work.h"
#include "task/needle.h"
#include "task/resolve.h"
#include "task/tcp_address.h"
#include "task/template.h"
#include "task/trust.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#define EXPECT_MAX ((size_t)64 * 1024)

/* What is the same for all runs of a task; made at its first one. */
struct tcp_plan {
        char *send;
        size_t n_send;
        struct needle *expect;
};

struct tcp_leaf {
        struct leaf_work work;
        struct tcp_plan *plan;
        char *connect;
        struct tcp_address address;

        struct stream_tls *tls; /* NULL: not there yet, or plain */
        int tls_error;
        int path_fd; /* opened by the thread */
        int path_error;

        struct resolve_query *query;
        struct resolve_answer *answer;
        size_t next; /* of the answer's addresses */
        struct stream *stream;
        bool connected;
        char last_error[128];

        size_t matched;
        size_t n_read;
};

static struct tcp_leaf *leaf_of(struct leaf_work *work) {
        return CONTAINER_OF(work, struct tcp_leaf, work);
}

static void leaf_free(struct leaf_work *work) {
        struct tcp_leaf *leaf = leaf_of(work);

        stream_free(leaf->stream);
        stream_tls_unref(leaf->tls);
        closep(&leaf->path_fd); /* O_PATH: nothing to wait for */
        resolve_answer_unref(leaf->answer);
        free(leaf->connect);
        free(leaf);
}

/* ---- the plan ---- */

static struct tcp_plan *plan_free(struct tcp_plan *plan) {
        if (!plan)
                return NULL;
        free(plan->send);
        needle_free(plan->expect);
        free(plan);
        return NULL;
}
DEFINE_CLEANUP(struct tcp_plan, plan_free)

static int plan_new(const struct tcp_part *part, struct tcp_plan **ret) {
        _cleanup_(plan_freep) struct tcp_plan *plan = NULL;
        _cleanup_(freep) char *expect = NULL;
        size_t n = 0;
        int r;

        plan = calloc(1, sizeof(*plan));
        if (!plan)
                return -ENOMEM;
        if (part->send) {
                r = tcp_unescape(part->send, &plan->send, &plan->n_send);
                if (r < 0)
                        return r;
        }
        if (part->expect && part->expect[0]) {
                r = tcp_unescape(part->expect, &expect, &n);
                if (r == 0)
                        r = needle_new(expect, n, &plan->expect);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(plan);
        return 0;
}

/* ---- the conversation ---- */

static void end(struct tcp_leaf *leaf, enum error_kind error, const char *detail) {
        leaf->stream = stream_free(leaf->stream);
        leaf_work_end(&leaf->work, error, "%s: %s", leaf->connect, detail);
}

static void on_connected(struct stream *stream, void *arg) {
        struct tcp_leaf *leaf = leaf_of(arg);

        leaf->connected = true;
        if (leaf->plan->n_send > 0 && stream_write(stream, leaf->plan->send, leaf->plan->n_send) < 0)
                end(leaf, ERROR_IO, "out of memory");
        else if (leaf->plan->n_send == 0 && !leaf->plan->expect)
                end(leaf, ERROR_NONE, "connected");
}

static void on_drained(struct stream *stream _unused_, void *arg) {
        struct tcp_leaf *leaf = leaf_of(arg);

        if (!leaf->plan->expect)
                end(leaf, ERROR_NONE, "sent");
}

static void on_data(struct stream *stream _unused_, const char *data, size_t n, void *arg) {
        struct tcp_leaf *leaf = leaf_of(arg);

        if (!leaf->plan->expect)
                return;
        n = MIN(n, EXPECT_MAX - leaf->n_read);
        leaf->n_read += n;
        if (needle_feed(leaf->plan->expect, &leaf->matched, data, n))
                end(leaf, ERROR_NONE, "answered");
        else if (leaf->n_read == EXPECT_MAX)
                end(leaf, ERROR_MISMATCH, "the answer does not contain the text of expect in its first 64 KiB");
}

static void on_eof(struct stream *stream _unused_, void *arg) {
        struct tcp_leaf *leaf = leaf_of(arg);
        char text[128];

        if (!leaf->plan->expect)
                return; /* what is to be sent may still be on its way */
        (void)snprintf(text, sizeof(text), "closed after %zu bytes that do not contain the text of expect",
                       leaf->n_read);
        end(leaf, ERROR_MISMATCH, text);
}

static void connect_next(struct tcp_leaf *leaf);

static void on_error(struct stream *stream _unused_, enum stream_error error, const char *detail, void *arg) {
        static const enum error_kind kinds_of[] = {
                [STREAM_ERROR_CONNECT] = ERROR_CONNECT,
                [STREAM_ERROR_TLS] = ERROR_TLS,
                [STREAM_ERROR_IO] = ERROR_IO,
        };
        struct tcp_leaf *leaf = leaf_of(arg);

        (void)snprintf(leaf->last_error, sizeof(leaf->last_error), "%s", detail);
        if (error == STREAM_ERROR_CONNECT && leaf->answer && leaf->next < leaf->answer->n) {
                leaf->stream = stream_free(leaf->stream);
                connect_next(leaf);
        } else {
                end(leaf, kinds_of[error], leaf->last_error);
        }
}

/* ---- connecting ---- */

static void connect_to(struct tcp_leaf *leaf, const struct sockaddr *address, socklen_t length) {
        static const struct stream_ops ops = {
                .on_connected = on_connected,
                .on_drained = on_drained,
                .on_data = on_data,
                .on_eof = on_eof,
                .on_error = on_error,
        };
        const struct task *task = leaf->work.task;
        int r;

        r = stream_connect(task->env->loop, address, length, leaf->tls, leaf->address.path ? NULL : leaf->address.host,
                           &ops, &leaf->work, &leaf->stream);
        if (r < 0)
                leaf_work_fail(&leaf->work, leaf->tls && r == -EINVAL ? ERROR_TLS : ERROR_CONNECT, "%s: %s",
                               leaf->connect, strerrordesc_np(-r));
}

static void connect_next(struct tcp_leaf *leaf) {
        struct resolve_address *a = &leaf->answer->addresses[leaf->next++];
        struct sockaddr_storage address = a->address;

        if (address.ss_family == AF_INET)
                ((struct sockaddr_in *)&address)->sin_port = htons((uint16_t)leaf->address.port);
        else
                ((struct sockaddr_in6 *)&address)->sin6_port = htons((uint16_t)leaf->address.port);
        connect_to(leaf, (struct sockaddr *)&address, a->length);
}

static void connect_path(struct tcp_leaf *leaf) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", leaf->path_fd);
        connect_to(leaf, (struct sockaddr *)&address, sizeof(address));
}

static void on_resolved(struct resolve_answer *answer, void *arg) {
        struct tcp_leaf *leaf = leaf_of(arg);

        leaf->query = NULL;
        if (answer->error != 0) {
                leaf_work_fail(&leaf->work, ERROR_RESOLVE, "%s: %s", leaf->connect, resolve_answer_reason(answer));
                return;
        }
        leaf->answer = resolve_answer_ref(answer);
        connect_next(leaf);
}

static void resolve(struct tcp_leaf *leaf) {
        const struct task *task = leaf->work.task;
        struct resolve_address literal;
        int r;

        if (resolve_literal(leaf->address.host, &literal)) {
                leaf->answer = resolve_answer_of(&literal);
                if (leaf->answer)
                        connect_next(leaf);
                else
                        leaf_work_fail(&leaf->work, ERROR_CONNECT, "out of memory");
                return;
        }
        r = resolve_start(task->env->resolver, task->pool, leaf->address.host, on_resolved, &leaf->work, &leaf->query);
        if (r < 0)
                leaf_work_fail(&leaf->work, ERROR_RESOLVE, "%s: %s", leaf->connect,
                               r == -ENOBUFS ? "the queue of the pool is full (queue-max)" : strerrordesc_np(-r));
}

/* ---- preparing ---- */

static void prepare_on_thread(struct leaf_work *work) {
        struct tcp_leaf *leaf = leaf_of(work);
        const struct tcp_part *part = work->task->tcp;

        if (part->tls)
                leaf->tls_error = -stream_tls_new(part->ca_file, &leaf->tls);
        if (!leaf->address.path)
                return;
        leaf->path_fd = open(leaf->address.path, O_PATH | O_CLOEXEC);
        if (leaf->path_fd < 0)
                leaf->path_error = errno;
}

/* The certificates that the thread read become those of all. */
static bool share_trust(struct tcp_leaf *leaf) {
        const struct task *task = leaf->work.task;
        struct stream_tls *tls;

        if (leaf->tls_error != 0)
                return false;
        tls = trust_put(task->env->trust, task->tcp->ca_file, TAKE_PTR(leaf->tls));
        if (!tls) {
                leaf->tls_error = ENOMEM;
                return false;
        }
        leaf->tls = stream_tls_ref(tls);
        return true;
}

static void on_prepared(struct leaf_work *work) {
        struct tcp_leaf *leaf = leaf_of(work);
        const char *ca_file = work->task->tcp->ca_file;

        if (work->task->tcp->tls && !share_trust(leaf)) {
                leaf_work_end(work, ERROR_TLS, "%s: %s (ca-file)", ca_file ?: "the system's certificates",
                              trust_error(leaf->tls_error));
                return;
        }
        if (leaf->path_error != 0) {
                leaf_work_end(work, ERROR_CONNECT, "%s: %s", leaf->connect, strerrordesc_np(leaf->path_error));
                return;
        }
        if (leaf->address.path)
                connect_path(leaf);
        else
                resolve(leaf);
}

/* ---- the kind ---- */

static int tcp_leaf_new(struct run *run, struct tcp_leaf **ret) {
        struct tcp_part *part = task_of(run_get_spec(run))->tcp;
        struct tcp_leaf *leaf;
        int r;

        if (!part->plan) {
                r = plan_new(part, &part->plan);
                if (r < 0)
                        return r;
        }
        leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
                return -ENOMEM;
        leaf->plan = part->plan;
        leaf->path_fd = -EBADF;
        leaf_work_init(&leaf->work, run, leaf_free);
        *ret = leaf;
        return template_fill(run, part->connect, TEMPLATE_TEXT, &leaf->connect);
}

static bool find_trust(struct tcp_leaf *leaf) {
        const struct task *task = leaf->work.task;
        struct stream_tls *tls = trust_get(task->env->trust, task->tcp->ca_file);

        leaf->tls = tls ? stream_tls_ref(tls) : NULL;
        return leaf->tls;
}

static int tcp_leaf_start(struct run *run) {
        struct tcp_leaf *leaf = NULL;
        const struct tcp_part *part = task_of(run_get_spec(run))->tcp;
        int r;

        r = tcp_leaf_new(run, &leaf);
        if (r < 0)
                return r;
        if (tcp_address_parse(leaf->connect, &leaf->address) < 0)
                leaf_work_fail(&leaf->work, ERROR_CONNECT, "%s: neither host:port nor unix:/path", leaf->connect);
        else if (leaf->address.path && part->tls)
                leaf_work_fail(&leaf->work, ERROR_TLS, "%s: TLS needs a host, whose certificate is verified",
                               leaf->connect);
        else if (leaf->address.path || (part->tls && !find_trust(leaf)))
                leaf_work_begin(&leaf->work, prepare_on_thread, on_prepared);
        else
                resolve(leaf);
        return 0;
}

/* A lookup that was left behind is over. */
static void on_lookup_returned(void *arg) {
        leaf_work_end(arg, ERROR_NONE, "given up");
}

static void tcp_leaf_force(struct run *run) {
        struct leaf_work *work = run_leaf_data(run);
        struct tcp_leaf *leaf = leaf_of(work);

        if (work->job)
                leaf_work_give_up(work);
        else if (!leaf->query || !resolve_cancel(TAKE_PTR(leaf->query), on_lookup_returned, work))
                end(leaf, ERROR_NONE, "given up");
}

static void tcp_leaf_poll(struct run *run) {
        struct leaf_work *work = run_leaf_data(run);

        leaf_work_poll(run);
        if (leaf_of(work)->stream)
                stream_poll(leaf_of(work)->stream);
}

static void tcp_view(const void *data, struct kind_view *view) {
        const struct tcp_leaf *leaf = data;
        char *doing = view->doing;

        if (leaf_work_view(&leaf->work, view, leaf->address.path ? "opens %s" : "reads certificates for %s",
                           leaf->connect))
                return;
        if (leaf->query)
                (void)snprintf(doing, sizeof(view->doing), "resolving %s", leaf->address.host);
        else if (leaf->stream && !leaf->connected && leaf->answer && leaf->answer->n > 1)
                (void)snprintf(doing, sizeof(view->doing), "connecting to %s, address %zu of %zu", leaf->connect,
                               leaf->next, leaf->answer->n);
        else if (leaf->stream && !leaf->connected)
                (void)snprintf(doing, sizeof(view->doing), "connecting to %s", leaf->connect);
        else if (leaf->stream && leaf->plan->expect)
                (void)snprintf(doing, sizeof(view->doing), "waiting for the answer of %s, %zu bytes so far",
                               leaf->connect, leaf->n_read);
        else if (leaf->stream)
                (void)snprintf(doing, sizeof(view->doing), "sending to %s", leaf->connect);
}

static void tcp_part_done(void *part) {
        struct tcp_part *p = part;

        plan_free(p->plan);
        free(p->connect);
        free(p->send);
        free(p->expect);
        free(p->ca_file);
}

static const struct leaf_ops tcp_leaf_ops = {
        .name = "tcp",
        .start = tcp_leaf_start,
        .force = tcp_leaf_force,
        .poll = tcp_leaf_poll,
        .abandon = leaf_work_abandon,
        .abandon_after_usec = LEAF_WORK_ABANDON_USEC,
        .release = leaf_work_release,
};

const struct kind kind_tcp = {
        .name = "tcp",
        .main_keys = "connect",
        .part_size = sizeof(struct tcp_part),
        .default_timeout_usec = 30 * USEC_PER_SEC,
        .default_concurrency = 50,
        .leaf = &tcp_leaf_ops,
        .view = tcp_view,
        .part_done = tcp_part_done,
};
