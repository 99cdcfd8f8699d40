/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/import_change.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "keepalived/import_parts.h"
#include "keepalived/lint.h"

struct change {
	const struct keepalived_import *what;
	const struct planned *planned;
	FILE *out;
	struct patch *patch; /* NULL: none is wanted */
	size_t edit;	     /* to which proposed lines belong */
	unsigned by_hand;    /* what no patch can do */
};

static void change_put_comment(const struct change *ch, const char *text)
{
	char line[IMPORT_LINE_MAX + 1];

	text_line(line, sizeof(line), "#%s%s", *text ? " " : "", text);
	fprintf(ch->out, "%s\n", line);
}

static void comment(const struct change *ch, const char *fmt, ...) _printf_(2, 3);

static void comment(const struct change *ch, const char *fmt, ...)
{
	char raw[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	change_put_comment(ch, raw);
}

static void propose(const struct change *ch, const char *fmt, ...) _printf_(2, 3);

/* A line to be written into keepalived.conf. */
static void propose(const struct change *ch, const char *fmt, ...)
{
	char raw[KEEPALIVED_PROPOSED_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	change_put_comment(ch, raw);
	if (n < (int)sizeof(raw))
		patch_line(ch->patch, ch->edit, raw);
	else
		patch_refuse(ch->patch, NULL);
}

const char *place_format(const struct keepalived_conf *c, const struct keepalived_directive *d,
			 char buf[PLACE_TEXT_MAX])
{
	if (!strcmp(d->file, keepalived_conf_file(c, 0)))
		snprintf(buf, PLACE_TEXT_MAX, "line %u", d->line);
	else
		snprintf(buf, PLACE_TEXT_MAX, "line %u of %.120s", d->line, d->file);
	return buf;
}

static const char *import_change_place(const struct change *ch,
				       const struct keepalived_directive *d,
				       char buf[PLACE_TEXT_MAX])
{
	return place_format(ch->what->conf, d, buf);
}

/* ---- virtual_ipaddress ---- */

static const struct planned *planned_of(const struct change *ch, const struct vrrp_instance *v)
{
	return &ch->planned[v - ch->what->vrrp->instances];
}

/* Whether address I of V stays in its block (EXCLUDED: in virtual_ipaddress_excluded). */
static bool stays(const struct change *ch, const struct vrrp_instance *v, size_t i, bool excluded)
{
	const struct planned *p = planned_of(ch, v);

	return v->addresses[i].excluded == excluded && !p->addresses[i] && !p->is_decoy[i];
}

static void print_staying(const struct change *ch, const struct vrrp_instance *v, bool excluded)
{
	char line[KEEPALIVED_PROPOSED_MAX];
	unsigned k;
	size_t i;

	for (i = 0; i < v->n_addresses; i++) {
		const struct keepalived_directive *at = v->addresses[i].at;
		size_t len = 0;

		if (!stays(ch, v, i, excluded))
			continue;
		if (at->condition)
			len = (size_t)snprintf(line, sizeof(line), " @%.64s", at->condition);
		for (k = 0; k < at->n_words && len < sizeof(line); k++) {
			const char *word = at->words[k];
			const char *quote = !*word || strpbrk(word, " \t{}#!") ? "\"" : "";

			len += (size_t)snprintf(line + len, sizeof(line) - len, " %s%s%s", quote,
						word, quote);
		}
		propose(ch, "       %s", line);
	}
}

static bool any_stays(const struct change *ch, const struct vrrp_instance *v, bool excluded)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (stays(ch, v, i, excluded))
			return true;
	return false;
}

/* keepalived uses all blocks of one name, not only the first: remove the others, too. */
static void print_more_blocks(const struct change *ch, const struct keepalived_directive *block)
{
	const struct keepalived_directive *d = block;
	char at[PLACE_TEXT_MAX];

	while (d && (d = keepalived_find(d->next, block->words[0]))) {
		comment(ch, "  %s: remove this %s, too", import_change_place(ch, d, at),
			block->words[0]);
		patch_replace(ch->patch, d);
	}
}

static void print_excluded(const struct change *main, const struct vrrp_instance *v)
{
	struct change of_block = *main, *ch = &of_block;
	char at[PLACE_TEXT_MAX];

	ch->edit = patch_replace(ch->patch, v->excluded);
	if (any_stays(ch, v, true)) {
		comment(ch, "  %s: of virtual_ipaddress_excluded keep",
			import_change_place(ch, v->excluded, at));
		patch_line(ch->patch, ch->edit, "    virtual_ipaddress_excluded {");
		print_staying(ch, v, true);
		patch_line(ch->patch, ch->edit, "    }");
	} else {
		comment(ch, "  %s: remove virtual_ipaddress_excluded",
			import_change_place(ch, v->excluded, at));
	}
	print_more_blocks(ch, v->excluded);
}

static void import_change_print_blocks(const struct change *ch, const struct vrrp_instance *v)
{
	const char *decoy = planned_of(ch, v)->decoy;
	char at[PLACE_TEXT_MAX];

	if (v->block)
		comment(ch, "  %s: instead of virtual_ipaddress",
			import_change_place(ch, v->block, at));
	propose(ch, "    virtual_ipaddress {");
	propose(ch, "        %s%s", decoy, strchr(decoy, ':') ? "" : " scope host");
	print_staying(ch, v, false);
	propose(ch, "    }");
	print_more_blocks(ch, v->block);
	if (v->excluded)
		print_excluded(ch, v);
}

/* ---- scripts ---- */

/* Explain which of two lines with the same keyword keepalived uses. */
static void print_twice(const struct change *ch, const struct vrrp_script *s, const char *keyword)
{
	char counts[PLACE_TEXT_MAX], other[PLACE_TEXT_MAX];

	if (!vrrp_script_is_twice(s))
		return;
	import_change_place(ch, s->at, counts);
	import_change_place(ch, s->other, other);
	if (ch->what->vrrp->version.major)
		comment(ch, "  %s: keepalived ignores this %s: that of %s counts", other, keyword,
			counts);
	else
		comment(ch,
			"  %s and %s: since 1.3.6 the first %s counts, before the last; the other"
			" is ignored",
			counts, other, keyword);
}

/* The user whose name our scripts need after them, with a blank: where others' run as somebody
 * else. */
static const char *script_suffix(const struct change *ch)
{
	const struct vrrp_conf *c = ch->what->vrrp;
	const char *user = c->script_user ? c->script_user : ch->what->script_user;

	return keepalived_version_before(&c->version, 1, 3, 0) || !user || !strcmp(user, "root")
		       ? ""
		       : " root";
}

/* Advise to call COMMAND. keepalived calls one script per event: an existing one has to call it. */
static void print_script(struct change *ch, const struct vrrp_script *old, enum vrrp_event e,
			 const char *command, const char *arguments)
{
	const char *keyword = vrrp_event_keyword(e);
	char at[PLACE_TEXT_MAX];

	if (!old->at) {
		propose(ch, "    %s \"%s%s\"%s", keyword, command, arguments, script_suffix(ch));
		return;
	}
	print_twice(ch, old, keyword);
	if (strstr(old->command, command))
		return;
	ch->by_hand++;
	comment(ch, "  %s: let %.80s", import_change_place(ch, old->at, at), old->command);
	comment(ch, "    call %s with its arguments, too", command);
}

static void print_notify(struct change *ch, const struct vrrp_script *scripts)
{
	char command[160];

	snprintf(command, sizeof(command), "%.140s/notify", ch->what->hooks);
	print_script(ch, &scripts[VRRP_NOTIFY], VRRP_NOTIFY, command, "");
}

/* Before 2.0.0 keepalived does not call "notify" on a stop, and no script of a group; only an
 * instance's notify_stop is called. */
static void print_notify_stop(struct change *ch, const struct vrrp_instance *v)
{
	const struct keepalived_version *version = &ch->what->vrrp->version;
	char command[160], arguments[160];

	if (version->major && !keepalived_version_before(version, 2, 0, 0))
		return;
	snprintf(command, sizeof(command), "%.140s/notify_stop", ch->what->hooks);
	snprintf(arguments, sizeof(arguments), " INSTANCE %.128s", v->name);
	print_script(ch, &v->scripts[VRRP_STOP], VRRP_STOP, command, arguments);
}

/* vipsafe drives conntrackd from now on: the scripts must not. */
/* SCRIPTS: one for each event. */
static void print_conntrackd(struct change *ch, const struct vrrp_script *scripts)
{
	char at[PLACE_TEXT_MAX];
	enum vrrp_event e;

	for (e = 0; e < VRRP_EVENTS; e++) {
		if (!keepalived_script_drives_conntrackd(&scripts[e]))
			continue;
		ch->by_hand++;
		comment(ch, "  %s: take every call of conntrackd but -s out of",
			import_change_place(ch, scripts[e].at, at));
		comment(ch, "    %.80s, or remove it: vipsafe calls it now", scripts[e].command);
	}
}

/* ---- the whole ---- */

static void print_instance(struct change *ch, const struct vrrp_instance *v)
{
	char at[PLACE_TEXT_MAX];

	ch->edit = v->block ? patch_replace(ch->patch, v->block) : patch_append(ch->patch, v->at);

	comment(ch, "%s", "");
	comment(ch, "%s: vrrp_instance %.64s", import_change_place(ch, v->at, at), v->name);
	import_change_print_blocks(ch, v);
	print_notify(ch, v->scripts);
	print_notify_stop(ch, v);
	print_conntrackd(ch, v->scripts);
}

static const char *fifo_keyword(const struct change *ch)
{
	const struct vrrp_conf *c = ch->what->vrrp;

	if (keepalived_version_before(&c->version, 1, 3, 6))
		return NULL;
	if (c->vrrp_fifo && !strcmp(c->vrrp_fifo->words[1], ch->what->fifo))
		return NULL;
	if (c->fifo && !strcmp(c->fifo->words[1], ch->what->fifo))
		return NULL;
	return !c->vrrp_fifo ? "vrrp_notify_fifo" : !c->fifo ? "notify_fifo" : "";
}

/* What is missing for scripts. Those that are there already go on as whom they have run as. */
static void print_script_user(struct change *ch)
{
	const struct vrrp_conf *c = ch->what->vrrp;
	bool others = c->n_others || vrrp_conf_has_script(c);

	if (keepalived_version_before(&c->version, 1, 3, 0))
		return;
	if (!c->script_user)
		propose(ch, "    script_user %s",
			others && ch->what->script_user ? ch->what->script_user : "root");
	if (!c->script_security)
		propose(ch, "    enable_script_security");
	if (!c->script_security && others)
		comment(ch, "  keepalived then disables scripts that run as root and that somebody"
			    " else may change");
}

static void print_global(struct change *ch)
{
	const struct keepalived_directive *defs =
		keepalived_find(keepalived_conf_first(ch->what->conf), "global_defs");
	const struct vrrp_conf *c = ch->what->vrrp;
	bool scripts = (!c->script_user || !c->script_security) &&
		       !keepalived_version_before(&c->version, 1, 3, 0);
	const char *fifo = fifo_keyword(ch);
	bool add_fifo = fifo && *fifo;
	/* Where 2.2 reads of a FIFO it takes keepalived_script if no user is given yet. */
	const struct keepalived_directive *user = c->script_user_at;
	char at[PLACE_TEXT_MAX];

	if (!scripts && !fifo)
		return;
	comment(ch, "%s", "");
	if (user)
		comment(ch, "global_defs, after %s", import_change_place(ch, user, at));
	else
		comment(ch, "global_defs");
	if (scripts || add_fifo)
		ch->edit = user	  ? patch_after(ch->patch, user)
			   : defs ? patch_prepend(ch->patch, defs)
				  : patch_top(ch->patch);
	if (!defs)
		patch_line(ch->patch, ch->edit, "global_defs {");
	/* before the FIFO: otherwise 2.2 loses the scripts on a reload */
	print_script_user(ch);
	if (add_fifo)
		propose(ch, "    %s %s", fifo, ch->what->fifo);
	else if (fifo)
		comment(ch, "  both FIFOs already have another reader: vipsafe uses the notify "
			    "scripts instead");
	if (!defs)
		patch_line(ch->patch, ch->edit, "}");
}

static bool is_taken(const struct change *ch, const struct vrrp_instance *v)
{
	return planned_of(ch, v)->is_taken;
}

static void print_group(struct change *ch, const struct vrrp_group *g)
{
	const struct vrrp_conf *c = ch->what->vrrp;
	char at[PLACE_TEXT_MAX];
	size_t i;

	for (i = 0; i < c->n_instances; i++)
		if (c->instances[i].group == g && is_taken(ch, &c->instances[i]))
			break;
	if (i == c->n_instances)
		return;
	comment(ch, "%s", "");
	comment(ch, "%s: vrrp_sync_group %.64s", import_change_place(ch, g->at, at), g->name);
	if (vrrp_group_is_removed(c, g)) {
		comment(ch, "  keepalived removes a group of one, with its scripts: its instance"
			    " is told instead");
	} else {
		if (!g->scripts[VRRP_NOTIFY].at)
			ch->edit = patch_append(ch->patch, g->at);
		print_notify(ch, g->scripts);
	}
	print_conntrackd(ch, g->scripts);
}

static bool needs_device(const struct change *ch)
{
	const struct vrrp_conf *c = ch->what->vrrp;
	size_t i;

	for (i = 0; i < c->n_instances; i++)
		if (ch->planned[i].is_taken && strstr(ch->planned[i].decoy, " " DECOY_DEVICE))
			return true;
	return false;
}

static void print_head(const struct change *ch)
{
	comment(ch, "What to change in keepalived.conf, the same on every node, before keepalived");
	comment(ch, "is reloaded with vipsafed running:");
	if (!needs_device(ch))
		return;
	comment(ch, "%s", "");
	comment(ch, "vipsafed makes the device " DECOY_DEVICE ": start or reload it before");
	comment(ch, "keepalived reads its file. Without vipsafed: ip link add " DECOY_DEVICE
		    " type dummy");
	comment(ch, "&& ip link set " DECOY_DEVICE " up, and then restart keepalived, as before"
		    " 1.3.6");
	comment(ch, "it does not say MASTER again after a reload.");
}

unsigned change_print(const struct keepalived_import *what, const struct planned *planned,
		      struct patch *patch, FILE *out)
{
	struct change ch = { .what = what, .planned = planned, .out = out, .patch = patch };
	const struct vrrp_conf *c = what->vrrp;
	size_t i;

	for (i = 0; i < c->n_instances && !planned[i].is_taken; i++)
		;
	if (i == c->n_instances)
		return 0;
	fputc('\n', out);
	print_head(&ch);
	print_global(&ch);
	for (i = 0; i < c->n_groups; i++)
		print_group(&ch, &c->groups[i]);
	for (i = 0; i < c->n_instances; i++)
		if (planned[i].is_taken)
			print_instance(&ch, &c->instances[i]);
	return ch.by_hand;
}
