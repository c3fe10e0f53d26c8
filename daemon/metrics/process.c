/* SPDX-License-Identifier: MIT */
/* process: reads what /proc and getrusage(2) say. */
#include "metrics/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#define FDS_A_STEP 500

static usec_t timeval_usec(struct timeval tv) {
        return (usec_t)tv.tv_sec * USEC_PER_SEC + (usec_t)tv.tv_usec;
}

static void read_memory(struct process_usage *usage) {
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size, resident;
        char buf[128];
        ssize_t n;

        if (fd < 0)
                return;
        n = read(fd, buf, sizeof(buf) - 1);
        (void)close(fd);
        if (n <= 0)
                return;
        buf[n] = '\0';
        if (sscanf(buf, "%" SCNu64 " %" SCNu64, &size, &resident) == 2) {
                usage->virtual_bytes = size * page;
                usage->resident_bytes = resident * page;
        }
}

void process_get_usage(struct process_usage *ret) {
        struct process_usage usage = { .max_fds = UINT64_MAX };
        struct rusage rusage;
        struct rlimit limit;

        if (getrusage(RUSAGE_SELF, &rusage) >= 0)
                usage.cpu_usec = timeval_usec(rusage.ru_utime) + timeval_usec(rusage.ru_stime);
        if (getrlimit(RLIMIT_NOFILE, &limit) >= 0 && limit.rlim_cur != RLIM_INFINITY)
                usage.max_fds = limit.rlim_cur;
        read_memory(&usage);
        *ret = usage;
}

struct process_fds {
        DIR *dir;
        uint64_t n;
};

struct process_fds *process_fds_new(void) {
        struct process_fds *fds = calloc(1, sizeof(*fds));

        if (fds)
                fds->dir = opendir("/proc/self/fd");
        return fds && fds->dir ? fds : process_fds_free(fds);
}

int process_fds_step(struct process_fds *fds, uint64_t *ret_n) {
        const struct dirent *entry;

        for (unsigned i = 0; i < FDS_A_STEP; i++) {
                entry = readdir(fds->dir);
                if (!entry) {
                        *ret_n = fds->n - 1; /* one is the directory's own */
                        return 0;
                }
                fds->n += entry->d_name[0] != '.';
        }
        return 1;
}

struct process_fds *process_fds_free(struct process_fds *fds) {
        if (fds && fds->dir)
                (void)closedir(fds->dir);
        free(fds);
        return NULL;
}
