/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/message.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lvs/text.h"

/* A range of ports for the service has at least so many. */
#define WINDOW_MIN 1000

static const char *effect_text(const struct collision *c)
{
	bool both_via = c->class == COLLIDE_A2;

	switch (c->effect) {
	case COLLIDE_NOTHING_YET:
		return "whichever of the two sends next may end the other";
	case COLLIDE_DIRECT_RESET:
		return both_via ? "one of the two is already reset on the RS; its client will hang"
				: "direct session already reset on the RS; client will hang";
	case COLLIDE_DIRECT_SOON:
		return both_via ? "the new connection is about to reset the other one on the RS"
				: "the new connection is about to reset the direct session on the "
				  "RS";
	case COLLIDE_STALLS:
		return both_via
			       ? "the new connection cannot be opened while the other is remembered"
			       : "the direct connection cannot be opened while the other is "
				 "remembered";
	case COLLIDE_VIA_DEAF:
		return "answers to the connection through the service go to the direct one's "
		       "socket; it will hang";
	case COLLIDE_CROSSES:
		return "answers to one are delivered to the other";
	}
	return "";
}

static void add_flow(struct lvs_line *l, const char *key, const struct flow *f)
{
	char client[LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX], more[48] = "";

	if (f->backoff)
		snprintf(more, sizeof(more), " retrans=%u", f->backoff);
	if (f->origin & FLOW_HELD)
		snprintf(more, sizeof(more), " ended");
	lvs_line_add(l, key, "[%s->%s %s%s]",
		     lvs_bytes_format(f->family, f->client, f->cport, client),
		     lvs_bytes_format(f->family, f->dest, f->dport, dest),
		     flow_state_name((enum flow_state)f->state), more);
}

static void add_proto(struct lvs_line *l, uint8_t l4proto)
{
	char text[8];

	lvs_line_add(l, "proto", "%s", l4proto_name(l4proto, text));
}

static void add_source(const struct lvs_message *s, struct lvs_line *l, uint32_t service)
{
	const struct lvs_source *sources;
	const struct lvs_service *v;

	if (service == LVS_NONE)
		return;
	v = lvs_map_service(s->map, service);
	lvs_line_add(l, "method", "%s", lvs_map_is_fullnat(s->map, service) ? "fullnat" : "nat");
	if (lvs_map_is_fullnat(s->map, service))
		lvs_line_add(l, "toa", "%s",
			     lvs_toa_name(v->toa == LVS_TOA_UNSET ? LVS_TOA_UNKNOWN : v->toa));
	lvs_map_sources(s->map, &sources);
	sources += v->source;
	lvs_line_add(l, "source", "%s%s%s", lvs_source_kind_name(sources->kind),
		     *sources->path ? ":" : "", sources->path);
	if (sources->age >= 86400 * USEC_PER_SEC)
		lvs_line_add(l, "map_age", "%ud", (unsigned)(sources->age / USEC_PER_SEC / 86400));
}

static void add_origin(struct lvs_line *l, unsigned origin)
{
	static const struct {
		enum flow_origin bit;
		const char *name;
	} names[] = { { FLOW_CONNTRACK, "conntrack" },
		      { FLOW_SOCKET, "inet_diag" },
		      { FLOW_IPVS, "ip_vs_conn" },
		      { FLOW_SAVED, "snapshot" } };
	char text[64] = "";
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (origin & names[i].bit)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? "," : "",
					      names[i].name);
	}
	lvs_line_add(l, "origin", "%s", text);
}

struct window {
	uint8_t family, l4proto;
	unsigned low, high;
};

/* The rule by which connections to DEST leave from a port of the window. */
static void format_window(char *buf, size_t size, const struct window *w, const uint8_t *dest,
			  uint16_t port)
{
	struct addr a = addr_make(w->family, dest);
	char addr[PREFIX_TEXT_MAX], proto[8], dport[24] = "";

	if (port)
		snprintf(dport, sizeof(dport), " --dport %u", port);
	snprintf(buf, size, "%s -t nat -I POSTROUTING -p %s -d %s%s -j MASQUERADE --to-ports %u-%u",
		 w->family == AF_INET6 ? "ip6tables" : "iptables", l4proto_name(w->l4proto, proto),
		 addr_format(&a, addr), dport, w->low, w->high);
}

/* Add rules by which connections to the service leave from a window of ports that
 * nothing else uses. BEHIND: a direct connection of a client behind this node; its
 * destination gets a window of its own, since nf_nat reuses a client's translation
 * for other destinations. NULL: the direct connection is of a socket of this node. */
