/* SPDX-License-Identifier: MIT */
/* client: a blocking Varlink client, see client.h.
 *
 * Bytes are read as they come, perhaps more than one answer at a time; an answer that was returned is dropped from the
 * front of the buffer by the next call.
 */
#include "tendctl/client.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#define READ_SIZE ((size_t)(64 * 1024))

struct client {
        int fd;
        char *data; /* bytes read and not yet taken */
        size_t n;
        size_t allocated;
        size_t taken;        /* of the message that was returned last */
        client_wait_fn wait; /* NULL: poll() alone */
        void *wait_arg;
        int fds[CLIENT_FDS_MAX]; /* for the next call */
        size_t n_fds;
};

int client_connect(const char *path, struct client **ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(client_freep) struct client *client = NULL;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);

        client = calloc(1, sizeof(*client));
        if (!client)
                return -ENOMEM;
        client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client->fd < 0 || connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        *ret = TAKE_PTR(client);
        return 0;
}

struct client *client_free(struct client *client) {
        if (!client)
                return NULL;
        if (client->fd >= 0)
                (void)close(client->fd);
        free(client->data);
        free(client);
        return NULL;
}

int client_peer(const struct client *client, uid_t *ret_uid, pid_t *ret_pid) {
        struct ucred ucred;
        socklen_t length = sizeof(ucred);

        if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &ucred, &length) < 0)
                return -errno;
        *ret_uid = ucred.uid;
        if (ret_pid)
                *ret_pid = ucred.pid;
        return 0;
}

int client_fd(const struct client *client) {
        return client->fd;
}

void client_give(struct client *client, const int *fds, size_t n) {
        client->n_fds = MIN(n, (size_t)CLIENT_FDS_MAX);
        memcpy(client->fds, fds, client->n_fds * sizeof(int));
}

void client_set_wait(struct client *client, client_wait_fn wait, void *arg) {
        client->wait = wait;
        client->wait_arg = arg;
}

/* Sends some of @data, and before it the descriptors that were given. */
static ssize_t send_some(struct client *client, const char *data, size_t n) {
        union {
                struct cmsghdr header; /* for its alignment */
                char bytes[CMSG_SPACE(CLIENT_FDS_MAX * sizeof(int))];
        } room = { 0 };
        struct iovec iov = { .iov_base = (char *)data, .iov_len = n };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t sent;

        if (client->n_fds > 0) {
                message.msg_control = &room;
                message.msg_controllen = CMSG_SPACE(client->n_fds * sizeof(int));
                room.header = (struct cmsghdr){
                        .cmsg_level = SOL_SOCKET,
                        .cmsg_type = SCM_RIGHTS,
                        .cmsg_len = CMSG_LEN(client->n_fds * sizeof(int)),
                };
                memcpy(CMSG_DATA(&room.header), client->fds, client->n_fds * sizeof(int));
        }
        sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);
        if (sent > 0)
                client->n_fds = 0;
        return sent;
}

int client_send(struct client *client, const char *method, json_t *parameters, bool more) {
        json_auto_t *call = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t length, sent = 0;

        if (!parameters)
                return -ENOMEM;
        call = json_pack("{s:s, s:o, s:b}", "method", method, "parameters", parameters, "more", (int)more);
        text = call ? json_dumps(call, JSON_COMPACT) : NULL;
        if (!text)
                return -ENOMEM;
        length = strlen(text) + 1;
        while (sent < length) {
                ssize_t n = send_some(client, text + sent, length - sent);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                sent += (size_t)n;
        }
        return 0;
}

void client_answer_done(struct client_answer *answer) {
        json_decref(answer->message);
        *answer = (struct client_answer){ 0 };
}

static int wait_readable(const struct client *client, usec_t timeout_usec) {
        struct pollfd pollfd = { .fd = client->fd, .events = POLLIN };
        int timeout = timeout_usec == USEC_INFINITY ? -1 : (int)MIN(timeout_usec / USEC_PER_MSEC, (usec_t)INT32_MAX);
        int r;

        if (client->wait)
                return client->wait(client->fd, client->wait_arg);
        do
                r = poll(&pollfd, 1, timeout);
        while (r < 0 && errno == EINTR);
        return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

/* Reads some more bytes. */
static int fill(struct client *client, usec_t timeout_usec) {
        ssize_t n;
        int r;

        if (client->allocated - client->n < READ_SIZE) {
                size_t allocated = MAX(client->allocated * 2, client->n + READ_SIZE);
                char *data = realloc(client->data, allocated);

                if (!data)
                        return -ENOMEM;
                client->data = data;
                client->allocated = allocated;
        }
        r = wait_readable(client, timeout_usec);
        if (r < 0)
                return r;
        n = recv(client->fd, client->data + client->n, client->allocated - client->n, 0);
        if (n < 0)
                return errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET;
        client->n += (size_t)n;
        return 0;
}

static int parse(const char *text, size_t length, struct client_answer *ret) {
        json_auto_t *message = json_loadb(text, length, 0, NULL);
        const json_t *error = json_object_get(message, "error");
        const json_t *parameters = json_object_get(message, "parameters");

        if (!json_is_object(message) || (error && !json_is_string(error)) || !json_is_object(parameters))
                return -EPROTO;
        *ret = (struct client_answer){
                .error = json_string_value(error),
                .parameters = parameters,
                .continues = json_is_true(json_object_get(message, "continues")),
        };
        ret->message = TAKE_PTR(message);
        return 0;
}

int client_receive(struct client *client, usec_t timeout_usec, struct client_answer *ret) {
        size_t scanned = 0;
        char *end;

        client->n -= client->taken;
        if (client->taken > 0)
                memmove(client->data, client->data + client->taken, client->n);
        client->taken = 0;
        while (!(end = client->n > scanned ? memchr(client->data + scanned, '\0', client->n - scanned) : NULL)) {
                int r;

                scanned = client->n;
                r = fill(client, timeout_usec);
                if (r < 0)
                        return r;
        }
        client->taken = (size_t)(end - client->data) + 1;
        return parse(client->data, client->taken - 1, ret);
}
