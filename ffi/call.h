/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls for what runs without a libc. */
#ifndef CALL_H
#define CALL_H

#if defined(__x86_64__)
enum {
	READ = 0,
	WRITE = 1,
	CLOSE = 3,
	MMAP = 9,
	RT_SIGACTION = 13,
	RT_SIGPROCMASK = 14,
	IOCTL = 16,
	CLONE = 56,
	EXECVE = 59,
	WAIT4 = 61,
	KILL = 62,
	FCNTL = 72,
	GETCWD = 79,
	CAPSET = 126,
	PRCTL = 157,
	FUTEX = 202,
	SCHED_GETAFFINITY = 204,
	GETDENTS64 = 217,
	EXIT_GROUP = 231,
	OPENAT = 257,
	FACCESSAT = 269,
	PRLIMIT64 = 302,
};

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum {
	GETCWD = 17,
	FCNTL = 25,
	IOCTL = 29,
	FACCESSAT = 48,
	OPENAT = 56,
	CLOSE = 57,
	GETDENTS64 = 61,
	READ = 63,
	WRITE = 64,
	CAPSET = 91,
	EXIT_GROUP = 94,
	FUTEX = 98,
	SCHED_GETAFFINITY = 123,
	KILL = 129,
	RT_SIGACTION = 134,
	RT_SIGPROCMASK = 135,
	PRCTL = 167,
	CLONE = 220,
	EXECVE = 221,
	MMAP = 222,
	WAIT4 = 260,
	PRLIMIT64 = 261,
};

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}
#else
#error "this processor's system calls are not known here"
#endif

static inline long call5(long number, long a, long b, long c, long d, long e)
{
	return call6(number, a, b, c, d, e, 0);
}

static inline long call(long number, long a, long b, long c)
{
	return call5(number, a, b, c, 0, 0);
}

__attribute__((noreturn)) static inline void leave(int status)
{
	for (;;)
		call(EXIT_GROUP, status, 0, 0);
}

#endif
