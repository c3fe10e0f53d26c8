/* SPDX-License-Identifier: MIT */
/* fuzz-config: any text is either loaded or refused with at least one error, each with a text and a line of the file;
 * what was loaded can be shown; and the same text is judged the same twice. Inputs with an include are left out: they would read this machine. */
#include "config/config.h"
#include "config/diagnostics.h"
#include "config/keys.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_value(const struct key *key, const struct key_value *value, void *userdata) {
        (void)userdata;
        assert(key->name && *value->text);
        return 0;
}

static int load(const char *path, unsigned n_lines, size_t *ret_warnings) {
        static const struct config_options options = { .portable = true };
        struct diagnostics diagnostics = { 0 };
        struct config *config = NULL;
        int r;

        r = config_load(path, &options, &diagnostics, &config);
        assert(r == 0 || r == -EBADMSG);
        assert((r == 0) == (diagnostics.counts[SEVERITY_ERROR] == 0));
        assert((r == 0) == (config != NULL));
        for (size_t i = 0; i < diagnostics.n; i++) {
                assert(diagnostics.items[i].text && *diagnostics.items[i].text);
                assert(diagnostics.items[i].line <= n_lines);
        }
        for (size_t i = 0; config && i < config->n_tasks; i++) {
                assert(config_find_task(config, config->tasks[i]->run.name) == config->tasks[i]);
                assert(keys_for_each_value(config->tasks[i], on_value, NULL) == 0);
        }
        *ret_warnings = diagnostics.counts[SEVERITY_WARNING];
        diagnostics_done(&diagnostics);
        config_unref(config);
        return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(closep) int fd = -EBADF;
        size_t warnings[2] = { 0 };
        unsigned n_lines = 1;
        char path[64];
        int r;

        if (memmem(data, size, "include", strlen("include")))
                return 0;
        for (size_t i = 0; i < size; i++)
                n_lines += data[i] == '\n';

        fd = memfd_create("tendd.ini", MFD_CLOEXEC);
        assert(fd >= 0);
        assert(write(fd, data, size) == (ssize_t)size);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        r = load(path, n_lines, &warnings[0]);
        assert(load(path, n_lines, &warnings[1]) == r);
        assert(warnings[0] == warnings[1]);
        return 0;
}
