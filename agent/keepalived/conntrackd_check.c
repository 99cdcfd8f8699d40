/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conntrackd_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* A connection that is kept alive sends at least every 2 h, and 9 probes 75 s apart (tcp(7),
 * tcp_keepalive_time and others). */
#define KEEPALIVE_SECONDS (7200 + 9 * 75)

bool conntrackd_is_wanted(const struct settings *s)
{
	size_t i;

	for (i = 0; i < s->n_instances; i++)
		if (s->instances[i].conntrackd)
			return true;
	return false;
}

int conntrackd_addresses(const struct settings *s, struct addrset *ret)
{
	int r = 0;
	size_t i, k;

	for (i = 0; i < s->n_instances && r == 0; i++)
		for (k = 0; s->instances[i].conntrackd && k < s->instances[i].n_addresses && r == 0;
		     k++)
			r = addrset_add(ret, &s->instances[i].addresses[k].vip.prefix.addr);
	return r;
}

/* The name of an instance that wants it, printable: for messages. */
static const char *conntrackd_wants(const struct conntrackd_check *c,
				    char buf[INSTANCE_NAME_MAX * 4])
{
	size_t i;

	for (i = 0; i < c->settings->n_instances; i++)
		if (c->settings->instances[i].conntrackd)
			return text_escape(c->settings->instances[i].name, buf,
					   INSTANCE_NAME_MAX * 4);
	snprintf(buf, INSTANCE_NAME_MAX * 4, "?");
	return buf;
}

/* ---- vipsafe's own settings ---- */

/* The section of DEVICE; NULL: none. */
static const struct device_settings *conntrackd_device(const struct settings *s, const char *device)
{
	size_t i;

	for (i = 0; i < s->n_devices; i++)
		if (!strcmp(s->devices[i].name, device))
			return &s->devices[i];
	return NULL;
}

/* So many connections are committed in a millisecond, and by a busy node half as many
 * (docs/conntrackd.md 11). */
#define COMMITTED_PER_MS 100
#define COMMIT_MAX_LIMIT_S 10 /* of the setting */

/* Whether the addresses may come before all is committed. */
static void conntrackd_commit_max(const struct conntrackd_check *c,
				  const struct instance_settings *one, const char *name,
				  struct findings *f)
{
	const unsigned long long n = MAX(c->stats.own, c->stats.others);
	const unsigned long long ms = 2 * n / COMMITTED_PER_MS;
	char fix[FINDING_TEXT_MAX];

	if (!one->commit_max || one->commit_max >= COMMIT_MAX_LIMIT_S * USEC_PER_SEC ||
	    ms * USEC_PER_MSEC <= one->commit_max)
		return;
	snprintf(fix, sizeof(fix), "commit_max = %llus, in the section of the instance",
		 MIN(ms / 1000 + 1, (unsigned long long)COMMIT_MAX_LIMIT_S));
	findings_add(
		f, SEVERITY_WARNING, "conntrackd-commit-max", fix,
		"[instance %s]: conntrackd takes up to %llu ms to commit %llu connections, and "
		"commit_max is %llu ms: its addresses may come before they are all there",
		name, ms, n, (unsigned long long)(one->commit_max / USEC_PER_MSEC));
}

/* docs/conntrackd.md 4 and 5 */
static void conntrackd_handing_over(const struct device_settings *d, const char *name,
				    struct findings *f)
{
	if (!d->linger)
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-linger",
			"linger = 5s, in the section of the device",
			"[instance %s] says \"conntrackd = yes\", and linger is 0 where its "
			"addresses are: what ends here with an address ends in the cache of the "
			"other node, too, before it is committed there",
			name);
	if (d->pin == PIN_ON_DEMAND)
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-pin",
			"pin = continuous, in the section of the device",
			"[instance %s] says \"conntrackd = yes\", and pin is on-demand where its "
			"addresses are: what is pinned when they go is deleted and created at "
			"the other node, too, while it commits",
			name);
}

static void conntrackd_instance(const struct conntrackd_check *c,
				const struct instance_settings *one, struct findings *f)
{
	const struct device_settings *d;
	char name[INSTANCE_NAME_MAX * 4];
	size_t i;

	text_escape(one->name, name, sizeof(name));
	if (one->owner == OWNER_KEEPALIVED) {
		findings_add(f, SEVERITY_WARNING, "conntrackd-owner",
			     "owner = vipsafe; or conntrackd -c, -R and -B in its notify script",
			     "[instance %s] says \"conntrackd = yes\", and keepalived adds its "
			     "addresses: vipsafe does not call conntrackd for it",
			     name);
		return;
	}
	conntrackd_commit_max(c, one, name, f);
	for (i = 0; i < one->n_addresses; i++) {
		d = conntrackd_device(c->settings, one->addresses[i].device);
		if (d)
			conntrackd_handing_over(d, name, f);
	}
}

