/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/option.h"
#include "base/setting.h"

#define SOCKET_FILE "/control.sock"
#define FIFO_FILE "/keepalived.fifo"
#define DEVICES_MAX 1024
#define ALLOW_MAX 1024
#define ALLOW_BETWEEN " \t,"

/* Words of an enum in the order of its members, ended by NULL. */
const char *const pin_words[] = { "continuous", "on-demand", "off", NULL };
static const char *const stop_words[] = { "keep", "release", NULL };

static int allow_one(struct settings *s, const char *word, struct request_error *e)
{
	struct prefix p, *one;
	uint8_t i;

	if (prefix_parse(word, PREFIX_LEN_OPTIONAL, &p) < 0)
		return request_error_set(
			e, "allow: " QUOTED " is no prefix such as 192.168.11.0/24", word);
	for (i = p.len; i < addr_size(p.addr.family) * 8; i++)
		if (p.addr.bytes[i / 8] & (0x80 >> i % 8))
			return request_error_set(
				e, "allow: " QUOTED " has bits set beyond its length", word);
	if (s->n_allow == ALLOW_MAX)
		return request_error_set(e, "allow: " QUOTED " is too much: at most %d fit", word,
					 ALLOW_MAX);
	one = array_append(&s->allow, &s->n_allow, sizeof(*one));
	if (!one)
		return -ENOMEM;
	*one = p;
	return 0;
}

static int allow_add(void *base, const char *value, struct request_error *e)
{
	char word[PREFIX_TEXT_MAX];
	const char *p = value + strspn(value, ALLOW_BETWEEN);
	int r = *p ? 0 : request_error_set(e, "allow: it names no prefix");

	for (; *p && r == 0; p += strspn(p, ALLOW_BETWEEN)) {
		size_t n = strcspn(p, ALLOW_BETWEEN);

		snprintf(word, sizeof(word), "%.*s", (int)MIN(n, sizeof(word)), p);
		r = allow_one(base, word, e);
		p += n;
	}
	return r;
}

static int only_add(void *base, const char *value, struct request_error *e)
{
	struct device_settings *d = base;

	return selection_add(&d->selection, false, value, e);
}

static int except_add(void *base, const char *value, struct request_error *e)
{
	struct device_settings *d = base;

	return selection_add(&d->selection, true, value, e);
}

#define AGENT(member) offsetof(struct settings, member)
#define DEVICE(member) offsetof(struct device_settings, member)

static int netns_add(void *base, const char *value, struct request_error *e)
{
	struct settings *s = base;

	return netns_path(value, s->netns, e);
}

