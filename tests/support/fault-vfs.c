/* SPDX-License-Identifier: MIT */
/* fault-vfs: a disk that fails, see fault-vfs.h. */
#include "support/fault-vfs.h"

#include <pthread.h>
#include <sqlite3.h>

struct fault_file {
        sqlite3_file base;
        sqlite3_file real[]; /* what the real one needs */
};

static struct {
        pthread_mutex_t lock;
        pthread_cond_t healed;
        sqlite3_vfs vfs, *real;
        unsigned calls[_FAULT_OP_MAX];
        enum fault_op op; /* that fails; _FAULT_OP_MAX: none does */
        unsigned nth;
        int code;
        bool lasting, failed;
        enum fault_op hanging; /* that hangs; _FAULT_OP_MAX: none does */
        unsigned n_hanging;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .healed = PTHREAD_COND_INITIALIZER,
            .op = _FAULT_OP_MAX,
            .hanging = _FAULT_OP_MAX };

const char *fault_op_name(enum fault_op op) {
        static const char *const names[_FAULT_OP_MAX] = {
                [FAULT_OPEN] = "xOpen",         [FAULT_READ] = "xRead",        [FAULT_WRITE] = "xWrite",
                [FAULT_TRUNCATE] = "xTruncate", [FAULT_SYNC] = "xSync",        [FAULT_FILE_SIZE] = "xFileSize",
                [FAULT_LOCK] = "xLock",         [FAULT_DELETE] = "xDelete",    [FAULT_ACCESS] = "xAccess",
                [FAULT_SHM_MAP] = "xShmMap",    [FAULT_SHM_LOCK] = "xShmLock",
        };

        return names[op];
}

/* The code a call of @op is to fail with, or 0. */
static int meet(enum fault_op op) {
        int code = SQLITE_OK;
        unsigned n;

        (void)pthread_mutex_lock(&fault.lock);
        n = ++fault.calls[op];
        fault.n_hanging += fault.hanging == op;
        while (fault.hanging == op)
                (void)pthread_cond_wait(&fault.healed, &fault.lock);
        if (fault.op == op && (n == fault.nth || (fault.lasting && n > fault.nth))) {
                fault.failed = true;
                code = fault.code;
        }
        (void)pthread_mutex_unlock(&fault.lock);
        return code;
}

static sqlite3_file *real_of(sqlite3_file *file) {
        return ((struct fault_file *)file)->real;
}

