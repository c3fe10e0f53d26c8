/* SPDX-License-Identifier: MIT */
/* kind_file: a task that checks a path: that it can be opened and read, how old it is, how large, what is in it, and how
 * much room is left beside it.
 *
 * All of it happens on a thread of the task's pool, because any of these calls may hang: a dead NFS server, a FUSE mount,
 * a FIFO that nobody writes to. The run then ends at its bound, and the thread is a remnant of it until it returns. A
 * thread that reads a large file looks now and then whether anybody still waits.
 */
#include "base/text.h"
#include "task/leaf_work.h"
#include "task/template.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define CHUNK_BYTES ((size_t)256 * 1024)

struct file_leaf {
        struct leaf_work work;
        char *path;
        enum error_kind error;
        char detail[256]; /* without the path */
};

static struct file_leaf *leaf_of(struct leaf_work *work) {
        return CONTAINER_OF(work, struct file_leaf, work);
}

static void leaf_free(struct leaf_work *work) {
        struct file_leaf *leaf = leaf_of(work);

        free(leaf->path);
        free(leaf);
}

/* ---- on a thread ---- */

/* What a check returns: true when it is fulfilled; else the error is set. */
static bool fail_errno(struct file_leaf *leaf, const char *step, int error) {
        leaf->error = ERROR_IO;
        (void)snprintf(leaf->detail, sizeof(leaf->detail), "%s%s%s", step, step[0] ? ": " : "", strerrordesc_np(error));
        return false;
}

static bool check_age(struct file_leaf *leaf, const struct file_part *part, const struct stat *st) {
        usec_t modified_usec = (usec_t)MAX(st->st_mtim.tv_sec, (time_t)0) * USEC_PER_SEC +
                               (usec_t)st->st_mtim.tv_nsec / 1000; /* before 1970 is old enough */
        usec_t age_usec = usec_sub(clock_now(CLOCK_ID_REALTIME), modified_usec);
        char age[TEXT_USEC_MAX], bound[TEXT_USEC_MAX];

        if (age_usec <= part->max_age_usec)
                return true;
        leaf->error = ERROR_MISMATCH;
        (void)snprintf(leaf->detail, sizeof(leaf->detail), "modified %s ago, more than %s (max-age)",
                       text_format_usec(age_usec, age), text_format_usec(part->max_age_usec, bound));
        return false;
}

static bool check_size(struct file_leaf *leaf, const struct file_part *part, const struct stat *st) {
        char size[TEXT_SIZE_MAX], bound[TEXT_SIZE_MAX];

        if (part->min_size == 0 || (S_ISREG(st->st_mode) && (uint64_t)st->st_size >= part->min_size))
                return true;
        leaf->error = ERROR_MISMATCH;
        if (!S_ISREG(st->st_mode))
                (void)snprintf(leaf->detail, sizeof(leaf->detail), "not a regular file, has no size (min-size)");
        else
                (void)snprintf(leaf->detail, sizeof(leaf->detail), "%s large, less than %s (min-size)",
                               text_format_size((uint64_t)st->st_size, size), text_format_size(part->min_size, bound));
        return false;
}

static bool check_free(struct file_leaf *leaf, const struct file_part *part, int fd) {
        char left[TEXT_SIZE_MAX], bound[TEXT_SIZE_MAX];
        struct statvfs st;
        uint64_t bytes;

        if (part->min_free == 0)
                return true;
        if (fstatvfs(fd, &st) < 0)
                return fail_errno(leaf, "statvfs", errno);
        bytes = (uint64_t)st.f_bavail * st.f_frsize;
        if (bytes >= part->min_free)
                return true;
        leaf->error = ERROR_MISMATCH;
        (void)snprintf(leaf->detail, sizeof(leaf->detail), "%s free on its file system, less than %s (min-free)",
                       text_format_size(bytes, left), text_format_size(part->min_free, bound));
        return false;
}

