/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/instance_settings.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "keepalived/decoy.h"
#include "base/option.h"

#define INSTANCES_MAX 1024
#define WORDS_MAX 32
#define LINE_MAX_SIZE 512
#define NOT_GIVEN UINT_MAX /* a count; a duration not given is USEC_NEVER */

static const char *const owner_words[] = { "vipsafe", "keepalived", NULL };
static const char *const enter_words[] = { "add", "keep", NULL };
static const char *const leave_words[] = { "del", "keep", NULL };

static int instance_settings_split(char *text, char *argv[WORDS_MAX])
{
	char *save = NULL, *word;
	int n = 0;

	for (word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		if (n == WORDS_MAX)
			return -E2BIG;
		argv[n++] = word;
	}
	return n;
}

static int address_parse(struct instance_address *ret, const char *value, const char *key,
			 struct request_error *e)
{
	char text[LINE_MAX_SIZE], *argv[WORDS_MAX];
	struct instance_address a = { .device = "" };
	struct request_error why = { "" };
	const char *ignored = NULL;
	int n = -E2BIG;

	if (strlen(value) < sizeof(text)) {
		memcpy(text, value, strlen(value) + 1);
		n = instance_settings_split(text, argv);
	}
	if (n < 0)
		return request_error_set(e, "%s: " QUOTED "... holds too many words", key, value);
	if (vip_parse_at(&a.vip, a.device, &ignored, n, argv, &why) < 0)
		return request_error_set(e, "%s: %s", key, why.text);
	/* VRRP has decided who owns the address, and a move must not wait for DAD */
	if (a.vip.dad)
		return request_error_set(e, "%s: \"dad\" does not go with an instance", key);
	if (ignored)
		snprintf(a.ignored, sizeof(a.ignored), "%s", ignored);
	*ret = a;
	return 0;
}

