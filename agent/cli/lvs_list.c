/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/lvs_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "lvs/text.h"
#include "show/finding_show.h"
#include "show/report_json.h"

static const char *const rank_words[] = {
	[LVS_RANK_MANIFEST] = "crossed", [LVS_RANK_CRITICAL] = "critical",
	[LVS_RANK_WARNING] = "warning",	 [LVS_RANK_UNSEEN] = "unseen",
	[LVS_RANK_NOTE] = "note",	 NULL,
};

void lvs_list_done(struct lvs_list *l)
{
	size_t i;

	for (i = 0; i < LVS_RANKS; i++) {
		free(l->rows[i]);
		l->rows[i] = NULL;
		l->n[i] = 0;
	}
}

int lvs_list_add(struct lvs_list *l, const struct lvs_finding *f)
{
	enum lvs_rank rank = lvs_finding_rank(f);
	struct lvs_finding *row;

	l->found[rank]++;
	if (l->n[rank] == LVS_LIST_MAX)
		return 0;
	row = array_append(&l->rows[rank], &l->n[rank], sizeof(*row));
	if (!row)
		return -ENOMEM;
	*row = *f;
	return 0;
}

/* ---- text ------------------------------------------------------------------- */

static void lvs_list_print_one(const struct lvs_finding *f, FILE *out)
{
	struct finding one = f->f;
	char text[4 * FINDING_FIX_MAX];

	findings_print_list(&(struct findings){ .list = &one, .n = 1 }, true, 0, out);
	if (*f->note && !*f->prevent)
		fprintf(out, "  note: %s\n", text_escape(f->note, text, sizeof(text)));
}

/* What prevents the next one, unless an earlier row says the same. */
static void print_prevent(const struct lvs_list *l, size_t rank, size_t i, FILE *out)
{
	const struct lvs_finding *f = &l->rows[rank][i];
	char text[4 * FINDING_FIX_MAX];
	size_t r, k;

	for (r = 0; r <= rank; r++) {
		for (k = 0; k < (r < rank ? l->n[r] : i); k++) {
			if (!strcmp(l->rows[r][k].prevent, f->prevent))
				return;
		}
	}
	fprintf(out, "prevent: %s\n", text_escape(f->prevent, text, sizeof(text)));
	fprintf(out, "  note: %s\n", text_escape(f->note, text, sizeof(text)));
}

void lvs_list_print(const struct lvs_list *l, bool verbose, FILE *out)
{
	size_t ranks = verbose ? LVS_RANKS : LVS_RANK_NOTE, rank, i;

	for (rank = 0; rank < ranks; rank++) {
		for (i = 0; i < l->n[rank]; i++)
			lvs_list_print_one(&l->rows[rank][i], out);
	}
	for (rank = 0; rank < ranks; rank++) {
		for (i = 0; i < l->n[rank]; i++) {
			if (*l->rows[rank][i].prevent)
				print_prevent(l, rank, i, out);
		}
	}
}

void lvs_list_totals(const struct lvs_list *l, bool verbose, FILE *out)
{
	uint64_t left_out = 0, critical = l->found[LVS_RANK_MANIFEST] + l->found[LVS_RANK_CRITICAL];
	size_t rank;

	for (rank = 0; rank < LVS_RANKS; rank++) {
		if (rank != LVS_RANK_NOTE || verbose)
			left_out += l->found[rank] - l->n[rank];
	}
	if (!critical && !l->found[LVS_RANK_WARNING])
		fputs("no collision was found", out);
	else
		fprintf(out, "%llu crossed, %llu critical, %llu warnings",
			(unsigned long long)l->found[LVS_RANK_MANIFEST],
			(unsigned long long)l->found[LVS_RANK_CRITICAL],
			(unsigned long long)l->found[LVS_RANK_WARNING]);
	if (l->found[LVS_RANK_UNSEEN])
		fprintf(out, ", %llu could not be looked at",
			(unsigned long long)l->found[LVS_RANK_UNSEEN]);
	if (l->found[LVS_RANK_NOTE])
		fprintf(out, ", %llu note%s", (unsigned long long)l->found[LVS_RANK_NOTE],
			l->found[LVS_RANK_NOTE] == 1 ? "" : "s");
	if (left_out)
		fprintf(out, "; %llu of them are not printed", (unsigned long long)left_out);
	fputc('\n', out);
}

/* ---- JSON --------------------------------------------------------------------- */

