/* SPDX-License-Identifier: MIT */
/* limit-random: limits against a model that is too simple to be wrong.
 *
 * Tickets are asked for and released, limits paused and given other numbers at random. The model knows only the rules: it replays each grant in the order in
 * which it was told, checks that it was allowed then, counts who was overtaken, and finally looks whether anybody is
 * left who could go. TENDD_TEST_SEED and TENDD_TEST_STEPS choose the seed and the number of steps.
 */
#include "base/random.h"
#include "run/limit.h"
#include "support/fake-loop.h"

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define LIMITS  4
#define PERMITS 6
#define N       48
#define STEPS   20000

struct model {
        struct limit_ticket *ticket; /* NULL: unused */
        unsigned needs[LIMITS];
        int priority;
        uint64_t sequence;
        unsigned overtaken;
        bool granted;
};

static struct {
        struct model tickets[N];
        unsigned configured[LIMITS];
        unsigned permits[LIMITS]; /* in force; 0: unlimited */
        bool paused[LIMITS];
        unsigned unheld[LIMITS];              /* as of the last look() */
        const struct model *reserver[LIMITS]; /* the same */
        struct limit *limits[LIMITS];
        uint64_t random;
        uint64_t seed;
        uint64_t sequence;
        unsigned step;
        unsigned reservations; /* how often one kept somebody waiting */
        unsigned held_off;     /* steps in which one who had been overtaken that often waited for a pause */
        size_t told[N];
        size_t n_told;
} t;

static unsigned below(unsigned n) {
        return (unsigned)random_below(&t.random, n);
}

static _noreturn_ void broken(const char *what, size_t ticket) {
        fprintf(stderr, "TENDD_TEST_SEED=%" PRIu64 ", step %u: %s: ticket %zu\n", t.seed, t.step, what, ticket);
        abort();
}

/* ---- the rules ---- */

static bool waits(const struct model *m) {
        return m->ticket && !m->granted;
}

static bool before(const struct model *m, const struct model *other) {
        return m->priority != other->priority ? m->priority > other->priority : m->sequence < other->sequence;
}

static unsigned need(const struct model *m, size_t limit) {
        return t.permits[limit] > 0 ? MIN(m->needs[limit], t.permits[limit]) : m->needs[limit];
}

static bool is_held_off(const struct model *m) {
        for (size_t k = 0; k < LIMITS; k++)
                if (m->needs[k] > 0 && t.paused[k])
                        return true;
        return false;
}

static unsigned unheld(size_t limit, unsigned held) {
        unsigned permits = t.permits[limit];

        if (t.paused[limit])
                return 0;
        return permits == 0 ? UINT_MAX : permits - MIN(permits, held);
}

/* Counts anew what is free, and finds for each limit the oldest of those overtaken as often as anybody may be. */
static void look(void) {
        for (size_t k = 0; k < LIMITS; k++) {
                unsigned held = 0;

                t.reserver[k] = NULL;
                for (size_t i = 0; i < N; i++) {
                        const struct model *m = &t.tickets[i];

                        held += m->ticket && m->granted ? m->needs[k] : 0;
                        if (waits(m) && m->needs[k] > 0 && m->overtaken >= LIMIT_OVERTAKEN_MAX && !is_held_off(m) &&
                            (!t.reserver[k] || before(m, t.reserver[k])))
                                t.reserver[k] = m;
                }
                t.unheld[k] = unheld(k, held);
        }
}

static bool lacks(const struct model *m, size_t limit) {
        const struct model *reserved = t.reserver[limit];
        unsigned n = t.unheld[limit];

        if (reserved && reserved != m)
                n -= MIN(n, need(reserved, limit));
        return n < need(m, limit);
}

static bool lacks_only(const struct model *m, size_t limit) {
        for (size_t i = 0; i < LIMITS; i++)
                if (lacks(m, i) != (i == limit))
                        return false;
        return true;
}

static bool may_go(const struct model *m) {
        for (size_t k = 0; k < LIMITS; k++) {
                if (m->needs[k] == 0)
                        continue;
                if (lacks(m, k))
                        return false;
                for (size_t i = 0; i < N && t.reserver[k] != m; i++) {
                        const struct model *other = &t.tickets[i];

                        if (waits(other) && other->needs[k] > 0 && before(other, m) && lacks_only(other, k))
                                return false;
                }
        }
        return true;
}

static bool share(const struct model *m, const struct model *other) {
        for (size_t i = 0; i < LIMITS; i++)
                if (m->needs[i] > 0 && other->needs[i] > 0)
                        return true;
        return false;
}

/* What is told of the limits. */
static void check_figures(void) {
        for (size_t k = 0; k < LIMITS; k++) {
                struct limit_stats stats;
                unsigned held = 0, waiting = 0;

                for (size_t i = 0; i < N; i++) {
                        held += t.tickets[i].granted && t.tickets[i].ticket ? t.tickets[i].needs[k] : 0;
                        waiting += waits(&t.tickets[i]) && t.tickets[i].needs[k] > 0;
                }
                limit_get_stats(t.limits[k], &stats);
                ck_assert_uint_eq(stats.held, held);
                ck_assert_uint_eq(stats.waiting, waiting);
                ck_assert_int_eq(limit_paused_by(t.limits[k], NULL) != NULL, t.paused[k]);
                ck_assert_int_eq(limit_get_configured(t.limits[k]) != NULL, t.permits[k] != t.configured[k]);
        }
}

