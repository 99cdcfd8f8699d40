/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids of the history, for completion. */
#pragma once

/* Call OFFER for the id of each operation, the newest first; nothing where they may not be read.
 * CONFIG: the configuration's path, NULL: the usual one; NETNS as of --netns, or NULL. */
void history_offer(const char *config, const char *netns, void (*offer)(void *ud, const char *id),
		   void *ud);
