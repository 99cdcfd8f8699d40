/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/os.h"
#include "move/journal_file.h"
#include "move/stage.h"

#define MAGIC "vipsafe journal 2"
#define MOVE_PREFIX "move-"

/* Written at a time. */
#define WRITE_SIZE (256U << 10)

void journal_done(struct journal *j)
{
	j->set = connset_free(j->set);
}

const char *journal_file_name(const char *prefix, const char *device, char buf[JOURNAL_NAME_MAX])
{
	snprintf(buf, JOURNAL_NAME_MAX, "%s%s", prefix, device);
	return buf;
}

const char *journal_file_device(const char *prefix, const char *name)
{
	size_t n = strlen(prefix);

	return strncmp(name, prefix, n) || strchr(name, '~') ? NULL : name + n;
}

const char *journal_name(const char *device, char buf[JOURNAL_NAME_MAX])
{
	return journal_file_name(MOVE_PREFIX, device, buf);
}

const char *journal_device(const char *name)
{
	return journal_file_device(MOVE_PREFIX, name);
}

bool journal_is_half(const char *name)
{
	return name[0] != '.' && strchr(name, '-') && name[strlen(name) - 1] == '~';
}

struct journal_header journal_header_make(const char *boot_id, const struct request *request,
					  usec_t snapshot_at)
{
	struct journal_header h;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, MAGIC, sizeof(MAGIC));
	h.request_size = sizeof(struct request);
	h.entry_size = sizeof(struct journal_entry);
	snprintf(h.boot_id, sizeof(h.boot_id), "%s", boot_id);
	h.snapshot_at = snapshot_at;
	h.request = *request;
	return h;
}

/* Note PROGRESS in the file FD. 0 or a negative errno. */
static int journal_mark(int fd, enum journal_progress progress)
{
	const uint64_t moved = progress;

	return journal_written(
		pwrite(fd, &moved, sizeof(moved), offsetof(struct journal_header, moved)),
		sizeof(moved));
}

/* What is written of a set. */
struct kept {
	const struct connset *set; /* NULL: nothing */
	bool (*keep)(const void *ud, size_t i);
	const void *ud;
	bool bare; /* without masters and payloads */
};

static int write_entry(FILE *f, const struct kept *k, size_t i)
{
	int64_t master = k->bare ? -ENOENT : connset_master(k->set, i);
	const void *payload = NULL;
	struct journal_entry e;
	size_t len = 0;

	memset(&e, 0, sizeof(e));
	e.conn = *connset_get(k->set, i);
	/* A master outside the set cannot be restored with it either. */
	e.conn.has_master = master >= 0;
	if (master >= 0)
		e.master = connset_get(k->set, (size_t)master)->key;
	if (!k->bare)
		payload = connset_payload(k->set, i, &len);
	e.payload_len = (uint32_t)len;
	if (fwrite(&e, sizeof(e), 1, f) != 1 || (len && fwrite(payload, len, 1, f) != 1))
		return journal_error();
	return 0;
}

static int write_all(FILE *f, struct journal_header *h, const struct kept *k)
{
	size_t i, n = k->set ? connset_count(k->set) : 0;
	int r = 0;

	for (i = 0; i < n; i++)
		h->n_entries += k->keep(k->ud, i);
	if (fwrite(h, sizeof(*h), 1, f) != 1)
		r = journal_error();
	for (i = 0; i < n && r == 0; i++)
		if (k->keep(k->ud, i))
			r = write_entry(f, k, i);
	return r;
}

/* H without its entries. */
static int journal_write_kept(int dirfd, const char *name, struct journal_header *h,
			      const struct kept *k)
{
	_cleanup_free_ char *buffer = malloc(WRITE_SIZE);
	char aside[JOURNAL_NAME_MAX + 2];
	FILE *f;
	int fd, r;

	if (!h->request.n_vips)
		h->moved = PROGRESS_MOVED; /* else it would not be read: there is nothing to move */
	snprintf(aside, sizeof(aside), "%s~", name);
	fd = os_open_aside(dirfd, aside, 0600);
	if (fd < 0)
		return fd;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	if (buffer)
		(void)setvbuf(f, buffer, _IOFBF, WRITE_SIZE);
	r = write_all(f, h, k);
	if (fclose(f) != 0 && r == 0)
		r = journal_error();
	return os_replace(dirfd, aside, name, r);
}

