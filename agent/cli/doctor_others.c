/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/process.h"
#include "keepalived/script.h"
#include "keepalived/script_file.h"
#include "move/gone.h"
#include "move/journal.h"
#include "base/rundir.h"

/* Limits for the scripts of keepalived and conntrackd; more is not read. */
#define FILES_MAX 256
#define DIRS_MAX 32
#define UNREADABLE "unreadable-" /* move/journal.c */

/* As in /proc/PID/comm: cut at 15 characters. */
static const char *const managers[] = { "NetworkManager", "systemd-network", "wickedd",
					"connmand",	  "dhcpcd",	     "netifd" };

/* ---- running programs -------------------------------------------------------------------- */

static void add_manager(struct facts *f, const char *name)
{
	size_t i;

	for (i = 0; i < f->n_managers; i++)
		if (!strcmp(f->managers[i], name))
			return;
	if (f->n_managers < FACTS_MANAGERS_MAX)
		snprintf(f->managers[f->n_managers++], FACTS_NAME_MAX, "%s", name);
}

static void look_at_process(struct facts *f, const char *pid)
{
	char name[PROCESS_NAME_MAX];
	size_t i;

	if (!process_name(pid, name))
		return;
	for (i = 0; i < ARRAY_SIZE(managers); i++)
		if (!strcmp(name, managers[i]))
			add_manager(f, name);
	manager_take_process(&f->programs, pid, name);
}

static void take_processes(struct facts *f)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			look_at_process(f, d->d_name);
	if (dir)
		closedir(dir);
}

/* ---- scripts ---- */

struct looking {
	struct facts *facts;
	const char *path;
	const char *script;
};

static void doctor_others_on_act(void *ud, const struct script_act *a)
{
	const struct looking *l = ud;

	script_message("", l->path, l->script, a, &l->facts->scripts);
}

static void look_at_file(struct facts *f, int fd, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct looking l = { .facts = f, .path = path };
	const struct script_reader r = { .act = doctor_others_on_act, .ud = &l };
	int e = script_file_read(fd, path, &text);

	l.script = text;
	if (e == 0)
		e = script_read(text, &r);
	f->other_language += e == -ENOTSUP;
	f->half_read += e < 0 && e != -ENOEXEC && e != -ENOTSUP;
}

/* What was read so far. A directory is read once, however many links lead to it. */
struct walk {
	unsigned files;
	size_t n_dirs;
	dev_t dev[DIRS_MAX];
	ino_t ino[DIRS_MAX];
};

static bool is_new_dir(struct facts *f, struct walk *w, const struct stat *st)
{
	size_t i;

	for (i = 0; i < w->n_dirs; i++)
		if (w->dev[i] == st->st_dev && w->ino[i] == st->st_ino)
			return false;
	if (w->n_dirs == DIRS_MAX) {
		f->half_read++;
		return false;
	}
	w->dev[w->n_dirs] = st->st_dev;
	w->ino[w->n_dirs++] = st->st_ino;
	return true;
}

static void doctor_others_look_into(struct facts *f, const char *path, struct walk *w);

static void doctor_others_look_at(struct facts *f, const char *path, struct walk *w)
{
	struct stat st;
	int fd;

	if (w->files == FILES_MAX) {
		f->half_read++;
		return;
	}
	w->files++;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		f->unread += errno == EACCES || errno == EPERM;
		return;
	}
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		close(fd);
		if (is_new_dir(f, w, &st))
			doctor_others_look_into(f, path, w);
	} else {
		look_at_file(f, fd, path);
	}
}

static void doctor_others_look_into(struct facts *f, const char *path, struct walk *w)
{
	DIR *dir = opendir(path);
	char name[512];
	struct dirent *d;

	if (!dir) {
		f->unread += errno == EACCES || errno == EPERM;
		return;
	}
	while ((d = readdir(dir))) {
		if (d->d_name[0] != '.' &&
		    snprintf(name, sizeof(name), "%s/%s", path, d->d_name) < (int)sizeof(name))
			doctor_others_look_at(f, name, w);
	}
	closedir(dir);
}

void doctor_take_others(struct facts *f)
{
	static const char *const places[] = { "/etc/conntrackd", "/etc/keepalived" };
	struct walk w = { .files = 0 };
	struct stat st;
	size_t i;

	take_processes(f);
	for (i = 0; i < f->n_devices; i++)
		if (f->devices[i].exists)
			manager_look(&f->programs, f->devices[i].real_name, f->devices[i].ifindex,
				     &f->devices[i].managed);
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (stat(places[i], &st) == 0 && is_new_dir(f, &w, &st))
			doctor_others_look_into(f, places[i], &w);
}

/* ---- the run directory ---- */

struct run_dir {
	const struct kernel *kernel;
	struct facts *facts;
};

/* A run in progress also has its file there, but holds the lock of its device. */
static bool is_under_way(const struct run_dir *d, int dirfd, const char *device)
{
	_cleanup_close_ int fd = -1;

	return lock_take(dirfd, device, d->kernel, 0, &fd) == -ETIMEDOUT;
}

static int on_file(void *ud, int dirfd, const char *name)
{
	const char *device = journal_device(name);
	struct run_dir *d = ud;

	d->facts->killed_runs += device && !is_under_way(d, dirfd, device);
	d->facts->killed_runs +=
		journal_repair_device(name) && !journal_repair_is_alive(dirfd, name);
	d->facts->set_aside += !strncmp(name, UNREADABLE, strlen(UNREADABLE));
	return 0;
}

static void count_gone(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	const struct run_env env = { .kernel = *k,
				     .settings = &cli->settings,
				     .boot_id = cli->boot_id };
	struct addrset gone = { 0 };

	if (gone_list(&env, &gone) == 0)
		f->gone = (unsigned)gone.n;
	addrset_done(&gone);
}

void doctor_take_run_dir(const struct cli *cli, const struct kernel *k, struct facts *f)
{
	const char *path = cli->settings.run_dir;
	struct run_dir d = { .kernel = k, .facts = f };

	text_escape(path, f->run_dir_path, sizeof(f->run_dir_path));
	if (access(path, F_OK) < 0)
		return;
	f->run_dir = rundir_each(path, on_file, &d);
	if (f->run_dir == 0)
		count_gone(cli, k, f);
}
