/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors a program finds when it starts. */
#pragma once

/* Open what is closed of 0 to 2: else the next socket would take its place, and our
 * messages would go into it. */
void descriptors_open_standard(void);
