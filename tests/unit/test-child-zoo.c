/* SPDX-License-Identifier: MIT */
/* child-zoo: hundreds of rounds of hostile children, drawn by lot, ended at moments drawn by lot. After each, no process,
 * zombie, descriptor, cgroup or memory is left. */
#include "loop/cgroup.h"
#include "loop/spawner.h"
#include "support/child-bed.h"
#include "support/hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

/* Rounds for each of: without cgroups, with them; or as TEST_ROUNDS says. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROUNDS 100
#else
#define ROUNDS 200
#endif

#define CHUNKS      10 /* each a test with a spawner of its own, all or TEST_CHUNK only */
#define MEMBERS_MAX 3
#define EARLY_USEC  4000
#define THREADS_MAX 16
#define GROWTH_MAX  (64 * 1024)

enum moment {
        AT_EARLY, /* amid being spawned, or while its processes take their places */
        AT_READY,
        AT_EXIT,
        _MOMENT_MAX,
};

enum way {
        BY_KILL,
        BY_SIGNAL_AND_KILL,
        BY_FREEING,
        _WAY_MAX,
};

static struct {
        struct {
                const struct hostile_mode *mode;
                enum moment moment;
                enum way way;
                bool signalled;
                bool ended;
        } members[MEMBERS_MAX];
        struct probe probes[MEMBERS_MAX];
        size_t n;
        bool early;
        unsigned seed;
        unsigned n_descriptors; /* before */
} lot;

static unsigned draw(unsigned n) {
        return (unsigned)rand_r(&lot.seed) % n;
}

/* ---- a round ---- */

static bool is_claimed(const struct hostile_mode *mode, enum moment moment) {
        if (!child_bed.with_cgroups && (mode->flags & HOSTILE_NEEDS_GROUP))
                return false;
        if (moment == AT_EARLY && (mode->flags & HOSTILE_WHEN_READY))
                return false;
        if (moment != AT_EARLY && (mode->flags & HOSTILE_SILENT))
                return false;
        return moment != AT_EXIT || (mode->flags & HOSTILE_ENDS);
}

static bool is_due(size_t i) {
        const struct probe *probe = &lot.probes[i];

        switch (lot.members[i].moment) {
        case AT_EARLY: return lot.early;
        case AT_READY: return probe->exited > 0 || child_bed_is_ready(probe, 1);
        default: return probe->exited > 0;
        }
}

static void end(size_t i) {
        struct probe *probe = &lot.probes[i];

        if (lot.members[i].way == BY_SIGNAL_AND_KILL && !lot.members[i].signalled) {
                lot.members[i].signalled = true;
                child_signal(probe->child, SIGTERM);
                return;
        }
        lot.members[i].ended = true;
        if (lot.members[i].way == BY_FREEING) {
                probe->child = child_free(probe->child);
                probe->gone++;
        } else {
                child_kill(probe->child);
        }
}

static bool is_over(const struct probe *probes, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (probes[i].child && !lot.members[i].ended && is_due(i))
                        end(i);
        /* Those that were freed are still the spawner's until they are gone. */
        return child_bed_all_gone(probes, n) && list_empty(&child_bed.spawner->children) &&
               child_bed_count_left() == 0 && child_bed_count_unreaped() == 0 &&
               child_bed_count_descriptors() == lot.n_descriptors;
}

static void on_early(_unused_ struct loop_timer *timer, _unused_ void *arg) {
        lot.early = true; /* the next look sees it: at once, and not in 5 ms */
        child_bed_look();
}

static void draw_members(void) {
        lot.n = 1 + draw(MEMBERS_MAX);
        lot.early = false;
        memset(lot.members, 0, sizeof(lot.members));
        memset(lot.probes, 0, sizeof(lot.probes));
        for (size_t i = 0; i < lot.n; i++) {
                do {
                        lot.members[i].mode = &hostile_modes[draw((unsigned)hostile_n_modes)];
                        lot.members[i].moment = draw(_MOMENT_MAX);
                } while (!is_claimed(lot.members[i].mode, lot.members[i].moment));
                lot.members[i].way = draw(_WAY_MAX);
        }
}

