/* SPDX-License-Identifier: MIT */
/* fake-leaf: leaves whose work is a script, see fake-leaf.h. */
#include "support/fake-leaf.h"

#include <stdio.h>

struct work {
        struct list link;
        struct run *leaf;        /* NULL: abandoned */
        struct remnant *remnant; /* or this */
        const struct fake_task *task;
        char name[RUN_NAME_MAX];
        struct loop_timer started;
        struct loop_timer ready;
        struct loop_timer end;
        struct loop_timer stopped;
        bool done_when_polled;
};

static struct {
        struct list works;
        bool ready;
        bool quiet;
        char trace[4096];
        size_t used;
        unsigned n;
        unsigned n_max;
        unsigned n_started;
        void (*start_check)(const struct run *leaf);
} fake;

static void init(void) {
        if (fake.ready)
                return;
        list_init(&fake.works);
        fake.ready = true;
}

/* ---- trace ---- */

static void trace(char what, const char *name) {
        int r;

        if (fake.quiet)
                return;
        r = snprintf(fake.trace + fake.used, sizeof(fake.trace) - fake.used, "%s%c%s", fake.used > 0 ? " " : "", what,
                     name);
        fake.used = MIN(fake.used + (size_t)r, sizeof(fake.trace) - 1);
}

void fake_trace_clear(void) {
        fake.used = 0;
        fake.trace[0] = '\0';
        fake.n_max = fake.n;
}

const char *fake_trace(void) {
        return fake.trace;
}

void fake_trace_enable(bool enable) {
        fake.quiet = !enable;
}

/* ---- tasks ---- */

void fake_task_init(struct fake_task *task, const char *name) {
        *task = (struct fake_task){
                .spec = {
                        .name = name,
                        .leaf = &fake_leaf_ops,
                        .grace_usec = 10 * USEC_PER_SEC,
                        .retry_delay_min_usec = USEC_PER_SEC,
                        .retry_delay_max_usec = USEC_PER_MINUTE,
                        .concurrency = 1,
                },
                .script = {
                        .ready_after_usec = USEC_INFINITY,
                        .ends_after_usec = USEC_INFINITY,
                },
        };
        for (int i = 0; i < _BOUND_MAX; i++)
                task->spec.bounds[i] = USEC_INFINITY;
}

void fake_task_init_timed(struct fake_task *task, const char *name, usec_t usec, enum error_kind error) {
        fake_task_init(task, name);
        task->script.ends_after_usec = usec;
        task->script.error = error;
}

void fake_service_init(struct fake_task *task, const char *name, struct service_spec *service) {
        fake_task_init(task, name);
        *service = (struct service_spec){
                .restart = RESTART_ALWAYS,
                .restart_delay_min_usec = USEC_PER_SEC,
                .restart_delay_max_usec = USEC_PER_MINUTE,
                .restart_limit = 5,
                .restart_limit_usec = 10 * USEC_PER_MINUTE,
        };
        task->spec.is_service = true;
        task->spec.service = service;
}

void fake_fanout_init(struct fake_task *task, const char *name, size_t n, unsigned concurrency) {
        fake_task_init_timed(task, name, USEC_PER_SEC, ERROR_NONE);
        task->spec.items = &fake_item_ops;
        task->spec.concurrency = concurrency;
        task->items.n = n;
}

/* ---- work ---- */

static void work_free(struct work *work) {
        loop_timer_done(&work->started);
        loop_timer_done(&work->ready);
        loop_timer_done(&work->end);
        loop_timer_done(&work->stopped);
        list_remove(&work->link);
        free(work);
        fake.n--;
}

static struct work *work_find(const char *name) {
        struct work *work;

        init();
        list_for_each_entry(work, &fake.works, link)
                if (streq(work->name, name))
                        return work;
        return NULL;
}

static struct work *work_get(const char *name) {
        struct work *work = work_find(name);

        if (!work) {
                fprintf(stderr, "fake-leaf: no leaf of %s is at work\n", name);
                abort();
        }
        return work;
}

static void end(struct work *work, enum error_kind error, bool clean, int exit_code) {
        char detail[64];
        struct leaf_end how = {
                .error = error,
                .detail = detail,
                .clean_when_stopped = clean,
                .exit_code = exit_code,
                .output_tail = "the end of the output",
                .cpu_usec = work->task->script.cpu_usec,
                .memory_peak = work->task->script.memory_peak,
        };

        loop_timer_set(&work->end, USEC_INFINITY);
        loop_timer_set(&work->stopped, USEC_INFINITY);
        if (!work->leaf) {
                struct remnant *remnant = work->remnant;

                work_free(work);
                remnant_gone(remnant);
                return;
        }
        (void)snprintf(detail, sizeof(detail), "%s of %s", error_kind_to_string(error), run_get_spec(work->leaf)->name);
        run_leaf_end(work->leaf, &how);
}

