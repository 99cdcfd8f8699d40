/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/xtables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/os.h"
#include "kernel/hold_text.h"
#include "kernel/nft.h"

#define CHAIN_NAME_MAX 32

static bool chains_append(char buf[CHAINS_SCRIPT_MAX], const char *text, const char *rest)
{
	size_t len = strlen(buf), need = strlen(text) + strlen(rest) + 1;

	if (CHAINS_SCRIPT_MAX - len <= need)
		return false;
	snprintf(buf + len, CHAINS_SCRIPT_MAX - len, "%s%s\n", text, rest);
	return true;
}

/* ":NAME POLICY [COUNTERS]" of a chain of ours, its name into NAME. */
static bool is_chain(const struct chains_kind *kind, const char *line, char name[CHAIN_NAME_MAX],
		     int *ret_ifindex)
{
	size_t len = strcspn(line, " ");

	if (line[0] != ':' || len > CHAIN_NAME_MAX - 1)
		return false;
	snprintf(name, CHAIN_NAME_MAX, "%.*s", (int)len - 1, line + 1);
	return text_number_between(name, kind->prefix, "", ret_ifindex);
}

/* A jump to a chain of ours: the target is the last word, where no foreign
 * comment can be, and our mark stands right before it. */
static bool is_jump(const struct chains_kind *kind, const char *line, int *ret_ifindex)
{
	const char *target = strrchr(line, ' ');
	char tail[64];
	size_t len = (size_t)snprintf(tail, sizeof(tail), " %s -j ", kind->mark),
	       before = target ? (size_t)(target + 1 - line) : 0;

	return strncmp(line, "-A ", 3) == 0 && before > len &&
	       strncmp(line + before - len, tail, len) == 0 &&
	       text_number_between(target + 1, kind->prefix, "", ret_ifindex);
}

void chains_undo_line(void *ud, const char *line)
{
	struct chains_undo *u = ud;
	char name[CHAIN_NAME_MAX];
	size_t before;
	int ifindex;

	if (is_jump(u->kind, line, &ifindex) && u->wanted(u->ud, ifindex)) {
		u->left_jumps |= !chains_append(u->jumps, "-D", line + strlen("-A"));
	} else if (is_chain(u->kind, line, name, &ifindex) && u->wanted(u->ud, ifindex)) {
		before = strlen(u->chains);
		if (chains_append(u->chains, "-F ", name) &&
		    chains_append(u->chains, "-X ", name)) {
			u->n++;
		} else {
			u->chains[before] = '\0';
			u->left_chains = true;
		}
	}
}

void chains_undo_script(const struct chains_undo *u, char ret[2 * CHAINS_SCRIPT_MAX + 16])
{
	const char *chains = u->left_jumps ? "" : u->chains;

	ret[0] = '\0';
	if (u->jumps[0] || chains[0])
		snprintf(ret, 2 * CHAINS_SCRIPT_MAX + 16, "*%s\n%s%sCOMMIT\n", u->kind->table,
			 u->jumps, chains);
}

/* How long iptables may wait for its lock, in whole seconds; our deadline ends it earlier. */
#define LOCK_WAIT "--wait=%llu"
#define LOCK_WAIT_MAX 60

#define NAME_MAX_LEN 32

/* "ip6tables-legacy-restore" */
static void program_name(char ret[NAME_MAX_LEN], uint8_t family, const char *variant,
			 const char *what)
{
	snprintf(ret, NAME_MAX_LEN, "%s%s-%s", family == AF_INET ? "iptables" : "ip6tables",
		 variant, what);
}

/* The tables that ip_tables has in this network namespace. TABLE NULL: any. */
static bool has_table(const char *names, const char *table)
{
	FILE *f = fopen(names, "re");
	char line[64];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		found = line[0] && (!table || strcmp(line, table) == 0);
	}
	if (f)
		fclose(f);
	return found;
}

static const char *names_file(uint8_t family)
{
	return family == AF_INET ? "/proc/net/ip_tables_names" : "/proc/net/ip6_tables_names";
}

bool xtables_in_use(void)
{
	return has_table(names_file(AF_INET), NULL) || has_table(names_file(AF_INET6), NULL);
}

bool xtables_has(uint8_t family, const char *table)
{
	return has_table(names_file(family), table);
}

const char *xtables_variant(const char *variant)
{
	char reason[PROGRAM_ERROR_MAX];

	return xtables_find(AF_INET, variant, reason) == 0 ? variant : "";
}

int xtables_choose(const char **ret_variant, char reason[PROGRAM_ERROR_MAX])
{
	bool all = nft_sees_all();

	*ret_variant = xtables_in_use() || all ? xtables_variant("-legacy") : "";
	if (!all || **ret_variant || !*xtables_variant("-nft"))
		return 0;
	snprintf(reason, PROGRAM_ERROR_MAX,
		 "there is no iptables that goes without nf_tables, and " SEES_ALL_WHY);
	return -EOPNOTSUPP;
}

