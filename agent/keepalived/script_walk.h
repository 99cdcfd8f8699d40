/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts that a command of keepalived.conf leads to: the command itself, the files it names,
 * and those that these name. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "keepalived/script.h"
#include "keepalived/vrrp.h"

#define SCRIPT_WALK_MAX 64 /* files that are read */

/* What is being read: a file, or a word of keepalived.conf. */
struct script_place {
	const struct keepalived_directive *at; /* the line of keepalived.conf */
	const char *path, *text;
};

struct script_visitor {
	void (*act)(void *ud, const struct script_place *p, const struct script_act *a);
	void (*order)(void *ud, const struct script_place *p, const struct script_order *o);
	/* A file was read to its end, or WHY not (as of script_file_read() and script_read());
	 * CALLED: by another script. */
	void (*file_done)(void *ud, const struct script_place *p, int why, bool called);
	void *ud;
};

/* Files that were read before are not read again. All zero: none was. */
struct script_walk {
	struct script_visitor visitor; /* members may be NULL */
	dev_t dev[SCRIPT_WALK_MAX];
	ino_t ino[SCRIPT_WALK_MAX];
	size_t n;
};

/* Read COMMAND, the word of AT, as keepalived does: it passes it to a shell or splits it like one,
 * quoted arguments as well. */
void script_walk(struct script_walk *w, const struct keepalived_directive *at, const char *command);

/* The same for all of a list of an instance or group. */
void script_walk_list(struct script_walk *w, const struct vrrp_script list[VRRP_EVENTS]);
