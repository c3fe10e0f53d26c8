/* SPDX-License-Identifier: MIT */
/* varlink_call: from a message to its handler, and from answers to bytes.
 *
 * A call lives inside its connection, from varlink_call_begin() to varlink_call_drop(). Its last answer only marks it
 * `ended`; the stream's cursor is freed by the next step of the connection, because that answer may have been made
 * from inside the stream's own next().
 */
#include "control/varlink_internal.h"

#include <stdio.h>
#include <sys/socket.h>

#ifndef SO_PEERPIDFD /* since Linux 6.5, and as old in headers */
#define SO_PEERPIDFD 77
#endif

#define ERROR_(name) "org.varlink.service." name

/* Stands in for the method of a call that has none, so that the call can be answered with an error. */
static const struct varlink_method no_method = { .name = "" };

static int append_piece(const char *data, size_t n, void *arg) {
        return buffer_append(arg, data, n) < 0 ? -1 : 0;
}

static int append_text(struct buffer *out, const char *text) {
        return buffer_append(out, text, strlen(text));
}

/* Appends one message, whose parameters are @parameters, or else what is in @text. @error is NULL for an answer. */
static int append_message(struct buffer *out, const char *error, const json_t *parameters, struct buffer *text,
                          bool continues) {
        const char *tail = continues ? ",\"continues\":true}" : "}";
        int r;

        r = append_text(out, error ? "{\"error\":\"" : "{\"parameters\":");
        if (r >= 0 && error) /* names of errors are literals that need no escapes */
                r = append_text(out, error);
        if (r >= 0 && error)
                r = append_text(out, "\",\"parameters\":");
        if (r >= 0)
                r = parameters ? json_dump_callback(parameters, append_piece, out, JSON_COMPACT)
                               : buffer_append(out, buffer_head(text), buffer_length(text));
        return r < 0 ? r : buffer_append(out, tail, strlen(tail) + 1);
}

static bool is_answered(const struct varlink_call *call) {
        return !call->oneway && !call->connection->ending;
}

static void sent(struct varlink_call *call, int result, bool continues) {
        if (result < 0)
                call->connection->cut_off = "out of memory";
        call->told = true;
        if (!continues)
                call->ended = true;
        varlink_connection_schedule(call->connection);
}

/* Takes @parameters. */
static void send_message(struct varlink_call *call, const char *error, json_t *parameters, bool continues) {
        int r = 0;

        if (is_answered(call))
                r = append_message(&call->connection->out, error, parameters, NULL, continues);
        json_decref(parameters);
        sent(call, r, continues);
}

static void send_text(struct varlink_call *call, struct buffer *text, bool continues) {
        int r = 0;

        if (is_answered(call))
                r = append_message(&call->connection->out, NULL, NULL, text, continues);
        sent(call, r, continues);
}

/* Ends @call by closing its connection. Returns 0. */
static int give_up(struct varlink_call *call, const char *why) {
        call->connection->cut_off = why;
        call->ended = true;
        varlink_connection_schedule(call->connection);
        return 0;
}

/* Handlers fail for want of memory above all; an interface without an error for it says nothing false. */
static int fail(struct varlink_call *call, int error) {
        const char *message = strerror(error < 0 ? -error : error);

        if (!call->interface->failed)
                return give_up(call, message);
        return varlink_error(call, call->interface->failed, json_pack("{s:s}", "message", message));
}

int varlink_reply(struct varlink_call *call, json_t *parameters) {
        if (!parameters)
                return fail(call, -ENOMEM);
        send_message(call, NULL, parameters, false);
        return 0;
}

int varlink_error(struct varlink_call *call, const char *name, json_t *parameters) {
        if (!parameters)
                parameters = json_object();
        if (!parameters)
                return give_up(call, "out of memory");
        send_message(call, name, parameters, false);
        return 0;
}

int varlink_error_parameter(struct varlink_call *call, const char *parameter) {
        return varlink_error(call, ERROR_("InvalidParameter"), json_pack("{s:s}", "parameter", parameter));
}

