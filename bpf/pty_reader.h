/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who reads what is written to a terminal: a slave's readers are the foreground process group, a master's is who read it
 * last, or opened it. He is a fact when nobody else could, and else a guess.
 */
#ifndef PTY_READER_H
#define PTY_READER_H
#include "family.h"
#include "payload.h"
#include "process.h"
#include "tty.h"

#define MEMBERS 64

struct holder {
	struct process who;
	u64 file;   /* by which the master was read, or opened */
	u64 opened; /* by `who`, and not read since */
	u64 leader; /* of `who`: when he has ended it is somebody else's by now */
	u64 born;
};

/* Who read a master last, by its tty_struct */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, u64);
	__type(value, struct holder);
} holders SEC(".maps");

static __always_inline struct task_struct *first_task(struct pid *pid, enum pid_type type)
{
	struct hlist_node *node = BPF_CORE_READ(pid, tasks[type].first);

	if (!node)
		return NULL;
	return (void *)node - bpf_core_field_offset(struct task_struct, pid_links) -
	       type * bpf_core_type_size(struct hlist_node);
}

/* Whether a process group has one member */
static __always_inline bool is_single(struct pid *group)
{
	struct hlist_node *first = BPF_CORE_READ(group, tasks[PIDTYPE_PGID].first);

	return first && !BPF_CORE_READ(first, next);
}

/*
 * A search for the youngest member of a process group, and for a reader, and where what he reads is; in a map, one for
 * each program that writes, for the reasons that payload.h gives
 */
struct pty_search {
	struct hlist_node *node;
	struct task_struct *found;
	u64 latest;
	struct process reader;
	struct user_iov iov;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct pty_search);
} searches SEC(".maps");

/* Looks at one member; 0: there are no more */
__noinline int search_on(u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);
	struct hlist_node *node;
	struct task_struct *task;
	u64 start;

	if (!search || !search->node)
		return 0;
	node = search->node;
	task = (void *)node - bpf_core_field_offset(struct task_struct, pid_links) -
	       PIDTYPE_PGID * bpf_core_type_size(struct hlist_node);
	start = BPF_CORE_READ(task, start_boottime);
	if (start >= search->latest) {
		search->latest = start;
		search->found = task;
	}
	search->node = BPF_CORE_READ(node, next);
	return 1;
}

/* The youngest living member of a process group, by its struct pid */
static __always_inline struct task_struct *youngest(struct pid *group, u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);

	if (!search)
		return NULL;
	search->node = BPF_CORE_READ(group, tasks[PIDTYPE_PGID].first);
	search->found = NULL;
	search->latest = 0;
	repeat_while(i, MEMBERS, search_on(via_uring));
	return search->found;
}

/*
 * Who reads what is written to a master, or to a slave, as the reader of the search; 1: a guess.
 * Global, to be verified once, and on_write once and not for each who it may be.
 */
__noinline int find_reader(u64 slave, u64 master, u32 to_master, u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);
	struct identity id = {};
	struct task_struct *task;
	struct pid *group;
	int guess = 0;

	if (!search || !has_traced(FAMILY_PTY))
		return 0;
	search->reader = id.who;
	if (to_master) {
		struct holder *holder = bpf_map_lookup_elem(&holders, &master);

		if (!holder || has_ended(holder->who.tgid, holder->leader, holder->born))
			return 0;
		/* user space looks who has it open, unless it has one descriptor, which is his */
		guess = !is_held_by_one((struct file *)holder->file, holder->leader);
		if (guess && holder->opened)
			return guess;
		name_by_now(holder->leader, &holder->who, &id);
		search->reader = id.who;
		return guess;
	}
	group = foreground((struct tty_struct *)slave);
	if (!group)
		return 0;
	if (is_single(group)) {
		task = first_task(group, PIDTYPE_PGID);
	} else {
		/* the leader's thread group has the number of the process group */
		task = first_task(group, PIDTYPE_TGID);
		if (!task)
			task = youngest(group, via_uring);
		guess = 1;
	}
	if (!task)
		return guess;
	identify(task, &id);
	introduce(&id);
	search->reader = id.who;
	return guess;
}

/* Tells user space who reads a master that he has not read, or that another one read since, or who opened it */
static __always_inline void tell_reader(u64 master, struct identity *self, u32 opened)
{
	struct use_record *record;

	announce(self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_UNKNOWN, LOST_RING_FULL, 1);
		return;
	}
	record->type = RECORD_READER;
	record->received = opened;
	record->time = bpf_ktime_get_boot_ns();
	record->inode = 0;
	record->channel = master;
	record->who = self->who;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
}

/* A task has read a master, or opened it. Global, for its frame to lie beside report_write's */
__noinline int remember(u64 master, u64 file, u64 task, u32 opened)
{
	struct holder holder = {.file = file, .opened = opened};
	struct holder *known = bpf_map_lookup_elem(&holders, &master);
	struct identity self = {};

	if (!has_traced(FAMILY_PTY))
		return 0;
	identify((struct task_struct *)task, &self);
	if (known && known->file == holder.file && known->opened == opened &&
	    same(&known->who, &self.who))
		return 0;
	introduce(&self);
	if (opened || !known || known->opened || known->who.tgid != self.who.tgid)
		tell_reader(master, &self, opened);
	holder.who = self.who;
	holder.leader = self.leader;
	holder.born = self.born;
	bpf_map_update_elem(&holders, &master, &holder, BPF_ANY);
	return 0;
}

#endif
