/* SPDX-License-Identifier: MIT */
/* fake-cgroup: see fake-cgroup.h. */
#include "support/fake-cgroup.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static char top[64];
static char controllers[64];
static const char *left_out;

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_mkdirat(int fd, const char *name, mode_t mode);
int __wrap_mkdirat(int fd, const char *name, mode_t mode);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __real_rmdir(const char *path);
int __wrap_rmdir(const char *path);

static const struct {
        const char *name;
        const char *text; /* NULL: the controllers of the tree */
} files[] = {
        { "cgroup.procs", "" },
        { "cgroup.events", "populated 0\nfrozen 0\n" },
        { "cgroup.kill", "" },
        { "cgroup.controllers", NULL },
        { "cgroup.subtree_control", "" },
        { "cpu.stat", "usage_usec 0\nuser_usec 0\n" },
        { "cpu.max", "max 100000" },
        { "memory.max", "max" },
        { "memory.oom.group", "0" },
        { "memory.peak", "0\n" },
        { "memory.events", "low 0\noom 0\noom_kill 0\noom_group_kill 0\n" },
        { "pids.max", "max" },
};

static void fill(int dir_fd) {
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                const char *text = files[i].text ?: controllers;
                int fd;

                if (left_out && streq(left_out, files[i].name))
                        continue;
                fd = openat(dir_fd, files[i].name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
                (void)close(fd);
        }
}

static int open_directory(int fd, const char *name) {
        return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int __wrap_mkdirat(int fd, const char *name, mode_t mode) {
        int r = __real_mkdirat(fd, name, mode), dir_fd;

        if (r < 0 || !*top)
                return r;
        dir_fd = open_directory(fd, name);
        ck_assert_int_ge(dir_fd, 0);
        fill(dir_fd);
        (void)close(dir_fd);
        return 0;
}

int __wrap_mkdir(const char *path, mode_t mode) {
        return __wrap_mkdirat(AT_FDCWD, path, mode);
}

/* As the kernel: not while there is a directory in it. */
int __wrap_unlinkat(int fd, const char *name, int flags) {
        int dir_fd = *top && flags & AT_REMOVEDIR ? open_directory(fd, name) : -1;

        for (size_t i = 0; dir_fd >= 0 && i < ARRAY_SIZE(files); i++)
                (void)__real_unlinkat(dir_fd, files[i].name, 0);
        if (dir_fd >= 0)
                (void)close(dir_fd);
        return __real_unlinkat(fd, name, flags);
}

int __wrap_rmdir(const char *path) {
        return __wrap_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

const char *fake_cgroup_init(const char *offered) {
        char template[] = "/tmp/tendd-cgroup-XXXXXX";
        int fd;

        ck_assert_ptr_nonnull(mkdtemp(template));
        snprintf(controllers, sizeof(controllers), "%s\n", offered);
        strcpy(top, template);
        left_out = NULL;
        fd = open_directory(AT_FDCWD, top);
        ck_assert_int_ge(fd, 0);
        fill(fd);
        (void)close(fd);
        return top;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw) {
        (void)stat;
        (void)ftw;
        return type == FTW_DP ? __real_rmdir(path) : unlink(path);
}

void fake_cgroup_done(void) {
        ck_assert_int_eq(nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
        top[0] = '\0';
}

static FILE *open_below(const char *path, const char *mode) {
        char full[PATH_MAX];

        snprintf(full, sizeof(full), "%s/%s", top, path);
        return fopen(full, mode);
}

void fake_cgroup_write(const char *path, const char *text) {
        FILE *file = open_below(path, "we");

        ck_assert_msg(file, "%s cannot be written", path);
        fputs(text, file);
        fclose(file);
}

const char *fake_cgroup_read(const char *path) {
        static char text[4096];
        FILE *file = open_below(path, "re");
        size_t n;

        ck_assert_msg(file, "%s is not there", path);
        n = fread(text, 1, sizeof(text) - 1, file);
        text[n] = '\0';
        fclose(file);
        return text;
}

bool fake_cgroup_exists(const char *path) {
        FILE *file = open_below(path, "re");

        if (file)
                fclose(file);
        return file;
}

void fake_cgroup_leave_out(const char *file) {
        left_out = file;
}
