/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node every sim test plays on: br-mgmt (alternative name mgmt0) with
 * 192.168.11.7/24, fd00:11::7/64 and the VIPs 192.168.11.100/32 and
 * fd00:11::100/128; br-pod with 10.1.0.1/16 behind it. The kernel is affected
 * and flushes at once, until a test says otherwise. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "move/run.h"

#include "fake_kernel.h"

#define HOST4 "192.168.11.7"
#define VIP4 "192.168.11.100"
#define HOST6 "fd00:11::7"
#define VIP6 "fd00:11::100"
#define SERVER4 "10.232.3.28"
#define SERVER6 "fd00:232::28"
#define STAGES_MAX 64

struct scene {
	struct fake *fake;
	int dev, pods; /* device indices of br-mgmt and br-pod */
	struct settings settings;
	struct run_env env;
	char dir[64];
	bool not_probed; /* since boot, on a kernel where no move does so */
	struct request req;
	struct report report;

	/* Stages seen by the last run, and the one it is killed at (-1: none). */
	char stages[STAGES_MAX][24];
	int n_stages, kill_at;
	/* What else happens as a stage begins; may be NULL. */
	void (*on_stage)(struct scene *s, const char *stage);
	int act_at; /* for on_stage: the stage, by number, at which it acts */

	/* The table as scene_remember() found it. */
	struct fake_entry *before;
	size_t n_before;
};

int scene_setup(void **state);
int scene_teardown(void **state);

/* An established, assured flow from SRC to DST that the far end sees coming
 * from AS:APORT. Ports are query ids for ICMP and ICMPv6; zero for protocols
 * without. SRC equal to AS and the ports too: local traffic. */
struct conn scene_flow(uint8_t proto, const char *src, uint16_t sport, const char *dst,
		       uint16_t dport, const char *as, uint16_t aport);

/* Shorthand: TCP from pod 10.1.0.N to the server, masqueraded as HOST4. */
struct conn scene_tcp(uint16_t n);

/* Put it in the table, masqueraded on br-mgmt, good for 400 s. */
struct fake_entry *scene_add(struct scene *s, const struct conn *c);

/* N pod flows, N/4 local ones, N/4 over IPv6 and N/4 static NAT ones. */
void scene_populate(struct scene *s, uint16_t n);

/* Keep a copy of the table for the questions below. */
void scene_remember(struct scene *s);

/* Run `add` or `del` of the words (NULL ends), e.g. VIP4 "/32"; the device is br-mgmt. */
void scene_move(struct scene *s, enum op op, ...) __attribute__((sentinel));
/* Once more what the last scene_move() asked for, or a request made by hand. */
void scene_run(struct scene *s);

/* Whether a flow's packets still leave as they did when C was read. */
bool scene_works(const struct scene *s, const struct conn *c);

/* Remembered entries whose flows no longer work; IGNORE_VIPS: those in which
 * neither VIP takes part. */
size_t scene_broken(const struct scene *s, bool ignore_vips);

/* Assert what holds after every run: the counts add up, the exit code fits the
 * result, and restored entries carry status, master and age of the old. */
void scene_check_report(const struct scene *s);
void scene_check_restored(const struct scene *s);

/* Where no move makes the probe, the unit has done so at boot: scene_run() and guarding_new() see
 * to it. */
void scene_boot(struct scene *s);

/* There was no probe since boot. */
void scene_unprobed(struct scene *s);

/* The backend of the hold that this kernel gets, and the other one. */
enum hold_choice scene_hold(const struct scene *s);
enum hold_choice scene_other_hold(const struct scene *s);

void scene_expect(const struct scene *s, enum exit_code code, bool changed);
bool scene_warned(const struct scene *s, const char *code);

/* Files in the run directory other than locks and the probe's answer, which
 * stay there between runs. RET_MODES: all their mode bits together; may be NULL. */
size_t scene_leftovers(const struct scene *s, unsigned *ret_modes);
