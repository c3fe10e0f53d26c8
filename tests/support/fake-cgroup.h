/* SPDX-License-Identifier: MIT */
#pragma once
/* fake-cgroup: directories that look like a cgroup2 tree, in a temporary directory.
 *
 * A program that is linked with --wrap=mkdir,--wrap=mkdirat,--wrap=unlinkat,--wrap=rmdir gets the kernel's files in each
 * directory that it makes below the fake's, and can remove it with them. What is written to a file replaces what was in
 * it and stays there to be looked at.
 */
#include "base/macros.h"

/* A new tree whose top offers @controllers ("cpu memory pids"). Returns its path, valid until fake_cgroup_done(). */
const char *fake_cgroup_init(const char *controllers);
void fake_cgroup_done(void);

/* Writes resp. reads a file below the top; reading fails the test when there is none. */
void fake_cgroup_write(const char *path, const char *text);
const char *fake_cgroup_read(const char *path);
bool fake_cgroup_exists(const char *path);

/* Directories that are made from now on lack this file; NULL: none lacks any. Writing it fails so, with ENOENT. */
void fake_cgroup_leave_out(const char *file);
