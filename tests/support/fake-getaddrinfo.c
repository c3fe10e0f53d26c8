/* SPDX-License-Identifier: MIT */
/* fake-getaddrinfo: name resolution that a test scripts. */
#include "support/fake-getaddrinfo.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>

#define NAMES_MAX 16

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
        char name[64];
        char addresses[256];
        int error;
} names[NAMES_MAX];
static unsigned n_names, n_calls, n_stalled;
static bool stalling;

void fake_getaddrinfo_reset(void) {
        pthread_mutex_lock(&mutex);
        n_names = n_calls = 0;
        stalling = false;
        pthread_mutex_unlock(&mutex);
}

void fake_getaddrinfo_add(const char *name, const char *addresses, int error) {
        pthread_mutex_lock(&mutex);
        if (n_names < NAMES_MAX) {
                (void)snprintf(names[n_names].name, sizeof(names[0].name), "%s", name);
                (void)snprintf(names[n_names].addresses, sizeof(names[0].addresses), "%s", addresses ?: "");
                names[n_names++].error = error;
        }
        pthread_mutex_unlock(&mutex);
}

void fake_getaddrinfo_stall(void) {
        pthread_mutex_lock(&mutex);
        stalling = true;
        pthread_mutex_unlock(&mutex);
}

void fake_getaddrinfo_release(void) {
        pthread_mutex_lock(&mutex);
        stalling = false;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&mutex);
}

void fake_getaddrinfo_wait_stalled(unsigned n) {
        pthread_mutex_lock(&mutex);
        while (n_stalled < n)
                pthread_cond_wait(&changed, &mutex);
        pthread_mutex_unlock(&mutex);
}

unsigned fake_getaddrinfo_calls(void) {
        unsigned n;

        pthread_mutex_lock(&mutex);
        n = n_calls;
        pthread_mutex_unlock(&mutex);
        return n;
}

static struct addrinfo *make(const char *address, int socktype) {
        struct {
                struct addrinfo info;
                struct sockaddr_storage address;
        } *entry = calloc(1, sizeof(*entry));
        struct sockaddr_in *in;
        struct sockaddr_in6 *in6;

        if (!entry)
                return NULL;
        in = (struct sockaddr_in *)&entry->address;
        in6 = (struct sockaddr_in6 *)&entry->address;
        if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                entry->info.ai_addrlen = sizeof(*in);
        } else {
                memset(&entry->address, 0, sizeof(entry->address));
                in6->sin6_family = AF_INET6;
                (void)inet_pton(AF_INET6, address, &in6->sin6_addr);
                entry->info.ai_addrlen = sizeof(*in6);
        }
        entry->info.ai_family = entry->address.ss_family;
        entry->info.ai_socktype = socktype;
        entry->info.ai_addr = (struct sockaddr *)&entry->address;
        return &entry->info;
}

int getaddrinfo(const char *name, const char *service _unused_, const struct addrinfo *hints, struct addrinfo **ret) {
        struct addrinfo **last = ret;
        int error = EAI_NONAME;
        char addresses[256] = "", *save = NULL;

        pthread_mutex_lock(&mutex);
        n_calls++;
        n_stalled++;
        pthread_cond_broadcast(&changed);
        while (stalling)
                pthread_cond_wait(&changed, &mutex);
        n_stalled--;
        for (unsigned i = 0; i < n_names; i++) {
                if (!streq(names[i].name, name))
                        continue;
                error = names[i].error;
                memcpy(addresses, names[i].addresses, sizeof(addresses));
        }
        pthread_mutex_unlock(&mutex);

        *ret = NULL;
        if (error != 0)
                return error;
        for (char *a = strtok_r(addresses, " ", &save); a; a = strtok_r(NULL, " ", &save)) {
                *last = make(a, hints ? hints->ai_socktype : 0);
                if (!*last)
                        return EAI_MEMORY;
                last = &(*last)->ai_next;
        }
        return *ret ? 0 : EAI_NONAME;
}

void freeaddrinfo(struct addrinfo *list) {
        while (list) {
                struct addrinfo *next = list->ai_next;

                free(list);
                list = next;
        }
}
