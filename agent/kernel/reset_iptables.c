/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/reset_iptables.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/text.h"
#include "kernel/xtables.h"
#include "kernel/hold_text.h"
#include "kernel/nft.h"
#include "kernel/link.h"

#define NAME_MAX_LEN 32
#define RULE_MAX 256 /* the longest rule, with two IPv6 addresses, has 200 */
#define SCRIPT_MAX 32768

#define MARK "-m comment --comment \"vipsafe reset\""

static const struct chains_kind reset_chains = {
	.table = "filter",
	.prefix = RESET_CHAIN_PREFIX,
	.mark = MARK,
};

static const uint8_t families[] = { AF_INET, AF_INET6 };

/* ---- removing --------------------------------------------------------------------- */

#define ENDED_MAX 64	  /* devices */
#define DURATION_LONG 120 /* seconds */

int reset_iptables_clean(bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline)
{
	return xtables_clean(&reset_chains, wanted, ud, deadline);
}

/* Chains whose resets are not over, by device. */
struct running {
	time_t now;
	int ifindex[ENDED_MAX];
	size_t n;
};

/* "-A VIPSAFE-RESET-2 -m time --datestart 2026-11-29T01:02:03 -j RETURN" */
static void note_running(void *ud, const char *line)
{
	static const char head[] = "-A " RESET_CHAIN_PREFIX, date[] = " --datestart ";
	const char *at = strstr(line, date);
	struct running *r = ud;
	struct tm tm = { 0 };
	char name[NAME_MAX_LEN];
	int ifindex;
	time_t stop;

	if (strncmp(line, head, strlen(head)) != 0 || !at ||
	    !strptime(at + strlen(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return;
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + 3, " "), line + 3);
	stop = timegm(&tm);
	/* no reset lasts so long: the clock has been set back */
	if (stop <= r->now || stop - r->now > DURATION_LONG || r->n == ENDED_MAX ||
	    !text_number_between(name, RESET_CHAIN_PREFIX, "", &ifindex))
		return;
	r->ifindex[r->n++] = ifindex;
}

static bool is_over(void *ud, int ifindex)
{
	const struct running *r = ud;
	size_t i;

	for (i = 0; i < r->n && r->ifindex[i] != ifindex; i++)
		;
	return i == r->n && r->n < ENDED_MAX;
}

static bool is_any(void *ud _unused_, int ifindex _unused_)
{
	return true;
}

int reset_iptables_clean_ended(usec_t deadline)
{
	char error[PROGRAM_ERROR_MAX];
	struct running running = { .now = time(NULL) };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		if (xtables_has(families[i], "filter"))
			r = xtables_save(families[i], xtables_variant("-legacy"), "filter",
					 note_running, &running, deadline, error);
		if (r == 0 &&
		    nftsock_has_chain(families[i], "filter", RESET_CHAIN_PREFIX, is_any, NULL) > 0)
			r = xtables_save(families[i], xtables_variant("-nft"), "filter",
					 note_running, &running, deadline, error);
		r = r == -ENOENT ? 0 : r;
	}
	return r < 0 ? r : reset_iptables_clean(is_over, &running, deadline);
}

/* ---- installing ------------------------------------------------------------------- */

/* A script under way: rules are added until it is full, then it is run. */
struct script {
	uint8_t family;
	const char *variant;
	int ifindex;
	usec_t deadline;
	size_t len;
	char text[SCRIPT_MAX];
};

static void script_begin(struct script *s)
{
	s->len = (size_t)snprintf(s->text, sizeof(s->text), "*filter\n");
}

static int script_run(struct script *s, char reason[REPORT_TEXT_MAX])
{
	char error[PROGRAM_ERROR_MAX];
	int r;

	snprintf(s->text + s->len, sizeof(s->text) - s->len, "COMMIT\n");
	r = xtables_restore(s->family, s->variant, s->text, s->deadline, error);
	if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "%s", error[0] ? error : "no such program");
	return r;
}

static void reset_iptables_put_rule(struct script *s, const struct reset_match *m)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(m->family, m->src, src, sizeof(src));
	inet_ntop(m->family, m->dst, dst, sizeof(dst));
	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
				   "-A " RESET_CHAIN_PREFIX "%d -s %s -d %s -p tcp -m tcp"
				   " --sport %u --dport %u -j REJECT --reject-with tcp-reset\n",
				   s->ifindex, src, dst, ntohs(m->sport), ntohs(m->dport));
}

/* The chain and the rule that ends it come first, the jumps with the last rules: the chain is
 * entered only when it is complete. */
static void put_head(struct script *s, time_t stop)
{
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&stop, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
				   ":" RESET_CHAIN_PREFIX "%d - [0:0]\n"
				   "-A " RESET_CHAIN_PREFIX "%d -m time --datestart %s -j RETURN\n",
				   s->ifindex, s->ifindex, date);
}

static void put_jumps(struct script *s)
{
	static const char *const from[] = { "FORWARD", "OUTPUT" };

	for (size_t i = 0; i < ARRAY_SIZE(from); i++)
		s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len,
					   "-I %s 1 -p tcp " MARK " -j " RESET_CHAIN_PREFIX "%d\n",
					   from[i], s->ifindex);
}

static int kernel_reset_iptables_install(struct script *s, const struct reset_match *m, size_t n,
					 time_t stop, char reason[REPORT_TEXT_MAX])
{
	bool any = false;
	int r = 0;

	script_begin(s);
	put_head(s, stop);
	for (size_t i = 0; i < n && r == 0; i++) {
		if (m[i].family != s->family)
			continue;
		any = true;
		reset_iptables_put_rule(s, &m[i]);
		/* room for the jumps and the end, too */
		if (sizeof(s->text) - s->len < 4 * RULE_MAX) {
			r = script_run(s, reason);
			script_begin(s);
		}
	}
	if (!any || r < 0)
		return r;
	put_jumps(s);
	return script_run(s, reason);
}

int reset_iptables_install(int ifindex, const struct reset_match *m, size_t n, usec_t duration,
			   usec_t deadline, char reason[REPORT_TEXT_MAX])
{
	_cleanup_free_ struct script *s = NULL;
	char error[PROGRAM_ERROR_MAX];
	struct timespec now;
	time_t stop;
	int r;

	if (n > RESET_RULES_MAX) {
		snprintf(reason, REPORT_TEXT_MAX, "more than %d connections", RESET_RULES_MAX);
		return -E2BIG;
	}
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &now);
	stop = now.tv_sec +
	       (time_t)((duration + (usec_t)now.tv_nsec / 1000 + USEC_PER_SEC - 1) / USEC_PER_SEC);
	s->ifindex = ifindex;
	s->deadline = deadline;
	r = xtables_choose(&s->variant, error);
	if (r < 0)
		snprintf(reason, REPORT_TEXT_MAX, "%s", error);
	for (size_t i = 0; i < ARRAY_SIZE(families) && r == 0; i++) {
		s->family = families[i];
		r = kernel_reset_iptables_install(s, m, n, stop, reason);
	}
	if (r < 0)
		(void)reset_iptables_clean(wanted_one, &ifindex, deadline);
	return r;
}