/* Feeds the file to @context. Returns 0, -errno, -ECANCELED when nobody waits any more. */
static int digest_file(struct file_leaf *leaf, int fd, EVP_MD_CTX *context) {
        _cleanup_(freep) char *buffer = malloc(CHUNK_BYTES);
        ssize_t n;

        if (!buffer)
                return -ENOMEM;
        while ((n = read(fd, buffer, CHUNK_BYTES)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (EVP_DigestUpdate(context, buffer, (size_t)n) != 1)
                        return -ENOMEM;
                if (atomic_load(&leaf->work.given_up))
                        return -ECANCELED;
        }
        return 0;
}

static void evp_freep(EVP_MD_CTX **context) {
        EVP_MD_CTX_free(*context);
}

static bool check_sha256(struct file_leaf *leaf, const struct file_part *part, int fd) {
        _cleanup_(evp_freep) EVP_MD_CTX *context = NULL;
        unsigned char digest[EVP_MAX_MD_SIZE];
        char text[2 * EVP_MAX_MD_SIZE + 1] = "";
        unsigned n = 0;
        int r;

        if (!part->sha256)
                return true;
        context = EVP_MD_CTX_new();
        if (!context || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
                return fail_errno(leaf, "sha256", ENOMEM);
        r = digest_file(leaf, fd, context);
        if (r < 0)
                return fail_errno(leaf, "read", -r);
        if (EVP_DigestFinal_ex(context, digest, &n) != 1)
                return fail_errno(leaf, "sha256", ENOMEM);

        for (unsigned i = 0; i < n; i++)
                (void)snprintf(text + 2 * (size_t)i, 3, "%02x", digest[i]);
        if (strcasecmp(text, part->sha256) == 0)
                return true;
        leaf->error = ERROR_MISMATCH;
        (void)snprintf(leaf->detail, sizeof(leaf->detail), "its sha256 is %s, not %s", text, part->sha256);
        return false;
}

static void on_thread(struct leaf_work *work) {
        struct file_leaf *leaf = leaf_of(work);
        const struct file_part *part = work->task->file;
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        fd = open(leaf->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || fstat(fd, &st) < 0) {
                (void)fail_errno(leaf, "", errno);
                return;
        }
        (void)(check_age(leaf, part, &st) && check_size(leaf, part, &st) && check_free(leaf, part, fd) &&
               check_sha256(leaf, part, fd));
}

/* ---- on the loop ---- */

static void on_done(struct leaf_work *work) {
        struct file_leaf *leaf = leaf_of(work);

        leaf_work_end(work, leaf->error, "%s: %s", leaf->path, leaf->detail);
}

static int file_leaf_start(struct run *run) {
        struct file_leaf *leaf;
        int r;

        leaf = calloc(1, sizeof(*leaf));
        if (!leaf)
                return -ENOMEM;
        leaf_work_init(&leaf->work, run, leaf_free);
        r = template_fill(run, task_of(run_get_spec(run))->file->path, TEMPLATE_TEXT, &leaf->path);
        if (r < 0)
                return r;
        leaf_work_begin(&leaf->work, on_thread, on_done);
        return 0;
}

static void file_view(const void *data, struct kind_view *view) {
        const struct file_leaf *leaf = data;

        (void)leaf_work_view(&leaf->work, view, "reads %s", leaf->path);
}

static void file_part_init(void *part) {
        struct file_part *p = part;

        p->max_age_usec = USEC_INFINITY;
}

static void file_part_done(void *part) {
        struct file_part *p = part;

        free(p->path);
        free(p->sha256);
}

static const struct leaf_ops file_leaf_ops = {
        .name = "file",
        .start = file_leaf_start,
        .force = leaf_work_force,
        .poll = leaf_work_poll,
        .abandon = leaf_work_abandon,
        .abandon_after_usec = LEAF_WORK_ABANDON_USEC,
        .release = leaf_work_release,
};

const struct kind kind_file = {
        .name = "file",
        .main_keys = "path",
        .part_size = sizeof(struct file_part),
        .default_timeout_usec = 30 * USEC_PER_SEC,
        .default_concurrency = 50,
        .leaf = &file_leaf_ops,
        .view = file_view,
        .part_init = file_part_init,
        .part_done = file_part_done,
};
