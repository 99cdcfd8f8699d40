/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scene.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "keepalived/instance_settings.h"
#include "lvs/settings.h"
#include "move/probe.h"

static const struct setting_section *const scene_sections[] = {
	&agent_section, &device_section,      &instance_section,
	&lvs_section,	&lvs_service_section, &lvs_fwmark_section,
	NULL,
};

static int at_stage(void *ud, const char *stage)
{
	struct scene *s = ud;
	int n = s->n_stages;

	assert_true(n < STAGES_MAX);
	snprintf(s->stages[n], sizeof(s->stages[n]), "%s", stage);
	s->n_stages++;
	if (s->on_stage)
		s->on_stage(s, stage);
	return n == s->kill_at ? -EINTR : 0;
}

void scene_boot(struct scene *s)
{
	const struct fake *f = s->fake;
	struct probe_result r = {
		.ipv4 = f->probe4,
		.ipv6 = f->probe6,
		.helpers = f->forgets_helpers ? HELPERS_FORGOTTEN : HELPERS_KEPT,
	};

	if (!f->hooks_are_global || s->not_probed)
		return;
	if (r.ipv4 == KERNEL_UNKNOWN || r.ipv6 == KERNEL_UNKNOWN)
		snprintf(r.reason, sizeof(r.reason), "the fake was told to say so");
	(void)probe_result_store(s->settings.run_dir, s->env.boot_id, &r);
}

