/* SPDX-License-Identifier: MIT */
/* fuzz-http-head: whatever a client sends, more of it decides no more than once, and what comes of it is clean text. */
#include "loop/http_head.h"

#include <assert.h>
#include <ctype.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        int decided = 0;

        for (size_t n = 0; n <= MIN(size, (size_t)HTTP_HEAD_SIZE); n++) {
                /* A copy of just this size, so that reading behind it is seen. */
                char *copy = malloc(n + 1);
                struct http_head head;
                int r;

                if (!copy)
                        return 0;
                memcpy(copy, data, n);
                copy = realloc(copy, MAX(n, (size_t)1));
                r = http_head_parse(copy, n, &head);
                free(copy);
                assert(decided == 0 || r == decided);
                decided = r;
                if (r <= 0)
                        continue;
                assert(head.method == HTTP_OTHER || head.path[0] == '/');
                for (const char *c = head.path; *c; c++)
                        assert(isgraph((unsigned char)*c));
                assert(strlen(head.accept) < sizeof(head.accept));
                assert(http_accept_weight(head.accept, "text/plain") <= 1000);
        }
        return 0;
}
