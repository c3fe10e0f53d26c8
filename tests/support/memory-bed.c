/* SPDX-License-Identifier: MIT */
/* memory-bed: see memory-bed.h. */
#include "support/memory-bed.h"

#include "live/live_private.h"
#include "support/fake-loop.h"
#include "support/fake-store.h"
#include "support/live-bed.h"

#include <check.h>

#define LIVE live_bed.live

struct task *memory_bed_work;

static void open_store(void) {
        const struct store_options options = { .loop = live_bed.loop, .path = "/state.db" };

        ck_assert_int_eq(store_open(&options, &live_bed.store), 0);
}

void memory_bed_make(void) {
        live_bed_setup();
        (void)live_bed_job("b");
        (void)live_bed_job("c");
        (void)live_bed_group("pair");
        (void)live_bed_job("quick");
        memory_bed_work = live_bed_job("work");
        open_store();
}

void memory_bed_go(void) {
        live_bed_go();
        store_forget_opened(live_bed.store);
}

void memory_bed_setup(void) {
        fake_store_reset();
        memory_bed_make();
}

void memory_bed_teardown(void) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        live_bed.store = NULL;
}

void memory_bed_next_daemon(void) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        fake_clock_advance(USEC_PER_DAY); /* the bed has set it back */
        memory_bed_go();
}

void memory_bed_go_blind(void) {
        live_bed_teardown();
        store_close(live_bed.store, 0);
        memory_bed_make();
        fake_clock_advance(USEC_PER_DAY); /* the bed has set it back */
        store_forget_opened(live_bed.store);
        fake_store_degrade("it is locked");
        memory_bed_work->stale_after_usec = 7 * USEC_PER_DAY;
        memory_bed_go();
}

void memory_bed_read_late(void) {
        fake_store_recover(false);
        fake_store_read();
        live_store_late(LIVE);
        live_put_anew(LIVE);
        fake_loop_settle();
        store_forget_opened(live_bed.store);
}
