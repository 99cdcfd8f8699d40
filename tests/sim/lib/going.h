/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses that go while no guard runs. */
#pragma once

#include "guarding.h"

#define FLOWS 40
#define OTHER4 "192.168.11.9"

/* FLOWS entries behind HOST4 and as many behind OTHER4, all of them pinned by a
 * guard that is gone. */
void going_begin(struct scene *s);

/* OTHER4 goes. */
void going_lose(struct scene *s);

/* Flow N of UDP, masqueraded as AS. */
void going_flow(struct scene *s, uint16_t n, const char *as);

/* Entries translated to AS. */
size_t going_count(const struct scene *s, const char *as);

/* Of FILE of the device in the run directory. */
void going_path(const struct scene *s, const char *file, char path[128]);
bool going_has_file(const struct scene *s, const char *file);
