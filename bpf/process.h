/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who a task is. A process is announced (tgid, tag, name) right before the first record that names
 * it, from its own task_struct, so processes that live for a millisecond have their name and no
 * fork, exec or exit has to be followed for it. Where filters may leave out all it does, its name is
 * noted first and announced with the first event that passes.
 */
#ifndef PROCESS_H
#define PROCESS_H
#include "select.h"
#include "who.h"

#define PF_KTHREAD 0x00200000
#define NANOSECONDS_PER_TICK 10000000

struct naming {
	u32 told;   /* to user space */
	u32 groups; /* of select.h, for the life of the process: descendants are born into theirs */
	u32 pid;    /* in the tracer's pid namespace; 0: it is not in there */
	u8 comm[COMM_LENGTH];
};

/* What user space was told already, or is to be; it deletes here what it forgets itself */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct process);
	__type(value, struct naming);
} named __weak SEC(".maps");

struct identity {
	struct process who;
	struct naming name;
	u64 leader; /* its task_struct */
	u64 born;   /* start_boottime of that */
};

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
	u64 born = BPF_CORE_READ(leader, start_boottime), ticks = born / NANOSECONDS_PER_TICK;
	u64 comm[COMM_LENGTH / sizeof(u64)], end;
	u32 hash = mix(mix(0, ticks), ticks >> 32);

	BPF_CORE_READ_INTO(&comm, leader, comm);
	/* the bytes behind the NUL are whatever a longer name left there */
	end = zero_bytes(comm[0]);
	comm[0] &= (end & -end) - 1;
	comm[1] &= ((end | -end) >> 63) - 1;
	end = zero_bytes(comm[1]);
	comm[1] &= (end & -end) - 1;
	__builtin_memcpy(id->name.comm, comm, COMM_LENGTH);
#pragma unroll
	for (u32 i = 0; i < COMM_LENGTH / sizeof(u64); i++)
		hash = mix(mix(hash, comm[i]), comm[i] >> 32);
	if (config.who)
		hash = mix_who(hash, leader);
	id->leader = (u64)leader;
	id->born = born;
	id->who.tgid = BPF_CORE_READ(leader, tgid);
	id->who.tag = hash >> 2;
}

#define EXIT_DEAD 16

/*
 * Whether a process has ended whose leader was this task_struct then. It may have been freed since and be
 * another's by now, or be nothing at all; what is left of one that was freed says that it is dead.
 */
static __always_inline bool has_ended(u32 tgid, u64 leader, u64 born)
{
	struct task_struct *task = (void *)leader;

	return (u32)BPF_CORE_READ(task, tgid) != tgid ||
	       BPF_CORE_READ(task, start_boottime) != born ||
	       (BPF_CORE_READ(task, exit_state) & EXIT_DEAD) ||
	       !BPF_CORE_READ(task, signal, live.counter);
}

static __always_inline bool same(const struct process *a, const struct process *b)
{
	return a->tgid == b->tgid && a->tag == b->tag;
}

static __always_inline bool send_name(const struct process *who, const struct naming *name)
{
	struct name_record *record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);

	if (!record)
		return false;
	record->type = RECORD_NAME;
	record->pid = name->pid;
	record->who = *who;
	__builtin_memcpy(record->comm, name->comm, COMM_LENGTH);
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return true;
}

static __always_inline void complete(struct identity *id, bool told)
{
	id->name.told = told;
	id->name.pid = thread_here(id->leader, id->who.tgid);
	id->name.groups = selects() ? groups_by(id->name.pid, id->name.comm) : 0;
	if (config.who_groups)
		id->name.groups |= GROUPS_UNLEARNED;
}

/* What user space learned of a process that was announced; all that is not known may be */
static __always_inline u32 learned(const struct process *who)
{
	struct process key = *who;
	struct naming *known;

	if (!config.who_groups)
		return 0;
	known = bpf_map_lookup_elem(&named, &key);
	return known ? known->groups & (config.who_groups | GROUPS_UNLEARNED) : GROUPS_UNLEARNED;
}

