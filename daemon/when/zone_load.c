/* SPDX-License-Identifier: MIT */
/* zone_load: finds and reads the files of zones. A name comes from a configuration or a command line, and must not reach
 * any file but those of zones; and what is there may be anything, so nothing is opened that could hang or grow. */
#include "when/zone_private.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define DIRECTORY  "/usr/share/zoneinfo"
#define LOCAL_LINK "/etc/localtime"

static const char *zone_directory(void) {
        const char *dir = getenv("TZDIR");

        return dir && *dir ? dir : DIRECTORY;
}

static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("_+-./", c);
}

/* "Europe/Berlin": parts that are neither empty nor begin with a dot. */
static bool is_zone_name(const char *name) {
        size_t n = strlen(name);

        if (n == 0 || n >= ZONE_NAME_MAX || name[n - 1] == '/')
                return false;
        for (size_t i = 0; i < n; i++)
                if (!is_name_char(name[i]) || ((i == 0 || name[i - 1] == '/') && strchr("./", name[i])))
                        return false;
        return true;
}

/* All of a regular file of at most ZONE_FILE_MAX bytes. */
static int read_file(const char *path, char **ret, size_t *ret_size) {
        _cleanup_(freep) char *data = NULL;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;
        size_t size = 0;
        ssize_t n;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        if (st.st_size > ZONE_FILE_MAX)
                return -EFBIG;
        data = malloc((size_t)st.st_size + 1);
        if (!data)
                return -ENOMEM;
        do {
                n = read(fd, data + size, (size_t)st.st_size + 1 - size);
                if (n < 0)
                        return -errno;
                size += (size_t)n;
        } while (n > 0 && size <= (size_t)st.st_size);
        *ret = TAKE_PTR(data);
        *ret_size = size;
        return 0;
}

/* Without a file at its end the path itself may be followed. */
static int add_paths(struct zone *zone, const char *path) {
        zone->paths[0] = strdup(path);
        if (!zone->paths[0])
                return -ENOMEM;
        zone->paths[1] = realpath(path, NULL);
        if (!zone->paths[1])
                return errno == ENOMEM ? -ENOMEM : 0;
        if (streq(zone->paths[0], zone->paths[1])) {
                free(zone->paths[1]);
                zone->paths[1] = NULL;
        }
        return 0;
}

static int load_file(const char *path, const char *name, struct zone **ret) {
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        _cleanup_(freep) char *data = NULL;
        size_t size = 0;
        int r;

        r = read_file(path, &data, &size);
        if (r >= 0)
                r = zone_parse(data, size, name, &zone);
        if (r >= 0)
                r = add_paths(zone, path);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(zone);
        return 0;
}

static int new_utc(struct zone **ret) {
        _cleanup_(zone_unrefp) struct zone *zone = zone_new("UTC");

        if (!zone)
                return -ENOMEM;
        zone->has_rule = true;
        *ret = TAKE_PTR(zone);
        return zone_rule_parse("UTC0", 4, &(*ret)->rule);
}

/* What the link says behind the directory of zones, else "localtime". */
static void local_name(char ret[ZONE_NAME_MAX]) {
        const char *directories[] = { zone_directory(), DIRECTORY, "../usr/share/zoneinfo" };
        char target[PATH_MAX];
        ssize_t n = readlink(LOCAL_LINK, target, sizeof(target) - 1);

        target[MAX(n, 0)] = '\0';
        for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
                size_t length = strlen(directories[i]);

                if (strncmp(target, directories[i], length) != 0 || target[length] != '/' ||
                    !is_zone_name(target + length + 1))
                        continue;
                strcpy(ret, target + length + 1);
                return;
        }
        strcpy(ret, "localtime");
}

static int load_local(struct zone **ret) {
        _cleanup_(zone_unrefp) struct zone *zone = NULL;
        char name[ZONE_NAME_MAX];
        int r;

        local_name(name);
        r = load_file(LOCAL_LINK, name, ret);
        if (r != -ENOENT)
                return r;
        r = new_utc(&zone);
        if (r >= 0)
                r = add_paths(zone, LOCAL_LINK);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(zone);
        return 0;
}

int zone_load(const char *name, struct zone **ret) {
        char path[PATH_MAX];
        int n;

        if (!name)
                return load_local(ret);
        if (!is_zone_name(name))
                return -EINVAL;
        if (streq(name, "UTC"))
                return new_utc(ret);
        n = snprintf(path, sizeof(path), "%s/%s", zone_directory(), name);
        if (n < 0 || (size_t)n >= sizeof(path))
                return -ENAMETOOLONG;
        return load_file(path, name, ret);
}
