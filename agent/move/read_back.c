/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Read back what was created, and delete what is not as asked for. */
#include "move/chunk.h"

#include <errno.h>
#include <string.h>

#include "move/repair.h"

/* The kernel has made NOW of entry I: others of its shape are not pinned. */
static void take_mismatch(struct run *run, uint32_t i, const struct conn *now)
{
	const struct conn *asked = connset_get(run->set, i);
	char was[CONN_TEXT_MAX], is[CONN_TEXT_MAX];
	uint32_t shape = conn_shape(asked);

	run->entries[i].state = ENTRY_LOST;
	run->report->entries.mismatch++;
	/* Of a proven shape the kernel makes no other mapping: traffic has, after
	 * somebody had taken ours away. */
	if (shapes_get(run->shapes, shape) == SHAPE_REFUSED ||
	    (shapes_get(run->shapes, shape) == SHAPE_PROVEN &&
	     !tuple_equal(&asked->reply, &now->reply)))
		return;
	shapes_set(run->shapes, shape, SHAPE_REFUSED);
	report_warn(run->report, "mismatch", "",
		    "this kernel made something else of %.100s, which is lost (%.100s, status %x "
		    "for %x): connections of its kind are not pinned",
		    conn_format(asked, was), conn_format(now, is), now->status, asked->status);
}

static void restore_take_match(struct run *run, uint32_t i, const struct conn *now)
{
	const struct conn *asked = connset_get(run->set, i);
	uint32_t shape = conn_shape(asked);

	run->entries[i].state = ENTRY_RESTORED;
	run->entries[i].bare = asked->has_helper && !now->has_helper;
	if (shapes_get(run->shapes, shape) == SHAPE_UNTRIED)
		shapes_set(run->shapes, shape, SHAPE_PROVEN);
	connset_set_id(run->set, i, now->id);
}

static int read_back_chunk(struct chunk *ch, const uint32_t *idx, size_t n)
{
	struct run *run = ch->run;
	uint32_t wrong[CHUNK_MAX];
	size_t i, m = 0;
	int r;

	for (i = 0; i < n; i++)
		ch->ops[i] = (struct ct_op){ .verb = CT_GET,
					     .conn = connset_get(run->set, idx[i]),
					     .found = &ch->found[i] };
	r = chunk_send(run, ch->ops, n);
	for (i = 0; r == 0 && i < n; i++) {
		struct entry *e = &run->entries[idx[i]];

		if (ch->ops[i].result == -ENOENT ||
		    (ch->ops[i].result == 0 &&
		     !conn_key_equal(&ch->ops[i].conn->key, &ch->found[i].key)))
			e->state = ENTRY_MISSING;
		else if (ch->ops[i].result < 0)
			continue;
		else if (repair_matches(ch->ops[i].conn, &ch->found[i]))
			restore_take_match(run, idx[i], &ch->found[i]);
		else
			wrong[m++] = (uint32_t)i;
	}
	/* A wrong entry may send packets out untranslated: delete it. */
	for (i = 0; r == 0 && i < m; i++) {
		struct ct_op op = { .verb = CT_DELETE, .conn = &ch->found[wrong[i]] };

		take_mismatch(run, idx[wrong[i]], &ch->found[wrong[i]]);
		r = chunk_send(run, &op, 1);
	}
	return r;
}

int restore_read_back_one(struct run *run, uint32_t i)
{
	_cleanup_free_ struct chunk *ch = malloc(sizeof(*ch));

	if (!ch)
		return -ENOMEM;
	ch->run = run;
	return read_back_chunk(ch, &i, 1);
}

void restore_read_back(struct run *run)
{
	int r = chunk_each(run, ENTRY_CREATED, read_back_chunk);

	if (r < 0)
		report_warn(run->report, "restore-unread", "",
			    "restored connections could not be read back: %s", strerror(-r));
}
