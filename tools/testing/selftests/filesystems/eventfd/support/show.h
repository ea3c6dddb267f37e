/* SPDX-License-Identifier: GPL-2.0 */
/* The programs of rows/, each of which shows one row by itself. */
#pragma once

#include <string>

namespace suite {

/*
 * Prints the program that shows a row, or the reason why there is none; the exit status, which
 * is 2 for what is no row.
 */
int ShowRow(const std::string& number);

} /* namespace suite */