int varlink_stream(struct varlink_call *call, const struct varlink_stream_ops *ops, void *cursor) {
        call->ops = ops;
        call->cursor = cursor;
        if (call->oneway && !(call->method->flags & VARLINK_CHANGES)) /* nobody reads it, and that was all */
                call->ended = true;
        varlink_connection_schedule(call->connection);
        return 0;
}

void varlink_wake(struct varlink_call *call) {
        call->waiting = false;
        varlink_connection_schedule(call->connection);
}

/* What a stream has made: JSON, or text. */
struct made {
        json_t *json;
        struct buffer *text;
};

static int make_next(struct varlink_call *call, struct made *made) {
        if (!call->ops->next_text)
                return call->ops->next(call, call->cursor, &made->json);
        made->text = &call->connection->server->text;
        return call->ops->next_text(call, call->cursor, made->text);
}

/* @r is what the stream returned, not -EAGAIN. */
static void take(struct varlink_call *call, int r, struct made *made) {
        if (call->ended)
                json_decref(made->json);
        else if (r < 0 || (!made->json && !made->text))
                (void)fail(call, r < 0 ? r : -ENOMEM);
        else if (r > 0 && !call->more) {
                json_decref(made->json);
                (void)varlink_error(call, ERROR_("ExpectedMore"), NULL);
        } else if (made->text)
                send_text(call, made->text, r > 0);
        else
                send_message(call, NULL, made->json, r > 0);
}

bool varlink_call_step(struct varlink_connection *connection) {
        struct varlink_call *call = &connection->call;
        struct made made = { 0 };
        bool again;
        int r;

        if (!call->ops || call->waiting)
                return false;

        call->waiting = true; /* before the call: a wake-up from inside it must not be lost */
        r = make_next(call, &made);
        again = r != -EAGAIN || !call->waiting;
        if (r != -EAGAIN) {
                call->waiting = false;
                take(call, r, &made);
        }
        if (made.text)
                buffer_consume(made.text, buffer_length(made.text));
        return again;
}

int varlink_call_end_instead(struct varlink_connection *connection, const char *name) {
        struct buffer *out = &connection->out;
        const char *end = memchr(buffer_head(out), '\0', buffer_length(out));

        /* It may have taken some of the first message. */
        if (end)
                buffer_truncate(out, (size_t)(end - buffer_head(out)) + 1);
        varlink_call_drop(&connection->call);
        (void)varlink_error(&connection->call, name, NULL);
        return connection->cut_off ? -ENOMEM : 0;
}

void varlink_call_drop(struct varlink_call *call) {
        const struct varlink_stream_ops *ops = call->ops;
        void *cursor = call->cursor;

        *call = (struct varlink_call){ .connection = call->connection };
        if (ops)
                ops->free(cursor);
}

/* ---- from a message to its handler ---- */

/* The optional boolean member @name of the envelope, which may be null like all that is optional. */
static int get_flag(const json_t *root, const char *name, bool *ret) {
        const json_t *value = json_object_get(root, name);

        if (value && !json_is_boolean(value) && !json_is_null(value))
                return -EBADMSG;
        *ret = json_is_true(value);
        return 0;
}

/* Splits "org.example.Method" at its last dot and finds both. Returns whether there are; if not, the call is answered. */
static bool find_method(struct varlink_call *call, const char *name, void **ret_arg) {
        const struct varlink_server *server = call->connection->server;
        const char *dot = strrchr(name, '.');
        size_t n = dot ? (size_t)(dot - name) : strlen(name);

        for (size_t i = 0; i < server->n_served && dot; i++) {
                const struct varlink_interface *interface = server->served[i].interface;

                if (strlen(interface->name) != n || memcmp(interface->name, name, n) != 0)
                        continue;
                for (size_t m = 0; m < interface->n_methods; m++)
                        if (streq(interface->methods[m].name, dot + 1)) {
                                call->interface = interface;
                                call->method = &interface->methods[m];
                                *ret_arg = server->served[i].arg;
                                return true;
                        }
                (void)varlink_error(call, ERROR_("MethodNotFound"), json_pack("{s:s}", "method", name));
                return false;
        }
        (void)varlink_error(call, ERROR_("InterfaceNotFound"), json_pack("{s:s%}", "interface", name, n));
        return false;
}

