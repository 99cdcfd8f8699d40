/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>

#include "base/program.h"

#define TIMEOUT (10 * USEC_PER_SEC)

struct rule_lister {
	const char *program;
	void (*line)(struct firewall_reader *r, const char *line);
	void (*complaint)(struct firewall_reader *r, const char *line);
};

struct reading {
	struct firewall_reader *reader;
	const struct rule_lister *source;
	size_t seen, failed;
};

static void doctor_firewall_on_line(void *ud, const char *line)
{
	struct reading *r = ud;

	r->source->line(r->reader, line);
}

static void on_complaint(void *ud, const char *line)
{
	struct reading *r = ud;

	if (r->source->complaint)
		r->source->complaint(r->reader, line);
}

/* Run ARGV and read its output as that of source S. */
static void read_rules(struct reading *r, const struct rule_lister *s, char *const *argv,
		       struct facts *f)
{
	char error[PROGRAM_ERROR_MAX];
	unsigned left_out = 0;
	const struct program p = { .argv = argv,
				   .timeout = TIMEOUT,
				   .private_run = true,
				   .line = doctor_firewall_on_line,
				   .complaint = on_complaint,
				   .ud = r,
				   .left_out = &left_out };
	int e;

	r->source = s;
	firewall_begin(r->reader);
	e = program_run(&p, error);
	if (left_out)
		firewall_left_out(r->reader);
	r->seen += e == 0;
	if (e == 0 || e == -ENOENT)
		return;
	r->failed++;
	if (!*f->firewall_unseen)
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen), "%.30s: %.90s", s->program,
			 *error ? error : strerror(-e));
}

static void read_plain(struct reading *r, const struct rule_lister *s, struct facts *f)
{
	char *argv[] = { (char *)s->program, NULL };

	read_rules(r, s, argv, f);
}

/* Whether legacy tables exist. iptables-legacy-save would create them, so /proc is read instead. */
static bool has_legacy_tables(const char *names)
{
	FILE *f = fopen(names, "re");
	char line[64];
	bool found = f && fgets(line, sizeof(line), f);

	if (f)
		fclose(f);
	return found;
}

/* Depending on the node, iptables-save is the legacy or the nft variant: the other one is read,
 * too. A table that has been read already is skipped. */
static void read_family(struct reading *r, struct facts *f, const struct rule_lister *plain,
			const struct rule_lister *legacy, const struct rule_lister *nft,
			const char *names)
{
	read_plain(r, plain, f);
	if (firewall_is_legacy(r->reader))
		read_plain(r, nft, f);
	else if (has_legacy_tables(names))
		read_plain(r, legacy, f);
}

void doctor_take_firewall(struct facts *f)
{
	static const struct rule_lister ipv4 = { "iptables-save", firewall_iptables_line, NULL };
	static const struct rule_lister ipv6 = { "ip6tables-save", firewall_ip6tables_line, NULL };
	static const struct rule_lister legacy4 = { "iptables-legacy-save", firewall_iptables_line,
						    NULL };
	static const struct rule_lister legacy6 = { "ip6tables-legacy-save",
						    firewall_ip6tables_line, NULL };
	static const struct rule_lister nft4 = { "iptables-nft-save", firewall_iptables_line,
						 NULL };
	static const struct rule_lister nft6 = { "ip6tables-nft-save", firewall_ip6tables_line,
						 NULL };
	static const struct rule_lister nft = { "nft", firewall_nft_line, firewall_nft_complaint };
	char *ruleset[] = { (char *)"nft", (char *)"list", (char *)"ruleset", NULL };
	struct reading r = { .reader = firewall_reader_new() };

	if (!r.reader) {
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen), "%s", strerror(ENOMEM));
		return;
	}
	read_family(&r, f, &ipv4, &legacy4, &nft4, "/proc/net/ip_tables_names");
	read_family(&r, f, &ipv6, &legacy6, &nft6, "/proc/net/ip6_tables_names");
	read_rules(&r, &nft, ruleset, f);
	f->firewall_seen = r.seen && !r.failed;
	if (!r.seen && !r.failed)
		snprintf(f->firewall_unseen, sizeof(f->firewall_unseen),
			 "neither iptables nor nft is installed");
	firewall_reader_result(r.reader, &f->firewall);
	firewall_reader_free(r.reader);
}
