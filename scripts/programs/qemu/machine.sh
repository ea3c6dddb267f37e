# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For the scripts beside it: a QEMU with a virtio-blk disk in an IOThread, and the guest that reads from it. They say
# which file the disk is.

here=${0%/*}
# shellcheck disable=SC2154
[ -e "$disk" ] || dd if=/dev/zero of="$disk" bs=1M count=8 2>/dev/null

# machine NANOSECONDS READS DEPTH DISK...: NANOSECONDS is how long the IOThread at most looks at memory before it waits,
# in ppoll, as all of QEMU's do; DISK the options that make the disk "d", whose node or drive is named so. It is killed
# after LIMIT seconds: one or two are usual, ten under strace.
machine()
{
	most=$1 reads=$2 depth=$3
	shift 3
	timeout -s KILL "${LIMIT:-60}" "$here/qemu-system-x86_64" -L /usr/share/seabios -L /usr/share/qemu -M pc -accel kvm -cpu host -m 64 \
		-nodefaults -display none -no-reboot -kernel "$here/guest.elf" -append "reads=$reads depth=$depth" \
		-object "iothread,id=thread,poll-max-ns=$most" "$@" \
		-device virtio-blk-pci,drive=d,iothread=thread,num-queues=1
}
