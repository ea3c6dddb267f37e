/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Entry of a guest without a kernel, by PVH (Xen's direct boot): 32-bit, no
 * paging, the address of struct hvm_start_info in ebx. The first 512 GiB are
 * mapped one to one, and main() is called in 64-bit mode.
 */
#define PRESENT_WRITABLE	0x3
#define LARGE_PAGE		0x80
#define CR4_PAE			0x20
#define CR4_SSE			0x600
#define CR0_PG_WP_ET_PE		0x80010011
#define MSR_EFER		0xc0000080
#define EFER_LME		0x100
#define APIC_EOI		0xfee000b0

	.section .note.pvh, "a", @note
	.align	4
	.long	4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start

	.section .text.start, "ax"
	.code32
	.globl	start
start:
	cli
	movl	$stack_end, %esp
	movl	%ebx, start_info
	movl	$page_directories + PRESENT_WRITABLE, page_map
	xorl	%ecx, %ecx
1:	movl	%ecx, %eax
	shll	$30, %eax
	orl	$(LARGE_PAGE | PRESENT_WRITABLE), %eax
	movl	%eax, page_directories(, %ecx, 8)
	movl	%ecx, %eax
	shrl	$2, %eax
	movl	%eax, page_directories + 4(, %ecx, 8)
	incl	%ecx
	cmpl	$512, %ecx
	jne	1b
	movl	$(CR4_PAE | CR4_SSE), %eax
	movl	%eax, %cr4
	movl	$page_map, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	$CR0_PG_WP_ET_PE, %eax
	movl	%eax, %cr0
	lgdt	descriptors_pointer
	ljmp	$8, $in_64_bits

	.code64
in_64_bits:
	movw	$16, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movq	$stack_end, %rsp
	movl	start_info, %edi
	call	main

/* The disk's interrupt. Whoever waits looks at the ring. */
	.globl	on_disk
on_disk:
	pushq	%rax
	movl	$APIC_EOI, %eax
	movl	$0, (%rax)
	popq	%rax
	iretq

/* Any other one: there is none to expect. */
	.globl	on_anything_else
on_anything_else:
	movw	$0x3f8, %dx
	movb	$'!', %al
	outb	%al, %dx

/* A triple fault ends the machine. */
	.globl	end
end:
	cli
	lidt	nothing
	int3

	.data
	.align	8
descriptors:
	.quad	0, 0x00af9a000000ffff, 0x00cf92000000ffff
descriptors_pointer:
	.word	23
	.long	descriptors
	.long	0
nothing:
	.quad	0, 0
start_info:
	.long	0

	.bss
	.align	4096
page_map:
	.skip	4096
page_directories:
	.skip	4096
	.skip	16384
stack_end:

	.section .note.GNU-stack, "", @progbits
