/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the enums in base/request.h. */
#include "base/request.h"

#include <errno.h>
#include <string.h>

static const char *const op_names[] = {
	[OP_ADD] = "add",
	[OP_DEL] = "del",
};

static const char *const strategy_names[] = {
	[STRATEGY_AUTO] = "auto",
	[STRATEGY_PIN] = "pin",
	[STRATEGY_RESTORE] = "restore",
	[STRATEGY_NONE] = "none",
};

static const char *const hold_names[] = {
	[HOLD_AUTO] = "auto",
	[HOLD_NFT] = "nft",
	[HOLD_IPTABLES] = "iptables",
	[HOLD_OFF] = "off",
};

static const char *const vip_flows_names[] = {
	[VIP_FLOWS_DROP] = "drop",
	[VIP_FLOWS_KEEP] = "keep",
	[VIP_FLOWS_RESET] = "reset",
};

static const char *request_names_name_of(const char *const *names, size_t n, unsigned value)
{
	return value < n ? names[value] : "?";
}

static int value_of(const char *const *names, size_t n, const char *text)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(names[i], text))
			return (int)i;
	}
	return -EINVAL;
}

const char *op_name(enum op op)
{
	return request_names_name_of(op_names, ARRAY_SIZE(op_names), op);
}

const char *strategy_name(enum strategy s)
{
	return request_names_name_of(strategy_names, ARRAY_SIZE(strategy_names), s);
}

int strategy_parse(const char *text, enum strategy *ret)
{
	int v = value_of(strategy_names, ARRAY_SIZE(strategy_names), text);

	if (v < 0)
		return v;
	*ret = (enum strategy)v;
	return 0;
}

const char *hold_choice_name(enum hold_choice h)
{
	return request_names_name_of(hold_names, ARRAY_SIZE(hold_names), h);
}

int hold_choice_parse(const char *text, enum hold_choice *ret)
{
	int v = value_of(hold_names, ARRAY_SIZE(hold_names), text);

	if (v < 0)
		return v;
	*ret = (enum hold_choice)v;
	return 0;
}

const char *vip_flows_name(enum vip_flows v)
{
	return request_names_name_of(vip_flows_names, ARRAY_SIZE(vip_flows_names), v);
}

int vip_flows_parse(const char *text, enum vip_flows *ret)
{
	int v = value_of(vip_flows_names, ARRAY_SIZE(vip_flows_names), text);

	if (v < 0)
		return v;
	*ret = (enum vip_flows)v;
	return 0;
}
