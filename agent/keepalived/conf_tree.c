/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conf_tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/conf_reader.h"

static const char *const root_keywords[] = {
	"SSL",
	"bfd_instance",
	"child_wait_time",
	"garp_group",
	"global_defs",
	"include",
	"instance",
	"interface_up_down_delays",
	"linkbeat_interfaces",
	"linkbeat_use_polling",
	"namespace_with_ipsets",
	"net_namespace",
	"net_namespace_ipvs",
	"static_ipaddress",
	"static_routes",
	"static_rules",
	"track_file",
	"track_group",
	"use_pid_dir",
	"virtual_server",
	"virtual_server_group",
	"vrrp_instance",
	"vrrp_script",
	"vrrp_sync_group",
	"vrrp_track_file",
	"vrrp_track_process",
	NULL,
};

static const char *const instance_keywords[] = {
	"accept",
	"advert_int",
	"auth_hmac",
	"authentication",
	"check_unicast_src",
	"debug",
	"dont_track_primary",
	"down_timer_adverts",
	"garp_extra_if",
	"garp_lower_prio_delay",
	"garp_lower_prio_repeat",
	"garp_master_delay",
	"garp_master_refresh",
	"garp_master_refresh_repeat",
	"garp_master_repeat",
	"higher_prio_send_advert",
	"interface",
	"kernel_rx_buf_size",
	"linkbeat_use_polling",
	"lower_prio_no_advert",
	"lvs_sync_daemon_interface",
	"mcast_dst_ip",
	"mcast_src_ip",
	"native_ipv6",
	"no_accept",
	"no_virtual_ipaddress",
	"nopreempt",
	"notify",
	"notify_backup",
	"notify_deleted",
	"notify_fault",
	"notify_master",
	"notify_master_rx_lower_pri",
	"notify_priority_changes",
	"notify_stop",
	"old_unicast_checksum",
	"owner_ignore_adverts",
	"preempt",
	"preempt_delay",
	"priority",
	"promote_secondaries",
	"skip_check_adv_addr",
	"smtp_alert",
	"state",
	"strict_mode",
	"thread_timer_expired",
	"timer_expired_backup",
	"track_bfd",
	"track_file",
	"track_interface",
	"track_process",
	"track_script",
	"track_src_ip",
	"unicast_fault_no_peer",
	"unicast_peer",
	"unicast_src_ip",
	"unicast_ttl",
	"use_ipvlan",
	"use_vmac",
	"use_vmac_addr",
	"v3_checksum_as_v2",
	"version",
	"virtual_ipaddress",
	"virtual_ipaddress_excluded",
	"virtual_router_id",
	"virtual_routes",
	"virtual_rules",
	"vmac_garp_intvl",
	"vmac_xmit_base",
	"vrf",
	NULL,
};

