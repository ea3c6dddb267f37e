# SPDX-License-Identifier: GPL-2.0
"""From a tree to a verdict: the kernel, the root file system, the guest that boots them, and what comes of it."""
