/* SPDX-License-Identifier: MIT */
/* http_profile: how a task talks, and how that is told to an easy handle.
 *
 * A profile is given to a handle once, and the handle remembers its serial number. The strings of a profile are not
 * copied by libcurl where it can be avoided, so a handle may be left with pointers into a profile that is gone: they are
 * not looked at before the handle is added again, and by then it was set up anew, as serial numbers are never reused.
 *
 * libcurl would read the system's certificates on the loop, tens of milliseconds for each new connection. So it is told
 * to read none, and http_call_on_tls() gives each connection those of the profile. CURLOPT_CAPATH, from which libcurl
 * would look up more in a store that is replaced, is a label: connections are shared only between equal ones, so that
 * nobody gets a connection to a peer that another task trusts.
 *
 * A handle that sent a request twice, because the peer had ended a kept connection, is set up anew as well: libcurl
 * counts such repetitions over the handle's whole life, and fails every sixth of them.
 */
#include "task/http_internal.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

int http_headers_append(struct curl_slist **headers, const char *line) {
        struct curl_slist *longer;

        longer = curl_slist_append(*headers, line);
        if (!longer)
                return -ENOMEM;
        *headers = longer;
        return 0;
}

static bool has_user_agent(const char *const *lines) {
        for (; lines && *lines; lines++)
                if (strncasecmp(*lines, "User-Agent:", 11) == 0)
                        return true;
        return false;
}

int http_headers_new(const char *agent, const char *const *lines, struct curl_slist **ret) {
        struct curl_slist *headers = NULL;
        int r = 0;

        if (!has_user_agent(lines))
                r = http_headers_append(&headers, agent);
        for (; r == 0 && lines && *lines; lines++)
                r = http_headers_append(&headers, *lines);
        if (r < 0) {
                curl_slist_free_all(headers);
                return r;
        }
        *ret = headers;
        return 0;
}

static int copy_string(const char *s, char **ret) {
        if (!s)
                return 0;
        *ret = strdup(s);
        return *ret ? 0 : -ENOMEM;
}

static int copy_spec(const struct http_profile_spec *spec, struct http_profile *profile) {
        int r;

        r = copy_string(spec->method ?: spec->body ? "POST" : "GET", &profile->method);
        if (r < 0)
                return r;
        r = copy_string(spec->body, &profile->body);
        if (r < 0)
                return r;
        r = copy_string(spec->proxy, &profile->proxy);
        if (r < 0)
                return r;
        if (asprintf(&profile->agent, "User-Agent: %s", spec->user_agent ?: PACKAGE_NAME "/" PACKAGE_VERSION) < 0) {
                profile->agent = NULL;
                return -ENOMEM;
        }
        return http_headers_new(profile->agent, spec->headers, &profile->headers);
}

int http_profile_new(struct http_engine *engine, const struct http_profile_spec *spec, struct http_profile **ret) {
        _cleanup_(http_profile_freep) struct http_profile *profile = NULL;
        int r;

        profile = calloc(1, sizeof(*profile));
        if (!profile)
                return -ENOMEM;
        profile->engine = engine;
        profile->serial = ++engine->next_serial;
        profile->insecure = spec->insecure;
        profile->follow_redirects = spec->follow_redirects;
        profile->max_body = spec->max_body;
        if (spec->connect_timeout_usec != USEC_INFINITY)
                profile->connect_timeout_ms =
                        (long)MIN(MAX(spec->connect_timeout_usec / USEC_PER_MSEC, 1u), (usec_t)INT_MAX);
        r = copy_spec(spec, profile);
        if (r < 0)
                return r;
        if (profile->proxy) {
                r = http_proxy_parse(profile->proxy, &profile->proxy_target);
                if (r < 0)
                        return r == -ENOMEM ? r : -EINVAL;
        }
        *ret = TAKE_PTR(profile);
        return 0;
}

struct http_profile *http_profile_free(struct http_profile *profile) {
        if (!profile)
                return NULL;
        curl_slist_free_all(profile->headers);
        free(profile->method);
        free(profile->body);
        free(profile->agent);
        free(profile->proxy);
        stream_tls_unref(profile->trust);
        free(profile);
        return NULL;
}

void http_profile_set_trust(struct http_profile *profile, struct stream_tls *trust) {
        if (profile->trust == trust)
                return;
        stream_tls_unref(profile->trust);
        profile->trust = stream_tls_ref(trust);
        (void)snprintf(profile->trust_label, sizeof(profile->trust_label), "trust-%" PRIx64, stream_tls_id(trust));
        profile->serial = ++profile->engine->next_serial;
}

/* ---- an easy handle ---- */

/* What is the same for every call. */
static CURLcode apply_common(struct http_call *call) {
        CURL *easy = call->easy;
        CURLcode c = CURLE_OK;

        c |= curl_easy_setopt(easy, CURLOPT_PRIVATE, (char *)call);
        c |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_error);
        c |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        c |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
        c |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
        c |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        c |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        c |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_call_on_head);
        c |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, (void *)call);
        c |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_call_on_body);
        c |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)call);
        c |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, http_call_on_tls);
        c |= curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, (void *)call);
        c |= curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, http_call_on_request);
        c |= curl_easy_setopt(easy, CURLOPT_PREREQDATA, (void *)call);
        c |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_engine_open_socket);
        c |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, (void *)call->engine);
        c |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, http_engine_close_socket);
        c |= curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, (void *)call->engine);
        /* Addresses in writing are forgotten at once; pins (CURLOPT_RESOLVE) do not age, calls remove their own. */
        c |= curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
        c |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, http_call_on_resolve);
        c |= curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, (void *)call);
        return c;
}

static CURLcode apply_profile(CURL *easy, const struct http_profile *profile) {
        CURLcode c = CURLE_OK;

        /* Not NULL, which would let the environment decide. */
        c |= curl_easy_setopt(easy, CURLOPT_PROXY, profile->proxy ?: "");
        c |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
        c |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, profile->connect_timeout_ms ?: (long)INT_MAX);
        if (profile->insecure) {
                c |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
                c |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
        }
        c |= curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
        c |= curl_easy_setopt(easy, CURLOPT_CAPATH, profile->trust ? profile->trust_label : NULL);
        c |= curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
        c |= curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, profile->trust ? profile->trust_label : NULL);
        return c;
}

static CURLcode apply_message(CURL *easy, const char *method, const char *body, struct curl_slist *headers) {
        CURLcode c = CURLE_OK;

        c |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
        if (streq(method, "HEAD"))
                return c | curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        if (body || streq(method, "POST")) {
                c |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
                c |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body ?: "");
                c |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(body ? strlen(body) : 0));
        }
        if (!streq(method, body ? "POST" : "GET"))
                c |= curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
        return c;
}

int http_profile_apply(struct http_call *call) {
        struct http_profile *profile = call->profile;
        bool unchanged =
                call->headers == profile->headers && call->body == profile->body && call->method == profile->method;
        CURLcode c;

        if (unchanged && call->serial == profile->serial)
                return 0;

        /* Also forgets the pin's list; the pin itself stays with libcurl until it is removed by name. */
        call->serial = 0;
        curl_easy_reset(call->easy);
        c = apply_common(call);
        c |= apply_profile(call->easy, profile);
        c |= apply_message(call->easy, call->method, call->body, call->headers);
        if (c != CURLE_OK)
                return -ENOMEM;
        if (unchanged)
                call->serial = profile->serial;
        return 0;
}
