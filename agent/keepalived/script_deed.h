/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program does when it is called with given arguments. Private to keepalived/script*.c. */
#pragma once

#include "keepalived/script.h"
#include "keepalived/script_words.h"

/* Whether PROGRAM with the arguments W breaks connections; *RET says how. */
bool script_deed_find(const char *program, struct script_words w, enum script_deed *ret);

/* The same for ip; W are its arguments after its own options. */
bool script_deed_of_ip(struct script_words w, enum script_deed *ret);
