/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What every thread does to give up its capabilities, which the kernel keeps for each by itself: it is
 * called as a signal handler, so that also threads which Bun made and never tells of come by. Whoever
 * maps this code puts at `given` what is to be kept.
 *
 * Freestanding, and position-independent: a page of its own, no libraries.
 */
#define PR_SET_NO_NEW_PRIVS 38
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#define PR_CAPBSET_DROP 24
#define CAPABILITIES 64

#if defined(__x86_64__)
enum { PRCTL = 157, CAPSET = 126 };

static inline long call(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
enum { PRCTL = 167, CAPSET = 91 };

static inline long call(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}
#else
#error "this processor's system calls are not known here"
#endif

/* struct __user_cap_header_struct and twice struct __user_cap_data_struct, for the thread that asks */
struct given {
	unsigned version, pid;
	unsigned sets[6];
};
extern const struct given given __attribute__((visibility("hidden")));

/* Nothing can be done about what fails: /proc tells what each thread has in the end */
void drop(int signal)
{
	(void)signal;
	for (long capability = 0; capability < CAPABILITIES; capability++)
		call(PRCTL, PR_CAPBSET_DROP, capability, 0, 0, 0);
	call(PRCTL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	call(PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	call(CAPSET, (long)&given.version, (long)given.sets, 0, 0, 0);
}