static enum error_kind error_of(const struct work *work) {
        const struct fake_script *script = &work->task->script;

        if (script->ok_from_attempt > 0 && run_get_number(work->leaf) >= script->ok_from_attempt)
                return ERROR_NONE;
        if (script->fails_each > 0 && run_get_item_number(work->leaf) % script->fails_each != 0)
                return ERROR_NONE;
        return script->error;
}

static void on_started(struct loop_timer *timer _unused_, void *arg) {
        struct work *work = arg;

        if (work->leaf)
                run_leaf_started(work->leaf);
}

static void on_ready(struct loop_timer *timer _unused_, void *arg) {
        struct work *work = arg;

        if (work->leaf)
                run_leaf_ready(work->leaf);
}

static void on_end(struct loop_timer *timer _unused_, void *arg) {
        struct work *work = arg;

        end(work, work->leaf ? error_of(work) : ERROR_NONE, false, work->task->script.exit_code);
}

static void on_stopped(struct loop_timer *timer _unused_, void *arg) {
        struct work *work = arg;
        const struct fake_script *script = &work->task->script;

        switch (script->stop) {
        case FAKE_STOP_OK: end(work, ERROR_NONE, false, 0); break;
        case FAKE_STOP_FAILS: end(work, script->stop_error, false, 1); break;
        default: end(work, ERROR_SIGNAL, true, 143); break;
        }
}

static void arm(struct loop_timer *timer, usec_t after_usec) {
        loop_timer_set(timer, usec_add(clock_now(CLOCK_ID_MONOTONIC), after_usec));
}

