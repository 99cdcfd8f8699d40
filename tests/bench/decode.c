/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <errno.h>
#include <sys/socket.h>

#include <linux/netlink.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "kernel/ctcodec.h"
#include "tape.h"

/* Both decode into the same object again and again: allocating one per entry,
 * as users of the library do, would only cost it more. */
struct decoders {
	uint8_t payload[CT_PAYLOAD_MAX];
	struct nf_conntrack *ct;
};

static int ours(struct decoders *d, const struct nlmsghdr *nlh)
{
	struct conn_record record;
	struct conn_key master;
	struct conn conn;

	return ctcodec_decode(nlh, &conn, &master, d->payload, &record);
}

static int theirs(struct decoders *d, const struct nlmsghdr *nlh)
{
	return nfct_nlmsg_parse(nlh, d->ct);
}

/* Decode every entry on T; how many were decoded must come out right. */
static int decode_all(struct bench *b, struct decoders *d, const struct tape *t,
		      int (*decode)(struct decoders *d, const struct nlmsghdr *nlh),
		      double *ret_seconds)
{
	size_t i, n = 0;

	stopwatch_start(&b->watch);
	for (i = 0; i < t->n; i++) {
		size_t len;
		const struct nlmsghdr *nlh = (const void *)tape_get(t, i, &len);
		unsigned left = (unsigned)len;

		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left))
			if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
				n += decode(d, nlh) == 0;
	}
	*ret_seconds = stopwatch_lap(&b->watch);
	return n == b->entries ? 0 : -EBADMSG;
}

static int ignore(void *ud _unused_, const struct conn_record *record _unused_)
{
	return 0;
}

static int rounds(struct bench *b, struct decoders *d, const struct tape *t, struct sample *sample)
{
	double scale = 1e9 / (double)b->entries, x = 0, y = 0;
	unsigned round;
	int r = 0;

	for (round = 0; round <= b->rounds && r == 0; round++) {
		r = decode_all(b, d, t, round % 2 ? ours : theirs, round % 2 ? &x : &y);
		if (r == 0)
			r = decode_all(b, d, t, round % 2 ? theirs : ours, round % 2 ? &y : &x);
		if (r == 0 && round)
			sample_add(sample, x * scale, y * scale);
	}
	return r;
}

int measure_decode(struct bench *b)
{
	struct score *score = scores_add(b->scores, &(struct score){
							    .what = "decode",
							    .peer = "libnetfilter_conntrack",
							    .unit = "ns/entry",
							    .entries = b->entries,
						    });
	_cleanup_free_ struct decoders *d = malloc(sizeof(*d));
	const struct kernel *k = &b->env.kernel;
	struct tape dump = { 0 };
	int r = d ? 0 : -ENOMEM;

	if (r == 0) {
		d->ct = nfct_new();
		tape_record(NULL, &dump);
		r = d->ct ? k->ops->ct_dump(k->ctx, AF_INET, ignore, NULL) : -ENOMEM;
		tape_record(NULL, NULL);
	}
	if (r == 0)
		r = dump.error ? dump.error : rounds(b, d, &dump, &score->sample);
	if (d && d->ct)
		nfct_destroy(d->ct);
	tape_done(&dump);
	return r;
}
