/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of this network namespace that say how local ports are chosen. */
#pragma once

#include <stdint.h>

#include "base/ports.h"

/* -ENOENT: no such setting (no IPv4); -EBADMSG. */
int localports_read(struct ports *ret);
