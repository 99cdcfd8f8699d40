/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "base/os.h"
#include "base/rundir.h"
#include "move/journal.h"

#define MAGIC "vipsafe marks 1"
#define PINS "pins-"
#define ADDRESSES "addresses-"
#define AWAY "away-"
#define BOOT_ID_MAX 40

/* Upper bound of the addresses of a device. */
#define ADDRESSES_MAX 65536

/* Values are written as they are in memory; the size catches another build. */
struct header {
	char magic[16];
	char boot_id[BOOT_ID_MAX];
	uint64_t netns;
	uint64_t salt; /* of marks */
	uint32_t size; /* of what follows, each */
	uint32_t pad;
};

void markset_done(struct markset *s)
{
	free(s->at);
	*s = (struct markset){ 0 };
}

/* Marks are greater than these values, which say what is in a slot. */
#define SLOT_FREE 0
#define SLOT_LEFT 1 /* its mark was removed */
#define MARK_MIN 2

/* The slot that holds MARK, or the free one where it belongs. There is one. */
static size_t marks_slot_of(const struct markset *s, uint64_t mark)
{
	size_t i = (size_t)mark & (s->n_slots - 1);

	while (s->at[i] != SLOT_FREE && s->at[i] != mark)
		i = (i + 1) & (s->n_slots - 1);
	return i;
}

int markset_fill(struct markset *s, const uint64_t *at, size_t n)
{
	size_t i, slots = 64;

	markset_done(s);
	while (slots < 2 * n)
		slots *= 2;
	s->at = n ? calloc(slots, sizeof(*s->at)) : NULL;
	if (!s->at)
		return n ? -ENOMEM : 0;
	s->n_slots = slots;
	for (i = 0; i < n; i++) {
		size_t slot = at[i] < MARK_MIN ? 0 : marks_slot_of(s, at[i]);

		if (at[i] < MARK_MIN || s->at[slot] != SLOT_FREE)
			continue; /* never written, or twice */
		s->at[slot] = at[i];
		s->n++;
	}
	return 0;
}

int64_t markset_find(const struct markset *s, uint64_t mark)
{
	size_t slot = s->n ? marks_slot_of(s, mark) : 0;

	return s->n && s->at[slot] != SLOT_FREE ? (int64_t)slot : -ENOENT;
}

bool markset_has(const struct markset *s, uint64_t mark)
{
	return markset_find(s, mark) >= 0;
}

void markset_keep(struct markset *s, const uint8_t *keep)
{
	size_t i;

	for (i = 0; i < s->n_slots; i++)
		if (s->at[i] >= MARK_MIN && !keep[i]) {
			s->at[i] = SLOT_LEFT;
			s->n--;
		}
	if (!s->n)
		markset_done(s);
}

static uint64_t stir(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ULL;
	return h ^ h >> 32;
}

uint64_t marks_of(const struct marks *m, const struct conn_key *key, uint32_t id,
		  const struct addr *as)
{
	uint64_t words[(sizeof(*key) + 7) / 8] = { 0 }, h = m->salt | 1;
	uint64_t to[(sizeof(as->bytes) + 7) / 8] = { 0 };
	size_t i;

	memcpy(words, key, sizeof(*key));
	memcpy(to, as->bytes, addr_size(as->family));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		h = stir(h, words[i] + m->salt);
	for (i = 0; i < ARRAY_SIZE(to); i++)
		h = stir(h, to[i] + m->salt);
	h = stir(stir(h, id), m->salt);
	return MAX(h, (uint64_t)MARK_MIN);
}

/* The network namespace, by its inode number: no two have the same at a time. */
static uint64_t own_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

static struct header marks_header_make(const char *boot_id, uint64_t salt, uint32_t size)
{
	struct header h;

	memset(&h, 0, sizeof(h));
	memcpy(h.magic, MAGIC, sizeof(MAGIC));
	snprintf(h.boot_id, sizeof(h.boot_id), "%s", boot_id);
	h.netns = own_netns();
	h.salt = salt;
	h.size = size;
	return h;
}

static bool marks_header_is_ours(const struct header *h, const char *boot_id, uint32_t size)
{
	struct header want = marks_header_make(boot_id, h->salt, size);

	return !memcmp(h, &want, sizeof(want));
}

static const char *marks_name_of(const char *prefix, const char *device, const char *end,
				 char buf[JOURNAL_NAME_MAX])
{
	snprintf(buf, JOURNAL_NAME_MAX, "%s%s%s", prefix, device, end);
	return buf;
}

const char *marks_device(const char *name)
{
	bool ours = !strncmp(name, ADDRESSES, strlen(ADDRESSES)) && !strchr(name, '~');

	return ours ? name + strlen(ADDRESSES) : NULL;
}

static bool marks_is_usable(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_nlink == 1 &&
	       !(st->st_mode & 022) && st->st_uid == geteuid();
}

