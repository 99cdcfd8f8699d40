/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keepalived/script_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vipsafe/base.h>

#include "keepalived/script.h"

#define SIZE_MAX_READ ((off_t)256 * 1024)

static bool script_is_text(const char *text, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (iscntrl((unsigned char)text[i]) && !strchr("\t\n\r\f", text[i]))
			return false;
	return n && !memchr(text, '\0', n);
}

/* An ELF program, as most commands are that are not scripts. */
static bool is_elf(int fd)
{
	char begin[4];

	return pread(fd, begin, sizeof(begin), 0) == sizeof(begin) &&
	       !memcmp(begin, "\177ELF", sizeof(begin));
}

/* Read a text of up to SIZE bytes; it ends at a NUL, where a shell stops reading as well. */
static int text_read(int fd, size_t size, bool without_mark, char **ret_text)
{
	_cleanup_free_ char *text = malloc(size + 1);
	size_t n = 0;
	ssize_t r;

	if (!text)
		return -ENOMEM;
	do {
		r = read(fd, text + n, size - n);
		n += r > 0 ? (size_t)r : 0;
	} while (n < size && (r > 0 || (r < 0 && errno == EINTR)));
	if (r < 0)
		return -errno;
	text[n] = '\0';
	without_mark = without_mark && strncmp(text, "#!", 2) != 0 && script_is_text(text, n);
	if (!script_is_shell(text) && !without_mark)
		return strncmp(text, "#!", 2) ? -ENOEXEC : -ENOTSUP;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int script_file_read(int fd, const char *name, char **ret_text)
{
	_cleanup_close_ int own = fd;
	size_t n = strlen(name);
	struct stat st;
	bool is_named;

	if (fstat(own, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || is_elf(own))
		return -ENOEXEC;
	if (st.st_size > SIZE_MAX_READ)
		return -EFBIG;
	is_named = n > 3 && !strcmp(name + n - 3, ".sh");
	return text_read(own, (size_t)st.st_size,
			 is_named || (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)), ret_text);
}
