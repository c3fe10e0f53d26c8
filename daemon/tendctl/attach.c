/* SPDX-License-Identifier: MIT */
/* attach: a run that lasts as long as tendctl waits for it, see attach.h.
 *
 * A signal asks the daemon, on a connection of its own, to stop the run, whose end then comes as any other; the next one
 * forces it. When tendctl goes before, the daemon notices that and cancels the run.
 */
#include "tendctl/attach.h"

#include "tendctl/client.h"
#include "tendctl/print.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

/* The daemon takes no longer message. */
#define CALL_MAX ((size_t)1024 * 1024 - 1024)

extern char **environ;

/* ---- what is asked for ---- */

/* Those that are closed, before something else is opened under their numbers. */
static void open_standard_files(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                (void)close(fd);
}

int attach_parameters(struct ctl *ctl, const struct verb *verb, const struct verb_args *args, json_t **ret) {
        json_auto_t *parameters = NULL;
        json_t *command = ctl_strings(args->words, args->n);
        int code = CTL_OK;

        open_standard_files();
        ctl->waits = true;
        if (!command)
                return ctl_error(CTL_USAGE, "the words of the command are not all UTF-8");
        parameters = json_pack("{s:o}", "command", command);
        for (size_t i = 0; verb->options[i].name && code == CTL_OK && parameters; i++)
                if (args->options[i])
                        code = attach_set_option(parameters, &verb->options[i], args->options[i]);
        if (code == CTL_OK && !parameters)
                code = ctl_error(CTL_BROKEN, "out of memory");
        if (code == CTL_OK)
                *ret = json_incref(parameters);
        return code;
}

int attach_give(struct attach *attach, json_t *parameters, const char *name, int fd) {
        if (attach->n_fds == ARRAY_SIZE(attach->fds) ||
            json_object_set_new(parameters, name, json_integer((json_int_t)attach->n_fds)) < 0)
                return -ENOMEM;
        attach->fds[attach->n_fds++] = fd;
        return 0;
}

/* What is not UTF-8 cannot be handed on. */
static json_t *environment(void) {
        json_t *array = json_array();

        for (size_t i = 0; array && environ && environ[i]; i++) {
                json_t *word = strchr(environ[i], '=') > environ[i] ? json_string(environ[i]) : NULL;

                if (word)
                        (void)json_array_append_new(array, word);
        }
        return array;
}

int attach_give_surroundings(struct attach *attach, json_t *parameters, const char *user) {
        mode_t mask = umask(0);
        int fd;

        (void)umask(mask);
        if (json_object_set_new(parameters, "umask", json_integer(mask)) < 0)
                return ctl_error(CTL_BROKEN, "out of memory");
        if (user)
                return CTL_OK;
        fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return ctl_error(CTL_BROKEN, "the working directory: %s", strerror(errno));
        if (attach_give(attach, parameters, "directory", fd) < 0 ||
            json_object_set_new(parameters, "env", environment()) < 0)
                return ctl_error(CTL_BROKEN, "out of memory");
        return CTL_OK;
}

/* ---- signals ---- */

static int begin_signals(struct attach *attach) {
        sigset_t set;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGINT);
        (void)sigaddset(&set, SIGTERM);
        (void)sigaddset(&set, SIGHUP);
        (void)sigprocmask(SIG_BLOCK, &set, NULL);
        attach->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        return attach->signal_fd < 0 ? ctl_error(CTL_FAILED, "%s", strerror(errno)) : CTL_OK;
}

static void stop(const struct attach *attach) {
        struct ctl ctl = { .socket = attach->ctl->socket };
        char reason[64];
        json_t *answer;

        (void)snprintf(reason, sizeof(reason), "tendctl got SIG%s", sigabbrev_np(attach->signo));
        if (ctl_ask(&ctl, "Stop",
                    json_pack("{s:[s], s:s, s:b}", "runs", attach->run, "reason", reason, "force",
                              attach->n_signals > 1),
                    &answer) == CTL_OK)
                json_decref(answer);
        if (ctl.client)
                client_free(ctl.client);
}