static int marks_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int marks_open(int dirfd, const char *device, const char *boot_id, struct marks *ret)
{
	_cleanup_close_ int fd = -1;
	char name[JOURNAL_NAME_MAX];
	struct header h;
	struct stat st;
	int r;

	fd = openat(dirfd, marks_name_of(PINS, device, "", name),
		    O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!marks_is_usable(fd, &st))
		return -EPERM;
	r = marks_lock(fd);
	/* only now is its end not written to */
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    !marks_header_is_ours(&h, boot_id, sizeof(uint64_t)))
		return -EBADMSG;
	ret->n = (uint64_t)(st.st_size - (off_t)sizeof(h)) / sizeof(uint64_t);
	if (ftruncate(fd, (off_t)(sizeof(h) + ret->n * sizeof(uint64_t))) < 0)
		return -errno;
	ret->salt = h.salt;
	ret->fd = TAKE_FD(fd);
	return 0;
}

int marks_look(int dirfd, const char *device, const char *boot_id, struct marks *ret,
	       struct markset *ret_set)
{
	_cleanup_close_ int fd = -1;
	char name[JOURNAL_NAME_MAX];
	struct marks m = { 0 };
	struct header h;
	struct stat st;

	fd = openat(dirfd, marks_name_of(PINS, device, "", name),
		    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (!marks_is_usable(fd, &st))
		return -EPERM;
	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    !marks_header_is_ours(&h, boot_id, sizeof(uint64_t)))
		return -EBADMSG;
	m.fd = fd;
	m.n = (uint64_t)(st.st_size - (off_t)sizeof(h)) / sizeof(uint64_t);
	*ret = (struct marks){ .fd = -1, .salt = h.salt };
	return marks_read(&m, ret_set);
}

int marks_create(int dirfd, const char *device, const char *boot_id, uint64_t salt,
		 struct marks *ret)
{
	struct header h = marks_header_make(boot_id, salt, sizeof(uint64_t));
	_cleanup_close_ int fd = -1;
	char name[JOURNAL_NAME_MAX];
	int r;

	marks_abandon(dirfd, device);
	fd = openat(dirfd, marks_name_of(PINS, device, "~", name),
		    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = marks_lock(fd);
	if (r == 0)
		r = os_write_all(fd, &h, sizeof(h));
	if (r < 0) {
		marks_abandon(dirfd, device);
		return r;
	}
	*ret = (struct marks){ .fd = TAKE_FD(fd), .salt = salt };
	return 0;
}

int marks_publish(int dirfd, const char *device)
{
	char aside[JOURNAL_NAME_MAX], name[JOURNAL_NAME_MAX];

	return renameat(dirfd, marks_name_of(PINS, device, "~", aside), dirfd,
			marks_name_of(PINS, device, "", name)) < 0
		       ? -errno
		       : 0;
}

void marks_abandon(int dirfd, const char *device)
{
	char name[JOURNAL_NAME_MAX];

	(void)unlinkat(dirfd, marks_name_of(PINS, device, "~", name), 0);
}

int marks_add(struct marks *m, const uint64_t *at, size_t n)
{
	off_t end = (off_t)(sizeof(struct header) + m->n * sizeof(*at));
	ssize_t done = pwrite(m->fd, at, n * sizeof(*at), end);
	int r = done < 0 ? -errno : -ENOSPC;

	if (done == (ssize_t)(n * sizeof(*at))) {
		m->n += n;
		return 0;
	}
	return ftruncate(m->fd, end) < 0 ? -errno : r;
}

int marks_read(const struct marks *m, struct markset *ret)
{
	size_t size = m->n * sizeof(uint64_t), got = 0;
	_cleanup_free_ uint64_t *at = malloc(size + 1);
	ssize_t n = 1;

	if (!at)
		return -ENOMEM;
	while (got < size && n > 0) {
		n = pread(m->fd, (char *)at + got, size - got,
			  (off_t)(sizeof(struct header) + got));
		got += n > 0 ? (size_t)n : 0;
	}
	return markset_fill(ret, at, got / sizeof(*at));
}

bool marks_is_there(const struct marks *m)
{
	struct stat st;

	return marks_is_usable(m->fd, &st);
}

void marks_close(struct marks *m)
{
	closep(&m->fd);
	m->fd = -1;
	m->n = 0;
}

/* ---- addresses ---- */

int marks_write_addresses(int dirfd, const char *device, const char *boot_id,
			  const struct addrset *set)
{
	size_t n = MIN(set->n, (size_t)ADDRESSES_MAX), size;
	_cleanup_free_ char *data = NULL;
	char name[JOURNAL_NAME_MAX];
	struct header h = marks_header_make(boot_id, 0, sizeof(struct addr));

	marks_name_of(ADDRESSES, device, "", name);
	if (!n)
		return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	size = sizeof(h) + n * sizeof(struct addr);
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	memcpy(data, &h, sizeof(h));
	memcpy(data + sizeof(h), set->addrs, n * sizeof(struct addr));
	return rundir_write(dirfd, name, data, size);
}

static int marks_take_addresses(const char *data, size_t size, struct addrset *set)
{
	struct addr a, clean;
	size_t at;
	int r = 0;

	if (size % sizeof(a))
		return -EBADMSG;
	for (at = 0; at < size && r == 0; at += sizeof(a)) {
		memcpy(&a, data + at, sizeof(a));
		memset(&clean, 0, sizeof(clean));
		clean.family = a.family;
		memcpy(clean.bytes, a.bytes, addr_size(a.family));
		/* byte for byte, as it is compared */
		r = addr_size(a.family) && !memcmp(&a, &clean, sizeof(a)) ? addrset_add(set, &a)
									  : -EBADMSG;
	}
	return r;
}

/* Read a file of one KIND of our own: its items, of ITEM bytes each and ADDRESSES_MAX at most, are
 * what follows a header in *RET_DATA, whose size *RET_SIZE tells. */
static int marks_load(int dirfd, const char *kind, const char *device, const char *boot_id,
		      size_t item, char **ret_data, size_t *ret_size)
{
	const size_t max = sizeof(struct header) + ADDRESSES_MAX * item + 1;
	_cleanup_free_ char *data = malloc(max);
	char name[JOURNAL_NAME_MAX];
	struct header h;
	size_t size = 0;
	int r;

	if (!data)
		return -ENOMEM;
	r = rundir_read(dirfd, marks_name_of(kind, device, "", name), data, max, &size);
	if (r == -EFBIG || (r == 0 && size < sizeof(h)))
		r = -EBADMSG;
	if (r < 0)
		return r;
	memcpy(&h, data, sizeof(h));
	if (!marks_header_is_ours(&h, boot_id, (uint32_t)item))
		return -EBADMSG;
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	return 0;
}

int marks_read_addresses(int dirfd, const char *device, const char *boot_id, struct addrset *set)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = marks_load(dirfd, ADDRESSES, device, boot_id, sizeof(struct addr), &data, &size);

