#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# 1500 connections, 500 of them born meanwhile, outlive 20 times add and del
exec "${VIPSAFE_SRC:?}/tests/vm/run-case" load