static void replay(void) {
        look();
        for (size_t k = 0; k < t.n_told; k++) {
                struct model *m = &t.tickets[t.told[k]];

                if (!may_go(m))
                        broken("was granted what it must not have", t.told[k]);
                for (size_t i = 0; i < N; i++)
                        if (waits(&t.tickets[i]) && before(&t.tickets[i], m) && share(&t.tickets[i], m) &&
                            !is_held_off(&t.tickets[i]))
                                t.tickets[i].overtaken += t.tickets[i].overtaken < LIMIT_OVERTAKEN_MAX;
                for (size_t i = 0; i < LIMITS; i++)
                        m->needs[i] = need(m, i);
                m->granted = true;
                look();
        }
        t.n_told = 0;
        for (size_t k = 0; k < LIMITS; k++)
                t.reservations += t.reserver[k] != NULL;
        for (size_t i = 0; i < N; i++) {
                const struct model *m = &t.tickets[i];

                if (waits(m) && may_go(m))
                        broken("waits although it could go", i);
                t.held_off += waits(m) && m->overtaken >= LIMIT_OVERTAKEN_MAX && is_held_off(m);
        }
        check_figures();
}

/* ---- steps ---- */

static void on_granted(struct limit_ticket *ticket _unused_, void *arg) {
        t.told[t.n_told++] = (size_t)((struct model *)arg - t.tickets);
}

static void ask(struct limits *limits, struct model *m) {
        struct limit_use uses[LIMITS];
        struct limit_request wish = { .uses = uses, .on_granted = on_granted, .arg = m };

        *m = (struct model){ .priority = below(4) == 0 ? (int)below(3) : 0, .sequence = ++t.sequence };
        for (size_t i = 0; i < LIMITS; i++) {
                if (below(100) < 60)
                        continue;
                m->needs[i] = below(3) > 0 ? 1 : 1 + below(t.configured[i]);
                uses[wish.n_uses++] = (struct limit_use){ t.limits[i], m->needs[i] };
        }
        wish.priority = m->priority;
        ck_assert_int_eq(limit_request(limits, &wish, &m->ticket), 0);
}

/* Not for long, or nobody would be overtaken often. */
static void pause_or_resume(void) {
        size_t k = below(LIMITS);

        t.paused[k] = !t.paused[k] && below(4) == 0;
        ck_assert_int_eq(limit_set_pause(t.limits[k], t.paused[k] ? "anna" : NULL, 0), 0);
}

/* To others than are configured, also more, none at all, or fewer than are held; or back. */
static void resize(void) {
        size_t k = below(LIMITS);
        struct limit_config config = { .permits = below(PERMITS + 2) };
        bool reset = below(2) == 0;

        t.permits[k] = reset ? t.configured[k] : config.permits;
        ck_assert_int_eq(limit_override(t.limits[k], reset ? NULL : &config), 0);
}

static void reload(void) {
        size_t k = below(LIMITS);
        struct limit_config config = { .permits = 1 + below(PERMITS) };

        if (config.permits != t.configured[k])
                t.permits[k] = t.configured[k] = config.permits;
        ck_assert_int_eq(limit_configure(t.limits[k], &config), 0);
}

/* Few give up, so that some are overtaken often. */
static void step(struct limits *limits) {
        unsigned drawn = below(1000);

        if (drawn < 30) {
                pause_or_resume();
                return;
        }
        if (drawn < 40) {
                resize();
                return;
        }
        if (drawn < 42) {
                reload();
                return;
        }
        for (unsigned tries = 0; tries < 20; tries++) {
                struct model *m = &t.tickets[below(N)];

                if (!m->ticket) {
                        ask(limits, m);
                        return;
                }
                if (m->granted || below(1000) < 5) {
                        m->ticket = limit_release(m->ticket);
                        return;
                }
        }
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);

        return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(the_limits_follow_the_rules) {
        uint64_t total = from_environment("TENDD_TEST_STEPS", STEPS);
        struct limits *limits;
        struct loop *loop;

        t.random = t.seed = from_environment("TENDD_TEST_SEED", (uint64_t)getpid() * 1000003);
        printf("TENDD_TEST_SEED=%" PRIu64 "\n", t.seed);
        (void)fflush(stdout);
        ck_assert_int_eq(loop_new(&loop), 0);
        ck_assert_int_eq(limits_new(loop, &limits), 0);
        for (size_t i = 0; i < LIMITS; i++) {
                struct limit_config config = { .permits = 1 + below(PERMITS) };

                t.permits[i] = t.configured[i] = config.permits;
                ck_assert_int_eq(limit_new(limits, "x", &config, &t.limits[i]), 0);
        }
        for (t.step = 0; t.step < total; t.step++) {
                step(limits);
                (void)fake_loop_settle();
                replay();
        }
        printf("%" PRIu64 " asked, %u steps with a reservation, %u times one was held off\n", t.sequence,
               t.reservations, t.held_off);
        for (size_t i = 0; i < N; i++)
                limit_release(t.tickets[i].ticket);
        for (size_t i = 0; i < LIMITS; i++)
                limit_unref(t.limits[i]);
        limits_free(limits);
        loop_free(loop);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("limit-random");
        TCase *tcase = tcase_create("limit-random");
        SRunner *runner = srunner_create(suite);
        int failed;

        suite_add_tcase(suite, tcase);
        tcase_set_timeout(tcase, 300);
        tcase_add_test(tcase, the_limits_follow_the_rules);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed > 0;
}
