/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who a process is beside its name, for --who and the filters by it: executable, arguments, user, ancestors and
 * cgroup. It is sent right after the name, once the program that named it is done, and the tag of a process tells
 * apart what it was before an exec, another user or another cgroup. So whoever was named by a tag was that when it
 * did what an event says.
 */
#ifndef WHO_H
#define WHO_H
#include "compat.h"
#include "file.h"
#include "number.h"

#define CGROUP_DEPTH 32

/* Processes that one program names at most */
#define NOTED 4

struct noted {
	u64 leader;
	u32 tgid;
	u32 tag;
};

struct who_scratch {
	struct task_struct *task;
	u64 busy; /* a preempted use on this CPU */
	/* whoever the running program named; at its end there is room on the stack to say who they are */
	struct noted noted[NOTED];
	u64 count;
	struct who_record out;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct who_scratch);
} who_scratches __weak SEC(".maps");

static __always_inline u32 mix(u32 hash, u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ (hash >> 15);
}

/*
 * All that is sent of a process changes only when one of these does, but for its ancestors and what it writes over its
 * arguments
 */
static __always_inline u32 mix_who(u32 hash, struct task_struct *leader)
{
	u64 groups = (u64)BPF_CORE_READ(leader, cgroups);

	hash = mix(hash, BPF_CORE_READ(leader, self_exec_id));
	hash = mix(hash, BPF_CORE_READ(leader, cred, euid.val));
	return mix(mix(hash, groups), groups >> 32);
}

/* One folder up; 0: at the root. Global for the reason that payload.h gives */
__weak __noinline int cgroup_step(void)
{
	u32 zero = 0;
	struct path_walk *walk = bpf_map_lookup_elem(&path_walks, &zero);
	struct kernfs_node *node, *parent;

	if (!walk)
		return false;
	node = walk->node;
	parent = node_parent(node);
	if (!parent) {
		walk->at_root = true;
		return false;
	}
	if (!add_component(walk, BPF_CORE_READ(node, name)))
		return false;
	walk->node = parent;
	return true;
}

#define TRY_CONTROLLER(controller)                                                                 \
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, controller##_cgrp_id)) {             \
		u32 i = bpf_core_enum_value(enum cgroup_subsys_id, controller##_cgrp_id);          \
		struct cgroup_subsys_state *state = NULL;                                          \
		load(&state, sizeof(state), set->subsys + (i & 15));                               \
		node = BPF_CORE_READ(state, cgroup, kn);                                           \
		if (node && node_parent(node))                                                     \
			return node;                                                               \
	}

/* The folder of a task's cgroup: of version 2, else of the controller that says more than the root */
static __always_inline struct kernfs_node *cgroup_of(struct task_struct *task)
{
	struct css_set *set = BPF_CORE_READ(task, cgroups);
	struct kernfs_node *unified = BPF_CORE_READ(set, dfl_cgrp, kn), *node;

	if (unified && node_parent(unified))
		return unified;
	TRY_CONTROLLER(memory)
	TRY_CONTROLLER(pids)
	TRY_CONTROLLER(cpu)
	TRY_CONTROLLER(devices)
	return unified;
}

/* Sends it; 0: it is in the ring */
__weak __noinline int send_cgroup(u64 address, u32 tgid, u32 tag)
{
	u32 zero = 0;
	struct path_walk *walk = bpf_map_lookup_elem(&path_walks, &zero);

	if (!walk || walk->busy)
		return -1;
	walk->busy = 1;
	walk->node = cgroup_of((void *)address);
	walk->length = 0;
	walk->at_root = false;
	repeat_while(i, CGROUP_DEPTH, cgroup_step());
	return send_walked(walk, (u64)tag << 32 | tgid, 0, RECORD_CGROUP);
}

/* The parent of the last one; 0: there is none, or this one leads a session */
__weak __noinline int ancestor_step(void)
{
	u32 zero = 0;
	struct who_scratch *scratch = bpf_map_lookup_elem(&who_scratches, &zero);
	struct ancestor *ancestor;
	struct task_struct *task;
	struct pid *session;
	u32 n, tgid;

	if (!scratch)
		return false;
	n = scratch->out.ancestors;
	task = scratch->task;
	task = BPF_CORE_READ(task, real_parent, group_leader);
	tgid = BPF_CORE_READ(task, tgid);
	if (n >= ANCESTORS || !tgid)
		return false;
	barrier_var(n); /* or clang leaves out the mask, which older verifiers need */
	ancestor = &scratch->out.ancestor[n & (ANCESTORS - 1)];
	ancestor->pid = thread_here((u64)task, tgid);
	bpf_probe_read_kernel(ancestor->comm, COMM_LENGTH,
			      (void *)task + bpf_core_field_offset(struct task_struct, comm));
	scratch->out.ancestors = n + 1;
	scratch->task = task;
	session = BPF_CORE_READ(task, signal, pids[PIDTYPE_SID]);
	return session != BPF_CORE_READ(task, thread_pid);
}

