/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing the ends, and finding one by its tuple. */
#include "guard/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/os.h"
#include "base/rundir.h"
#include "guard/ends_file.h"
#include "guard/ends_index.h"

/* Ends that wait to be written, and how long at most: a write for each would cost more than
 * all the rest. */
#define PENDING 256

/* Ends that are indexed together. */
#define INDEXED 64
#define WRITE_EVERY (10 * USEC_PER_MSEC)

/* After a failure to write. */
#define RETRY_EVERY (10 * USEC_PER_SEC)

struct ends {
	char run_dir[256];
	uint64_t seed;
	struct ends_head head;
	char devices[DEVICES][DEVICE_SIZE];
	int fd; /* -1: not open */
	int error;
	usec_t written, retry;
	struct end pending[PENDING]; /* the last N_PENDING ones */
	size_t n_pending;
	struct ends_index index; /* by original tuple … */
	uint64_t indexed;	 /* … of those before this number */
	uint64_t counts[END_CAUSE_COUNT];
};

/* ---- the index ---- */

static uint32_t hash_key(const struct ends *s, const struct conn_key *key)
{
	return hash_bytes(s->seed, key, sizeof(*key));
}

/* Whether somebody may ask for E: what had ended by itself does not come back. */
static bool is_indexed(const struct end *e)
{
	switch ((enum end_cause)e->cause) {
	case END_FINISHED:
	case END_RESET:
	case END_RESET_CLIENT:
	case END_RESET_SERVER:
		return false;
	case END_TIMEOUT: /* a datagram after it begins anew */
		return e->l4proto == IPPROTO_TCP;
	case END_UNKNOWN:
	case END_ADDRESS:
	case END_FLUSH:
	case END_LINK:
	case END_SWEEP:
	case END_DELETED:
	case END_EARLY_DROP:
	case END_IPVS:
	case END_LOST:
	case END_ARRIVED:
	case END_RETRANSLATED:
	case END_CAUSE_COUNT:
		break;
	}
	return true;
}

/* Index the ends from NUMBER on. Many at once: by then their places are in the cache. */
static void index_put(struct ends *s, uint64_t number, const struct end *list, size_t n)
{
	uint32_t hashes[INDEXED];
	size_t i, m;

	for (; n; list += m, number += m, n -= m) {
		m = MIN(n, (size_t)INDEXED);
		for (i = 0; i < m; i++) {
			const struct conn c = end_conn(&list[i]);

			hashes[i] = hash_key(s, &c.key);
			ends_index_prepare(&s->index, hashes[i]);
		}
		for (i = 0; i < m; i++)
			if (is_indexed(&list[i]))
				ends_index_put(&s->index, hashes[i], (uint32_t)(number + i));
	}
}

/* ---- the file ---- */

static void ends_fail(struct ends *s, int error, usec_t now)
{
	s->error = error;
	s->retry = now + RETRY_EVERY;
	closep(&s->fd);
	s->fd = -1;
}

static int write_head(const struct ends *s)
{
	return ends_file_put(s->fd, &s->head, sizeof(s->head), 0);
}

/* A file of our own, with nothing in it. */
static int ends_create(struct ends *s, int dir)
{
	int r;

	s->fd = os_open_aside(dir, ENDS_ASIDE, 0600);
	if (s->fd < 0)
		return s->fd;
	r = ends_file_put(s->fd, s->devices, sizeof(s->devices), AT_DEVICES);
	if (r == 0 && ftruncate(s->fd, (off_t)AT_ENDS) < 0)
		r = -errno;
	if (r == 0)
		r = write_head(s);
	r = os_replace(dir, ENDS_ASIDE, ENDS_FILE, r);
	close(s->fd);
	s->fd = r < 0 ? -1 : ends_file_open(dir, O_RDWR); /* what is written is looked up, too */
	return r < 0 ? r : MIN(s->fd, 0);
}

/* Make a file of the size that is wanted of OLD and H, which is of another. */
static void ends_convert(struct ends *s, int old, const struct ends_head *h)
{
	uint64_t i = h->n - MIN(h->n, (uint64_t)MIN(h->max, s->head.max));
	struct deed d;
	struct end e;
	size_t k;

	s->head.n_deeds = h->n_deeds;
	s->head.since = h->since;
	for (k = 0; k < DEEDS; k++)
		if (ends_file_get(old, &d, sizeof(d), (off_t)(AT_DEEDS + k * sizeof(d))) == 0)
			(void)ends_file_put(s->fd, &d, sizeof(d),
					    (off_t)(AT_DEEDS + k * sizeof(d)));
	for (; i < h->n; i++)
		if (ends_file_get(old, &e, sizeof(e), ends_file_place(h, i)) == 0 &&
		    end_is_valid(&e))
			ends_add(s, &e);
}

