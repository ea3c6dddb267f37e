# SPDX-License-Identifier: GPL-2.0
"""From Debian's packages, or a tree of the user's, to the tree with our eventfd that is built; and to the series."""
