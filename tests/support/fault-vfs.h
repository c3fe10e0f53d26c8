/* SPDX-License-Identifier: MIT */
#pragma once
/* fault-vfs: a disk for SQLite that fails when a test says so. It stands before the real one, as the default, and counts
 * the calls to it. Thread-safe.
 */
#include "base/macros.h"

enum fault_op {
        FAULT_OPEN,
        FAULT_READ,
        FAULT_WRITE,
        FAULT_TRUNCATE,
        FAULT_SYNC,
        FAULT_FILE_SIZE,
        FAULT_LOCK,
        FAULT_DELETE,
        FAULT_ACCESS,
        FAULT_SHM_MAP,
        FAULT_SHM_LOCK,
        _FAULT_OP_MAX,
};

const char *fault_op_name(enum fault_op op);

/* Registers it, once for all tests of a program. */
void fault_vfs_register(void);

/* The @nth call of @op from now on, from 1 on, returns @code; with @lasting all that follow, too. */
void fault_vfs_fail(enum fault_op op, unsigned nth, int code, bool lasting);
/* From now on calls of @op do not return, until the next fault_vfs_heal(). */
void fault_vfs_hang(enum fault_op op);
/* All is well from now on; counts begin anew. */
void fault_vfs_heal(void);

/* Calls of @op since then; whether the call that was to fail was made; whether one hangs. */
unsigned fault_vfs_calls(enum fault_op op);
bool fault_vfs_failed(void);
bool fault_vfs_hangs(void);
