# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For the scripts beside it: a QEMU with a virtio-blk disk in an IOThread, and the guest that reads from it. They say
# which file the disk is.

here=${0%/*}
# shellcheck disable=SC2154
[ -e "$disk" ] || dd if=/dev/zero of="$disk" bs=1M count=8 2>/dev/null

# By what an IOThread waits: io_uring where it may, or else ppoll.
wait_by()
{
	case $1 in
	io_uring) echo 0 ;;
	ppoll) echo 2 ;;
	esac >/proc/sys/kernel/io_uring_disabled
}

# machine NANOSECONDS READS DEPTH DISK...: NANOSECONDS is how long the IOThread at most looks at memory before it waits,
# DISK the options that make the disk "d", whose node or drive is named so.
machine()
{
	most=$1 reads=$2 depth=$3
	shift 3
	timeout -s KILL 60 "$here/qemu-system-x86_64" -L /usr/share/seabios -L /usr/share/qemu -M pc -accel kvm -cpu host -m 64 \
		-nodefaults -display none -no-reboot -kernel "$here/guest.elf" -append "reads=$reads depth=$depth" \
		-object "iothread,id=thread,poll-max-ns=$most" "$@" \
		-device virtio-blk-pci,drive=d,iothread=thread,num-queues=1
}
