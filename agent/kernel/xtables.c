/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/xtables.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <vipsafe/base.h>

/* How long one run of a program may take; of that the second in which others
 * may hold the lock of iptables. */
#define BUDGET (3 * USEC_PER_SEC)
#define LOCK_WAIT "--wait=1"

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

/* Programs of before 1.6.2 know no lock, but print what they do not know of. */
static bool is_about_an_option(const char *error)
{
	return strstr(error, "option") || strstr(error, "wait");
}

int xtables_restore(uint8_t family, const char *variant, const char *script,
		    char error[PROGRAM_ERROR_MAX])
{
	char name[NAME_MAX_LEN], noflush[] = "--noflush", wait[] = LOCK_WAIT;
	char *argv[] = { name, noflush, wait, NULL };
	const struct program p = { .argv = argv, .input = script, .budget = BUDGET };
	int r;

	program_name(name, family, variant, "restore");
	r = program_run(&p, error);
	if (r == -EIO && is_about_an_option(error)) {
		argv[2] = NULL;
		r = program_run(&p, error);
	}
	return r;
}

int xtables_save(uint8_t family, const char *variant, const char *table,
		 void (*line)(void *ud, const char *line), void *ud, char error[PROGRAM_ERROR_MAX])
{
	char name[NAME_MAX_LEN], t[] = "-t", wanted[NAME_MAX_LEN];
	char *argv[] = { name, t, wanted, NULL };
	const struct program p = { .argv = argv, .budget = BUDGET, .line = line, .ud = ud };

	snprintf(wanted, sizeof(wanted), "%s", table);
	program_name(name, family, variant, "save");
	return program_run(&p, error);
}
