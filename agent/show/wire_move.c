/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An address change, or the plan of one, as it passes over the control socket. */
#include "show/wire_row.h"

#include <errno.h>
#include <string.h>

#include "base/option.h"

static int wire_move_read_addresses(json_t *o, struct request *req, struct request_error *e)
{
	json_t *list = json_object_get(o, "addresses");
	size_t i, j, n = json_array_size(list);

	if (!json_is_array(list) || !n || n > VIPS_MAX)
		return wire_wrong("addresses", e);
	for (i = 0; i < n; i++) {
		const struct prefix *p = &req->vips[i].prefix;

		if (wire_vip_read(json_array_get(list, i), req->op, &req->vips[i], e) < 0)
			return -EINVAL;
		for (j = 0; j < i; j++) {
			const struct prefix *q = &req->vips[j].prefix;

			/* IPv6 keeps an address once per device, whatever the length. */
			if (prefix_equal(p, q) ||
			    (addr_size(p->addr.family) == 16 && addr_equal(&p->addr, &q->addr)))
				return request_error_set(e, "an address is given twice");
		}
	}
	req->n_vips = n;
	return 0;
}

static int read_choices(json_t *o, struct request *req, struct request_error *e)
{
	const char *text;

	if (wire_get_text(o, "strategy", "auto", &text, e) < 0)
		return -EINVAL;
	if (strategy_parse(text, &req->strategy) < 0)
		return wire_wrong("strategy", e);
	if (wire_get_text(o, "hold", "auto", &text, e) < 0)
		return -EINVAL;
	if (hold_choice_parse(text, &req->hold) < 0)
		return wire_wrong("hold", e);
	if (wire_get_text(o, "vip_flows", "drop", &text, e) < 0)
		return -EINVAL;
	if (vip_flows_parse(text, &req->vip_flows) < 0)
		return wire_wrong("vip_flows", e);
	return wire_get_flag(o, "force", &req->force, e);
}

const char *const wire_move_keys[] = { "device", "addresses", "force", "strategy",
				       "hold",	 "vip_flows", NULL };
const char *const wire_plan_keys[] = { "device", "addresses", "force", "strategy",
				       "hold",	 "vip_flows", "of",    NULL };

int wire_move_read(json_t *o, const char *name, struct wire_request *r, struct request_error *e)
{
	struct request *req = &r->move;
	const char *op = name, *text;
	bool plan = !strcmp(name, "plan");

	if (plan && wire_get_text(o, "of", NULL, &op, e) < 0)
		return -EINVAL;
	if (strcmp(op, "add") && strcmp(op, "del"))
		return wire_wrong("of", e);
	request_init(req, strcmp(op, "del") ? OP_ADD : OP_DEL);
	req->plan = plan;
	if (wire_get_text(o, "device", NULL, &text, e) < 0 || device_name_check(text, e) < 0)
		return -EINVAL;
	memcpy(req->device, text, strlen(text) + 1);
	return wire_move_read_addresses(o, req, e) < 0 ? -EINVAL : read_choices(o, req, e);
}

int wire_move_write(json_t *o, const struct wire_request *r)
{
	const struct request *req = &r->move;
	json_t *list = json_array();
	int failed = 0;
	size_t i;

	for (i = 0; i < req->n_vips; i++)
		failed |= json_array_append_new(list, wire_vip_write(&req->vips[i]));
	if (req->plan)
		failed |= json_object_set_new(o, "of", json_string(op_name(req->op)));
	failed |= json_object_set_new(o, "device", json_string(req->device));
	failed |= json_object_set_new(o, "addresses", list);
	failed |= json_object_set_new(o, "force", json_boolean(req->force));
	failed |= json_object_set_new(o, "strategy", json_string(strategy_name(req->strategy)));
	failed |= json_object_set_new(o, "hold", json_string(hold_choice_name(req->hold)));
	failed |= json_object_set_new(o, "vip_flows", json_string(vip_flows_name(req->vip_flows)));
	return failed;
}
