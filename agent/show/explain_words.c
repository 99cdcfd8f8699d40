/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/explain_words.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

typedef unsigned long long ull;

#define PINS "pin = continuous in [device %s]"
#define DELETES_NOT                                                                             \
	"Not deleting entries: \"vipsafe doctor\" finds scripts that flush the table, such as " \
	"conntrackd's."

const char *explain_string(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

unsigned long long explain_number(const json_t *o, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(o, key));

	return n > 0 ? (unsigned long long)n : 0;
}

/* ---- who ------------------------------------------------------------------------------ */

static const char *explain_program(const struct explain_context *c, const json_t *deed,
				   char buf[EXPLAIN_TEXT_MAX])
{
	const char *comm = explain_string(deed, "comm"), *address = explain_string(deed, "address");
	const char *likely = json_is_true(json_object_get(deed, "likely")) ? "probably " : "";
	const char *instance = NULL;
	const ull pid = explain_number(deed, "pid");

	if (!strcmp(comm, "keepalived") && *address && c->instance)
		instance = c->instance(c->ud, address);
	if (instance)
		text_line(buf, EXPLAIN_TEXT_MAX, "%s%s[%llu] (instance %s)", likely, comm, pid,
			  instance);
	else
		text_line(buf, EXPLAIN_TEXT_MAX, "%s%s[%llu]", likely, comm, pid);
	return buf;
}

static const char *explain_ended(const json_t *deed, char buf[EXPLAIN_TEXT_MAX])
{
	const char *comm = explain_string(deed, "comm");
	const ull pid = explain_number(deed, "pid");

	if (*comm)
		text_line(buf, EXPLAIN_TEXT_MAX, "%s[%llu], a program that has ended", comm, pid);
	else if (pid)
		text_line(buf, EXPLAIN_TEXT_MAX, "a program that has ended (pid %llu)", pid);
	else
		text_line(buf, EXPLAIN_TEXT_MAX, "a program that has ended");
	return buf;
}

const char *explain_who(const struct explain_context *c, const json_t *deed,
			char buf[EXPLAIN_TEXT_MAX])
{
	const char *by = explain_string(deed, "by"), *operation = explain_string(deed, "operation");

	if (!strcmp(by, "program"))
		return explain_program(c, deed, buf);
	if (!strcmp(by, "ended"))
		return explain_ended(deed, buf);
	if (!strcmp(by, "kernel"))
		text_line(buf, EXPLAIN_TEXT_MAX, "the kernel");
	else if (strcmp(by, "us") != 0)
		text_line(buf, EXPLAIN_TEXT_MAX, "a program that the kernel does not name");
	else if (*operation)
		text_line(buf, EXPLAIN_TEXT_MAX, "vipsafe (operation %s)", operation);
	else
		text_line(buf, EXPLAIN_TEXT_MAX, "vipsafe");
	return buf;
}

/* ---- what ------------------------------------------------------------------------------ */

/* One end while words are found for it; no text of it is NULL. */
struct saying {
	const struct explain_context *c;
	const json_t *end, *deed;
	const char *device, *address, *who;
	struct explain_words *to;
};

static void explain_say(struct saying *s, const char *fmt, ...) _printf_(2, 3);
static void explain_say(struct saying *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_va(s->to->text, sizeof(s->to->text), fmt, ap);
	va_end(ap);
}

static void explain_advise(struct saying *s, const char *fmt, ...) _printf_(2, 3);
static void explain_advise(struct saying *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_line_va(s->to->prevention, sizeof(s->to->prevention), fmt, ap);
	va_end(ap);
}

static const struct device_settings *explain_device(const struct saying *s)
{
	const struct settings *all = s->c->settings;
	size_t i;

	for (i = 0; all && i < all->n_devices; i++)
		if (!strcmp(all->devices[i].name, s->device))
			return &all->devices[i];
	return NULL;
}

static bool explain_by_us(const struct saying *s)
{
	return !strcmp(explain_string(s->deed, "by"), "us");
}

/* What keeps entries out of a flush's reach, after WHAT. */
static void explain_pin(struct saying *s, const char *more)
{
	const struct device_settings *d = explain_device(s);

	if (!d || d->pin != PIN_CONTINUOUS)
		explain_advise(s, PINS "%s, or a rule with a fixed SNAT address.", s->device, more);
	else if (!json_is_true(json_object_get(s->end, "answered")))
		explain_advise(s, "Nobody had answered it, so that it was not pinned yet%s.",
			       *more ? ": \"vipsafe del\" holds such packets" : "");
	else
		explain_advise(s,
			       PINS " is set: it was not pinned yet, see \"vipsafe status\". A "
				    "rule with a fixed SNAT address needs no pins.",
			       s->device);
}

