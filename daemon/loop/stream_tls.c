/* SPDX-License-Identifier: MIT */
/* stream_tls: TLS for streams, by OpenSSL.
 *
 * The peer must show a certificate that the trust store vouches for, for the very name or address that was asked for. An
 * anchor need not be a root: who names a certificate trusts it.
 * That a peer closes without saying goodbye is taken as its end, as many do.
 */
#include "loop/stream_private.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

struct stream_tls {
        atomic_uint n_ref;
        uint64_t id;
        SSL_CTX *ctx;
};

static int trust_file(SSL_CTX *ctx, const char *path) {
        struct stat st;
        int ok;

        if (stat(path, &st) < 0)
                return -errno;
        ok = S_ISREG(st.st_mode) && SSL_CTX_load_verify_locations(ctx, path, NULL) == 1;
        ERR_clear_error();
        return ok ? 0 : -EINVAL;
}

/* OpenSSL's own places are empty where only its library is installed. */
static int trust_system(SSL_CTX *ctx) {
        static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                               "/etc/ssl/ca-bundle.pem" };
        int ok = SSL_CTX_set_default_verify_paths(ctx);

        ERR_clear_error();
        for (size_t i = 0; i < ARRAY_SIZE(bundles); i++) {
                if (sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx))) > 0)
                        break;
                (void)trust_file(ctx, bundles[i]);
        }
        return ok == 1 ? 0 : -ENOMEM;
}

int stream_tls_new(const char *ca_file, struct stream_tls **ret) {
        _cleanup_(stream_tls_unrefp) struct stream_tls *tls = NULL;
        int r;

        tls = calloc(1, sizeof(*tls));
        if (!tls)
                return -ENOMEM;
        atomic_init(&tls->n_ref, 1);
        if (getrandom(&tls->id, sizeof(tls->id), 0) < 0)
                return -errno;
        tls->ctx = SSL_CTX_new(TLS_client_method());
        if (!tls->ctx)
                return -ENOMEM;
        (void)SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
        SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
        (void)SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS); /* thousands of connections wait at a time */
#ifdef SSL_OP_IGNORE_UNEXPECTED_EOF
        (void)SSL_CTX_set_options(tls->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
#endif
        (void)X509_STORE_set_flags(SSL_CTX_get_cert_store(tls->ctx), X509_V_FLAG_PARTIAL_CHAIN);
        r = ca_file ? trust_file(tls->ctx, ca_file) : trust_system(tls->ctx);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(tls);
        return 0;
}

struct stream_tls *stream_tls_ref(struct stream_tls *tls) {
        atomic_fetch_add(&tls->n_ref, 1);
        return tls;
}

struct stream_tls *stream_tls_unref(struct stream_tls *tls) {
        if (!tls || atomic_fetch_sub(&tls->n_ref, 1) > 1)
                return NULL;
        SSL_CTX_free(tls->ctx); /* counted: connections hold it too */
        free(tls);
        return NULL;
}

uint64_t stream_tls_id(const struct stream_tls *tls) {
        return tls->id;
}

void stream_tls_lend(struct stream_tls *tls, void *ssl_ctx) {
        SSL_CTX_set1_cert_store(ssl_ctx, SSL_CTX_get_cert_store(tls->ctx));
}

/* Addresses are looked for among the certificate's addresses, and are not sent as a server name. */
static bool expect_host(SSL *ssl, const char *host) {
        unsigned char address[sizeof(struct in6_addr)];

        if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;

        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

int stream_tls_session_new(struct stream_tls *tls, const char *host, struct ssl_st **ret) {
        SSL *ssl;

        ssl = SSL_new(tls->ctx);
        if (!ssl)
                return -ENOMEM;
        if (!expect_host(ssl, host)) {
                SSL_free(ssl);
                ERR_clear_error();
                return -EINVAL;
        }
        *ret = ssl;
        return 0;
}

struct ssl_st *stream_tls_session_free(struct ssl_st *session) {
        SSL_free(session);
        return NULL;
}

int stream_tls_wrap(struct ssl_st *session, struct loop *loop, int fd, int options, struct bufferevent **ret) {
        struct bufferevent *bev;

        bev = bufferevent_openssl_socket_new(loop_event_base(loop), fd, session, BUFFEREVENT_SSL_CONNECTING, options);
        if (!bev)
                return -ENOMEM;
        bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
        *ret = bev;
        return 0;
}

bool stream_tls_explain(struct bufferevent *bev, char *ret, size_t size) {
        long verified = SSL_get_verify_result(bufferevent_openssl_get_ssl(bev));
        unsigned long error = bufferevent_get_openssl_error(bev);
        const char *reason;

        if (verified != X509_V_OK) {
                (void)snprintf(ret, size, "certificate: %s", X509_verify_cert_error_string(verified));
                return true;
        }
        if (error == 0)
                return false;
        reason = ERR_reason_error_string(error);
        (void)snprintf(ret, size, "TLS: %s", reason ? reason : "unknown error");
        return true;
}

int stream_tls_read(struct bufferevent *bev, struct evbuffer *input) {
        char chunk[4096];
        int n, total = 0;

        while ((n = SSL_read(bufferevent_openssl_get_ssl(bev), chunk, sizeof(chunk))) > 0) {
                total += n;
                if (evbuffer_add(input, chunk, (size_t)n) < 0 || total >= STREAM_INPUT_MAX)
                        break;
        }
        ERR_clear_error();
        return total > 0 ? total : -1;
}

void stream_tls_shutdown(struct bufferevent *bev) {
        (void)SSL_shutdown(bufferevent_openssl_get_ssl(bev));
        ERR_clear_error();
}
