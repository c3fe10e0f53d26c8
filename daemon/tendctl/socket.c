/* SPDX-License-Identifier: MIT */
/* socket: finds the daemon.
 *
 * A socket that was named is the only one tried: another daemon than the one meant must not answer. Else those places
 * are tried where a daemon listens that was not told otherwise; the last resort of a user without a runtime directory is
 * in /tmp, where anybody could have put a socket, so who answers there is looked at.
 */
#include "tendctl/client.h"
#include "tendctl/ctl.h"

#include <limits.h>
#include <stdio.h>

#define PLACES_MAX 2

struct place {
        char path[PATH_MAX];
        bool shared; /* others may write to its folder */
        int result;
};

static size_t find_places(const struct ctl *ctl, struct place places[PLACES_MAX]) {
        const char *named = ctl->socket ? ctl->socket : getenv("TENDD_SOCKET");
        const char *runtime = getenv("XDG_RUNTIME_DIR");
        size_t n = 0;

        if (named && *named) {
                (void)snprintf(places[0].path, sizeof(places[0].path), "%s", named);
                return 1;
        }
        if (runtime && *runtime == '/')
                (void)snprintf(places[n++].path, sizeof(places[0].path), "%s/tendd/control.sock", runtime);
        else if (geteuid() != 0) {
                places[n].shared = true;
                (void)snprintf(places[n++].path, sizeof(places[0].path), "/tmp/tendd-%u/control.sock",
                               (unsigned)geteuid());
        }
        (void)snprintf(places[n++].path, sizeof(places[0].path), "/run/tendd/control.sock");
        return n;
}

static int try_place(const struct place *place, struct client **ret) {
        _cleanup_(client_freep) struct client *client = NULL;
        uid_t uid;
        int r;

        r = client_connect(place->path, &client);
        if (r < 0)
                return r;
        if (place->shared) {
                r = client_peer(client, &uid, NULL);
                if (r < 0)
                        return r;
                if (uid != geteuid() && uid != 0)
                        return -EACCES;
        }
        *ret = TAKE_PTR(client);
        return 0;
}

/* Returns 0 when one of them answers, else what was wrong with the last. */
static int try_places(struct ctl *ctl, struct place *places, size_t n) {
        int r = -ENOENT;

        for (size_t i = 0; i < n && r < 0; i++)
                r = places[i].result = try_place(&places[i], &ctl->client);
        return r;
}

int ctl_connect_quietly(struct ctl *ctl) {
        struct place places[PLACES_MAX] = { 0 };

        return ctl->client ? 0 : try_places(ctl, places, find_places(ctl, places));
}

int ctl_connect(struct ctl *ctl) {
        struct place places[PLACES_MAX] = { 0 };
        size_t n = find_places(ctl, places);
        bool denied = false;

        if (try_places(ctl, places, n) == 0)
                return CTL_OK;
        for (size_t i = 0; i < n; i++)
                denied |= places[i].result == -EACCES || places[i].result == -EPERM;
        fprintf(stderr, "tendctl: %s; tried:\n", denied ? "denied" : "no daemon");
        for (size_t i = 0; i < n; i++)
                fprintf(stderr, "  %s: %s\n", places[i].path, strerror(-places[i].result));
        if (denied)
                fputs("Who may connect is set in the section [access] of the daemon's configuration, see tendd.ini(5).\n",
                      stderr);
        return denied ? CTL_DENIED : CTL_NO_DAEMON;
}