static int address_add(void *base, const char *value, struct request_error *e)
{
	struct instance_settings *s = base;
	struct instance_address a, *one;
	int r;

	r = address_parse(&a, value, "address", e);
	if (r < 0)
		return r;
	if (s->n_addresses == INSTANCE_ADDRESSES_MAX)
		return request_error_set(e, "address: " QUOTED " is too much: at most %d fit",
					 value, INSTANCE_ADDRESSES_MAX);
	one = array_append(&s->addresses, &s->n_addresses, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = a;
	return 0;
}

static int decoy_add(void *base, const char *value, struct request_error *e)
{
	struct instance_settings *s = base;
	int r;

	r = address_parse(&s->decoy, value, "decoy", e);
	if (r == 0)
		s->has_decoy = true;
	return r;
}

/* Any name that keepalived accepts. The reader has cut blanks at its ends. */
static int name_check(const char *key, const char *name, struct request_error *e)
{
	const char *p;

	if (!*name || strlen(name) >= INSTANCE_NAME_MAX)
		return request_error_set(e, "%s: " QUOTED " is no name of 1 to %d characters", key,
					 name, INSTANCE_NAME_MAX - 1);
	for (p = name; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return request_error_set(e, "%s: " QUOTED " holds a control character", key,
						 name);
	}
	return 0;
}

static int group_add(void *base, const char *value, struct request_error *e)
{
	struct instance_settings *s = base;

	if (name_check("group", value, e) < 0)
		return -EINVAL;
	memcpy(s->group, value, strlen(value) + 1);
	return 0;
}

#define FIELD(member) offsetof(struct instance_settings, member)

static const struct setting instance_keys[] = {
	{ "address", SETTING_LIST, 0, NULL,
	  "An address of the instance, with the options of \"vipsafe add\"; one address a\n"
	  "line. \"dev\" puts it on another device than the instance's. Any label may be\n"
	  "used, as in keepalived.conf; an IPv6 address has none.",
	  .add = address_add, .shape = "192.168.11.100/32 label br-mgmt:1" },
	{ "device", SETTING_NAME, FIELD(device), NULL,
	  "The device of its addresses. It is guarded as if it had a section [device].",
	  .shape = "br-mgmt" },
	{ "group", SETTING_PARSED, 0, NULL,
	  "The vrrp_sync_group that the instance is in, if only the group has notify\n"
	  "scripts. The states that are reported for the group then count for it.",
	  .add = group_add, .shape = "VG_1" },
	{ "owner", SETTING_WORD, FIELD(owner), "vipsafe",
	  "Who adds and deletes the addresses. vipsafe: vipsafe does, and keepalived has\n"
	  "a decoy instead. keepalived: keepalived does, from its virtual_ipaddress, and\n"
	  "vipsafe only watches.",
	  .words = owner_words },
	{ "decoy", SETTING_PARSED, 0, NULL,
	  "The virtual_ipaddress that keepalived has instead of the addresses. The node\n"
	  "that has the decoy is MASTER, even if hooks or lines of the FIFO get lost.\n"
	  "Each instance has its own decoy, on lo unless \"dev\" says otherwise, and never\n"
	  "on a guarded device. keepalived before 1.3.6 refuses addresses on lo: for it\n"
	  "use the device vipsafe-decoy, which vipsafed makes when a decoy names it.",
	  .add = decoy_add, .shape = "169.254.77.1/32 dev lo" },
	{ "master", SETTING_WORD, FIELD(master), "add",
	  "What is done with the addresses when the instance becomes MASTER.",
	  .words = enter_words },
	{ "backup", SETTING_WORD, FIELD(backup), "del",
	  "What is done with them when it becomes BACKUP.", .words = leave_words },
	{ "fault", SETTING_WORD, FIELD(fault), "del",
	  "What is done with them when it goes to FAULT: its interface is down, or a\n"
	  "script failed.",
	  .words = leave_words },
	{ "stop", SETTING_WORD, FIELD(stop), "del",
	  "What is done with them when keepalived stops. keep: they stay on this node,\n"
	  "even if another node takes them over.",
	  .words = leave_words },
	{ "garp", SETTING_COUNT, FIELD(announce.count), NULL,
	  "How many times its addresses are announced when they are added.\n"
	  "The default is announce_count of [agent]; likewise for the next three keys.",
	  0, 100, .shape = "5" },
	{ "garp_interval", SETTING_DURATION, FIELD(announce.interval), NULL,
	  "The time between these announcements.", 0, SEC(1), .shape = "0s" },
	{ "garp_again", SETTING_COUNT, FIELD(announce.again), NULL,
	  "How many times they are announced again, garp_again_after later.", 0, 100,
	  .shape = "5" },
	{ "garp_again_after", SETTING_DURATION, FIELD(announce.again_after), NULL,
	  "How long after the first announcements they are announced again.", 0, HOUR,
	  .shape = "5s" },
	{ "garp_refresh", SETTING_DURATION, FIELD(refresh), "0s",
	  "The time between further announcements while it is MASTER. 0s: there are none.", 0,
	  24 * HOUR },
	{ "garp_refresh_count", SETTING_COUNT, FIELD(refresh_count), "1",
	  "How many times they are announced each time.", 1, 100 },
	{ "conntrackd", SETTING_BOOL, FIELD(conntrackd), "no",
	  "yes: the other node of a pair replicates its connections to this one with\n"
	  "conntrackd. \"conntrackd -c\" is run before its addresses are added, and\n"
	  "\"conntrackd -f external\", \"-R\" and \"-B\" after that. What is translated to\n"
	  "its addresses lingers when they go, until the other node has them." },
	{ "commit_max", SETTING_DURATION, FIELD(commit_max), "500ms",
	  "How long its addresses wait at most for \"conntrackd -c\", so that nobody is\n"
	  "answered before the connections are there. After that they come all the\n"
	  "same, which the report, the log and status tell, and it goes on. 0s: they do\n"
	  "not wait, and it is run after they are added.",
	  0, SEC(10) },
	{ "vip_flows", SETTING_WORD, FIELD(vip_flows), "drop",
	  "What becomes of the connections of its addresses, as --vip-flows of\n"
	  "\"vipsafe del\" says. reset: also, when they are added, clients of TCP\n"
	  "connections that ended with the other node learn it at once. With\n"
	  "conntrackd = yes all are kept when its addresses go, whatever this says.",
	  .words = vip_flows_words },
	{ "move_by", SETTING_DURATION, FIELD(move_by), "0s",
	  "How long its addresses stay at most when they are to go, so that no two nodes\n"
	  "have them for longer. Connections that are not pinned by then are held and\n"
	  "restored afterwards. Without a guard the table has to be read first, which is\n"
	  "cut short, too: what was not read is not protected. At least 10ms;\n"
	  "0s: they go when everything is pinned, or pin_deadline is over.",
	  0, MOVE_BY_MAX },
	{ NULL },
};

static int instance_find(struct settings *s, const char *name, void **ret, struct request_error *e)
{
	struct instance_settings *one;
	size_t i;

	if (name_check("instance", name, e) < 0)
		return -EINVAL;
	for (i = 0; i < s->n_instances; i++) {
		if (!strcmp(s->instances[i].name, name)) {
			*ret = &s->instances[i];
			return 0;
		}
	}
	if (s->n_instances == INSTANCES_MAX)
		return request_error_set(e, "instance " QUOTED " is too much: at most %d fit", name,
					 INSTANCES_MAX);
	one = array_append(&s->instances, &s->n_instances, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = (struct instance_settings){ .announce = { .count = NOT_GIVEN,
							 .interval = USEC_NEVER,
							 .again = NOT_GIVEN,
							 .again_after = USEC_NEVER } };
	setting_init(instance_keys, one);
	memcpy(one->name, name, strlen(name) + 1);
	*ret = one;
	return 0;
}

struct instance_policy instance_settings_policy(const struct instance_settings *s)
{
	return (struct instance_policy){
		.is_ours = s->owner == OWNER_VIPSAFE && s->n_addresses,
		.add = s->master == ENTER_ADD,
		.del_backup = s->backup == LEAVE_DEL,
		.del_fault = s->fault == LEAVE_DEL,
		.del_stop = s->stop == LEAVE_DEL,
	};
}

const struct instance_settings *instance_settings_find(const struct settings *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (!strcmp(s->instances[i].name, name))
			return &s->instances[i];
	return NULL;
}

bool instance_settings_meant(const struct instance_settings *s, const struct instance_event *event)
{
	return !strcmp(event->group ? s->group : s->name, event->name);
}

static int finish_address(const struct instance_settings *s, struct instance_address *a,
			  struct request_error *e)
{
	char text[PREFIX_TEXT_MAX];

	if (!*a->device)
		memcpy(a->device, s->device, sizeof(a->device));
	if (*a->device)
		return 0;
	return request_error_set(e,
				 "section [instance %.48s]: address %s has no device: give device",
				 s->name, prefix_format(&a->vip.prefix, text));
}

/* Whether the kernel would treat both as the same address. */
static bool instance_settings_same_address(const struct instance_address *a,
					   const struct instance_address *b)
{
	if (strcmp(a->device, b->device))
		return false;
	/* IPv6 keeps an address once per device, whatever the length */
	if (a->vip.prefix.addr.family == AF_INET6)
		return addr_equal(&a->vip.prefix.addr, &b->vip.prefix.addr);
	return prefix_equal(&a->vip.prefix, &b->vip.prefix);
}

/* Refuse an address that another instance also has: both would take turns adding and deleting
 * it. */
static int check_unique(const struct settings *s, size_t n, const struct instance_address *a,
			size_t n_before, struct request_error *e)
{
	char text[PREFIX_TEXT_MAX];
	size_t i, j;

	for (i = 0; i <= n; i++) {
		const struct instance_settings *other = &s->instances[i];
		size_t end = i == n ? n_before : other->n_addresses;

		for (j = 0; j < end; j++) {
			if (instance_settings_same_address(a, &other->addresses[j]))
				return request_error_set(
					e,
					"section [instance %.48s]: address %s is given twice, "
					"also in [instance %.48s]",
					s->instances[n].name, prefix_format(&a->vip.prefix, text),
					other->name);
		}
	}
	return 0;
}

static void finish_announce(struct announce_settings *own, const struct announce_settings *all)
{
	if (own->count == NOT_GIVEN)
		own->count = all->count;
	if (own->interval == USEC_NEVER)
		own->interval = all->interval;
	if (own->again == NOT_GIVEN)
		own->again = all->again;
	if (own->again_after == USEC_NEVER)
		own->again_after = all->again_after;
}

static int finish_instance(struct settings *s, size_t n, struct request_error *e)
{
	struct instance_settings *one = &s->instances[n];
	char given[DURATION_TEXT_MAX], least[DURATION_TEXT_MAX];
	size_t i;

	if (*one->device && device_name_check(one->device, e) < 0)
		return -EINVAL;
	if (one->move_by && one->move_by < MOVE_BY_MIN)
		return request_error_set(e,
					 "section [instance %.48s]: move_by: %s is less than %s, "
					 "and not 0s",
					 one->name, duration_format(one->move_by, given),
					 duration_format(MOVE_BY_MIN, least));
	finish_announce(&one->announce, &s->announce);
	for (i = 0; i < one->n_addresses; i++) {
		if (finish_address(one, &one->addresses[i], e) < 0 ||
		    check_unique(s, n, &one->addresses[i], i, e) < 0)
			return -EINVAL;
	}
	if (one->has_decoy && !*one->decoy.device)
		memcpy(one->decoy.device, "lo", sizeof("lo"));
	return 0;
}

/* Devices of instances are guarded like those with a section of their own. */
static int instance_settings_guard_devices(struct settings *s, const struct instance_settings *one,
					   struct request_error *ret_error)
{
	size_t i;
	int r = 0;

	for (i = 0; i < one->n_addresses && r == 0; i++)
		/* nothing is masqueraded to the loopback device */
		if (strcmp(one->addresses[i].device, "lo"))
			r = settings_guard(s, one->addresses[i].device, ret_error);
	return r;
}

static int finish_instances(struct settings *s, struct request_error *ret_error)
{
	size_t i;
	int r;

	for (i = 0; i < s->n_instances; i++)
		if (finish_instance(s, i, ret_error) < 0)
			return -EINVAL;
	r = s->n_instances ? decoys_check(s, ret_error) : 0;
	for (i = 0; i < s->n_instances && r == 0; i++)
		r = instance_settings_guard_devices(s, &s->instances[i], ret_error);
	return r;
}

static void instances_done(struct settings *s)
{
	while (s->n_instances)
		free(s->instances[--s->n_instances].addresses);
	free(s->instances);
	s->instances = NULL;
}

const struct setting_section instance_section = {
	.word = "instance",
	.placeholder = "NAME",
	.example = "VI_1",
	.help = "A vrrp_instance of keepalived. NAME is its name in keepalived.conf.",
	.keys = instance_keys,
	.find = instance_find,
	.finish = finish_instances,
	.done = instances_done,
};

void instance_settings_warn(const struct settings *s, void (*sink)(void *ud, const char *line),
			    void *ud)
{
	char text[PREFIX_TEXT_MAX];
	struct request_error line; /* request_error_set() escapes what is QUOTED */
	size_t i, j;

	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		for (j = 0; j < one->n_addresses; j++) {
			if (!*one->addresses[j].ignored)
				continue;
			request_error_set(&line,
					  "section [instance %.48s]: \"%s\" is for IPv4 only, and "
					  "left out of %s",
					  one->name, one->addresses[j].ignored,
					  prefix_format(&one->addresses[j].vip.prefix, text));
			sink(ud, line.text);
		}
	}
}