int varlink_error_role(struct varlink_call *call, enum varlink_role needs) {
        const struct varlink_peer *peer = &call->connection->peer;
        const char *needed = varlink_role_to_string(needs), *has = varlink_role_to_string(peer->role);
        char why[128];

        (void)snprintf(why, sizeof(why), "%s needs the role %s, and it has %s", call->method->name, needed, has);
        varlink_log_peer(call->connection->server, peer, "denied", why);
        if (!call->interface->denied)
                return varlink_error(call, ERROR_("PermissionDenied"), NULL);
        return varlink_error(call, call->interface->denied,
                             json_pack("{s:o, s:s, s:s}", "method",
                                       json_sprintf("%s.%s", call->interface->name, call->method->name), "needs",
                                       needed, "has", has));
}

/* Checks what the table says of the method, then hands the call to it. */
static void dispatch(struct varlink_call *call, const json_t *parameters, void *arg) {
        const struct varlink_server *server = call->connection->server;
        const struct varlink_method *method = call->method;
        const char *wrong;
        int r;

        if (call->connection->peer.role < method->role) {
                (void)varlink_error_role(call, method->role);
                return;
        }
        wrong = varlink_params_check(method->fields, parameters);
        if (wrong) {
                (void)varlink_error_parameter(call, wrong);
                return;
        }
        if ((method->flags & VARLINK_MORE) && !call->more && !call->oneway) {
                (void)varlink_error(call, ERROR_("ExpectedMore"), NULL);
                return;
        }
        if (!method->handler) {
                (void)varlink_error(
                        call, ERROR_("MethodNotImplemented"),
                        json_pack("{s:o}", "method", json_sprintf("%s.%s", call->interface->name, method->name)));
                return;
        }
        if (method->flags & VARLINK_CHANGES)
                server->options.on_change(call, parameters, server->options.arg);
        r = method->handler(call, parameters, arg);
        if (r < 0 && !call->ended)
                (void)fail(call, r);
}

/* The envelope's members; others are ignored, as the protocol may grow. */
static int begin(struct varlink_call *call, const json_t *root) {
        const char *name = json_string_value(json_object_get(root, "method"));
        const json_t *parameters = json_object_get(root, "parameters");
        void *arg = NULL;

        if (!name || (parameters && !json_is_object(parameters) && !json_is_null(parameters)) ||
            get_flag(root, "more", &call->more) < 0 || get_flag(root, "oneway", &call->oneway) < 0)
                return -EBADMSG;
        if (json_is_null(parameters))
                parameters = NULL;

        call->method = &no_method;
        if (find_method(call, name, &arg))
                dispatch(call, parameters, arg);
        return 0;
}

int varlink_call_take_fd(struct varlink_call *call, json_int_t index) {
        struct varlink_fds *fds = &call->connection->fds;

        if (!(call->method->flags & VARLINK_FDS) || index < 0 || (size_t)index >= fds->n)
                return -EBADF;
        return TAKE_FD(fds->fds[index]);
}

int varlink_call_begin(struct varlink_connection *connection, const char *message, size_t length) {
        json_auto_t *root = NULL;

        connection->server->stats.calls++;
        if (!framer_is_harmless(message, length, VARLINK_DEPTH_MAX, VARLINK_VALUES_MAX))
                return -EBADMSG;
        root = json_loadb(message, length, JSON_REJECT_DUPLICATES, NULL);
        if (!root)
                return -EBADMSG;
        return begin(&connection->call, root);
}

int varlink_call_peer_pidfd(const struct varlink_call *call) {
        socklen_t length = sizeof(int);
        int fd;

        return getsockopt(call->connection->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &length) < 0 ? -errno : fd;
}

const struct varlink_peer *varlink_call_peer(const struct varlink_call *call) {
        return &call->connection->peer;
}

int varlink_call_groups(const struct varlink_call *call, gid_t **ret, size_t *ret_n) {
        return varlink_peer_groups(call->connection->fd, ret, ret_n);
}

const char *varlink_call_method(const struct varlink_call *call) {
        return call->method->name;
}

const struct varlink_field *varlink_call_fields(const struct varlink_call *call) {
        return call->method->fields;
}

bool varlink_call_more(const struct varlink_call *call) {
        return call->more;
}
