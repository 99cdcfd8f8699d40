/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "guarding.h"

/* Events are lost, and the table is read again: the longest time that a call of the guard G takes,
 * and that a client has to wait meanwhile. All entries are there afterwards, some not pinned yet.
 */
int resync_measure(struct guarding *g);