static int ends_begin(struct ends *s, usec_t now)
{
	_cleanup_close_ int dir = rundir_open(s->run_dir), old = -1;
	struct ends_head h;
	int r;

	s->retry = now + RETRY_EVERY;
	if (dir < 0)
		return dir;
	old = ends_file_open(dir, O_RDWR);
	if (old < 0 || ends_file_head(old, s->head.boot_id, &h) < 0 ||
	    ends_file_devices(old, s->devices) < 0)
		return ends_create(s, dir);
	if (h.max == s->head.max) {
		if (!s->head.n) /* else it is ours, and was lost for a while */
			s->head = h;
		s->fd = TAKE_FD(old);
		return 0;
	}
	r = ends_create(s, dir);
	if (r == 0)
		ends_convert(s, old, &h);
	return r;
}

static void ends_remove(struct ends *s)
{
	_cleanup_close_ int dir = rundir_open(s->run_dir);

	if (dir >= 0)
		(void)unlinkat(dir, ENDS_FILE, 0);
}

/* What is on file stays there. */
static void ends_close(struct ends *s)
{
	ends_write_all(s, s->written);
	ends_index_done(&s->index);
	closep(&s->fd);
	s->fd = -1;
	s->n_pending = 0;
	s->head.n = s->head.n_deeds = s->indexed = 0;
	memset(s->devices, 0, sizeof(s->devices));
}

static void ends_open(struct ends *s, size_t max, usec_t now)
{
	int r;

	s->head.max = (uint32_t)MIN(max, (size_t)ENDS_MAX);
	s->head.since = now;
	s->error = 0;
	if (!s->head.max) {
		ends_remove(s);
		return;
	}
	(void)ends_index_init(&s->index, s->head.max); /* else none comes back, as far as we see */
	r = ends_begin(s, now);
	if (r < 0)
		ends_fail(s, r, now);
	else
		ends_write_all(s, now);
}

/* ---- life ---- */

int ends_new(const char *run_dir, const char *boot_id, uint64_t seed, size_t max, usec_t now,
	     struct ends **ret)
{
	struct ends *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->seed = seed;
	memcpy(s->head.magic, MAGIC, sizeof(MAGIC));
	snprintf(s->head.boot_id, sizeof(s->head.boot_id), "%s", boot_id);
	s->head.deeds = DEEDS;
	*ret = s;
	snprintf(s->run_dir, sizeof(s->run_dir), "%s", run_dir);
	ends_open(s, max, now);
	return 0;
}

struct ends *ends_free(struct ends *s)
{
	if (!s)
		return NULL;
	ends_close(s);
	free(s);
	return NULL;
}

void ends_set(struct ends *s, const char *run_dir, size_t max, usec_t now)
{
	if (MIN(max, (size_t)ENDS_MAX) == s->head.max && !strcmp(run_dir, s->run_dir))
		return;
	ends_close(s);
	snprintf(s->run_dir, sizeof(s->run_dir), "%s", run_dir);
	ends_open(s, max, now);
}

/* ---- writing ---- */

/* Write what waits, the newest ones if there are more than there are places. */
static int write_pending(struct ends *s)
{
	uint64_t i = s->head.n - s->n_pending;
	const struct end *e = s->pending;
	size_t left = s->n_pending, m;
	int r = 0;

	for (; left && r == 0; left -= m, i += m, e += m) {
		m = (size_t)MIN((uint64_t)left, s->head.max - i % s->head.max);
		r = ends_file_put(s->fd, e, m * sizeof(*e), ends_file_place(&s->head, i));
	}
	return r < 0 ? r : write_head(s);
}

/* Whether somebody has removed the file. */
static bool ends_is_removed(const struct ends *s)
{
	struct stat st;

	return s->fd >= 0 && fstat(s->fd, &st) == 0 && !st.st_nlink;
}

static void ends_flush(struct ends *s, usec_t now)
{
	int r;

	if (ends_is_removed(s)) {
		closep(&s->fd);
		s->fd = -1;
	}
	r = s->fd < 0 ? ends_begin(s, now) : 0;
	if (r == 0)
		r = write_pending(s);
	if (r < 0)
		ends_fail(s, r, now);
	else
		s->error = 0;
	s->n_pending = 0;
	s->written = now;
}

void ends_write_all(struct ends *s, usec_t now)
{
	if (s->n_pending && (s->fd >= 0 || now >= s->retry))
		ends_flush(s, now);
}

void ends_write(struct ends *s, usec_t now)
{
	if (now >= s->written + WRITE_EVERY)
		ends_write_all(s, now);
}

usec_t ends_due(const struct ends *s)
{
	return !s->n_pending ? USEC_NEVER : s->fd < 0 ? s->retry : s->written + WRITE_EVERY;
}

void ends_add(struct ends *s, const struct end *e)
{
	if (!s->head.max)
		return;
	if (s->n_pending == PENDING || s->n_pending == s->head.max)
		ends_write_all(s, s->written);
	if (s->n_pending == PENDING || s->n_pending == s->head.max)
		s->n_pending = 0; /* they cannot be written */
	s->pending[s->n_pending++] = *e;
	s->head.n++;
}