static int timers_init(struct work *work, struct loop *loop) {
        const struct {
                struct loop_timer *timer;
                loop_timer_fn fn;
        } timers[] = {
                { &work->started, on_started },
                { &work->ready, on_ready },
                { &work->end, on_end },
                { &work->stopped, on_stopped },
        };
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
                r = loop_timer_init(timers[i].timer, loop, CLOCK_ID_MONOTONIC, "fake-leaf", timers[i].fn, work);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* ---- ops ---- */

static struct loop *loop_of_tests;

void fake_leaf_set_loop(struct loop *loop) {
        loop_of_tests = loop;
}

static int leaf_start(struct run *leaf) {
        const struct fake_task *task = CONTAINER_OF(run_get_spec(leaf), struct fake_task, spec);
        struct work *work;

        init();
        if (fake.start_check)
                fake.start_check(leaf);
        fake.n_started++;
        if (task->script.start_error < 0)
                return task->script.start_error;
        work = calloc(1, sizeof(*work));
        if (!work)
                return -ENOMEM;
        fake.n++;
        fake.n_max = MAX(fake.n_max, fake.n);
        work->leaf = leaf;
        work->task = task;
        (void)run_name(leaf, work->name);
        list_append(&fake.works, &work->link);
        if (timers_init(work, loop_of_tests) < 0) {
                work_free(work);
                return -ENOMEM;
        }
        trace('+', task->spec.name);
        run_leaf_set_data(leaf, work);
        arm(&work->started, task->script.started_after_usec);
        arm(&work->ready, task->script.ready_after_usec);
        arm(&work->end, task->script.ends_after_usec);
        return 0;
}

static void leaf_ask_stop(struct run *leaf) {
        struct work *work = run_leaf_data(leaf);

        trace('-', work->task->spec.name);
        if (work->task->script.stop != FAKE_STOP_IGNORE)
                arm(&work->stopped, work->task->script.stops_after_usec);
}

static void leaf_force_end(struct run *leaf) {
        struct work *work = run_leaf_data(leaf);

        trace('!', work->task->spec.name);
        if (work->task->script.tidies_usec > 0)
                run_leaf_tidies(leaf, work->task->script.tidies_usec);
        if (!work->task->script.ignores_force)
                end(work, ERROR_SIGNAL, true, 137);
}

static void leaf_poll(struct run *leaf) {
        struct work *work = run_leaf_data(leaf);

        trace('?', work->task->spec.name);
        if (work->task->script.output_when_polled)
                run_leaf_output(leaf);
        if (work->done_when_polled || work->task->script.done_when_polled)
                end(work, error_of(work), false, work->task->script.exit_code);
}

static void leaf_let_go(struct run *leaf, struct remnant *remnant) {
        struct work *work = run_leaf_data(leaf);

        trace('~', work->task->spec.name);
        work->leaf = NULL;
        work->remnant = remnant;
}

static void leaf_release(void *data) {
        struct work *work = data;

        trace('.', work->task->spec.name);
        work_free(work);
}

const struct leaf_ops fake_leaf_ops = {
        .name = "fake",
        .start = leaf_start,
        .stop = leaf_ask_stop,
        .force = leaf_force_end,
        .poll = leaf_poll,
        .release = leaf_release,
};

const struct leaf_ops fake_process_ops = {
        .name = "fake-process",
        .start = leaf_start,
        .stop = leaf_ask_stop,
        .force = leaf_force_end,
        .poll = leaf_poll,
        .abandon = leaf_let_go,
        .abandon_after_usec = 5 * USEC_PER_SEC,
        .abandoned_is_unkillable = true,
        .release = leaf_release,
};

const struct leaf_ops fake_thread_ops = {
        .name = "fake-thread",
        .start = leaf_start,
        .force = leaf_force_end,
        .poll = leaf_poll,
        .abandon = leaf_let_go,
        .release = leaf_release,
};

const struct leaf_ops fake_blunt_ops = {
        .name = "fake-blunt",
        .start = leaf_start,
        .force = leaf_force_end,
        .release = leaf_release,
};

/* ---- from the test ---- */

struct run *fake_leaf_find(const char *name) {
        struct work *work = work_find(name);

        return work ? work->leaf : NULL;
}

void fake_leaf_end(const char *name, enum error_kind error) {
        end(work_get(name), error, false, 0);
}

void fake_leaf_ready(const char *name) {
        run_leaf_ready(work_get(name)->leaf);
}

void fake_leaf_done_when_polled(const char *name) {
        work_get(name)->done_when_polled = true;
}

void fake_remnant_gone(const char *name) {
        end(work_get(name), ERROR_NONE, false, 0);
}

void fake_remnant_end(struct remnant *remnant) {
        struct work *work;

        list_for_each_entry(work, &fake.works, link) {
                if (work->remnant != remnant)
                        continue;
                end(work, ERROR_NONE, false, 0);
                return;
        }
}

unsigned fake_leaf_count(void) {
        return fake.n;
}

unsigned fake_leaf_started(void) {
        return fake.n_started;
}

unsigned fake_leaf_max(void) {
        return fake.n_max;
}

void fake_leaf_set_start_check(void (*fn)(const struct run *leaf)) {
        fake.start_check = fn;
}

/* ---- items ---- */

struct source {
        struct run *fanout;
        struct fake_items *items;
        struct loop_work work;
        size_t wanted;
        size_t pushed;
        bool ended;
};

static void on_items(struct loop_work *loop_work _unused_, void *arg) {
        struct source *source = arg;
        struct fake_items *items = source->items;
        size_t n = items->comes_n > 0 ? MIN(items->comes_n, source->wanted) : source->wanted;
        char text[32];

        while (n-- > 0 && source->pushed < items->n) {
                int length = snprintf(text, sizeof(text), "thing %zu", ++source->pushed);

                source->wanted--;
                items->pushed = source->pushed;
                if (items->bad_each > 0 && source->pushed % items->bad_each == 0)
                        fanout_push_bad(source->fanout, text, ERROR_TOO_BIG, "the line is longer than 64 KiB");
                else
                        fanout_push(source->fanout, text, (size_t)length);
        }
        if (source->pushed < items->n) {
                if (source->wanted > 0)
                        loop_work_schedule(&source->work);
        } else if (!source->ended) {
                source->ended = true;
                fanout_end(source->fanout, items->end, "the list could not be read to its end");
        }
}

static int items_open(struct run *fanout, void **ret) {
        struct fake_task *task = CONTAINER_OF(run_get_spec(fanout), struct fake_task, spec);
        struct source *source;

        if (task->items.open_error < 0)
                return task->items.open_error;
        source = calloc(1, sizeof(*source));
        if (!source)
                return -ENOMEM;
        source->fanout = fanout;
        source->items = &task->items;
        source->items->pushed = 0;
        source->items->opened++;
        loop_work_init(&source->work, loop_of_tests, "fake-items", on_items, source);
        *ret = source;
        return 0;
}

static void items_want(void *arg, size_t n) {
        struct source *source = arg;

        source->wanted += n;
        source->items->wanted += n;
        source->items->outstanding_max = MAX(source->items->outstanding_max, source->wanted);
        if (!source->items->silent)
                loop_work_schedule(&source->work);
}

static void items_close(void *arg) {
        struct source *source = arg;

        source->items->closed++;
        loop_work_cancel(&source->work);
        free(source);
}

const struct item_source_ops fake_item_ops = {
        .open = items_open,
        .want = items_want,
        .close = items_close,
};
