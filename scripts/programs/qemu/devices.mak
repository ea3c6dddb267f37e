# SPDX-License-Identifier: GPL-2.0
#
# The least that a PC with a virtio-blk disk and a serial line is made of.
CONFIG_I440FX=y
CONFIG_SERIAL_ISA=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_PCI=y