static const struct setting agent_keys[] = {
	{ "run_dir", SETTING_PATH, AGENT(run_dir), NULL,
	  "The directory for locks, journals of moves and what was found out about this\n"
	  "kernel. It must not survive a reboot, and nobody else may write to it. The\n"
	  "default is /run/vipsafe, or /run/vipsafe-netns-NUMBER in a network namespace\n"
	  "that shares /run with others, such as one made by ip-netns(8).",
	  .shape = VIPSAFE_RUN_DIR },
	{ "netns", SETTING_PARSED, 0, NULL,
	  "The network namespace to act in: a name of ip-netns(8), or the path of a file\n"
	  "that stands for one. It is entered at the start, before any socket is opened.\n"
	  "The default is the one that the program is started in.",
	  .add = netns_add, .shape = "NAME | PATH" },
	{ "socket", SETTING_PATH, AGENT(socket), NULL,
	  "The socket where vipsafed listens. The default is control.sock in run_dir.",
	  .shape = VIPSAFE_RUN_DIR SOCKET_FILE },
	{ "group", SETTING_NAME, AGENT(group), "vipsafe",
	  "The group whose members may use the socket, besides root: to read, to plan, to\n"
	  "notify, and to move the addresses of instances. It need not exist.\n"
	  "none: only root." },
	{ "allow", SETTING_LIST, 0, NULL,
	  "Networks within which the group may also move addresses that belong to no\n"
	  "instance, on any device. Several may be on one line or on separate lines.",
	  .add = allow_add, .shape = "192.168.11.0/24" },
	{ "pin_deadline", SETTING_DURATION, AGENT(pin_timeout), "500ms",
	  "How long a move may take to pin entries before the address goes.\n"
	  "Entries that are not pinned by then are restored afterwards.",
	  MSEC(1), SEC(60) },
	{ "pin_max_fill", SETTING_COUNT, AGENT(pin_max_fill), "95",
	  "How full the conntrack table may be, in percent. Above that nothing is pinned,\n"
	  "because a pin needs free space in the table for a moment.",
	  1, 100 },
	{ "shadow_max", SETTING_COUNT, AGENT(shadow_max), "2000000",
	  "How many connections of one device vipsafed may know at once, at about 130\n"
	  "bytes each. Connections beyond that are protected only in moves by vipsafe.",
	  1000, 100000000 },
	{ "explain_max", SETTING_COUNT, AGENT(explain_max), "65536",
	  "How many ends of connections vipsafed remembers for \"vipsafe explain\", at 96\n"
	  "bytes each, in a file of run_dir that is kept over a restart. The oldest are\n"
	  "forgotten first. 0: none.",
	  0, 16777216 },
	{ "hold_max", SETTING_DURATION, AGENT(hold_max), "500ms",
	  "How long one hold may last. The kernel itself ends it after that time, even if\n"
	  "vipsafe is killed. With iptables it is rounded up to whole seconds.",
	  MSEC(1), SEC(10) },
	{ "hold", SETTING_WORD, AGENT(hold), "auto",
	  "How packets are held while entries are pinned. auto: what the node uses, else\n"
	  "the other one. nft: nft, else iptables. iptables: nothing else.",
	  .words = hold_words },
	{ "on_stop", SETTING_WORD, AGENT(on_stop), "keep",
	  "What happens to the addresses of instances when vipsafed stops.\n"
	  "keep: they stay. release: they are deleted.",
	  .words = stop_words },
	{ "textfile", SETTING_OPTIONAL_PATH, AGENT(textfile), "",
	  "A file for the metrics, for the textfile collector of node_exporter.\n"
	  "The collector reads only names that end with .prom. When vipsafed stops, the\n"
	  "file says vipsafe_up 0. Empty: no file.",
	  .suffix = ".prom" },
	{ "timeout", SETTING_DURATION, AGENT(timeout), "10s",
	  "How long a whole move may take. After that the address is changed without\n"
	  "protection. A run that is late by more than hold_max changes nothing: it was\n"
	  "stopped for a while, and somebody may have decided otherwise since.",
	  MSEC(1), HOUR },
	{ "announce_count", SETTING_COUNT, AGENT(announce.count), "5",
	  "How many times a new address is announced at once (gratuitous ARP, unsolicited\n"
	  "neighbour advertisement).",
	  0, 100 },
	{ "announce_interval", SETTING_DURATION, AGENT(announce.interval), "0s",
	  "The time between these announcements.", 0, SEC(1) },
	{ "announce_again", SETTING_COUNT, AGENT(announce.again), "5",
	  "How many times it is announced again, announce_again_after later.", 0, 100 },
	{ "announce_again_after", SETTING_DURATION, AGENT(announce.again_after), "5s",
	  "How long after the first announcements it is announced again.", 0, HOUR },
	{ "fifo", SETTING_PATH, AGENT(fifo), NULL,
	  "The FIFO that vrrp_notify_fifo in keepalived.conf names. vipsafed makes it if\n"
	  "there is an instance. The default is keepalived.fifo in run_dir.",
	  .shape = VIPSAFE_RUN_DIR FIFO_FILE },
	{ "fifo_user", SETTING_NAME, AGENT(fifo_user), "root",
	  "The owner of the FIFO: the user that keepalived runs as. keepalived 2.4 and\n"
	  "later demand this." },
	{ "conntrackd", SETTING_PATH, AGENT(conntrackd), "/usr/sbin/conntrackd",
	  "The program for instances with \"conntrackd = yes\"." },
	{ "conntrackd_timeout", SETTING_DURATION, AGENT(conntrackd_timeout), "1s",
	  "How long each run of conntrackd may take, but \"conntrackd -c\", which is waited\n"
	  "for a minute. After that it is killed, and the move goes on.",
	  MSEC(10), SEC(60) },
	{ NULL },
};