static void conntrackd_settings(const struct conntrackd_check *c, struct findings *f)
{
	size_t i;

	for (i = 0; i < c->settings->n_instances; i++)
		if (c->settings->instances[i].conntrackd)
			conntrackd_instance(c, &c->settings->instances[i], f);
}

/* ---- the running one ---- */

static void conntrackd_lock(const struct conntrackd_check *c, struct findings *f)
{
	char fix[FINDING_TEXT_MAX];

	if (c->running || !c->lock_there || !c->conf)
		return;
	text_line(fix, sizeof(fix), "remove %.200s while no conntrackd runs, then start it",
		  c->conf->lock);
	findings_add(f, SEVERITY_WARNING, "conntrackd-lock", fix,
		     "%.160s is there and no conntrackd runs: it was killed, and refuses to start "
		     "while the file is there",
		     c->conf->lock);
}

static void conntrackd_running(const struct conntrackd_check *c, struct findings *f)
{
	char name[INSTANCE_NAME_MAX * 4];
	bool wanted = conntrackd_is_wanted(c->settings);

	conntrackd_lock(c, f);
	if (!c->running && wanted) {
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-not-running", "start conntrackd",
			"[instance %s] says \"conntrackd = yes\", and no conntrackd runs: after "
			"a failover this node does not know its connections",
			conntrackd_wants(c, name));
		return;
	}
	if (c->running > 1)
		findings_add(f, SEVERITY_WARNING, "conntrackd-twice",
			     "stop all, and start one; LockFile has to be the same in every file",
			     "%u conntrackds run: who started last has taken over the socket, and "
			     "what the others know is committed by nobody",
			     c->running);
	else if (c->running && wanted && !c->stats.answered)
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-silent",
			"restart it; UNIX { Path … } has to be that of the running one",
			"conntrackd runs, and does not answer at the socket of %.120s: nothing "
			"is committed",
			c->file);
	if (c->running && wanted && !c->stats.answered && *c->others)
		findings_add(f, SEVERITY_WARNING, "conntrackd-other-file",
			     "let it read " CONNTRACKD_CONF ": vipsafe's calls do",
			     "conntrackd was started with another file than " CONNTRACKD_CONF
			     ", which says at which socket it is asked: %.120s",
			     c->others);
}

/* ---- its file ---- */

static void conntrackd_mode(const struct conntrackd_check *c, struct findings *f)
{
	const struct conntrackd_conf *conf = c->conf;

	if (!conf->has_sync) {
		findings_add(f, SEVERITY_WARNING, "conntrackd-mode",
			     "a section Sync, see vipsafe-keepalived(7)",
			     "%.120s has no section Sync%s: nothing is replicated, and "
			     "\"conntrackd -c\" does nothing and says that it has",
			     c->file, conf->has_stats ? " but Stats" : "");
		return;
	}
	if (conf->no_external_cache && conntrackd_is_wanted(c->settings))
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-no-cache", "take DisableExternalCache out",
			"%.120s: with DisableExternalCache there is nothing to commit; entries "
			"of addresses that this node does not have are in its table all the time",
			c->file);
	if (!conf->startup_resync && conf->mode != CONNTRACKD_ALARM)
		findings_add(f, SEVERITY_WARNING, "conntrackd-startup-resync",
			     keepalived_version_before(&c->version, 1, 4, 5)
				     ? "call \"conntrackd -n\" after each start of conntrackd"
				     : "StartupResync yes, in the section Mode",
			     "%.120s: without StartupResync a conntrackd that was restarted does "
			     "not know the connections that were open before",
			     c->file);
}

static void conntrackd_timeout(const struct conntrackd_check *c, struct findings *f)
{
	uint32_t seconds = c->conf->commit_timeout;
	bool is_short = seconds < KEEPALIVE_SECONDS;

	if (!seconds || c->established < 0 || seconds >= c->established)
		return;
	findings_add(
		f, is_short ? SEVERITY_WARNING : SEVERITY_NOTE, "conntrackd-commit-timeout",
		"take CommitTimeout out: conntrackd then commits the time that is left",
		"%.100s: CommitTimeout %u: an established TCP connection that is silent for so "
		"many seconds after a failover is forgotten%s; otherwise it has %lld s",
		c->file, seconds, is_short ? ", even with TCP's keepalive" : "",
		(long long)c->established);
}

