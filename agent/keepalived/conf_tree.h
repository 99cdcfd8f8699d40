/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A keepalived.conf as a tree of directives, and the keywords that may stand in it. */
#pragma once

#include "keepalived/conf.h"

/* The keywords of keepalived, of all versions from 1.1.0 to 2.4.3 (vrrp_parser.c, check_parser.c,
 * global_parser.c of each). Any other word is a typing error, which keepalived ignores, or
 * belongs to a fork, and its meaning is unknown. */

/* Keywords in a vrrp_instance, but not in a block inside it. */
bool keepalived_is_instance_keyword(const char *word);

/* Whether C looks like a keepalived.conf: it has a known keyword outside of any block, or nothing
 * but includes. */
bool keepalived_is_conf(const struct keepalived_conf *c);
