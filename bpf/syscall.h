/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* System calls by what they do, whatever number a 64-bit or a 32-bit program calls them by. */
#ifndef SYSCALL_H
#define SYSCALL_H
#include "vmlinux.h"
#include "read.h"
#include <bpf/bpf_helpers.h>

/*
 * What is told apart. Of these classes are the calls
 *   FILE: that move bytes of any file, or take something from it
 *   SOCKET: that only sockets have
 *   STATE: that make, open or close something, or ask for what others do
 *   SIGNAL: that send one
 *   QUEUE: that send messages to queues, or take them
 * Then which argument is the descriptor they take from, and which the one they give to, where it always is
 */
#define CALLS(X)                                                                                   \
	X(READ, FILE, FIRST, NO)                                                                   \
	X(READV, FILE, FIRST, NO)                                                                  \
	X(WRITE, FILE, NO, FIRST)                                                                  \
	X(WRITEV, FILE, NO, FIRST)                                                                 \
	X(SENDFILE, FILE, SECOND, FIRST)                                                           \
	X(SPLICE, FILE, FIRST, THIRD)                                                              \
	X(TEE, FILE, NO, SECOND)                                                                   \
	X(VMSPLICE, FILE, NO, NO)                                                                  \
	X(IOCTL, FILE, NO, NO) /* TIOCSTI: it types for the user */                                \
	X(FCNTL, FILE, NO, NO) /* F_SETPIPE_SZ: what is in a pipe is counted anew */               \
	X(AIO, FILE, NO, NO)   /* io_submit: its requests name the files */                        \
	X(SENDTO, SOCKET, NO, FIRST)                                                               \
	X(SENDMSG, SOCKET, NO, FIRST)                                                              \
	X(SENDMMSG, SOCKET, NO, FIRST)                                                             \
	X(RECVFROM, SOCKET, FIRST, NO)                                                             \
	X(RECVMSG, SOCKET, FIRST, NO)                                                              \
	X(RECVMMSG, SOCKET, FIRST, NO)                                                             \
	X(CONNECT, SOCKET, FIRST, NO)                                                              \
	X(ACCEPT, SOCKET, FIRST, NO)                                                               \
	X(SETSOCKOPT, SOCKET, NO, NO) /* UDP_CORK: it sends what was held back */                  \
	X(OPEN, STATE, NO, NO)                                                                     \
	X(CLOSE, STATE, NO, NO)                                                                    \
	X(SOCKET, STATE, NO, NO)                                                                   \
	X(SOCKETPAIR, STATE, NO, NO)                                                               \
	X(LISTEN, STATE, NO, NO)                                                                   \
	X(URING, STATE, NO, NO)                                                                    \
	X(SOCKETCALL, STATE, NO, NO) /* another one, by its first argument */                      \
	X(KILL, SIGNAL, NO, NO)                                                                    \
	X(SIGQUEUE, SIGNAL, NO, NO) /* its caller chooses the si_code */                           \
	X(MQ_SEND, QUEUE, NO, NO)                                                                  \
	X(MQ_RECEIVE, QUEUE, NO, NO)                                                               \
	X(MSGSND, QUEUE, NO, NO)                                                                   \
	X(MSGRCV, QUEUE, NO, NO)                                                                   \
	X(IPC, QUEUE, NO, NO) /* whose first argument says what it does */

/* No such call there: above all numbers, and another one each time, for two cases of a switch may not be the same */
#define NO_NUMBER 0x10000
#define NONE (NO_NUMBER + __COUNTER__)

/*
 * Their numbers: of x86-64, i386, arm64 and 32-bit Arm (EABI) programs. preadv2 and pwritev2 with offset -1
 * work on pipes. Arm still has send and recv: as a write, which gives no address, and a recvfrom.
 */
