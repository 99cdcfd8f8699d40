/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/local_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/rundir.h"
#include "base/shape.h"
#include "cli/localnet.h"
#include "kernel/ct.h"
#include "move/marks.h"

/* A device of the node, with the marks of its guards. */
struct local_device {
	char name[DEVICE_NAME_MAX];
	const struct selection *selection; /* of its settings; NULL: all */
	struct marks marks;
	struct markset pins;
};

struct local_address {
	struct addr addr;
	size_t device;
};

struct local_list {
	const struct cli *cli;
	local_sink sink;
	void *ud;
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
	d->selection = settings_selection(&l->cli->settings, name, name);
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

static enum protection local_protection(const struct local_list *l, const struct local_device *d,
					const struct conn_record *record, const struct addr *as)
{
	const struct conn *c = record->conn;
	const uint64_t mark = marks_of(&d->marks, &c->key, c->id, as);

	if (markset_has(&d->pins, mark))
		return markset_has(&d->pins, marks_committed(mark)) ? PROTECTION_COMMITTED
								    : PROTECTION_PINNED;
	if (!kernel_selects(&l->kernel, d->selection, record))
		return PROTECTION_UNSELECTED;
	return conn_alteration(c) == ALTERATION_OTHER ? PROTECTION_ALTERED : PROTECTION_UNPINNED;
}

static int local_take(void *ud, const struct conn_record *record)
{
	struct local_list *l = ud;
	const struct conn *c = record->conn;
	const struct local_address *at = NULL,
				   key = { .addr = tuple_dst(&c->reply, c->key.family) };
	const struct local_device *d;

	if (c->status & CONN_SRC_NAT_DONE && l->n_addresses)
		at = bsearch(&key, l->addresses, l->n_addresses, sizeof(key), local_compare);
	if (!at)
		return l->ifindex ? 0 : l->sink(l->ud, &l->kernel, record, NULL, PROTECTION_NONE);
	d = &l->devices[at->device];
	return l->sink(l->ud, &l->kernel, record, d->name,
		       local_protection(l, d, record, &at->addr));
}

static int local_read(struct local_list *l)
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
static int local_find_addresses(struct local_list *l, const char *device)
{
	const struct kernel *k = &l->kernel;
	struct link link;
	int r;

	if (*device) {
		r = k->ops->link_get(k->ctx, device, &link);
		if (r < 0)
			return r;
		l->ifindex = link.ifindex;
	}
	r = k->ops->addr_list(k->ctx, local_take_address, l);
	if (r == 0 && l->n_addresses)
		qsort(l->addresses, l->n_addresses, sizeof(*l->addresses), local_compare);
	return r;
}

int local_table(const struct cli *cli, const char *device, local_sink sink, void *ud)
{
	_cleanup_(kernel_real_freep) struct kernel_real *real = NULL;
	struct local_list l = {
		.cli = cli, .sink = sink, .ud = ud, .run_dir = rundir_open(cli->settings.run_dir)
	};
	int r = kernel_real_new(&real);

	if (r == 0) {
		l.kernel = kernel_real_get(real);
		r = local_find_addresses(&l, device);
	}
	if (r == 0)
		r = local_read(&l);
	local_list_done(&l);
	return r;
}
