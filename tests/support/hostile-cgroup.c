/* SPDX-License-Identifier: MIT */
/* hostile-cgroup: those that turn on the cgroup they are in, which takes the right to write to it. Where a run has none
 * of its own they are only deaf: the group they are in is that of the test. */
#include "loop/cgroup.h"
#include "support/hostile-private.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define NESTED_DEPTH 10

/* The directory of the group, if it is a run's. */
static bool find_group(char path[PATH_MAX]) {
        FILE *mountinfo = fopen("/proc/self/mountinfo", "re"), *self = fopen("/proc/self/cgroup", "re");
        char *found = NULL;

        if (!mountinfo || !self || cgroup_find(mountinfo, self, &found) < 0 || !strstr(found, "/run-"))
                return false;
        (void)fclose(mountinfo);
        (void)fclose(self);
        (void)strcpy(path, found);
        free(found);
        return true;
}

static void write_to(const char *directory, const char *file, const char *text) {
        char path[2 * PATH_MAX];
        int fd;

        (void)snprintf(path, sizeof(path), "%s/%s", directory, file);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd >= 0)
                (void)!write(fd, text, strlen(text));
        closep(&fd);
}

/* A daemon that is not in the group any more. */
void deserter(void) {
        char path[PATH_MAX];

        if (find_group(path))
                write_to(path, "../../cgroup.procs", "0");
        if (!daemonize())
                say("ready\n");
        mute();
        stay();
}

/* Nobody in the group runs any more, and neither will who comes next. */
void freezer(void) {
        char path[PATH_MAX];

        mute();
        say("ready\n");
        if (find_group(path))
                write_to(path, "cgroup.freeze", "1");
        stay();
}

/* Groups in groups, each with somebody in it. */
void nested(void) {
        char path[PATH_MAX];
        bool found = find_group(path);

        mute();
        for (int depth = 0; found && depth < NESTED_DEPTH; depth++) {
                (void)strcat(path, "/d");
                if (mkdir(path, 0755) < 0)
                        break;
                if (fork_or_die() == 0) {
                        write_to(path, "cgroup.procs", "0");
                        stay();
                }
        }
        say("ready\n");
        stay();
}