static void add_window(const struct lvs_message *s, struct lvs_line *l, const struct flow *via,
		       const struct flow *behind)
{
	char range[96] = "", rule[192], other[192] = "";
	struct window w = { via->family, via->l4proto, s->ports->high + 1U, 65535 };

	if (w.low + WINDOW_MIN > 65536 || s->ports->high < 1024) {
		w.low = 49152;
		snprintf(range, sizeof(range),
			 "sysctl -w net.ipv4.ip_local_port_range=\"32768 49151\"; ");
	}
	format_window(rule, sizeof(rule), &w, via->dest, via->dport);
	if (behind) {
		w.high = w.low - 1;
		w.low = 1024;
		format_window(other, sizeof(other), &w, behind->dest, behind->dport);
	}
	/* this director forwards what others connect */
	if (via->origin & FLOW_IPVS && !(via->origin & FLOW_SOCKET))
		lvs_line_add(l, "where", "client");
	lvs_line_add(l, "prevent", "%s%s%s%s", range, rule, *other ? "; " : "", other);
	lvs_line_add(l, "see", LVS_MESSAGE_SEE);
}

/* "ss -K" closes the socket of this node that hangs and does no harm to its peer. */
static void add_remedies(const struct lvs_message *s, struct lvs_line *l, const struct collision *c)
{
	char client[LVS_ENDPOINT_MAX], dest[LVS_ENDPOINT_MAX];
	const struct flow *hung = c->effect == COLLIDE_VIA_DEAF ? &c->via : &c->direct;
	bool behind = c->class != COLLIDE_A2 && !(c->direct.origin & FLOW_SOCKET);

	if (c->certainty != COLLIDE_POSSIBLE && hung->origin & FLOW_SOCKET &&
	    hung->l4proto == IPPROTO_TCP)
		lvs_line_add(l, "fix", "ss -K src %s dst %s",
			     lvs_bytes_format(hung->family, hung->client, hung->cport, client),
			     lvs_bytes_format(hung->family, hung->dest, hung->dport, dest));
	add_window(s, l, &c->via, behind ? &c->direct : NULL);
}

/* One step less severe. */
static enum severity lower(enum severity level)
{
	return level == SEVERITY_CRITICAL ? SEVERITY_WARNING : SEVERITY_NOTE;
}

static enum severity live_level(const struct lvs_message *s, const struct collision *c)
{
	enum severity level =
		c->certainty == COLLIDE_POSSIBLE ? SEVERITY_WARNING : SEVERITY_CRITICAL;

	if (s->settings->nat_beyond)
		return SEVERITY_NOTE;
	if (c->toa_unknown && c->certainty != COLLIDE_MANIFEST && c->share < 0.99)
		return lower(level);
	return level;
}

/* Where the two meet: what a direct connection goes to, or where our director
 * has sent the other. */
static void add_rs(struct lvs_line *l, const struct collision *c)
{
	char text[LVS_ENDPOINT_MAX];

	if (c->class == COLLIDE_A || (c->class == COLLIDE_C && c->other_service == LVS_NONE))
		lvs_line_add(
			l, "rs", "%s",
			lvs_bytes_format(c->direct.family, c->direct.dest, c->direct.dport, text));
	else if (c->via.has_rs)
		lvs_line_add(l, "rs", "%s", lvs_endpoint_format(&c->via.rs, c->via.rport, text));
}

static void add_pair(const struct lvs_message *s, const struct collision *c, struct lvs_line *l)
{
	char text[LVS_ENDPOINT_MAX];

	add_proto(l, c->via.l4proto);
	lvs_line_add(l, "client", "%s",
		     lvs_bytes_format(c->via.family, c->via.client, c->via.cport, text));
	add_rs(l, c);
	add_flow(l, "direct", &c->direct);
	add_flow(l, "via", &c->via);
	lvs_bytes_format(c->via.family, c->via.dest, c->via.dport, text);
	lvs_message_add_service(s, l, "service", c->service, text);
	if (c->class == COLLIDE_A2) {
		lvs_bytes_format(c->direct.family, c->direct.dest, c->direct.dport, text);
		lvs_message_add_service(s, l, "other_service", c->other_service, text);
	}
	add_source(s, l, c->service);
	add_origin(l, c->direct.origin | c->via.origin);
	if (c->hijack)
		lvs_line_add(l, "also", "C");
	if (s->settings->nat_beyond)
		lvs_line_add(l, "nat_beyond", "yes");
}

void lvs_message_live(const struct lvs_message *s, const struct collision *c, struct lvs_line *ret)
{
	lvs_line_init(ret, live_level(s, c), "lvs-collision");
	lvs_line_add(ret, "class", "%s", collide_class_name(c->class));
	lvs_line_add(ret, "state", "%s", collide_certainty_name(c->certainty));
	lvs_line_number(ret, "certainty", "%.2f", c->share);
	add_pair(s, c, ret);
	if (c->class == COLLIDE_C)
		lvs_line_add(ret, "effect", "this director rewrites answers to the direct one");
	else
		lvs_line_add(ret, "effect", "%s", effect_text(c));
	add_remedies(s, ret, c);
}

