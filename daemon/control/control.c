/* SPDX-License-Identifier: MIT */
/* control: who may ask, and where events go, see control.h. */
#include "control/control.h"

#include "control/access.h"
#include "control/methods.h"
#include "control/socket_mode.h"
#include "loop/child_files.h"

#include <stdio.h>

/* How much of the parameters of a command is told. */
#define TOLD_PARAMETERS_MAX ((size_t)500)

static const struct access_section *access_of(const struct control *control) {
        return &live_config(control->live)->access;
}

static enum varlink_role role_of(const struct varlink_peer *peer, const gid_t *groups, size_t n_groups, void *arg) {
        return access_role(access_of(arg), geteuid(), peer, groups, n_groups);
}

/* What is told of a command, which may be much longer: no more of it is written out. */
struct told {
        char text[TOLD_PARAMETERS_MAX + sizeof("…")];
        size_t n;
};

static int append_told(const char *data, size_t n, void *arg) {
        struct told *told = arg;
        size_t room = TOLD_PARAMETERS_MAX - told->n;

        memcpy(told->text + told->n, data, MIN(n, room));
        told->n += MIN(n, room);
        if (n <= room)
                return 0;
        while (told->n > 0 && (told->text[told->n - 1] & 0xc0) == 0x80) /* no part of a character */
                told->n--;
        told->n -= told->n > 0;
        memcpy(told->text + told->n, "…", strlen("…"));
        told->n += strlen("…");
        return -1;
}

/* In the order of the table, which begins with what counts: what is cut off is not for the caller to choose. */
static json_t *parameters_to_tell(const struct varlink_call *call, const json_t *parameters) {
        json_t *told = json_object();

        for (const struct varlink_field *field = varlink_call_fields(call); field && field->name; field++) {
                json_t *value = json_object_get(parameters, field->name);

                if (value && !streq(field->name, "env")) /* there are secrets in environments */
                        (void)json_object_set(told, field->name, value);
        }
        return told;
}

static void on_change(const struct varlink_call *call, const json_t *parameters, void *arg) {
        struct control *control = arg;
        json_auto_t *json = parameters_to_tell(call, parameters);
        char by[BY_MAX], text[BY_MAX + sizeof(struct told) + 64];
        struct told told = { 0 };

        (void)json_dump_callback(json, append_told, &told, JSON_COMPACT);
        (void)snprintf(text, sizeof(text), "%s by %s: %s", varlink_call_method(call), call_by(call, by), told.text);
        live_emit(control->live, &(const struct event){ .id = EVENT_COMMAND, .text = text });
}

static void close_fds(const int *fds, size_t n, void *arg) {
        const struct control *control = arg;

        child_files_close(live_spawner(control->live), fds, n);
}

static void on_event(const struct event *event, void *arg) {
        struct control *control = arg;

        events_add(control->events, event);
        wait_on_event(control, event);
        wait_state_on_event(control, event);
        restart_on_event(control, event);
}

int control_new(const struct control_options *options, struct control **ret) {
        _cleanup_(control_freep) struct control *control = calloc(1, sizeof(*control));
        const struct varlink_options server = {
                .vendor = "tendd",
                .product = "tendd",
                .version = PACKAGE_VERSION,
                .url = "",
                .role_of = role_of,
                .on_change = on_change,
                .close_fds = close_fds,
                .arg = control,
                .too_slow = ERROR_RUNNER("TooSlow"),
        };
        int r;

        if (!control)
                return -ENOMEM;
        control->options = *options;
        control->live = options->live;
        control->started_usec = clock_now(CLOCK_ID_MONOTONIC);
        list_init(&control->waiters);
        list_init(&control->state_waits);
        list_init(&control->restarts);

        r = events_new(live_loop(control->live), &control->events);
        if (r < 0)
                return r;
        r = varlink_server_new(live_loop(control->live), &server, &control->server);
        if (r < 0)
                return r;
        r = varlink_server_add_interface(control->server, &runner_interface, control);
        if (r < 0)
                return r;
#ifdef ENABLE_DEBUG_HOOKS
        r = varlink_server_add_interface(control->server, &debug_interface, control);
        if (r < 0)
                return r;
#endif
        r = live_observe(control->live, on_event, control, &control->observer);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(control);
        return 0;
}

struct control *control_free(struct control *control) {
        if (!control)
                return NULL;
        if (control->observer)
                live_unobserve(control->observer);
        if (control->server && control->events) { /* the last that happened was that the daemon ends */
                events_wake(control->events);
                wait_no_longer(control);
                varlink_server_flush(control->server);
        }
        /* Before the events: its streams follow them. */
        varlink_server_free(control->server);
        events_free(control->events);
        socket_mode_free(control->socket_mode);
        free(control);
        return NULL;
}

bool control_owes_ends(const struct control *control) {
        return wait_owes_ends(control);
}

int control_listen(struct control *control, const char *path, gid_t gid, pid_t *ret_pid) {
        int r;

        r = socket_mode_new(live_loop(control->live), path, &control->socket_mode);
        if (r < 0)
                return r;
        control->others = access_names_others(access_of(control), geteuid());
        r = varlink_server_listen(control->server, path, socket_mode_of(control->others), gid, ret_pid);
        if (r == 0 && control->others) /* once more, to find what is in their way */
                socket_mode_set(control->socket_mode, true);
        return r;
}

void control_access_changed(struct control *control) {
        bool others = access_names_others(access_of(control), geteuid());

        varlink_server_review_roles(control->server);
        if (control->socket_mode && others != control->others)
                socket_mode_set(control->socket_mode, others);
        control->others = others;
}

void control_get_stats(const struct control *control, struct varlink_stats *ret) {
        varlink_server_get_stats(control->server, ret);
}

int control_listen_fd(struct control *control, int fd) {
        return varlink_server_listen_fd(control->server, fd);
}