	if (r < 0)
		return r;
	r = marks_take_addresses(data + sizeof(struct header), size - sizeof(struct header), set);
	if (r < 0)
		addrset_done(set);
	return r;
}

/* ---- addresses that vanished ---- */

/* As it is in the file. */
struct away_record {
	struct addr addr;
	uint8_t pad[7];
	uint64_t since;
};

static struct away_record away_record(const struct marks_away *a)
{
	struct away_record r;

	memset(&r, 0, sizeof(r));
	r.addr.family = a->addr.family;
	memcpy(r.addr.bytes, a->addr.bytes, addr_size(a->addr.family));
	r.since = a->since;
	return r;
}

int marks_write_away(int dirfd, const char *device, const char *boot_id,
		     const struct marks_away *list, size_t n)
{
	struct header h = marks_header_make(boot_id, 0, sizeof(struct away_record));
	_cleanup_free_ char *data = NULL;
	char name[JOURNAL_NAME_MAX];
	size_t i;

	marks_name_of(AWAY, device, "", name);
	if (!n)
		return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	n = MIN(n, (size_t)ADDRESSES_MAX);
	data = malloc(sizeof(h) + n * sizeof(struct away_record));
	if (!data)
		return -ENOMEM;
	memcpy(data, &h, sizeof(h));
	for (i = 0; i < n; i++) {
		struct away_record one = away_record(&list[i]);

		memcpy(data + sizeof(h) + i * sizeof(one), &one, sizeof(one));
	}
	return rundir_write(dirfd, name, data, sizeof(h) + n * sizeof(struct away_record));
}

static int take_away(const char *data, size_t size, struct marks_away **ret, size_t *ret_n)
{
	_cleanup_free_ struct marks_away *list = NULL;
	size_t n = size / sizeof(struct away_record), i;

	if (size % sizeof(struct away_record))
		return -EBADMSG;
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct away_record got, clean;

		memcpy(&got, data + i * sizeof(got), sizeof(got));
		list[i] = (struct marks_away){ .addr = got.addr, .since = got.since };
		clean = away_record(&list[i]);
		if (!addr_size(got.addr.family) || memcmp(&got, &clean, sizeof(got)) != 0)
			return -EBADMSG;
	}
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

int marks_read_away(int dirfd, const char *device, const char *boot_id, struct marks_away **ret,
		    size_t *ret_n)
{
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r = marks_load(dirfd, AWAY, device, boot_id, sizeof(struct away_record), &data, &size);

	return r < 0 ? r
		     : take_away(data + sizeof(struct header), size - sizeof(struct header), ret,
				 ret_n);
}
