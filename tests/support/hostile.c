/* SPDX-License-Identifier: MIT */
/* hostile: every way of not going away that needs no privileges. */
#include "support/hostile.h"

#include "base/macros.h"
#include "support/notify-say.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

static void say(const char *word) {
        if (write(STDOUT_FILENO, word, strlen(word)) < 0)
                _exit(111);
}

/* Waits for ever. */
_noreturn_ static void stay(void) {
        for (;;)
                (void)pause();
}

static pid_t fork_or_die(void) {
        pid_t pid = fork();

        if (pid < 0)
                _exit(112);
        if (pid == 0)
                (void)alarm(60); /* not for ever, should the test that looks after us fail */
        return pid;
}

static void mute(void) {
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
}

/* A daemon of the old school; its parents return when it is one. */
static bool daemonize(void) {
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

static void deaf(void) {
        mute();
        say("ready\n");
        stay();
}

/* Leaves a daemon and ends. */
static void orphan(void) {
        if (daemonize())
                stay();
        say("ready\n");
        _exit(0);
}

/* Leaves a daemon and stays. */
static void escape(void) {
        if (daemonize())
                stay();
        mute();
        say("ready\n");
        stay();
}

/* Ends at once; what stays ends when its stdin does. */
static void linger(void) {
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

/* A population that renews itself as fast as it can: each process keeps two children. */
static void breed(void) {
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

static void stopped(void) {
        pid_t pid = fork_or_die();

        if (pid == 0) {
                (void)raise(SIGSTOP);
                stay();
        }
        (void)waitpid(pid, NULL, WUNTRACED);
        say("ready\n");
        stay();
}

/* A child with a group of its own, one with a session of its own. */
static void regroup(void) {
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

static void *fork_in_thread(_unused_ void *arg) {
        if (fork_or_die() == 0) {
                (void)setsid();
                mute();
                say("ready\n");
                stay();
        }
        stay();
}

/* A child of a thread that is not the first. */
static void threaded(void) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, fork_in_thread, NULL) != 0)
                _exit(114);
        stay();
}

/* A chain of processes, each the child of the one before. */
static void chain(void) {
        for (int i = 0; i < 150; i++)
                if (fork_or_die() > 0)
                        stay();
        mute();
        say("ready\n");
        stay();
}

/* Writes as fast as it can. */
static void flood(void) {
        static char block[65536];

        say("ready\n");
        memset(block, 'x', sizeof(block));
        for (size_t i = 99; i < sizeof(block); i += 100)
                block[i] = '\n';
        for (;;)
                if (write(STDOUT_FILENO, block, sizeof(block)) < 0)
                        _exit(0);
}

/* Says of itself what many would like to say, then that it is ready on stdout. */
static void speak(void) {
        const char *path = getenv("NOTIFY_SOCKET");

        if (!path || notify_say(path, "READY=1\nSTATUS=from the main process", -1) < 0)
                _exit(1);
        say("ready\n");
        for (;;)
                (void)pause();
}

/* The same by a grandchild, in a session of its own, that has ended before anybody can look at it. */
static void speak_and_go(void) {
        const char *path = getenv("NOTIFY_SOCKET");
        pid_t pid = fork();

        if (pid == 0) {
                (void)setsid();
                if (fork() == 0)
                        _exit(!path || notify_say(path, "STATUS=from one that is gone", -1) < 0);
                (void)wait(NULL);
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
        say("ready\n");
        for (;;)
                (void)pause();
}

static const struct {
        const char *name;
        void (*run)(void);
} modes[] = {
        { "deaf", deaf },   { "orphan", orphan },   { "escape", escape },   { "linger", linger },
        { "breed", breed }, { "stopped", stopped }, { "regroup", regroup }, { "threaded", threaded },
        { "chain", chain }, { "flood", flood },     { "speak", speak },     { "speak-and-go", speak_and_go },
};

void hostile_main(int argc, char *argv[]) {
        (void)alarm(60);
        for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(modes); i++)
                if (streq(argv[1], modes[i].name))
                        modes[i].run();
        fprintf(stderr, "no such mode\n");
        _exit(110);
}
