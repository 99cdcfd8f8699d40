/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of the enums in base/request.h. */
#include "base/request.h"

#include "base/words.h"

static const char *const op_words[] = { [OP_ADD] = "add", [OP_DEL] = "del", NULL };

const char *const strategy_words[] = {
	[STRATEGY_AUTO] = "auto",
	[STRATEGY_PIN] = "pin",
	[STRATEGY_RESTORE] = "restore",
	[STRATEGY_NONE] = "none",
	NULL,
};

const char *const hold_words[] = {
	[HOLD_AUTO] = "auto",
	[HOLD_NFT] = "nft",
	[HOLD_IPTABLES] = "iptables",
	[HOLD_OFF] = "off",
	NULL,
};

const char *const vip_flows_words[] = {
	[VIP_FLOWS_DROP] = "drop",
	[VIP_FLOWS_KEEP] = "keep",
	[VIP_FLOWS_RESET] = "reset",
	NULL,
};

const char *op_name(enum op op)
{
	return word_of(op_words, op);
}

const char *strategy_name(enum strategy s)
{
	return word_of(strategy_words, s);
}

const char *hold_choice_name(enum hold_choice h)
{
	return word_of(hold_words, h);
}

const char *vip_flows_name(enum vip_flows v)
{
	return word_of(vip_flows_words, v);
}
