/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instruction forms of decoder_diff, by mode and group: those that Linux, SeaBIOS and the
 * kernel's selftests use on MMIO, and the rest of the general-purpose ones that touch memory.
 * SDM volume 2. Each line is one test case: undefined flags, then the instruction. RBX, RBP,
 * RSI, RDI, R12 and R13 point into the operand page, R8 and RCX are small, see decoder_diff.c.
 */
#define AF 0x10
#define OF 0x800
#define BITF 0x894	/* OF SF AF PF, by BT and its relatives */
#define MULF 0xd4	/* SF ZF AF PF */
#define SHF 0x810	/* OF AF */
#define BSF 0x895	/* all but ZF */
#define ALL 0x8d5

	/* One instruction; commas belong to it. */
	.macro I undef, text:vararg
	.text
7:	\text
	hlt
	.section .rodata
8:	.asciz "\text"
	.section dd64, "a"
	.quad 7b, 8b, \undef, dd_group
	.text
	.endm

	/* Up to four instructions, each in quotes. */
	.macro S undef, a, b, c, d
	.text
7:	\a
	\b
	\c
	\d
	hlt
	.section .rodata
8:	.asciz "\a; \b; \c; \d"
	.section dd64, "a"
	.quad 7b, 8b, \undef, dd_group
	.text
	.endm

	.macro I32 undef, text:vararg
	.text
	.code32
7:	\text
	hlt
	.code64
	.section .rodata
8:	.asciz "[32] \text"
	.section dd32, "a"
	.quad 7b, 8b, \undef, dd_group
	.text
	.endm

	.macro I16 undef, text:vararg
	.section dd16text, "ax"
	.code16
7:	\text
	hlt
	.code64
	.section .rodata
8:	.asciz "[16] \text"
	.section dd16, "a"
	.quad 7b, 8b, \undef, dd_group
	.text
	.endm

	/* Up to six instructions in each of the modes, each in quotes. */
	.macro LINES a, b, c, d, e, f
	\a
	\b
	\c
	\d
	\e
	\f
	hlt
	.endm

	.macro S64 a, b, c, d, e, f
	.text
7:	LINES "\a", "\b", "\c", "\d", "\e", "\f"
	.section .rodata
8:	.asciz "\a; \b; \c; \d; \e; \f"
	.section dd64, "a"
	.quad 7b, 8b, 0, dd_group
	.text
	.endm

	.macro S32 a, b, c, d, e, f
	.text
	.code32
7:	LINES "\a", "\b", "\c", "\d", "\e", "\f"
	.code64
	.section .rodata
8:	.asciz "[32] \a; \b; \c; \d; \e; \f"
	.section dd32, "a"
	.quad 7b, 8b, 0, dd_group
	.text
	.endm

	.macro S16 a, b, c, d, e, f
	.section dd16text, "ax"
	.code16
7:	LINES "\a", "\b", "\c", "\d", "\e", "\f"
	.code64
	.section .rodata
