/* SPDX-License-Identifier: GPL-2.0 */
/* What the environment says of rounds, limits and the like. */
#ifndef EVENTFD_SUPPORT_ENVIRONMENT_H
#define EVENTFD_SUPPORT_ENVIRONMENT_H

namespace suite {

/* The number that a variable has; the other one where it is unset, empty or no number. */
unsigned long NumberFromEnvironment(const char* name, unsigned long otherwise);

} /* namespace suite */

#endif
