/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Refuse changes that need --force: those that an instance would undo at once, the last
 * address of a device, and addresses that DHCP or the kernel manages. A change that an
 * instance asks for itself is not refused. */
#include "move/stage.h"

#include <string.h>
#include <sys/socket.h>

#include "keepalived/instance_settings.h"
#include "base/text.h"
#include "keepalived/instance_file.h"

/* IFA_PROTO (linux/if_addr.h, Linux 5.18): made by the kernel itself, for the
 * loopback device, from a router advertisement, or as a link-local address. */
enum {
	IFADDR_PROTO_FIRST = 1,
	IFADDR_PROTO_LAST = 3,
};

static bool is_on_device(const struct run *run, const char *device)
{
	return !strcmp(device, run->req->device) || !strcmp(device, run->link.name);
}

/* Whether P is the instance's address A; with ANYWHERE: the same for others on
 * the network, whatever its length and device are. */
static bool is_address(const struct run *run, const struct instance_address *a,
		       const struct prefix *p, bool anywhere)
{
	if (anywhere)
		return addr_equal(&a->vip.prefix.addr, &p->addr);
	return prefix_equal(&a->vip.prefix, p) && is_on_device(run, a->device);
}

static int search_instances(const struct run *run, const struct prefix *p, bool anywhere)
{
	const struct settings *s = run->env->settings;
	size_t i, j;

	for (i = 0; i < s->n_instances; i++) {
		const struct instance_settings *one = &s->instances[i];

		for (j = 0; j < one->n_addresses; j++)
			if (is_address(run, &one->addresses[j], p, anywhere))
				return (int)i;
	}
	return -1;
}

/* The instance whose address P is, by its number; -1: none. What is added is
 * heard by its address alone, but for the loopback device, where real servers
 * of an LVS have it. */
static int find_instance(const struct run *run, const struct prefix *p)
{
	int i = search_instances(run, p, false);

	if (i < 0 && run->req->op == OP_ADD && !is_on_device(run, "lo"))
		i = search_instances(run, p, true);
	return i;
}

/* UNKNOWN when nobody has told yet, or what is known cannot be read. */
static enum instance_state insist_state_of(const struct run *run, int instance)
{
	const struct run_env *env = run->env;
	_cleanup_free_ struct instance *list = NULL;

	if (env->states && *env->states)
		return (*env->states)[instance].state;
	list = calloc(env->settings->n_instances, sizeof(*list));
	if (!list || instance_file_load(env->settings, env->boot_id, run_now(run), list) < 0)
		return INSTANCE_UNKNOWN;
	return list[instance].state;
}

static bool is_against(enum op op, enum instance_state state)
{
	switch (state) {
	case INSTANCE_MASTER:
		return op == OP_DEL;
	case INSTANCE_BACKUP:
	case INSTANCE_FAULT:
	case INSTANCE_STOP:
		return op == OP_ADD;
	case INSTANCE_UNKNOWN:
	case INSTANCE_DELETED:
		break;
	}
	return false;
}

static void insist_refuse(struct run *run, const struct prefix *p, const char *why)
{
	char text[PREFIX_TEXT_MAX];

	report_fail(run->report, RESULT_REFUSED, EXIT_UNSAFE, "%s %s; %s", prefix_format(p, text),
		    why,
		    run->recovering ? "a run that was killed is not finished"
				    : "nothing changed; --force insists");
	run->done = true;
}

static void check_instance(struct run *run, const struct prefix *p, int instance)
{
	const struct instance_settings *one = &run->env->settings->instances[instance];
	enum instance_state state = insist_state_of(run, instance);
	char why[REPORT_TEXT_MAX];

	if (!is_against(run->req->op, state))
		return;
	text_line(why, sizeof(why), "is an address of instance %s, which is %s: %s", one->name,
		  instance_state_name(state),
		  run->req->op == OP_DEL ? "it belongs here, and would be put back"
					 : "another node has it");
	insist_refuse(run, p, why);
}

/* Refuse to delete an address that a DHCP client or the kernel has set. */
static void check_origin(struct run *run, const struct ifaddr *a)
{
	char why[REPORT_TEXT_MAX];

	if (a->valid_lft != IFADDR_FOREVER) {
		text_line(why, sizeof(why),
			  "has a lifetime (%lu s are left): DHCP or a router has given it, and "
			  "renews it",
			  (unsigned long)a->valid_lft);
		insist_refuse(run, &a->prefix, why);
	} else if (a->proto >= IFADDR_PROTO_FIRST && a->proto <= IFADDR_PROTO_LAST) {
		insist_refuse(run, &a->prefix, "is one that the kernel has made itself");
	}
}

/* Without one the device sends and hears nothing any more; with the last IPv4
 * address all routes through it go, too (fib_disable_ip()). One that was made for an
 * address has no other. */
static void check_last(struct run *run, const struct ifaddr *target)
{
	uint8_t family = target->prefix.addr.family;
	char why[REPORT_TEXT_MAX];
	size_t i;

	if (run->link.is_own)
		return;
	for (i = 0; i < run->before.n; i++) {
		const struct ifaddr *a = &run->before.items[i];

		if (a->ifindex == run->link.ifindex && a->prefix.addr.family == family &&
		    !run_is_target(run, a))
			return;
	}
	text_line(why, sizeof(why), "is the last %s address of %s",
		  family == AF_INET ? "IPv4" : "IPv6", run->link.name);
	insist_refuse(run, &target->prefix, why);
}

void run_check_insisted(struct run *run)
{
	size_t v;

	for (v = 0; v < run->req->n_vips && !run->done; v++) {
		const struct prefix *p = &run->req->vips[v].prefix;
		int instance = find_instance(run, p);

		if (run->report->outcomes[v] == VIP_ALREADY)
			continue;
		if (instance >= 0) {
			check_instance(run, p, instance);
		} else if (run->req->op == OP_DEL && !run->recovering) {
			check_origin(run, &run->targets[v]);
			if (!run->done)
				check_last(run, &run->targets[v]);
		}
	}
}
