# SPDX-License-Identifier: GPL-2.0-or-later
# What `make install` installs beside the programs, and the packages.

# ---- lists ---------------------------------------------------------------------
# what keepalived calls; it checks that every part of the path belongs to root
HOOKS = hooks/notify hooks/notify_master hooks/notify_backup hooks/notify_fault \
	hooks/notify_stop hooks/notify_deleted
MANUALS = packaging/man/vipsafe-coexist.7 packaging/man/vipsafe-keepalived.7 \
	packaging/man/vipsafe-lvs.7 packaging/man/vipsafe-pacemaker.7 \
	packaging/man/vipsafe.8 packaging/man/vipsafe.conf.5 \
	packaging/man/vipsafed.8
BASH_COMPLETION = packaging/completion/bash/vipsafe packaging/completion/bash/vipsafed
ZSH_COMPLETION = packaging/completion/zsh/_vipsafe packaging/completion/zsh/_vipsafed
# examples to copy from, for /usr/share/doc
EXAMPLES = hooks/keepalived-1.2.conf hooks/keepalived-keepalived-owns.conf \
	hooks/keepalived-vipsafe-owns.conf hooks/keepalived-owns.conf \
	hooks/keepalived-decoy-device.conf hooks/vipsafe-owns.conf hooks/vipsafe-owns-1.2.conf \
	hooks/keepalived-pair-1.conf hooks/keepalived-pair-2.conf hooks/conntrackd-pair-1.conf \
	hooks/conntrackd-pair-2.conf hooks/vipsafe-pair.conf

hooksdir = $(pkglibexecdir)
dist_hooks_SCRIPTS = $(HOOKS)
dist_man_MANS = $(MANUALS)
# Pacemaker looks there, wherever it is itself
ocfdir = $(prefix)/lib/ocf/resource.d/vipsafe
dist_ocf_SCRIPTS = packaging/ocf/VIP
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = $(BASH_COMPLETION)
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = $(ZSH_COMPLETION)
examplesdir = $(docdir)/examples
dist_examples_DATA = $(EXAMPLES)
dist_doc_DATA = README.md NEWS
# for other programs: never compressed
dist_pkgdata_DATA = packaging/json/report.schema.json
grafanadir = $(pkgdatadir)/grafana
dist_grafana_DATA = packaging/grafana/vipsafe.json
prometheusdir = $(pkgdatadir)/prometheus
dist_prometheus_DATA = packaging/prometheus/vipsafe.rules.yml

# ---- the node ------------------------------------------------------------------
UNITS = packaging/systemd/vipsafed.service packaging/systemd/vipsafed.socket \
	packaging/systemd/vipsafe-probe.service
SYSV = packaging/sysv/vipsafed packaging/openrc/vipsafed
if WITH_SYSTEMD
systemdsystemunit_DATA = $(UNITS)
else
noinst_DATA = $(UNITS)
endif
noinst_SCRIPTS = $(SYSV)
tmpfilesdir = $(prefix)/lib/tmpfiles.d
sysusersdir = $(prefix)/lib/sysusers.d
configdir = $(sysconfdir)/vipsafe
dist_config_DATA = packaging/conf/vipsafe.conf

# Only paths differ from the .in files.
SUBSTITUTE = sed -e 's,@sbindir[@],$(sbindir),g' -e 's,@VERSION[@],$(VERSION),g'
$(UNITS) $(SYSV): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SUBSTITUTE) $< >$@.new && mv $@.new $@
CLEANFILES += $(UNITS) $(SYSV)
EXTRA_DIST += $(addsuffix .in,$(UNITS) $(SYSV)) \
	packaging/systemd/vipsafe.tmpfiles packaging/systemd/vipsafe.sysusers \
	packaging/apparmor/usr.sbin.vipsafed packaging/selinux/vipsafe.cil

install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(tmpfilesdir)' '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(configdir)/conf.d'
	$(INSTALL_DATA) '$(srcdir)/packaging/systemd/vipsafe.tmpfiles' '$(DESTDIR)$(tmpfilesdir)/vipsafe.conf'
	$(INSTALL_DATA) '$(srcdir)/packaging/systemd/vipsafe.sysusers' '$(DESTDIR)$(sysusersdir)/vipsafe.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(tmpfilesdir)/vipsafe.conf' '$(DESTDIR)$(sysusersdir)/vipsafe.conf'
	rmdir '$(DESTDIR)$(configdir)/conf.d' '$(DESTDIR)$(configdir)' 2>/dev/null || true

