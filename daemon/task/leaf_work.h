/* SPDX-License-Identifier: MIT */
#pragma once
/* leaf_work: what kinds that do not spawn share: a leaf whose work is steps on the loop and jobs on the task's pool.
 *
 * A kind's data begins with a struct leaf_work and is run_leaf_data(). It is freed with the leaf; or, when a thread was
 * at work for it and did not come back in time, by leaf_work_end() when that thread has returned.
 */
#include "loop/pool.h"
#include "task/kind.h"

#include <stdatomic.h>

/* How long after being forced a leaf waits for its thread before it is a remnant. */
#define LEAF_WORK_ABANDON_USEC (10 * USEC_PER_MSEC)

#define LEAF_WORK_DETAIL_MAX 400

struct leaf_work;
typedef void (*leaf_work_fn)(struct leaf_work *work);

struct leaf_work {
        struct run *leaf;        /* NULL once abandoned */
        struct remnant *remnant; /* then not NULL */
        const struct task *task;
        leaf_work_fn free; /* of the kind's data, all of it */
        struct loop_work turn;

        struct pool_job *job;             /* a thread is at work, or about to be */
        _Atomic usec_t thread_since_usec; /* monotonic; only of use while one is */
        leaf_work_fn on_thread;
        leaf_work_fn on_done;
        leaf_work_fn on_given_up; /* instead of on_done, when the thread was given up and is back; NULL: the end */
        atomic_bool given_up;     /* for the thread to look at: nobody waits any more */

        bool ended;
        enum error_kind error; /* what it ends with, as far as is known */
        char detail[LEAF_WORK_DETAIL_MAX];
};

/* Prepares @work, zeroed, as the data of @leaf. Not being able to is impossible. */
void leaf_work_init(struct leaf_work *work, struct run *leaf, leaf_work_fn free);

/* Has @on_thread called on a thread of the task's pool, where it touches only the kind's data and the task, then
 * @on_done on the loop. Returns 0; or what pool_submit() says, with a sentence about it in work->detail. */
int leaf_work_submit(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done);

/* The same for a step that clears away what one before it has made: not refused because the queue is full. */
int leaf_work_tidy(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done);

/* The same as the first step of a leaf: when the pool takes no more, the leaf fails. */
void leaf_work_begin(struct leaf_work *work, leaf_work_fn on_thread, leaf_work_fn on_done);

/* Ends the leaf. After being abandoned: frees @work. Only the first call counts. Not from inside leaf_ops.start. */
void leaf_work_end(struct leaf_work *work, enum error_kind error, const char *format, ...) _printf_(3, 4);

/* The same in two steps, for kinds that have to tidy up before they end. Of leaf_work_note() the last call counts. */
void leaf_work_note(struct leaf_work *work, enum error_kind error, const char *format, ...) _printf_(3, 4);
void leaf_work_finish(struct leaf_work *work);

/* The same from inside leaf_ops.start: in a later turn. */
void leaf_work_fail(struct leaf_work *work, enum error_kind error, const char *format, ...) _printf_(3, 4);

/* Stops waiting for the thread, if there is one; on_given_up or the end follows, no earlier than it is back. */
void leaf_work_give_up(struct leaf_work *work);

/* For kind.view: a thread is at work: "reads /path", @does, since when, or waits for its turn. Returns whether it is. */
bool leaf_work_view(const struct leaf_work *work, struct kind_view *view, const char *does, ...) _printf_(3, 4);

/* Members of struct leaf_ops. */
void leaf_work_force(struct run *leaf);
void leaf_work_poll(struct run *leaf);
void leaf_work_abandon(struct run *leaf, struct remnant *remnant);
void leaf_work_release(void *data);
