/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes of a keepalived.conf and the files it includes, as a unified diff. A change takes whole
 * lines; where these hold anything else as well, there is no diff at all: half of it would leave an
 * address with two owners, or with none. */
#pragma once

#include <stdio.h>

#include "keepalived/conf.h"

struct patch;

/* NULL: no memory. */
struct patch *patch_new(const struct keepalived_conf *conf);
void patch_free(struct patch *p);
DEFINE_CLEANUP(struct patch, patch_free)

/* Each of these begins an edit and returns its number; P NULL: nothing is done. The lines that are
 * put there come from patch_line(). */

/* In place of D with its block. */
size_t patch_replace(struct patch *p, const struct keepalived_directive *d);
/* At the end, or before the first line, of the block D. */
size_t patch_append(struct patch *p, const struct keepalived_directive *d);
size_t patch_prepend(struct patch *p, const struct keepalived_directive *d);
/* On the line after D. */
size_t patch_after(struct patch *p, const struct keepalived_directive *d);
/* Before everything in the file. */
size_t patch_top(struct patch *p);

/* There cannot be a diff; AT may be NULL. */
void patch_refuse(struct patch *p, const struct keepalived_directive *at);

/* Add LINE to EDIT. Four leading spaces are one step of the file's own indentation. */
void patch_line(struct patch *p, size_t edit, const char *line);

/* Print the diff, nothing if there is no edit. Returns 0, -ENOMEM, -EIO (a file cannot be read) or
 * -EINVAL: *RET_AT (unless NULL is stored) cannot be changed by whole lines. */
int patch_print(struct patch *p, FILE *out, const struct keepalived_directive **ret_at);