8:	.asciz "[16] \a; \b; \c; \d; \e; \f"
	.section dd16, "a"
	.quad 7b, 8b, 0, dd_group
	.text
	.endm

	.set DD_VA, 0x210200

	.text
	.code64

	.set dd_group, 0		/* mov */
	I 0, mov (%rbx), %al
	I 0, mov (%rbx), %ah
	I 0, mov (%rbx), %ax
	I 0, mov (%rbx), %eax
	I 0, mov (%rbx), %rax
	I 0, mov (%rbx), %sil
	I 0, mov (%rbx), %r9b
	I 0, mov (%rbx), %r10w
	I 0, mov (%rbx), %r11d
	I 0, mov (%rbx), %r15
	I 0, mov %al, (%rbx)
	I 0, mov %dh, (%rbx)
	I 0, mov %bpl, (%rbx)
	I 0, mov %ax, (%rbx)
	I 0, mov %eax, (%rbx)
	I 0, mov %rax, (%rbx)
	I 0, mov %r9b, (%rbx)
	I 0, mov %r14, (%rbx)
	I 0, movb $0x5a, (%rbx)
	I 0, movw $0xa55a, (%rbx)
	I 0, movl $0x89abcdef, (%rbx)
	I 0, movq $-2, (%rbx)
	I 0, movabs DD_VA, %al
	I 0, movabs DD_VA, %ax
	I 0, movabs DD_VA, %eax
	I 0, movabs DD_VA, %rax
	I 0, movabs %al, DD_VA
	I 0, movabs %ax, DD_VA
	I 0, movabs %eax, DD_VA
	I 0, movabs %rax, DD_VA
	I 0, mov %ds, (%rbx)
	I 0, mov %cs, 2(%rbx)
	I 0, movnti %eax, (%rbx)
	I 0, movnti %r9, (%rbx)

	.set dd_group, 1		/* movzx, movsx */
	I 0, movzbw (%rbx), %ax
	I 0, movzbl (%rbx), %eax
	I 0, movzbq (%rbx), %rax
	I 0, movzwl (%rbx), %eax
	I 0, movzwq (%rbx), %r9
	I 0, movzbl 1(%rbx), %r15d
	I 0, movsbw (%rbx), %ax
	I 0, movsbl (%rbx), %eax
	I 0, movsbq (%rbx), %rax
	I 0, movswl (%rbx), %eax
	I 0, movswq (%rbx), %r10
	I 0, movslq (%rbx), %rax
	I 0, movsbl 3(%rbx), %r11d

	.set dd_group, 2		/* addressing and prefixes */
	I 0, mov 8(%rbx), %rax
	I 0, mov -0x40(%rbx), %eax
	I 0, mov 0x123(%rbx), %eax
	I 0, mov -0x123(%rbx), %rax
	I 0, mov (%rbx,%r8), %eax
	I 0, mov (%rbx,%r8,2), %eax
	I 0, mov (%rbx,%r8,4), %eax
	I 0, mov 0x10(%rbx,%r8,8), %rax
	I 0, mov 0x1000-0xf00(%rbx,%rcx,8), %rax
	I 0, mov (%rbp), %eax
	I 0, mov (%rbp,%r8,4), %rax
	I 0, mov (%r12), %eax
	I 0, mov 4(%r12), %eax
	I 0, mov (%r13), %eax
	I 0, mov (%r13,%r8), %eax
	I 0, mov DD_VA(,%r8,8), %rax
	I 0, mov DD_VA, %eax
	I 0, mov DD_VA(%rip), %eax
	I 0, mov %rax, DD_VA(%rip)
	I 0, movl $0x12345678, DD_VA(%rip)
	I 0, movb $0x77, DD_VA+3(%rip)
	I 0, andl $0xff00ff, DD_VA(%rip)
	I 0, mov (%ebx), %eax
	I 0, mov 4(%ebx,%r8d,4), %rax
	I 0, mov %eax, DD_VA(%eip)
	I 0, mov %fs:0x20, %rax
	I 0, mov %eax, %gs:0x30
	I 0, mov %gs:(%r8), %al
	I 0, .byte 0x3e, 0x8b, 0x03
	I 0, .byte 0x26, 0x8b, 0x03
	I 0, .byte 0x66, 0x66, 0x8b, 0x03
	I 0, .byte 0x66, 0x48, 0x8b, 0x03
	I 0, .byte 0x48, 0x66, 0x8b, 0x03
	I 0, .byte 0xf3, 0x8b, 0x03
	I 0, .byte 0xf2, 0x89, 0x03
	I 0, .byte 0x67, 0x8b, 0x03
	I 0, .byte 0x4f, 0x8b, 0x1c, 0x24

	.set dd_group, 3		/* strings */
	I 0, movsb
	I 0, movsw
	I 0, movsl
	I 0, movsq
	I 0, stosb
	I 0, stosw
	I 0, stosl
	I 0, stosq
	I 0, lodsb
	I 0, lodsw
	I 0, lodsl
	I 0, lodsq
	I 0, rep movsb
	I 0, rep movsw
	I 0, rep movsl
	I 0, rep movsq
	I 0, rep stosb
	I 0, rep stosw
	I 0, rep stosl
	I 0, rep stosq
	I 0, rep lodsb
	I 0, rep lodsl
	I 0, repne movsl
	I 0, addr32 movsl
	I 0, addr32 stosl
	I 0, fs lodsl
	S 0, "std", "rep movsl", "cld"
	S 0, "std", "rep stosw", "cld"
	S 0, "std", "lodsq", "cld"
	S 0, "xor %ecx, %ecx", "rep movsb"
	S 0, "xor %ecx, %ecx", "rep stosq"
	S 0, "lea stack_page(%rip), %rdi", "rep movsl"
	S 0, "lea stack_page(%rip), %rsi", "rep movsq"
	S 0, "lea stack_page(%rip), %rsi", "movsb", "movsw", "movsl"

	.set dd_group, 4		/* and or xor add sub cmp test */
	.macro alu op, undef
	I \undef, \op %al, (%rbx)
	I \undef, \op %dx, (%rbx)
	I \undef, \op %edx, (%rbx)
	I \undef, \op %rdx, (%rbx)
	I \undef, \op (%rbx), %al
	I \undef, \op (%rbx), %dx
	I \undef, \op (%rbx), %edx
	I \undef, \op (%rbx), %r9
	I \undef, \op\()b $0x85, (%rbx)
	I \undef, \op\()w $0x8123, (%rbx)
	I \undef, \op\()w $-3, (%rbx)
	I \undef, \op\()l $0x81234567, (%rbx)
	I \undef, \op\()l $-3, (%rbx)
	I \undef, \op\()q $-0x7654321, (%rbx)
	I \undef, \op\()q $0x7f, (%rbx)
	.endm
	alu and, AF
	alu or, AF
	alu xor, AF
	alu add, 0
	alu sub, 0
	alu cmp, 0
	alu adc, 0
	alu sbb, 0
	I AF, lock orl $0x10, (%rbx)
	I AF, lock andb $0xf0, (%rbx)
	I 0, lock addq $1, (%rbx)
	I 0, lock subw %ax, (%rbx)
	I AF, test %al, (%rbx)
	I AF, test %dx, (%rbx)
	I AF, test %edx, (%rbx)
	I AF, test %rdx, (%rbx)
	I AF, testb $0x81, (%rbx)
	I AF, testw $0x8001, (%rbx)
	I AF, testl $0x80000001, (%rbx)
	I AF, testq $-0x100, (%rbx)

	.set dd_group, 5		/* xchg, cmpxchg, xadd */
	I 0, xchg %al, (%rbx)
	I 0, xchg %dx, (%rbx)
	I 0, xchg %edx, (%rbx)
	I 0, xchg %r9, (%rbx)
	I 0, lock xchg %eax, (%rbx)
	I 0, cmpxchg %dl, (%rbx)
	I 0, cmpxchg %dx, (%rbx)
	I 0, cmpxchg %edx, (%rbx)
	I 0, cmpxchg %rdx, (%rbx)
	I 0, lock cmpxchg %r9d, (%rbx)
	S 0, "mov (%r12), %rax", "cmpxchg %rdx, (%r12)"
	S 0, "mov (%r12), %eax", "lock cmpxchg %edx, (%r12)"
	S 0, "mov (%r12), %al", "cmpxchg %dl, (%r12)"
	I 0, xadd %al, (%rbx)
	I 0, xadd %dx, (%rbx)
	I 0, xadd %edx, (%rbx)
	I 0, lock xadd %r9, (%rbx)

	.set dd_group, 6		/* bits */
	.macro bits op
	I BITF, \op\()w $5, (%rbx)
	I BITF, \op\()l $31, (%rbx)
	I BITF, \op\()q $63, (%rbx)
	I BITF, \op\()l $37, (%rbx)
	I BITF, \op %r8w, (%rbx)
	I BITF, \op %r8d, (%rbx)
	I BITF, \op %r8, (%rbx)
	I BITF, \op %r14, (%rbx)
	I BITF, \op %r14d, (%rbx)
	I BITF, \op %r15, (%rbx)
	.endm
	bits bt
	bits bts
	bits btr
	bits btc
	I BITF, lock btsl $4, (%rbx)
	I BITF, lock btr %r8d, (%rbx)

	.set dd_group, 7		/* push, pop */
	S 0, "pushq (%rbx)", "pop %r9"
	S 0, "pushw (%rbx)", "pop %r9w"
	S 0, "push %rdx", "popq (%rbx)"
	S 0, "push %dx", "popw (%rbx)"
	S 0, "push %rdx", "popq 8(%rbx,%r8,8)"

	.set dd_group, 8		/* the rest of the one-operand and shift groups */
	I 0, incb (%rbx)
	I 0, incl (%rbx)
	I 0, lock incq (%rbx)
	I 0, decw (%rbx)
	I 0, lock decl (%rbx)
	I 0, notb (%rbx)
	I 0, notq (%rbx)
	I 0, negl (%rbx)
	I 0, negq (%rbx)
	I SHF, shll $3, (%rbx)
	I AF, shrq (%rbx)
	I SHF, sarl %cl, (%rbx)
	I OF, roll $5, (%rbx)
	I OF, rorw %cl, (%rbx)
	I MULF, mulb (%rbx)
	I MULF, mull (%rbx)
	I MULF, imulq (%rbx)
	I MULF, imul (%rbx), %edx
	I MULF, imul $-5, (%rbx), %rdx
	I 0, sete (%rbx)
	I 0, setc (%rbx)
	I 0, setg (%rbx)
	I 0, cmovc (%rbx), %eax
	I 0, cmovnc (%rbx), %rdx
	I 0, cmovs (%rbx), %dx
	I 0, cmpsb
	I 0, cmpsl
	I 0, scasb
	I 0, scasq
	I 0, repe cmpsb
	I 0, repne cmpsb
	I 0, repne scasl
	I 0, repe scasw
	I BSF, bsf (%rbx), %eax
	I BSF, bsr (%rbx), %rdx

	.set dd_group, 9		/* 32-bit mode */
	I32 0, mov (%ebx), %al
	I32 0, mov (%ebx), %ax
	I32 0, mov (%ebx), %eax
	I32 0, mov %eax, (%ebx)
	I32 0, mov %dh, 5(%ebx)
	I32 0, movw $0x1234, (%ebx)
	I32 0, movl $0x12345678, 0x44(%ebx)
	I32 0, mov DD_VA, %eax
	I32 0, mov %eax, DD_VA
	I32 0, mov DD_VA, %al
	I32 0, mov DD_VA(,%ecx,4), %edx
	I32 0, mov (%ebx,%ecx,8), %edx
	I32 0, mov 4(%ebp), %edx
	I32 0, mov (%esi,%ecx), %dl
	I32 0, movzbl (%ebx), %eax
	I32 0, movswl (%ebx), %edx
	I32 0, rep movsl
	I32 0, rep movsb
	I32 0, rep stosl
	I32 0, lodsw
	I32 AF, andl $0xf0f0, (%ebx)
	I32 AF, or %edx, (%ebx)
	I32 AF, xor (%ebx), %edx
	I32 0, addb $3, (%ebx)
	I32 0, sub %edx, (%ebx)
	I32 0, cmpl $-1, (%ebx)
	I32 0, .byte 0x82, 0x03, 0x05		/* add $5, (%ebx), by the alias */
	I32 AF, testb $1, (%ebx)
	I32 0, xchg %edx, (%ebx)
	I32 0, lock cmpxchg %edx, (%ebx)
	I32 BITF, btsl $7, (%ebx)
	I32 BITF, bt %ecx, (%ebx)
	I32 0, incl (%ebx)
	I32 0, pushl (%ebx)
	I32 0, popl (%ebx)
	I32 0, fs mov (%ebx), %eax
	I32 0, .byte 0x67, 0x8b, 0x44, 0x04	/* mov 4(%si), %eax */

	.set dd_group, 10		/* real mode */
	I16 0, mov (%bx), %al
	I16 0, mov (%bx), %ax
	I16 0, mov (%bx), %eax
	I16 0, mov %ax, (%bx)
	I16 0, mov %edx, 8(%bx)
	I16 0, mov (%bx,%si), %dx
	I16 0, mov (%bx,%di), %dl
	I16 0, mov %ds:(%bp,%si), %dx
	I16 0, mov %ds:4(%bp,%di), %dx
	I16 0, mov (%si), %dx
	I16 0, mov 0x123(%di), %dx
	I16 0, mov %ds:-4(%bp), %dx
	I16 0, mov 0x234, %ax
	I16 0, mov 0x234, %dx
	I16 0, mov %al, 0x235
	I16 0, movb $0x7e, (%bx)
	I16 0, movw $0x1234, (%bx)
	I16 0, movl $0x12345678, 3(%bx)
	I16 0, es mov %ax, (%di)
	I16 0, mov (%ebx), %eax
	I16 0, mov 4(%ebx,%ecx,4), %dx
	I16 0, movzbw (%bx), %dx
	I16 0, movsbl (%bx), %edx
	I16 0, rep movsb
	I16 0, rep movsw
	I16 0, rep stosw
	I16 0, rep stosl
	I16 0, lodsb
	I16 0, lodsl
	I16 AF, andw $0xff, (%bx)
	I16 AF, orb $0x80, (%bx)
	I16 AF, xor %dx, (%bx)
	I16 0, add %dx, (%bx)
	I16 0, cmpw $5, (%bx)
	I16 AF, test %dl, (%bx)
	I16 0, xchg %dx, (%bx)
	I16 BITF, btsw $3, (%bx)
	I16 0, incw (%bx)
	I16 0, pushw (%bx)
	I16 0, popw (%bx)

	/* Stack, segments, system registers, x87 and MMX; the stack pointer is in the page. */
	.set dd_group, 11
	S64 "pushfq"
	S64 "pushfw"
	S64 "pushq $0x3ed7", "popfq"
	S64 "pushq $0x246", "popfw"
	S64 "enter $0x10, $0"
	S64 "enter $0x18, $1"
	S64 "enter $0x18, $4"
	S64 "leave"
	S64 "movw $0x10, (%rbx)", "mov (%rbx), %ds"
	S64 "movw $0x10, (%rbx)", "mov (%rbx), %es"
	S64 "movw $0x23, (%rbx)", "mov (%rbx), %fs"
	S64 "movw $0, (%rbx)", "mov (%rbx), %gs"
	S64 "movw $0x10, (%rbx)", "mov (%rbx), %ss"
	S64 "movw $0, (%rbx)", "mov (%rbx), %ss"
	S64 "pushq $0x10", "popq %fs"
	S64 "pushq $0x23", "popq %gs"
	S64 "movw $0x10, 4(%rbx)", "lss (%rbx), %eax"
	S64 "movw $0x10, 4(%rbx)", "lfs (%rbx), %eax"
	S64 "movw $0x23, 8(%rbx)", ".byte 0x48, 0x0f, 0xb5, 0x03"	/* lgs (%rbx), %rax */
	S64 "movw $0x10, 2(%rbx)", "lfs (%rbx), %ax"
	S64 "mov $9f, %eax", "mov %eax, (%rbx)", "movw $8, 4(%rbx)", "ljmp *(%rbx)", "9: nop"
	/* ljmpq *(%rbx) */
	S64 "mov $9f, %eax", "mov %rax, (%rbx)", "movw $8, 8(%rbx)", ".byte 0x48, 0xff, 0x2b", "9: nop"
	S64 "mov $9f, %eax", "mov %eax, (%rbx)", "movw $8, 4(%rbx)", "lcall *(%rbx)", "9: nop"
	S64 "mov $9f, %eax", "pushq $8", "push %rax", "lretq", "9: nop"
	S64 "mov $9f, %eax", "pushq $8", "push %rax", "lretq $0x20", "9: nop"
	S64 "sldt (%rbx)"
	S64 "str (%rbx)"
	S64 "movw $0, (%rbx)", "lldt (%rbx)"
	S64 "movb $0x89, 0x1045", "movw $0x40, (%rbx)", "ltr (%rbx)"
	S64 "sgdt (%rbx)"
	S64 "sidt (%rbx)"
	S64 "sgdt (%rbx)", "movw $0x7f, (%rbx)", "lgdt (%rbx)"
	S64 "sidt (%rbx)", "movw $0xeff, (%rbx)", "lidt (%rbx)"
	S64 "smsw (%rbx)"
	S64 "smsw (%rbx)", "xorb $4, (%rbx)", "lmsw (%rbx)"
	S64 "fnstcw (%rbx)"
	S64 "fnstsw (%rbx)"
	S64 "movq (%rbx), %mm3"
	S64 "movq %mm3, 8(%rbx)"
	S64 "movd (%rbx), %mm4"
	S64 "movd %mm4, 8(%rbx)"
	S64 ".byte 0x48, 0x0f, 0x6e, 0x2b"	/* movq (%rbx), %mm5 */
	S64 ".byte 0x48, 0x0f, 0x7e, 0x2b"	/* movq %mm5, (%rbx) */
	S64 "movntq %mm6, (%rbx)"
	S64 "fxsave (%rbx)", "fxrstor (%rbx)"
	S64 "fxsave64 (%rbx)", "movw $0x27f, (%rbx)", "fxrstor64 (%rbx)"
	S64 "movdqu (%rbx), %xmm9"
	S64 "movaps %xmm3, (%rbx)"

	.set dd_group, 12
	S32 "pushal"
	S32 "pushaw"
	S32 "popal"
	S32 "popaw"
	S32 "pushfl"
	S32 "pushl $0x3ed7", "popfl"
	S32 "pushw $0x246", "popfw"
	S32 "enter $0x10, $0"
	S32 "enter $0x18, $3"
	S32 "leave"
	S32 "movw $0x10, (%ebx)", "mov (%ebx), %ds"
	S32 "movw $0x10, (%ebx)", "mov (%ebx), %ss"
	S32 "pushl $0x10", "popl %es"
	S32 "pushl $0x10", "popl %ss"
	S32 "pushl $0x23", "popl %fs"
	S32 "movw $0x10, 4(%ebx)", "les (%ebx), %eax"
	S32 "movw $0x10, 4(%ebx)", "lds (%ebx), %eax"
	S32 "movw $0x10, 4(%ebx)", "lss (%ebx), %eax"
	S32 "movw $0x10, 2(%ebx)", "les (%ebx), %ax"
	S32 "movw $0x23, 4(%ebx)", "lgs (%ebx), %eax"
	S32 "mov $9f, %eax", "mov %eax, (%ebx)", "movw $0x28, 4(%ebx)", "ljmp *(%ebx)", "9: nop"
	S32 "mov $9f, %eax", "mov %eax, (%ebx)", "movw $0x28, 4(%ebx)", "lcall *(%ebx)", "9: nop"
	S32 "lcall $0x28, $9f", "9: nop"
	S32 "mov $9f, %eax", "pushl $0x28", "push %eax", "lret", "9: nop"
	S32 "mov $9f, %eax", "pushl $0x28", "push %eax", "lret $12", "9: nop"
	S32 "mov $9f, %eax", "pushl $0x3ed7", "pushl $0x28", "push %eax", "iret", "9: nop"
	S32 "sldt (%ebx)"
	S32 "str (%ebx)"
	S32 "movw $0, (%ebx)", "lldt (%ebx)"
	S32 "sgdt (%ebx)"
	S32 "sgdt (%ebx)", "movw $0x7f, (%ebx)", "lgdt (%ebx)"
	S32 "sidt (%ebx)", "movw $0x7f, (%ebx)", "lidt (%ebx)"
	S32 "smsw (%ebx)", "xorb $4, (%ebx)", "lmsw (%ebx)"
	S32 "fnstcw (%ebx)"
	S32 "fnstsw (%ebx)"
	S32 "movq (%ebx), %mm3"
	S32 "movq %mm3, 8(%ebx)"
	S32 "movd (%ebx), %mm4"
	S32 "movd %mm4, 8(%ebx)"
	S32 "movntq %mm6, (%ebx)"
	S32 "fxsave (%ebx)", "movw $0x27f, (%ebx)", "fxrstor (%ebx)"

	/* Where label 9 is, which real-mode code alone knows: in DX, and in the pointer at BX. */
	.macro FIND_9
	call 6f
