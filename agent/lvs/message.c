/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lvs/message.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lvs/text.h"

void lvs_finding_init(struct lvs_finding *f, enum severity severity, const char *code,
		      const char *fmt, ...)
{
	va_list ap;

	memset(f, 0, sizeof(*f));
	f->f.severity = severity;
	snprintf(f->f.code, sizeof(f->f.code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(f->f.text, sizeof(f->f.text), fmt, ap);
	va_end(ap);
}

enum lvs_rank lvs_finding_rank(const struct lvs_finding *f)
{
	switch (f->f.severity) {
	case SEVERITY_CRITICAL:
		return f->has_pair && f->pair.certainty == COLLIDE_MANIFEST ? LVS_RANK_MANIFEST
									    : LVS_RANK_CRITICAL;
	case SEVERITY_WARNING:
		return LVS_RANK_WARNING;
	case SEVERITY_UNSEEN:
		return LVS_RANK_UNSEEN;
	case SEVERITY_NOTE:
		return LVS_RANK_NOTE;
	}
	return LVS_RANK_NOTE;
}

const char *lvs_service_text(const struct lvs_message *s, uint32_t service, const char *dest,
			     char buf[LVS_SERVICE_TEXT_MAX])
{
	const struct lvs_service *v;

	v = s->map && service != LVS_NONE ? lvs_map_service(s->map, service) : NULL;
	if (v && *v->name)
		snprintf(buf, LVS_SERVICE_TEXT_MAX, "%s (%s)", v->name, dest);
	else
		snprintf(buf, LVS_SERVICE_TEXT_MAX, "%s", dest);
	return buf;
}

/* "directly to 10.9.2.2:3269", "through mysql (10.9.9.1:3306)". */
struct pair_words {
	char client[LVS_ENDPOINT_MAX];
	char direct[LVS_SERVICE_TEXT_MAX + 16], via[LVS_SERVICE_TEXT_MAX + 16];
};

static void way_text(const struct lvs_message *s, const struct flow *f, bool through,
		     uint32_t service, char buf[LVS_SERVICE_TEXT_MAX + 16])
{
	char dest[LVS_ENDPOINT_MAX], text[LVS_SERVICE_TEXT_MAX];

	lvs_bytes_format(f->family, f->dest, f->dport, dest);
	if (through)
		snprintf(buf, LVS_SERVICE_TEXT_MAX + 16, "through %s",
			 lvs_service_text(s, service, dest, text));
	else
		snprintf(buf, LVS_SERVICE_TEXT_MAX + 16, "directly to %s", dest);
}

static void pair_words_make(const struct lvs_message *s, const struct collision *c,
			    struct pair_words *ret)
{
	lvs_bytes_format(c->via.family, c->via.client, c->via.cport, ret->client);
	way_text(s, &c->direct, c->other_service != LVS_NONE || c->class == COLLIDE_A2,
		 c->other_service, ret->direct);
	way_text(s, &c->via, true, c->service, ret->via);
}

/* What comes of it as far as the map is right: of a direct one, and (A2) of two services'. */
static const char *const effect_texts[][2] = {
	[COLLIDE_NOTHING_YET] = { "whichever of the two sends next may end the other",
				  "whichever of the two sends next may end the other" },
	[COLLIDE_DIRECT_RESET] = { "the server has reset the direct one, which will hang",
				   "the server has reset one of them, which will hang" },
	[COLLIDE_DIRECT_SOON] = { "the server is about to reset the direct one",
				  "the server is about to reset the older one" },
	[COLLIDE_STALLS] = { "the direct one does not open while the other is remembered",
			     "the new one does not open while the other is remembered" },
	[COLLIDE_VIA_DEAF] = { "the answers to the one through the service go to the direct one's "
			       "socket" },
	[COLLIDE_CROSSES] = { "answers to one are delivered to the other",
			      "answers to one are delivered to the other" },
};

static const char *effect_text(const struct collision *c)
{
	if (c->class == COLLIDE_C && c->effect != COLLIDE_VIA_DEAF)
		return "this director takes the answers to one for the other's";
	return effect_texts[c->effect][c->class == COLLIDE_A2 && c->effect != COLLIDE_VIA_DEAF];
}

/* What the verdict depends on: "" if it depends on nothing. */
static void condition_text(const struct lvs_message *s, const struct collision *c, char *buf,
			   size_t size)
{
	if (s->settings->nat_beyond)
		snprintf(buf, size, " (if the NAT behind this node changes neither)");
	else if (c->method_unknown)
		snprintf(buf, size, " (if the director forwards by NAT: no method is given)");
	else if (c->toa_unknown)
		snprintf(buf, size, " (if the server's toa rewrites packets)");
	else if (c->certainty == COLLIDE_POSSIBLE && c->share >= COLLIDE_ONE_SERVER)
		snprintf(buf, size, " (if the open one is older than the end of the other)");
	else if (c->certainty == COLLIDE_POSSIBLE)
		snprintf(buf, size, " (chance %.0f %%: there are several servers)", 100 * c->share);
	else
		snprintf(buf, size, " (if the map is right)");
}

static enum severity pair_severity(const struct lvs_message *s, const struct collision *c)
{
	if (c->certainty == COLLIDE_MANIFEST)
		return SEVERITY_CRITICAL;
	if (s->settings->nat_beyond)
		return SEVERITY_NOTE;
	return c->certainty == COLLIDE_CERTAIN ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

static const char *hung_text(const struct flow *hung)
{
	return hung->state == FLOW_OPENING ? "does not open, since the answers"
					   : "hangs, since the answers";
}

/* A pair of which none of the map's services is known, but the sockets. */
static bool is_unexplained(const struct collision *c)
{
	return c->certainty == COLLIDE_MANIFEST && c->service == LVS_NONE && !c->via.has_rs;
}

void lvs_message_pair(const struct lvs_message *s, const struct collision *c,
		      struct lvs_finding *ret)
{
	bool via_hangs = c->effect == COLLIDE_VIA_DEAF;
	const struct flow *hung = via_hangs ? &c->via : &c->direct;
	char condition[80];
	struct pair_words w;

	pair_words_make(s, c, &w);
	condition_text(s, c, condition, sizeof(condition));
	if (c->certainty == COLLIDE_MANIFEST)
		lvs_finding_init(ret, pair_severity(s, c), "lvs-crossed",
				 "%s %s %s go to the one %s%s", w.client,
				 via_hangs ? w.via : w.direct, hung_text(hung),
				 via_hangs ? w.direct : w.via,
				 is_unexplained(c) ? ", which therefore is a service with that "
						     "real server"
						   : "");
	else
		lvs_finding_init(ret, pair_severity(s, c), "lvs-collision", "%s %s and %s: %s%s%s",
				 w.client, w.direct, w.via,
				 c->class == COLLIDE_C ? "" : "one connection to the server; ",
				 effect_text(c), condition);
	ret->has_pair = true;
	ret->pair = *c;
	lvs_remedy_prevent(s->node, c, ret->prevent, ret->note);
	if (c->certainty == COLLIDE_MANIFEST && s->can_destroy)
		lvs_remedy_free(hung, ret->f.fix);
	if (!*ret->f.fix)
		snprintf(ret->f.advice, sizeof(ret->f.advice), "%s",
			 c->certainty == COLLIDE_MANIFEST
				 ? "open that connection again; see vipsafe-lvs(7)"
				 : "watch whether it still answers; see vipsafe-lvs(7)");
}

void lvs_message_crossing(const struct lvs_message *s, const struct lvs_crossing *c,
			  struct lvs_finding *ret)
{
	const struct collision pair = {
		.class = COLLIDE_A,
		.certainty = COLLIDE_MANIFEST,
		.effect = c->hung.state == FLOW_OPENING ? COLLIDE_STALLS : COLLIDE_DIRECT_RESET,
		.share = 1,
		.direct = c->hung,
		.via = c->other,
		.service = LVS_NONE,
		.other_service = LVS_NONE,
	};

	lvs_message_pair(s, &pair, ret);
}
