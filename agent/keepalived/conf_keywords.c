/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/conf_keywords.h"

#include <stddef.h>
#include <string.h>

static const char *const root_keywords[] = {
	"SSL",
	"bfd_instance",
	"child_wait_time",
	"garp_group",
	"global_defs",
	"include",
	"instance",
	"interface_up_down_delays",
	"linkbeat_interfaces",
	"linkbeat_use_polling",
	"namespace_with_ipsets",
	"net_namespace",
	"net_namespace_ipvs",
	"static_ipaddress",
	"static_routes",
	"static_rules",
	"track_file",
	"track_group",
	"use_pid_dir",
	"virtual_server",
	"virtual_server_group",
	"vrrp_instance",
	"vrrp_script",
	"vrrp_sync_group",
	"vrrp_track_file",
	"vrrp_track_process",
	NULL,
};

static const char *const instance_keywords[] = {
	"accept",
	"advert_int",
	"auth_hmac",
	"authentication",
	"check_unicast_src",
	"debug",
	"dont_track_primary",
	"down_timer_adverts",
	"garp_extra_if",
	"garp_lower_prio_delay",
	"garp_lower_prio_repeat",
	"garp_master_delay",
	"garp_master_refresh",
	"garp_master_refresh_repeat",
	"garp_master_repeat",
	"higher_prio_send_advert",
	"interface",
	"kernel_rx_buf_size",
	"linkbeat_use_polling",
	"lower_prio_no_advert",
	"lvs_sync_daemon_interface",
	"mcast_dst_ip",
	"mcast_src_ip",
	"native_ipv6",
	"no_accept",
	"no_virtual_ipaddress",
	"nopreempt",
	"notify",
	"notify_backup",
	"notify_deleted",
	"notify_fault",
	"notify_master",
	"notify_master_rx_lower_pri",
	"notify_priority_changes",
	"notify_stop",
	"old_unicast_checksum",
	"owner_ignore_adverts",
	"preempt",
	"preempt_delay",
	"priority",
	"promote_secondaries",
	"skip_check_adv_addr",
	"smtp_alert",
	"state",
	"strict_mode",
	"thread_timer_expired",
	"timer_expired_backup",
	"track_bfd",
	"track_file",
	"track_interface",
	"track_process",
	"track_script",
	"track_src_ip",
	"unicast_fault_no_peer",
	"unicast_peer",
	"unicast_src_ip",
	"unicast_ttl",
	"use_ipvlan",
	"use_vmac",
	"use_vmac_addr",
	"v3_checksum_as_v2",
	"version",
	"virtual_ipaddress",
	"virtual_ipaddress_excluded",
	"virtual_router_id",
	"virtual_routes",
	"virtual_rules",
	"vmac_garp_intvl",
	"vmac_xmit_base",
	"vrf",
	NULL,
};

static bool keywords_is_one_of(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

bool keepalived_is_root_keyword(const char *word)
{
	return keywords_is_one_of(root_keywords, word);
}

bool keepalived_is_instance_keyword(const char *word)
{
	return keywords_is_one_of(instance_keywords, word);
}

bool keepalived_is_conf(const struct keepalived_conf *c)
{
	const struct keepalived_directive *d = keepalived_conf_first(c);

	if (!d)
		return keepalived_conf_file(c, 1) ||
		       keepalived_conf_unresolved(c, KEEPALIVED_INCLUDE);
	for (; d; d = d->next)
		if (d->n_words && keepalived_is_root_keyword(d->words[0]))
			return true;
	return false;
}
