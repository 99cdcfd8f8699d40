/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keepalived.conf, as its reader takes it apart; and what import makes of it is
 * a configuration that is accepted. */
#include "lib/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keepalived/instance_settings.h"
#include "lib/file.h"
#include "show/config.h"
#include "keepalived/conf.h"
#include "keepalived/import.h"

/* Returns how many directives there are; *RET_DOUBT: whether one is doubtful. */
static size_t list_holds(const struct keepalived_directive *d, unsigned depth, bool *ret_doubt)
{
	size_t n = 0;

	for (; d; d = d->next, n++) {
		bool doubt = false;

		CLAIM(depth <= KEEPALIVED_DEPTH_MAX);
		CLAIM(d->line >= 1 && d->file);
		CLAIM(d->n_words || d->is_block);
		CLAIM(d->n_words <= KEEPALIVED_WORDS_MAX);
		for (unsigned i = 0; i < d->n_words; i++)
			CLAIM(strlen(keepalived_word(d, i)) <= KEEPALIVED_LINE_MAX);
		CLAIM(!d->first || d->is_block);
		CLAIM(!d->condition || d->doubtful);
		n += list_holds(d->first, depth + 1, &doubt);
		/* nobody finds a doubt in a block that does not show it */
		CLAIM(!doubt || d->doubtful);
		*ret_doubt |= d->doubtful;
	}
	return n;
}

static void notes_hold(const struct keepalived_conf *c)
{
	unsigned unresolved = keepalived_conf_unresolved(c, KEEPALIVED_UNRESOLVED);
	const struct keepalived_note *notes;
	size_t n;

	notes = keepalived_conf_notes(c, &n);
	CLAIM(n == (unresolved < KEEPALIVED_NOTES_MAX ? unresolved : KEEPALIVED_NOTES_MAX));
	for (size_t i = 0; i < n; i++) {
		CLAIM(notes[i].unresolved < KEEPALIVED_UNRESOLVED);
		CLAIM(memchr(notes[i].text, '\0', sizeof(notes[i].text)));
		CLAIM(notes[i].text[0]);
		for (const char *p = notes[i].text; *p; p++)
			CLAIM(*p >= ' ' && *p <= '~');
	}
}

/* Each section has an address, and each decoy is that of one instance. */
static void sections_hold(const struct settings *s)
{
	for (size_t i = 0; i < s->n_instances; i++) {
		const struct instance_settings *a = &s->instances[i];

		CLAIM(a->n_addresses);
		CLAIM(a->has_decoy == (a->owner == OWNER_VIPSAFE));
		for (size_t k = 0; a->has_decoy && k < i; k++)
			CLAIM(!addr_equal(&a->decoy.vip.prefix.addr,
					  &s->instances[k].decoy.vip.prefix.addr));
	}
}

static void import_holds(const struct keepalived_conf *c, enum instance_owner owner,
			 const struct keepalived_version *version)
{
	struct keepalived_import what = { .conf = c, .owner = owner, .fifo = "/f", .hooks = "/h" };
	struct request_error e = { "" };
	struct vrrp_conf vrrp;
	struct settings s;
	unsigned left;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	CLAIM(out && vrrp_conf_read(c, version, &vrrp) == 0);
	what.vrrp = &vrrp;
	CLAIM(keepalived_import(&what, out, &left) == 0);
	CLAIM(fclose(out) == 0);
	vrrp_conf_done(&vrrp);
	for (const char *p = text; *p; p++)
		CLAIM(*p == '\n' || ((unsigned char)*p >= ' ' && *p != 0x7f));
	file_load((const uint8_t *)text, size);
	/* a file of more than that is refused whatever is in it */
	if (size <= 256 * 1024) {
		if (config_load(FILE_DIR "/" FILE_NAME, &s, &e) < 0) {
			fprintf(stderr, "%s\n%s", e.text, text);
			CLAIM(!"accepted");
		}
		sections_hold(&s);
		settings_done(&s);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct keepalived_version versions[] = { { 0 }, { 1, 3, 5 }, { 2, 2, 7 } };
	struct keepalived_conf *c = NULL;
	bool doubt = false;

	CLAIM(keepalived_conf_parse("fuzz", (const char *)data, size, &c) == 0);
	list_holds(keepalived_conf_first(c), 0, &doubt);
	CLAIM(!doubt || keepalived_conf_unresolved(c, KEEPALIVED_UNRESOLVED));
	notes_hold(c);
	import_holds(c, size % 2 ? OWNER_KEEPALIVED : OWNER_VIPSAFE, &versions[size % 3]);
	keepalived_conf_free(c);
	return 0;
}
