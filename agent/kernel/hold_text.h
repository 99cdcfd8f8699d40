/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hold says to iptables-restore and finds in iptables-save; pure.
 *
 * One chain per device in table mangle, entered from three others. By set, the
 * jumps look the device up in an ipset whose one element expires, and the rules
 * never change. By time, for kernels without ipset, the jumps name the device
 * and the chain's rules carry the moment they stop at; that chain, and nothing
 * else of the table, is written anew to arm. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define HOLD_CHAIN_PREFIX "VIPSAFE-HOLD-"
#define HOLD_SET_PREFIX "vipsafe-hold-"
#define HOLD_SCRIPT_MAX 4096
#define HOLD_SET_NAME_MAX 32	/* IPSET_MAXNAMELEN */
#define HOLD_LONG_AGO 946684800 /* 2000-01-01: holds nothing */
#define HOLD_JUMPS 3		/* per family; by set each refers to it */

enum hold_mode {
	HOLD_BY_SET,
	HOLD_BY_TIME,
};

/* Reads a number without sign or leading zero between PREFIX and SUFFIX, and
 * nothing else. */
bool hold_text_number(const char *text, const char *prefix, const char *suffix, int *ret);

/* Can DEVICE be named in a rule and a set as it is? A "+" at the end, for one,
 * would mean any device that begins so. */
bool hold_text_device_ok(const char *device);

void hold_text_set(char ret[HOLD_SET_NAME_MAX], int ifindex, uint8_t family);

/* Chain and jumps; by time already with rules, which have long stopped. */
void hold_text_install(char ret[HOLD_SCRIPT_MAX], enum hold_mode mode, int ifindex,
		       const char *device, uint8_t family);

/* The opposite, however often it was armed. */
void hold_text_remove(char ret[HOLD_SCRIPT_MAX], enum hold_mode mode, int ifindex,
		      const char *device, uint8_t family);

/* By time: hold until the end of second STOP (UTC). */
void hold_text_arm(char ret[HOLD_SCRIPT_MAX], int ifindex, time_t stop);

/* The undoing of all that is ours in the output of iptables-save, collected
 * line by line. */
struct hold_undo {
	bool (*wanted)(void *ud, int ifindex);
	void *ud;
	char jumps[HOLD_SCRIPT_MAX], chains[HOLD_SCRIPT_MAX];
	int n; /* chains found */
};

void hold_undo_line(struct hold_undo *u, const char *line);

/* "" when there is nothing to undo. */
void hold_undo_script(const struct hold_undo *u, char ret[2 * HOLD_SCRIPT_MAX + 16]);
