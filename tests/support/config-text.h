/* SPDX-License-Identifier: MIT */
#pragma once
/* config-text: loads a configuration that a test has as a text, and writes down what was told. */
#include "config/diagnostics.h"
#include "config/load.h"

struct config_text {
        char directory[32]; /* in which the files are */
        struct config_options options;
        bool privileged;
        int r;
        struct config *config; /* when r is 0 */
        struct diagnostics diagnostics;
        char *told; /* a line each, without the directory */
};

/* Makes the directory. The options are portable. */
void config_text_init(struct config_text *text);

/* Puts a file there; @name may be in a directory, which is made. */
void config_text_write(struct config_text *text, const char *name, const char *content);

/* Loads tendd.ini. */
void config_text_load(struct config_text *text);

/* Removes everything. */
void config_text_done(struct config_text *text);

/* All of it, of a single file. */
void config_text_load_one(struct config_text *text, const char *content);

/* What keys_for_each_value() says of @key of @task, as a string to free(); NULL: nothing. */
char *config_text_value(const struct task *task, const char *key);
