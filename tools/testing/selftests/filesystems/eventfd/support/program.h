/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a program's tests need of the machine that runs them, for those who have a choice of
 * machines: "--list-needs" prints it.
 *
 *     const ProgramNeeds kNeeds = {"one processor"};
 *
 *   one processor     nothing races for many rounds: a second processor shows no more
 *   fault injection   a kernel whose allocations can be made to fail: on any other every test
 *                     would be skipped
 *
 * A program that says nothing is for two processors or more, and for any kernel. What single
 * tests lack, root or KVM, they are skipped for by name.
 */
#ifndef EVENTFD_SUPPORT_PROGRAM_H
#define EVENTFD_SUPPORT_PROGRAM_H

#include <initializer_list>
#include <set>
#include <string>

namespace suite {

/* In a program's own file, outside of all functions. A word that is none of those above ends
 * it. */
class ProgramNeeds {
  public:
    ProgramNeeds(std::initializer_list<const char*> needs);

    static const std::set<std::string>& All();
};

} /* namespace suite */

#endif