# ---- the tarball -----------------------------------------------------------------
# The same commit gives the same bytes: one time for every file, one order.
# From a tarball that time is the one its files have.
release_time = $$(git -C '$(srcdir)' log -1 --format=%ct 2>/dev/null || \
	stat -c %Y '$(srcdir)/NEWS')
am__tar = find "$$tardir" | LC_ALL=C sort | tar --format=ustar --owner=0 --group=0 \
	--numeric-owner --no-recursion --files-from=- -chf -
dist-hook:
	find '$(distdir)' -exec touch -h -d "@$${SOURCE_DATE_EPOCH:-$(release_time)}" {} +

# See RELEASING.
.PHONY: release
release: distcheck #: the tarball and its sum, see RELEASING
	@case "$$(head -n 1 '$(srcdir)/NEWS')" in \
	'vipsafe $(VERSION) (not'* | '') echo 'NEWS says that $(VERSION) is not released' >&2; exit 1 ;; \
	'vipsafe $(VERSION) '*) ;; \
	*) echo 'NEWS does not begin with $(VERSION)' >&2; exit 1 ;; \
	esac
	sha256sum $(distdir).tar.gz >$(distdir).sha256
	@cat $(distdir).sha256
EXTRA_DIST += RELEASING
CLEANFILES += $(distdir).sha256

# ---- packages --------------------------------------------------------------------
# deb and rpm leave them in deb/ and rpm/ of the build directory.
PACKAGES_TESTS = tests/packages/boot.sh tests/packages/rpm.sh tests/packages/readme.sh \
	tests/packages/managers.sh tests/packages/upgrade.sh tests/packages/upgrade-rpm.sh tests/packages/deb.sh \
	tests/packages/image.sh tests/packages/units.sh
EXTRA_DIST += $(PACKAGES_TESTS) tests/packages/oss-fuzz.sh tests/packages/boot tests/packages/readme tests/packages/lib
.PHONY: deb rpm check-packages
deb: dist-gzip #: a Debian package in deb/
	$(SHELL) '$(srcdir)/packaging/deb/build' $(distdir).tar.gz deb
rpm: dist-gzip #: an RPM package in rpm/
	$(SHELL) '$(srcdir)/packaging/rpm/build' $(distdir).tar.gz rpm
check-packages: #: packages, installed and upgraded (root, qemu)
	rm -f packages/*.done
	$(MAKE) check TESTS='$(PACKAGES_TESTS)'
clean-local:
	rm -rf coverage deb rpm packages walk

EXTRA_DIST += packaging/deb/build packaging/deb/compat packaging/deb/control \
	packaging/deb/copyright packaging/deb/rules packaging/deb/source/format \
	packaging/deb/source/lintian-overrides packaging/deb/vipsafe.lintian-overrides \
	packaging/deb/vipsafe.postinst packaging/deb/vipsafe.postrm packaging/deb/vipsafe.prerm
PACKAGES_TESTS += tests/packages/installed.sh
EXTRA_DIST += packaging/deb/tests/control packaging/deb/tests/readme packaging/rpm/tests/main.fmf \
	packaging/.fmf/version
# folders, which make would otherwise make from the cases of their names once these are newer
tests/packages/boot tests/packages/readme: ;
EXTRA_DIST += packaging/rpm/build packaging/rpm/vipsafe.spec.in packaging/rpm/vipsafe.rpmlintrc
EXTRA_DIST += packaging/kubernetes/Containerfile packaging/kubernetes/root \
	packaging/kubernetes/base/daemonset.yaml packaging/kubernetes/base/kustomization.yaml \
	packaging/kubernetes/base/vipsafe.conf packaging/kubernetes/keepalived/keepalived.conf \
	packaging/kubernetes/keepalived/keepalived.yaml packaging/kubernetes/keepalived/kustomization.yaml \
	packaging/kubernetes/keepalived/vipsafe.conf