#define CALL(op, file, method, ...)                                                                                    \
        ({                                                                                                             \
                int _code = meet(op);                                                                                  \
                _code != SQLITE_OK ? _code : real_of(file)->pMethods->method(real_of(file), ##__VA_ARGS__);            \
        })

static int on_close(sqlite3_file *file) {
        return real_of(file)->pMethods->xClose(real_of(file));
}

static int on_read(sqlite3_file *file, void *data, int n, sqlite3_int64 at) {
        return CALL(FAULT_READ, file, xRead, data, n, at);
}

static int on_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at) {
        return CALL(FAULT_WRITE, file, xWrite, data, n, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size) {
        return CALL(FAULT_TRUNCATE, file, xTruncate, size);
}

static int on_sync(sqlite3_file *file, int flags) {
        return CALL(FAULT_SYNC, file, xSync, flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *ret) {
        return CALL(FAULT_FILE_SIZE, file, xFileSize, ret);
}

static int on_lock(sqlite3_file *file, int level) {
        return CALL(FAULT_LOCK, file, xLock, level);
}

static int on_unlock(sqlite3_file *file, int level) {
        return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_lock(sqlite3_file *file, int *ret) {
        return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int on_control(sqlite3_file *file, int op, void *arg) {
        return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int on_sector_size(sqlite3_file *file) {
        return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_characteristics(sqlite3_file *file) {
        return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret) {
        return CALL(FAULT_SHM_MAP, file, xShmMap, page, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *file, int at, int n, int flags) {
        if (flags & SQLITE_SHM_UNLOCK)
                return real_of(file)->pMethods->xShmLock(real_of(file), at, n, flags);
        return CALL(FAULT_SHM_LOCK, file, xShmLock, at, n, flags);
}

static void on_shm_barrier(sqlite3_file *file) {
        real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int on_shm_unmap(sqlite3_file *file, int remove) {
        return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static const sqlite3_io_methods methods = {
        .iVersion = 2,
        .xClose = on_close,
        .xRead = on_read,
        .xWrite = on_write,
        .xTruncate = on_truncate,
        .xSync = on_sync,
        .xFileSize = on_file_size,
        .xLock = on_lock,
        .xUnlock = on_unlock,
        .xCheckReservedLock = on_check_lock,
        .xFileControl = on_control,
        .xSectorSize = on_sector_size,
        .xDeviceCharacteristics = on_characteristics,
        .xShmMap = on_shm_map,
        .xShmLock = on_shm_lock,
        .xShmBarrier = on_shm_barrier,
        .xShmUnmap = on_shm_unmap,
};

static int on_open(_unused_ sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret) {
        int code = meet(FAULT_OPEN);

        file->pMethods = NULL;
        if (code == SQLITE_OK)
                code = fault.real->xOpen(fault.real, name, real_of(file), flags, ret);
        if (code == SQLITE_OK)
                file->pMethods = &methods;
        return code;
}

static int on_delete(_unused_ sqlite3_vfs *vfs, const char *name, int sync) {
        int code = meet(FAULT_DELETE);

        return code != SQLITE_OK ? code : fault.real->xDelete(fault.real, name, sync);
}

static int on_access(_unused_ sqlite3_vfs *vfs, const char *name, int flags, int *ret) {
        int code = meet(FAULT_ACCESS);

        return code != SQLITE_OK ? code : fault.real->xAccess(fault.real, name, flags, ret);
}

void fault_vfs_register(void) {
        fault.real = sqlite3_vfs_find(NULL);
        if (fault.real == &fault.vfs)
                return;
        fault.vfs =
                *fault.real; /* what is not replaced has no use for its first parameter, or takes ours for its own */
        fault.vfs.szOsFile = (int)sizeof(struct fault_file) + fault.real->szOsFile;
        fault.vfs.pNext = NULL;
        fault.vfs.zName = "fault";
        fault.vfs.xOpen = on_open;
        fault.vfs.xDelete = on_delete;
        fault.vfs.xAccess = on_access;
        (void)sqlite3_vfs_register(&fault.vfs, 1);
}

void fault_vfs_fail(enum fault_op op, unsigned nth, int code, bool lasting) {
        fault_vfs_heal();
        (void)pthread_mutex_lock(&fault.lock);
        fault.op = op;
        fault.nth = nth;
        fault.code = code;
        fault.lasting = lasting;
        (void)pthread_mutex_unlock(&fault.lock);
}

void fault_vfs_hang(enum fault_op op) {
        (void)pthread_mutex_lock(&fault.lock);
        fault.hanging = op;
        (void)pthread_mutex_unlock(&fault.lock);
}

void fault_vfs_heal(void) {
        (void)pthread_mutex_lock(&fault.lock);
        memset(fault.calls, 0, sizeof(fault.calls));
        fault.op = fault.hanging = _FAULT_OP_MAX;
        fault.failed = false;
        fault.n_hanging = 0;
        (void)pthread_cond_broadcast(&fault.healed);
        (void)pthread_mutex_unlock(&fault.lock);
}

unsigned fault_vfs_calls(enum fault_op op) {
        unsigned n;

        (void)pthread_mutex_lock(&fault.lock);
        n = fault.calls[op];
        (void)pthread_mutex_unlock(&fault.lock);
        return n;
}

bool fault_vfs_failed(void) {
        bool failed;

        (void)pthread_mutex_lock(&fault.lock);
        failed = fault.failed;
        (void)pthread_mutex_unlock(&fault.lock);
        return failed;
}

bool fault_vfs_hangs(void) {
        bool hangs;

        (void)pthread_mutex_lock(&fault.lock);
        hangs = fault.n_hanging > 0;
        (void)pthread_mutex_unlock(&fault.lock);
        return hangs;
}
