/* SPDX-License-Identifier: GPL-2.0 */
/* What is compiled once for all programs: no header of ours, so that none is built in vain. */
#ifndef EVENTFD_SUPPORT_COMMON_H
#define EVENTFD_SUPPORT_COMMON_H

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#endif
