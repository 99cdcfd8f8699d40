/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the ends, the newest first, while somebody may write them. */
#include "guard/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/rundir.h"
#include "guard/ends_file.h"

struct ends_list {
	struct ends_query q;
	int fd;
	struct ends_head head;
	char devices[DEVICES][DEVICE_SIZE];
	uint64_t next; /* those from it on have been read */
	usec_t before; /* of the latest that was read: others are older */
	usec_t oldest;
};

static uint64_t ends_first(const struct ends_head *h)
{
	return h->n - MIN(h->n, (uint64_t)h->max);
}

int ends_list_new(const char *run_dir, const char *boot_id, const struct ends_query *q,
		  struct ends_list **ret)
{
	_cleanup_close_ int dir = rundir_open(run_dir),
			    fd = dir < 0 ? dir : ends_file_open(dir, O_RDONLY);
	struct ends_list *l;
	struct end e;
	int r;

	if (fd < 0)
		return fd;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->q = *q;
	l->before = USEC_NEVER;
	r = ends_file_head(fd, boot_id, &l->head);
	if (r == 0)
		r = ends_file_devices(fd, l->devices);
	if (r < 0) {
		free(l);
		return r;
	}
	l->next = l->head.n;
	if (l->head.n &&
	    ends_file_get(fd, &e, sizeof(e), ends_file_place(&l->head, ends_first(&l->head))) ==
		    0 &&
	    end_is_valid(&e))
		l->oldest = e.at;
	l->fd = TAKE_FD(fd);
	*ret = l;
	return 0;
}

struct ends_list *ends_list_free(struct ends_list *l)
{
	if (l)
		closep(&l->fd);
	free(l);
	return NULL;
}

usec_t ends_list_oldest(const struct ends_list *l, size_t *ret_max)
{
	*ret_max = l->head.max;
	return l->oldest;
}

usec_t ends_list_since(const struct ends_list *l, uint64_t *ret_n)
{
	*ret_n = l->head.n;
	return l->head.since;
}

static void ends_tell(const struct ends_list *l, const struct end *e, struct end_told *ret)
{
	struct deed d;

	memset(ret, 0, sizeof(*ret));
	ret->end = *e;
	if (e->device)
		memcpy(ret->device, l->devices[e->device - 1], DEVICE_SIZE);
	if (!e->deed || e->deed > DEEDS)
		return;
	if (ends_file_get(l->fd, &d, sizeof(d), (off_t)(AT_DEEDS + (e->deed - 1U) * sizeof(d))) ==
		    0 &&
	    deed_is_valid(&d) && d.at <= e->at)
		ret->deed = d;
	else if (!ret->end.doubt) /* it has been overwritten */
		ret->end.doubt = DOUBT_NEWER;
}

/* What came back with another port is known by either. */
static bool ends_mean(const struct pattern *p, const struct end *e)
{
	struct conn c = end_conn(e);

	if (pattern_matches(p, &c, 0))
		return true;
	c.reply.dport = e->new_port;
	return e->cause == END_RETRANSLATED && pattern_matches(p, &c, 0);
}

static int ends_show(struct ends_list *l, const struct end *e,
		     int (*sink)(void *ud, const struct end_told *e), void *ud)
{
	struct end_told told;

	if (e->at < l->q.since || (l->q.until && e->at > l->q.until) ||
	    !ends_mean(&l->q.pattern, e))
		return 0;
	ends_tell(l, e, &told);
	return sink(ud, &told);
}

int ends_list_step(struct ends_list *l, int (*sink)(void *ud, const struct end_told *e), void *ud)
{
	struct end buf[ENDS_LIST_STEP];
	uint64_t first = ends_first(&l->head), from;
	size_t m;
	int r;

	if (l->next <= first)
		return 0;
	m = (size_t)MIN((uint64_t)ARRAY_SIZE(buf), l->next - first);
	m = (size_t)MIN((uint64_t)m, (l->next - 1) % l->head.max + 1); /* one piece of the file */
	from = l->next - m;
	r = ends_file_get(l->fd, buf, m * sizeof(*buf), ends_file_place(&l->head, from));
	if (r < 0)
		return r;
	l->next = from;
	while (m--) {
		/* what was written meanwhile stands where the oldest were */
		if (!end_is_valid(&buf[m]) || buf[m].at > l->before)
			continue;
		l->before = buf[m].at;
		r = ends_show(l, &buf[m], sink, ud);
		if (r < 0)
			return r;
	}
	return l->next > first;
}

usec_t ends_list_whole(const struct ends_list *l, size_t *ret_max)
{
	const usec_t oldest = ends_list_oldest(l, ret_max);
	uint64_t n;
	const usec_t since = ends_list_since(l, &n);

	return n > *ret_max ? oldest : since;
}
