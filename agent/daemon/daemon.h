/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of vipsafed and its life: start, reload, rounds of the loop, stop.
 * Stopping removes the instances' addresses only with on_stop = release. */
#pragma once

#include "base/ratelimit.h"
#include "daemon/alone.h"
#include "daemon/apart.h"
#include "daemon/collisions.h"
#include "daemon/control.h"
#include "daemon/instances.h"
#include "daemon/loop.h"
#include "daemon/moves.h"
#include "daemon/peer.h"
#include "daemon/service.h"
#include "daemon/log.h"
#include "daemon/guards.h"
#include "guard/ends.h"
#include "base/os.h"
#include "kernel/kernel_real.h"

struct daemon {
	const char *netns;  /* instead of the configured one; NULL: not given */
	const char *config; /* NULL: the default path */
	bool verbose;
	struct settings settings;
	char boot_id[BOOT_ID_MAX];
	struct run_env env; /* for work on devices without a guard */
	struct kernel_real *kernel;
	struct loop *loop;
	struct alone *alone; /* NULL: another process holds the name */
	struct service service;
	struct control_handler handler; /* for clients' requests */
	struct control *control;
	struct control *retired; /* old socket; open until its last answer is sent */
	bool socket_is_ours;	 /* made here, not handed over */
	struct socket_file socket_file;
	struct loop_timer socket_timer; /* when to check its name next */
	bool socket_missing;		/* and cannot be made again */
	struct ends *ends;		/* how connections end */
	int ends_unsaved;		/* why that is not written, as logged last; 0: it is */
	struct guards guards;
	struct publisher publisher;
	struct loop_timer textfile_timer;
	bool textfile_failed;
	struct moves *moves;
	struct instances *instances;
	struct collisions *collisions;
	struct keeper *keeper;
	usec_t started;
	usec_t stop_at;			   /* stop by then; 0: not stopping */
	uint64_t refused, late, abandoned; /* requests that were not served */
	struct ratelimit refused_log, late_log, abandoned_log, denied_log, often_log, asked_log;
	struct permit_rates rates;
	char config_error[REQUEST_ERROR_MAX];
};

/* Start with D->config, D->verbose, D->settings and D->handler set and the rest
 * zero. -EALREADY: another daemon runs in this namespace. Errors have been
 * logged; daemon_stop() must be called in any case. */
int daemon_start(struct daemon *d);

/* Serve until a signal asks to stop. */
int daemon_run(struct daemon *d);

void daemon_stop(struct daemon *d);

/* Read the configuration again. On an error the old one stays; the error has
 * been logged and is in *RET_ERROR ("" on success). */
int daemon_reload(struct daemon *d, struct request_error *ret_error);
