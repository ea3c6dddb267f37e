/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether a system that lacks a change of eventfd (changes.h) does there what Linux 6.12 does.
 * A test that needs the change fails on stock; that it fails somewhere else shows this only if
 * the system is seen to behave so.
 */
#ifndef EVENTFD_SUPPORT_STOCK_H
#define EVENTFD_SUPPORT_STOCK_H

#include <string>

#include "support/changes.h"

namespace suite {

struct StockAnswer {
    enum Kind {
        kAsStock,
        kNotAsStock,
        kCannotTell, /* the text says why */
        kNotAsked,   /* chance decides, or only a Linux has what it takes */
    } kind;
    std::string text;
};

/* Asked once for each change, in a process of its own; when abilities have been asked for. */
const StockAnswer& BehavesAsStock(Change change);

} /* namespace suite */

#endif
