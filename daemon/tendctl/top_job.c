/* SPDX-License-Identifier: MIT */
/* top_job: a verb in a process of its own, see top_job.h. */
#include "tendctl/top_job.h"

#include "tendctl/client.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#define READ_SIZE ((size_t)64 * 1024)

struct job {
        pid_t pid;
        int fd;
        char *text; /* NUL-terminated, or NULL */
        size_t n;
        size_t allocated;
};

/* In the child: never returns. Its output is no terminal, so that nothing is coloured or cut. */
static _noreturn_ void run(const struct ctl *parent, const char *name, char **words, size_t n,
                           const char *const *options, int fd) {
        struct ctl ctl = { .socket = parent->socket };
        struct verb_args args = { .words = words, .n = n };
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC), code = CTL_BROKEN;
        sigset_t none;

        for (size_t i = 0; options && i < VERB_OPTIONS_MAX; i++)
                args.options[i] = options[i];
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0)
                code = verb_find(name)->run(&ctl, &args);
        (void)fflush(stdout);
        _exit(code);
}

/* Nothing more is read; its process has ended, or is about to. */
static void end(struct job *job) {
        if (job->fd < 0)
                return;
        (void)close(job->fd);
        job->fd = -1;
        if (job->pid > 0)
                (void)waitpid(job->pid, NULL, 0);
}

struct job *job_free(struct job *job) {
        if (!job)
                return NULL;
        if (job->fd >= 0 && job->pid > 0)
                (void)kill(job->pid, SIGKILL);
        end(job);
        free(job->text);
        free(job);
        return NULL;
}

int job_start(const struct ctl *ctl, const char *verb, const char *word, const char *second, const char *const *options,
              struct job **ret) {
        char *words[] = { (char *)word, (char *)second };
        struct job *job;
        int fds[2];

        job = calloc(1, sizeof(*job));
        if (!job)
                return -ENOMEM;
        job->fd = -1;
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
                int r = -errno;

                job_free(job);
                return r;
        }
        (void)fflush(stdout);
        job->fd = fds[0];
        job->pid = fork();
        if (job->pid == 0) {
                (void)fcntl(fds[1], F_SETFL, 0); /* a verb waits until what it prints is read */
                run(ctl, verb, words, second ? 2 : 1, options, fds[1]);
        }
        (void)close(fds[1]);
        if (job->pid < 0) {
                int r = -errno;

                job_free(job);
                return r;
        }
        *ret = job;
        return 0;
}

int job_fd(const struct job *job) {
        return job->fd;
}

/* Room for some more, with a NUL behind it. */
static int make_room(struct job *job) {
        size_t allocated = MAX(job->allocated * 2, 2 * READ_SIZE);
        char *text;

        if (job->allocated - job->n > READ_SIZE)
                return 0;
        text = realloc(job->text, allocated);
        if (!text)
                return -ENOMEM;
        job->text = text;
        job->allocated = allocated;
        return 0;
}

bool job_step(struct job *job) {
        while (job->fd >= 0) {
                ssize_t n = make_room(job) == 0 ? read(job->fd, job->text + job->n, READ_SIZE) : 0;

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return false;
                if (n > 0) {
                        job->n += job->n < JOB_TEXT_MAX ? (size_t)n : 0;
                        job->text[job->n] = '\0';
                        continue;
                }
                if (n < 0 || !job->text) /* it is not going to be read, so it must not wait for that */
                        (void)kill(job->pid, SIGKILL);
                end(job);
        }
        return job->fd < 0;
}

const char *job_text(const struct job *job) {
        return job->text ? job->text : "";
}
