/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What eventfd2(2) takes in its second argument.
 */
#ifndef _UAPI_LINUX_EVENTFD_H
#define _UAPI_LINUX_EVENTFD_H

#include <linux/fcntl.h>

#define EFD_SEMAPHORE (1 << 0)	/* read(2) takes one unit, not all of them */
#define EFD_AUTORESET (1 << 6)	/* a poll that reports EPOLLIN takes them all */
#define EFD_CLOEXEC O_CLOEXEC
#define EFD_NONBLOCK O_NONBLOCK

#endif /* _UAPI_LINUX_EVENTFD_H */
