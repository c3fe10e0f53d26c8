/* SPDX-License-Identifier: MIT */
#pragma once
/* descriptions: the texts of the .varlink files beside this one, put into the program when it is built. */

extern const char description_org_varlink_service[];
extern const char description_io_tendd_Runner[];
extern const char description_io_tendd_Debug[]; /* only with --enable-debug-hooks */
