/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node for the doctor, as facts: nothing is wrong with it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/finding.h"
#include "cli/facts.h"

struct doctor_node {
	struct facts facts;
	struct device_facts devices[2];
};

/* The kernel is fixed, nothing is masqueraded, and br-mgmt is guarded. */
static inline void doctor_node_make(struct doctor_node *n)
{
	memset(n, 0, sizeof(*n));
	n->facts = (struct facts){ .ipv4 = KERNEL_FIXED,
				   .ipv6 = KERNEL_FIXED,
				   .net_admin = true,
				   .net_raw = true,
				   .entries = 1000,
				   .entries_max = 262144,
				   .buckets = 65536,
				   .events = 1,
				   .tcp_loose = 1,
				   .devices = n->devices,
				   .n_devices = 1,
				   .any_configured = true,
				   .firewall_seen = true,
				   .daemon = DAEMON_RUNNING,
				   .run_dir_path = "/run/vipsafe" };
	n->devices[0] =
		(struct device_facts){ .name = "br-mgmt",
				       .real_name = "br-mgmt",
				       .exists = true,
				       .addresses = 2,
				       .secondaries = 1,
				       .promotes_secondaries = 1,
				       .rp_filter = 2,
				       .managed = { .guarded = true, .linger = 5 * USEC_PER_SEC },
				       .guarded = true,
				       .in_force = true,
				       .protection = "continuous",
				       .state = "live",
				       .pinned = 1432,
				       .unpinned = 3 };
}

/* No vipsafed. */
static inline void doctor_node_unguard(struct facts *f)
{
	f->daemon = DAEMON_ABSENT;
	f->devices->guarded = f->devices->in_force = f->devices->managed.guarded = false;
	f->devices->pinned = f->devices->unpinned = 0;
}

struct doctor_case {
	void (*provoke)(struct facts *f); /* NULL: nothing is */
	const char *codes;		  /* all of them, in their order */
	int exit_code;
};

static inline void doctor_cases_hold(const struct doctor_case *cases, size_t n_cases)
{
	size_t i, k;

	for (i = 0; i < n_cases; i++) {
		struct doctor_node node;
		struct facts f;
		struct findings found = { 0 };
		char codes[512] = "";
		size_t n = 0;

		doctor_node_make(&node);
		f = node.facts;
		if (cases[i].provoke)
			cases[i].provoke(&f);
		diagnose(&f, &found);
		for (k = 0; k < found.n; k++) {
			const struct finding *one = &found.list[k];

			n += (size_t)snprintf(codes + n, sizeof(codes) - n, "%s%s", k ? " " : "",
					      one->code);
			assert_true(*one->text);
			assert_null(strchr(one->text, '\n'));
			/* what is wrong can be cured */
			if (one->severity > SEVERITY_NOTE &&
			    strcmp(one->code, "masquerade-random") != 0)
				assert_true(*one->fix || *one->advice);
			assert_false(*one->fix && *one->advice);
		}
		assert_string_equal(codes, cases[i].codes);
		assert_int_equal(findings_exit_code(&found), cases[i].exit_code);
		findings_done(&found);
		findings_done(&f.scripts);
	}
}

static inline enum severity doctor_severity(struct facts *f, const char *code)
{
	enum severity severity = SEVERITY_NOTE;
	struct findings found = { 0 };
	size_t i;

	diagnose(f, &found);
	assert_true(findings_have(&found, code));
	for (i = 0; i < found.n; i++)
		if (!strcmp(found.list[i].code, code))
			severity = found.list[i].severity;
	findings_done(&found);
	return severity;
}

/* A cause that a guard cures: the finding CODE is a note on a guarded node, and more than that if
 * the guard does not work, or if there is none. */
struct doctor_cure {
	void (*provoke)(struct facts *f);
	const char *code;
};

static inline void doctor_cures_hold(const struct doctor_cure *cures, size_t n)
{
	struct doctor_node node;
	size_t i;

	for (i = 0; i < n; i++) {
		doctor_node_make(&node);
		node.facts.firewall.masquerades = 2;
		cures[i].provoke(&node.facts);
		assert_int_equal(doctor_severity(&node.facts, cures[i].code), SEVERITY_NOTE);
		node.devices[0].in_force = node.devices[0].managed.guarded = false;
		assert_true(doctor_severity(&node.facts, cures[i].code) > SEVERITY_NOTE);
		doctor_node_unguard(&node.facts);
		assert_true(doctor_severity(&node.facts, cures[i].code) > SEVERITY_NOTE);
	}
}
