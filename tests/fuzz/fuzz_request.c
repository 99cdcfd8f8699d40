/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a command line, a NUL between two of them. First byte: odd for
 * del; from 128 on a configured address instead. */
#include "lib/fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/cli.h"
#include "base/request.h"

#define WORDS_MAX 256

static void error_holds(const struct request_error *e)
{
	CLAIM(memchr(e->text, '\0', sizeof(e->text)));
	CLAIM(e->text[0]);
	for (const char *p = e->text; *p; p++)
		CLAIM(*p >= ' ' && *p <= '~');
}

static void vip_holds(const struct vip *v, enum op op)
{
	uint8_t family = v->prefix.addr.family;
	struct prefix again;
	char text[PREFIX_TEXT_MAX];

	CLAIM(addr_size(family) && v->prefix.len <= 8 * addr_size(family));
	CLAIM(addr_is_usable(&v->prefix.addr) ||
	      (addr_is_multicast(&v->prefix.addr) && (op == OP_DEL || v->extra.autojoin)));
	CLAIM(!v->extra.peer.family || v->extra.peer.family == family);
	CLAIM(!v->extra.home || family == AF_INET6);
	CLAIM(prefix_parse(prefix_format(&v->prefix, text), PREFIX_LEN_REQUIRED, &again) == 0);
	CLAIM(prefix_equal(&v->prefix, &again));
	CLAIM(memchr(v->label, '\0', sizeof(v->label)));
	CLAIM(v->scope >= -1 && v->scope <= 255);
	CLAIM(addr_size(family) == 4 || !v->label[0]);
	CLAIM(addr_size(family) == 16 || !v->dad);
	CLAIM(op == OP_ADD || (!v->dad && !v->noprefixroute && !v->metric && !v->extra.proto &&
			       !v->extra.home && !v->extra.autojoin));
}

static void request_holds(const struct request *q)
{
	struct request_error e;

	CLAIM(memchr(q->device, '\0', sizeof(q->device)));
	CLAIM(device_name_check(q->device, &e) == 0);
	CLAIM(q->n_vips >= 1 && q->n_vips <= VIPS_MAX);
	for (size_t i = 0; i < q->n_vips; i++)
		vip_holds(&q->vips[i], q->op);
}

static int split(char *text, size_t size, char *argv[WORDS_MAX])
{
	int n = 0;

	for (size_t i = 0; i < size && n < WORDS_MAX; i += strlen(text + i) + 1)
		argv[n++] = text + i;
	return n;
}

static void parse(uint8_t how, int argc, char *argv[])
{
	enum op op = how % 2 ? OP_DEL : OP_ADD;
	char *words[WORDS_MAX + 1];
	struct request_error e = { "" };
	struct options options;
	struct request q;
	struct vip v;
	int n, r;

	if (how >= 128) {
		r = vip_parse(&v, argc, argv, &e);
		if (r < 0)
			error_holds(&e);
		else
			vip_holds(&v, OP_ADD);
		return;
	}
	r = options_parse(argc, argv, &options, words, &n, &e);
	if (r < 0) {
		CLAIM(r == -EINVAL);
		error_holds(&e);
		return;
	}
	CLAIM(n >= 0 && n <= argc);
	request_init(&q, op);
	r = request_parse(&q, n, words, &e);
	if (r < 0)
		error_holds(&e);
	else
		request_holds(&q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = input_byte(&in);
	char *argv[WORDS_MAX], *text = input_text(in.data, in.left);

	parse(how, split(text, in.left, argv), argv);
	free(text);
	return 0;
}
