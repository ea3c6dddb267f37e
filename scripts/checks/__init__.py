# SPDX-License-Identifier: GPL-2.0
"""What looks at the project itself: its code, its pages, its models and tables, and the suite on this machine."""
