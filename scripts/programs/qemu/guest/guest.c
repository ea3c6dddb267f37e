// SPDX-License-Identifier: GPL-2.0
/*
 * A guest that does nothing but read from a virtio-blk disk: 4 KiB at a time, by interrupt, with event indices, so that
 * it kicks the device only where that asks for it. On its command line, "reads=N depth=N": how many, and how many of them
 * at a time. It says what they took by the time-stamp counter, and ends the machine.
 *
 * Virtio 1.x by PCI, as the specification has it; one queue, one vector of MSI-X.
 */
#include <stdint.h>

extern void on_disk(void), on_anything_else(void);
_Noreturn extern void end(void);

#define QUEUE_SIZE	128
#define MOST_AT_A_TIME	32
#define SIZE		4096
#define WARM_UP		300

#define CODE_SEGMENT	8
#define DISK_VECTOR	0x40
#define APIC		0xfee00000ul
#define APIC_TPR	0x80
#define APIC_SPURIOUS	0xf0

/* --- ports and memory of devices --- */

static inline void out8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out32(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#define DEVICE(type, address)	(*(volatile type *)(address))

static inline uint64_t time_stamp(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return low | (uint64_t)high << 32;
}

static inline void full_barrier(void)
{
	asm volatile("mfence" : : : "memory");
}

/* --- what is said, by the serial line --- */

static void say(const char *text)
{
	while (*text)
		out8(0x3f8, *text++);
}

static void say_number(uint64_t number)
{
	char digits[21] = "";
	int at = 20;

	do
		digits[--at] = '0' + number % 10;
	while (number /= 10);
	say(digits + at);
}

_Noreturn static void fail(const char *text)
{
	say(text);
	say("\n");
	end();
}

/* --- PCI --- */

static uint32_t pci_read(int device, int at)
{
	out32(0xcf8, 0x80000000 | device << 11 | (at & ~3));
	return in32(0xcfc);
}

static void pci_write(int device, int at, uint32_t value)
{
	out32(0xcf8, 0x80000000 | device << 11 | (at & ~3));
	out32(0xcfc, value);
}

static uint64_t pci_bar(int device, int number)
{
	uint32_t low = pci_read(device, 0x10 + 4 * number);
	uint64_t high = (low & 6) == 4 ? pci_read(device, 0x14 + 4 * number) : 0;

	return (low & ~15u) | high << 32;
}

static int find_disk(void)
{
	for (int device = 0; device < 32; device++) {
		uint32_t id = pci_read(device, 0);

		if (id == 0x10011af4 || id == 0x10421af4)
			return device;
	}
	fail("there is no virtio-blk disk");
}

/* --- the queue --- */

static struct descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
} descriptors[QUEUE_SIZE] __attribute__((aligned(SIZE)));

static volatile struct {
	uint16_t flags, index, ring[QUEUE_SIZE], used_event;
} available __attribute__((aligned(SIZE)));

static volatile struct {
	uint16_t flags, index;
	struct {
		uint32_t id, length;
	} ring[QUEUE_SIZE];
	uint16_t available_event;
} used __attribute__((aligned(SIZE)));

static struct {
	uint32_t type, priority;
	uint64_t sector;
} headers[MOST_AT_A_TIME];

static volatile uint8_t results[MOST_AT_A_TIME];
static uint8_t data[MOST_AT_A_TIME][SIZE] __attribute__((aligned(SIZE)));
static uint64_t doorbell;
static uint16_t seen, kicked;

/* A request is a chain of three: its header, the data, and one byte for its result. */
static void lay_out(void)
{
	for (int slot = 0; slot < MOST_AT_A_TIME; slot++) {
		struct descriptor *first = &descriptors[3 * slot];

		first[0] = (struct descriptor){ (uintptr_t)&headers[slot], sizeof(headers[slot]), 1, 3 * slot + 1 };
		first[1] = (struct descriptor){ (uintptr_t)data[slot], SIZE, 3, 3 * slot + 2 };
		first[2] = (struct descriptor){ (uintptr_t)&results[slot], 1, 2, 0 };
	}
}

static void submit(int slot, uint64_t number)
{
	headers[slot].sector = number % 1000 * (SIZE / 512);
	available.ring[available.index % QUEUE_SIZE] = 3 * slot;
	asm volatile("" : : : "memory");
	available.index++;
}

/* Tell the device, unless it is at work, and will see them by itself. */
static void kick(void)
{
	uint16_t fresh = available.index - kicked;

	full_barrier();
	if ((uint16_t)(available.index - used.available_event - 1) < fresh)
		DEVICE(uint16_t, doorbell) = 0;
	kicked = available.index;
}

static void read_disk(uint64_t reads, int depth)
{
	uint64_t started = 0, done = 0;

	for (int slot = 0; slot < depth && started < reads; slot++)
		submit(slot, started++);
	kick();
	while (done < reads) {
		asm volatile("cli");
		available.used_event = seen;
		full_barrier();
		while (used.index == seen)
			asm volatile("sti; hlt; cli" : : : "memory");
		asm volatile("sti");
		while (used.index != seen) {
			int slot = used.ring[seen++ % QUEUE_SIZE].id / 3;

			done++;
			if (results[slot])
				fail("a read failed");
			if (started < reads)
				submit(slot, started++);
		}
		kick();
	}
}

/* --- the start --- */