uint16_t ends_deed(struct ends *s, const struct deed *d)
{
	uint64_t number = s->head.n_deeds % DEEDS;

	if (!s->head.max || s->fd < 0 ||
	    ends_file_put(s->fd, d, sizeof(*d), (off_t)(AT_DEEDS + number * sizeof(*d))) < 0)
		return 0;
	s->head.n_deeds++;
	return (uint16_t)(number + 1);
}

void ends_change_deed(struct ends *s, uint16_t number, const struct deed *d)
{
	if (number && s->fd >= 0)
		(void)ends_file_put(s->fd, d, sizeof(*d),
				    (off_t)(AT_DEEDS + (number - 1U) * sizeof(*d)));
}

uint8_t ends_device(struct ends *s, const char *name)
{
	size_t i;

	for (i = 0; i < DEVICES && *s->devices[i]; i++)
		if (!strcmp(s->devices[i], name))
			return (uint8_t)(i + 1);
	if (i == DEVICES || strlen(name) >= DEVICE_SIZE)
		return 0;
	memcpy(s->devices[i], name, strlen(name) + 1);
	if (s->fd >= 0)
		(void)ends_file_put(s->fd, s->devices[i], DEVICE_SIZE,
				    (off_t)(AT_DEVICES + i * DEVICE_SIZE));
	return (uint8_t)(i + 1);
}

void ends_count(struct ends *s, enum end_cause cause, uint64_t n)
{
	s->counts[cause] += n;
}

uint64_t ends_counted(const struct ends *s, enum end_cause cause)
{
	return s->counts[cause];
}

int ends_unsaved(const struct ends *s)
{
	return s->error;
}

/* ---- finding ---- */

/* Index what has been written since. Not as it is written: few ends are ever looked for. */
void ends_catch_up(struct ends *s)
{
	uint64_t n = s->head.n - s->n_pending, i = MAX(s->indexed, n - MIN(n, s->head.max));
	struct end buf[INDEXED];
	size_t m;

	for (; s->fd >= 0 && i < n; i += m) {
		m = (size_t)MIN((uint64_t)INDEXED, n - i);
		m = (size_t)MIN((uint64_t)m, s->head.max - i % s->head.max);
		if (ends_file_get(s->fd, buf, m * sizeof(*buf), ends_file_place(&s->head, i)) == 0)
			index_put(s, i, buf, m);
	}
	s->indexed = MAX(s->indexed, i);
}

/* The latest end of KEY among those that wait to be written; NULL: there is none. */
static struct end *ends_waiting(struct ends *s, const struct conn_key *key)
{
	size_t i = s->n_pending;

	while (i--) {
		struct end *e = &s->pending[i];
		struct conn c;

		if (e->sport != key->orig.sport || e->dport != key->orig.dport || !is_indexed(e))
			continue;
		c = end_conn(e);
		if (conn_key_equal(&c.key, key))
			return e;
	}
	return NULL;
}

/* The number of the latest end of KEY that is on file and indexed, and the end; -ENOENT. */
static int64_t ends_look_up(struct ends *s, const struct conn_key *key, struct end *ret)
{
	uint32_t number;
	uint64_t back;
	struct conn c;

	ends_catch_up(s);
	if (s->fd < 0 || !ends_index_find(&s->index, hash_key(s, key), &number))
		return -ENOENT;
	back = (uint32_t)s->head.n - number; /* modulo 2^32: numbers wrap */
	if (back > s->head.max || back > s->head.n ||
	    ends_file_get(s->fd, ret, sizeof(*ret), ends_file_place(&s->head, s->head.n - back)) <
		    0)
		return -ENOENT;
	c = end_conn(ret);
	return conn_key_equal(&c.key, key) && end_is_valid(ret) ? (int64_t)(s->head.n - back)
								: -ENOENT;
}

bool ends_find(struct ends *s, const struct conn_key *key, struct end *ret)
{
	const struct end *waiting = ends_waiting(s, key);

	if (!waiting)
		return ends_look_up(s, key, ret) >= 0;
	*ret = *waiting;
	return true;
}

void ends_mark(struct ends *s, const struct conn_key *key, uint8_t flags)
{
	struct end e, *waiting = ends_waiting(s, key);
	int64_t number = waiting ? -ENOENT : ends_look_up(s, key, &e);

	if (waiting)
		waiting->flags |= flags;
	if (number < 0)
		return;
	e.flags |= flags;
	(void)ends_file_put(s->fd, &e, sizeof(e), ends_file_place(&s->head, (uint64_t)number));
}

const struct end *ends_latest(const struct ends *s)
{
	return s->n_pending ? &s->pending[s->n_pending - 1] : NULL;
}