static void say_unknown(struct saying *s)
{
	explain_say(s,
		    "The kernel removed the entry before its time, and nothing that was seen says "
		    "why.");
	explain_advise(s, "Not known. \"vipsafe watch\" shows what happens at such a moment.");
}

static void say_address(struct saying *s)
{
	const struct device_settings *d = explain_device(s);
	char linger[DURATION_TEXT_MAX];

	explain_say(s,
		    "%s was deleted from %s by %s. The connection was translated to that address.",
		    s->address, s->device, s->who);
	if (explain_by_us(s))
		explain_advise(s,
			       "Nothing: its own address was given up. \"--vip-flows keep\" leaves "
			       "its connections in place.");
	else
		explain_advise(s,
			       "If the address comes back: " PINS " keeps its connections for as "
			       "long as linger says (%s). Else nothing.",
			       s->device,
			       duration_format(d ? d->linger : 5 * USEC_PER_SEC, linger));
}

static void say_flush(struct saying *s)
{
	explain_say(s,
		    "%s was deleted from %s by %s. This kernel then removes every masqueraded "
		    "entry of the device that is not pinned, whatever its address.",
		    s->address, s->device, s->who);
	explain_pin(s, ", deleting addresses with \"vipsafe del\"");
}

static void say_link(struct saying *s)
{
	explain_say(s,
		    "The link of %s went down (%s). The kernel then removes what is masqueraded "
		    "through the device and not pinned.",
		    s->device, s->who);
	explain_pin(s, "");
}

static void say_sweep(struct saying *s)
{
	const struct device_settings *d = explain_device(s);
	const char *what = explain_string(s->deed, "what");
	char linger[DURATION_TEXT_MAX], text[DURATION_TEXT_MAX + 4] = "";

	if (d)
		snprintf(text, sizeof(text), " (%s)", duration_format(d->linger, linger));
	if (!strcmp(what, "heard")) {
		explain_say(s,
			    "vipsafe removed the entry: %s had gone from %s, and another host was "
			    "heard with it.",
			    s->address, s->device);
		explain_advise(s, "Nothing: the address is the other host's now.");
	} else if (!strcmp(what, "given-up")) {
		explain_say(s, "vipsafe removed the entry: %s had been given up on purpose.",
			    s->address);
		explain_advise(s, "Nothing: two nodes must not speak for one address.");
	} else {
		explain_say(s,
			    "vipsafe removed the entry: %s had gone from %s and did not come back "
			    "within linger%s.",
			    s->address, s->device, text);
		explain_advise(s,
			       "A longer linger in [device %s], if the address comes back later "
			       "than that.",
			       s->device);
	}
}

static void say_deleted(struct saying *s)
{
	/* not the name of a program */
	const bool begins = !strncmp(s->who, "a program ", 10);

	explain_say(s, "%s%s deleted the entry, as \"conntrack -D\" and \"conntrack -F\" do.",
		    begins ? "A" : "", s->who + begins);
	explain_advise(s, DELETES_NOT);
}

static void say_early_drop(struct saying *s)
{
	const ull count = explain_number(s->deed, "count"), max = explain_number(s->deed, "max");

	explain_say(s,
		    "The conntrack table was full (%llu of %llu entries): the kernel dropped it to "
		    "make room.",
		    count, max);
	explain_advise(s,
		       "A larger net.netfilter.nf_conntrack_max (it was %llu), or fewer "
		       "connections.",
		       max);
}

static void say_timeout(struct saying *s)
{
	const char *sysctl = explain_string(s->end, "sysctl"),
		   *state = explain_string(s->end, "state");
	const bool tcp = !strcmp(explain_string(s->end, "proto"), "tcp");

	explain_say(s, "Nothing was sent on it for as long as net.netfilter.%s allows%s%s.", sysctl,
		    *state ? ", in state " : "", state);
	if (tcp && !strcmp(state, "ESTABLISHED"))
		explain_advise(s, "TCP keepalives more often than that "
				  "(net.ipv4.tcp_keepalive_time), or a larger timeout.");
	else if (tcp && !strncmp(state, "SYN_", 4))
		explain_advise(s,
			       "Nothing here: it was never opened. The server did not answer, or "
			       "its answer did not arrive.");
	else if (tcp)
		explain_advise(s, "Nothing to prevent: it was closing.");
	else
		explain_advise(s, "Keepalives of the application more often than that, or a larger "
				  "timeout.");
}

