/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keywords that keepalived has, or had in some version: from 1.1.0 to 2.4.3
 * (vrrp_parser.c, check_parser.c, global_parser.c of each). What is none of
 * them is a typing error, which keepalived passes over, or the word of a fork,
 * whose meaning nobody can know. */
#pragma once

#include "keepalived/conf.h"

/* At the top of a file. */
bool keepalived_is_root_keyword(const char *word);

/* In a vrrp_instance, not in a block of it. */
bool keepalived_is_instance_keyword(const char *word);

/* Whether C can be a keepalived.conf: something at its top is one of the words,
 * or it has nothing but files that it includes. */
bool keepalived_is_conf(const struct keepalived_conf *c);
