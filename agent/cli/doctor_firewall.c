/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>

#include "kernel/program.h"

#define BUDGET (10 * USEC_PER_SEC)

struct source {
	const char *program;
	void (*line)(struct firewall_reader *r, const char *line);
};

struct reading {
	struct firewall_reader *reader;
	const struct source *source;
};

static void on_line(void *ud, const char *line)
{
	struct reading *r = ud;

	r->source->line(r->reader, line);
}

static int run(struct firewall_reader *reader, const struct source *s, char *const *argv,
	       char error[PROGRAM_ERROR_MAX])
{
	struct reading r = { .reader = reader, .source = s };
	const struct program p = {
		.argv = argv, .budget = BUDGET, .private_run = true, .line = on_line, .ud = &r
	};

	return program_run(&p, error);
}

/* Whether there are tables of the old kind; asking for them would make them. */
static bool has_legacy_tables(const char *names)
{
	FILE *f = fopen(names, "re");
	char line[64];
	bool found = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	return found;
}

void doctor_take_firewall(struct facts *f)
{
	static const struct source iptables = { "iptables-save", firewall_iptables_line };
	static const struct source ip6tables = { "ip6tables-save", firewall_iptables_line };
	static const struct source legacy = { "iptables-legacy-save", firewall_iptables_line };
	static const struct source legacy6 = { "ip6tables-legacy-save", firewall_iptables_line };
	static const struct source nft = { "nft", firewall_nft_line };
	struct firewall_reader *reader = firewall_reader_new();
	const struct {
		const struct source *source;
		char *argv[4];
		bool wanted;
	} runs[] = {
		{ &iptables, { (char *)"iptables-save" }, true },
		{ &ip6tables, { (char *)"ip6tables-save" }, true },
		{ &legacy,
		  { (char *)"iptables-legacy-save" },
		  has_legacy_tables("/proc/net/ip_tables_names") },
		{ &legacy6,
		  { (char *)"ip6tables-legacy-save" },
		  has_legacy_tables("/proc/net/ip6_tables_names") },
		{ &nft, { (char *)"nft", (char *)"list", (char *)"ruleset" }, true },
	};
	char error[PROGRAM_ERROR_MAX] = "neither iptables nor nft is installed";
	size_t i, seen = 0, failed = 0;

	for (i = 0; i < ARRAY_SIZE(runs) && reader; i++) {
		int r;

		if (!runs[i].wanted)
			continue;
		r = run(reader, runs[i].source, runs[i].argv, error);
		seen += r == 0;
		failed += r < 0 && r != -ENOENT;
		if (r < 0 && r != -ENOENT && !*f->firewall_unseen)
			snprintf(f->firewall_unseen, sizeof(f->firewall_unseen), "%.30s: %.90s",
				 runs[i].source->program, *error ? error : strerror(-r));
	}
	f->firewall_seen = seen && !failed;
	if (!seen && !failed)
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen),
			 "neither iptables nor nft is installed");
	if (reader)
		firewall_reader_result(reader, &f->firewall);
	firewall_reader_free(reader);
}
