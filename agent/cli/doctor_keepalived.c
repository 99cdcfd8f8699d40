/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor_keepalived.h"

#include <errno.h>
#include <string.h>

#include "cli/keepalived.h"
#include "base/option.h"
#include "keepalived/lint.h"

static void doctor_keepalived_look_at(const struct cli *cli, const struct keepalived_conf *conf,
				      const struct keepalived_version *version,
				      struct findings *ret)
{
	struct vrrp_conf vrrp;
	const struct keepalived_lint what = {
		.conf = conf,
		.vrrp = &vrrp,
		.settings = &cli->settings,
		.hooks = HOOKSDIR,
		.root = "",
	};

	if (vrrp_conf_read(conf, version, &vrrp) < 0) {
		findings_add(ret, SEVERITY_UNSEEN, "keepalived-unseen", NULL, "out of memory");
		return;
	}
	keepalived_lint(&what, ret);
	vrrp_conf_done(&vrrp);
}

int doctor_keepalived(const struct cli *cli, const char *file, const char *version,
		      struct findings *ret, struct request_error *ret_error)
{
	_cleanup_(keepalived_conf_freep) struct keepalived_conf *conf = NULL;
	struct keepalived_version v = { 0 };

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
	doctor_keepalived_look_at(cli, conf, &v, ret);
	return 0;
}