int scene_setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(s);
	s->fake = fake_new();
	assert_non_null(s->fake);
	snprintf(s->dir, sizeof(s->dir), "%.40s/vipsafe-sim.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(s->dir));
	settings_init(&s->settings, scene_sections);
	snprintf(s->settings.run_dir, sizeof(s->settings.run_dir), "%s", s->dir);
	s->dev = fake_link_add(s->fake, "br-mgmt", "mgmt0");
	s->pods = fake_link_add(s->fake, "br-pod", NULL);
	fake_addr(s->fake, s->dev, HOST4 "/24", "br-mgmt");
	fake_addr(s->fake, s->dev, VIP4 "/32", "br-mgmt:1");
	fake_addr(s->fake, s->dev, HOST6 "/64", NULL);
	fake_addr(s->fake, s->dev, VIP6 "/128", NULL);
	fake_addr(s->fake, s->pods, "10.1.0.1/16", NULL);
	s->fake->flush4 = s->fake->flush6 = FLUSH_DEVICE;
	s->fake->probe4 = s->fake->probe6 = KERNEL_AFFECTED;
	s->env = (struct run_env){ .kernel = s->fake->kernel,
				   .settings = &s->settings,
				   .seed = 0x5eed,
				   .boot_id = "3f1c2f1e-0000-4000-8000-000000000001",
				   .at_stage = at_stage,
				   .at_stage_ud = s };
	s->kill_at = -1;
	/* The cases of the repair; those of the pin say so (test_pin.c). */
	s->req.strategy = STRATEGY_RESTORE;
	s->req.hold = HOLD_OFF;
	scene_boot(s);
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int scene_teardown(void **state)
{
	struct scene *s = *state;

	nftw(s->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	settings_done(&s->settings);
	fake_free(s->fake);
	free(s->before);
	free(s);
	return 0;
}

static struct addr parse(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

struct conn scene_flow(uint8_t proto, const char *src, uint16_t sport, const char *dst,
		       uint16_t dport, const char *as, uint16_t aport)
{
	struct addr from = parse(src), to = parse(dst), seen = parse(as);
	struct tuple orig, out;
	struct conn c;

	memset(&c, 0, sizeof(c));
	memset(&orig, 0, sizeof(orig));
	memcpy(orig.src, from.bytes, 16);
	memcpy(orig.dst, to.bytes, 16);
	if (l4proto_is_icmp(proto)) {
		orig.icmp.id = htons(sport);
		orig.icmp.type = proto == IPPROTO_ICMP ? 8 : 128;
	} else {
		orig.sport = htons(sport);
		orig.dport = htons(dport);
	}
	out = orig;
	memcpy(out.src, seen.bytes, 16);
	out.sport = htons(aport); /* the id, for ICMP */
	c.key = conn_key_make(from.family, proto, &orig, 0, CONN_ZONE_BOTH);
	c.reply = tuple_invert(&out, proto);
	c.status = CONN_CONFIRMED | CONN_SEEN_REPLY | CONN_ASSURED | CONN_SRC_NAT_DONE |
		   CONN_DST_NAT_DONE;
	if (!addr_equal(&from, &seen) || sport != aport)
		c.status |= CONN_SRC_NAT;
	c.tcp_state = proto == IPPROTO_TCP ? CONN_TCP_ESTABLISHED : CONN_TCP_NONE;
	return c;
}

struct conn scene_tcp(uint16_t n)
{
	char src[32];

	snprintf(src, sizeof(src), "10.1.%u.%u", 1 + n / 200, 1 + n % 200);
	return scene_flow(IPPROTO_TCP, src, (uint16_t)(33000 + n), SERVER4, 8899, HOST4,
			  (uint16_t)(1024 + n * 7));
}

struct fake_entry *scene_add(struct scene *s, const struct conn *c)
{
	struct fake_entry *e = fake_entry_add(s->fake, c, NULL, s->dev, 400);

	assert_non_null(e);
	return e;
}

void scene_populate(struct scene *s, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct conn c = scene_tcp(i);

		scene_add(s, &c);
	}
	for (uint16_t i = 0; i < n / 4; i++) {
		uint16_t port = (uint16_t)(20000 + i);
		struct conn local = scene_flow(IPPROTO_TCP, HOST4, port, SERVER4, 443, HOST4, port);
		struct conn six = scene_flow(IPPROTO_UDP, "fd00:1::9", port, SERVER6, 53, HOST6,
					     (uint16_t)(40000 + i));
		struct conn fixed = scene_flow(IPPROTO_TCP, "10.1.9.9", port, SERVER4, 25, HOST4,
					       (uint16_t)(50000 + i));

		scene_add(s, &local);
		scene_add(s, &six);
		scene_add(s, &fixed)->masq = 0;
	}
}

void scene_remember(struct scene *s)
{
	size_t size = s->fake->n_entries * sizeof(*s->before);

	free(s->before);
	s->before = malloc(size ? size : 1);
	assert_non_null(s->before);
	if (size)
		memcpy(s->before, s->fake->entries, size);
	s->n_before = s->fake->n_entries;
}

void scene_run(struct scene *s)
{
	memset(&s->report, 0xa5, sizeof(s->report));
	s->n_stages = 0;
	scene_boot(s);
	run_move(&s->env, &s->req, &s->report);
}

void scene_move(struct scene *s, enum op op, ...)
{
	struct request_error err = { "" };
	struct request given = s->req; /* options a test has set before */
	char *argv[VIPS_MAX + 3];
	int argc = 0, r;
	va_list ap;

	va_start(ap, op);
	for (const char *w; (w = va_arg(ap, const char *)) && argc < VIPS_MAX;)
		argv[argc++] = (char *)w;
	va_end(ap);
	argv[argc++] = "dev";
	argv[argc++] = "br-mgmt";
	request_init(&s->req, op);
	s->req.plan = given.plan;
	s->req.force = given.force;
	s->req.is_instance = given.is_instance;
	s->req.strategy = given.strategy;
	s->req.hold = given.hold;
	s->req.vip_flows = given.vip_flows;
	s->req.replicated = given.replicated;
	s->req.timeout = given.timeout;
	s->req.deadline = given.deadline;
	s->req.move_by = given.move_by;
	s->req.move_at = given.move_at;
	r = request_parse(&s->req, argc, argv, &err);
	if (r < 0)
		fail_msg("request refused: %s", err.text);
	scene_run(s);
}

bool scene_works(const struct scene *s, const struct conn *c)
{
	const struct fake_entry *e = fake_entry_find(s->fake, &c->key);

	return e && e->translates && tuple_equal(&e->conn.reply, &c->reply) &&
	       (e->conn.status & CONN_SRC_NAT) == (c->status & CONN_SRC_NAT);
}

static bool has_vip(const struct conn *c)
{
	struct addr vip = parse(c->key.family == AF_INET ? VIP4 : VIP6);

	return !memcmp(c->key.orig.src, vip.bytes, 16) || !memcmp(c->key.orig.dst, vip.bytes, 16) ||
	       !memcmp(c->reply.dst, vip.bytes, 16);
}

size_t scene_broken(const struct scene *s, bool ignore_vips)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_before; i++)
		if (!(ignore_vips && has_vip(&s->before[i].conn)))
			n += !scene_works(s, &s->before[i].conn);
	return n;
}