/* Arguments are in the memory of the process: only it can read them here, for others user space asks /proc */
static __always_inline void read_arguments(struct who_record *out, struct mm_struct *mm,
					   bool is_own)
{
	u64 start = BPF_CORE_READ(mm, arg_start), length = BPF_CORE_READ(mm, arg_end) - start;

	out->arg_start = start;
	if (!is_own)
		return;
	if (length > ARGUMENT_DATA) {
		length = ARGUMENT_DATA;
		out->is_cut = 1;
	}
	barrier_var(length);
	if (length > ARGUMENT_DATA || bpf_probe_read_user(out->data, length, (void *)start))
		return;
	out->length = length;
}

/* Sends all of it */
static __always_inline void send_who(struct who_scratch *scratch, u64 address, u32 tgid, u32 tag)
{
	struct task_struct *leader = (void *)address, *self = (void *)bpf_get_current_task();
	bool is_own = (u64)BPF_CORE_READ(self, group_leader) == address;
	struct mm_struct *mm;
	struct file *exe = NULL;
	u64 length;
	long failed = 0;

	/* the leader's thread may have ended before the others */
	mm = is_own ? BPF_CORE_READ(self, mm) : BPF_CORE_READ(leader, mm);
	scratch->out.type = RECORD_WHO;
	scratch->out.length = 0;
	scratch->out.who.tgid = tgid;
	scratch->out.who.tag = tag;
	scratch->out.born = BPF_CORE_READ(leader, start_boottime);
	scratch->out.arg_start = 0;
	scratch->out.uid = BPF_CORE_READ(leader, cred, euid.val);
	scratch->out.is_cut = 0;
	scratch->out.ancestors = 0;
	scratch->out.reserved = 0;
	scratch->task = leader;
	repeat_while(i, ANCESTORS, ancestor_step());
	if (mm) {
		read_arguments(&scratch->out, mm, is_own);
		exe = BPF_CORE_READ(mm, exe_file);
	}
	if (exe)
		failed =
			send_path_of(address, (u64)exe + bpf_core_field_offset(struct file, f_path),
				     (u64)tag << 32 | tgid, 0, RECORD_EXE);
	failed = failed ?: send_cgroup(address, tgid, tag);
	length = offsetof(struct who_record, data) + (u64)scratch->out.length;
	barrier_var(length);
	if (!failed && length <= sizeof(scratch->out))
		bpf_ringbuf_output(&ring, &scratch->out, length, BPF_RB_NO_WAKEUP);
}

/* One of whom the program named; 0: that was the last one. Global for the reason that payload.h gives */
__weak __noinline int send_noted(void)
{
	u32 zero = 0;
	struct who_scratch *scratch = bpf_map_lookup_elem(&who_scratches, &zero);
	struct noted *noted;
	u64 n;

	if (!scratch || scratch->busy || !scratch->count)
		return false;
	n = scratch->count - 1;
	barrier_var(n); /* or clang leaves out the mask, which older verifiers need */
	scratch->count = n;
	noted = &scratch->noted[n & (NOTED - 1)];
	scratch->busy = 1;
	send_who(scratch, noted->leader, noted->tgid, noted->tag);
	scratch->busy = 0;
	return n;
}

/* Notes a process that was just named */
static __always_inline void note_who(u64 leader, u32 tgid, u32 tag)
{
	u32 zero = 0;
	struct who_scratch *scratch = bpf_map_lookup_elem(&who_scratches, &zero);
	struct noted *noted;
	u64 n;

	if (!scratch)
		return;
	n = scratch->count;
	if (n >= NOTED)
		return;
	barrier_var(n);
	noted = &scratch->noted[n & (NOTED - 1)];
	noted->leader = leader;
	noted->tgid = tgid;
	noted->tag = tag;
	scratch->count = n + 1;
}

/* What programs that may name processes end with: sends who they are */
static __always_inline int and_who(int result)
{
	u32 zero = 0;
	struct who_scratch *scratch;

	if (!config.who)
		return result;
	scratch = bpf_map_lookup_elem(&who_scratches, &zero);
	if (scratch && scratch->count)
		repeat_while(i, NOTED, send_noted());
	return result;
}

#endif
