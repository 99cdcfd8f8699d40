/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe connections: what the daemon's guards know of the conntrack table or, without the daemon,
 * what the table itself and the marks of guards before show. Printed as it is read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/rundir.h"
#include "base/shape.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/localnet.h"
#include "cli/render.h"
#include "kernel/ct.h"
#include "move/marks.h"
#include "show/connections.h"

/* ---- from the daemon --------------------------------------------------------------- */

struct listening {
	bool heard, ended, whole;
	int code; /* an exit code of what was refused */
	bool not_guarded;
};

static bool connections_on_packet(void *ud, const struct wire_answer *a)
{
	struct listening *l = ud;

	l->heard = true;
	if (a->error_code) {
		cli_complain(stderr, "connections: %s", a->error_text);
		l->code = !strcmp(a->error_code, wire_refusal_name(WIRE_NOT_GUARDED))
				  ? EXIT_UNPROTECTED
				  : client_failure_code(CLIENT_REFUSED, a);
		return false;
	}
	if (a->result) {
		l->ended = true;
		l->whole = strstr(a->result, "true") != NULL;
		return false;
	}
	fputs(a->out ? a->out : "", stdout);
	return fflush(stdout) == 0;
}

static int connections_complete(bool whole)
{
	if (!whole)
		cli_complain(stderr, "connections: the table changed its size while it was read: "
				     "some may be missing");
	return EXIT_DONE;
}

/* The exit code, or -ENOENT: there is no daemon. */
static int list_guarded(const struct cli *cli, int argc, char *argv[])
{
	struct wire_request r = { .op = WIRE_CONNECTIONS, .words = argv, .n_words = argc };
	struct listening l = { .code = EXIT_DONE };
	int status;

	r.text = cli->options.json ? WIRE_TEXT_NONE : WIRE_TEXT_SHORT;
	status = client_listen(cli->settings.socket, &r, cli->options.timeout,
			       connections_on_packet, &l);
	if (l.code)
		return l.code;
	if (l.ended)
		return connections_complete(l.whole);
	if (status == -EACCES) {
		cli_complain(stderr, "connections: " CLIENT_BARRED_TEXT);
		return EXIT_NOT_PERMITTED;
	}
	if (status == -ENOENT || status == -ECONNREFUSED)
		return -ENOENT;
	if (status < 0) {
		cli_complain(stderr, "connections: the daemon has ended the connection");
		return EXIT_UNREACHABLE;
	}
	return EXIT_DONE; /* we were told to end, or nobody reads any more */
}

/* ---- from the table ---------------------------------------------------------------- */

/* A device of the node, with the marks of its guards. */
struct local_device {
	char name[DEVICE_NAME_MAX];
	struct marks marks;
	struct markset pins;
};

struct local_address {
	struct addr addr;
	size_t device;
};

struct local_list {
	const struct cli *cli;
	struct connections which;
	struct kernel kernel;
	struct local_device *devices; /* owned, as are the addresses, which are sorted */
	struct local_address *addresses;
	size_t n_devices, n_addresses, cap_devices, cap_addresses;
	int ifindex; /* of the device asked for; 0: all */
	int run_dir; /* -1: none */
	int failed;
};

static void local_list_done(struct local_list *l)
{
	size_t i;

	for (i = 0; i < l->n_devices; i++)
		markset_done(&l->devices[i].pins);
	free(l->devices);
	free(l->addresses);
	closep(&l->run_dir);
}

static size_t local_device(struct local_list *l, const char *name)
{
	struct local_device *d;
	size_t i;

	for (i = 0; i < l->n_devices; i++)
		if (!strcmp(l->devices[i].name, name))
			return i;
	if (array_reserve(&l->devices, &l->cap_devices, i + 1, sizeof(*l->devices)) < 0) {
		l->failed = -ENOMEM;
		return 0;
	}
	d = &l->devices[l->n_devices++];
	*d = (struct local_device){ .marks = { .fd = -1 } };
	snprintf(d->name, sizeof(d->name), "%s", name);
	/* without them nothing is known to be pinned */
	if (l->run_dir >= 0)
		(void)marks_look(l->run_dir, name, l->cli->boot_id, &d->marks, &d->pins);
	return i;
}

