/* SPDX-License-Identifier: MIT */
/* run-world: tasks at random, see run-world.h. */
#include "support/run-world.h"

#include <assert.h>
#include <stdio.h>

usec_t world_span(struct world *world, usec_t max) {
        usec_t span = random_below(&world->random, max + 1);

        return world_chance(world, 70) ? span / USEC_PER_SEC * USEC_PER_SEC : span;
}

static void draw_limits(struct world *world, struct limits *limits) {
        for (size_t i = 0; i < WORLD_LIMITS; i++) {
                struct limit_config config = { .permits = 1 + world_below(world, 4) };
                char name[8];
                int r;

                if (world_chance(world, 30))
                        config.max_waiting = 1 + world_below(world, 6);
                if (i == WORLD_LIMITS - 1) {
                        config.rate = 2;
                        config.rate_per_usec = USEC_PER_SEC;
                        config.burst = 1 + world_below(world, 3);
                }
                (void)snprintf(name, sizeof(name), "x%zu", i);
                r = limit_new(limits, name, &config, &world->limits[i]);
                assert(r == 0);
        }
}

static void draw_uses(struct world *world, struct world_task *task) {
        size_t n = world_below(world, 3), first = world_below(world, WORLD_LIMITS);

        for (size_t i = 0; i < n; i++) {
                struct limit *limit = world->limits[(first + i) % WORLD_LIMITS];
                unsigned permits = limit_get_config(limit)->permits;

                task->uses[i] = (struct limit_use){ limit, 1 };
                if (world_chance(world, 30))
                        task->uses[i].permits += world_below(world, permits);
        }
        task->task.spec.limits = task->uses;
        task->task.spec.n_limits = n;
}

static void draw_common(struct world *world, struct world_task *task) {
        struct run_spec *spec = &task->task.spec;

        if (world_chance(world, 30))
                spec->bounds[BOUND_TIMEOUT] = world_span(world, 20 * USEC_PER_SEC);
        if (world_chance(world, 30) && !spec->is_service)
                spec->bounds[BOUND_TOTAL_TIMEOUT] = world_span(world, 40 * USEC_PER_SEC);
        if (world_chance(world, 40))
                spec->bounds[BOUND_QUEUE_TIMEOUT] = world_span(world, 20 * USEC_PER_SEC);
        if (world_chance(world, 40) && !spec->is_service)
                spec->retries = world_below(world, 3);
        spec->retry_delay_min_usec = world_span(world, 3 * USEC_PER_SEC);
        spec->retry_delay_max_usec = 8 * USEC_PER_SEC;
        spec->grace_usec = world_span(world, 6 * USEC_PER_SEC);
        spec->priority = (int)world_below(world, 3);
        spec->drain = world_chance(world, 20);
        if (world_chance(world, 40)) {
                overlap_init(&task->overlap, 1 + world_below(world, 2));
                spec->overlap = &task->overlap;
        }
        draw_uses(world, task);
}

static void draw_script(struct world *world, struct fake_task *task) {
        static const struct leaf_ops *const ops[] = { &fake_leaf_ops, &fake_process_ops, &fake_thread_ops,
                                                      &fake_blunt_ops };
        struct fake_script *script = &task->script;

        task->spec.leaf = ops[world_below(world, ARRAY_SIZE(ops))];
        if (world_chance(world, 5))
                script->start_error = -ENOENT;
        if (world_chance(world, 20))
                script->started_after_usec = world_span(world, 3 * USEC_PER_SEC);
        if (world_chance(world, 75))
                script->ends_after_usec = world_span(world, 12 * USEC_PER_SEC);
        if (world_chance(world, 35))
                script->error = ERROR_EXIT;
        script->stop = (enum fake_stop)world_below(world, 4);
        script->stops_after_usec = world_span(world, 8 * USEC_PER_SEC);
        script->stop_error = ERROR_IO;
        script->ignores_force = task->spec.leaf->abandon && world_chance(world, 30);
        script->done_when_polled = world_chance(world, 10);
}

