/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files: order, and errors with file and line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "show/config.h"
#include "show/settings_text.h"

/* A directory of its own, with what the cases may have put there. */
struct place {
	char dir[64], file[96], conf_d[96];
};

static const char *const conf_names[] = { "10-a.conf", "20-b.conf", ".hidden.conf", "c.conf~" };

static int place_make(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/vipsafe-config.XXXXXX");
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/vipsafe.conf", p->dir);
	snprintf(p->conf_d, sizeof(p->conf_d), "%s/conf.d", p->dir);
	*state = p;
	return 0;
}

static int place_remove(void **state)
{
	struct place *p = *state;
	char name[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(conf_names); i++) {
		snprintf(name, sizeof(name), "%s/%s", p->conf_d, conf_names[i]);
		remove(name);
	}
	remove(p->conf_d);
	remove(p->file);
	i = (size_t)remove(p->dir);
	free(p);
	return (int)i;
}

static void write_bytes(const char *path, const char *text, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

static void write_conf(const struct place *p, const char *name, const char *text)
{
	char path[128];

	mkdir(p->conf_d, 0700);
	snprintf(path, sizeof(path), "%s/%s", p->conf_d, name);
	write_bytes(path, text, strlen(text));
}

static void load_ok(const struct place *p, struct settings *s)
{
	struct request_error e;

	if (config_load(p->file, s, &e) < 0)
		fail_msg("%s", e.text);
}

static void load_fails(const struct place *p, const char *says)
{
	struct request_error e = { "" };
	struct settings s;

	if (config_load(p->file, &s, &e) >= 0) {
		settings_done(&s);
		fail_msg("accepted; \"%s\" was expected", says);
	}
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void reads_a_file(void **state)
{
	static const char text[] = "\xef\xbb\xbf; comment\n"
				   "# another\n"
				   "[agent]\r\n"
				   "  hold = off   ; inline\n"
				   "\ttimeout=3s # inline, too\n"
				   "announce_count: 2\n"
				   "\n"
				   "[device br-mgmt]\n"
				   "pin = off\n"
				   "[device eth1]\n"
				   "[agent]\n"
				   "announce_again = 0";
	struct place *p = *state;
	struct settings s;

	write_bytes(p->file, text, strlen(text));
	load_ok(p, &s);
	assert_int_equal(s.hold, HOLD_OFF);
	assert_true(s.timeout == 3 * USEC_PER_SEC);
	assert_int_equal(s.announce.count, 2);
	assert_int_equal(s.announce.again, 0);
	assert_int_equal(s.n_devices, 2);
	assert_int_equal(s.devices[0].pin, PIN_OFF);
	assert_string_equal(s.devices[1].name, "eth1");
	settings_done(&s);
}

static void reads_an_empty_file(void **state)
{
	struct place *p = *state;
	struct settings s;

	write_bytes(p->file, "", 0);
	load_ok(p, &s);
	assert_int_equal(s.announce.count, 5);
	assert_string_equal(s.socket, "/run/vipsafe/control.sock");
	settings_done(&s);
}

static void later_files_win_in_order(void **state)
{
	struct place *p = *state;
	struct settings s;

	write_bytes(p->file, "[agent]\nannounce_count = 1\nannounce_again = 1\n", 46);
	write_conf(p, "20-b.conf", "[agent]\nannounce_count = 3\n");
	write_conf(p, "10-a.conf", "[agent]\nannounce_count = 2\nrun_dir = /tmp/r\n");
	write_conf(p, ".hidden.conf", "nonsense");
	write_conf(p, "c.conf~", "nonsense");
	load_ok(p, &s);
	assert_int_equal(s.announce.count, 3);
	assert_int_equal(s.announce.again, 1);
	assert_string_equal(s.socket, "/tmp/r/control.sock");
	settings_done(&s);
	write_conf(p, "20-b.conf", "[agent]\n\nannounce_count = many\n");
	load_fails(p, "/conf.d/20-b.conf:3: announce_count: \"many\"");
}

static const struct {
	const char *text, *says;
} bad_files[] = {
	{ "[agent]\nhold = maybe\n", "/vipsafe.conf:2: hold: \"maybe\"" },
	{ "\n\n[agent]\nhold = off\n\nhold = off\n", ":6: key \"hold\" given twice" },
	{ "[agent]\nhold = off\n[device a]\n[agent]\nhold = nft\n",
	  ":5: key \"hold\" given twice" },
	{ "[agent]\ncolour = red", ":2: unknown key \"colour\"" },
	{ "[agent]\n\n[wrong]\n", ":3: unknown section [wrong]" },
	{ "[instances VI_1]\ndevice = e0\n", ":1: unknown section [instances VI_1]" },
	{ "[agent\nhold = off\n", ":1: the section's name does not end" },
	{ "[agent]\nhold\n", ":2: this is neither" },
	{ "[agent]\nnonsense\nhold = maybe\n", ":2: this is neither" },
	{ "[agent]\nhold = maybe\nnonsense\n", ":2: hold: \"maybe\"" },
	{ "hold = off\n", ":1: key \"hold\" stands before any section" },
	{ "[device a b]\n", ":1: device name \"a b\"" },
	{ "[device 123456789.123456789.123456789.123456789.123456789]\n",
	  ":1: the section's name is longer" },
	{ "[agent]\ntextfile = /x/vipsafe.txt\n",
	  ":2: textfile: \"/x/vipsafe.txt\" does not end with .prom" },
	{ "[agent]\ntextfile = /prom\n", "does not end with .prom" },
	{ "[agent]\ntextfile =\ngroup =\n", ":3: group: \"\"" },
	{ "[agent]\nhold = \033[31m\n", ":2: hold: \"\\x1b[31m\"" },
};

static void says_file_and_line(void **state)
{
	struct place *p = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_files); i++) {
		write_bytes(p->file, bad_files[i].text, strlen(bad_files[i].text));
		load_fails(p, bad_files[i].says);
	}
}

