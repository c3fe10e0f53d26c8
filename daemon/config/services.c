/* SPDX-License-Identifier: MIT */
/* services: which tasks are services, and what follows from that.
 *
 * What makes a task a service is its `restart` alone, and that is known only once its defaults sections have been read,
 * too. Until then whoever has a key of services has a service_part. Then it stays or goes: keys of services that come
 * from defaults sections are passed over when the task is none, and keys of jobs when it is one, as keys for other kinds
 * are.
 */
#include "base/text.h"
#include "config/load.h"
#include "task/kind.h"

/* What a service cannot have, by the key. */
static const struct {
        const char *key;
        const char *why;
} not_for_services[] = {
        { "retries",
          "means nothing for a service (restart, restart-delay and restart-limit say what follows a failure)" },
        { "for-each", "is not for services: it has an end (instances makes several)" },
        { "total-timeout", "is not for services: it would end for good (timeout bounds each attempt)" },
};

static const struct key *find_row(const struct load *load, const char *name) {
        size_t n;

        return *load_find_rows(load, SECTION_TASK, name, &n);
}

static void forget(struct task *task, const struct key *key) {
        size_t n = key_number(KEY_SECTION_TASK, key);

        task->written[n / 64] &= ~(UINT64_C(1) << n % 64);
        task->secret[n / 64] &= ~(UINT64_C(1) << n % 64);
}

int load_service_begin(const struct load *load, struct task *task) {
        if (task->service)
                return 0;
        task->service = malloc(sizeof(*task->service));
        if (!task->service)
                return -ENOMEM;
        *task->service = load->service;
        return 0;
}

/* Keys for services in the section of a task that is none. */
static void tell_keys_of_service(struct load *load, const struct raw_section *section) {
        for (const struct raw_key *raw = section->keys; raw; raw = raw->next) {
                if (raw->rows && raw->rows[0]->flags & KEY_OF_SERVICE && !raw->bad && !streq(raw->name, "restart"))
                        load_tell_key(load, SEVERITY_ERROR, section, raw->name,
                                      "is for services (restart = always or on-failure makes it one)");
        }
}

static const char *const of_stale[] = { "stale-after", "on-stale" };

void load_check_stale(struct load *load, const struct raw_section *section, struct task *task) {
        for (size_t i = 0; i < ARRAY_SIZE(of_stale); i++) {
                if (raw_section_find(section, of_stale[i]))
                        load_tell_key(load, SEVERITY_ERROR, section, of_stale[i],
                                      "is not for what is meant to stay up: it is not ok before it ends (health looks "
                                      "after services)");
                forget(task, find_row(load, of_stale[i]));
        }
        task->stale_after_usec = USEC_INFINITY;
        hooks_done(&task->on_stale);
}

/* What defaults sections say for jobs does not concern a service. */
static void forget_keys_of_job(const struct load *load, struct task *task) {
        for (size_t i = 0; i < ARRAY_SIZE(not_for_services); i++)
                forget(task, find_row(load, not_for_services[i].key));
        task->run.retries = 0;
        task->run.bounds[BOUND_TOTAL_TIMEOUT] = USEC_INFINITY;
        free(task->for_each.argument);
        text_strv_free(task->for_each.words);
        task->for_each = (struct for_each){ .type = FOR_EACH_NONE };
}

void load_service_finish(struct load *load, const struct raw_section *section, struct task *task) {
        if (!task->service || task->service->spec.restart == RESTART_NO) {
                /* After a mistake in restart it is not known that it is none. */
                if (task_key_is_written(task, "restart") || !raw_section_may_have(section, "restart"))
                        tell_keys_of_service(load, section);
                for (size_t i = 0; i < ARRAY_SIZE(task->written); i++)
                        task->written[i] &= ~load->of_service[i];
                task->service = service_part_free(task->service);
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(not_for_services); i++) {
                if (raw_section_find(section, not_for_services[i].key))
                        load_tell_key(load, SEVERITY_ERROR, section, not_for_services[i].key, "%s",
                                      not_for_services[i].why);
        }
        forget_keys_of_job(load, task);
        load_check_stale(load, section, task);
        task->run.is_service = true;
        task->run.service = &task->service->spec;
}