/* As long as it is not known what is to be stopped, that waits, but not for long. Returns 0, or -EINTR when there is nothing
 * more to wait for. */
static int on_signal(struct attach *attach) {
        struct signalfd_siginfo info;

        if (read(attach->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
                return 0;
        attach->signo = (int)info.ssi_signo;
        attach->n_signals++;
        if (attach->n_signals > (*attach->run ? 2 : 1))
                return -EINTR;
        if (*attach->run)
                stop(attach);
        return 0;
}

/* ---- the call ---- */

static int wait_for(int fd, void *arg) {
        struct attach *attach = arg;

        for (;;) {
                struct pollfd fds[2 + ATTACH_FDS_MAX] = {
                        { .fd = fd, .events = POLLIN },
                        { .fd = attach->signal_fd, .events = POLLIN },
                };
                size_t n = attach->ops ? attach->ops->before(fds, 2, attach->arg) : 2;
                int r;

                if (poll(fds, n, -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (fds[1].revents != 0) {
                        r = on_signal(attach);
                        if (r < 0)
                                return r;
                }
                if (attach->ops)
                        attach->ops->after(fds + 2, n - 2, attach->arg);
                if (fds[0].revents != 0)
                        return 0;
        }
}

static int on_answer(_unused_ struct ctl *ctl, const json_t *parameters, void *arg) {
        struct attach *attach = arg;
        const json_t *items = json_object_get(parameters, "items");
        json_t *result = json_object_get(parameters, "result");

        if (result)
                attach->result = json_incref(result);
        else if (items && attach->on_items)
                attach->on_items(items, attach->arg);
        else if (*get_string(parameters, "run")) {
                (void)snprintf(attach->run, sizeof(attach->run), "%s", get_string(parameters, "run"));
                if (attach->n_signals > 0)
                        stop(attach);
        }
        return CTL_OK;
}

static bool is_too_long(const json_t *parameters) {
        return json_dumpb(parameters, NULL, 0, JSON_COMPACT) > CALL_MAX;
}

int attach_call(struct attach *attach, const char *method, json_t *parameters) {
        int code = CTL_OK;

        if (is_too_long(parameters))
                code = ctl_error(CTL_USAGE, "the command and the environment are longer than 1 MiB together");
        if (code == CTL_OK)
                code = begin_signals(attach);
        if (code == CTL_OK)
                code = ctl_connect(attach->ctl);
        if (code != CTL_OK) {
                json_decref(parameters);
                return CTL_BROKEN;
        }
        client_give(attach->ctl->client, attach->fds, attach->n_fds);
        client_set_wait(attach->ctl->client, wait_for, attach);
        code = ctl_call(attach->ctl, method, parameters, CTL_MORE | CTL_WAIT, on_answer, attach);
        return code == CTL_OK || code == CTL_INTERRUPTED ? code : CTL_BROKEN;
}

/* ---- the end ---- */

void attach_explain(const struct attach *attach) {
        const json_t *result = attach->result;
        const json_t *error = json_array_get(json_object_get(result, "errors"), 0);
        const char *outcome = get_string(result, "outcome"), *detail = get_string(error, "detail");
        const char *by = get_string(result, "cancelled_by");
        bool exited = streq(outcome, "failed") && streq(get_string(error, "kind"), "exit");
        json_int_t attempts = get_int(result, "attempts");

        if (streq(outcome, "ok") || (exited && attempts <= 1))
                return;
        if (streq(outcome, "cancelled") && *by)
                detail = by;
        else if (!*detail)
                detail = get_string(result, "reason");
        fprintf(stderr, "tendctl: %s: %s%s", get_string(result, "run"), outcome,
                detail == by ? " by "
                : *detail    ? ": "
                             : "");
        print_safe_to(stderr, detail, false);
        if (attempts > 1)
                fprintf(stderr, " (%lld attempts)", (long long)attempts);
        fputc('\n', stderr);
}

void attach_done(struct attach *attach) {
        json_decref(attach->result);
        if (attach->signal_fd >= 0)
                (void)close(attach->signal_fd);
}
