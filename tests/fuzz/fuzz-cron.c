/* SPDX-License-Identifier: MIT */
/* fuzz-cron: lines of cron, in zones whose clocks change. */
#include "support/calendar-invariants.h"
#include "when/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        calendar_check_invariants(data, size, cron_parse);
        return 0;
}
