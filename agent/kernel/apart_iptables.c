/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/apart_iptables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/os.h"
#include "kernel/xtables.h"

#define TIMEOUT (5 * USEC_PER_SEC)
#define SCRIPT_MAX 131072 /* about 800 rules; a packet is compared with one after the other */

#define MARK "-m comment --comment \"vipsafe apart\""
#define OWN APART_CHAIN_PREFIX "1"
#define CLIENTS APART_CHAIN_PREFIX "2"

static const struct chains_kind apart_chains = {
	.table = "nat",
	.prefix = APART_CHAIN_PREFIX,
	.mark = MARK,
};

static const uint8_t xt_families[] = { AF_INET, AF_INET6 };

/* A script that is being written. */
struct apart_script {
	uint8_t family;
	size_t len; /* SCRIPT_MAX: it does not fit */
	char text[SCRIPT_MAX];
};

static _printf_(2, 3) void script_put(struct apart_script *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->len += (size_t)vsnprintf(s->text + s->len, SCRIPT_MAX - s->len, fmt, ap);
	s->len = MIN(s->len, (size_t)SCRIPT_MAX);
	va_end(ap);
}

/* Of connections from CLIENT (NULL: this node) to the list of G. */
static void apart_put_group(struct apart_script *s, const struct apart_group *g,
			    const struct apart_client *client)
{
	char dest[PREFIX_TEXT_MAX], from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < g->list->n; i++) {
		const struct apart_dest *d = &g->list->list[i];

		if (d->addr.family != s->family)
			continue;
		script_put(s, "-A %s", client ? CLIENTS : OWN);
		if (client)
			script_put(s, " -s %s", prefix_format(&client->from, from));
		script_put(s, " -d %s -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN --sport %d:",
			   addr_format(&d->addr, dest), APART_LOWEST);
		if (d->port)
			script_put(s, " --dport %u", d->port);
		script_put(s, " -j SNAT --to-source ");
		if (client)
			script_put(s, s->family == AF_INET6 ? "[%s]" : "%s",
				   addr_format(&client->to, to));
		script_put(s, ":%u-%u\n", g->low, g->high);
	}
}

/* The jumps that are there go. */
static void apart_take_line(void *ud, const char *line)
{
	if (!strncmp(line, "-A POSTROUTING ", strlen("-A POSTROUTING ")) &&
	    strstr(line, MARK " -j " APART_CHAIN_PREFIX))
		script_put(ud, "-D%s\n", line + strlen("-A"));
}

static void apart_put_chains(struct apart_script *s, const struct apart *a)
{
	struct apart_group groups[APART_WINDOWS + 1];
	size_t i, j, n = apart_groups(a, groups);

	/* a chain that is named is emptied */
	script_put(s, ":" OWN " - [0:0]\n:" CLIENTS " - [0:0]\n");
	for (i = 0; i < n; i++) {
		apart_put_group(s, &groups[i], NULL);
		for (j = 0; j < a->n_clients; j++)
			if (a->clients[j].to.family == s->family)
				apart_put_group(s, &groups[i], &a->clients[j]);
	}
	script_put(s, "-A POSTROUTING -p tcp -m addrtype --src-type LOCAL " MARK " -j " OWN "\n"
		      "-I POSTROUTING 1 -p tcp " MARK " -j " CLIENTS "\n");
}

/* Put A in the table of FAMILY (NULL: only take the jumps away). */
static int apart_write(uint8_t family, const char *variant, const struct apart *a, usec_t deadline,
		       char error[PROGRAM_ERROR_MAX])
{
	_cleanup_free_ struct apart_script *s = malloc(sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->family = family;
	s->len = 0;
	script_put(s, "*nat\n");
	r = xtables_save(family, variant, "nat", apart_take_line, s, deadline, error);
	if (a && r == 0)
		apart_put_chains(s, a);
	script_put(s, "COMMIT\n");
	if (s->len == SCRIPT_MAX) {
		snprintf(error, PROGRAM_ERROR_MAX, "too many addresses for rules of iptables");
		return -E2BIG;
	}
	return r < 0 ? r : xtables_restore(family, variant, s->text, deadline, error);
}

int apart_iptables_install(const struct apart *a, char reason[REPORT_TEXT_MAX])
{
	usec_t deadline = os_deadline(TIMEOUT);
	char error[PROGRAM_ERROR_MAX] = "";
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(xt_families) && r == 0; i++) {
		uint8_t family = xt_families[i];

		if (xtables_has(family, "nat"))
			r = apart_write(family, xtables_variant("-legacy"), a, deadline, error);
		else if (apart_has_family(a, family))
			r = -EOPNOTSUPP;
	}
	if (r == 0)
		return 0;
	snprintf(reason, REPORT_TEXT_MAX, "%s",
		 r == -EOPNOTSUPP ? "before Linux 4.18 only where the node has ip_tables' table nat"
		 : *error	  ? error
				  : strerror(-r));
	(void)apart_iptables_remove(true);
	return r;
}

static void apart_take_chain(void *ud, const char *line)
{
	bool *found = ud;

	*found |= !strncmp(line, ":" APART_CHAIN_PREFIX, strlen(":" APART_CHAIN_PREFIX));
}

bool apart_iptables_is_there(void)
{
	usec_t deadline = os_deadline(TIMEOUT);
	char error[PROGRAM_ERROR_MAX];
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(xt_families) && !found; i++)
		if (xtables_has(xt_families[i], "nat"))
			(void)xtables_save(xt_families[i], xtables_variant("-legacy"), "nat",
					   apart_take_chain, &found, deadline, error);
	return found;
}

static bool any_chain(void *ud _unused_, int number _unused_)
{
	return true;
}

int apart_iptables_remove(bool needed)
{
	usec_t deadline = os_deadline(TIMEOUT);
	char error[PROGRAM_ERROR_MAX];
	size_t i;
	int r = 0;

	if (!needed)
		return xtables_clean(&apart_chains, any_chain, NULL, deadline);
	for (i = 0; i < ARRAY_SIZE(xt_families) && r == 0; i++)
		if (xtables_has(xt_families[i], "nat"))
			r = apart_write(xt_families[i], xtables_variant("-legacy"), NULL, deadline,
					error);
	return r;
}
