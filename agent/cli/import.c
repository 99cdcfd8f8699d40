/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe import: make sections of vipsafe.conf from a keepalived.conf. */
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/keepalived.h"
#include "cli/render.h"
#include "base/option.h"
#include "keepalived/import.h"
#include "show/report_json.h"

struct choice {
	const char *file;
	enum instance_owner owner;
	struct keepalived_version version;
	bool owner_given, version_given;
};

static int take_owner(struct choice *c, const char *word, struct request_error *e)
{
	if (c->owner_given)
		return request_error_set(e, "\"owner\" is given twice");
	if (strcmp(word, "vipsafe") && strcmp(word, "keepalived"))
		return request_error_set(e, "owner " QUOTED " is neither vipsafe nor keepalived",
					 word);
	c->owner = strcmp(word, "vipsafe") ? OWNER_KEEPALIVED : OWNER_VIPSAFE;
	c->owner_given = true;
	return 0;
}

static int cli_import_take_version(struct choice *c, const char *word, struct request_error *e)
{
	if (c->version_given)
		return request_error_set(e, "\"version\" is given twice");
	if (keepalived_version_parse(word, &c->version) < 0)
		return request_error_set(e,
					 "version " QUOTED " is no version of keepalived such as"
					 " 1.3.5",
					 word);
	c->version_given = true;
	return 0;
}

static int cli_import_take_words(struct choice *c, int argc, char *argv[], struct request_error *e)
{
	int i, r = 0;

	if (!argc)
		return request_error_set(e, "give the file: vipsafe import keepalived.conf");
	c->file = argv[0];
	for (i = 1; i < argc && r >= 0; i += 2) {
		bool owner = !strcmp(argv[i], "owner");

		if (!owner && strcmp(argv[i], "version"))
			return request_error_set(e, "unknown word " QUOTED, argv[i]);
		if (i + 1 == argc)
			return request_error_set(e, "\"%s\" needs a value", argv[i]);
		r = owner ? take_owner(c, argv[i + 1], e)
			  : cli_import_take_version(c, argv[i + 1], e);
	}
	return r;
}

/* keepalived's own default, if there is such a user (keepalived.conf(5), script_user). */
#define SCRIPT_USER "keepalived_script"

static int cli_import_print(const struct cli *cli, const struct choice *c,
			    const struct keepalived_conf *conf, FILE *out, unsigned *ret_left)
{
	struct keepalived_import what = {
		.conf = conf,
		.owner = c->owner,
		.settings = &cli->settings,
		.fifo = cli->settings.fifo,
		.hooks = HOOKSDIR,
		.script_user = getpwnam(SCRIPT_USER) ? SCRIPT_USER : NULL,
		.patch = cli->options.patch,
	};
	struct vrrp_conf vrrp;
	int r;

	r = vrrp_conf_read(conf, &c->version, &vrrp);
	if (r < 0)
		return r;
	if (!vrrp.n_instances)
		fprintf(stderr, "vipsafe: warning: there is no vrrp_instance\n");
	what.vrrp = &vrrp;
	r = keepalived_import(&what, out, ret_left);
	vrrp_conf_done(&vrrp);
	return r;
}

/* Print it as text or JSON. 0 or -ENOMEM. */
static int cli_import_show(const struct cli *cli, const struct choice *c,
			   const struct keepalived_conf *conf, unsigned *ret_left)
{
	json_t *o;
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	int r;

	if (!cli->options.json)
		return cli_import_print(cli, c, conf, stdout, ret_left);
	o = json_object();
	out = open_memstream(&text, &size);
	r = out ? cli_import_print(cli, c, conf, out, ret_left) : -ENOMEM;
	if (out && fclose(out) && r >= 0)
		r = -ENOMEM;
	if (r >= 0) {
		object_put(&o, "settings", json_string(text));
		object_put_number(&o, "left", *ret_left);
		object_put_number(&o, "exit_code", *ret_left ? EXIT_WARNINGS : EXIT_DONE);
		render_json(json_incref(o), stdout, stderr);
	}
	json_decref(o);
	free(text);
	return r;
}

int command_import(struct cli *cli, int argc, char *argv[])
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct choice c = { .owner = OWNER_VIPSAFE };
	struct request_error e;
	unsigned left = 0;
	int r;

	if (cli_import_take_words(&c, argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	r = keepalived_open(c.file, &conf, &e);
	if (r < 0)
		return cli_fail(&cli->options, EXIT_CONFIG, "%s", e.text);
	if (!c.version_given)
		keepalived_ask_version(&c.version);
	r = cli_import_show(cli, &c, conf, &left);
	if (r < 0)
		return cli_fail(&cli->options, EXIT_CONFIG, "%s", strerror(-r));
	if (left)
		fprintf(stderr, "vipsafe: warning: %u lines begin with \"#!\": look at them\n",
			left);
	return left ? EXIT_WARNINGS : EXIT_DONE;
}
