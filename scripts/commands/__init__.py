# SPDX-License-Identifier: GPL-2.0
"""What a user calls and boots something: a module for each job, on top of all else."""
