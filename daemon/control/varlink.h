/* SPDX-License-Identifier: MIT */
#pragma once
/* varlink: a server of the Varlink protocol (UAPI.20) on the loop.
 *
 * Calls are NUL-terminated JSON objects over AF_UNIX stream sockets. A method is a row of a table: name, role, flags,
 * parameters, handler; the server checks parameters and role before the handler is called, which answers with exactly
 * one of varlink_reply(), varlink_error(), varlink_stream(), at once or later. Calls of one connection are answered in
 * their order, one at a time; a pipelined call waits until the one before it is done.
 *
 * Long answers are pulled, not pushed: a stream makes its next message only when the client has taken the ones before,
 * and the server goes round all connections in slices of a millisecond at most. So what is buffered for a client is
 * bounded by its design, and a client that never reads costs nothing but its place.
 *
 * Descriptors come with a call whose method takes them, as SCM_RIGHTS with its first byte; such a call is not pipelined. All
 * others are closed, as are those that the handler does not take.
 *
 * Bounded, per connection: the size, depth and number of values of a message, the time to send one and the time to
 * take an answer. Bounded in all: connections, how many of them one user and all without a role may have, and what they have sent. Who crosses a bound is cut off,
 * and a line is logged. Who does not take its answers is told so, if it takes that, instead of those.
 */
#include "loop/loop.h"

#include <jansson.h>
#include <sys/types.h>

struct buffer;
struct varlink_server;
struct varlink_call;

enum varlink_role {
        VARLINK_ROLE_NONE, /* may ask what is served here, and nothing else */
        VARLINK_ROLE_VIEW,
        VARLINK_ROLE_OPERATE,
        VARLINK_ROLE_ADMIN,
        _VARLINK_ROLE_MAX,
};

const char *varlink_role_to_string(enum varlink_role role);

/* Who is at the other end, as the kernel told at connect(2). */
struct varlink_peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;
        enum varlink_role role;
        usec_t connected_usec; /* when it was accepted, by CLOCK_ID_BOOTTIME: then @pid was its process, or nobody's */
};

/* ---- what is served ---- */

enum varlink_type {
        VARLINK_BOOL,
        VARLINK_INT,
        VARLINK_STRING,
        VARLINK_STRINGS, /* []string */
        VARLINK_WORDS,   /* []string: of a command or an environment, so longer and more of them */
        _VARLINK_TYPE_MAX,
};

/* "bool", "int", "string", "[]string", "[]string". */
const char *varlink_type_to_string(enum varlink_type type);

struct varlink_field {
        const char *name; /* NULL ends a table */
        enum varlink_type type;
        bool optional; /* may be absent or null: ?type */
};

enum {
        VARLINK_MORE = 1u << 0, /* answers may be many: without `more` in the call: ExpectedMore */
        /* Changes something: options.on_change is told, so that it is logged. Until its first answer it goes on also when its client
         * is gone, and to its end when that has lost its role. */
        VARLINK_CHANGES = 1u << 1,
        VARLINK_FDS = 1u << 2, /* takes descriptors */
};

/* Answers @call, now or later. Negative errno: nothing was answered, and the server answers with the interface's
 * `failed` error. @parameters have been checked against the method's fields. */
typedef int (*varlink_handler_fn)(struct varlink_call *call, const json_t *parameters, void *arg);

struct varlink_method {
        const char *name;
        enum varlink_role role;
        unsigned flags;
        const struct varlink_field *fields;
        varlink_handler_fn handler; /* NULL: MethodNotImplemented */
};

struct varlink_interface {
        const char *name;
        const char *description; /* the text of its .varlink file */
        const struct varlink_method *methods;
        size_t n_methods;
        const char *failed; /* full name of an error with a string parameter `message` */
        /* Full name of an error with the strings `method`, `needs` and `has`, the latter two names of roles. NULL: the
         * standard's PermissionDenied is answered. */
        const char *denied;
};

/* ---- the server ---- */

struct varlink_options {
        const char *vendor;
        const char *product;
        const char *version;
        const char *url;
        /* What @peer, whose role is not known yet, may; @groups are those it has beside its gid. */
        enum varlink_role (*role_of)(const struct varlink_peer *peer, const gid_t *groups, size_t n_groups, void *arg);
        /* A call that changes something was let through, and is about to be handled. */
        void (*on_change)(const struct varlink_call *call, const json_t *parameters, void *arg);
        /* Closes descriptors that a client had sent, where that may block. NULL: it may here. */
        void (*close_fds)(const int *fds, size_t n, void *arg);
        void *arg;
        /* Full name of an error without parameters, for a client that does not take its answers. NULL: it is told nothing. */
        const char *too_slow;
        /* 0: the defaults */
        unsigned max_connections;          /* [4096, at most half of the descriptors]; the last few are for admins */
        unsigned max_connections_per_user; /* [half of them]; of all without a role together 64 */
        size_t max_message;                /* [1 MiB] */
        size_t max_input;                  /* of all connections, beyond some KiB of each [16 MiB] */
        usec_t stall_usec;                 /* a message, or the taking of an answer, makes no progress [30s] */
};

