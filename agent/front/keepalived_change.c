/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/keepalived_change.h"

#include <stdarg.h>
#include <string.h>

#include "core/text.h"

#define LINE_BYTES_MAX 189

static void comment(FILE *out, const char *fmt, ...) _printf_(2, 3);

static void comment(FILE *out, const char *fmt, ...)
{
	char raw[LINE_BYTES_MAX + 1], line[LINE_BYTES_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	text_line(line, sizeof(line), "#%s%s", *raw ? " " : "", raw);
	fprintf(out, "%s\n", line);
}

/* How many instances before V have its virtual_router_id. */
static unsigned namesakes(const struct vrrp_conf *c, const struct vrrp_instance *v)
{
	const struct vrrp_instance *w;
	unsigned n = 0;

	for (w = c->instances; w < v; w++)
		n += w->id == v->id;
	return n;
}

const char *change_decoy(const struct vrrp_conf *c, const struct vrrp_instance *v,
			 char buf[DECOY_TEXT_MAX])
{
	const struct vrrp_address *a = vrrp_instance_decoy(v);
	char prefix[PREFIX_TEXT_MAX];
	unsigned net = 77 + namesakes(c, v) % 128;

	if (a)
		snprintf(buf, DECOY_TEXT_MAX, "%s dev lo", prefix_format(&a->prefix, prefix));
	else if (v->ipv6)
		snprintf(buf, DECOY_TEXT_MAX, "fe80::%u:%u/128 dev lo", net, v->id);
	else
		snprintf(buf, DECOY_TEXT_MAX, "169.254.%u.%u/32 dev lo", net, v->id);
	return buf;
}

/* The lines of a block that only keepalived can carry. Returns how many. */
static unsigned print_staying(const struct vrrp_instance *v, bool excluded, FILE *out)
{
	char line[LINE_BYTES_MAX + 1];
	unsigned n = 0, k;
	size_t i;

	for (i = 0; i < v->n_addresses; i++) {
		const struct vrrp_address *a = &v->addresses[i];
		size_t len = 0;

		if (a->excluded != excluded || !vrrp_address_stays(a))
			continue;
		for (k = 0; k < a->at->n_words && len < sizeof(line); k++)
			len += (size_t)snprintf(line + len, sizeof(line) - len, " %s",
						a->at->words[k]);
		comment(out, "       %s", line);
		n++;
	}
	return n;
}

static bool any_stays(const struct vrrp_instance *v, bool excluded)
{
	size_t i;

	for (i = 0; i < v->n_addresses; i++)
		if (v->addresses[i].excluded == excluded && vrrp_address_stays(&v->addresses[i]))
			return true;
	return false;
}

static void print_blocks(const struct vrrp_conf *c, const struct vrrp_instance *v, FILE *out)
{
	char decoy[DECOY_TEXT_MAX];

	if (v->block)
		comment(out, "  line %u: instead of virtual_ipaddress", v->block->line);
	comment(out, "    virtual_ipaddress {");
	comment(out, "        %s%s", change_decoy(c, v, decoy), v->ipv6 ? "" : " scope host");
	print_staying(v, false, out);
	comment(out, "    }");
	if (!v->excluded)
		return;
	if (!any_stays(v, true)) {
		comment(out, "  line %u: remove virtual_ipaddress_excluded", v->excluded->line);
		return;
	}
	comment(out, "  line %u: of virtual_ipaddress_excluded keep", v->excluded->line);
	print_staying(v, true, out);
}

/* keepalived calls one script per event. */
static void print_script(const struct vrrp_script *old, const char *keyword, const char *command,
			 const char *arguments, FILE *out)
{
	if (!old->at) {
		comment(out, "    %s \"%s%s\"", keyword, command, arguments);
		return;
	}
	if (strstr(old->command, command))
		return;
	comment(out, "  line %u: let %.80s", old->at->line, old->command);
	comment(out, "    call %s with its arguments, too", command);
}

static void print_scripts(const struct keepalived_import *what, const char *type, const char *name,
			  const struct vrrp_script scripts[VRRP_EVENTS], FILE *out)
{
	char command[160], arguments[160];

	snprintf(command, sizeof(command), "%.140s/notify", what->hooks);
	print_script(&scripts[VRRP_NOTIFY], "notify", command, "", out);
	/* there the generic script is not told of a stop, and nobody of a reload */
	if (what->version.major && !keepalived_version_before(&what->version, 2, 0, 0))
		return;
	snprintf(command, sizeof(command), "%.140s/notify_stop", what->hooks);
	snprintf(arguments, sizeof(arguments), " %s %.128s", type, name);
	print_script(&scripts[VRRP_STOP], "notify_stop", command, arguments, out);
}

static void print_instance(const struct keepalived_import *what, const struct vrrp_instance *v,
			   FILE *out)
{
	comment(out, "%s", "");
	comment(out, "line %u: vrrp_instance %.64s", v->at->line, v->name);
	if (v->own_device) {
		comment(out, "  stays as it is");
		return;
	}
	if (!vrrp_instance_decoy(v) || v->n_addresses > 1)
		print_blocks(what->vrrp, v, out);
	print_scripts(what, "INSTANCE", v->name, v->scripts, out);
}

static void print_global(const struct keepalived_import *what, FILE *out)
{
	const struct vrrp_conf *c = what->vrrp;
	const char *keyword = "vrrp_notify_fifo";

	if (keepalived_version_before(&what->version, 1, 3, 6))
		return;
	if (c->vrrp_fifo && !strcmp(c->vrrp_fifo->words[1], what->fifo))
		return;
	if (c->fifo && !strcmp(c->fifo->words[1], what->fifo))
		return;
	if (c->vrrp_fifo)
		keyword = c->fifo ? NULL : "notify_fifo";
	comment(out, "%s", "");
	comment(out, "global_defs");
	if (keyword)
		comment(out, "    %s %s", keyword, what->fifo);
	else
		comment(out, "  both FIFOs have another reader: vipsafe makes do with the scripts");
}

void change_print(const struct keepalived_import *what, FILE *out)
{
	const struct vrrp_conf *c = what->vrrp;
	size_t i;

	fputc('\n', out);
	comment(out,
		"What to change in keepalived.conf, the same on every node, before keepalived");
	comment(out, "is reloaded with vipsafed running:");
	print_global(what, out);
	for (i = 0; i < c->n_groups; i++) {
		comment(out, "%s", "");
		comment(out, "line %u: vrrp_sync_group %.64s", c->groups[i].at->line,
			c->groups[i].name);
		print_scripts(what, "GROUP", c->groups[i].name, c->groups[i].scripts, out);
	}
	for (i = 0; i < c->n_instances; i++)
		print_instance(what, &c->instances[i], out);
}