int journal_write(int dirfd, const char *name, const char *boot_id, const struct request *request,
		  usec_t snapshot_at, const struct connset *set,
		  bool (*keep)(const void *ud, size_t i), const void *ud)
{
	const struct kept k = { .set = set, .keep = keep, .ud = ud };
	struct journal_header h = journal_header_make(boot_id, request, snapshot_at);

	return journal_write_kept(dirfd, name, &h, &k);
}

int journal_write_bare(int dirfd, const char *name, const char *boot_id,
		       const struct request *request, usec_t snapshot_at, const struct connset *set,
		       bool (*keep)(const void *ud, size_t i), const void *ud)
{
	const struct kept k = { .set = set, .keep = keep, .ud = ud, .bare = true };
	struct journal_header h = journal_header_make(boot_id, request, snapshot_at);

	return journal_write_kept(dirfd, name, &h, &k);
}

/* Whether the byte is 0 or 1: to read any other as a bool is undefined behaviour. */
static bool is_bool(const bool *b)
{
	uint8_t byte;

	memcpy(&byte, b, sizeof(byte));
	return byte <= 1;
}

static bool vip_is_sane(const struct vip *v)
{
	return addr_size(v->prefix.addr.family) &&
	       v->prefix.len <= addr_size(v->prefix.addr.family) * 8 &&
	       memchr(v->label, '\0', sizeof(v->label)) && v->broadcast_mode <= BROADCAST_GIVEN &&
	       (v->broadcast_mode != BROADCAST_GIVEN || v->broadcast.family == AF_INET) &&
	       is_bool(&v->noprefixroute) && is_bool(&v->dad) && is_bool(&v->has_preferred_lft) &&
	       is_bool(&v->extra.home) && is_bool(&v->extra.autojoin) &&
	       (!v->extra.peer.family || v->extra.peer.family == v->prefix.addr.family);
}

int journal_mark_moved(int dirfd, const char *name)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : journal_mark(fd, PROGRESS_MOVED);
}

/* What request_parse() guarantees and the pipeline relies on. */
static bool request_is_sane(const struct request *q)
{
	struct request_error ignored;
	size_t i;

	if (q->op > OP_DEL || q->selection.n > SELECTION_MAX || q->strategy > STRATEGY_NONE ||
	    q->hold > HOLD_OFF || q->vip_flows > VIP_FLOWS_RESET || !is_bool(&q->plan) ||
	    !is_bool(&q->force) || !is_bool(&q->is_instance) || !is_bool(&q->replicated) ||
	    !is_bool(&q->uncommitted) || !is_bool(&q->by.is_known) ||
	    !memchr(q->by.command, '\0', sizeof(q->by.command)) ||
	    !memchr(q->by.instance, '\0', sizeof(q->by.instance)) ||
	    !memchr(q->by.source, '\0', sizeof(q->by.source)) || q->n_vips > VIPS_MAX ||
	    !memchr(q->device, '\0', sizeof(q->device)) ||
	    device_name_check(q->device, &ignored) < 0)
		return false;
	for (i = 0; i < q->n_vips; i++)
		if (!vip_is_sane(&q->vips[i]))
			return false;
	return true;
}

/* Of a file without addresses: it must be a repair. */
static bool journal_header_is_ours(const struct journal_header *h, const char *boot_id)
{
	return !memcmp(h->magic, MAGIC, sizeof(MAGIC)) &&
	       h->request_size == sizeof(struct request) &&
	       h->entry_size == sizeof(struct journal_entry) &&
	       !strncmp(h->boot_id, boot_id, sizeof(h->boot_id)) && h->moved <= PROGRESS_IDLE &&
	       request_is_sane(&h->request) && (h->request.n_vips || h->moved == PROGRESS_MOVED);
}

