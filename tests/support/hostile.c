/* SPDX-License-Identifier: MIT */
/* hostile: every way of not going away; the table, and those that only talk. */
#include "support/hostile-private.h"
#include "support/notify-say.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

static char *mark;

void say(const char *word) {
        if (write(STDOUT_FILENO, word, strlen(word)) < 0)
                _exit(111);
}

void stay(void) {
        for (;;)
                (void)pause();
}

pid_t fork_or_die(void) {
        pid_t pid = fork();

        if (pid < 0)
                _exit(112);
        if (pid == 0)
                (void)alarm(60);
        return pid;
}

void mute(void) {
        (void)signal(SIGTERM, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        (void)signal(SIGINT, SIG_IGN);
}

void become(const char *mode) {
        char *const argv[] = { (char *)"hostile", (char *)"hostile", (char *)mode, mark, NULL };
        char *const env[] = { NULL };

        (void)execve("/proc/self/exe", argv, env);
        _exit(115);
}

/* Ignores whatever can be ignored. */
static void deaf(void) {
        for (int signo = 1; signo <= 64; signo++)
                if (signo != SIGALRM)
                        (void)signal(signo, SIG_IGN);
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

        if (path && notify_say(path, "READY=1\nSTATUS=from the main process", -1) < 0)
                _exit(1);
        say("ready\n");
        stay();
}

/* The same by a grandchild, in a session of its own, that has ended before anybody can look at it. */
static void speak_and_go(void) {
        const char *path = getenv("NOTIFY_SOCKET");
        pid_t pid = fork_or_die();

        if (pid == 0) {
                (void)setsid();
                if (fork_or_die() == 0)
                        _exit(path && notify_say(path, "STATUS=from one that is gone", -1) < 0);
                (void)wait(NULL);
                _exit(0);
        }
        (void)waitpid(pid, NULL, 0);
        say("ready\n");
        stay();
}

const struct hostile_mode hostile_modes[] = {
        { "deaf", deaf, 0 },
        { "flood", flood, 0 },
        { "speak", speak, 0 },
        { "speak-and-go", speak_and_go, 0 },

        { "bomb", bomb, 0 },
        { "breed", breed, 0 },
        { "chain", chain, 0 },
        { "reborn", reborn, HOSTILE_NEEDS_GROUP },
        { "spiteful", spiteful, 0 },
        { "twins", twins, 0 },

        { "bare-child", bare_child, HOSTILE_WHEN_READY },
        { "bare-orphan", bare_orphan, HOSTILE_ENDS | HOSTILE_NEEDS_GROUP },
        { "daemon3", daemon3, 0 },
        { "escape", escape, 0 },
        { "hop", hop, 0 },
        { "linger", linger, HOSTILE_ENDS },
        { "namespace", namespace, 0 },
        { "orphan", orphan, HOSTILE_ENDS },
        { "regroup", regroup, 0 },
        { "sibling", sibling, HOSTILE_ENDS | HOSTILE_NEEDS_GROUP | HOSTILE_WHEN_READY },
        { "subreaper", subreaper, 0 },

        { "bare", bare, 0 },
        { "exec-again", exec_again, HOSTILE_SILENT },
        { "exec-loop", exec_loop, 0 },
        { "exec-thread", exec_thread, 0 },
        { "halted", halted, 0 },
        { "headless", headless, 0 },
        { "stopped", stopped, 0 },
        { "threaded", threaded, 0 },
        { "traced", traced, 0 },
        { "tracer", tracer, 0 },
        { "vforked", vforked, 0 },

        { "deserter", deserter, 0 },
        { "freezer", freezer, 0 },
        { "nested", nested, 0 },
};
const size_t hostile_n_modes = ARRAY_SIZE(hostile_modes);

void hostile_main(int argc, char *argv[]) {
        unsigned left = alarm(60);

        if (left > 0) /* exec does not prolong a life */
                (void)alarm(left);
        mark = argc > 2 ? argv[2] : NULL;
        for (size_t i = 0; argc > 1 && i < hostile_n_modes; i++)
                if (streq(argv[1], hostile_modes[i].name))
                        hostile_modes[i].run();
        fprintf(stderr, "no such mode\n");
        _exit(110);
}
