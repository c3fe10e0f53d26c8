/* SPDX-License-Identifier: MIT */
#pragma once
/* attach: a run that lasts as long as tendctl waits for it: run and map. */
#include "tendctl/verb.h"

#include <jansson.h>
#include <poll.h>

#define ATTACH_FDS_MAX 8 /* that it waits for, besides its own */

/* What is to be done besides while it waits: map feeds items, and copies output. */
struct attach_ops {
        /* Adds what it waits for to the @n there are at @fds, and returns how many there are then. */
        size_t (*before)(struct pollfd *fds, size_t n, void *arg);
        /* @fds are those that it added, with what happened. */
        void (*after)(const struct pollfd *fds, size_t n, void *arg);
};

struct attach {
        struct ctl *ctl;
        char run[256]; /* its name; "": not known yet */
        json_t *result;
        const struct attach_ops *ops; /* NULL: nothing */
        void *arg;
        /* Tells of each answer that is neither the name nor the result. */
        void (*on_items)(const json_t *items, void *arg);
        int signal_fd;
        unsigned n_signals;
        int signo;  /* the last of them */
        int fds[8]; /* that go with the call */
        size_t n_fds;
};

/* The parameters that the options of @verb and the command in @args make. Returns CTL_OK, or another exit code with a
 * message. */
int attach_parameters(struct ctl *ctl, const struct verb *verb, const struct verb_args *args, json_t **ret);

/* Sets the parameter that @option stands for; what cannot be is told. Returns an exit code. */
int attach_set_option(json_t *parameters, const struct verb_option *option, const char *text);

/* Has @fd go with the call, as its parameter @name. Returns 0 or -ENOMEM. */
int attach_give(struct attach *attach, json_t *parameters, const char *name, int fd);

/* The environment, directory and umask of this process, unless @user is to be another. Returns an exit code. */
int attach_give_surroundings(struct attach *attach, json_t *parameters, const char *user);

/* Calls @method, and waits for the run; signals stop it. Returns CTL_OK when attach->result is set, else an exit code: all
 * that fails has been told. */
int attach_call(struct attach *attach, const char *method, json_t *parameters);

/* Prints, on stderr, why the run is not ok, unless its command has ended by itself and can have told so. */
void attach_explain(const struct attach *attach);

void attach_done(struct attach *attach);
