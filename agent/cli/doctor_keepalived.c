/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/option.h"
#include "cli/commands.h"
#include "cli/keepalived.h"
#include "cli/localnet.h"
#include "cli/process.h"
#include "keepalived/lint.h"

#define KEEPALIVED_CONF "/etc/keepalived/keepalived.conf"

static void keepalived_judge(const struct cli *cli, const struct keepalived_conf *conf,
			     const struct vrrp_conf *vrrp, struct findings *ret)
{
	const struct keepalived_lint what = {
		.conf = conf,
		.vrrp = vrrp,
		.settings = &cli->settings,
		.hooks = HOOKSDIR,
		.root = "",
		.has_arp = localnet_has_arp,
	};

	keepalived_lint(&what, ret);
}

int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct keepalived_version v = { 0 };
	struct vrrp_conf vrrp;

	if (version && keepalived_version_parse(version, &v) < 0)
		return request_error_set(ret_error,
					 "version " QUOTED " is no version of keepalived such as"
					 " 1.3.5",
					 version);
	if (keepalived_open(file, &conf, ret_error) < 0)
		return -EIO;
	if (!version && keepalived_ask_version(&v) < 0)
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-version", "version 1.3.5, say",
			     "the version of the keepalived installed here is not known: checks "
			     "that depend on it assume every version");
	if (vrrp_conf_read(conf, &v, &vrrp) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-unseen", NULL, "out of memory");
		return 0;
	}
	keepalived_judge(cli, conf, &vrrp, ret);
	vrrp_conf_done(&vrrp);
	return 0;
}

/* ---- of the node ----------------------------------------------------------------------------- */

/* Its addresses move: where they are, connections are flushed. */
static void keepalived_count_exposed(const struct kernel *k, const struct vrrp_conf *vrrp,
				     struct facts *f)
{
	size_t i, j;

	for (i = 0; i < vrrp->n_instances; i++) {
		const struct vrrp_instance *v = &vrrp->instances[i];

		for (j = 0; j < v->n_addresses; j++) {
			const struct vrrp_address *a = &v->addresses[j];
			const char *device = a->device ? a->device : v->interface;

			if (v->own_device == VRRP_DEVICE_SHARED && device &&
			    strcmp(device, "lo") != 0 && !doctor_is_isolated(k, device))
				f->exposed++;
		}
	}
}

void doctor_take_keepalived(const struct cli *cli, const struct kernel *k, struct facts *f,
			    struct findings *ret)
{
	const struct process_option option = { "keepalived", 'f', "use-file" };
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct keepalived_version v = { 0 };
	char file[PATH_MAX];
	struct request_error e;
	const struct keepalived_directive *at;
	struct vrrp_conf vrrp;
	size_t i;
	bool runs = process_find(&option, file) == 0;

	if (!*file)
		snprintf(file, sizeof(file), KEEPALIVED_CONF);
	if (!runs && access(file, F_OK) < 0)
		return;
	if (keepalived_open(file, &conf, &e) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-unseen",
			     "sudo vipsafe doctor --keepalived FILE, with the file that it reads",
			     "keepalived's configuration was not looked at: %s", e.text);
		return;
	}
	(void)keepalived_ask_version(&v); /* 0: every version is assumed */
	if (vrrp_conf_read(conf, &v, &vrrp) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-unseen", "sudo vipsafe doctor",
			     "out of memory");
		return;
	}
	keepalived_count_exposed(k, &vrrp, f);
	for (i = 0; i < vrrp.n_instances; i++)
		f->conntrackd_driven |= keepalived_drives_conntrackd(&vrrp.instances[i], &at);
	keepalived_judge(cli, conf, &vrrp, ret);
	vrrp_conf_done(&vrrp);
}
