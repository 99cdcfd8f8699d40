/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces other than the one that a program was started in, by the names of ip-netns(8)
 * or by the path of a file that stands for one. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

/* The longest path, with its NUL. */
#define NETNS_MAX 108

/* Write the path that NAME means to RET: /run/netns/NAME, or NAME itself if it has a slash. 0, or
 * -EINVAL with *RET_ERROR filled. */
int netns_path(const char *name, char ret[NETNS_MAX], struct request_error *ret_error);

/* The number of the network namespace PATH ("": ours) if it is not the one of process 1, or ours
 * where that cannot be read; else 0. */
unsigned long netns_other(const char *path);

/* Whether PATH is the network namespace that we are in. */
bool netns_is_own(const char *path);

/* Enter the network namespace PATH: sockets that are opened from now on, /proc/net, /proc/sys/net
 * and children are of it. Our mounts stay, /sys among them. 0, or a negative errno with *RET_ERROR
 * filled; nothing has changed then. */
int netns_enter(const char *path, struct request_error *ret_error);