static const struct setting device_keys[] = {
	{ "pin", SETTING_WORD, DEVICE(pin), "continuous",
	  "continuous: entries are pinned soon after they are established. After that no\n"
	  "address delete flushes them. on-demand: what a delete has flushed is restored.\n"
	  "off: the device is only observed. Nothing is pinned, held back, restored or\n"
	  "removed, but \"vipsafe explain\" tells how its connections end.",
	  .words = pin_words },
	{ "pin_after", SETTING_DURATION, DEVICE(pin_after), "2s",
	  "How old an entry has to be before it is pinned. This is for UDP and other\n"
	  "protocols without a handshake; TCP entries are pinned once they are assured.",
	  0, HOUR },
	{ "linger", SETTING_DURATION, DEVICE(linger), "5s",
	  "How long the connections of an address that vanishes stay, in case it comes\n"
	  "back, as after \"nmcli connection up\" or with a new DHCP lease. They go at once\n"
	  "if another host has the address, or if an instance or \"vipsafe del\" has given\n"
	  "it up.\n"
	  "0: they go with the address.",
	  0, SEC(600) },
	{ "only", SETTING_LIST, 0, NULL,
	  "Which connections are protected: those that one of these filters matches.\n"
	  "A filter has the words of \"vipsafe connections\": proto, src, dst, sport,\n"
	  "dport, mark, zone. Several may be on one line, divided by semicolons, or on\n"
	  "separate lines. The others are neither pinned nor restored: they are counted\n"
	  "as not selected, and as lost if they are flushed. Without this key all are\n"
	  "protected.",
	  .add = only_add, .shape = "proto tcp dport 443; dst 10.0.0.0/8", .parted = true },
	{ "except", SETTING_LIST, 0, NULL,
	  "Connections that are not protected, whatever \"only\" says. The same filters.",
	  .add = except_add, .shape = "dst 10.1.0.0/16", .parted = true },
	{ NULL },
};

/* ---- sections ------------------------------------------------------------------- */

static int agent_find(struct settings *s, const char *name _unused_, void **ret,
		      struct request_error *ret_error _unused_)
{
	*ret = s;
	return 0;
}

/* The entry of the device, created with its defaults if it is new. */
static int device_find(struct settings *s, const char *name, void **ret,
		       struct request_error *ret_error)
{
	struct device_settings *device;
	size_t i;
	int r;

	r = device_name_check(name, ret_error);
	if (r < 0)
		return r;
	for (i = 0; i < s->n_devices; i++) {
		if (!strcmp(s->devices[i].name, name)) {
			*ret = &s->devices[i];
			return 0;
		}
	}
	if (s->n_devices == DEVICES_MAX)
		return request_error_set(ret_error, "device " QUOTED " is too much: at most %d fit",
					 name, DEVICES_MAX);
	device = array_append(&s->devices, &s->n_devices, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->pin = PIN_OFF;
	setting_init(device_keys, device);
	memcpy(device->name, name, strlen(name) + 1);
	*ret = device;
	return 0;
}

/* If FIELD was not given, it is FILE in run_dir. */
static int follow_run_dir(const struct settings *s, const char *key, const char *file,
			  char field[SETTINGS_PATH_MAX], struct request_error *ret_error)
{
	if (*field)
		return 0;
	if (strlen(s->run_dir) + strlen(file) + 1 > SETTINGS_PATH_MAX)
		return request_error_set(ret_error,
					 "run_dir: " QUOTED "... leaves no room for the "
					 "%s's path; give %s",
					 s->run_dir, key, key);
	memcpy(field, s->run_dir, strlen(s->run_dir) + 1);
	memcpy(field + strlen(field), file, strlen(file) + 1);
	return 0;
}

static int agent_finish(struct settings *s, struct request_error *ret_error)
{
	int r;

	if (!*s->run_dir)
		memcpy(s->run_dir, VIPSAFE_RUN_DIR, sizeof(VIPSAFE_RUN_DIR));
	r = follow_run_dir(s, "socket", SOCKET_FILE, s->socket, ret_error);
	return r < 0 ? r : follow_run_dir(s, "fifo", FIFO_FILE, s->fifo, ret_error);
}

static int agent_init(struct settings *s)
{
	setting_init(agent_keys, s);
	return 0;
}

static void agent_done(struct settings *s)
{
	free(s->allow);
	s->allow = NULL;
	s->n_allow = 0;
}

static void device_done(struct settings *s)
{
	free(s->devices);
	s->devices = NULL;
	s->n_devices = 0;
}

const struct setting_section agent_section = {
	.word = "agent",
	.help = "General settings of vipsafe and vipsafed.",
	.keys = agent_keys,
	.find = agent_find,
	.init = agent_init,
	.finish = agent_finish,
	.done = agent_done,
};

const struct setting_section device_section = {
	.word = "device",
	.placeholder = "DEV",
	.example = "br-mgmt",
	.help = "A device to guard.",
	.keys = device_keys,
	.find = device_find,
	.done = device_done,
};

/* The NAME in "device NAME" ("" if there is none); NULL: SECTION does not begin with WORD. */
static const char *section_name(const char *section, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(section, word, n))
		return NULL;
	section += n;
	if (*section && *section != ' ' && *section != '\t')
		return NULL;
	return section + strspn(section, " \t");
}