static void object_put_flow(json_t **o, const char *key, const struct flow *f)
{
	struct addr src = addr_make(f->family, f->client), dst = addr_make(f->family, f->dest);
	char text[PREFIX_TEXT_MAX];
	json_t *flow = json_object();

	object_put_text(&flow, "src", addr_format(&src, text));
	object_put_text(&flow, "dst", addr_format(&dst, text));
	object_put_number(&flow, "sport", f->cport);
	object_put_number(&flow, "dport", f->dport);
	object_put_text(&flow, "state", flow_state_name((enum flow_state)f->state));
	object_put_number(&flow, "retransmissions", f->backoff);
	object_put_bool(&flow, "socket", f->origin & FLOW_SOCKET);
	object_put_bool(&flow, "ended", f->origin & FLOW_HELD);
	object_put(o, key, flow);
}

static void put_service(json_t **o, const struct lvs_message *s, const char *key, uint32_t service,
			const struct flow *to)
{
	const char *name =
		s->map && service != LVS_NONE ? lvs_map_service(s->map, service)->name : "";
	char dest[LVS_ENDPOINT_MAX];

	object_put_text(o, key,
			*name ? name : lvs_bytes_format(to->family, to->dest, to->dport, dest));
}

/* Where the two meet: what the direct one goes to, or where our director has sent the other. */
static void put_real_server(json_t **o, const struct collision *c)
{
	char text[LVS_ENDPOINT_MAX] = "";

	if (c->other_service == LVS_NONE && c->class != COLLIDE_A2)
		lvs_bytes_format(c->direct.family, c->direct.dest, c->direct.dport, text);
	else if (c->via.has_rs)
		lvs_endpoint_format(&c->via.rs, c->via.rport, text);
	object_put_text(o, "real_server", text);
}

static void put_pair(json_t **o, const struct lvs_message *s, const struct collision *c)
{
	const struct lvs_source *sources;
	const struct lvs_service *v;
	enum lvs_method method;
	char proto[8];

	object_put_text(o, "class", collide_class_name(c->class));
	object_put_text(o, "verdict", collide_certainty_name(c->certainty));
	object_put(o, "share", json_real(c->share));
	object_put_text(o, "protocol", l4proto_name(c->via.l4proto, proto));
	object_put_flow(o, "direct", &c->direct);
	object_put_flow(o, "via", &c->via);
	put_service(o, s, "service", c->service, &c->via);
	if (c->class == COLLIDE_A2)
		put_service(o, s, "other_service", c->other_service, &c->direct);
	put_real_server(o, c);
	if (!s->map || c->service == LVS_NONE)
		return;
	v = lvs_map_service(s->map, c->service);
	method = lvs_map_method(s->map, c->service);
	object_put_text(o, "method", lvs_method_name(method));
	if (method == LVS_FULLNAT)
		object_put_text(o, "toa",
				lvs_toa_name(v->toa == LVS_TOA_UNSET ? LVS_TOA_UNKNOWN : v->toa));
	lvs_map_sources(s->map, &sources);
	sources += v->source;
	object_put_text(o, "source", lvs_source_kind_name(sources->kind));
	object_put_text(o, "source_path", sources->path);
	object_put_number(o, "map_age_s", sources->age / USEC_PER_SEC);
}

static json_t *lvs_list_one_json(const struct lvs_finding *f, const struct lvs_message *s)
{
	json_t *o = finding_json_new(&f->f);

	object_put_text(&o, "prevent", f->prevent);
	object_put_text(&o, "note", f->note);
	if (f->has_pair)
		put_pair(&o, s, &f->pair);
	if (f->has_rates) {
		object_put(&o, "kill_per_day", json_real(f->risk.kill));
		object_put(&o, "stall_per_day", json_real(f->risk.stall));
	}
	return o;
}

json_t *lvs_list_json(const struct lvs_list *l, const struct lvs_message *s)
{
	json_t *list = json_array();
	size_t rank, i;

	for (rank = 0; rank < LVS_RANKS; rank++) {
		for (i = 0; i < l->n[rank]; i++)
			object_append(&list, lvs_list_one_json(&l->rows[rank][i], s));
	}
	return list;
}

json_t *lvs_list_left_out_json(const struct lvs_list *l)
{
	json_t *o = json_object();
	size_t rank;

	for (rank = 0; rank < LVS_RANKS; rank++)
		object_put_number(&o, word_of(rank_words, rank), l->found[rank] - l->n[rank]);
	return o;
}