static bool keywords_is_one_of(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

/* Keywords outside of any block. */
static bool keepalived_is_root_keyword(const char *word)
{
	return keywords_is_one_of(root_keywords, word);
}

bool keepalived_is_instance_keyword(const char *word)
{
	return keywords_is_one_of(instance_keywords, word);
}

bool keepalived_is_conf(const struct keepalived_conf *c)
{
	const struct keepalived_directive *d = keepalived_conf_first(c);

	if (!d)
		return keepalived_conf_file(c, 1) ||
		       keepalived_conf_unresolved(c, KEEPALIVED_INCLUDE);
	for (; d; d = d->next)
		if (d->n_words && keepalived_is_root_keyword(d->words[0]))
			return true;
	return false;
}

#define CHUNK_BYTES ((size_t)64 << 10)
#define ALIGNMENT sizeof(void *)

struct memory_chunk {
	struct memory_chunk *next;
	size_t used, size;
	char bytes[];
};

/* An unresolved construct makes the blocks around it doubtful, too. */
static void tree_doubt(struct reader *r)
{
	unsigned i;

	for (i = r->depth; i > 0 && !r->open[i].d->doubtful; i--)
		r->open[i].d->doubtful = true;
}

/* Whether the lines of an unresolved construct are in the tree nevertheless. */
static bool keeps_lines(enum keepalived_unresolved p)
{
	return p == KEEPALIVED_CONDITION || p == KEEPALIVED_VARIABLE;
}

static void miss_lines(struct reader *r)
{
	unsigned i;

	for (i = r->depth; i > 0; i--)
		r->open[i].d->incomplete = true;
}

static void *reader_alloc(struct reader *r, size_t size)
{
	struct keepalived_conf *c = r->conf;
	struct memory_chunk *m = c->chunks;
	void *p;

	size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	if (!m || m->size - m->used < size) {
		size_t want = MAX(size, CHUNK_BYTES);

		if (c->memory_bytes + want > KEEPALIVED_MEMORY_MAX) {
			if (!r->full)
				reader_unresolved(r, KEEPALIVED_LIMIT,
						  "too much; the rest is left out");
			r->full = true;
			return NULL;
		}
		m = malloc(sizeof(*m) + want);
		if (!m) {
			r->r = -ENOMEM;
			return NULL;
		}
		*m = (struct memory_chunk){ c->chunks, 0, want };
		c->memory_bytes += want;
		c->chunks = m;
	}
	p = m->bytes + m->used;
	m->used += size;
	return p;
}

char *reader_copy(struct reader *r, const char *text, size_t len)
{
	char *p = reader_alloc(r, len + 1);

	if (!p)
		return NULL;
	memcpy(p, text, len);
	p[len] = '\0';
	return p;
}

void reader_unresolved(struct reader *r, enum keepalived_unresolved p, const char *fmt, ...)
{
	struct keepalived_conf *c = r->conf;
	struct keepalived_note *n;
	va_list ap;

	r->doubtful = true;
	tree_doubt(r);
	if (!keeps_lines(p))
		miss_lines(r);
	c->unresolved[p]++;
	if (c->n_notes == KEEPALIVED_NOTES_MAX)
		return;
	n = &c->notes[c->n_notes++];
	n->unresolved = p;
	n->file = r->file;
	n->line = r->line;
	va_start(ap, fmt);
	text_line_va(n->text, sizeof(n->text), fmt, ap);
	va_end(ap);
}

bool reader_spend(struct reader *r, size_t size)
{
	if (r->full)
		return false;
	if (size <= KEEPALIVED_BYTES_MAX - r->bytes) {
		r->bytes += size;
		return true;
	}
	reader_unresolved(r, KEEPALIVED_LIMIT, "more than %zu MiB; the rest is left out",
			  KEEPALIVED_BYTES_MAX >> 20);
	r->full = true;
	return false;
}

void tree_add(struct reader *r, const char *const *words, unsigned n_words)
{
	struct open_block *b = &r->open[r->depth];
	struct keepalived_directive *d;
	const char **copy;
	unsigned i;

	if (r->too_deep || r->full)
		return;
	d = reader_alloc(r, sizeof(*d));
	copy = reader_alloc(r, n_words * sizeof(*copy));
	if (!d || !copy)
		return;
	for (i = 0; i < n_words; i++) {
		copy[i] = reader_copy(r, words[i], strlen(words[i]));
		if (!copy[i])
			return;
	}
	*d = (struct keepalived_directive){
		.words = copy,
		.n_words = n_words,
		.line = r->line,
		.last = r->last,
		.file = r->file,
		.condition = r->condition,
		.doubtful = r->doubtful,
	};
	if (r->doubtful)
		tree_doubt(r);
	if (b->last)
		b->last->next = d;
	else if (b->d)
		b->d->first = d;
	else
		r->conf->first = d;
	b->last = d;
}

void tree_open(struct reader *r)
{
	struct keepalived_directive *d = r->open[r->depth].last;

	if (r->too_deep || r->full) {
		r->too_deep++;
		return;
	}
	if (r->depth == KEEPALIVED_DEPTH_MAX) {
		reader_unresolved(r, KEEPALIVED_LIMIT, "blocks nested deeper than %d",
				  KEEPALIVED_DEPTH_MAX);
		r->too_deep++;
		return;
	}
	if (!d || d->is_block) {
		reader_unresolved(r, KEEPALIVED_SYNTAX, "a block without a keyword");
		tree_add(r, NULL, 0);
		d = r->open[r->depth].last;
	}
	if (!d || d->is_block) { /* there was no room for the directive */
		r->too_deep++;
		return;
	}
	d->is_block = true;
	d->last = 0;
	r->open[++r->depth] = (struct open_block){ d, NULL };
}

void tree_close(struct reader *r)
{
	struct keepalived_directive *d = r->open[r->depth].d;

	if (r->too_deep) {
		r->too_deep--;
	} else if (r->depth) {
		d->last = d->file == r->file ? r->last : 0;
		r->depth--;
	} else {
		reader_unresolved(r, KEEPALIVED_SYNTAX, "a } that closes nothing");
	}
}

void tree_end(struct reader *r)
{
	for (; r->depth; r->depth--) {
		const struct keepalived_directive *d = r->open[r->depth].d;

		r->file = d->file;
		r->line = d->line;
		reader_unresolved(r, KEEPALIVED_SYNTAX, "the block is not closed");
	}
}

void keepalived_conf_free(struct keepalived_conf *c)
{
	struct memory_chunk *m, *next;

	if (!c)
		return;
	for (m = c->chunks; m; m = next) {
		next = m->next;
		free(m);
	}
	free(c);
}

const struct keepalived_directive *keepalived_conf_first(const struct keepalived_conf *c)
{
	return c->first;
}

const struct keepalived_directive *keepalived_find(const struct keepalived_directive *d,
						   const char *keyword)
{
	while (d && !(d->n_words && !strcmp(d->words[0], keyword)))
		d = d->next;
	return d;
}

const char *keepalived_word(const struct keepalived_directive *d, unsigned i)
{
	return i < d->n_words ? d->words[i] : NULL;
}

unsigned keepalived_conf_unresolved(const struct keepalived_conf *c, enum keepalived_unresolved p)
{
	unsigned i, n = 0;

	if (p != KEEPALIVED_UNRESOLVED)
		return c->unresolved[p];
	for (i = 0; i < KEEPALIVED_UNRESOLVED; i++)
		n += c->unresolved[i];
	return n;
}

const struct keepalived_note *keepalived_conf_notes(const struct keepalived_conf *c, size_t *ret_n)
{
	*ret_n = c->n_notes;
	return c->notes;
}

const char *keepalived_conf_file(const struct keepalived_conf *c, size_t i)
{
	return i < c->n_files ? c->files[i] : NULL;
}
