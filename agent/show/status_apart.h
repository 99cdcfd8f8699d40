/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a status about connections through LVS services that leave from ports of their
 * own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/apart.h"
#include "base/report.h"
#include "lvs/message.h"

#define STATUS_APART_ROWS 32

struct status_apart {
	bool asked; /* [lvs] keep_apart */
	bool in_force;
	char reason[REPORT_TEXT_MAX]; /* why it is not; "" otherwise */
	uint16_t low, high;	      /* the ports, of all services together */
	uint32_t kept, left;	      /* services: their addresses or ranges of addresses */
	uint32_t direct;  /* direct connections that had one of the ports when they were chosen */
	uint64_t outside; /* open connections through KEPT that have other ports */
	struct status_apart_row {
		char service[LVS_SERVICE_TEXT_MAX];
		uint16_t low, high;
		bool shares;	   /* with another service of its server */
		const char *why;   /* it is left alone; "": it is kept apart */
	} rows[STATUS_APART_ROWS]; /* the first ones */
	size_t n_rows;
	struct status_apart_client {
		struct apart_client client;
		bool in_force; /* else this node does not have the address */
	} clients[APART_CLIENTS_MAX];
	size_t n_clients;
};