static void refuses_what_inih_would_cut(void **state)
{
	struct place *p = *state;
	struct settings s;
	char text[512];

	/* 190 characters with the newline are the most */
	memset(text, 'x', sizeof(text));
	memcpy(text, "[agent]\n; ", 10);
	text[8 + 189] = '\n';
	write_bytes(p->file, text, 8 + 190);
	load_ok(p, &s);
	settings_done(&s);
	text[8 + 189] = 'x';
	text[8 + 190] = '\n';
	write_bytes(p->file, text, 8 + 191);
	load_fails(p, ":2: the line is longer than 190");
	write_bytes(p->file, "[agent]\nhold = o\0ff\n", 20);
	load_fails(p, ":2: the line holds a NUL");
}

static void refuses_what_is_no_file(void **state)
{
	struct place *p = *state;
	_cleanup_free_ char *text = NULL;
	const size_t size = 300 * 1024;

	load_fails(p, "/vipsafe.conf: No such file");
	mkdir(p->file, 0700);
	load_fails(p, "/vipsafe.conf is not a regular file");
	remove(p->file);
	assert_int_equal(mkfifo(p->file, 0600), 0);
	load_fails(p, "/vipsafe.conf is not a regular file");
	remove(p->file);
	text = malloc(size);
	assert_non_null(text);
	memset(text, '\n', size);
	write_bytes(p->file, text, size);
	load_fails(p, "/vipsafe.conf is larger than 256 KiB");
}

static void refuses_what_others_can_change(void **state)
{
	struct place *p = *state;
	struct settings s;

	write_bytes(p->file, "[agent]\n", 8);
	assert_int_equal(chmod(p->file, 0602), 0);
	load_fails(p, "can be changed by others");
	assert_int_equal(chmod(p->file, 0660), 0); /* the group is ours */
	load_ok(p, &s);
	settings_done(&s);
	write_conf(p, "10-a.conf", "[agent]\n");
	load_ok(p, &s);
	settings_done(&s);
}

