/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lint of a text, in a directory with scripts and unit files. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keepalived/lint.h"
#include "show/settings_text.h"
#include "place.h"

#define UNITS "lib/systemd/system"
#define DROP_INS "etc/systemd/system/keepalived.service.d"

/* "section\nkey = value\n…" */
static inline void set(struct settings *s, const char *text)
{
	char section[64] = "", line[160], *equals;
	struct request_error e;

	while (*text) {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		text += n + (text[n] != '\0');
		equals = strstr(line, " = ");
		if (!equals) {
			snprintf(section, sizeof(section), "%.63s", line);
			assert_int_equal(settings_section(s, section, &e), 0);
			continue;
		}
		*equals = '\0';
		if (settings_apply(s, section, line, equals + 3, &e) < 0)
			fail_msg("%s", e.text);
	}
	assert_int_equal(settings_finish(s, &e), 0);
}

/* The devices of the node: e and f, a macvlan and a dummy. */
static inline int has_arp(const char *device)
{
	if (!strcmp(device, "dummy0"))
		return 0;
	return strlen(device) <= 2 || !strcmp(device, "vip0") ? 1 : -ENODEV;
}

/* In TEXT %s stands for the place. */
static inline struct findings lint(const struct place *p, const char *version, const char *config,
				   const char *text)
{
	char full[2048], hooks[128];
	struct keepalived_lint l = {
		.trusted_owner = getuid(), .root = p->dir, .hooks = hooks, .has_arp = has_arp
	};
	struct keepalived_version v = { 0 };
	struct keepalived_conf *conf = NULL;
	struct findings f = { 0 };
	struct settings s;
	struct vrrp_conf vrrp;
	size_t n = 0;

	for (; *text && n < sizeof(full) - 100; text++) {
		if (*text != '%')
			full[n++] = *text;
		else
			n += (size_t)snprintf(full + n, sizeof(full) - n, "%s", p->dir);
	}
	full[n] = '\0';
	snprintf(hooks, sizeof(hooks), "%s/hooks", p->dir);
	settings_init(&s, sections_all);
	set(&s, config);
	assert_int_equal(keepalived_conf_parse("k", full, n, &conf), 0);
	if (*version)
		assert_int_equal(keepalived_version_parse(version, &v), 0);
	assert_int_equal(vrrp_conf_read(conf, &v, &vrrp), 0);
	l.conf = conf;
	l.vrrp = &vrrp;
	l.settings = &s;
	keepalived_lint(&l, &f);
	vrrp_conf_done(&vrrp);
	keepalived_conf_free(conf);
	settings_done(&s);
	return f;
}

static inline const struct finding *find(const struct findings *f, const char *code)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->list[i].code, code))
			return &f->list[i];
	return NULL;
}

#define OWN "instance V\ndevice = e\naddress = 10.0.0.1/32\n"
#define DECOY OWN "decoy = 169.254.77.5/32 dev lo\n"
#define V "vrrp_instance V {\n interface e\n virtual_router_id 5\n"
#define DECOY_LINE " virtual_ipaddress {\n 169.254.77.5/32 dev lo\n }\n"
#define FIFO "\nglobal_defs {\n vrrp_notify_fifo /run/vipsafe/keepalived.fifo\n }\n"

#define GROUP_OF_ONE "vrrp_sync_group G {\n group {\n V\n }\n"
#define GROUP_OF_TWO "vrrp_instance W { interface e }\nvrrp_sync_group G {\n group {\n V\n W\n }\n"

struct lint_case {
	const char *code, *version, *config, *text;
	enum severity severity;
	const char *fix;
};

static inline void put_scripts(const struct place *p)
{
	char path[128];

	put_file(p, "script", 0755, "#!/bin/sh\n");
	put_file(p, "other", 0644, "#!/bin/sh\n");
	put_file(p, "hooks/notify", 0755, "#!/bin/sh\n");
	put_file(p, "open/script", 0755, "#!/bin/sh\n");
	snprintf(path, sizeof(path), "%s/open", p->dir);
	assert_int_equal(chmod(path, 0777), 0);
}

static inline void assert_found(const struct place *p, const struct lint_case *list, size_t n)
{
	for (const struct lint_case *c = list; c < list + n; c++) {
		struct findings f = lint(p, c->version, c->config, c->text);
		const struct finding *one = find(&f, c->code);

		if (!one)
			fail_msg("no %s (%s) in\n%s", c->code, c->version, c->text);
		if (one->severity != c->severity ||
		    !strstr(*one->fix ? one->fix : one->advice, c->fix))
			fail_msg("%s: %s: %s (%s%s)", c->code, severity_name(one->severity),
				 one->text, one->fix, one->advice);
		findings_done(&f);
	}
}

static inline void assert_not_found(const struct place *p, const struct lint_case *list, size_t n)
{
	for (const struct lint_case *c = list; c < list + n; c++) {
		struct findings f = lint(p, c->version, c->config, c->text);
		const struct finding *one = find(&f, c->code);

		if (one)
			fail_msg("%s (%s): %s in\n%s", c->code, c->version, one->text, c->text);
		findings_done(&f);
	}
}
