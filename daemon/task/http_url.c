/* SPDX-License-Identifier: MIT */
/* http_url: targets of URLs and rules of redirects.
 *
 * Nearly every URL is `http[s]://name[:port][/…]`, and a fan-out parses one for each item: this form is recognised here
 * by a strict scan. Whatever else a URL may contain (user names, brackets, escapes, numbers that stand for addresses) is
 * left to libcurl's parser, so that both read it the same way.
 */
#include "task/http_url.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <stdio.h>

static bool is_literal(const char *host) {
        unsigned char address[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* libcurl reads a host whose last label is a number as an address, in any of the forms of inet_aton(3). */
static bool may_be_number(const char *host) {
        const char *dot = strrchr(host, '.');

        return isdigit((unsigned char)(dot ? dot[1] : host[0]));
}

static const char *scan_scheme(const char *url, bool *ret_tls) {
        if (strncasecmp(url, "http://", 7) == 0) {
                *ret_tls = false;
                return url + 7;
        }
        if (strncasecmp(url, "https://", 8) == 0) {
                *ret_tls = true;
                return url + 8;
        }
        return NULL;
}

/* ":port" or nothing, up to where the authority ends. NULL: not of the simple form. */
static const char *scan_port(const char *s, unsigned *port) {
        unsigned value = 0;

        if (*s != ':')
                return s;
        s++;
        if (!isdigit((unsigned char)*s))
                return NULL;
        for (; isdigit((unsigned char)*s); s++) {
                value = value * 10 + (unsigned)(*s - '0');
                if (value > UINT16_MAX)
                        return NULL;
        }
        *port = value;
        return s;
}

/* Returns false when the URL is not of the simple form, which says nothing about whether it is one. */
static bool scan(const char *url, struct http_target *ret) {
        const char *s;
        size_t n = 0;

        s = scan_scheme(url, &ret->tls);
        if (!s)
                return false;
        for (; isalnum((unsigned char)*s) || *s == '.' || *s == '-' || *s == '_'; s++) {
                if (n == HTTP_HOST_MAX)
                        return false;
                ret->host[n++] = (char)tolower((unsigned char)*s);
        }
        ret->host[n] = 0;
        if (n == 0)
                return false;

        ret->port = ret->tls ? 443 : 80;
        s = scan_port(s, &ret->port);
        if (!s || (*s && !strchr("/?#", *s)))
                return false;

        ret->literal = is_literal(ret->host);
        return ret->literal || !may_be_number(ret->host);
}

static void curl_url_cleanupp(CURLU **u) {
        curl_url_cleanup(*u);
}

static void curl_freep(char **s) {
        curl_free(*s);
}

static int parse_host(CURLU *u, struct http_target *ret) {
        _cleanup_(curl_freep) char *host = NULL;
        char *s;
        size_t n;

        if (curl_url_get(u, CURLUPART_HOST, &host, CURLU_URLDECODE) != CURLUE_OK)
                return -EINVAL;
        s = host;
        n = strlen(s);
        if (n > 2 && s[0] == '[' && s[n - 1] == ']') {
                s[n - 1] = 0;
                s++;
                n -= 2;
        }
        if (n == 0 || n > HTTP_HOST_MAX)
                return -EINVAL;
        for (size_t i = 0; i <= n; i++) {
                unsigned char c = (unsigned char)s[i];

                if (i < n && (c <= ' ' || c >= 0x7f))
                        return -EINVAL;
                ret->host[i] = (char)tolower(c);
        }
        ret->literal = is_literal(ret->host);
        return 0;
}

static int parse(const char *url, struct http_target *ret) {
        _cleanup_(curl_url_cleanupp) CURLU *u = NULL;
        _cleanup_(curl_freep) char *scheme = NULL, *port = NULL;

        u = curl_url();
        if (!u)
                return -ENOMEM;
        if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
                return -EINVAL;
        ret->tls = streq(scheme, "https");
        if (!ret->tls && !streq(scheme, "http"))
                return -EPROTONOSUPPORT;
        if (curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
                return -EINVAL;
        ret->port = (unsigned)strtoul(port, NULL, 10);
        return parse_host(u, ret);
}

int http_target_parse(const char *url, struct http_target *ret) {
        struct http_target target;
        int r;

        if (!scan(url, &target)) {
                r = parse(url, &target);
                if (r < 0)
                        return r;
        }
        *ret = target;
        return 0;
}

int http_proxy_parse(const char *proxy, struct http_target *ret) {
        _cleanup_(curl_url_cleanupp) CURLU *u = NULL;
        _cleanup_(curl_freep) char *port = NULL;
        _cleanup_(freep) char *url = NULL;

        if (asprintf(&url, "%s%s", strstr(proxy, "://") ? "" : "http://", proxy) < 0)
                return -ENOMEM;
        u = curl_url();
        if (!u)
                return -ENOMEM;
        if (curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_PORT, &port, 0) != CURLUE_OK)
                return -EINVAL;
        return http_target_parse(url, ret);
}

bool http_target_same_origin(const struct http_target *a, const struct http_target *b) {
        return a->tls == b->tls && a->port == b->port && streq(a->host, b->host);
}

enum http_redirect http_redirect_of(unsigned status, const char *method) {
        switch (status) {
        case 301:
        case 302: return streq(method, "POST") ? HTTP_REDIRECT_GET : HTTP_REDIRECT_SAME;
        case 303: return streq(method, "HEAD") ? HTTP_REDIRECT_SAME : HTTP_REDIRECT_GET;
        case 307:
        case 308: return HTTP_REDIRECT_SAME;
        default: return HTTP_REDIRECT_NONE;
        }
}

const char *http_url_shown(const char *url, char *buf, size_t size) {
        char *end;

        (void)text_hide_userinfo(url, buf, size);
        end = strstr(buf, "://");
        end = end ? end + 3 : buf;
        end += strcspn(end, "/?#");
        if (*end && end[1])
                (void)snprintf(end, size - (size_t)(end - buf), "/...");
        return buf;
}

char *http_redirect_url(const char *location) {
        char *url, *to;

        url = to = malloc(3 * strlen(location) + 1);
        if (!url)
                return NULL;
        for (; *location; location++)
                to = *location == ' ' ? stpcpy(to, "%20") : stpncpy(to, location, 1);
        *to = 0;
        return url;
}

static bool has_name(const char *line, const char *const *names, size_t n) {
        for (size_t i = 0; i < n; i++) {
                size_t length = strlen(names[i]);

                if (strncasecmp(line, names[i], length) == 0 && (line[length] == ':' || line[length] == ';'))
                        return true;
        }
        return false;
}

bool http_redirect_keeps_header(const char *line, bool has_body, bool same_origin) {
        static const char *const always[] = { "Host" };
        static const char *const of_body[] = {
                "Content-Type",     "Content-Length",    "Content-Encoding", "Content-Language",
                "Content-Location", "Transfer-Encoding", "Digest",           "Last-Modified",
        };
        static const char *const credentials[] = { "Authorization", "Proxy-Authorization", "Cookie" };

        if (has_name(line, always, ARRAY_SIZE(always)))
                return false;
        if (!has_body && has_name(line, of_body, ARRAY_SIZE(of_body)))
                return false;
        return same_origin || !has_name(line, credentials, ARRAY_SIZE(credentials));
}
