/* SPDX-License-Identifier: MIT */
/* watch_made: looks at files that were made, until they are whole.
 *
 * A file that is opened to be written is told as made, and told as closed later. One that is linked into place is told as
 * made only, also when somebody still writes to it; nor is the close told of a file that is written under another name, or
 * behind a symbolic link. So what was made is looked at: what is whole already counts as arrived, and what somebody
 * writes is looked at again, less and less often, until it is whole, told or gone. What nobody knows of is left to be told.
 *
 * While a look is under way, the thread reads the paths of its files, and the loop only notes what was told of them.
 */
#include "loop/watch_private.h"

#include <stdio.h>

#define MADE_MAX      256 /* files that wait to be looked at */
#define LOOK_MIN_USEC USEC_PER_SEC
#define LOOK_MAX_USEC USEC_PER_MINUTE

struct watch_made {
        struct list link;
        bool looked; /* the loop's: it has been looked at */
        bool told;   /* the loop's: as closed, meanwhile */
        enum watch_whole whole;
        char path[];
};

struct watch_look {
        struct watch_pattern *of; /* the loop's; NULL: nobody waits for it */
        struct pool_job *job;     /* the loop's */
        struct list files;        /* struct watch_made */
};

static void files_free(struct list *files) {
        struct watch_made *made, *tmp;

        list_for_each_entry_safe(made, tmp, files, link)
                free(made);
        list_init(files);
}

static void look_free(void *arg) {
        struct watch_look *look = arg;

        files_free(&look->files);
        free(look);
}

static void look_work(void *arg) {
        struct watch_look *look = arg;
        struct watch_made *made;

        list_for_each_entry(made, &look->files, link)
                made->whole = watch_is_whole(made->path);
}

static struct watch_made *find(struct list *files, const char *path) {
        struct watch_made *made;

        list_for_each_entry(made, files, link)
                if (streq(made->path, path))
                        return made;
        return NULL;
}

static void start_look(struct watch_pattern *p, bool all);

static void forget(struct watch_pattern *p, struct watch_made *made) {
        list_remove(&made->link);
        free(made);
        p->n_made--;
}

/* What is being written goes back to those that wait. */
static bool sort_out(struct watch_pattern *p, struct list *files) {
        struct watch_made *made, *tmp;
        bool arrived = false;

        list_for_each_entry_safe(made, tmp, files, link) {
                arrived |= made->whole == WATCH_WHOLE && !made->told;
                if (made->whole != WATCH_WRITTEN || made->told || find(&p->made, made->path)) {
                        forget(p, made);
                        continue;
                }
                made->looked = true;
                list_remove(&made->link);
                list_append(&p->made, &made->link);
        }
        return arrived;
}

static void on_looked(void *arg) {
        struct watch_look *look = arg;
        struct watch_pattern *p = look->of;

        if (p) {
                p->look = NULL;
                if (sort_out(p, &look->files))
                        watch_arrived(p->watch);
                start_look(p, false);
                if (!list_empty(&p->made) && !loop_timer_armed(&p->look_timer))
                        loop_timer_set(&p->look_timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), p->look_usec));
        }
        look_free(look);
}

/* Looks at those that are new, or at all. That they could not be looked at counts as an arrival: one too many harms
 * nobody. */
static void start_look(struct watch_pattern *p, bool all) {
        static const struct pool_job_ops ops = {
                .name = "watch-look",
                .work = look_work,
                .done = on_looked,
                .returned = on_looked,
                .left = look_free,
        };
        struct watch_made *made, *tmp;
        struct watch_look *look;

        if (p->look || list_empty(&p->made))
                return;
        look = calloc(1, sizeof(*look));
        if (look) {
                look->of = p;
                list_init(&look->files);
                list_for_each_entry_safe(made, tmp, &p->made, link)
                        if (all || !made->looked) {
                                list_remove(&made->link);
                                list_append(&look->files, &made->link);
                        }
                if (list_empty(&look->files)) {
                        look_free(look);
                        return;
                }
                if (pool_submit(p->watch->watcher->pool, &ops, look, &look->job) == 0) {
                        p->look = look;
                        return;
                }
                list_splice(&p->made, &look->files);
                look_free(look);
        }
        p->n_made = 0;
        files_free(&p->made);
        watch_arrived(p->watch);
}

static void on_look_timer(struct loop_timer *timer _unused_, void *arg) {
        struct watch_pattern *p = arg;

        p->look_usec = MIN(2 * p->look_usec, LOOK_MAX_USEC);
        start_look(p, true);
}

static bool is_full(const struct watch_pattern *p) {
        return p->n_made >= MADE_MAX;
}

static int add(struct watch_pattern *p, const char *path, bool looked) {
        struct watch_made *made = find(&p->made, path);

        if (made) {
                made->looked &= looked;
                return 0;
        }
        made = is_full(p) ? NULL : calloc(1, sizeof(*made) + strlen(path) + 1);
        if (!made)
                return -ENOMEM;
        (void)strcpy(made->path, path);
        made->looked = looked;
        list_init(&made->link);
        list_append(&p->made, &made->link);
        p->n_made++;
        p->look_usec = LOOK_MIN_USEC;
        return 0;
}

void watch_pattern_made(struct watch_pattern *p, const struct watch_dir *dir, const char *name) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof(path), "%s/%s", dir->path, name) >= (int)sizeof(path) || add(p, path, false) < 0)
                watch_arrived(p->watch);
        else
                start_look(p, false);
}

void watch_pattern_told(struct watch_pattern *p, const struct watch_dir *dir, const char *name) {
        char path[PATH_MAX];
        struct watch_made *made;

        if (p->n_made == 0 || snprintf(path, sizeof(path), "%s/%s", dir->path, name) >= (int)sizeof(path))
                return;
        made = find(&p->made, path);
        if (made)
                forget(p, made);
        made = p->look ? find(&p->look->files, path) : NULL;
        if (made)
                made->told = true;
}

/* What does not find room is passed over, and given here, again: those that are here will cause that. */
void watch_look(struct watch *watch, const char *path) {
        struct watch_pattern *p = &watch->patterns[0];

        if (add(p, path, true) == 0 && !p->look && !loop_timer_armed(&p->look_timer))
                loop_timer_set(&p->look_timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), p->look_usec));
}

int watch_made_init(struct watch_pattern *p) {
        p->look_usec = LOOK_MIN_USEC;
        return loop_timer_init(&p->look_timer, p->watch->watcher->loop, CLOCK_ID_MONOTONIC, "watch look", on_look_timer,
                               p);
}

void watch_made_done(struct watch_pattern *p) {
        if (p->look) {
                p->look->of = NULL;
                (void)pool_abandon(p->look->job);
        }
        files_free(&p->made);
        loop_timer_done(&p->look_timer);
}
