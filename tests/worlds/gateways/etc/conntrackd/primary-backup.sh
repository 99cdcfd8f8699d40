#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the shape of the script that comes with conntrackd: whoever becomes backup has the whole table of the
# kernel emptied a minute later.
bin=/usr/sbin/conntrackd
conf=/etc/conntrackd/conntrackd.conf
case "$1" in
primary)
	$bin -C $conf -c || logger "conntrackd -c failed"
	$bin -C $conf -f || logger "conntrackd -f failed"
	$bin -C $conf -R || logger "conntrackd -R failed"
	$bin -C $conf -B || logger "conntrackd -B failed"
	;;
backup)
	$bin -C $conf -t || logger "conntrackd -t failed"
	$bin -C $conf -n || logger "conntrackd -n failed"
	;;
fault)
	$bin -C $conf -t || logger "conntrackd -t failed"
	;;
*)
	logger "unknown state $1"
	exit 1
	;;
esac
