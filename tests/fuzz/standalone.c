/* SPDX-License-Identifier: MIT */
/* standalone: drives a fuzz target without libFuzzer: with each file named, as it is, and then with so many random
 * changes of it. "standalone [-n CHANGES] [-s SEED] FILE..." */
#include "base/macros.h"

#include <stdio.h>

#define INPUT_MAX ((size_t)(1024 * 1024))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* xorshift64: the same changes for the same seed everywhere. */
static uint64_t next_random(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

/* Changes a few bytes, cuts the end off, or repeats a part. Returns the new size. */
static size_t change(uint8_t *data, size_t size, uint64_t *state) {
        for (uint64_t n = next_random(state) % 8; n > 0 && size > 0; n--)
                data[next_random(state) % size] = (uint8_t)next_random(state);
        if (next_random(state) % 4 == 0)
                size = next_random(state) % (size + 1);
        if (next_random(state) % 4 == 0 && size > 0 && size * 2 <= INPUT_MAX) {
                size_t part = next_random(state) % size;

                memcpy(data + size, data + part, size - part);
                size += size - part;
        }
        return size;
}

static int run_file(const char *path, unsigned long changes, uint64_t seed) {
        uint8_t *data = malloc(INPUT_MAX), *changed = malloc(INPUT_MAX);
        FILE *file = fopen(path, "re");
        size_t size;

        if (!file || !data || !changed) {
                perror(path);
                return 1;
        }
        size = fread(data, 1, INPUT_MAX, file);
        fclose(file);
        (void)LLVMFuzzerTestOneInput(data, size);
        for (unsigned long i = 0; i < changes; i++) {
                memcpy(changed, data, size);
                (void)LLVMFuzzerTestOneInput(changed, change(changed, size, &seed));
        }
        free(data);
        free(changed);
        return 0;
}

int main(int argc, char *argv[]) {
        unsigned long changes = 0;
        uint64_t seed = 1;
        int option, failed = 0;

        while ((option = getopt(argc, argv, "n:s:")) != -1) {
                if (option == 'n')
                        changes = strtoul(optarg, NULL, 10);
                else if (option == 's')
                        seed = strtoull(optarg, NULL, 10) | 1;
                else
                        return 2;
        }
        for (int i = optind; i < argc; i++)
                failed |= run_file(argv[i], changes, seed);
        return failed;
}
