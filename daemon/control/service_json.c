/* SPDX-License-Identifier: MIT */
/* service_json: services, and what runs say of themselves, as JSON; see run_json.h. */
#include "control/methods.h"
#include "control/run_json.h"
#include "live/outcome_json.h"

static json_t *stopped_by(const struct live_task *task, json_t **ret_usec) {
        usec_t at = 0;
        const char *by = live_task_stopped_by(task, &at);

        *ret_usec = by ? json_usec(at) : NULL;
        return by ? json_text(by) : NULL;
}

static json_t *restart_at(const struct run *run) {
        struct run_waiting waiting;

        run_get_waiting(run, &waiting);
        return waiting.why == WHY_RESTART ? json_usec(to_realtime(waiting.until_usec)) : NULL;
}

json_t *service_to_json(const struct live_task *task, const struct run *run) {
        json_t *at, *by = stopped_by(task, &at);
        unsigned attempts = run ? run_attempts(run) : 0;

        return json_pack("{s:s, s:b, s:i, s:o*, s:o*, s:o*}", "state",
                         run ? live_service_run_state(run) : live_task_state(task), "ready",
                         run ? (int)run_is_ready(run) : 0, "restarts", attempts > 0 ? (int)attempts - 1 : 0,
                         "restart_usec", run ? restart_at(run) : NULL, "stopped_by", by, "stopped_usec", at);
}

json_t *progress_to_json(const struct run *run) {
        uint64_t done, total;

        if (!run_get_progress(run, &done, &total))
                return NULL;
        return json_pack("{s:I, s:I}", "done", (json_int_t)MIN(done, (uint64_t)INT64_MAX), "total",
                         (json_int_t)MIN(total, (uint64_t)INT64_MAX));
}
