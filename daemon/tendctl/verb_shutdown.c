/* SPDX-License-Identifier: MIT */
/* verb_shutdown: ends the daemon, and waits until it is gone.
 *
 * It is gone when its process is; the control socket closes a little earlier. The pid that it tells is one of its own
 * namespace, so it is trusted only when the kernel names the same process as the other end of the connection, or the
 * service manager, which may have made the socket. Else the end of the connection has to do.
 */
#include "base/macros.h"
#include "tendctl/client.h"
#include "tendctl/print.h"
#include "tendctl/verb.h"

#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>

#define FIRST_LOOK_MSEC  2000
#define LOOK_AGAIN_MSEC  10000
#define ANSWERS_WITHIN   (5 * USEC_PER_SEC)
#define WAITED_NAMES_MAX 512

/* "backup#41, etl#88/load": what it waits for. */
static void list_names(const json_t *names, char buf[WAITED_NAMES_MAX]) {
        size_t index, used = 0;
        json_t *name;

        buf[0] = '\0';
        json_array_foreach((json_t *)names, index, name) {
                used += (size_t)snprintf(buf + used, WAITED_NAMES_MAX - used, "%s%s", index > 0 ? ", " : "",
                                         json_string_value(name));
                if (used >= WAITED_NAMES_MAX)
                        return;
        }
}

/* Says what it waits for, if that is something else than @said. Returns 0, or -errno when it answers no more. */
static int look(struct client *client, char said[WAITED_NAMES_MAX]) {
        struct client_answer answer;
        char names[WAITED_NAMES_MAX];
        const json_t *ending;
        int r;

        r = client_send(client, "io.tendd.Runner.Status", json_object(), false);
        if (r >= 0)
                r = client_receive(client, ANSWERS_WITHIN, &answer);
        if (r < 0)
                return r;
        ending = json_object_get(answer.parameters, "ending");
        list_names(json_object_get(ending, "waits_for"), names);
        if (*names && !streq(names, said)) {
                fprintf(stderr, "%s: waiting for %s\n", get_string(answer.parameters, "phase"), names);
                memcpy(said, names, sizeof(names));
        }
        client_answer_done(&answer);
        return 0;
}

/* Until the process @pidfd has ended (-EBADF: not known), or else until the connection has. */
static int wait_until_gone(struct client *client, int pidfd) {
        struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN },
                                 { .fd = client_fd(client), .events = POLLIN | POLLRDHUP } };
        char said[WAITED_NAMES_MAX] = "";
        int timeout = FIRST_LOOK_MSEC;

        for (;;) {
                int r = poll(fds, ARRAY_SIZE(fds), timeout);

                if (r < 0 && errno != EINTR)
                        return ctl_error(CTL_FAILED, "cannot wait: %s", strerror(errno));
                if (r < 0)
                        continue;
                if (fds[0].revents)
                        return CTL_OK;
                if (fds[1].revents || (r == 0 && look(client, said) < 0)) {
                        if (pidfd < 0)
                                return CTL_OK;
                        fds[1].fd = -1; /* it closes what it has open */
                        timeout = -1;
                        continue;
                }
                timeout = LOOK_AGAIN_MSEC;
        }
}

static int open_process(const struct client *client, pid_t pid) {
        pid_t peer;
        uid_t uid;

        if (client_peer(client, &uid, &peer) < 0 || (peer != pid && peer != 1))
                return -EBADF;
        return pidfd_open(pid, 0);
}

int verb_shutdown(struct ctl *ctl, const struct verb_args *args) {
        bool now = args->options[SHUTDOWN_NOW] != NULL, when_idle = args->options[SHUTDOWN_WHEN_IDLE] != NULL;
        _cleanup_(closep) int pidfd = -EBADF;
        json_t *answer;
        int code;

        if (now && when_idle)
                return ctl_error(CTL_USAGE, "--now and --when-idle exclude each other");
        code = ctl_ask(ctl, "Shutdown", json_pack("{s:b, s:b}", "now", (int)now, "when_idle", (int)when_idle), &answer);
        if (code != CTL_OK)
                return code;
        pidfd = open_process(ctl->client, (pid_t)get_int(answer, "pid"));
        if (ctl->json)
                (void)print_json(answer);
        else
                json_decref(answer);
        if (args->options[SHUTDOWN_NO_WAIT])
                return CTL_OK;
        (void)fflush(stdout);
        return wait_until_gone(ctl->client, pidfd);
}