6:	pop %dx
	add $(9f - 6b), %dx
	mov %dx, (%bx)
	mov %cs, 2(%bx)
	.endm

	.set dd_group, 13
	S16 "pushaw"
	S16 "pushal"
	S16 "popaw"
	S16 "popal"
	S16 "pushfw"
	S16 "pushw $0x3ed7", "popfw"
	S16 "pushl $0x3ed7", "popfl"
	S16 "enter $8, $0"
	S16 "enter $8, $2"
	S16 "leave"
	S16 "movw $0x1234, (%bx)", "mov (%bx), %fs", "mov %fs, %eax"
	S16 "pushw $0x4321", "popw %gs", "mov %gs, %eax"
	S16 "movw $0x1234, 2(%bx)", "lfs (%bx), %ax", "mov %fs, %edx"
	S16 "movw $0x1234, 2(%bx)", "les (%bx), %ax", "mov %es, %edx"
	S16 "movw $0x1234, 4(%bx)", "lgs (%bx), %eax", "mov %gs, %edx"
	S16 "FIND_9", "ljmpw *(%bx)", "9: nop"
	S16 "FIND_9", "lcallw *(%bx)", "9: nop"
	S16 "FIND_9", "pushw %cs", "pushw %dx", "lretw", "9: nop"
	S16 "FIND_9", "pushw $0x3ed7", "pushw %cs", "pushw %dx", "iretw", "9: nop"
	S16 "sgdt (%bx)"
	S16 "sidt (%bx)"
	S16 "smsw (%bx)"
	S16 "fnstcw (%bx)"
	S16 "fnstsw (%bx)"
	S16 "movq (%bx), %mm3"
	S16 "movq %mm3, 8(%bx)"
	S16 "movd (%bx), %mm4"
	S16 "movd %mm4, 8(%bx)"

	.data
	.balign 4096
	.globl stack_page
stack_page:
	.fill 4096, 1, 0x3c

	.section .note.GNU-stack, "", @progbits