void scene_check_report(const struct scene *s)
{
	const struct report *r = &s->report;
	uint64_t reasons = 0;

	for (int i = SKIP_NONE + 1; i < SKIP_REASON_COUNT; i++)
		reasons += r->entries.reasons[i];
	assert_int_equal(r->entries.skipped, reasons);
	assert_int_equal(r->entries.snapshot, r->entries.candidates + r->entries.skipped);
	assert_int_equal(r->entries.flushed,
			 r->entries.restored + r->entries.superseded + r->entries.lost);
	assert_int_equal(r->entries.candidates,
			 r->entries.untouched + r->entries.pinned + r->entries.flushed);
	assert_true(r->entries.mismatch <= r->entries.lost);
	assert_true(r->entries.lost_unselected <= r->entries.lost);
	assert_int_equal(r->n_lost, MIN(r->entries.lost, (uint64_t)REPORT_TUPLES_MAX));
	assert_true(r->strategy != STRATEGY_AUTO);
	if (r->exit_code == EXIT_DONE)
		assert_int_equal(r->entries.lost, r->entries.lost_unselected);
}

void scene_check_restored(const struct scene *s)
{
	const uint32_t kept = CONN_SEEN_REPLY | CONN_ASSURED | CONN_FIXED_TIMEOUT | CONN_SRC_NAT |
			      CONN_DST_NAT | CONN_SEQ_ADJUST | CONN_HELPER | CONN_EXPECTED;

	for (size_t i = 0; i < s->n_before; i++) {
		const struct fake_entry *b = &s->before[i];
		const struct fake_entry *e = fake_entry_find(s->fake, &b->conn.key);
		uint32_t orphan = 0;

		if (!e || !e->created)
			continue;
		/* a master that is gone for good leaves an orphan */
		if (b->conn.has_master && !fake_entry_find(s->fake, &b->master)) {
			orphan = CONN_EXPECTED;
		} else {
			assert_true(e->conn.has_master == b->conn.has_master);
			assert_memory_equal(&e->master, &b->master, sizeof(e->master));
		}
		assert_int_equal(e->conn.status & kept & ~orphan, b->conn.status & kept & ~orphan);
		/* Aged: never younger than it was, and not more than 2 s short. */
		assert_true(e->expires <= b->expires);
		assert_true(b->expires - e->expires <= 2 * USEC_PER_SEC);
	}
}

void scene_expect(const struct scene *s, enum exit_code code, bool changed)
{
	if (s->report.exit_code != code)
		fail_msg("exit code %d instead of %d: %s", (int)s->report.exit_code, (int)code,
			 s->report.error);
	assert_true(s->report.changed == changed);
	scene_check_report(s);
}

bool scene_warned(const struct scene *s, const char *code)
{
	for (size_t i = 0; i < s->report.n_warnings; i++)
		if (!strcmp(s->report.warnings[i].code, code))
			return true;
	return false;
}

size_t scene_leftovers(const struct scene *s, unsigned *ret_modes)
{
	DIR *d = opendir(s->dir);
	unsigned modes = 0;
	size_t n = 0;

	assert_non_null(d);
	for (const struct dirent *e; (e = readdir(d));) {
		struct stat st;

		/* created-*, addresses-*, pins-*: the memory that outlives a run */
		if (e->d_name[0] == '.' || strstr(e->d_name, "lock") ||
		    strstr(e->d_name, "verdict") || strstr(e->d_name, "probe") ||
		    strstr(e->d_name, "created") || strstr(e->d_name, "addresses-") ||
		    strstr(e->d_name, "pins-"))
			continue;
		assert_int_equal(fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
		modes |= st.st_mode & 07777;
		n++;
	}
	closedir(d);
	if (ret_modes)
		*ret_modes = modes;
	return n;
}

enum hold_choice scene_hold(const struct scene *s)
{
	char reason[REPORT_TEXT_MAX];

	return fake_hold_look(s->fake, HOLD_AUTO, reason);
}

enum hold_choice scene_other_hold(const struct scene *s)
{
	return scene_hold(s) == HOLD_NFT ? HOLD_IPTABLES : HOLD_NFT;
}

void scene_unprobed(struct scene *s)
{
	char path[96];

	s->not_probed = true;
	snprintf(path, sizeof(path), "%s/verdict", s->dir);
	(void)remove(path);
}
