/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who reads what is written to a terminal: who read that side last, or opened the master, is a fact when nobody else
 * could. Else it is a guess until somebody is seen to read: of a slave the foreground process group, and of a master him.
 */
#ifndef PTY_READER_H
#define PTY_READER_H
#include "family.h"
#include "pty_line.h"
#include "payload.h"

#define MEMBERS 64

struct holder {
	struct process who;
	u64 file;   /* by which it was read, or opened */
	u64 opened; /* by `who`, and not read since */
	u64 leader; /* of `who`: when he has ended it is somebody else's by now */
	u64 born;
	s32 fd; /* by which he did; HELD: whatever it is, letting go of it is told of; UNSURE: not known */
	u32 reserved;
};

/* Who read a side last, by its tty_struct */
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

/*
 * A search for the youngest member of a process group, and for a reader, and where what he reads is; in a map, one for
 * each program that writes, for the reasons that payload.h gives
 */
struct pty_search {
	struct hlist_node *node;
	struct task_struct *found;
	u64 latest;
	struct process reader;
	u32 session; /* of the terminal; 0: none */
	u32 reserved;
	struct beginning beginning; /* who receives it is told, from there on */
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

/* Whether who read a side has ended, or has it no longer by the descriptor by which he did */
static __always_inline bool has_let_go(struct holder *holder)
{
	if (has_ended(holder->who.tgid, holder->leader, holder->born))
		return true;
	return holder->fd >= 0 &&
	       !has_open(holder->leader, holder->fd, (struct file *)holder->file);
}

/* Whether a slave is opened by this file alone */
static __always_inline bool is_opened_once(u64 slave, u64 file)
{
	return BPF_CORE_READ((struct tty_struct *)slave, count) == 1 &&
	       tty_of((struct file *)file) == (struct tty_struct *)slave;
}

/*
 * Who reads a side of a terminal, as the reader of the search; 1: a guess.
 * Global, to be verified once, and on_write once and not for each who it may be.
 */
__noinline int find_reader(u64 side, u32 to_master, u32 via_uring)
{
	struct pty_search *search = bpf_map_lookup_elem(&searches, &via_uring);
	struct identity id = {};
	struct task_struct *task;
	struct holder *holder;
	struct pid *group;
	int guess = 1;

	if (!search || !has_traced(FAMILY_PTY))
		return 0;
	search->reader = id.who;
	holder = bpf_map_lookup_elem(&holders, &side);
	if (holder && has_let_go(holder))
		holder = NULL;
	if (holder) {
		guess = holder->fd == UNSURE ||
			!is_held_by_one((struct file *)holder->file, holder->leader) ||
			(!to_master && !is_opened_once(side, holder->file));
		if (guess && holder->opened)
			return guess;
		name_by_now(holder->leader, &holder->who, &id);
		search->reader = id.who;
		if (!guess)
			return guess;
	}
	if (to_master)
		return guess;
	group = foreground((struct tty_struct *)side);
	if (!group)
		return 1;
	/* the leader's thread group has the number of the process group */
	task = first_task(group, PIDTYPE_TGID);
	if (!task)
		task = youngest(group, via_uring);
	if (!task)
		return 1;
	identify(task, &id);
	introduce(&id);
	search->reader = id.who;
	return 1;
}

/* A task has read a side, or opened the master. Global, for its frame to lie beside report_write's */
__noinline int remember(u64 side, u64 file, u64 task, u32 opened, s32 fd)
{
	struct holder holder = {.file = file, .opened = opened, .fd = fd};
	struct holder *known = bpf_map_lookup_elem(&holders, &side);
	struct identity self = {};

	if (!has_traced(FAMILY_PTY))
		return 0;
	identify((struct task_struct *)task, &self);
	if (known && known->file == holder.file && known->opened == opened &&
	    known->fd == fd && same(&known->who, &self.who))
		return 0;
	introduce(&self);
	holder.who = self.who;
	holder.leader = self.leader;
	holder.born = self.born;
	bpf_map_update_elem(&holders, &side, &holder, BPF_ANY);
	return 0;
}

#endif
