/* SPDX-License-Identifier: MIT */
/* service: what the services row starts by the thousand.
 *
 * It says that it is up by one byte into a FIFO, and holds that open as long as it lives, so that its reader sees when
 * the last one is gone. No supervisor has to be asked, which would disturb it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char *argv[]) {
        int fd = argc == 2 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;

        if (fd < 0 || write(fd, "u", 1) != 1) {
                fprintf(stderr, "usage: %s FIFO\n", argv[0]);
                return 2;
        }
        for (;;)
                (void)pause();
}