static bool entry_is_sane(const struct journal_entry *e)
{
	return (e->conn.key.family == AF_INET || e->conn.key.family == AF_INET6) &&
	       e->conn.key.zone_dir <= CONN_ZONE_REPLY && is_bool(&e->conn.has_master) &&
	       is_bool(&e->conn.has_helper) && e->payload_len <= UINT16_MAX;
}

static int read_entries(FILE *f, uint64_t n, struct connset *set)
{
	_cleanup_free_ uint8_t *payload = malloc(UINT16_MAX);
	struct journal_entry e;
	int r = payload ? 0 : -ENOMEM;

	for (; n && r == 0; n--) {
		struct conn_record record = { .conn = &e.conn, .payload = payload };

		if (fread(&e, sizeof(e), 1, f) != 1 || !entry_is_sane(&e) ||
		    (e.payload_len && fread(payload, e.payload_len, 1, f) != 1))
			return -EBADMSG;
		record.payload_len = e.payload_len;
		record.master = e.conn.has_master ? &e.master : NULL;
		/* a repair may have met an entry twice: it was the later one that went */
		r = connset_put(set, &record);
	}
	return r;
}

static int open_ours(int dirfd, const char *name, FILE **ret)
{
	_cleanup_close_ int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;
	FILE *f;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_mode & 022 || (st.st_uid != geteuid() && st.st_uid != 0))
		return -EPERM;
	f = fdopen(fd, "r");
	if (!f)
		return -ENOMEM;
	(void)TAKE_FD(fd);
	*ret = f;
	return 0;
}

int journal_read(int dirfd, const char *name, const char *boot_id, uint64_t seed,
		 struct journal *ret)
{
	struct journal j = { 0 };
	struct journal_header h;
	FILE *f = NULL;
	int r = open_ours(dirfd, name, &f);

	if (r < 0)
		return r;
	if (fread(&h, sizeof(h), 1, f) != 1 || !journal_header_is_ours(&h, boot_id)) {
		r = -EBADMSG;
	} else if (h.moved == PROGRESS_IDLE) {
		r = -ENOENT;
	} else {
		j.request = h.request;
		j.request.move_by = j.request.move_at = 0; /* that time is over */
		j.snapshot_at = h.snapshot_at;
		j.moved = h.moved != 0;
		j.set = connset_new(seed, 0);
		r = j.set ? read_entries(f, h.n_entries, j.set) : -ENOMEM;
	}
	fclose(f);
	if (r < 0) {
		journal_done(&j);
		return r;
	}
	*ret = j;
	return 0;
}

/* Whether the file NAME tells of a delete of P, not older than SINCE. */
static bool names_delete(int dirfd, const char *name, const char *boot_id, const struct prefix *p,
			 usec_t since, struct request *ret)
{
	struct journal_header h;
	FILE *f = NULL;
	size_t v;
	bool names;

	if (open_ours(dirfd, name, &f) < 0 || !f)
		return false;
	names = fread(&h, sizeof(h), 1, f) == 1 && journal_header_is_ours(&h, boot_id) &&
		h.moved != PROGRESS_IDLE && h.snapshot_at >= since && h.request.op == OP_DEL;
	fclose(f);
	for (v = 0; names && v < h.request.n_vips; v++)
		if (prefix_equal(&h.request.vips[v].prefix, p)) {
			*ret = h.request;
			return true;
		}
	return false;
}

bool journal_finds_delete(int dirfd, const char *device, const char *boot_id,
			  const struct prefix *p, usec_t since, struct request *ret)
{
	char name[JOURNAL_NAME_MAX];

	return names_delete(dirfd, journal_name(device, name), boot_id, p, since, ret) ||
	       names_delete(dirfd, journal_slot_name(device, name), boot_id, p, since, ret);
}

