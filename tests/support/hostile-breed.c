/* SPDX-License-Identifier: MIT */
/* hostile-breed: those that are more whenever somebody looks. */
#include "support/hostile-private.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define BOMB_SIZE 200

static void *share(size_t size) {
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED)
                _exit(116);
        return memory;
}

/* A fork bomb, whose fuse is a number of processes. */
void bomb(void) {
        atomic_int *n = share(sizeof(*n));

        mute();
        for (;;) {
                int before = atomic_fetch_add(n, 1);

                if (before == BOMB_SIZE)
                        say("ready\n");
                if (before >= BOMB_SIZE)
                        stay();
                (void)fork_or_die();
        }
}

/* A population that renews itself as fast as it can: each process keeps two children. */
void breed(void) {
        mute();
        say("ready\n");
        for (;;) {
                for (int i = 0; i < 8; i++)
                        if (fork_or_die() == 0) {
                                if (fork_or_die() == 0)
                                        (void)setsid();
                                (void)usleep(20000);
                                _exit(0);
                        }
                while (waitpid(-1, NULL, 0) > 0)
                        ;
        }
}

/* A chain of processes, each the child of the one before. */
void chain(void) {
        for (int i = 0; i < 150; i++)
                if (fork_or_die() > 0)
                        stay();
        mute();
        say("ready\n");
        stay();
}

/* Whoever is found is the parent of one in another session, and ends. */
void reborn(void) {
        mute();
        say("ready\n");
        for (;;)
                if (fork_or_die() > 0)
                        _exit(0);
                else
                        (void)setsid();
}

static void multiply(_unused_ int signo) {
        for (int i = 0; i < 3; i++)
                if (fork_or_die() == 0) {
                        mute();
                        stay();
                }
}

/* Answers a signal with children. */
void spiteful(void) {
        struct sigaction action = { .sa_handler = multiply };

        (void)sigaction(SIGTERM, &action, NULL);
        (void)sigaction(SIGCONT, &action, NULL);
        say("ready\n");
        stay();
}

/* Waits until the other end is closed, and replaces who held it. */
static void watch_other(int mine, int other) {
        for (;;) {
                struct pollfd pollfd = { .fd = mine };
                int pair[2];

                (void)close(other);
                (void)poll(&pollfd, 1, -1);
                (void)close(mine);
                if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
                        _exit(113);
                mine = pair[fork_or_die() == 0];
                other = mine == pair[0] ? pair[1] : pair[0];
        }
}

/* Two, each of which sees the other end, and makes another one. */
void twins(void) {
        int pair[2], which;

        mute();
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
                _exit(113);
        which = fork_or_die() == 0;
        if (which == 0)
                say("ready\n");
        watch_other(pair[which], pair[!which]);
}
