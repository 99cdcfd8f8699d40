/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "move/survey.h"

void survey_done(struct survey *s)
{
	free(s->addresses);
	*s = (struct survey){ 0 };
}
