/* SPDX-License-Identifier: MIT */
/* child_files: descriptors that somebody else opened, see child_files.h. */
#include "loop/child_files.h"

#include "loop/spawner.h"

struct child_files {
        struct list link; /* spawner->given */
        unsigned n_ref;
        struct spawner *spawner; /* NULL: it is no more */
        int fds[_CHILD_FILE_MAX];
};

/* Those that are closed together. */
struct closing {
        struct spawner_job job;
        struct list link; /* spawner->closings */
        struct spawner *spawner;
        size_t n;
        int fds[];
};

int child_files_new(struct spawner *spawner, const int fds[_CHILD_FILE_MAX], struct child_files **ret) {
        struct child_files *files = malloc(sizeof(*files));

        if (!files)
                return -ENOMEM;
        files->n_ref = 1;
        files->spawner = spawner;
        list_init(&files->link);
        if (spawner)
                list_append(&spawner->given, &files->link);
        memcpy(files->fds, fds, sizeof(files->fds));
        *ret = files;
        return 0;
}

struct child_files *child_files_ref(struct child_files *files) {
        if (files)
                files->n_ref++;
        return files;
}

struct child_files *child_files_unref(struct child_files *files) {
        if (!files || --files->n_ref > 0)
                return NULL;
        child_files_close(files->spawner, files->fds, _CHILD_FILE_MAX);
        list_remove(&files->link);
        free(files);
        return NULL;
}

int child_files_get(const struct child_files *files, enum child_file which) {
        return files ? files->fds[which] : -EBADF;
}

/* ---- closing ---- */

static void close_all(const int *fds, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (fds[i] >= 0)
                        (void)close(fds[i]);
}

static void on_close(struct spawner_job *job, _unused_ struct spawner_thread *thread) {
        struct closing *closing = CONTAINER_OF(job, struct closing, job);

        close_all(closing->fds, closing->n);
        closing->n = 0; /* their numbers may be others' from now on */
}

static void begin_first(struct spawner *spawner) {
        struct closing *closing = list_first_entry(&spawner->closings, struct closing, link);

        if (closing)
                (void)spawner_submit(spawner, &closing->job, true);
}

static void on_closed(struct spawner_job *job) {
        struct closing *closing = CONTAINER_OF(job, struct closing, job);
        struct spawner *spawner = closing->spawner;

        list_remove(&closing->link);
        free(closing);
        begin_first(spawner);
}

void child_files_close(struct spawner *spawner, const int *fds, size_t n) {
        struct closing *closing = NULL;
        bool first;

        if (n == 0)
                return;
        if (spawner)
                closing = malloc(sizeof(*closing) + n * sizeof(int));
        if (!closing) {
                close_all(fds, n);
                return;
        }
        *closing = (struct closing){
                .job = { .work = on_close, .done = on_closed },
                .spawner = spawner,
                .n = n,
        };
        memcpy(closing->fds, fds, n * sizeof(int));
        first = list_empty(&spawner->closings);
        list_append(&spawner->closings, &closing->link);
        if (first)
                begin_first(spawner);
}

void child_files_end(struct spawner *spawner) {
        struct closing *closing, *next_closing;
        struct child_files *files, *next_files;

        list_for_each_entry_safe(closing, next_closing, &spawner->closings, link) {
                close_all(closing->fds, closing->n);
                free(closing);
        }
        list_for_each_entry_safe(files, next_files, &spawner->given, link) {
                files->spawner = NULL;
                list_init(&files->link);
        }
}
