/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vipsafed is made of, and its life: start, reload, rounds of the loop,
 * stop. Only with on_stop = release do its instances' addresses go with it. */
#pragma once

#include "base/ratelimit.h"
#include "daemon/alone.h"
#include "daemon/collisions.h"
#include "daemon/control.h"
#include "daemon/instances.h"
#include "daemon/loop.h"
#include "daemon/moves.h"
#include "daemon/permit.h"
#include "daemon/service.h"
#include "daemon/socket_file.h"
#include "daemon/publish.h"
#include "daemon/guards.h"
#include "base/identity.h"
#include "kernel/kernel_real.h"

struct daemon {
	const char *config; /* NULL: the usual place */
	bool verbose;
	struct settings settings;
	char boot_id[BOOT_ID_MAX];
	struct run_env env; /* of work on devices without a guard */
	struct kernel_real *kernel;
	struct loop *loop;
	struct alone *alone; /* NULL: the name is somebody else's */
	struct service service;
	struct control_handler handler; /* of what clients ask for */
	struct control *control;
	struct control *retired; /* has moved; open until the answer is out */
	bool socket_is_ours;	 /* not handed over */
	struct socket_file socket_file;
	usec_t socket_look;  /* when to look for it next */
	bool socket_missing; /* and cannot be made again */
	struct guards guards;
	struct publisher publisher;
	usec_t textfile_next;
	bool textfile_failed;
	struct moves *moves;
	struct instances *instances;
	struct collisions *collisions;
	usec_t started, alive_every, alive_next;
	usec_t stop_at;			   /* at the latest; 0: it goes on */
	uint64_t refused, late, abandoned; /* requests that were not looked at */
	struct ratelimit refused_log, late_log, abandoned_log, denied_log, often_log, asked_log;
	struct permit_rates rates;
	char config_error[REQUEST_ERROR_MAX];
};

/* Begin with D->config, D->verbose, D->settings and D->handler set and the rest zero.
 * -EALREADY: one is running here. What is wrong has been logged; daemon_stop()
 * is due in any case. */
int daemon_start(struct daemon *d);

/* Serve until a signal says to stop. */
int daemon_run(struct daemon *d);

void daemon_stop(struct daemon *d);

/* Read the configuration again. A bad one has been logged and is said in
 * *RET_ERROR (0: ""), and the old one stays. */
int daemon_reload(struct daemon *d, struct request_error *ret_error);
