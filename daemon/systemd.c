/* SPDX-License-Identifier: MIT */
/* systemd: see systemd.h.
 *
 * sd_notify(3) waits for as long as the manager reads nothing, and the loop would with it. So messages go through a socket
 * of our own that does not block. A ping that finds no room is left out: there are two for each WatchdogSec=.
 */
#include "systemd.h"

#include "base/log.h"

#ifdef HAVE_LIBSYSTEMD
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#define PHASE_WITHIN_MSEC  1000
#define STEP_OF_START_USEC (5 * USEC_PER_MINUTE)

bool systemd_listens(void) {
        return getenv("NOTIFY_SOCKET") != NULL;
}

/* Returns a socket connected to the manager's, or -errno; -ENOTCONN: nobody listens. */
static int connect_manager(void) {
        _cleanup_(closep) int fd = -EBADF;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *path = getenv("NOTIFY_SOCKET");
        size_t n = path ? strlen(path) : 0;

        if (n == 0 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
                return -ENOTCONN;
        memcpy(address.sun_path, path, n);
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        n += path[0] == '/'; /* its end belongs to the name of a file, but not to an abstract one */
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 ||
            connect(fd, (const struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Returns 0 or -errno; -EAGAIN: it takes nothing for longer than @wait_msec. */
static int notify(const char *message, int wait_msec) {
        _cleanup_(closep) int fd = connect_manager();
        struct pollfd pollfd = { .fd = fd, .events = POLLOUT };

        if (fd < 0)
                return fd;
        if (send(fd, message, strlen(message), MSG_NOSIGNAL) >= 0)
                return 0;
        if (errno != EAGAIN || wait_msec == 0 || poll(&pollfd, 1, wait_msec) <= 0)
                return -errno;
        return send(fd, message, strlen(message), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static const char *const states[_RUNNER_PHASE_MAX] = {
        [RUNNER_RUNNING] = "READY=1\nSTATUS=running",
        [RUNNER_FINISHING] =
                "READY=1\nSTATUS=finishing", /* STOPPING=1 would begin TimeoutStopSec=; a reload may be cut short */
        [RUNNER_DRAINING] = "STOPPING=1\nSTATUS=draining",
        [RUNNER_STOPPING] = "STOPPING=1\nSTATUS=stopping",
        [RUNNER_STOPPED] = "STOPPING=1",
};

void systemd_notify_phase(enum runner_phase phase) {
        char reloading[100];
        const char *message = states[phase];
        int r;

        if (phase == RUNNER_RELOADING) { /* see sd_notify(3) */
                (void)snprintf(reloading, sizeof(reloading), "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
                               (unsigned long long)clock_now(CLOCK_ID_MONOTONIC));
                message = reloading;
        }
        r = message ? notify(message, PHASE_WITHIN_MSEC) : 0;
        if (r < 0 && r != -ENOTCONN)
                log_warning("the service manager was not told that the daemon is %s: %s", runner_phase_to_string(phase),
                            strerror(-r));
}

int systemd_notify_status(const char *text) {
        char message[600];

        (void)snprintf(message, sizeof(message), "STATUS=%s", text);
        return notify(message, 0);
}

void systemd_extend_timeout(usec_t usec) {
        char message[64];

        (void)snprintf(message, sizeof(message), "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)usec);
        (void)notify(message, 0);
}

void systemd_notify_starting(const char *step) {
        char message[200];

        (void)snprintf(message, sizeof(message), "STATUS=starting: %s\nEXTEND_TIMEOUT_USEC=%llu", step,
                       (unsigned long long)STEP_OF_START_USEC);
        (void)notify(message, 0);
}

static void on_ping(struct loop_timer *timer, void *arg) {
        const struct systemd_watchdog *watchdog = arg;

        (void)notify("WATCHDOG=1", 0);
        loop_timer_set(timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), watchdog->period_usec));
}

int systemd_watchdog_init(struct systemd_watchdog *watchdog, struct loop *loop) {
        uint64_t timeout_usec;
        int r;

        if (sd_watchdog_enabled(0, &timeout_usec) <= 0)
                return 0;
        /* Half of it is what sd_watchdog_enabled(3) recommends. */
        watchdog->period_usec = timeout_usec / 2;
        r = loop_timer_init(&watchdog->timer, loop, CLOCK_ID_MONOTONIC, "systemd-watchdog", on_ping, watchdog);
        if (r < 0)
                return r;
        loop_timer_set(&watchdog->timer, 0);
        return 0;
}

int systemd_take_socket(void) {
        int n = sd_listen_fds(1), fd = SD_LISTEN_FDS_START, flags;

        if (n < 0)
                return n;
        if (n == 0)
                return -ENOENT;
        if (n > 1 || sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0) {
                for (; n > 0; n--, fd++)
                        (void)close(fd);
                return -EINVAL;
        }
        flags = fcntl(fd, F_GETFL);
        return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : fd;
}
#else
bool systemd_listens(void) {
        return false;
}

void systemd_notify_phase(enum runner_phase phase _unused_) {
}

int systemd_notify_status(const char *text _unused_) {
        return 0;
}

void systemd_extend_timeout(usec_t usec _unused_) {
}

void systemd_notify_starting(const char *step _unused_) {
}

int systemd_watchdog_init(struct systemd_watchdog *watchdog _unused_, struct loop *loop _unused_) {
        return 0;
}

int systemd_take_socket(void) {
        return -ENOENT;
}
#endif

void systemd_watchdog_done(struct systemd_watchdog *watchdog) {
        loop_timer_done(&watchdog->timer);
}