#define SYSTEM_CALLS(X)                                                                            \
	X(READ, 0, 3, 63, 3)                                                                       \
	X(READV, 19, 145, 65, 145)                                                                 \
	X(READV, 327, 378, 286, 392)                                                               \
	X(WRITE, 1, 4, 64, 4)                                                                      \
	X(WRITE, NONE, NONE, NONE, 289)                                                            \
	X(WRITEV, 20, 146, 66, 146)                                                                \
	X(WRITEV, 328, 379, 287, 393)                                                              \
	X(SENDFILE, 40, 187, 71, 187)                                                              \
	X(SENDFILE, NONE, 239, NONE, 239)                                                          \
	X(SPLICE, 275, 313, 76, 340)                                                               \
	X(TEE, 276, 315, 77, 342)                                                                  \
	X(VMSPLICE, 278, 316, 75, 343)                                                             \
	X(IOCTL, 16, 54, 29, 54)                                                                   \
	X(FCNTL, 72, 55, 25, 55)                                                                   \
	X(FCNTL, NONE, 221, NONE, 221)                                                             \
	X(AIO, 209, 248, 2, 246)                                                                   \
	X(SENDTO, 44, 369, 206, 290)                                                               \
	X(SENDMSG, 46, 370, 211, 296)                                                              \
	X(SENDMMSG, 307, 345, 269, 374)                                                            \
	X(RECVFROM, 45, 371, 207, 291)                                                             \
	X(RECVFROM, NONE, NONE, NONE, 292)                                                         \
	X(RECVMSG, 47, 372, 212, 297)                                                              \
	X(RECVMMSG, 299, 337, 243, 365)                                                            \
	X(RECVMMSG, NONE, 417, NONE, 417)                                                          \
	X(CONNECT, 42, 362, 203, 283)                                                              \
	X(ACCEPT, 43, 364, 202, 285)                                                               \
	X(ACCEPT, 288, NONE, 242, 366)                                                             \
	X(SETSOCKOPT, 54, 366, 208, 294)                                                           \
	X(OPEN, 2, 5, 56, 5)                                                                       \
	X(OPEN, 257, 295, 437, 322)                                                                \
	X(OPEN, 437, 437, NONE, 437)                                                               \
	X(CLOSE, 3, 6, 57, 6)                                                                      \
	X(SOCKET, 41, 359, 198, 281)                                                               \
	X(SOCKETPAIR, 53, 360, 199, 288)                                                           \
	X(LISTEN, 50, 363, 201, 284)                                                               \
	X(URING, 426, 426, 426, 426)                                                               \
	X(SOCKETCALL, NONE, 102, NONE, NONE)                                                       \
	X(KILL, 62, 37, 129, 37)                                                                   \
	X(KILL, 200, 238, 130, 238)                                                                \
	X(KILL, 234, 270, 131, 268)                                                                \
	X(SIGQUEUE, 129, 178, 138, 178)                                                            \
	X(SIGQUEUE, 297, 335, 240, 363)                                                            \
	X(SIGQUEUE, 424, 424, 424, 424)                                                            \
	X(MQ_SEND, 242, 279, 182, 276)                                                             \
	X(MQ_SEND, NONE, 418, NONE, 418)                                                           \
	X(MQ_RECEIVE, 243, 280, 183, 277)                                                          \
	X(MQ_RECEIVE, NONE, 419, NONE, 419)                                                        \
	X(MSGSND, 69, 400, 189, 301)                                                               \
	X(MSGRCV, 70, 401, 188, 302)                                                               \
	X(IPC, NONE, 117, NONE, NONE)

#define NAMED(call, class, from, to) CALL_##call,
enum call { CALL_OTHER, CALLS(NAMED) };
#undef NAMED

enum call_class { CLASS_FILE, CLASS_SOCKET, CLASS_STATE, CLASS_SIGNAL, CLASS_QUEUE };

#define IN_CLASS(call, class, from, to) | (u64)(CLASS_##class == wanted) << CALL_##call
static __always_inline bool is_call(enum call call, enum call_class wanted)
{
	return 1ULL << call & (0 CALLS(IN_CLASS));
}
#undef IN_CLASS

/* How a call was made, as `compat` says it: its structures in memory are a 32-bit program's if it is not 0 */
#define BY_SOCKETCALL 2

/*
 * What is the processor's own: NATIVE and COMPAT, in_compat_call_of(), argument(), call_number(),
 * has_returned()
 */
#if defined(__TARGET_ARCH_x86)
#include "calls_x86.h"
#elif defined(__TARGET_ARCH_arm64)
#include "calls_arm64.h"
#else
#error "the system calls of this processor are not known here"
#endif

#define CASE(call, number)                                                                         \
	case number:                                                                               \
		return CALL_##call;

static __always_inline enum call native_call(u64 number)
{
	switch (number) {
		SYSTEM_CALLS(NATIVE)
	}
	return CALL_OTHER;
}

static __always_inline enum call compat_call(u64 number)
{
	switch (number) {
		SYSTEM_CALLS(COMPAT)
	}
	return CALL_OTHER;
}