/* A file is what it is because nobody could put another one in its place. */
static void refuses_a_way_that_others_can_change(void **state)
{
	struct place *p = *state, link = *p;
	char up[96], name[128];
	struct settings s;

	write_bytes(p->file, "[agent]\n", 8);
	write_conf(p, "10-a.conf", "[agent]\n");
	assert_int_equal(chmod(p->conf_d, 0777), 0);
	load_fails(p, "others can change what is in");
	snprintf(name, sizeof(name), "%s/10-a.conf", p->conf_d);
	assert_int_equal(unlink(name), 0); /* another may come at any time */
	load_fails(p, "/conf.d, or it belongs");
	assert_int_equal(chmod(p->conf_d, 0755), 0);
	assert_int_equal(chmod(p->dir, 0772), 0);
	load_fails(p, "others can change what is in");
	assert_int_equal(chmod(p->dir, 01777), 0); /* nobody can rename what is ours */
	load_ok(p, &s);
	settings_done(&s);
	assert_int_equal(chmod(p->dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(p->dir, 65534, 0), 0);
		load_fails(p, "or it belongs to somebody else");
		assert_int_equal(chown(p->dir, 0, 0), 0);
	}

	/* further up, and by a link that somebody else could turn */
	snprintf(up, sizeof(up), "%s/up", p->dir);
	snprintf(name, sizeof(name), "%s/link", up);
	assert_int_equal(mkdir(up, 0755), 0);
	assert_int_equal(symlink("..", name), 0);
	snprintf(link.file, sizeof(link.file), "%.60s/up/link/vipsafe.conf", p->dir);
	load_ok(&link, &s);
	settings_done(&s);
	assert_int_equal(chmod(up, 0757), 0);
	load_fails(&link, "/up, or it belongs");
	assert_int_equal(unlink(name), 0);
	assert_int_equal(rmdir(up), 0);
}

/* Every key of the printed file that has a value is taken once it is no
 * comment any more, and then nothing has changed. */
static void takes_what_it_prints(void **state)
{
	struct place *p = *state;
	char *text = NULL, *line, *next, section[64] = "agent";
	struct settings s, initial;
	size_t size = 0, taken = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	settings_text_file(f);
	assert_int_equal(fclose(f), 0);
	write_bytes(p->file, text, size);
	load_ok(p, &s);
	assert_int_equal(s.n_devices, 0);
	settings_done(&s);
	f = fopen(p->file, "w");
	assert_non_null(f);
	for (line = text; *line; line = next) {
		char key[32] = "";

		next = strchr(line, '\n') + 1;
		next[-1] = '\0';
		if (sscanf(line, "#[%63[^]]]", section) == 1) {
			fprintf(f, "%s\n", line + 1);
		} else if (sscanf(line, "#%31[a-z_0-9] =", key) == 1 && line[1] != ' ') {
			bool is_list = settings_is_list(&s, section, key);

			taken += !is_list;
			fprintf(f, "%s\n", line + !is_list);
		} else {
			fprintf(f, "%s\n", line);
		}
	}
	assert_int_equal(fclose(f), 0);
	assert_true(taken > 15);
	load_ok(p, &s);
	settings_init(&initial, sections_all);
	assert_true(s.pin_timeout == initial.pin_timeout);
	assert_true(s.hold == initial.hold && s.timeout == initial.timeout);
	assert_true(s.n_devices > 0 && s.devices[0].pin == PIN_CONTINUOUS);
	settings_done(&initial);
	settings_done(&s);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_a_file, place_make, place_remove),
		cmocka_unit_test_setup_teardown(reads_an_empty_file, place_make, place_remove),
		cmocka_unit_test_setup_teardown(later_files_win_in_order, place_make, place_remove),
		cmocka_unit_test_setup_teardown(says_file_and_line, place_make, place_remove),
		cmocka_unit_test_setup_teardown(refuses_what_inih_would_cut, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(refuses_what_is_no_file, place_make, place_remove),
		cmocka_unit_test_setup_teardown(refuses_a_way_that_others_can_change, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(refuses_what_others_can_change, place_make,
						place_remove),
		cmocka_unit_test_setup_teardown(takes_what_it_prints, place_make, place_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
