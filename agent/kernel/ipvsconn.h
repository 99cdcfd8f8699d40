/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of /proc/net/ip_vs_conn. Pure. */
#pragma once

#include "base/flow.h"

/* Room for one with IPv6 addresses and some data of a persistence engine. */
#define IPVSCONN_LINE_MAX 512

/* Read one line: a connection, or the template that binds a client to a real
 * server. -EBADMSG: it is none (the head line, or malformed). -ENOMSG: one
 * that belongs to a firewall mark and so to no address. */
int ipvsconn_parse(const char *line, struct flow *ret);
