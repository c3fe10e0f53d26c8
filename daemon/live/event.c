/* SPDX-License-Identifier: MIT */
/* event: how events are logged. */
#include "live/event.h"

#include "base/text.h"

#include <stdio.h>

int event_level(const struct event *event) {
        if (!event->result)
                return event->error != ERROR_NONE ? MIN(event_id_level(event->id), LOG_WARNING)
                                                  : event_id_level(event->id);
        if (event->id != EVENT_RUN_DONE)
                return event_id_level(event->id);
        if (outcome_is_failure(event->result->outcome))
                return LOG_ERR;
        return event->result->outcome == OUTCOME_OK ? LOG_INFO : LOG_NOTICE;
}

/* "failed after 1.2s: exit: status 3", "ok after 20ms, 3 attempts" */
static void describe_result(const struct result *result, char *buf, size_t size) {
        const char *detail = result_detail(result);
        enum error_kind error = result_error(result);
        char duration[TEXT_USEC_MAX], attempts[32] = "";

        if (result->attempts > 1)
                (void)snprintf(attempts, sizeof(attempts), ", %u attempts", result->attempts);
        (void)snprintf(buf, size, "%s after %s%s%s%s%s%s%s%s", outcome_to_string(result->outcome),
                       text_format_usec(result->duration_usec, duration), attempts, error != ERROR_NONE ? ": " : "",
                       error != ERROR_NONE ? error_kind_to_string(error) : "", *detail ? ": " : "", detail,
                       result->cancelled_by ? "; by " : "", result->cancelled_by ? result->cancelled_by : "");
}

void event_log(const struct event *event) {
        const struct result *result = event->result;
        struct log_context context = {
                .task = event->task,
                .run = event->run,
                .event = event->id,
                .place = event->place,
        };
        char text[1024];

        if (event->error != ERROR_NONE)
                context.error = error_kind_to_string(event->error);
        if (result) {
                context.outcome = outcome_to_string(result->outcome);
                if (result_error(result) != ERROR_NONE)
                        context.error = error_kind_to_string(result_error(result));
                context.duration_usec = result->duration_usec;
        }
        if (!event->text && result)
                describe_result(result, text, sizeof(text));
        else
                (void)snprintf(text, sizeof(text), "%s", event->text ? event->text : event_id_to_string(event->id));
        log_record(event_level(event), &context, "%s", text);
}
