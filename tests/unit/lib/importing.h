/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Import of a text, with what it makes read back as the configuration that it
 * is to be. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "show/config.h"
#include "keepalived/import.h"

struct made {
	char *text;
	size_t size;
	unsigned left;
	struct settings settings; /* as read back */
};

static inline void read_back(struct made *m)
{
	char path[] = "/tmp/vipsafe-import.XXXXXX";
	struct request_error e = { "" };
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, m->text, m->size), m->size);
	close(fd);
	r = config_load(path, &m->settings, &e);
	unlink(path);
	if (r < 0)
		fail_msg("%s\n%s", e.text, m->text);
}

/* A section without an address would never do anything, and two instances with
 * one decoy would be taken for MASTER together. */
static inline void assert_sections(const struct made *m)
{
	for (size_t i = 0; i < m->settings.n_instances; i++) {
		const struct instance_settings *a = &m->settings.instances[i];

		if (!a->n_addresses)
			fail_msg("[instance %s] has no address\n%s", a->name, m->text);
		if (a->has_decoy != (a->owner == OWNER_VIPSAFE))
			fail_msg("[instance %s]: decoy\n%s", a->name, m->text);
		for (size_t k = 0; a->has_decoy && k < i; k++) {
			const struct instance_settings *b = &m->settings.instances[k];

			if (addr_equal(&a->decoy.vip.prefix.addr, &b->decoy.vip.prefix.addr))
				fail_msg("%s has the decoy of %s\n%s", a->name, b->name, m->text);
		}
	}
}

/* What is made of CONF, which is freed. */
static inline struct made import_conf(struct keepalived_conf *conf, enum instance_owner owner,
				      const char *version)
{
	struct keepalived_import what = { .owner = owner, .fifo = "/f", .hooks = "/hooks" };
	struct keepalived_version v = { 0 };
	struct made m = { 0 };
	struct vrrp_conf vrrp;
	FILE *out = open_memstream(&m.text, &m.size);

	assert_non_null(out);
	if (version)
		assert_int_equal(keepalived_version_parse(version, &v), 0);
	assert_int_equal(vrrp_conf_read(conf, &v, &vrrp), 0);
	what.conf = conf;
	what.vrrp = &vrrp;
	assert_int_equal(keepalived_import(&what, out, &m.left), 0);
	fclose(out);
	vrrp_conf_done(&vrrp);
	keepalived_conf_free(conf);
	read_back(&m);
	assert_sections(&m);
	return m;
}

static inline struct made import(const char *text, enum instance_owner owner, const char *version)
{
	struct keepalived_conf *conf = NULL;

	assert_int_equal(keepalived_conf_parse("k.conf", text, strlen(text), &conf), 0);
	return import_conf(conf, owner, version);
}

static inline void made_done(struct made *m)
{
	settings_done(&m->settings);
	free(m->text);
}

static inline void assert_says(const struct made *m, const char *line)
{
	if (!strstr(m->text, line))
		fail_msg("no \"%s\" in\n%s", line, m->text);
}

static inline void assert_silent(const struct made *m, const char *text)
{
	if (strstr(m->text, text))
		fail_msg("\"%s\" in\n%s", text, m->text);
}

struct import_case {
	const char *text, *says;
	unsigned left;
};

static inline void assert_case(const struct import_case *c, enum instance_owner owner,
			       const char *version)
{
	struct made m = import(c->text, owner, version);

	assert_says(&m, c->says);
	if (m.left != c->left)
		fail_msg("%u left out, not %u:\n%s", m.left, c->left, m.text);
	made_done(&m);
}
