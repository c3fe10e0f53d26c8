/* SPDX-License-Identifier: MIT */
/* watch_dirs: a table of the watched directories by their wd, which grows with them. Several patterns, and several parts
 * of one, may be interested in the same directory: the kernel gives it one wd. */
#include "loop/watch_private.h"

#define BUCKETS_MIN 64

static struct list *bucket_of(struct list *buckets, size_t n, int wd) {
        return &buckets[(unsigned)wd & (n - 1)];
}

static int resize(struct watcher *watcher, size_t n) {
        struct list *buckets = malloc(n * sizeof(*buckets));
        struct watch_dir *dir, *tmp;

        if (!buckets)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                list_init(&buckets[i]);
        for (size_t i = 0; i < watcher->n_buckets; i++)
                list_for_each_entry_safe(dir, tmp, &watcher->dirs[i], of_wd) {
                        list_remove(&dir->of_wd);
                        list_append(bucket_of(buckets, n, dir->wd), &dir->of_wd);
                }
        free(watcher->dirs);
        watcher->dirs = buckets;
        watcher->n_buckets = n;
        return 0;
}

int watch_dirs_init(struct watcher *watcher) {
        return resize(watcher, BUCKETS_MIN);
}

void watch_dirs_add(struct watcher *watcher, struct watch_dir *dir) {
        if (watcher->n_dirs >= watcher->n_buckets)
                (void)resize(watcher, watcher->n_buckets * 2); /* when memory is short the buckets just fill */
        list_append(bucket_of(watcher->dirs, watcher->n_buckets, dir->wd), &dir->of_wd);
        watcher->n_dirs++;
}

void watch_dirs_remove(struct watcher *watcher, struct watch_dir *dir) {
        list_remove(&dir->of_wd);
        watcher->n_dirs--;
}

struct list *watch_dirs_of(const struct watcher *watcher, int wd) {
        return bucket_of(watcher->dirs, watcher->n_buckets, wd);
}
