/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finish what a killed run left in the run directory. */
#pragma once

#include "move/journal.h"
#include "move/run.h"
