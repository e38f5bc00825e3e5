/*
 * What Bun has to find before it can say anything itself. Where it lacks some of it, it panics; so this looks first and
 * says what is missing, and how there is more of it.
 */
#ifndef RESOURCES_H
#define RESOURCES_H

#include "caller.h"
#include "memory.h"

#define CLONE_VM 0x100
#define EAGAIN 11
#define ENOENT 2
#define WALL 0x40000000 /* a child that tells nobody of its end, too */
#define FUTEX_WAKE 1
#define RLIMIT_STACK 3
#define RLIMIT_AS 9

/* In bytes: a reserve for the code that JavaScriptCore makes is most of the first. With less than these Bun ends at once */
#define ADDRESS_SPACE (3ul << 30)
#define STACK (256ul << 10)
#define DESCRIPTORS 6
/* With less in its cgroup the kernel ends Bun before it has said anything. To trace takes more: src/attach/memory.ts */
#define MEMORY (32ul << 20)
/* As many threads as it has when it traces: some always, and some for each processor */
#define THREADS 6
#define MOST_THREADS 24

__attribute__((noreturn)) static void refuse(const char *why)
{
	long length = 0;

	while (why[length])
		length++;
	call(WRITE, 2, (long)why, length);
	leave(1);
}

static const struct {
	long seconds, nanoseconds;
} one_second = {1, 0};
static unsigned released;

/* Another process, in the same memory, that waits until it is released: its number, or -errno. It has no stack of its own */
#if defined(__x86_64__)
static long wait_aside(void)
{
	register const void *timeout __asm__("r12") = &one_second;
	long result;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "mov %[futex], %%eax\n\t"
			 "mov %%rbx, %%rdi\n\t"
			 "xor %%esi, %%esi\n\t"
			 "xor %%edx, %%edx\n\t"
			 "mov %%r12, %%r10\n\t"
			 "syscall\n\t"
			 "mov %[exit], %%eax\n\t"
			 "xor %%edi, %%edi\n\t"
			 "syscall\n"
			 "1:"
			 : "=a"(result)
			 : "a"(CLONE), "D"(CLONE_VM), "S"(0), "d"(0), "b"(&released), "r"(timeout),
			   [futex] "i"(FUTEX), [exit] "i"(EXIT_GROUP)
			 : "rcx", "r11", "memory");
	return result;
}
#else
static long wait_aside(void)
{
	register long number __asm__("x8") = CLONE;
	register long result __asm__("x0") = CLONE_VM;
	register long stack __asm__("x1") = 0;
	register long parent_number __asm__("x2") = 0;
	register long storage __asm__("x3") = 0;
	register long child_number __asm__("x4") = 0;
	register const void *futex __asm__("x9") = &released;
	register const void *timeout __asm__("x10") = &one_second;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x0, x9\n\t"
			 "mov x3, x10\n\t"
			 "mov x8, %[wait]\n\t"
			 "svc 0\n\t"
			 "mov x0, 0\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc 0\n"
			 "1:"
			 : "+r"(result)
			 : "r"(number), "r"(stack), "r"(parent_number), "r"(storage), "r"(child_number), "r"(futex),
			   "r"(timeout), [wait] "i"(FUTEX), [exit] "i"(EXIT_GROUP)
			 : "memory");
	return result;
}
#endif

static int processors(void)
{
	static unsigned char mask[1024];
	long length = call(SCHED_GETAFFINITY, 0, sizeof(mask), (long)mask);
	int count = 0;

	for (long i = 0; i < length; i++)
		for (unsigned bits = mask[i]; bits; bits &= bits - 1)
			count++;
	return count;
}

/* Whether there are numbers for Bun's threads: as many processes are made at once, which the kernel numbers alike */
static int has_numbers(void)
{
	int threads = THREADS + processors();
	int wanted = threads < MOST_THREADS ? threads : MOST_THREADS;
	long made[MOST_THREADS];
	int count = 0;

	while (count < wanted) {
		made[count] = wait_aside();
		if (made[count] < 0)
			break;
		count++;
	}
	/* whoever plays the kernel (QEMU) may have no such processes */
	if (count < wanted && made[count] != -EAGAIN)
		wanted = count;
	released = 1;
	call(FUTEX, (long)&released, FUTEX_WAKE, MOST_THREADS);
	for (int i = 0; i < count; i++)
		while (call5(WAIT4, made[i], 0, WALL, 0, 0) == -EINTR)
			;
	return count == wanted;
}

static unsigned long limit(int resource)
{
	unsigned long limits[2];

	return call5(PRLIMIT64, 0, resource, 0, (long)limits, 0) < 0 ? -1ul : limits[0];
}

static void check_resources(unsigned long memory)
{
	static char folder[4096];

	if (limit(RLIMIT_AS) < ADDRESS_SPACE)
		refuse("ipcdump: too little address space; raise its limit: ulimit -v 8000000\n");
	if (limit(RLIMIT_NOFILE) < DESCRIPTORS)
		refuse("ipcdump: too few descriptors; raise their limit: ulimit -n 1024\n");
	if (limit(RLIMIT_STACK) < STACK)
		refuse("ipcdump: too little stack; raise its limit: ulimit -s 8192\n");
	if (memory < MEMORY)
		refuse("ipcdump: too little memory in its cgroup; raise memory.max (memory.limit_in_bytes in version 1)"
		       " to 200M\n");
	if (call(GETCWD, (long)folder, sizeof(folder), 0) == -ENOENT)
		refuse("ipcdump: the current folder was deleted; cd to another one\n");
	if (!has_numbers())
		refuse("ipcdump: no process numbers are free for its threads; end some processes, or raise"
		       " kernel.pid_max, pids.max of the cgroup or ulimit -u\n");
}

#endif