static int section_find(const struct settings *s, const char *section,
			const struct setting_section **ret, const char **ret_name,
			struct request_error *ret_error)
{
	const struct setting_section *const *at, *c;

	for (at = s->sections; (c = *at) != NULL; at++) {
		const char *name = section_name(section, c->word);

		if (!name || (*name && !c->placeholder))
			continue;
		if (c->placeholder && !section[strlen(c->word)])
			return request_error_set(ret_error, "section [%s] names no %s", c->word,
						 c->word);
		*ret = c;
		*ret_name = name;
		return 0;
	}
	return request_error_set(ret_error, "unknown section [%.48s]", section);
}

int settings_section(struct settings *s, const char *section, struct request_error *ret_error)
{
	const struct setting_section *c;
	const char *name;
	void *base;
	int r;

	r = section_find(s, section, &c, &name, ret_error);
	return r < 0 ? r : c->find(s, name, &base, ret_error);
}

int settings_apply(struct settings *s, const char *section, const char *key, const char *value,
		   struct request_error *ret_error)
{
	const struct setting_section *c;
	const struct setting *k;
	const char *name;
	void *base;
	int r;

	if (!*section)
		return request_error_set(ret_error, "key " QUOTED " stands before any section",
					 key);
	r = section_find(s, section, &c, &name, ret_error);
	if (r == 0)
		r = c->find(s, name, &base, ret_error);
	if (r < 0)
		return r;
	k = setting_find(c->keys, key);
	if (!k)
		return request_error_set(ret_error, "unknown key " QUOTED " in section [%.48s]",
					 key, section);
	return setting_set(k, value, base, ret_error);
}

/* The key KEY of [SECTION], or NULL. */
static const struct setting *settings_key(const struct settings *s, const char *section,
					  const char *key)
{
	const struct setting_section *c;
	struct request_error e;
	const char *name;

	return section_find(s, section, &c, &name, &e) < 0 ? NULL : setting_find(c->keys, key);
}

bool settings_is_parted(const struct settings *s, const char *section, const char *key)
{
	const struct setting *k = settings_key(s, section, key);

	return k && k->parted;
}

bool settings_is_list(const struct settings *s, const char *section, const char *key)
{
	const struct setting *k = settings_key(s, section, key);

	return k && k->type == SETTING_LIST;
}

bool settings_is_joined(const struct settings *s, const char *section, const char *key)
{
	const struct setting_section *c;
	struct request_error e;
	const char *name;

	return section_find(s, section, &c, &name, &e) == 0 && c->joined &&
	       setting_find(c->keys, key);
}

const struct selection *settings_selection(const struct settings *s, const char *name,
					   const char *alias)
{
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, name) || !strcmp(s->devices[i].name, alias))
			return &s->devices[i].selection;
	return NULL;
}

int settings_guard(struct settings *s, const char *name, struct request_error *ret_error)
{
	void *device;

	return device_find(s, name, &device, ret_error);
}

int settings_finish(struct settings *s, struct request_error *ret_error)
{
	const struct setting_section *const *at;
	int r = 0;

	for (at = s->sections; *at && r == 0; at++)
		if ((*at)->finish)
			r = (*at)->finish(s, ret_error);
	return r;
}

int settings_init(struct settings *s, const struct setting_section *const *sections)
{
	const struct setting_section *const *at;
	int r = 0;

	*s = (struct settings){ .sections = sections };
	for (at = sections; *at && r == 0; at++)
		if ((*at)->init)
			r = (*at)->init(s);
	return r;
}

void settings_done(struct settings *s)
{
	const struct setting_section *const *at;

	for (at = s->sections; at && *at; at++)
		if ((*at)->done)
			(*at)->done(s);
}
