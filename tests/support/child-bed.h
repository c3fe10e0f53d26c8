/* SPDX-License-Identifier: MIT */
#pragma once
/* child-bed: real processes on a real loop, and what was told of them.
 *
 * Every child gets a marker in its environment; "nothing is left" is proved by a scan of /proc for it. Each test has a
 * loop, a spawner and a directory of its own; afterwards nobody may be left.
 */
#include "loop/child.h"

#include <check.h>
#include <limits.h>

#define CHILD_BED_OUTPUT_MAX (64 * 1024)

#define WORDS(...)    ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(text)   WORDS("/bin/sh", "-c", text)
#define HOSTILE(mode) WORDS(child_bed.self, "hostile", mode, child_bed_marker()) /* see hostile.h */

/* One child and what it told. */
struct probe {
        struct child *child;
        unsigned started, exited, ended_output, gone;
        pid_t pid;
        uint64_t start_ticks;
        enum child_step step;
        int error;
        int status;
        unsigned heard;                /* messages */
        struct notify_message message; /* the last one */
        struct rusage usage;
        char output[CHILD_BED_OUTPUT_MAX + 1];
        size_t n_output; /* all of it, also what did not fit */
        size_t n_before_exit;
        unsigned refused; /* output that was left in the pipe */
        bool refuses;
        bool kill_on_exit;
        bool free_in_callback;
};

struct child_bed {
        struct loop *loop;
        struct spawner *spawner;
        char dir[32];
        char self[PATH_MAX]; /* this program */
        bool with_cgroups;   /* each child gets a group; all tests run once without and once with */
};

extern struct child_bed child_bed;
extern const struct child_ops child_bed_ops; /* their argument is the probe */

/* A case of @suite whose tests find the bed made. */
TCase *child_bed_case(Suite *suite, const char *name);

/* The whole main() of a test program: without cgroups, then, where they can be had, with them. */
int child_bed_main(int argc, char *argv[], Suite *(*suite)(void));

struct probe *probe_new(void);

/* What a child gets unless a test wants something else. */
struct child_spec child_bed_spec(char *const *argv);
void child_bed_spawn(struct probe *probe, const struct child_spec *spec);

/* Runs the loop until @reached says so of @probes; it is asked after each callback, by child_bed_check() in those of a
 * test, and with child_bed_look() every 5 ms as well, for what is told to nobody. */
typedef bool (*child_bed_reached_fn)(const struct probe *probes, size_t n);
void child_bed_run(const struct probe *probes, size_t n, child_bed_reached_fn reached);
void child_bed_check(void);
void child_bed_look(void);

bool child_bed_all_gone(const struct probe *probes, size_t n);
bool child_bed_is_ready(const struct probe *probe, size_t n); /* has printed "ready" */
bool child_bed_nobody_left(const struct probe *probes, size_t n);

void child_bed_run_to_end(struct probe *probe, const struct child_spec *spec);

/* Runs it to a successful end and compares its output. */
void child_bed_says(const struct child_spec *spec, const char *expected);

/* Who is left of all children: by the marker, in the environment or on the command line. */
unsigned child_bed_count_left(void);
const char *child_bed_marker(void);

/* Processes that this one has not reaped: a leak, when nobody is left. */
unsigned child_bed_count_unreaped(void);
unsigned child_bed_count_descriptors(void);

/* In the directory of the test; good for the next three calls. */
const char *child_bed_path(const char *name);
const char *child_bed_write(const char *name, const char *text);
