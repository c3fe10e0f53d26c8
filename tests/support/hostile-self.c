/* SPDX-License-Identifier: MIT */
/* hostile-self: those that stop, trace, replace or strip themselves. */
#include "support/hostile-private.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Nothing in its environment says whose it is. */
void bare(void) {
        become("deaf");
}

void halted(void) {
        say("ready\n");
        (void)raise(SIGSTOP);
        stay();
}

void stopped(void) {
        pid_t pid = fork_or_die();

        if (pid == 0) {
                (void)raise(SIGSTOP);
                stay();
        }
        (void)waitpid(pid, NULL, WUNTRACED);
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

static void start_thread(void *(*fn)(void *)) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, fn, NULL) != 0)
                _exit(114);
}

/* A child of a thread that is not the first. */
void threaded(void) {
        start_thread(fork_in_thread);
        stay();
}

static void *outlive(_unused_ void *arg) {
        mute();
        say("ready\n");
        stay();
}

/* Its first thread is gone, and looks like a zombie. */
void headless(void) {
        start_thread(outlive);
        (void)syscall(SYS_exit, 0);
        stay();
}

/* Never the same program for long. */
void exec_again(void) {
        become("exec-again");
}

void exec_loop(void) {
        say("ready\n");
        become("exec-again");
}

static void *exec_in_thread(_unused_ void *arg) {
        become("exec-again");
}

/* A thread takes over the process. */
void exec_thread(void) {
        say("ready\n");
        start_thread(exec_in_thread);
        stay();
}

/* A child that is stopped for its tracer. */
void traced(void) {
        pid_t pid = fork_or_die();

        if (pid == 0) {
                (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                (void)raise(SIGSTOP);
                stay();
        }
        (void)waitpid(pid, NULL, WUNTRACED);
        say("ready\n");
        stay();
}

/* Ends, but a child of it traces it, and does not care. */
void tracer(void) {
        int pair[2];
        pid_t pid = getpid();
        char c;

        if (pipe(pair) < 0)
                _exit(113);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0L, 0L, 0L);
        if (fork_or_die() == 0) {
                mute();
                (void)ptrace(PTRACE_SEIZE, pid, NULL, NULL);
                (void)!write(pair[1], "x", 1);
                stay();
        }
        (void)!read(pair[0], &c, 1);
        say("ready\n");
        _exit(0);
}

/* Cannot go on before its child does something. */
void vforked(void) {
        mute();
        if (vfork() == 0) {
                say("ready\n");
                stay();
        }
        stay();
}
