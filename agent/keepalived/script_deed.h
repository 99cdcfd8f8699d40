/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program does when it is called with these words. Private to keepalived/script*.c. */
#pragma once

#include "keepalived/script.h"
#include "keepalived/script_words.h"

/* Whether PROGRAM, called with W, is one that breaks connections. */
bool script_deed_find(const char *program, struct script_words w, enum script_deed *ret);

/* The same of ip's words behind its own options. */
bool script_deed_of_ip(struct script_words w, enum script_deed *ret);