int xtables_find(uint8_t family, const char *variant, char reason[PROGRAM_ERROR_MAX])
{
	char name[NAME_MAX_LEN], path[PROGRAM_PATH_MAX];
	int r;

	program_name(name, family, variant, "restore");
	r = program_find(name, path);
	if (r < 0)
		snprintf(reason, PROGRAM_ERROR_MAX, "there is no %s", name);
	return r;
}

/* Does iptables complain of an option, as versions before 1.6.2 do of --wait? */
static bool is_about_an_option(const char *error)
{
	return strstr(error, "option") || strstr(error, "wait");
}

/* Run it within the time that is left until DEADLINE. */
static int xtables_run(struct program *p, usec_t deadline, char error[PROGRAM_ERROR_MAX])
{
	int r = -ETIMEDOUT;

	p->timeout = os_left(deadline);
	if (p->timeout)
		r = program_run(p, error);
	if (r == -ETIMEDOUT)
		snprintf(error, PROGRAM_ERROR_MAX, "%s did not finish in time", p->argv[0]);
	return r;
}

int xtables_restore(uint8_t family, const char *variant, const char *script, usec_t deadline,
		    char error[PROGRAM_ERROR_MAX])
{
	usec_t seconds = MIN(os_left(deadline) / USEC_PER_SEC + 1, (usec_t)LOCK_WAIT_MAX);
	char name[NAME_MAX_LEN], noflush[] = "--noflush", wait[32];
	char *argv[] = { name, noflush, wait, NULL };
	struct program p = { .argv = argv, .input = script };
	int r;

	snprintf(wait, sizeof(wait), LOCK_WAIT, (unsigned long long)seconds);
	program_name(name, family, variant, "restore");
	r = xtables_run(&p, deadline, error);
	if (r == -EIO && is_about_an_option(error)) {
		argv[2] = NULL;
		r = xtables_run(&p, deadline, error);
	}
	return r;
}

int xtables_save(uint8_t family, const char *variant, const char *table,
		 void (*line)(void *ud, const char *line), void *ud, usec_t deadline,
		 char error[PROGRAM_ERROR_MAX])
{
	char name[NAME_MAX_LEN], t[] = "-t", wanted[NAME_MAX_LEN];
	char *argv[] = { name, t, wanted, NULL };
	struct program p = { .argv = argv, .line = line, .ud = ud };

	snprintf(wanted, sizeof(wanted), "%s", table);
	program_name(name, family, variant, "save");
	return xtables_run(&p, deadline, error);
}

/* One script of it. *RET_MORE: another one is needed. */
static int xtables_remove_some(struct chains_undo *undo, uint8_t family, const char *variant,
			       usec_t deadline, bool *ret_more)
{
	char script[2 * CHAINS_SCRIPT_MAX + 16], error[PROGRAM_ERROR_MAX];
	int r = xtables_save(family, variant, undo->kind->table, chains_undo_line, undo, deadline,
			     error);

	*ret_more = false;
	if (r < 0)
		return r;
	chains_undo_script(undo, script);
	if (!script[0])
		return 0;
	r = xtables_restore(family, variant, script, deadline, error);
	*ret_more = undo->left_jumps || undo->left_chains;
	return r < 0 ? r : undo->left_jumps ? 0 : undo->n;
}

int xtables_remove(const struct chains_kind *kind, uint8_t family, const char *variant,
		   bool (*wanted)(void *ud, int ifindex), void *ud, usec_t deadline)
{
	bool more = true;
	int n = 0, r = 0;

	while (more && r >= 0) {
		struct chains_undo undo = { .kind = kind, .wanted = wanted, .ud = ud };

		r = xtables_remove_some(&undo, family, variant, deadline, &more);
		n += MAX(r, 0);
	}
	return r < 0 ? r : n;
}

int xtables_clean(const struct chains_kind *kind, bool (*wanted)(void *ud, int ifindex), void *ud,
		  usec_t deadline)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int n = 0, r, result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (xtables_has(families[i], kind->table)) {
			r = xtables_remove(kind, families[i], xtables_variant("-legacy"), wanted,
					   ud, deadline);
			n += r > 0 ? r : 0;
			result = r < 0 && r != -ENOENT ? r : result;
		}
		r = nftsock_has_chain(families[i], kind->table, kind->prefix, wanted, ud);
		if (r > 0)
			r = xtables_remove(kind, families[i], xtables_variant("-nft"), wanted, ud,
					   deadline);
		n += r > 0 ? r : 0;
		result = r < 0 ? r : result;
	}
	return result < 0 ? result : n;
}
