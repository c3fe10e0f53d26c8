/* SPDX-License-Identifier: MIT */
/* verb_notify: says how a run does on its notify socket, for scripts, as sd_notify(3) does for programs.
 *
 * A script goes on, and may end, as soon as this returns: so it waits until the message was read. A second message
 * carries the end of a pipe, which the reader closes when it comes to it (sd_notify_barrier(3)).
 */
#include "base/text.h"
#include "tendctl/verb.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#define MESSAGE_MAX  4096 /* a longer one is not read */
#define PATIENCE_SEC 5

/* ---- the message ---- */

static int add_status(FILE *out, const char *text) {
        if (strchr(text, '\n'))
                return ctl_error(CTL_USAGE, "--status takes one line");
        (void)fprintf(out, "STATUS=%s\n", text);
        return CTL_OK;
}

static int add_progress(FILE *out, const char *text) {
        const char *slash = strchr(text, '/');
        char done[24];
        uint64_t a, b;

        if (slash)
                (void)snprintf(done, sizeof(done), "%.*s", (int)MIN(slash - text, 23), text);
        if (!slash || text_parse_uint(done, 0, UINT64_MAX, &a) < 0 || text_parse_uint(slash + 1, 0, UINT64_MAX, &b) < 0)
                return ctl_error(CTL_USAGE, "--progress %s: is not understood (DONE/TOTAL, two numbers)", text);
        (void)fprintf(out, "X_TENDD_PROGRESS=%" PRIu64 "/%" PRIu64 "\n", a, b);
        return CTL_OK;
}

static int add_extend(FILE *out, const char *text) {
        usec_t usec;

        if (text_parse_usec(text, &usec) < 0 || usec == 0 || usec == USEC_INFINITY)
                return ctl_error(CTL_USAGE, "--extend %s: is not understood (a duration, as 30s or 1h 30min)", text);
        (void)fprintf(out, "EXTEND_TIMEOUT_USEC=%" PRIu64 "\n", usec);
        return CTL_OK;
}

static int write_message(FILE *out, const char *const *options) {
        int code = CTL_OK;

        if (options[NOTIFY_READY])
                (void)fprintf(out, "READY=1\n");
        if (options[NOTIFY_STOPPING])
                (void)fprintf(out, "STOPPING=1\n");
        if (options[NOTIFY_WATCHDOG])
                (void)fprintf(out, "WATCHDOG=1\n");
        if (options[NOTIFY_STATUS])
                code = add_status(out, options[NOTIFY_STATUS]);
        if (code == CTL_OK && options[NOTIFY_PROGRESS])
                code = add_progress(out, options[NOTIFY_PROGRESS]);
        if (code == CTL_OK && options[NOTIFY_EXTEND])
                code = add_extend(out, options[NOTIFY_EXTEND]);
        return code;
}

/* ---- the socket ---- */

static int find_socket(struct sockaddr_un *ret, socklen_t *ret_length) {
        const char *path = getenv("NOTIFY_SOCKET");
        size_t n = path ? strlen(path) : 0;

        if (n == 0)
                return ctl_error(CTL_NO_DAEMON, "NOTIFY_SOCKET is not set: this is only for what tendd runs");
        if ((*path != '/' && *path != '@') || n < 2 || n >= sizeof(ret->sun_path))
                return ctl_error(CTL_NO_DAEMON, "NOTIFY_SOCKET=%s: cannot be the name of a socket", path);
        *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
        memcpy(ret->sun_path, path, n);
        *ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + (*path == '/'));
        if (*path == '@')
                ret->sun_path[0] = '\0'; /* abstract */
        return CTL_OK;
}

static int connect_socket(int *ret) {
        const struct timeval patience = { .tv_sec = PATIENCE_SEC };
        _cleanup_(closep) int fd = -EBADF;
        struct sockaddr_un address;
        socklen_t length = 0;
        int code;

        code = find_socket(&address, &length);
        if (code != CTL_OK)
                return code;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
                return ctl_error(CTL_FAILED, "cannot make a socket: %s", strerror(errno));
        if (connect(fd, (struct sockaddr *)&address, length) < 0)
                return ctl_error(CTL_NO_DAEMON, "nobody listens on NOTIFY_SOCKET=%s: %s", getenv("NOTIFY_SOCKET"),
                                 strerror(errno));
        *ret = TAKE_FD(fd);
        return CTL_OK;
}

/* With the descriptor @passed unless it is negative. */
static int send_message(int fd, const char *text, size_t n, int passed) {
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = { 0 };
        struct iovec iov = { .iov_base = (void *)text, .iov_len = n };
        struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

        if (passed >= 0) {
                message.msg_control = &control;
                message.msg_controllen = sizeof(control);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
        }
        if (sendmsg(fd, &message, MSG_NOSIGNAL) >= 0)
                return CTL_OK;
        if (errno == ECONNREFUSED)
                return ctl_error(CTL_NO_DAEMON, "nobody listens on NOTIFY_SOCKET any more");
        return ctl_error(CTL_FAILED, "cannot send: %s", errno == EAGAIN ? "nobody reads" : strerror(errno));
}

static int await_reader(int fd) {
        static const char barrier[] = "BARRIER=1";
        struct pollfd end = { .fd = -EBADF };
        int pair[2], code, r;

        if (pipe2(pair, O_CLOEXEC) < 0)
                return ctl_error(CTL_FAILED, "cannot make a pipe: %s", strerror(errno));
        code = send_message(fd, barrier, strlen(barrier), pair[1]);
        (void)close(pair[1]);
        end.fd = pair[0];
        r = code == CTL_OK ? poll(&end, 1, PATIENCE_SEC * 1000) : 1;
        (void)close(pair[0]);
        return r > 0 ? code : ctl_error(CTL_FAILED, "the message was sent, but not read within %ds", PATIENCE_SEC);
}

int verb_notify(struct ctl *ctl _unused_, const struct verb_args *args) {
        _cleanup_(closep) int fd = -EBADF;
        _cleanup_(freep) char *text = NULL;
        size_t n = 0;
        FILE *out;
        int code;

        out = open_memstream(&text, &n);
        if (!out)
                return ctl_error(CTL_FAILED, "out of memory");
        code = write_message(out, args->options);
        if (fclose(out) != 0)
                return ctl_error(CTL_FAILED, "out of memory");
        if (code == CTL_OK && n == 0)
                code = ctl_error(CTL_USAGE, "notify needs an option that says what: see tendctl notify --help");
        if (code == CTL_OK && n > MESSAGE_MAX)
                code = ctl_error(CTL_USAGE, "--status is too long");
        if (code == CTL_OK)
                code = connect_socket(&fd);
        if (code == CTL_OK)
                code = send_message(fd, text, n, -1);
        return code == CTL_OK ? await_reader(fd) : code;
}
