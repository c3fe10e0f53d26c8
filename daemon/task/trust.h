/* SPDX-License-Identifier: MIT */
#pragma once
/* trust: the certificates that peers are verified against, shared by all tasks.
 *
 * Reading those of the system takes tens of milliseconds, so it is done on a thread, and kept. Everything here is called
 * on the loop thread.
 */
#include "loop/stream.h"

struct trust;

/* Returns 0 or -ENOMEM. */
int trust_new(struct trust **ret);
struct trust *trust_free(struct trust *trust);
DEFINE_CLEANUP(struct trust, trust_free)

/* The certificates in @ca_file (NULL: the system's), if they were read lately. NULL: whoever asks reads them, with
 * stream_tls_new() on a thread, and hands them to trust_put(). Borrowed until the callback at hand returns. */
struct stream_tls *trust_get(struct trust *trust, const char *ca_file);

/* Takes over @tls, which was read from @ca_file. Returns the one to use, borrowed like that of trust_get(): another, when
 * that was read meanwhile. NULL: out of memory. */
struct stream_tls *trust_put(struct trust *trust, const char *ca_file, struct stream_tls *tls);

/* What stream_tls_new() meant by -@error, about the file. */
const char *trust_error(int error);
