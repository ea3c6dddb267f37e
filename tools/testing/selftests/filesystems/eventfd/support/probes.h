/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel that runs is, and has. */
#ifndef EVENTFD_SUPPORT_PROBES_H
#define EVENTFD_SUPPORT_PROBES_H

namespace suite {

/* True where eventfd2() knows the flag 1 << 6. */
bool KernelKnowsAutoreset();

} /* namespace suite */

#endif
