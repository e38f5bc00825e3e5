/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Processes as they come and go, for filters that take descendants too; what they become, for --who; and whom the
 * OOM killer took. Who descends from whom is kept twice: here, so that a child is followed from before its first
 * instruction, and in user space, which still has to know one that is gone.
 */
#include "kill.h"
#include "process.h"
#include <bpf/bpf_tracing.h>

#define CLONE_PARENT 0x8000
#define CLONE_THREAD 0x10000
#define NANOSECONDS_PER_SECOND 1000000000

ANCHOR(struct, fork_record);
ANCHOR(enum, group);
ANCHOR(enum, globs);
ANCHOR(struct, oom_record);
ANCHOR(struct, who_record);

/* Gives a process that was just made the groups of its parent, and takes it what the last one with its pid had */
static __always_inline void adopt(u32 parent, u32 child)
{
	struct member *theirs = bpf_map_lookup_elem(&chosen_pids, &parent);
	struct member *before = bpf_map_lookup_elem(&chosen_pids, &child);
	struct member member = {};

	/* outside the tracer's pid namespace, where no flag can name it */
	if (!child)
		return;
	if (before)
		member.groups = before->groups & ~config.followed_groups;
	/* whom the flags name by pid stays in its groups, whatever process has the pid */
	if (!member.groups)
		member.born = bpf_ktime_get_boot_ns();
	if (theirs)
		member.groups |= theirs->groups & config.followed_groups;
	if (!member.groups)
		bpf_map_delete_elem(&chosen_pids, &child);
	else if (bpf_map_update_elem(&chosen_pids, &child, &member, BPF_ANY))
		shared.crowded = 1;
}

static __always_inline int on_fork(int parent, int child)
{
	struct fork_record *record;

	adopt(parent, child);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
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

/* Not at its exit: signals to a zombie are events */
SEC("?tp_btf/sched_process_free")
int BPF_PROG(process_free__any, struct task_struct *task)
{
	int tgid = BPF_CORE_READ(task, tgid);
	struct member *member;

	/* it has lost its numbers in other namespaces by now: there user space has to do, in the end */
	if (config.pid_namespace || tgid != BPF_CORE_READ(task, pid))
		return 0;
	member = bpf_map_lookup_elem(&chosen_pids, &tgid);
	/* by now another process may have its pid, but never one born within a second of this one */
	if (member && member->born &&
	    member->born - BPF_CORE_READ(task, start_boottime) < NANOSECONDS_PER_SECOND)
		bpf_map_delete_elem(&chosen_pids, &tgid);
	return 0;
}

/* What a process is from here on, while its new arguments are sure to be in its memory: it may live for a millisecond */
static __always_inline int on_exec(void)
{
	struct identity self = {};

	identify((void *)bpf_get_current_task(), &self);
	if (self.who.tgid != config.own_tgid)
		announce(&self);
	return and_who(0);
}

SEC("?tp_btf/sched_process_exec")
int process_exec__any(void *ctx)
{
	return on_exec();
}

/* see hook.h */
SEC("?tp/sched/sched_process_exec")
int process_exec__any__perf(void *ctx)
{
	return on_exec();
}

/* By perf only: what the raw tracepoint passes is another thing since 6.10 */
SEC("?tp/oom/mark_victim")
int process_marked__any(struct trace_event_raw_mark_victim *event)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct kill *kill = bpf_map_lookup_elem(&kills, &thread);
	struct oom_record *record;

	/* one that is ending anyway is marked without a signal */
	if (!kill || kill->is_marked || kill->pid != (u32)event->pid)
		return 0;
	kill->is_marked = 1;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return 0;
	record->type = RECORD_OOM;
	record->thread = thread;
	record->time = kill->time;
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}
