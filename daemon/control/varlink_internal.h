/* SPDX-License-Identifier: MIT */
#pragma once
/* varlink_internal: what the files of the Varlink server share. Nobody else includes it. */
#include "control/framer.h"
#include "control/varlink.h"
#include "control/varlink_fds.h"

#define VARLINK_INTERFACES_MAX 8
#define VARLINK_LISTENERS_MAX  4
#define VARLINK_DEPTH_MAX      32
#define VARLINK_VALUES_MAX     20000
#define VARLINK_STRING_MAX     4096                 /* bytes of one string parameter */
#define VARLINK_STRINGS_MAX    1000                 /* elements of one []string */
#define VARLINK_WORD_MAX       ((size_t)128 * 1024) /* bytes of one of VARLINK_WORDS: the kernel takes no longer ones */
#define VARLINK_WORDS_MAX      16000                /* of them */
#define VARLINK_MESSAGE_NONE   ((size_t)4096)       /* a message of a peer without a role */

/* A connection makes no new answer while more than this waits for its client. */
#define VARLINK_OUT_LOW ((size_t)(16 * 1024))

/* A connection that sent no more than this is not cut off for what others sent. */
#define VARLINK_IN_SMALL ((size_t)(16 * 1024))

/* How long the server works for its clients in one turn of the loop. */
#define VARLINK_SLICE_USEC ((usec_t)500)

/* How long one connection is worked for before the next gets its turn. */
#define VARLINK_SHARE_USEC ((usec_t)100)

struct varlink_served {
        const struct varlink_interface *interface;
        void *arg;
};

struct varlink_listener {
        struct varlink_server *server;
        struct loop_io *io;
        int fd;
        char *path; /* to be removed; NULL: not ours */
        dev_t dev;
        ino_t ino;
};

/* Lines about cut-off clients, so many in a span and no more, lest a client fills the log. */
struct varlink_ratelimit {
        usec_t since_usec;
        unsigned n;
        unsigned suppressed;
};

struct varlink_server {
        struct loop *loop;
        struct varlink_options options;
        struct varlink_served served[VARLINK_INTERFACES_MAX];
        size_t n_served;
        enum varlink_role fds_role; /* from which on clients may send descriptors */
        struct varlink_listener listeners[VARLINK_LISTENERS_MAX];
        size_t n_listeners;
        struct loop_timer accept_again; /* armed: accepting is paused, descriptors are used up */

        struct list connections;
        struct list ready; /* connections with something to do, served in turn by pump */
        struct loop_work pump;
        unsigned review; /* of all roles, the last one's number */

        struct buffer text; /* what a stream makes, on its way to its connection */
        size_t in_bytes;    /* memory for what clients sent and was not taken yet */
        struct varlink_stats stats;
        struct varlink_ratelimit ratelimit;
};

/* The call a connection is at. Between calls, method is NULL. */
struct varlink_call {
        struct varlink_connection *connection;
        const struct varlink_method *method;
        const struct varlink_interface *interface;
        bool more;
        bool oneway;
        bool told;                            /* an answer of it was made */
        bool ended;                           /* its last answer was made */
        bool waiting;                         /* its stream has nothing now */
        const struct varlink_stream_ops *ops; /* NULL: no stream */
        void *cursor;
};

struct varlink_connection {
        struct list link;  /* in server->connections */
        struct list ready; /* in server->ready, or unlinked */
        struct varlink_server *server;
        struct varlink_peer peer;
        unsigned reviewed; /* the review that found the role of @peer */
        int fd;
        struct loop_io *io;
        struct framer framer;
        struct varlink_fds fds; /* of the message that comes, or of the call that is being handled */
        size_t counted;         /* of server->in_bytes */
        struct buffer out;
        struct varlink_call call;
        bool running;              /* inside varlink_connection_run() */
        bool eof;                  /* its client sends no more */
        bool gone;                 /* and takes no more */
        bool ending;               /* cut off; what is left in `out` is the end, if the client takes it */
        const char *cut_off;       /* why it must be closed, or NULL */
        usec_t partial_since_usec; /* a message has begun and not ended since; USEC_INFINITY: none */
        usec_t out_progress_usec;  /* the client took something last; USEC_INFINITY: nothing waits for it */
        struct loop_timer stall;
};

/* varlink_peer.c */
/* The groups that the client at @fd has beside its own; the caller frees @ret. Returns 0, -ENOMEM, -errno. */
int varlink_peer_groups(int fd, gid_t **ret, size_t *ret_n);
/* Who is at the other end of @fd, with the role that it has now; connected_usec is left to the caller. Returns 0, -ENOMEM, -errno. */
int varlink_peer_get(const struct varlink_server *server, int fd, struct varlink_peer *ret);

/* varlink_connection.c */
int varlink_connection_new(struct varlink_server *server, int fd, const struct varlink_peer *peer);
struct varlink_connection *varlink_connection_free(struct varlink_connection *connection);
/* Works for it until @until_usec. The connection may be gone afterwards. */
void varlink_connection_run(struct varlink_connection *connection, usec_t until_usec);
/* Puts it into the round of the server. */
void varlink_connection_schedule(struct varlink_connection *connection);

/* Closes those that nobody has taken. */
void varlink_connection_close_fds(struct varlink_connection *connection, struct varlink_fds *fds);

/* varlink_call.c */
/* Begins the call in @message. Returns 0 or -EBADMSG when it is no call. */
int varlink_call_begin(struct varlink_connection *connection, const char *message, size_t length);
/* Takes one answer from the stream of its call. Returns whether it did anything. */
bool varlink_call_step(struct varlink_connection *connection);
/* Answers with the error @name in place of all that the client has not begun to take, and ends the call. Returns 0 or -ENOMEM. */
int varlink_call_end_instead(struct varlink_connection *connection, const char *name);
/* Ends it without an answer. Harmless between calls. */
void varlink_call_drop(struct varlink_call *call);

static inline bool varlink_call_active(const struct varlink_call *call) {
        return call->method != NULL;
}

/* varlink_params.c */
/* The name of the first parameter that does not fit @fields, or NULL when all do. */
const char *varlink_params_check(const struct varlink_field *fields, const json_t *parameters);

/* varlink_service.c */
extern const struct varlink_interface varlink_service_interface;

/* varlink_listen.c */
int varlink_listener_add(struct varlink_server *server, int fd, char *path);
void varlink_listener_done(struct varlink_listener *listener);
void varlink_listeners_pause(struct varlink_server *server, bool pause);

/* varlink_server.c */
/* Logs that @peer (NULL: not known) was cut off, refused or denied, unless there were too many such lines lately. */
void varlink_log_peer(struct varlink_server *server, const struct varlink_peer *peer, const char *what,
                      const char *why);
