/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "front/script_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <vipsafe/base.h>

#include "core/script.h"

#define SIZE_MAX_READ ((off_t)256 * 1024)

/* A NUL ends it, as it ends what a shell reads. */
static int text_read(int fd, size_t size, char **ret_text)
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
	if (!script_is_shell(text))
		return -ENOEXEC;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int script_file_read(int fd, char **ret_text)
{
	_cleanup_close_ int own = fd;
	struct stat st;

	if (fstat(own, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (st.st_size > SIZE_MAX_READ)
		return -EFBIG;
	return text_read(own, (size_t)st.st_size, ret_text);
}
