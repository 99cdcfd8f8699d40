/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nobody has recorded: what it may have been, and what speaks for it. */
#include <stdio.h>

#include "base/text.h"
#include "base/when.h"
#include "show/explain_words.h"
#include "show/report_json.h"

typedef unsigned long long ull;

/* Add a possibility; EVIDENCE may be "". */
static void explain_may(json_t **list, const char *cause, const char *text, const char *evidence,
			const char *prevention)
{
	json_t *o = json_object(), *why = json_array();

	if (*evidence)
		object_append(&why, object_string(evidence));
	object_put_text(&o, "kind", "possible");
	object_put_text(&o, "cause", cause);
	object_put_bool(&o, "certain", false);
	object_put_text(&o, "text", text);
	object_put(&o, "evidence", why);
	object_put_text(&o, "prevention", prevention);
	object_append(list, o);
}

static void explain_may_collide(json_t **list, const struct explain_facts *f)
{
	if (*f->collision)
		explain_may(
			list, "collision",
			"An LVS makes it identical to another connection for the real server: one "
			"of the two dies, or hangs.",
			f->collision,
			"\"vipsafe lvs check\" has both, and the settings that keep their ports "
			"apart.");
}

static void explain_may_be_forgotten(json_t **list, const struct explain_facts *f)
{
	if (*f->ipvs)
		explain_may(
			list, "ipvs-forgot",
			"IPVS has forgotten it, and conntrack has not: IPVS waits 900 s for a "
			"packet of a TCP connection unless told otherwise, conntrack five days. "
			"Its next packet is sent to another real server, or refused.",
			f->ipvs,
			"TCP keepalives more often than that, or a longer timeout by "
			"\"ipvsadm --set\" on the director.");
}

static void explain_may_be_invalid(json_t **list, const struct explain_facts *f)
{
	char evidence[EXPLAIN_TEXT_MAX];

	if (!f->drops_invalid || (f->has_counts && !f->invalid))
		return;
	text_line(evidence, sizeof(evidence),
		  f->has_counts
			  ? "a rule of the firewall drops such packets; conntrack has called %llu "
			    "packets INVALID since the boot"
			  : "a rule of the firewall drops such packets",
		  (ull)f->invalid);
	explain_may(
		list, "invalid",
		"Its packets were called INVALID and dropped by a rule: conntrack does so when it "
		"has lost track of a connection's window.",
		evidence,
		"\"vipsafe doctor\" names the rule, and how packets of lost connections are "
		"answered with a reset instead.");
}

static void explain_may_be_dropped(json_t **list, const struct explain_facts *f)
{
	char evidence[EXPLAIN_TEXT_MAX];

	if (!f->has_counts || (!f->early_drop && !f->dropped))
		return;
	text_line(evidence, sizeof(evidence),
		  "since the boot the kernel dropped %llu entries early, and %llu packets for want "
		  "of "
		  "room%s",
		  (ull)f->early_drop, (ull)f->dropped,
		  f->has_usage && f->entries >= f->max / 20 * 19 ? "; the table is full now" : "");
	explain_may(
		list, "early-drop",
		"The conntrack table was full: the kernel drops entries then, or packets that need "
		"one.",
		evidence, "A larger net.netfilter.nf_conntrack_max.");
}

static void explain_may_be_untracked(json_t **list, const struct explain_facts *f)
{
	if (*f->notrack)
		explain_may(
			list, "notrack",
			"conntrack never saw it: a rule takes packets out of connection tracking.",
			f->notrack,
			"Nothing is translated that is not tracked: no flush can have ended it.");
}

static void explain_may_be_elsewhere(json_t **list, const struct explain_facts *f)
{
	explain_may(
		list, "other-namespace",
		"It is one of another network namespace, a container's say: each has a conntrack "
		"table of its own.",
		f->other_namespace ? "this namespace is not that of process 1" : "",
		"nsenter -n -t PID vipsafe explain ... asks there.");
}

/* Nothing older is remembered, or nothing of that device. */
static void explain_may_be_unrecorded(json_t **list, const struct explain_context *c)
{
	char when[WHEN_TEXT_MAX], evidence[EXPLAIN_TEXT_MAX];
	const usec_t since = when_of(c->recorded_since, c->wall, c->now);

	switch (c->source) {
	case EXPLAIN_FROM_NOTHING:
		explain_may(list, "not-recorded",
			    "Its end was not recorded: no vipsafed guards a "
			    "device of this node.",
			    "",
			    "A section [device NAME] with \"pin = off\" only records; see "
			    "vipsafe.conf(5).");
		break;
	case EXPLAIN_FROM_DAEMON:
	case EXPLAIN_FROM_FILE:
		if (!c->recorded_max) {
			explain_may(list, "not-recorded", "Its end was not recorded.",
				    "vipsafed remembers no ends: explain_max is 0, or its run "
				    "directory cannot be written",
				    "explain_max in [agent]; see vipsafe.conf(5).");
			break;
		}
		text_line(evidence, sizeof(evidence), "ends are remembered since %s, %llu at most",
			  c->recorded_since ? when_format_short(since, c->wall, when) : "the boot",
			  (ull)c->recorded_max);
		explain_may(list, "too-old",
			    "It ended before what is remembered, or was not "
			    "masqueraded through a guarded device.",
			    evidence,
			    "A larger explain_max in [agent], and a section [device NAME] for its "
			    "device.");
		break;
	}
}

json_t *explain_possible(const struct explain_context *c, const struct explain_facts *f, bool known)
{
	json_t *list = json_array();

	explain_may_collide(&list, f);
	explain_may_be_forgotten(&list, f);
	if (known)
		return list;
	explain_may_be_untracked(&list, f);
	explain_may_be_invalid(&list, f);
	explain_may_be_dropped(&list, f);
	explain_may_be_unrecorded(&list, c);
	explain_may_be_elsewhere(&list, f);
	return list;
}
