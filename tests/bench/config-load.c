/* SPDX-License-Identifier: MIT */
/* config-load: how long a configuration takes to load and to free, and how much of the heap it keeps. */
#include "config/config.h"
#include "config/diagnostics.h"

#include <malloc.h>
#include <stdio.h>

static size_t heap_in_use(void) {
        struct mallinfo2 info = mallinfo2();

        return info.uordblks + info.hblkhd;
}

static double seconds_since(usec_t usec) {
        return (double)usec_sub(clock_now(CLOCK_ID_MONOTONIC), usec) / (double)USEC_PER_SEC;
}

static void print_first(const struct diagnostics *diagnostics) {
        _cleanup_(freep) char *text = NULL;

        if (diagnostics->n > 0)
                text = diagnostic_format(diagnostics, diagnostics->items);
        if (text)
                fprintf(stderr, "%s\n", text);
}

int main(int argc, char *argv[]) {
        static const struct config_options options = { 0 };
        struct diagnostics diagnostics = { 0 };
        struct config *config = NULL;
        double load_seconds;
        size_t before, bytes, n_tasks;
        usec_t start_usec;
        int r;

        if (argc != 2) {
                fprintf(stderr, "usage: %s FILE\n", argv[0]);
                return 2;
        }
        before = heap_in_use();
        start_usec = clock_now(CLOCK_ID_MONOTONIC);
        r = config_load(argv[1], &options, &diagnostics, &config);
        load_seconds = seconds_since(start_usec);
        if (r < 0)
                print_first(&diagnostics);
        diagnostics_done(&diagnostics);
        if (r < 0) {
                fprintf(stderr, "%s: %s: %s\n", argv[0], argv[1], strerror(-r));
                return 1;
        }
        bytes = heap_in_use() - before;
        n_tasks = config->n_tasks;

        start_usec = clock_now(CLOCK_ID_MONOTONIC);
        config_unref(config);
        printf("{\"seconds\": %.6f, \"done\": %zu, \"failed\": 0, \"bytes\": %zu, \"free_seconds\": %.6f}\n",
               load_seconds, n_tasks, bytes, seconds_since(start_usec));
        return 0;
}
