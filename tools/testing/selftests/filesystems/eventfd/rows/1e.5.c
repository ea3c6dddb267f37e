// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Row 1e.5: mount on /proc/self/fd/N is EINVAL or ENOENT */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include "show.h"

int main(void)
{
	char path[64];
	long got;

	setbuf(stdout, NULL);
	alarm(20);
	sprintf(path, "/proc/self/fd/%d", eventfd(0, 0));
	got = mount("/", path, NULL, MS_BIND, NULL) ? -errno : 0;
	if (got == -EPERM || access("/proc/self/fd", F_OK)) {
		printf("cannot be asked: nothing may be mounted here, or there is no /proc\n");
		return 2;
	}
	if (!got)
		umount(path);
	printf("mount(\"/\", path, NULL, MS_BIND, NULL): saw %ld (%s)\n", got, strerror(-got));
	SHOW(got == -EINVAL || got == -ENOENT || got == -ENOTDIR, 1);
	return differs;
}