static void accept_interrupts(int device, int msix)
{
	static struct {
		uint16_t low, segment;
		uint8_t stack, type;
		uint16_t middle;
		uint32_t high, zero;
	} __attribute__((packed)) gates[256] __attribute__((aligned(16)));
	struct {
		uint16_t length;
		uint64_t start;
	} __attribute__((packed)) pointer = { sizeof(gates) - 1, (uintptr_t)gates };
	uint32_t place = pci_read(device, msix + 4);
	uint64_t table = pci_bar(device, place & 7) + (place & ~7u);

	for (int vector = 0; vector < 256; vector++) {
		uint64_t to = (uintptr_t)(vector == DISK_VECTOR ? on_disk : on_anything_else);

		gates[vector].low = to;
		gates[vector].segment = CODE_SEGMENT;
		gates[vector].type = 0x8e;
		gates[vector].middle = to >> 16;
		gates[vector].high = to >> 32;
	}
	asm volatile("lidt %0" : : "m"(pointer));
	/* Those of the old controllers stay away. */
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	DEVICE(uint32_t, APIC + APIC_SPURIOUS) = 0x1ff;
	DEVICE(uint32_t, APIC + APIC_TPR) = 0;
	pci_write(device, msix, pci_read(device, msix) | 0x80000000);
	DEVICE(uint32_t, table) = APIC;
	DEVICE(uint32_t, table + 4) = 0;
	DEVICE(uint32_t, table + 8) = DISK_VECTOR;
	DEVICE(uint32_t, table + 12) = 0;
}

static void start_disk(void)
{
	enum { FEATURE_PAGE = 8, FEATURES = 12, STATUS = 20, QUEUE = 22, COUNT = 24, VECTOR = 26, ENABLE = 28, DOORBELL = 30,
	       DESCRIPTORS = 32, AVAILABLE = 40, USED = 48 };
	enum { ACKNOWLEDGED = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8 };
	int device = find_disk(), msix = 0;
	uint64_t common = 0, doorbells = 0;
	uint32_t multiplier = 0;

	for (int at = pci_read(device, 0x34) & 0xfc; at; at = pci_read(device, at) >> 8 & 0xfc) {
		uint32_t head = pci_read(device, at);
		uint64_t address;

		if ((head & 0xff) == 0x11)
			msix = at;
		if ((head & 0xff) != 9)
			continue;
		address = pci_bar(device, pci_read(device, at + 4) & 0xff) + pci_read(device, at + 8);
		if (head >> 24 == 1)
			common = address;
		if (head >> 24 == 2) {
			doorbells = address;
			multiplier = pci_read(device, at + 16);
		}
	}
	if (!common || !doorbells || !msix)
		fail("the disk is none of virtio 1.x with MSI-X");
	pci_write(device, 4, (pci_read(device, 4) & 0xffff) | 6);
	accept_interrupts(device, msix);
	DEVICE(uint8_t, common + STATUS) = 0;
	while (DEVICE(uint8_t, common + STATUS))
		;
	DEVICE(uint8_t, common + STATUS) = ACKNOWLEDGED | DRIVER;
	DEVICE(uint32_t, common + FEATURE_PAGE) = 0;
	DEVICE(uint32_t, common + FEATURES) = 1u << 29;		/* event indices */
	DEVICE(uint32_t, common + FEATURE_PAGE) = 1;
	DEVICE(uint32_t, common + FEATURES) = 1;		/* version 1 */
	DEVICE(uint8_t, common + STATUS) = ACKNOWLEDGED | DRIVER | FEATURES_OK;
	if (!(DEVICE(uint8_t, common + STATUS) & FEATURES_OK))
		fail("the disk does without event indices");
	DEVICE(uint16_t, common + QUEUE) = 0;
	DEVICE(uint16_t, common + COUNT) = QUEUE_SIZE;
	DEVICE(uint16_t, common + VECTOR) = 0;
	if (DEVICE(uint16_t, common + VECTOR))
		fail("the disk gives its queue no interrupt");
	lay_out();
	/* All is below 4 GiB; the upper halves are 0. */
	DEVICE(uint32_t, common + DESCRIPTORS) = (uintptr_t)descriptors;
	DEVICE(uint32_t, common + AVAILABLE) = (uintptr_t)&available;
	DEVICE(uint32_t, common + USED) = (uintptr_t)&used;
	doorbell = doorbells + DEVICE(uint16_t, common + DOORBELL) * multiplier;
	DEVICE(uint16_t, common + ENABLE) = 1;
	DEVICE(uint8_t, common + STATUS) = ACKNOWLEDGED | DRIVER | FEATURES_OK | DRIVER_OK;
}

/* The number behind NAME= on the command line. */
static uint64_t option(const char *line, const char *name)
{
	uint64_t number = 0;
	int length;

	for (; *line; line++) {
		for (length = 0; name[length] && line[length] == name[length]; length++)
			;
		if (name[length])
			continue;
		for (line += length; *line >= '0' && *line <= '9'; line++)
			number = 10 * number + *line - '0';
		return number;
	}
	fail("the command line is not \"reads=N depth=N\"");
}

void main(uint32_t start_info)
{
	const char *line = (const char *)*(uint64_t *)(uintptr_t)(start_info + 24);
	uint64_t reads = option(line, "reads="), depth = option(line, "depth="), begin;

	if (depth < 1 || depth > MOST_AT_A_TIME)
		fail("depth= has to be 1 to 32");
	start_disk();
	read_disk(WARM_UP, depth);
	begin = time_stamp();
	read_disk(reads, depth);
	begin = time_stamp() - begin;
	say("reads ");
	say_number(reads);
	say(" took ");
	say_number(begin);
	fail("");
}
