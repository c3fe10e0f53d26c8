/* SPDX-License-Identifier: MIT */
#pragma once
/* ask_store: a question to the store on behalf of a call, which is woken when it is answered.
 *
 * The store takes so many questions at once. Who is told that these are too many is woken a little later, to ask again.
 */
#include "control/methods.h"
#include "store/store.h"

struct ask {
        struct control *control;
        struct varlink_call *call;
        struct loop_timer again;
        struct store_query *query;
};

/* Returns 0 or -ENOMEM. */
int ask_init(struct ask *ask, struct control *control, struct varlink_call *call);
/* Takes back the question, if there is one. Harmless on a zeroed one. */
void ask_cancel(struct ask *ask);
void ask_free(struct ask *ask); /* also that; the call is over */

/* It was asked, and the store returned @r; @ask->query is the question. Returns -EAGAIN, for the next() of the stream; 0:
 * the call was answered with an error; another negative errno. */
int ask_begun(struct ask *ask, int r);

/* The call is woken a little later. Returns -EAGAIN. */
int ask_later(struct ask *ask);

/* The question was answered: wakes the call. */
void ask_done(struct ask *ask);

/* It was asked, or is to be asked again later. */
static inline bool ask_is_under_way(const struct ask *ask) {
        return ask->query || loop_timer_armed(&ask->again);
}

/* Answers with what @error of the store is. Returns 0 or a negative errno. */
int reply_store_error(struct control *control, struct varlink_call *call, int error);

/* Why nothing can be read, in the @size bytes at @buf. Returns @buf. */
const char *store_trouble(const struct control *control, char *buf, size_t size);
