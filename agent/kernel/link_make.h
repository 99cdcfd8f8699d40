/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes network devices. */
#pragma once

#include "kernel/nlsock.h"

/* Make a device of KIND called NAME, with PEER at its other end if that is not
 * NULL and KIND has one (veth). -EEXIST; -EOPNOTSUPP: the kernel has no KIND. */
int link_make(struct nlsock *s, const char *kind, const char *name, const char *peer);

/* Set FLAGS (IFF_UP …) of a device; others stay. */
int link_set_flags(struct nlsock *s, int ifindex, unsigned flags);

/* A device called NAME that leads nowhere, and is up: made unless there is one of
 * that name. */
int link_make_lonely(struct nlsock *s, const char *name);
