/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that a finding may print as its fix: whoever pastes one must lose
 * nothing by it: no rule, no address, no connection. What is not one of these is advice. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether TEXT is one of them. "%s" in one stands for a word without anything that a
 * shell would take for more than text. */
bool remedy_is_command(const char *text);

/* The Ith of them, or NULL behind the last one. */
const char *remedy_command(size_t i);