static void play_round(struct loop_timer *early) {
        for (size_t i = 0; i < lot.n; i++) {
                struct child_spec spec = child_bed_spec(HOSTILE(lot.members[i].mode->name));
                char marker[96];

                /* Or the end of one would be that of another's orphans. */
                (void)snprintf(marker, sizeof(marker), "%s%zu", child_bed_marker(), i);
                spec.marker = marker;
                spec.env = WORDS(marker);
                child_bed_spawn(&lot.probes[i], &spec);
        }
        loop_timer_set(early, clock_now(CLOCK_ID_MONOTONIC) + draw(EARLY_USEC));
        child_bed_look();
        child_bed_run(lot.probes, lot.n, is_over);
        loop_timer_set(early, USEC_INFINITY);
}

/* ---- what a round leaves ---- */

static void check_group(int tree_fd, const char *name) {
        int fd = openat(tree_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        char byte;
        int procs;

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_msg(st.st_nlink <= 2, "%s has groups below", name);
        procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(procs, 0);
        ck_assert_msg(read(procs, &byte, 1) == 0, "somebody is in %s", name);
        (void)close(procs);
        (void)close(fd);
}

static void check_groups(void) {
        const struct cgroup_tree *tree = spawner_get_cgroups(child_bed.spawner);
        struct dirent *entry;
        unsigned n = 0;
        DIR *dir;

        if (!tree)
                return;
        dir = opendir(cgroup_tree_path(tree));
        ck_assert_ptr_nonnull(dir);
        while ((entry = readdir(dir)))
                if (strncmp(entry->d_name, "run-", 4) == 0) {
                        check_group(dirfd(dir), entry->d_name);
                        n++;
                }
        (void)closedir(dir);
        ck_assert_uint_le(n, MEMBERS_MAX);
}

static unsigned count_threads(void) {
        struct stat st;

        ck_assert_int_eq(stat("/proc/self/task", &st), 0);
        return (unsigned)st.st_nlink - 2;
}

static size_t heap_in_use(void) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
        return mallinfo2().uordblks;
#else
        return 0;
#endif
}

static unsigned rounds_of_a_chunk(void) {
        const char *text = getenv("TEST_ROUNDS");

        return (unsigned)MAX(1, (text ? atoi(text) : ROUNDS) / CHUNKS);
}

static void tell(unsigned round) {
        printf("%s, round %u:", child_bed.with_cgroups ? "cgroups" : "walks", round);
        for (size_t i = 0; i < lot.n; i++)
                printf(" %s/%d/%d", lot.members[i].mode->name, (int)lot.members[i].moment, (int)lot.members[i].way);
        printf("\n");
        (void)fflush(stdout);
}

START_TEST(nothing_is_left_of_any_of_them) {
        unsigned n_rounds = rounds_of_a_chunk();
        struct child_spec warm_up = child_bed_spec(WORDS("true"));
        struct loop_timer early;
        size_t heap = 0;

        lot.seed = (unsigned)_i + 1;
        child_bed_says(&warm_up, "");
        lot.n_descriptors = child_bed_count_descriptors();
        ck_assert_int_eq(loop_timer_init(&early, child_bed.loop, CLOCK_ID_MONOTONIC, "early", on_early, NULL), 0);
        for (unsigned round = 0; round < n_rounds; round++) {
                draw_members();
                if (getenv("TEST_VERBOSE"))
                        tell(round);
                play_round(&early);
                check_groups();
                if (round == MIN(n_rounds / 4, 10U)) /* all that is made once has been made */
                        heap = heap_in_use();
        }
        ck_assert_uint_le(heap_in_use(), heap + GROWTH_MAX);
        ck_assert_uint_le(count_threads(), THREADS_MAX);
        loop_timer_done(&early);
}
END_TEST

static Suite *child_zoo_suite(void) {
        Suite *suite = suite_create("child-zoo");
        TCase *tcase = child_bed_case(suite, "zoo");
        const char *only = getenv("TEST_CHUNK");
        int first = only ? atoi(only) : 0;

        tcase_add_loop_test(tcase, nothing_is_left_of_any_of_them, first, only ? first + 1 : CHUNKS);
        return suite;
}

int main(int argc, char *argv[]) {
        return child_bed_main(argc, argv, child_zoo_suite);
}
