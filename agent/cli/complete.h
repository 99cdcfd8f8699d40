/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shell completion: what could come next on an unfinished command line, from the tables that also
 * parse it. */
#pragma once

/* "vipsafe __complete WORD...": the words after the program's name; the last one, which may be
 * empty, is to be completed. Prints candidates, one per line; ":files" asks the shell for names
 * of files. Always returns EXIT_DONE. */
int complete_print(int argc, char *argv[]);
