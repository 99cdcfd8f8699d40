/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each op of the control socket adds to a request. A new one is a row in
 * wire.c, and its reader and writer in a file of its own. Private to wire*.c. */
#pragma once

#include <jansson.h>

#include "show/wire.h"

struct wire_row {
	const char *name;
	enum wire_op op;
	const char *const *keys; /* of its own, ended by NULL; NULL: none */
	/* Read them from O into *R; NULL: there are none. */
	int (*read)(json_t *o, const char *name, struct wire_request *r, struct request_error *e);
	/* Write them. Non-zero: out of memory. */
	int (*write)(json_t *o, const struct wire_request *r);
};

/* add, del, plan: wire_move.c */
extern const char *const wire_move_keys[];
extern const char *const wire_plan_keys[];
int wire_move_read(json_t *o, const char *name, struct wire_request *r, struct request_error *e);
int wire_move_write(json_t *o, const struct wire_request *r);

/* notify: wire_notify.c */
extern const char *const wire_notify_keys[];
int wire_notify_read(json_t *o, const char *name, struct wire_request *r, struct request_error *e);
int wire_notify_write(json_t *o, const struct wire_request *r);

/* The options of an address: wire_vip.c */
int wire_vip_read(json_t *o, enum op op, struct vip *ret, struct request_error *e);
json_t *wire_vip_write(const struct vip *v);

/* Say that KEY is not as it has to be. Returns -EINVAL. */
int wire_wrong(const char *key, struct request_error *e);

/* A string, or OTHERWISE when the key is absent (NULL: it has to be there). */
int wire_get_text(json_t *o, const char *key, const char *otherwise, const char **ret,
		  struct request_error *e);

/* A boolean; absent is false. */
int wire_get_flag(json_t *o, const char *key, bool *ret, struct request_error *e);
