/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of the configuration and their sections: allowed values, default, help. These tables
 * parse the file, and print the default file and the list in the manual. What the program does
 * with the values is not decided here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/request.h"

struct settings;

#define SETTINGS_PATH_MAX 108 /* sun_path: the socket's path must fit */
#define SETTINGS_NAME_MAX 128

enum setting_type {
	SETTING_PATH,	       /* absolute; char[SETTINGS_PATH_MAX] */
	SETTING_OPTIONAL_PATH, /* the same, or empty */
	SETTING_NAME,	       /* char[SETTINGS_NAME_MAX] */
	SETTING_DURATION,      /* usec_t, with a unit */
	SETTING_SECONDS,       /* the same; a bare number means seconds */
	SETTING_COUNT,	       /* unsigned */
	SETTING_RATE,	       /* double, from MIN to MAX */
	SETTING_WORD,	       /* an enum, by the names in WORDS */
	SETTING_BOOL,	       /* bool: yes or no */
	SETTING_PARSED,	       /* ADD parses it; the value of a later file replaces it */
	SETTING_LIST,	       /* ADD parses it; the key may be repeated */
};

struct setting {
	const char *name; /* NULL ends a table */
	enum setting_type type;
	size_t offset;	     /* of the field, in what the section's find() returns */
	const char *initial; /* the default, as in the file; NULL: none */
	const char *help;    /* lines of at most 78 characters, each ended by \n but the last */
	uint64_t min, max;
	const char *const *words; /* in the order of the enum's members, ended by NULL */
	/* Take one value. Returns 0, -ENOMEM, or -EINVAL with *RET_ERROR filled. */
	int (*add)(void *base, const char *value, struct request_error *ret_error);
	/* An example for a key without a default; for a key with ADD, its grammar. */
	const char *shape;
	const char *suffix; /* how a path has to end; NULL: in any way */
	bool parted;	    /* " ;" divides the value and begins no comment: settings_is_parted() */
};

/* "[WORD]", or "[WORD NAME]" when it has a PLACEHOLDER for the name. */
struct setting_section {
	const char *word;
	const char *placeholder;
	const char *example; /* a name for the default file */
	const char *help;
	const struct setting *keys;
	bool joined; /* "a = 1 ; b = 2" is two keys: settings_is_joined() */
	/* Return where the keys of section NAME ("": it has none) are to be written, created with
	 * its defaults if it is new; valid until the next call. Returns 0, -ENOMEM, or -EINVAL
	 * with *RET_ERROR filled. */
	int (*find)(struct settings *s, const char *name, void **ret,
		    struct request_error *ret_error);
	/* The section's part of the settings; each may be NULL. INIT returns 0 or -ENOMEM, FINISH
	 * as settings_finish(). DONE may be called without INIT. */
	int (*init)(struct settings *s);
	int (*finish)(struct settings *s, struct request_error *ret_error);
	void (*done)(struct settings *s);
};

#define MSEC(n) ((n)*USEC_PER_MSEC)
#define SEC(n) ((n)*USEC_PER_SEC)
#define HOUR SEC((usec_t)3600)

/* Write VALUE to K's field in BASE. Errors as for add(). */
int setting_set(const struct setting *k, const char *value, void *base,
		struct request_error *ret_error);

/* The key NAME of the table KEYS, or NULL. */
const struct setting *setting_find(const struct setting *keys, const char *name);

/* Write the defaults of all keys of the table to BASE. */
void setting_init(const struct setting *keys, void *base);

/* What K accepts: "continuous | on-demand | off", "1ms to 1min". Returns BUF. */
const char *setting_range(const struct setting *k, char *buf, size_t size);
