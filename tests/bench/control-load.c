/* SPDX-License-Identifier: MIT */
/* control-load: clients of the control socket, as fast as a client can be, so that it is the daemon that is measured.
 *
 * calls: so many calls on one connection, at most WINDOW of them without an answer; 1 is ping-pong.
 * stream: one call with `more`, to its last answer.
 * follow: so many clients that follow the events for so many seconds, each on a connection of its own.
 */
#include "base/macros.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define READ_SIZE ((size_t)(1 << 20))

static int connect_to(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _cleanup_(closep) int fd = -EBADF;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int send_all(int fd, const char *data, size_t n) {
        while (n > 0) {
                ssize_t sent = write(fd, data, n);

                if (sent <= 0)
                        return -EIO;
                data += sent;
                n -= (size_t)sent;
        }
        return 0;
}

/* What was read of answers, and what is known of them. */
struct answers {
        char *data; /* READ_SIZE bytes and a NUL */
        size_t n;   /* of an answer that does not end yet */
        long done;
        long errors;
        long continued; /* with more to follow */
        size_t bytes;
};

static void take(struct answers *answers, const char *answer, size_t length) {
        static const char continues[] = "\"continues\":true}";
        size_t tail = sizeof(continues) - 1;

        answers->done++;
        answers->errors += strncmp(answer, "{\"error\"", 8) == 0;
        answers->continued += length >= tail && memcmp(answer + length - tail, continues, tail) == 0;
}

/* Reads once, and takes the answers that end. */
static int receive(int fd, struct answers *answers) {
        ssize_t n = read(fd, answers->data + answers->n, READ_SIZE - answers->n);
        char *from = answers->data, *end;

        if (n <= 0)
                return -EIO; /* also an answer that is larger than there is room for */
        answers->bytes += (size_t)n;
        n += (ssize_t)answers->n;
        while ((end = memchr(from, '\0', (size_t)(answers->data + n - from)))) {
                take(answers, from, (size_t)(end - from));
                from = end + 1;
        }
        answers->n = (size_t)(answers->data + n - from);
        memmove(answers->data, from, answers->n);
        return 0;
}

/* Calls that may be sent at once, in one write. */
#define WINDOW_MAX 1000

static int calls(int fd, const char *method, long total, long window) {
        static char batch[WINDOW_MAX * 256];
        struct answers answers = { .data = malloc(READ_SIZE) };
        long sent = 0;
        double start = now();

        while (answers.data && answers.done < total) {
                long n = MIN(total - sent, window - (sent - answers.done));
                size_t length = 0;

                for (long i = 0; i < n; i++)
                        length += (size_t)snprintf(batch + length, sizeof(batch) - length, "{\"method\":\"%.200s\"}",
                                                   method) +
                                  1;
                if (send_all(fd, batch, length) < 0 || receive(fd, &answers) < 0)
                        break;
                sent += n;
        }
        printf("{\"seconds\": %.6f, \"done\": %ld, \"failed\": %ld}\n", now() - start, answers.done - answers.errors,
               answers.errors);
        free(answers.data);
        return answers.done < total || answers.errors > 0;
}

static int stream(int fd, const char *method) {
        struct answers answers = { .data = malloc(READ_SIZE) };
        char call[256];
        int n = snprintf(call, sizeof(call), "{\"method\":\"%.200s\",\"more\":true}", method);
        double start = now();
        int r = answers.data ? send_all(fd, call, (size_t)n + 1) : -ENOMEM;

        while (r >= 0 && answers.continued == answers.done)
                r = receive(fd, &answers);
        printf("{\"seconds\": %.6f, \"done\": %ld, \"failed\": %ld, \"bytes\": %zu}\n", now() - start, answers.done,
               answers.errors, answers.bytes);
        free(answers.data);
        return r < 0 || answers.errors > 0;
}

/* @fds has room for @n. */
static int follow_all(const char *path, struct pollfd *fds, struct answers *answers, long n) {
        static const char call[] = "{\"method\":\"io.tendd.Runner.Events\",\"more\":true}";

        for (long i = 0; i < n; i++) {
                fds[i] = (struct pollfd){ .fd = connect_to(path), .events = POLLIN };
                answers[i].data = malloc(READ_SIZE / 16);
                if (fds[i].fd < 0 || !answers[i].data || send_all(fds[i].fd, call, sizeof(call)) < 0)
                        return -EIO;
        }
        return 0;
}

/* Tells how many messages each of them got at least and at most: the daemon may put several events into one. */
static int follow(const char *path, long n, double seconds) {
        struct pollfd *fds = calloc((size_t)n, sizeof(*fds));
        struct answers *answers = calloc((size_t)n, sizeof(*answers));
        long least = INT64_MAX, most = 0, failed = 0;
        double end = now() + seconds;

        if (!fds || !answers || follow_all(path, fds, answers, n) < 0)
                return 1;
        while (now() < end && poll(fds, (nfds_t)n, 100) >= 0)
                for (long i = 0; i < n; i++)
                        if (fds[i].revents && receive(fds[i].fd, &answers[i]) < 0) {
                                fds[i].fd = -fds[i].fd;
                                failed++;
                        }
        for (long i = 0; i < n; i++) {
                least = MIN(least, answers[i].done);
                most = MAX(most, answers[i].done);
                failed += answers[i].errors;
        }
        printf("{\"done\": %ld, \"failed\": %ld, \"least\": %ld, \"most\": %ld}\n", n - failed, failed, least, most);
        return failed > 0;
}

int main(int argc, char *argv[]) {
        const char *what = argc > 3 ? argv[1] : "";
        int fd;

        (void)signal(SIGPIPE, SIG_IGN); /* a daemon that hangs up is told of */
        if (streq(what, "follow") && argc == 5)
                return follow(argv[2], MAX(strtol(argv[3], NULL, 10), 1L), strtod(argv[4], NULL));
        if (!(streq(what, "calls") && argc == 6) && !(streq(what, "stream") && argc == 4)) {
                fprintf(stderr,
                        "usage: %s calls SOCKET METHOD TOTAL WINDOW | stream SOCKET METHOD | "
                        "follow SOCKET CLIENTS SECONDS\n",
                        argv[0]);
                return 2;
        }
        fd = connect_to(argv[2]);
        if (fd < 0) {
                fprintf(stderr, "%s: %s: %s\n", argv[0], argv[2], strerror(-fd));
                return 1;
        }
        if (streq(what, "stream"))
                return stream(fd, argv[3]);
        return calls(fd, argv[3], strtol(argv[4], NULL, 10), MIN(MAX(strtol(argv[5], NULL, 10), 1L), WINDOW_MAX));
}
