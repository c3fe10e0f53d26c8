/* SPDX-License-Identifier: MIT */
#pragma once
/* cron: the five fields of crontab(5) as a calendar. Pure.
 *
 * Names, ranges, steps, lists, and @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually. Where both the day of the
 * month and that of the week are restricted (do not begin with a star), a day matches that matches either.
 */
#include "when/calendar.h"

/* Returns 0, -EINVAL with a sentence in @wrong (@reboot is none of these: that is `on-start`), -ENOMEM. */
int cron_parse(const char *text, struct calendar **ret, char wrong[CALENDAR_WRONG_MAX]);
