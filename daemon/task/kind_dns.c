/* SPDX-License-Identifier: MIT */
/* kind_dns: a task that looks a name up, past the daemon's table of answers, for it is the lookup that is checked.
 *
 * `expect` lists addresses; each of them must be among the answers, in whatever notation and order.
 */
#include "base/text.h"
#include "task/leaf_work.h"
#include "task/resolve.h"
#include "task/template.h"

#include <arpa/inet.h>

struct dns_leaf {
        struct leaf_work work;
        char *name;
        struct resolve_answer *answer; /* NULL: out of memory */
};

static struct dns_leaf *leaf_of(struct leaf_work *work) {
        return CONTAINER_OF(work, struct dns_leaf, work);
}

static void leaf_free(struct leaf_work *work) {
        struct dns_leaf *leaf = leaf_of(work);

        resolve_answer_unref(leaf->answer);
        free(leaf->name);
        free(leaf);
}

static bool same_address(const struct resolve_address *a, const struct resolve_address *b) {
        const struct sockaddr_storage *x = &a->address, *y = &b->address;

        if (x->ss_family != y->ss_family)
                return false;
        if (x->ss_family == AF_INET)
                return ((const struct sockaddr_in *)x)->sin_addr.s_addr ==
                       ((const struct sockaddr_in *)y)->sin_addr.s_addr;
        return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)x)->sin6_addr,
                                  &((const struct sockaddr_in6 *)y)->sin6_addr);
}

static bool answer_has(const struct resolve_answer *answer, const char *text) {
        struct resolve_address wanted;

        if (!resolve_literal(text, &wanted))
                return false;
        for (size_t i = 0; i < answer->n; i++)
                if (same_address(&answer->addresses[i], &wanted))
                        return true;
        return false;
}

/* The answers in a row, as many as fit. */
static const char *format_answer(const struct resolve_answer *answer, char *buf, size_t size) {
        size_t n = 0;

        buf[0] = 0;
        for (size_t i = 0; i < answer->n && n + INET6_ADDRSTRLEN + 2 < size; i++) {
                const struct sockaddr_storage *a = &answer->addresses[i].address;
                const void *bytes = a->ss_family == AF_INET
                                            ? (const void *)&((const struct sockaddr_in *)a)->sin_addr
                                            : (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;

                if (i > 0)
                        buf[n++] = ' ';
                (void)inet_ntop(a->ss_family, bytes, buf + n, (socklen_t)(size - n));
                n += strlen(buf + n);
        }
        return buf;
}

static void on_thread(struct leaf_work *work) {
        leaf_of(work)->answer = resolve_blocking(leaf_of(work)->name);
}

static void on_done(struct leaf_work *work) {
        struct dns_leaf *leaf = leaf_of(work);
        const struct dns_part *part = work->task->dns;
        char answers[256];

        if (!leaf->answer) {
                leaf_work_end(work, ERROR_RESOLVE, "%s: out of memory", leaf->name);
                return;
        }
        if (leaf->answer->error != 0) {
                leaf_work_end(work, ERROR_RESOLVE, "%s: %s", leaf->name, resolve_answer_reason(leaf->answer));
                return;
        }
        (void)format_answer(leaf->answer, answers, sizeof(answers));
        for (char **wanted = part->expect; wanted && *wanted; wanted++) {
                if (answer_has(leaf->answer, *wanted))
                        continue;
                leaf_work_end(work, ERROR_MISMATCH, "%s: %s is not among the answers: %s", leaf->name, *wanted,
                              answers);
                return;
        }
        leaf_work_end(work, ERROR_NONE, "%s", answers);
}

static int dns_leaf_start(struct run *run) {
        struct dns_leaf *leaf;
        int r;

        leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
                return -ENOMEM;
        leaf_work_init(&leaf->work, run, leaf_free);
        r = template_fill(run, task_of(run_get_spec(run))->dns->resolve, TEMPLATE_TEXT, &leaf->name);
        if (r < 0)
                return r;
        leaf_work_begin(&leaf->work, on_thread, on_done);
        return 0;
}

static void dns_view(const void *data, struct kind_view *view) {
        const struct dns_leaf *leaf = data;

        (void)leaf_work_view(&leaf->work, view, "looks %s up", leaf->name);
}

static void dns_part_done(void *part) {
        struct dns_part *p = part;

        free(p->resolve);
        text_strv_free(p->expect);
}

static const struct leaf_ops dns_leaf_ops = {
        .name = "dns",
        .start = dns_leaf_start,
        .force = leaf_work_force,
        .poll = leaf_work_poll,
        .abandon = leaf_work_abandon,
        .abandon_after_usec = LEAF_WORK_ABANDON_USEC,
        .release = leaf_work_release,
};

const struct kind kind_dns = {
        .name = "dns",
        .main_keys = "resolve",
        .part_size = sizeof(struct dns_part),
        .default_timeout_usec = 30 * USEC_PER_SEC,
        .default_concurrency = 50,
        .leaf = &dns_leaf_ops,
        .view = dns_view,
        .part_done = dns_part_done,
};