static int local_take_address(void *ud, const struct ifaddr *a)
{
	struct local_list *l = ud;
	char name[LOCALNET_NAME_MAX];
	size_t i;

	if ((l->ifindex && a->ifindex != l->ifindex) ||
	    !localnet_device_name(a->ifindex, name)) /* it has just gone */
		return 0;
	i = local_device(l, name);
	if (l->failed || array_reserve(&l->addresses, &l->cap_addresses, l->n_addresses + 1,
				       sizeof(*l->addresses)) < 0)
		return -ENOMEM;
	l->addresses[l->n_addresses++] =
		(struct local_address){ .addr = a->prefix.addr, .device = i };
	return 0;
}

static int local_compare(const void *a, const void *b)
{
	const struct local_address *x = a, *y = b;

	return memcmp(&x->addr, &y->addr, sizeof(x->addr));
}

static enum protection local_protection(const struct local_device *d, const struct conn *c,
					const struct addr *as)
{
	if (markset_has(&d->pins, marks_of(&d->marks, &c->key, c->id, as)))
		return PROTECTION_PINNED;
	return conn_alteration(c) == ALTERATION_OTHER ? PROTECTION_ALTERED : PROTECTION_UNPINNED;
}

static int local_take(void *ud, const struct conn_record *record)
{
	struct local_list *l = ud;
	const struct conn *c = record->conn;
	const struct local_address *at, key = { .addr = tuple_dst(&c->reply, c->key.family) };
	const struct local_device *d;
	char line[CONNECTION_LINE_MAX];
	enum protection p;
	size_t n;

	if (!(c->status & CONN_SRC_NAT_DONE))
		return 0;
	at = bsearch(&key, l->addresses, l->n_addresses, sizeof(key), local_compare);
	if (!at)
		return 0;
	d = &l->devices[at->device];
	p = local_protection(d, c, &at->addr);
	if (!connections_want(&l->which, &l->kernel, record, p))
		return 0;
	n = connections_line(&l->kernel, record, d->name, p, l->cli->options.json, line);
	return fwrite(line, 1, n, stdout) == n ? 0 : -EPIPE;
}

static int list_table(struct local_list *l)
{
	struct ct_list *table = NULL;
	int r = ct_list_new(AF_UNSPEC, &table);

	if (r == 0)
		do
			r = ct_list_step(table, local_take, l);
		while (r > 0);
	ct_list_free(table);
	return r;
}

/* Which addresses the translated entries have. */
static int connections_look(struct local_list *l)
{
	const struct kernel *k = &l->kernel;
	struct link link;
	int r;

	if (*l->which.device) {
		r = k->ops->link_get(k->ctx, l->which.device, &link);
		if (r < 0)
			return r;
		l->ifindex = link.ifindex;
	}
	r = k->ops->addr_list(k->ctx, local_take_address, l);
	if (r == 0 && l->n_addresses)
		qsort(l->addresses, l->n_addresses, sizeof(*l->addresses), local_compare);
	return r;
}

static int list_local(const struct cli *cli, const struct connections *which)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct local_list l = { .cli = cli,
				.which = *which,
				.run_dir = rundir_open(cli->settings.run_dir) };
	int r = kernel_real_new(&real);

	if (r == 0) {
		l.kernel = kernel_real_get(real);
		r = connections_look(&l);
	}
	if (r == 0)
		r = list_table(&l);
	local_list_done(&l);
	if (r == 0 || r == -EINTR)
		return connections_complete(r == 0);
	if (r == -EPIPE)
		return EXIT_DONE;
	if (r == -ENODEV)
		cli_complain(stderr, "connections: there is no device \"%s\"", which->device);
	else
		cli_complain(stderr, "connections: the conntrack table cannot be read: %s",
			     strerror(-r));
	return r == -EPERM || r == -EACCES ? EXIT_NOT_PERMITTED : EXIT_UNPROTECTED;
}

int command_connections(struct cli *cli, int argc, char *argv[])
{
	struct connections which;
	struct request_error e;
	int code = -ENOENT;

	if (connections_parse(&which, argc, argv, &e) < 0)
		return command_usage(&e);
	if (!cli->options.local)
		code = list_guarded(cli, argc, argv);
	return code == -ENOENT ? list_local(cli, &which) : code;
}
