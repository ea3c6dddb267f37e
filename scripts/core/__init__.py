# SPDX-License-Identifier: GPL-2.0
"""What all of the harness shares: what was asked for, where things lie, processes and what is said of them."""