/* The strings of @options and what role_of needs must outlive the server. Returns 0 or -ENOMEM. */
int varlink_server_new(struct loop *loop, const struct varlink_options *options, struct varlink_server **ret);

/* Closes every connection, frees their streams, removes the socket it made. Not from inside a handler. */
struct varlink_server *varlink_server_free(struct varlink_server *server);
DEFINE_CLEANUP(struct varlink_server, varlink_server_free)

/* Gives clients what their streams still have to tell, as far as they take it and within a moment: before the server is freed,
 * when nobody turns the loop any more. */
void varlink_server_flush(struct varlink_server *server);

/* Serves @interface, constant from then on; handlers get @arg. At most 8. Returns 0 or -ENOSPC. */
int varlink_server_add_interface(struct varlink_server *server, const struct varlink_interface *interface, void *arg);

/* Listens on a new socket at @path with @mode and group @gid ((gid_t)-1: unchanged). A socket on which nobody listens
 * any more is replaced. Returns 0; -EADDRINUSE when a process listens there, @ret_pid is it (0: not known);
 * -ENAMETOOLONG; -EEXIST when @path is no socket; -errno. */
int varlink_server_listen(struct varlink_server *server, const char *path, mode_t mode, gid_t gid, pid_t *ret_pid);

/* Listens on @fd, which is owned by the server from then on, also on error. Returns 0 or -errno. */
int varlink_server_listen_fd(struct varlink_server *server, int fd);

/* Has role_of() asked about each client again, before the server does anything more for it. A call that is being answered and needs more
 * than the client has now ends with the error that says so, unless it changes something: that was allowed when it came. */
void varlink_server_review_roles(struct varlink_server *server);

/* Serves the connected socket @fd, which is owned by the server from then on, also on error. Returns 0, -ENOMEM,
 * -EMFILE (too many connections), -EDQUOT (too many of this user), -errno. */
int varlink_server_add_connection(struct varlink_server *server, int fd);

struct varlink_stats {
        unsigned connections;
        uint64_t accepted;
        uint64_t refused;
        uint64_t cut_off;
        uint64_t calls;
};

void varlink_server_get_stats(const struct varlink_server *server, struct varlink_stats *ret);

/* ---- a call, from its handler ---- */

const struct varlink_peer *varlink_call_peer(const struct varlink_call *call);
/* A pidfd of the process that connected, for the caller to close. -errno: it has ended, or the kernel cannot tell. */
int varlink_call_peer_pidfd(const struct varlink_call *call);
const char *varlink_call_method(const struct varlink_call *call);                 /* without its interface */
const struct varlink_field *varlink_call_fields(const struct varlink_call *call); /* that its method has */

/* The groups besides @gid that the client had at connect(2); the caller frees @ret. Returns 0, -ENOMEM, -errno. */
int varlink_call_groups(const struct varlink_call *call, gid_t **ret, size_t *ret_n);

/* The client asked for as many answers as there are. */
bool varlink_call_more(const struct varlink_call *call);

/* The descriptor that came as number @index with @call, from 0, which belongs to the caller from now on; from its handler
 * alone. -EBADF: there is none, or it was taken. */
int varlink_call_take_fd(struct varlink_call *call, json_int_t index);

/* Answers and ends @call. Takes the reference to @parameters, NULL for none. Returns 0 always, so that a handler can
 * end with it: what goes wrong cuts the connection off. */
int varlink_reply(struct varlink_call *call, json_t *parameters);

/* Answers with the error @name, in full, and ends @call. Takes the reference to @parameters. Returns 0 always. */
int varlink_error(struct varlink_call *call, const char *name, json_t *parameters);

/* The standard's InvalidParameter. Returns 0 always. */
int varlink_error_parameter(struct varlink_call *call, const char *parameter);

/* Answers that the client needs the role @needs, by the interface's `denied`, and logs it. The server does so by the table; this is
 * for what depends on the parameters. Returns 0 always. */
int varlink_error_role(struct varlink_call *call, enum varlink_role needs);

struct varlink_stream_ops {
        /* Makes the next answer: @ret is its parameters, whose reference is taken. Should take no longer than some
         * 200 µs. Returns 1: and there is more; 0: and this is the last; -EAGAIN: nothing now, varlink_wake() tells when
         * there is; or another negative errno. May end the call itself with varlink_error(), and then returns 0. */
        int (*next)(struct varlink_call *call, void *cursor, json_t **ret);
        /* The same for what is JSON already, in place of next(), which is NULL then: appends the parameters, an object, to @out,
         * which is empty. What it has appended counts for nothing unless it returns 1 or 0. */
        int (*next_text)(struct varlink_call *call, void *cursor, struct buffer *out);
        /* The call is over, because it was answered or the client is gone: frees @cursor. No next() after it. */
        void (*free)(void *cursor);
};

/* Answers @call with what @ops->next() makes. Owns @cursor from then on. A client that did not ask for `more` gets the
 * first answer when it is the last too, else ExpectedMore. Returns 0 always. */
int varlink_stream(struct varlink_call *call, const struct varlink_stream_ops *ops, void *cursor);

/* A stream that said -EAGAIN has something now. next() is called later, never from inside. */
void varlink_wake(struct varlink_call *call);
