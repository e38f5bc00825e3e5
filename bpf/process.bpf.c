/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Processes as they are made, for filters that take descendants too. */
#include "process.h"
#include <bpf/bpf_tracing.h>

#define CLONE_PARENT 0x8000
#define CLONE_THREAD 0x10000

ANCHOR(struct, fork_record);

static __always_inline int on_fork(int parent, int child)
{
	struct fork_record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record) {
		/* whoever it was is not followed: that may be any number of events */
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return 0;
	}
	record->type = RECORD_FORK;
	record->reserved = 0;
	record->parent = parent;
	record->child = child;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(process_fork__any, struct task_struct *parent, struct task_struct *child)
{
	int tgid = BPF_CORE_READ(child, tgid);

	/* a thread is no process of its own */
	if (tgid != BPF_CORE_READ(child, pid))
		return 0;
	parent = BPF_CORE_READ(parent, group_leader);
	return on_fork(thread_here((u64)parent, BPF_CORE_READ(parent, tgid)),
		       thread_here(scalar(child), tgid));
}

/* The task_struct of who was just made, the last among its siblings; perf does not tell it */
static __always_inline u64 youngest_child(struct task_struct *parent, int pid)
{
	struct list_head *last = BPF_CORE_READ(parent, children.prev);
	struct task_struct *child =
		(void *)last - bpf_core_field_offset(struct task_struct, sibling);

	return BPF_CORE_READ(child, pid) == pid ? (u64)child : 0;
}

/* see hook.h; sched_process_fork does not tell perf what is a thread */
SEC("?tp/task/task_newtask")
int process_fork__any__perf(struct trace_event_raw_task_newtask *event)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct task_struct *leader = BPF_CORE_READ(self, group_leader);

	if (event->clone_flags & CLONE_THREAD)
		return 0;
	if (event->clone_flags & CLONE_PARENT)
		self = BPF_CORE_READ(self, real_parent);
	return on_fork(thread_here((u64)leader, bpf_get_current_pid_tgid() >> 32),
		       thread_here(youngest_child(self, event->pid), event->pid));
}
