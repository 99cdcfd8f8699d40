/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a status. Each is a row in status.c and has a file of its own. Private to
 * status*.c. */
#pragma once

#include "show/status.h"

struct status_part {
	const char *key; /* in the JSON object */
	/* New reference, NULL when out of memory. */
	json_t *(*json)(const struct status *s);
	/* Prints nothing if there is nothing to report. */
	void (*print)(const struct status *s, bool verbose, FILE *out);
};

json_t *status_devices_json(const struct status *s);
void status_devices_print(const struct status *s, bool verbose, FILE *out);

json_t *status_addresses_json(const struct status *s);
void status_addresses_print(const struct status *s, bool verbose, FILE *out);

json_t *status_operations_json(const struct status *s);
void status_operations_print(const struct status *s, bool verbose, FILE *out);

json_t *status_warnings_json(const struct status *s);
void status_warnings_print(const struct status *s, bool verbose, FILE *out);

json_t *status_instances_json(const struct status *s);
void status_instances_find(const struct status *s, struct findings *f);
void status_instances_print(const struct status *s, bool verbose, FILE *out);

json_t *status_notify_json(const struct status *s);
void status_notify_print(const struct status *s, bool verbose, FILE *out);

json_t *status_apart_json(const struct status *s);
void status_apart_print(const struct status *s, bool verbose, FILE *out);
void status_apart_find(const struct status *s, struct findings *f);

json_t *status_lvs_json(const struct status *s);
void status_lvs_print(const struct status *s, bool verbose, FILE *out);
