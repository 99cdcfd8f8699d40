/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of configuration keys (base/setting.h), printed. */
#pragma once

#include <stdio.h>

/* A configuration file that changes nothing: every key as a comment, with what
 * it is for, what it takes and its default. */
void settings_text_file(FILE *out);

/* The same as the list of vipsafe.conf(5), in mdoc(7). */
void settings_text_manual(FILE *out);
