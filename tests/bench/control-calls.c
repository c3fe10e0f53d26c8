/* SPDX-License-Identifier: MIT */
/* control-calls: Varlink calls on one connection, each sent when the answer to the one before has come. */
#include "base/macros.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

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

/* Reads one answer, up to its NUL. Returns 1 when it is an error of the protocol, 0 when not. */
static int read_answer(int fd, char *buf, size_t size) {
        size_t have = 0;

        do {
                ssize_t n = have < size ? read(fd, buf + have, size - have) : -1;

                if (n <= 0)
                        return -EIO;
                have += (size_t)n;
        } while (buf[have - 1] != '\0');
        return strstr(buf, "\"error\"") != NULL;
}

static double now(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char *argv[]) {
        static char answer[1 << 20];
        _cleanup_(closep) int fd = -EBADF;
        char call[512];
        long total, failed = 0;
        size_t n;
        double start;

        if (argc != 4) {
                fprintf(stderr, "usage: %s SOCKET METHOD TOTAL\n", argv[0]);
                return 2;
        }
        fd = connect_to(argv[1]);
        if (fd < 0) {
                fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-fd));
                return 1;
        }
        n = (size_t)snprintf(call, sizeof(call), "{\"method\":\"%s\"}", argv[2]) + 1;
        total = strtol(argv[3], NULL, 10);

        start = now();
        for (long i = 0; i < total; i++) {
                int r;

                if (n > sizeof(call) || write(fd, call, n) != (ssize_t)n)
                        return 1;
                r = read_answer(fd, answer, sizeof(answer));
                if (r < 0)
                        return 1;
                failed += r;
        }
        printf("{\"seconds\": %.6f, \"done\": %ld, \"failed\": %ld}\n", now() - start, total - failed, failed);
        return failed > 0;
}
