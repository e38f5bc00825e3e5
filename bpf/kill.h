/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Why the kernel kills a process of its own accord. The OOM killer marks its victim right after the SIGKILL, and then
 * kills whoever shares the victim's memory, all of it in one thread.
 */
#ifndef KILL_H
#define KILL_H
#include "emit.h"
#include "read.h"

#define RLIMIT_CPU 0
#define RLIMIT_RTTIME 15
#define UNLIMITED (~0UL)

struct kill {
	u64 memory; /* the mm_struct of who is killed */
	u64 time;   /* of its event */
	u32 pid;
	u32 is_marked;
};

/* The latest one of a thread */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct kill);
} kills __weak SEC(".maps");

/* Flags of the event when the current thread kills a task without saying why */
static __always_inline u32 reason_of_kill(struct task_struct *task)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	u32 thread = bpf_get_current_pid_tgid();
	struct kill *last = bpf_map_lookup_elem(&kills, &thread);
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (last && last->is_marked && last->memory && last->memory == (u64)BPF_CORE_READ(task, mm))
		return SIGNAL_OOM;
	if (signal == BPF_CORE_READ(self, signal) &&
	    (BPF_CORE_READ(signal, rlim[RLIMIT_CPU].rlim_max) &
	     BPF_CORE_READ(signal, rlim[RLIMIT_RTTIME].rlim_max)) != UNLIMITED)
		return SIGNAL_LIMITED;
	return 0;
}

/* Keeps one until it is known whether it is marked */
static __always_inline void note_kill(struct task_struct *task, u64 time)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct kill kill = {
		.memory = (u64)BPF_CORE_READ(task, mm),
		.time = time,
		.pid = BPF_CORE_READ(task, pid),
	};

	bpf_map_update_elem(&kills, &thread, &kill, BPF_ANY);
}

#endif
