/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes over the control socket. First byte: even for a request, as anybody
 * who may connect can send one; odd for an answer. */
#include "lib/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/patterns.h"
#include "show/wire.h"

static void error_holds(const struct request_error *e)
{
	CLAIM(memchr(e->text, '\0', sizeof(e->text)));
	CLAIM(e->text[0]);
	for (const char *p = e->text; *p; p++)
		CLAIM(*p >= ' ' && *p <= '~');
}

static void move_holds(const struct request *q)
{
	CLAIM(q->op == OP_ADD || q->op == OP_DEL);
	CLAIM(q->strategy <= STRATEGY_NONE && q->hold <= HOLD_OFF);
	CLAIM(q->vip_flows <= VIP_FLOWS_RESET);
	CLAIM(q->device[0] && memchr(q->device, '\0', sizeof(q->device)));
	CLAIM(q->n_vips >= 1 && q->n_vips <= VIPS_MAX);
	for (size_t i = 0; i < q->n_vips; i++) {
		const struct vip *v = &q->vips[i];

		CLAIM(addr_size(v->prefix.addr.family));
		CLAIM(v->prefix.len <= 8 * addr_size(v->prefix.addr.family));
		CLAIM(memchr(v->label, '\0', sizeof(v->label)));
		CLAIM(v->broadcast_mode <= BROADCAST_GIVEN);
	}
}

static void notify_holds(const struct wire_notify *n)
{
	if (n->is_bad) {
		error_holds(&n->why);
		return;
	}
	CLAIM(n->event.name[0] && memchr(n->event.name, '\0', sizeof(n->event.name)));
	CLAIM(n->event.state <= INSTANCE_DELETED);
}

static void connections_hold(const struct connections *c)
{
	CLAIM(memchr(c->device, '\0', sizeof(c->device)));
	CLAIM(c->protections < 2U << PROTECTION_COMMITTED);
	pattern_holds(&c->pattern);
}

/* What was understood is written in one way, and understood again. */
static void request_returns(const struct wire_request *r)
{
	enum wire_refusal why;
	struct request_error e;
	struct wire_request again;
	char *line = wire_request_line(r), *twice;

	CLAIM(line);
	CLAIM(wire_request_parse(line, strlen(line), &again, &why, &e) == 0);
	twice = wire_request_line(&again);
	CLAIM(twice && !strcmp(line, twice));
	free(line);
	free(twice);
}

static void request(const char *data, size_t size)
{
	enum wire_refusal why = WIRE_INTERNAL;
	struct request_error e = { "" };
	struct wire_request r;
	int code = wire_request_parse(data, size, &r, &why, &e);

	if (code < 0) {
		CLAIM(code == -EINVAL);
		CLAIM(wire_refusal_name(why));
		error_holds(&e);
		return;
	}
	CLAIM(r.text <= WIRE_TEXT_VERBOSE);
	CLAIM(wire_op_name(&r));
	switch (r.op) {
	case WIRE_MOVE:
		move_holds(&r.move);
		break;
	case WIRE_NOTIFY:
		notify_holds(&r.notify);
		break;
	case WIRE_CONNECTIONS:
		connections_hold(&r.connections);
		break;
	case WIRE_EXPLAIN:
		pattern_holds(&r.ends.pattern);
		break;
	case WIRE_STATUS:
	case WIRE_RELOAD:
	case WIRE_METRICS:
	case WIRE_WATCH:
	case WIRE_HISTORY:
		request_returns(&r); /* it has no words of its own */
		break;
	}
}

static void answer(const char *data, size_t size)
{
	struct wire_answer a = { 0 };
	int r = wire_answer_parse(data, size, &a);

	CLAIM(r == 0 || r == -EBADMSG);
	wire_answer_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = input_byte(&in);
	char *text = input_text(in.data, in.left);

	if (how % 2)
		answer(text, in.left);
	else
		request(text, in.left);
	free(text);
	return 0;
}
