/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that a finding may print as its fix. Whoever pastes one must not lose a rule, an
 * address or a connection. Anything else is advice. */
#pragma once

#include <stdbool.h>

/* Whether TEXT is one of the commands. "%s" in a command stands for a word without characters
 * that are special to a shell. */
bool remedy_is_command(const char *text);
