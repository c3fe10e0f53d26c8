/* SPDX-License-Identifier: MIT */
#pragma once
/* http-peer: a web server for tests, on loopback, that also misbehaves on demand. Each connection has a thread.
 *
 *   /ok              200, "hello", keeps the connection
 *   /held            the same, once http_peer_release() was called
 *   /echo            200, the request as it came
 *   /status/N        N, no body, no phrase
 *   /to/N/URL        N with Location: URL
 *   /bytes/N         200, N bytes x
 *   /silence         nothing, until the client leaves
 *   /close           closes without a byte
 *   /reset           resets the connection
 *   /garbage         what is not HTTP
 *   /partial         less than Content-Length says
 *   /headers         header lines for ever
 *   /line            one header line for ever
 *   /endless         a body for ever
 *   /continue        100 Continue for ever
 *   /chunks          two chunks of 100 bytes, and ten bytes more once http_peer_release() was called
 *   /dropped         the same as /ok, but a connection that was used before is closed without a byte
 *   /bad-chunk       a chunk without a length
 */

struct http_peer;

struct http_peer *http_peer_start(void);
void http_peer_stop(struct http_peer *peer); /* waits for its threads */
void http_peer_release(struct http_peer *peer);
unsigned http_peer_port(const struct http_peer *peer);
unsigned http_peer_connections(const struct http_peer *peer); /* accepted so far */
unsigned http_peer_requests(const struct http_peer *peer);