int journal_set_aside(int dirfd, const char *name)
{
	char aside[JOURNAL_NAME_MAX + 16];

	snprintf(aside, sizeof(aside), "unreadable-%s", name);
	return renameat(dirfd, name, dirfd, aside) < 0 ? -errno : 0;
}

/* Slots: files that stay, for moves that have no entry to save. */

#define SLOT_PREFIX "slot-"

const char *journal_slot_name(const char *device, char buf[JOURNAL_NAME_MAX])
{
	return journal_file_name(SLOT_PREFIX, device, buf);
}

const char *journal_slot_device(const char *name)
{
	return journal_file_device(SLOT_PREFIX, name);
}

static bool journal_is_usable(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	       !(st.st_mode & 022) && st.st_uid == geteuid();
}

/* Opens it anew if the file was removed (by a recovery, say) or its directory. */
int journal_slot_open(int dirfd, const char *device, int *fd)
{
	char name[JOURNAL_NAME_MAX];

	if (*fd >= 0 && journal_is_usable(*fd))
		return 0;
	closep(fd);
	journal_slot_name(device, name);
	*fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (*fd < 0)
		return -errno;
	if (!journal_is_usable(*fd)) {
		close(TAKE_FD(*fd));
		return -EPERM;
	}
	return 0;
}

/* Two writes, since a kill can cut the first at the end of a page: the file is in force
 * only with the second. */
static int journal_slot_put(int fd, const char *boot_id, const struct request *request, usec_t at)
{
	struct journal_header h = journal_header_make(boot_id, request, at);
	int r;

	h.moved = PROGRESS_IDLE;
	r = journal_written(pwrite(fd, &h, sizeof(h), 0), sizeof(h));
	return r < 0 ? r : journal_mark(fd, PROGRESS_BEGUN);
}

int journal_slot_mark_moved(int fd)
{
	return journal_mark(fd, PROGRESS_MOVED);
}

static int journal_slot_clear(int fd)
{
	return journal_mark(fd, PROGRESS_IDLE);
}

/* Write the journal of the run before the address changes. If the run is killed, whoever
 * finds the file finishes it. */

static bool keep_candidate(const void *ud, size_t i)
{
	const struct entry *e = &((const struct run *)ud)->entries[i];

	/* what is spared is not put back, but counted if it is lost */
	return e->skip == SKIP_NONE || entry_is_spared(e);
}

int journal_begin(struct run *run)
{
	char name[JOURNAL_NAME_MAX];
	int fd, r = journal_write(run->run_dir, journal_name(run->link.name, name),
				  run->env->boot_id, run->req, run->snapshot_at, NULL, NULL, NULL);

	if (r < 0)
		return r;
	run->saved = true;
	fd = openat(run->run_dir, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

void journal_save(struct run *run)
{
	char name[JOURNAL_NAME_MAX];
	int r;

	if (run->run_dir < 0)
		return;
	/* the age of the file, also without a snapshot */
	if (!run->snapshot_at)
		run->snapshot_at = run_now(run);
	if (!run->source.ops->is_exposed(run) && run->source.ops->slot(run, &run->slot) == 0 &&
	    journal_slot_put(run->slot, run->env->boot_id, run->req, run->snapshot_at) == 0)
		return;
	run->slot = -1;
	r = journal_write(run->run_dir, journal_name(run->link.name, name), run->env->boot_id,
			  run->req, run->snapshot_at, run->set, keep_candidate, run);
	if (r < 0)
		report_warn(run->report, "not-saved", "",
			    "the snapshot could not be written to %s (%s): if this run is killed, "
			    "nothing can finish it",
			    run->env->settings->run_dir, strerror(-r));
	run->saved = run->saved || r == 0;
}

/* Remove the journal: the run is over and leaves nothing to finish. */

void journal_forget(struct run *run)
{
	char name[JOURNAL_NAME_MAX];

	if (run->slot >= 0)
		(void)journal_slot_clear(run->slot);
	run->slot = -1;
	if (run->saved)
		(void)unlinkat(run->run_dir, journal_name(run->link.name, name), 0);
	run->saved = false;
}
