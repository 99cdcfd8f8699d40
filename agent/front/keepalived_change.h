/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be changed in keepalived.conf for vipsafe to own the addresses. */
#pragma once

#include <stdio.h>

#include "front/keepalived_import.h"

#define DECOY_TEXT_MAX 80

/* The decoy of V as vipsafe.conf has it: the one it has, or one to be. It is
 * made of the virtual_router_id, so that all nodes come to the same. */
const char *change_decoy(const struct vrrp_conf *c, const struct vrrp_instance *v,
			 char buf[DECOY_TEXT_MAX]);

/* The lines, as comments. */
void change_print(const struct keepalived_import *what, FILE *out);
