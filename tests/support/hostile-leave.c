/* SPDX-License-Identifier: MIT */
/* hostile-leave: those that leave their parents, their group, their session. */
#include "support/hostile-private.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

bool daemonize(void) {
        int pair[2];
        char c;

        if (pipe(pair) < 0)
                _exit(113);
        if (fork_or_die() > 0) {
                (void)close(pair[1]);
                (void)!read(pair[0], &c, 1);
                (void)wait(NULL);
                return false;
        }
        (void)setsid();
        if (fork_or_die() > 0)
                _exit(0);
        mute();
        while (getsid(0) == getppid()) /* until the intermediate one has gone */
                (void)sched_yield();
        (void)close(pair[0]);
        (void)close(pair[1]);
        return true;
}

/* Leaves a daemon and ends. */
void orphan(void) {
        if (daemonize())
                stay();
        say("ready\n");
        _exit(0);
}

/* Leaves a daemon and stays. */
void escape(void) {
        if (daemonize())
                stay();
        mute();
        say("ready\n");
        stay();
}

/* Leaves a daemon that nothing but its cgroup tells from others. */
void bare_orphan(void) {
        if (daemonize())
                become("deaf");
        say("ready\n");
        _exit(0);
}

/* The same, but its parent lives. */
void bare_child(void) {
        if (fork_or_die() == 0) {
                (void)setsid();
                become("deaf"); /* says that it is ready */
        }
        mute();
        stay();
}

/* As the library makes daemons. */
void daemon3(void) {
        if (fork_or_die() == 0) {
                if (daemon(1, 1) < 0)
                        _exit(117);
                (void)alarm(60);
                mute();
                say("ready\n");
                stay();
        }
        stay();
}

/* Ends at once; what stays ends when its stdin does. */
void linger(void) {
        char c;

        if (fork_or_die() > 0) {
                say("ready\n");
                _exit(0);
        }
        mute();
        while (read(STDIN_FILENO, &c, 1) > 0)
                ;
        _exit(0);
}

/* A child with a group of its own, one with a session of its own. */
void regroup(void) {
        int pair[2];
        char c;

        if (pipe(pair) < 0)
                _exit(113);
        for (int i = 0; i < 2; i++)
                if (fork_or_die() == 0) {
                        (void)(i == 0 ? setpgid(0, 0) : (int)setsid());
                        (void)!write(pair[1], "x", 1);
                        stay();
                }
        for (int i = 0; i < 2; i++)
                (void)!read(pair[0], &c, 1);
        say("ready\n");
        stay();
}

/* Children that are in another group each time somebody looks. */
void hop(void) {
        pid_t leader = getpid();

        mute();
        for (int i = 0; i < 3; i++)
                if (fork_or_die() == 0)
                        for (;;) {
                                (void)setpgid(0, 0);
                                (void)sched_yield();
                                (void)setpgid(0, leader);
                                (void)sched_yield();
                        }
        say("ready\n");
        stay();
}

/* Adopts the daemons of its own, and never waits for them. */
void subreaper(void) {
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1L);
        for (int i = 0; i < 3; i++)
                if (daemonize())
                        stay();
        mute();
        say("ready\n");
        stay();
}

/* The first process of a pid namespace, which the kernel lets ignore more than others, and a child of that. */
void namespace(void) {
        mute();
        (void)unshare(CLONE_NEWPID); /* root may */
        if (fork_or_die() == 0) {
                mute();
                if (fork_or_die() == 0)
                        say("ready\n");
                stay();
        }
        stay();
}

/* A process that the main process makes its sibling: a child of the daemon that the daemon did not spawn. */
void sibling(void) {
        int pair[2];
        char c;

        if (pipe(pair) < 0)
                _exit(113);
        if (syscall(SYS_clone, (unsigned long)CLONE_PARENT | SIGCHLD, 0L, 0L, 0L, 0L) == 0) {
                (void)alarm(60);
                mute();
                (void)!write(pair[1], "x", 1);
                stay();
        }
        (void)!read(pair[0], &c, 1); /* who ends by a signal is one whom nobody reaps */
        say("ready\n");
        _exit(0);
}
