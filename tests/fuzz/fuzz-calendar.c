/* SPDX-License-Identifier: MIT */
/* fuzz-calendar: expressions, in zones whose clocks change. */
#include "support/calendar-invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        calendar_check_invariants(data, size, calendar_parse);
        return 0;
}