static void draw_service(struct world *world, struct world_task *task) {
        struct service_spec *service = &task->service;

        task->task.spec.is_service = true;
        task->task.spec.service = service;
        service->restart = (enum restart_policy)world_below(world, _RESTART_POLICY_MAX);
        service->restart_delay_min_usec = USEC_PER_MSEC + world_span(world, 2 * USEC_PER_SEC);
        service->restart_delay_max_usec = 8 * USEC_PER_SEC;
        service->restart_limit = world_below(world, 5);
        service->restart_limit_usec = world_chance(world, 10) ? USEC_INFINITY : world_span(world, USEC_PER_MINUTE);
        if (world_chance(world, 70))
                task->task.script.ready_after_usec = world_span(world, 4 * USEC_PER_SEC);
        if (world_chance(world, 40))
                task->task.spec.bounds[BOUND_START_TIMEOUT] = world_span(world, 6 * USEC_PER_SEC);
}

static void draw_leaf(struct world *world, struct world_task *task) {
        draw_script(world, &task->task);
        if (world_chance(world, 30))
                draw_service(world, task);
        if (world_chance(world, 20))
                task->task.spec.bounds[BOUND_IDLE_TIMEOUT] = world_span(world, 8 * USEC_PER_SEC);
        draw_common(world, task);
}

static void draw_fanout(struct world *world, struct world_task *task) {
        struct run_spec *spec = &task->task.spec;
        struct fake_items *items = &task->task.items;

        draw_script(world, &task->task);
        draw_common(world, task);
        spec->items = &fake_item_ops;
        spec->concurrency = 1 + world_below(world, 4);
        spec->items_may_fail = world_below(world, 4) * 10;
        spec->items_may_fail_percent = world_chance(world, 50);
        spec->cancel_on_item_failure = world_chance(world, 30);
        items->n = world_below(world, world_chance(world, 5) ? 200 : 15);
        items->bad_each = world_chance(world, 20) ? 1 + world_below(world, 5) : 0;
        items->comes_n = world_below(world, 3);
        items->open_error = world_chance(world, 3) ? -EACCES : 0;
        items->end = world_chance(world, 5) ? ERROR_IO : ERROR_NONE;
}

static void draw_members(struct world *world, size_t index, struct world_task *group) {
        struct run_spec *spec = &group->task.spec;
        size_t n_front = 0, first = world_below(world, (unsigned)index), n = 1 + world_below(world, WORLD_MEMBERS);

        for (size_t i = 0; i < n; i++) {
                struct run_member *member = &group->members[i];

                *member = (struct run_member){ .spec = &world->tasks[(first + i * 3) % index].task.spec };
                member->background = world_chance(world, 15);
                n_front += !member->background;
                member->after = group->after[i];
                for (unsigned k = 0; k < i && spec->policy != GROUP_FIRST; k++)
                        if (world_chance(world, 30))
                                group->after[i][member->n_after++] = k;
        }
        spec->members = group->members;
        spec->n_members = n;
        spec->quorum = 1 + world_below(world, (unsigned)MAX(n_front, (size_t)1));
}

static bool all_services(const struct run_spec *spec) {
        for (size_t i = 0; i < spec->n_members; i++)
                if (!spec->members[i].spec->is_service)
                        return false;
        return true;
}

static void draw_group(struct world *world, size_t index, struct world_task *task) {
        struct run_spec *spec = &task->task.spec;

        spec->is_group = true;
        spec->policy = (enum group_policy)world_below(world, _GROUP_POLICY_MAX);
        draw_members(world, index, task);
        spec->is_service = all_services(spec) && world_chance(world, 70);
        draw_common(world, task);
}

void world_init(struct world *world, struct limits *limits, uint64_t seed) {
        memset(world, 0, sizeof(*world));
        world->random = seed;
        draw_limits(world, limits);
        for (size_t i = 0; i < WORLD_TASKS; i++) {
                struct world_task *task = &world->tasks[i];

                (void)snprintf(task->name, sizeof(task->name), "t%zu", i);
                fake_task_init(&task->task, task->name);
                if (i < WORLD_LEAVES)
                        draw_leaf(world, task);
                else if (i < WORLD_LEAVES + WORLD_FANOUTS)
                        draw_fanout(world, task);
                else
                        draw_group(world, i, task);
        }
}

void world_done(struct world *world) {
        for (size_t i = 0; i < WORLD_LIMITS; i++)
                world->limits[i] = limit_unref(world->limits[i]);
}