/* The groups that a process is in now, whose task is at hand */
static __always_inline u32 classify(const struct identity *id)
{
	return groups_by(thread_here(id->leader, id->who.tgid), id->name.comm) | learned(&id->who);
}

/* false: the ring is full, and user space could not name this process */
static __always_inline bool announce(struct identity *id)
{
	struct process who = id->who;
	struct naming *known = bpf_map_lookup_elem(&named, &who);

	if (known && (!selects() || known->told))
		return true;
	complete(id, true);
	if (!send_name(&who, &id->name))
		return false;
	if (config.who)
		note_who(id->leader, who.tgid, who.tag);
	/* after the record: whoever finds the entry may rely on the name being in the ring */
	bpf_map_update_elem(&named, &who, &id->name, BPF_ANY);
	return true;
}

/*
 * Announces a process, unless an event of it may turn out to be unwanted: then announce_noted does. That has no task
 * at hand to say who it is.
 */
static __always_inline bool introduce(struct identity *id)
{
	struct process who = id->who;

	if (!selects() || config.who)
		return announce(id);
	if (bpf_map_lookup_elem(&named, &who))
		return true;
	complete(id, false);
	bpf_map_update_elem(&named, &who, &id->name, BPF_NOEXIST);
	return true;
}

/* Who the leader of some threads is, as he is called by now; introduced if he is not known by that name */
static __always_inline void name_by_now(u64 leader, const struct process *known, struct identity *id)
{
	identify((struct task_struct *)leader, id);
	if (!same(&id->who, known))
		introduce(id);
}

/* Announces a process that was noted. Global, for its frame to lie beside others */
__weak __noinline int announce_noted(u32 tgid, u32 tag)
{
	struct process who = {.tgid = tgid, .tag = tag};
	struct naming *known = bpf_map_lookup_elem(&named, &who), name;

	if (!known || known->told)
		return 0;
	/* a copy: the entry may serve another process while this runs */
	name = *known;
	if (!send_name(&who, &name))
		return 0;
	name.told = 1;
	bpf_map_update_elem(&named, &who, &name, BPF_ANY);
	return 0;
}

/* The groups of a process that was noted or announced; tgid 0 is somebody who may yet be found */
static __always_inline u32 groups_of(const struct process *who)
{
	struct process key = *who;
	struct naming *known = key.tgid ? bpf_map_lookup_elem(&named, &key) : NULL;

	return known ? known->groups : GROUPS_UNKNOWN | GROUPS_UNLEARNED;
}

/* Whether an event is left out for what a process does to itself */
static __always_inline bool is_to_self(u32 src_tgid, u32 dst_tgid)
{
	return config.no_self && dst_tgid && src_tgid == dst_tgid;
}

/* Whether an event between these may be wanted; if so, both are announced by now */
static __always_inline bool admit(struct identity *src, const struct process *dst)
{
	if (is_to_self(src->who.tgid, dst->tgid))
		return false;
	if (!selects())
		return true;
	if (!may_pass(classify(src), groups_of(dst)))
		return false;
	announce(src);
	announce_noted(dst->tgid, dst->tag);
	return true;
}

/* Fills what the records of all events have, but for who; `captured` is for whoever captures */
static __always_inline void begin_record(struct event_record *event, enum kind kind, u32 flags,
					 u32 count)
{
	event->type = RECORD_EVENT;
	event->thread = bpf_get_current_pid_tgid();
	event->time = bpf_ktime_get_boot_ns();
	event->kind = kind;
	event->flags = flags;
	event->count = count;
	event->captured = 0;
}

static __always_inline void begin_event(struct event_record *event, enum kind kind, u32 flags,
					struct process src, struct process dst, u32 count)
{
	begin_record(event, kind, flags, count);
	event->src = src;
	event->dst = dst;
}

/* The same of processes that are in maps: what is passed by value is copied byte by byte, on the stack */
static __always_inline void begin_event_of(struct event_record *event, enum kind kind, u32 flags,
					   const struct process *src, const struct process *dst,
					   u32 count)
{
	begin_record(event, kind, flags, count);
	event->src.tgid = src->tgid;
	event->src.tag = src->tag;
	event->dst.tgid = dst->tgid;
	event->dst.tag = dst->tag;
}

#endif
