/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option words of "add" and "del", in one table. base/request.c decides where they may stand
 * and how they combine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/request.h"

/* How error texts quote an argument: cut to 48 characters. */
#define QUOTED "\"%.48s\""

enum option_id {
	OPTION_DEV,
	OPTION_LABEL,
	OPTION_SCOPE,
	OPTION_BROADCAST,
	OPTION_NOPREFIXROUTE,
	OPTION_DAD,
	OPTION_NODAD,
	OPTION_PREFERRED_LFT,
	OPTION_VALID_LFT,
	OPTION_METRIC,
	OPTION_PEER,
	OPTION_PROTO,
	OPTION_HOME,
	OPTION_AUTOJOIN,
	OPTION_COUNT,
};

/* The options of one command line. */
struct option_values {
	char device[DEVICE_NAME_MAX];
	struct vip vip;			 /* all but the prefix */
	uint8_t peer_len;		 /* prefix length of the peer */
	const char *given[OPTION_COUNT]; /* the word as written, NULL: not given */
};

struct option {
	const char *name;
	enum option_id id;
	bool add_only;
	const char *value; /* name of its value; NULL: takes none */
	int (*apply)(struct option_values *v, const char *value, struct request_error *ret_error);
};

/* The option that WORD names or abbreviates. Returns 0, or -EINVAL with *RET_ERROR naming the
 * word and, if several fit, the candidates. */
int option_find(const char *word, const struct option **ret, struct request_error *ret_error);

/* Whether WORD is the whole name of an option of add. */
bool option_is_name(const char *word);

/* The option I of the table; NULL after the last. */
const struct option *option_at(size_t i);

void option_values_init(struct option_values *v);