void lvs_message_imminent(const struct lvs_message *s, const struct collision *c,
			  const char *action, struct lvs_line *ret)
{
	lvs_line_init(ret, s->settings->nat_beyond ? SEVERITY_NOTE : SEVERITY_WARNING,
		      "lvs-collision");
	lvs_line_add(ret, "class", "%s", collide_class_name(c->class));
	lvs_line_add(ret, "state", "imminent");
	if (action)
		lvs_line_add(ret, "action", "%s", action);
	lvs_line_number(ret, "certainty", "%.2f", c->share);
	add_pair(s, c, ret);
	lvs_line_number(ret, "rs_share", "%.2f", c->share);
	lvs_line_add(ret, "effect", "%s", effect_text(c));
	add_remedies(s, ret, c);
}

/* ---- risk -------------------------------------------------------------------- */

static bool risk_level(const struct lvs_settings *s, const struct risk_row *row, usec_t sample,
		       enum severity *ret)
{
	const struct risk *r = &row->risk;
	bool stalls = row->in.direct > 0 && r->stall >= s->warn_p_connect && r->stall > 0;

	if (row->choice == PORTS_DISJOINT)
		return false;
	if (stalls || (sample && r->per_day >= s->warn_per_day && r->per_day > 0))
		*ret = SEVERITY_WARNING;
	else if (r->per_day >= s->info_per_day && r->per_day > 0)
		*ret = SEVERITY_NOTE;
	else if (!sample && r->now >= s->info_per_day && r->now > 0)
		*ret = SEVERITY_NOTE;
	else
		return false;
	if (s->nat_beyond)
		*ret = SEVERITY_NOTE;
	return true;
}

static struct flow flow_to(const struct risk_row *row, const struct lvs_side *side)
{
	struct flow f = { .family = side->dest.family, .l4proto = row->l4proto };

	memcpy(f.dest, side->dest.bytes, sizeof(f.dest));
	f.dport = side->port;
	return f;
}

bool lvs_message_risk(const struct lvs_message *s, const struct risk_row *row, usec_t sample,
		      struct lvs_line *ret)
{
	char text[LVS_ENDPOINT_MAX], via[LVS_ENDPOINT_MAX];
	enum severity level;

	if (!risk_level(s->settings, row, sample, &level))
		return false;
	lvs_line_init(ret, level, "lvs-collision");
	lvs_line_add(ret, "class", "%s", collide_class_name(row->class));
	lvs_line_add(ret, "state", "risk");
	add_proto(ret, row->l4proto);
	lvs_line_add(ret, "client", "%s", addr_format(&row->client, text));
	lvs_endpoint_format(&row->direct.dest, row->direct.port, text);
	lvs_endpoint_format(&row->via.dest, row->via.port, via);
	if (row->class == COLLIDE_A)
		lvs_line_add(ret, "rs", "%s", text);
	else
		lvs_message_add_service(s, ret, "other_service", row->direct.service, text);
	lvs_message_add_service(s, ret, "service", row->via.service, via);
	lvs_line_number(ret, "direct", "%.0f", row->in.direct);
	lvs_line_number(ret, "via_entries", "%.0f", row->in.via);
	if (sample) {
		lvs_line_add(ret, "rate_direct", "%.1f/s", row->in.direct_rate);
		lvs_line_add(ret, "rate_via", "%.1f/s", row->in.via_rate);
	}
	lvs_line_number(ret, "share", "%.2f", row->in.share);
	lvs_line_add(ret, "ports", "%.0f(range=%u-%u,parity=%s)", row->in.ports, s->ports->low,
		     s->ports->high,
		     row->choice == PORTS_ONE_PARITY ? s->ports->low & 1 ? "odd" : "even"
						     : port_choice_name(row->choice));
	lvs_line_number(ret, "p_now", "%.4f", row->risk.now);
	if (sample)
		lvs_line_number(ret, "expected_per_day", "%.2f", row->risk.per_day);
	lvs_line_number(ret, "p_connect_stall", "%.4f", row->risk.stall);
	if (sample)
		lvs_line_add(ret, "sample", "%us", (unsigned)(sample / USEC_PER_SEC));
	if (level != SEVERITY_NOTE) {
		struct flow direct = flow_to(row, &row->direct), via_flow = flow_to(row, &row->via);

		add_window(s, ret, &via_flow, row->class == COLLIDE_A ? &direct : NULL);
	}
	return true;
}