static void conntrackd_protocols(const struct conntrackd_check *c, struct findings *f)
{
	const struct conntrackd_filter *filter = &c->conf->filter;
	bool accepts = filter->protocol == CONNTRACKD_ACCEPT;
	bool tcp = filter->protocol == CONNTRACKD_ALL || filter->tcp == accepts;
	bool udp = filter->protocol == CONNTRACKD_ALL || filter->udp == accepts;
	bool established = filter->state == CONNTRACKD_ALL ||
			   filter->established == (filter->state == CONNTRACKD_ACCEPT);

	if (!tcp || !established)
		findings_add(f, SEVERITY_WARNING, "conntrackd-filter",
			     tcp ? "ESTABLISHED, in State Accept" : "TCP, in Protocol Accept",
			     "%.120s: its filter leaves out %s", c->file,
			     tcp ? "established TCP connections" : "TCP");
	if (!udp)
		findings_add(f, SEVERITY_NOTE, "conntrackd-filter", "UDP, in Protocol Accept",
			     "%.120s: its filter leaves out UDP", c->file);
}

static void conntrackd_filter(const struct conntrackd_check *c, struct findings *f)
{
	static const char fix[] = "Address Ignore { … } with the node's own addresses and the "
				  "network of the dedicated link, in place of Address Accept";
	struct addrset own = { 0 };

	conntrackd_protocols(c, f);
	if (conntrackd_addresses(c->settings, &own) == 0 && own.n &&
	    conntrackd_conf_only(c->conf, &own))
		findings_add(
			f, SEVERITY_CRITICAL, "conntrackd-filter", fix,
			"%.100s: Address Accept has only virtual addresses: conntrackd compares "
			"client and server, not what a connection is translated to, and "
			"replicates none that is translated to them",
			c->file);
	else if (c->left_out)
		findings_add(f, SEVERITY_CRITICAL, "conntrackd-filter", fix,
			     "%.100s: its filter (Address %s) leaves out %u of the %u connections "
			     "that are translated to virtual addresses: client or server decide",
			     c->file,
			     c->conf->filter.address == CONNTRACKD_ACCEPT ? "Accept" : "Ignore",
			     c->left_out, c->translated);
	else if (c->translated && c->stats.answered && c->stats.internal && !c->stats.own &&
		 !c->conf->no_internal_cache)
		findings_add(f, SEVERITY_WARNING, "conntrackd-empty", "conntrackd -R",
			     "%u connections are translated to virtual addresses, and conntrackd "
			     "knows none: the other node gets none",
			     c->translated);
	addrset_done(&own);
}

/* docs/conntrackd.md 1 */
static void conntrackd_sctp(const struct conntrackd_check *c, struct findings *f)
{
	if (c->sctp)
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-sctp",
			"an address for SCTP that does not move, in the rule that translates it",
			"%u SCTP associations are translated to virtual addresses: conntrackd "
			"commits them with another port, and they do not live on",
			c->sctp);
}

static bool conntrackd_has_ipv6(const struct settings *s)
{
	size_t i, k;

	for (i = 0; i < s->n_instances; i++)
		for (k = 0; s->instances[i].conntrackd && k < s->instances[i].n_addresses; k++)
			if (addr_size(s->instances[i].addresses[k].vip.prefix.addr.family) == 16)
				return true;
	return false;
}

/* docs/conntrackd.md 9 */
static void conntrackd_version(const struct conntrackd_check *c, struct findings *f)
{
	static const char fix[] = "a newer conntrack-tools, on both nodes";
	const struct keepalived_version *v = &c->version;

	if (keepalived_version_before(v, 1, 4, 4) && conntrackd_has_ipv6(c->settings))
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-version", fix,
			"conntrackd %u.%u.%u does not replicate how IPv6 is translated (before "
			"1.4.4): what it commits is not",
			v->major, v->minor, v->patch);
	if (c->conf && c->conf->filter.address == CONNTRACKD_ACCEPT &&
	    keepalived_version_before(v, 1, 4, 6))
		findings_add(
			f, SEVERITY_WARNING, "conntrackd-version", fix,
			"conntrackd %u.%u.%u may replicate nothing with Address Accept (before "
			"1.4.6)",
			v->major, v->minor, v->patch);
}

void conntrackd_check(const struct conntrackd_check *what, struct findings *f)
{
	if (!what->driven && !conntrackd_is_wanted(what->settings))
		return;
	conntrackd_settings(what, f);
	conntrackd_running(what, f);
	conntrackd_sctp(what, f);
	conntrackd_version(what, f);
	if (!what->conf) {
		findings_add(f, SEVERITY_UNSEEN, "conntrackd-conf", NULL,
			     "conntrackd's %.120s was not looked at: %.80s", what->file,
			     what->problem);
		return;
	}
	conntrackd_mode(what, f);
	if (!what->conf->has_sync)
		return;
	conntrackd_timeout(what, f);
	conntrackd_filter(what, f);
}
