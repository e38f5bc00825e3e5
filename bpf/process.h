/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who a task is. A process is announced (tgid, tag, name) right before the first record that names
 * it, from its own task_struct, so processes that live for a millisecond have their name and no
 * fork, exec or exit has to be followed for it.
 */
#ifndef PROCESS_H
#define PROCESS_H
#include "emit.h"
#include "read.h"

#define PF_KTHREAD 0x00200000
#define NANOSECONDS_PER_TICK 10000000
/* MAX_PID_NS_LEVEL */
#define PID_NAMESPACE_LEVELS 32

/* What user space was told already; it deletes here what it forgets itself */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct process);
	__type(value, u32);
} named __weak SEC(".maps");

struct identity {
	struct process who;
	u8 comm[COMM_LENGTH];
	u64 leader; /* its task_struct */
};

static __always_inline u32 mix(u32 hash, u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1;
	return hash ^ (hash >> 15);
}

#define LOW_BITS 0x0101010101010101ULL
#define HIGH_BITS 0x8080808080808080ULL

/* The high bit of each byte that is 0; above the first such byte also of some that are not */
static __always_inline u64 zero_bytes(u64 word)
{
	return (word - LOW_BITS) & ~word & HIGH_BITS;
}

/*
 * Without a branch, for each would double what the verifier has to follow: a loop over the name's bytes
 * alone made half a million instructions of pty_exit.
 */
static __always_inline void identify(struct task_struct *task, struct identity *id)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	u64 ticks = BPF_CORE_READ(leader, start_boottime) / NANOSECONDS_PER_TICK;
	u64 comm[COMM_LENGTH / sizeof(u64)], end;
	u32 hash = mix(mix(0, ticks), ticks >> 32);

	BPF_CORE_READ_INTO(&comm, leader, comm);
	/* the bytes behind the NUL are whatever a longer name left there */
	end = zero_bytes(comm[0]);
	comm[0] &= (end & -end) - 1;
	comm[1] &= ((end | -end) >> 63) - 1;
	end = zero_bytes(comm[1]);
	comm[1] &= (end & -end) - 1;
	__builtin_memcpy(id->comm, comm, COMM_LENGTH);
#pragma unroll
	for (u32 i = 0; i < COMM_LENGTH / sizeof(u64); i++)
		hash = mix(mix(hash, comm[i]), comm[i] >> 32);
	id->leader = (u64)leader;
	id->who.tgid = BPF_CORE_READ(leader, tgid);
	id->who.tag = hash >> 2;
}

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

static __always_inline bool same(const struct process *a, const struct process *b)
{
	return a->tgid == b->tgid && a->tag == b->tag;
}

/* false: the ring is full, and user space could not name this process */
static __always_inline bool announce(const struct identity *id)
{
	struct process who = id->who;
	struct name_record *record;
	u32 told = 1;

	if (bpf_map_lookup_elem(&named, &who))
		return true;
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record)
		return false;
	record->type = RECORD_NAME;
	record->pid = thread_here(id->leader, who.tgid);
	record->who = who;
	__builtin_memcpy(record->comm, id->comm, COMM_LENGTH);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	/* after the record: whoever finds the entry may rely on the name being in the ring */
	bpf_map_update_elem(&named, &who, &told, BPF_ANY);
	return true;
}

/* Fills what the records of all events have; `captured` is for whoever captures */
static __always_inline void begin_event(struct event_record *event, enum kind kind, u32 flags,
					struct process src, struct process dst, u32 count)
{
	event->type = RECORD_EVENT;
	event->thread = bpf_get_current_pid_tgid();
	event->time = bpf_ktime_get_boot_ns();
	event->src = src;
	event->dst = dst;
	event->kind = kind;
	event->flags = flags;
	event->count = count;
	event->captured = 0;
}

#endif