static void say_finished(struct saying *s)
{
	explain_say(s, "It ended normally: both sides sent FIN.");
	explain_advise(s, "Nothing to prevent.");
}

static void say_reset(struct saying *s)
{
	explain_say(s, "One of its two sides reset it.");
	explain_advise(s,
		       "Nothing here, unless it was re-translated before. A capture on both sides "
		       "of this node tells who sent the reset.");
}

static void say_reset_client(struct saying *s)
{
	explain_say(s, "The client reset it before anybody had answered.");
	explain_advise(s, "Nothing here: look at the client.");
}

static void say_reset_server(struct saying *s)
{
	explain_say(s, "The server reset it.");
	explain_advise(s, "Nothing here, unless it was re-translated before: look at the server.");
}

static void say_ipvs(struct saying *s)
{
	explain_say(s,
		    "The IPVS of this node forgot its connection, and removed the entry with it: "
		    "IPVS waits 900 s for a packet of a TCP connection unless told otherwise, "
		    "conntrack five days.");
	explain_advise(s, "TCP keepalives more often than that, or a longer timeout by "
			  "\"ipvsadm --set\".");
}

static void say_lost(struct saying *s)
{
	explain_say(s,
		    "vipsafe deleted the entry to create it again, and the kernel refused that.");
	explain_advise(s, "Nothing that is known: \"vipsafe history\" has the kernel's reason.");
}

static void say_arrived(struct saying *s)
{
	explain_say(s, "vipsafe removed the entry: %s had come to this node, and it led elsewhere.",
		    s->address);
	explain_advise(s, "Nothing: its packets would have gone where the address is no more.");
}

static void say_retranslated(struct saying *s)
{
	const json_t *as = json_object_get(s->end, "as");
	const ull old_port = explain_number(as, "port"), port = explain_number(s->end, "new_port");
	const bool reset = json_is_true(json_object_get(s->end, "new_reset"));

	explain_say(s,
		    "Re-translated: its entry had been removed, and its next packet left from port "
		    "%llu instead of %llu, which the server does not know%s.",
		    port, old_port,
		    reset ? ": it reset the connection" : " and answers with a reset");
	if (!strcmp(explain_string(s->deed, "what"), deed_words[DEED_ENTRIES]))
		explain_advise(s, DELETES_NOT);
	else
		explain_advise(s, PINS ", or a rule with a fixed SNAT address.", s->device);
}

void explain_words(const struct explain_context *c, enum end_cause cause, const json_t *end,
		   const json_t *deed, struct explain_words *ret)
{
	static void (*const say[END_CAUSE_COUNT])(struct saying * s) = {
		[END_UNKNOWN] = say_unknown,
		[END_ADDRESS] = say_address,
		[END_FLUSH] = say_flush,
		[END_LINK] = say_link,
		[END_SWEEP] = say_sweep,
		[END_DELETED] = say_deleted,
		[END_EARLY_DROP] = say_early_drop,
		[END_TIMEOUT] = say_timeout,
		[END_FINISHED] = say_finished,
		[END_RESET] = say_reset,
		[END_RESET_CLIENT] = say_reset_client,
		[END_RESET_SERVER] = say_reset_server,
		[END_IPVS] = say_ipvs,
		[END_LOST] = say_lost,
		[END_ARRIVED] = say_arrived,
		[END_RETRANSLATED] = say_retranslated,
	};
	const char *address = explain_string(deed, "address");
	const char *as = explain_string(json_object_get(end, "as"), "addr");
	char who[EXPLAIN_TEXT_MAX];
	struct saying s = {
		.c = c,
		.end = end,
		.deed = deed,
		.device = explain_string(end, "device"),
		.address = *address ? address
			   : *as    ? as
				    : "an address",
		.who = explain_who(c, deed, who),
		.to = ret,
	};
	size_t n;

	*ret->text = *ret->prevention = '\0';
	if (!*s.device)
		s.device = "a device";
	if (say[cause])
		say[cause](&s);
	n = strlen(ret->text);
	if (json_is_true(json_object_get(end, "put_back")))
		snprintf(ret->text + n, sizeof(ret->text) - n,
			 " vipsafe has created the entry again: the connection lives on.");
}
