/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe explain: what is looked at beside the recorded ends. Private to cli/explain*.c. */
#pragma once

#include "base/pattern.h"
#include "cli/cli.h"
#include "cli/facts.h"
#include "cli/local_table.h"
#include "lvs/map.h"
#include "show/explain.h"

/* What was found, and the memory of its texts. */
struct explain_look {
	struct explain_facts facts;
	struct facts node;		 /* the firewall */
	char collision[REPORT_TEXT_MAX]; /* of the connections asked for, the first one found */
	char ipvs[REPORT_TEXT_MAX];
};

void explain_look_init(struct explain_look *l);
void explain_look_done(struct explain_look *l);

/* What the node's LVS services and its IPVS say of what P means. ALIVE: a connection of it that the
 * table has (NULL: none). */
void explain_look_lvs(struct cli *cli, const struct pattern *p, const struct conn *alive,
		      struct explain_look *l);

/* Whether the IPVS of K has forgotten ALIVE, which is of a service of its own: RET says so, or is
 * "". TIMEOUT: conntrack's for an established connection, in seconds. */
void explain_look_forgotten(const struct kernel *k, const struct conn *alive, uint32_t timeout,
			    char ret[REPORT_TEXT_MAX]);

/* The same of an IPVS elsewhere, whose services are in MAP: whether nothing was sent for longer
 * than such a one remembers. */
void explain_look_idle(const struct lvs_map *map, const struct conn *alive, uint32_t timeout,
		       char ret[REPORT_TEXT_MAX]);

/* What speaks for that it was never recorded: rules, counters, namespaces. Runs programs. */
void explain_look_node(const struct cli *cli, struct explain_look *l);

/* Hand over the entries there are: those of the table or, if that may not be read, and ASK, those
 * that the daemon lists; maybe more than P means. Returns as local_table(). */
int explain_table(const struct cli *cli, const struct pattern *p, bool ask, local_sink sink,
		  void *ud);

/* Instances of keepalived, by address: of its own configuration and of ours. */
struct explain_instances;

struct explain_instances *explain_instances_new(const struct settings *s);
struct explain_instances *explain_instances_free(struct explain_instances *i);
DEFINE_CLEANUP(struct explain_instances, explain_instances_free)

/* As the member of struct explain_context. UD: the instances. */
const char *explain_instance(void *ud, const char *address);
