/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vipsafe import: make sections of vipsafe.conf from a keepalived.conf. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int cli_import_take_words(const struct cli *cli, struct choice *c, int argc, char *argv[],
				 struct request_error *e)
{
	int i, r = 0;

	if (cli->options.output && cli->options.patch)
		return request_error_set(e, "contradictory options: \"--output\" is for vipsafe's"
					    " file, and what \"--patch\" prints is for patch(1)");

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

struct imported {
	char *text;
	size_t size;
	unsigned left;
};

static void imported_done(struct imported *i)
{
	free(i->text);
}

/* Nothing is printed before all of it is there. 0 or -ENOMEM. */
static int cli_import_read(const struct cli *cli, const struct choice *c,
			   const struct keepalived_conf *conf, struct imported *ret)
{
	FILE *out = open_memstream(&ret->text, &ret->size);
	int r = out ? cli_import_print(cli, c, conf, out, &ret->left) : -ENOMEM;

	if (out && fclose(out) && r >= 0)
		r = -ENOMEM;
	return r;
}

/* Make the file that was asked for. Sections are what it is for: without any there is none. */
static int cli_import_write(const struct options *o, const struct imported *i)
{
	int r;

	if (!strstr(i->text, "\n[")) {
		cli_complain(stderr, "warning: there is nothing to import, %s is not made",
			     o->output);
		return EXIT_DONE;
	}
	r = os_create(o->output, i->text, i->size, 0644);
	if (r == -EEXIST)
		return cli_fail(o, EXIT_UNSAFE, "%s is there, with another content: it stays",
				o->output);
	if (r == -EACCES || r == -EPERM || r == -EROFS)
		return cli_fail(o, EXIT_NOT_PERMITTED, "%s: %s", o->output, strerror(-r));
	return r < 0 ? cli_fail(o, EXIT_USAGE, "%s: %s", o->output, strerror(-r)) : EXIT_DONE;
}

/* In one write, so that a kill leaves no part of it to whoever reads a pipe: half of a diff can be
 * one that patch(1) takes. */
static int cli_import_put(const struct imported *i)
{
	int r = fflush(stdout) ? -errno : os_write_all(STDOUT_FILENO, i->text, i->size);

	if (r < 0 && r != -EPIPE)
		cli_complain(stderr, "cannot write the result: %s", strerror(-r));
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}

static int cli_import_show(const struct options *o, const struct imported *i)
{
	json_t *object;
	int code = o->output ? cli_import_write(o, i) : EXIT_DONE;

	if (code != EXIT_DONE || (o->output && !o->json))
		return code;
	if (!o->json)
		return cli_import_put(i);
	object = json_object();
	object_put(&object, "settings", json_string(i->text));
	object_put_number(&object, "left", i->left);
	object_put_number(&object, "exit_code", i->left ? EXIT_WARNINGS : EXIT_DONE);
	render_json(object, stdout, stderr);
	return EXIT_DONE;
}

int command_import(struct cli *cli, int argc, char *argv[])
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	_cleanup_(imported_done) struct imported imported = { NULL };
	struct choice c = { .owner = OWNER_VIPSAFE };
	struct request_error e;
	int r;

	if (cli_import_take_words(cli, &c, argc, argv, &e) < 0)
		return command_usage(&cli->options, &e);
	r = keepalived_open(c.file, &conf, &e);
	if (r < 0)
		return cli_fail(&cli->options, EXIT_CONFIG, "%s", e.text);
	if (!c.version_given)
		keepalived_ask_version(&c.version);
	r = cli_import_read(cli, &c, conf, &imported);
	if (r < 0)
		return cli_fail(&cli->options, EXIT_CONFIG, "%s", strerror(-r));
	r = cli_import_show(&cli->options, &imported);
	if (r != EXIT_DONE || !imported.left)
		return r;
	fprintf(stderr, "vipsafe: warning: %u lines begin with \"#!\": look at them\n",
		imported.left);
	return EXIT_WARNINGS;
}