/* Global, for what it answers to be a number like any other: else the verifier goes on once for each call there is */
__weak __noinline int call_of(u64 number, u32 compat)
{
	if (number >= NO_NUMBER)
		return CALL_OTHER;
	return compat ? compat_call(number) : native_call(number);
}

/*
 * Which call a socketcall(2) is, by its number: SYS_SOCKET and so on of linux/net.h. A send is a write, for it
 * gives no address
 */
#define CALLS_OF_SOCKETS(X)                                                                        \
	X(SOCKET, 1)                                                                               \
	X(CONNECT, 3)                                                                              \
	X(LISTEN, 4)                                                                               \
	X(ACCEPT, 5)                                                                               \
	X(SOCKETPAIR, 8)                                                                           \
	X(WRITE, 9)                                                                                \
	X(RECVFROM, 10)                                                                            \
	X(SENDTO, 11)                                                                              \
	X(RECVFROM, 12)                                                                            \
	X(SETSOCKOPT, 14)                                                                          \
	X(SENDMSG, 16)                                                                             \
	X(RECVMSG, 17)                                                                             \
	X(ACCEPT, 18)                                                                              \
	X(RECVMMSG, 19)                                                                            \
	X(SENDMMSG, 20)

__weak __noinline int call_of_sockets(u32 number)
{
	switch (number) {
		CALLS_OF_SOCKETS(CASE)
	}
	return CALL_OTHER;
}

/* The n-th argument of a socketcall(2), whose second one says where they are */
__weak __noinline int argument_of_sockets(u64 arguments, u32 n)
{
	int value = 0;

	bpf_probe_read_user(&value, sizeof(value), (void *)(arguments + n * sizeof(value)));
	return value;
}

/* Arguments 0 to 5 of the current call */
static __always_inline u64 taken(struct pt_regs *regs, int n, u32 compat)
{
	if (compat == BY_SOCKETCALL)
		return (u32)argument_of_sockets(argument(regs, 1, true), n);
	return argument(regs, n, compat);
}

/* The descriptors that the table of calls says; -1: none. Those of sockets have it as their first argument */
#define VALUE_NO (-1)
#define VALUE_FIRST first
#define VALUE_SECOND argument(regs, 1, compat)
#define VALUE_THIRD argument(regs, 2, compat)

#define TAKES_FROM(call, class, from, to)                                                          \
	case CALL_##call:                                                                          \
		return VALUE_##from;
static __always_inline int takes_from(enum call call, int first, struct pt_regs *regs, u32 compat)
{
	switch (call) {
		CALLS(TAKES_FROM)
	default:
		return -1;
	}
}

#define GIVES_TO(call, class, from, to)                                                            \
	case CALL_##call:                                                                          \
		return VALUE_##to;
static __always_inline int gives_to(enum call call, int first, struct pt_regs *regs, u32 compat)
{
	switch (call) {
		CALLS(GIVES_TO)
	default:
		return -1;
	}
}

static __always_inline bool in_compat_call(void)
{
	return in_compat_call_of((void *)bpf_get_current_task());
}

#define THREAD_SIZE 16384

/*
 * The registers a task entered the kernel with. The helper came with 5.15: dd6e10fbd9fb
 * ("bpf: Add bpf_task_pt_regs() helper"); before, registers lie right at the end of the stack.
 */
#define TELLS_REGISTERS                                                                            \
	bpf_core_enum_value_exists(enum bpf_func_id___task_pt_regs, BPF_FUNC_task_pt_regs)

static __always_inline struct pt_regs *regs_on_stack(struct task_struct *task)
{
	return (void *)BPF_CORE_READ(task, stack) + THREAD_SIZE -
	       bpf_core_type_size(struct pt_regs);
}

/* Of a task by a pointer whose type the verifier knows */
static __always_inline struct pt_regs *regs_of(struct task_struct *task)
{
	return TELLS_REGISTERS ? (void *)bpf_task_pt_regs(task) : regs_on_stack(task);
}

static __always_inline struct pt_regs *current_regs(void)
{
	if (TELLS_REGISTERS)
		return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
	return regs_on_stack((void *)bpf_get_current_task());
}

/* The number of the system call the current task is in */
static __always_inline u32 current_call(void)
{
	struct pt_regs *regs = current_regs();

	return call_number(regs);
}

#endif
