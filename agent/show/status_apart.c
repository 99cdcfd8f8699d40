/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "show/status_apart.h"

#include "show/report_json.h"
#include "show/status_part.h"

typedef unsigned long long ull;

static json_t *row_json(const struct status_apart_row *row)
{
	json_t *o = json_object();

	object_put_text(&o, "service", row->service);
	object_put_bool(&o, "kept_apart", !*row->why);
	object_put_text(&o, "reason", row->why);
	if (!*row->why) {
		object_put_number(&o, "port_low", row->low);
		object_put_number(&o, "port_high", row->high);
		object_put_bool(&o, "shares_ports", row->shares);
	}
	return o;
}

static json_t *client_json(const struct status_apart_client *c)
{
	char text[PREFIX_TEXT_MAX];
	json_t *o = json_object();

	object_put_text(&o, "from", prefix_format(&c->client.from, text));
	object_put_text(&o, "to", addr_format(&c->client.to, text));
	object_put_bool(&o, "in_force", c->in_force);
	return o;
}

json_t *status_apart_json(const struct status *s)
{
	const struct status_apart *a = &s->apart;
	json_t *o = json_object(), *list = json_array(), *clients = json_array();
	size_t i;

	for (i = 0; i < a->n_clients; i++)
		object_append(&clients, client_json(&a->clients[i]));
	for (i = 0; i < a->n_rows; i++)
		object_append(&list, row_json(&a->rows[i]));
	object_put_bool(&o, "asked", a->asked);
	object_put_bool(&o, "in_force", a->in_force);
	object_put_text(&o, "reason", a->reason);
	object_put_number(&o, "port_low", a->low);
	object_put_number(&o, "port_high", a->high);
	object_put_number(&o, "kept", a->kept);
	object_put_number(&o, "left", a->left);
	object_put_number(&o, "other_ports", a->outside);
	object_put_number(&o, "direct_in_ports", a->direct);
	object_put(&o, "services", list);
	object_put(&o, "clients", clients);
	return o;
}

static void print_client(const struct status_apart_client *c, FILE *out)
{
	char from[PREFIX_TEXT_MAX], to[PREFIX_TEXT_MAX];

	prefix_format(&c->client.from, from);
	addr_format(&c->client.to, to);
	if (c->in_force)
		fprintf(out, "  clients from %s, too, which are translated to %s\n", from, to);
	else
		fprintf(out, "  clients from %s are left alone: this node does not have %s\n", from,
			to);
}

void status_apart_print(const struct status *s, bool verbose, FILE *out)
{
	const struct status_apart *a = &s->apart;
	size_t i;

	if (!a->asked)
		return;
	if (a->in_force)
		fprintf(out, "LVS: %u kept apart from direct connections, by ports %u-%u\n",
			a->kept, a->low, a->high);
	else
		fprintf(out, "LVS: nothing is kept apart: %s\n", a->reason);
	if (a->outside)
		fprintf(out,
			"  %llu open connections through them have other ports: older ones, or "
			"translated by rules of this node (keep_apart_clients)\n",
			(ull)a->outside);
	if (a->direct)
		fprintf(out, "  %u direct connections had such a port before\n", a->direct);
	for (i = 0; i < a->n_clients; i++)
		print_client(&a->clients[i], out);
	for (i = 0; i < a->n_rows; i++) {
		const struct status_apart_row *row = &a->rows[i];

		if (*row->why)
			fprintf(out, "  %s is left alone: %s\n", row->service, row->why);
		else if (verbose)
			fprintf(out, "  %s leaves from ports %u-%u%s\n", row->service, row->low,
				row->high,
				row->shares ? ", as another address of its servers does" : "");
	}
}

void status_apart_find(const struct status *s, struct findings *f)
{
	const struct status_apart *a = &s->apart;

	if (a->asked && !a->in_force && *a->reason)
		findings_add(f, SEVERITY_WARNING, "lvs-not-apart", NULL,
			     "connections through LVS are not kept apart from direct ones: %s",
			     a->reason);
	else if (a->left)
		findings_add(f, SEVERITY_WARNING, "lvs-not-apart", "vipsafe -v status",
			     "%u LVS service%s cannot be kept apart from direct connections",
			     a->left, a->left == 1 ? "" : "s");
}
