/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The numbers of processes, threads and sessions, as the tracer's pid namespace has them. */
#ifndef NUMBER_H
#define NUMBER_H
#include "emit.h"
#include "read.h"

/* MAX_PID_NS_LEVEL */
#define PID_NAMESPACE_LEVELS 32

/* A pointer the verifier knows the type of as a plain number, which is what global functions take */
static __always_inline u64 scalar(const void *pointer)
{
	u64 typed = (u64)pointer, plain = 0;

	bpf_probe_read_kernel(&plain, sizeof(plain), &typed);
	return plain;
}

/*
 * The number that a struct pid (of a process, thread or session) has in the tracer's pid namespace;
 * 0: it is outside. Global for the reason that payload.h gives
 */
__weak __noinline int number_here(u64 address)
{
	struct pid *pid = (void *)address;
	u32 level = BPF_CORE_READ(pid, level);

	for (u32 i = 0; i <= PID_NAMESPACE_LEVELS; i++) {
		struct upid *upid = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				    i * bpf_core_type_size(struct upid);

		barrier();
		if (i > level)
			break;
		if (BPF_CORE_READ(upid, ns, ns.inum) == config.pid_namespace)
			return BPF_CORE_READ(upid, nr);
	}
	return 0;
}

/* The same for a thread (a task_struct) whose number in the initial namespace is known */
static __always_inline u32 thread_here(u64 address, u32 number)
{
	struct task_struct *thread = (void *)address;

	return config.pid_namespace ? number_here((u64)BPF_CORE_READ(thread, thread_pid)) : number;
}

#endif
