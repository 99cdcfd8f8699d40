/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of configuration keys (base/setting.h), printed. */
#pragma once

#include <stdio.h>

#include "base/setting.h"

/* Print a configuration file that changes nothing: every key as a comment, with its purpose, its
 * range and its default. */
void settings_text_file(FILE *out);

/* Print the same as the list in vipsafe.conf(5), in mdoc(7). */
void settings_text_manual(FILE *out);

/* All sections of the configuration, in the order of the manual; NULL ends them. */

extern const struct setting_section *const sections_all[];
