/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-store: the store for tests: in memory, deterministic, on any loop.
 *
 * It replaces all of store/ that is called: name $(fake_store_sources) in the test's SOURCES. What is put is in the "file" in
 * the next turn, and syncs are called then, unless the test holds them. The file outlives the store: what is opened next
 * finds it, until the test resets it. One store at a time.
 */
#include "store/store.h"

/* An empty file, no store, nothing held. */
void fake_store_reset(void);

/* While held, what is put stays out of the file, and syncs wait. Letting go does all of it in the next turn. */
void fake_store_hold(bool hold);
/* From now on syncs are called with this result. */
void fake_store_set_sync(int result);
/* As kill -9: what was put and is not yet in the file is gone, and the store with it; it must not be closed. */
void fake_store_crash(void);
/* The store becomes degraded at once, and syncs are -EIO; what is put is lost. And well again; @anew: with an empty file. */
void fake_store_degrade(const char *text);
void fake_store_recover(bool anew);
/* What is in the file is what store_opened_tasks() and its like tell, as when it could be read late. */
void fake_store_read(void);
/* From now on there is no room for one more question, or there is again. */
void fake_store_refuse(bool refuse);

/* ---- what is in the file; NULL: no such thing ---- */
const struct store_task *fake_store_task(const char *task);
const struct store_item *fake_store_item(const char *task, const char *item);
size_t fake_store_n_items(void);
const struct store_run *fake_store_live(size_t i); /* without an end, in the order of their beginning */
size_t fake_store_n_live(void);
const struct store_process *fake_store_process(size_t i);
size_t fake_store_n_processes(void);
const struct store_run *fake_store_run(size_t i); /* in the order in which their ends were put */
size_t fake_store_n_runs(void);
const struct store_missed *fake_store_missed(size_t i); /* in the order in which they were put */
size_t fake_store_n_missed(void);
/* Occurrences, or of one task and for one reason; NULL: any. */
uint64_t fake_store_missed_total(const char *task, const char *reason);

/* ---- what was asked for ---- */
size_t fake_store_n_puts(void);
size_t fake_store_n_syncs(void);
size_t fake_store_n_waiting(void); /* syncs that were not called yet */
