/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as a value, and its sections: tables of keys (setting.h), which each subject
 * defines. The caller of settings_init() says which sections there are. Files are read elsewhere
 * (show/config.h). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vipsafe/base.h>

#include "base/netns.h"
#include "base/setting.h"

enum pin_mode {
	PIN_CONTINUOUS,
	PIN_ON_DEMAND,
	PIN_OFF,
};

extern const char *const pin_words[]; /* a table of base/text.h */

enum stop_policy {
	STOP_KEEP,
	STOP_RELEASE,
};

/* How a new VIP is announced: COUNT messages at intervals of INTERVAL, and after AGAIN_AFTER
 * another AGAIN messages (as keepalived does: 5, then 5 after 5 s). */
struct announce_settings {
	unsigned count;
	usec_t interval;
	unsigned again;
	usec_t again_after;
};

struct device_settings {
	char name[DEVICE_NAME_MAX];
	enum pin_mode pin;
	usec_t pin_after;
	usec_t linger;		    /* 0: nothing does */
	struct selection selection; /* what is protected */
};

struct instance_settings; /* keepalived/instance_settings.h */
struct lvs_settings;	  /* lvs/settings.h */

struct settings {
	const struct setting_section *const *sections; /* as given to settings_init() */
	char netns[NETNS_MAX]; /* the path of the network namespace to act in; "": our own */
	char run_dir[SETTINGS_PATH_MAX]; /* "" until the settings are finished, unless given */
	char socket[SETTINGS_PATH_MAX];	 /* follows run_dir unless given */
	char group[SETTINGS_NAME_MAX];
	struct prefix *allow; /* owned; what the group may move besides instances */
	size_t n_allow;
	usec_t pin_timeout;
	unsigned pin_max_fill; /* percent of the conntrack table */
	unsigned shadow_max;   /* entries of a device */
	unsigned explain_max;  /* ends that are remembered; 0: none */
	usec_t hold_max;
	usec_t timeout; /* of one run that is given none */
	enum hold_choice hold;
	enum stop_policy on_stop;
	char textfile[SETTINGS_PATH_MAX]; /* "": none */
	struct announce_settings announce;
	char fifo[SETTINGS_PATH_MAX]; /* follows run_dir unless given */
	char fifo_user[SETTINGS_NAME_MAX];
	char conntrackd[SETTINGS_PATH_MAX];
	usec_t conntrackd_timeout;
	struct device_settings *devices; /* owned */
	size_t n_devices;
	struct instance_settings *instances; /* owned */
	size_t n_instances;
	struct lvs_settings *lvs; /* owned; NULL: there is no such section */
};

extern const struct setting_section agent_section, device_section;

/* Initialise S with the defaults of SECTIONS, a list that ends with NULL and must outlive S.
 * Returns 0 or -ENOMEM; call settings_done() after either. */
int settings_init(struct settings *s, const struct setting_section *const *sections);
void settings_done(struct settings *s);

/* Begin [SECTION], which may have no keys at all. Errors as below. */
int settings_section(struct settings *s, const char *section, struct request_error *ret_error);

/* Whether KEY may be repeated in one [SECTION]. */
bool settings_is_list(const struct settings *s, const char *section, const char *key);

/* Whether " ;" in the value of KEY of [SECTION] divides it, and begins no comment. */
bool settings_is_parted(const struct settings *s, const char *section, const char *key);

/* Whether "; KEY = VALUE" after another value of [SECTION] is a key, not a comment. */
bool settings_is_joined(const struct settings *s, const char *section, const char *key);

/* Apply KEY = VALUE of [SECTION]. Returns 0, -ENOMEM, or -EINVAL with *RET_ERROR naming section,
 * key or value. The caller checks for keys that are given twice in a section of one file
 * (settings_is_list()). */
int settings_apply(struct settings *s, const char *section, const char *key, const char *value,
		   struct request_error *ret_error);

/* Check what is known only after everything was read (e.g. that a derived path is too long), and
 * fill derived values. Returns 0 or -EINVAL as above. */
int settings_finish(struct settings *s, struct request_error *ret_error);

/* What the section of the device NAME, or else of ALIAS, selects. NULL: there is none. */
const struct selection *settings_selection(const struct settings *s, const char *name,
					   const char *alias);

/* Guard the device NAME, as an empty section [device NAME] does. Returns 0, -ENOMEM or -EINVAL. */
int settings_guard(struct settings *s, const char *name, struct request_error *ret_error);
