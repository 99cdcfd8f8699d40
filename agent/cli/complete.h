/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What could stand next on an unfinished command line, for the completion of
 * shells. It comes from the tables that read the line. */
#pragma once

/* "vipsafe __complete WORD...": the words after the program's name, the last
 * one being the one to complete (maybe ""). Prints candidates, one per line;
 * ":files" asks the shell for names of files. Returns EXIT_DONE, whatever the
 * words are. */
int complete_print(int argc, char *argv[]);
