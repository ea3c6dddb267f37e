// SPDX-License-Identifier: GPL-2.0
/*
 * main() of every test program: each test in a process of its own, and KTAP on stdout.
 *
 * A result line has one form for all outcomes, "[not ]ok NUMBER Suite.Name # WHAT":
 *
 *     ok 1 Read.ReturnsEight #  0.001 s
 *     not ok 2 Read.ReturnsEight #  failed, 0.001 s
 *     not ok 3 Read.ReturnsEight #  timed out after 20 s
 *     ok 4 Read.ReturnsEight # SKIP why
 *     ok 5 Read.ReturnsEight # XFAIL needs CHANGE: what a kernel without does (changes.h)
 *     not ok 6 Read.ReturnsEight #  XPASS passes, but needs CHANGE: what a kernel without does
 *
 * The plan comes first with EVENTFD_CHANGES, and else last (ktap.cpp): a run that dies half
 * way lacks results, or the plan. What a test prints is shown only if it did not pass, in "# "
 * lines before its result, each with the seconds since the test started.
 *
 * A test fails, too, where it leaves descriptors open or processes behind, dies of a signal, or
 * runs out of time: 20 s unless it declares another limit; EVENTFD_TEST_TIMEOUT=N makes that N
 * and stretches the declared ones in proportion. EVENTFD_RACE_ROUNDS, EVENTFD_DEATH_ROUNDS,
 * EVENTFD_TORN_POLLS and EVENTFD_AUTORESET_ROUNDS change how often the tests of races try.
 */
#include <stdio.h>
#include <string.h>

#include <string>
#include <vector>

#include "support/attributes.h"
#include "support/program.h"
#include "support/runner.h"

namespace suite {
namespace {

constexpr char kUsage[] =
    "Options besides GoogleTest's own:\n"
    "  --list-needs      print what the program needs of its machine (program.h)\n"
    "  --list-declared   print the tests that need a change of eventfd, and which (changes.h)\n"
    "  --no-fork         run in one process, under a debugger say, with GoogleTest's output\n";

int Main(int argc, char** argv) {
    bool list_declared = false;
    bool no_fork = false;

    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) printf("%s\n", kUsage);
    ReadChanges();
    testing::InitGoogleMock(&argc, argv);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--list-declared")) {
            list_declared = true;
        } else if (!strcmp(argv[i], "--list-needs")) {
            for (const std::string& need : ProgramNeeds::All()) printf("%s\n", need.c_str());
            return 0;
        } else if (!strcmp(argv[i], "--no-fork")) {
            no_fork = true;
        } else {
            fprintf(stderr, "%s: unknown option '%s'\n%s", argv[0], argv[i], kUsage);
            return 2;
        }
    }

    if (list_declared) {
        for (const testing::TestInfo* test : AllTests())
            if (std::vector<Change> needs = AttributesOf(*test).needs; !needs.empty())
                printf("%s\t%s\n", FullName(*test).c_str(), Describe(needs).c_str());
        return 0;
    }
    if (no_fork || testing::FLAGS_gtest_list_tests) return RUN_ALL_TESTS();

    return RunAsKtap(true);
}

} /* namespace */
} /* namespace suite */

int main(int argc, char** argv) { return suite::Main(argc, argv); }
