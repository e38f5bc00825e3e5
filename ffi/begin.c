/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Where dist/ipcdump starts, when the system's loader is done: graft.ts puts this beside Bun and has the kernel name it
 * as the entry point. Bun's own comes next, and finds everything as if it were the first.
 */
#include "begin.h"

__attribute__((used)) static unsigned long ipcdump_begin(unsigned long *stack)
{
	begin(stack);
	if (call(FACCESSAT, AT_FDCWD, (long)"/proc/self/exe", 0) == -ENOENT)
		refuse("ipcdump: /proc is not mounted; mount it: mount -t proc proc /proc, or take ipcdump-static\n");
	return ipcdump_program.entry;
}

#if defined(__x86_64__)
/* rdx is what the loader wants to be called at the end */
__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	mov %rsp, %rbx\n"
	"	mov %rdx, %r12\n"
	"	mov %rsp, %rdi\n"
	"	and $-16, %rsp\n"
	"	call ipcdump_begin\n"
	"	mov %rbx, %rsp\n"
	"	mov %r12, %rdx\n"
	"	jmp *%rax\n");
#else
/* x0 is what the loader wants to be called at the end */
__asm__(".text\n"
	".globl _start\n"
	"_start:\n"
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	bl ipcdump_begin\n"
	"	mov x16, x0\n"
	"	mov x0, x19\n"
	"	br x16\n");
#endif
