/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pseudoterminals: one event per write system call to either side, at its return, or per request of
 * io_uring at its completion. What is written to the master goes to the foreground process group,
 * what is written to the slave to the process that read the master last. The line discipline's echo
 * is no system call, and so no event.
 */
#include "calls.h"
#include "completion.h"
#include "family.h"
#include "tty.h"

#define MEMBERS 64

ANCHOR(struct, pty_record);

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

/*
 * A search for the youngest member of a process group, and for a reader; in a map, one for each program that
 * writes, for the reasons that payload.h gives
 */
struct pty_search {
	struct hlist_node *node;
	struct task_struct *found;
	u64 latest;
	struct process reader;
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

		/* whoever opened it holds it as long as it has one descriptor, which is his */
		if (holder && !has_ended(holder->who.tgid, holder->leader, holder->born) &&
		    (!holder->opened || is_held_once((struct file *)holder->file)))
			search->reader = holder->who;
		return 0;
	}
	group = foreground((struct tty_struct *)slave);
	if (!group)
		return 0;
	/* the leader's thread group has the number of the process group */
	task = first_task(group, PIDTYPE_TGID);
	if (!task) {
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

static __always_inline void remember(struct tty_struct *master, struct file *file,
				     struct task_struct *task, bool opened)
{
	u64 key = (u64)master;
	struct holder holder = {.file = (u64)file, .opened = opened};
	struct holder *known = bpf_map_lookup_elem(&holders, &key);
	struct identity self = {};

	identify(task, &self);
	if (known && known->file == holder.file && known->opened == opened &&
	    same(&known->who, &self.who))
		return;
	introduce(&self);
	holder.who = self.who;
	holder.leader = self.leader;
	holder.born = self.born;
	bpf_map_update_elem(&holders, &key, &holder, BPF_ANY);
}

/* A task wrote `count` bytes to one side of a terminal, which were at `iov` */
static __always_inline int on_write(struct tty_struct *tty, struct task_struct *task,
				    enum scratch scratch, struct user_iov *iov, u32 count)
{
	bool to_master = driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_SLAVE;
	struct tty_struct *other = BPF_CORE_READ(tty, link);
	struct tty_struct *slave = to_master ? tty : other;
	u32 flags = to_master ? PTY_TO_MASTER : 0;
	struct pid *session = session_of(slave);
	struct identity self = {};
	struct process dst;
	struct pty_record *record;
	struct pty_search *search;
	u32 via_uring = scratch == SCRATCH_REQUEST;

	if (find_reader((u64)slave, (u64)other, to_master, via_uring))
		flags |= EVENT_DST_GUESS;
	search = bpf_map_lookup_elem(&searches, &via_uring);
	if (!search)
		return 0;
	dst = search->reader;
	identify(task, &self);
	if (self.who.tgid == config.own_tgid || dst.tgid == config.own_tgid)
		return 0;
	if (!admit(&self, &dst))
		return 0;
	announce(&self);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_PTY, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, KIND_PTY, flags, self.who, dst, count);
	record->master = to_master ? (u64)other : (u64)tty;
	record->index = BPF_CORE_READ(slave, index);
	record->device = instance_of(slave);
	record->reserved = 0;
	record->session = 0;
	if (session)
		record->session = config.pid_namespace ? number_here((u64)session)
						       : BPF_CORE_READ(session, numbers[0].nr);
	record->event.captured = capture(scratch, iov, wanted_of(count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

/* A request of io_uring at a terminal completed */
__noinline int pty_completed(u64 address)
{
	struct completion *completion = current_completion();
	struct file *file = (void *)address;
	struct user_iov iov = {};
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !completion || !completion->result)
		return 0;
	tty = tty_of(file);
	if (tty && sends(completion->opcode)) {
		iov_of_completion(&iov, completion);
		on_write(tty, completion->task, SCRATCH_REQUEST, &iov, completion->result);
	} else if (receives(completion->opcode) && is_master(tty)) {
		remember(tty, file, completion->task, false);
	}
	return 0;
}

__noinline int pty_opened(u64 file)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY))
		return 0;
	tty = tty_of((struct file *)file);
	if (is_master(tty))
		remember(tty, (struct file *)file, (void *)bpf_get_current_task(), true);
	return 0;
}

/* Whoever closes a master holds it no longer */
__noinline int pty_closed(u64 file)
{
	struct holder *holder;
	u64 key;

	if (!has_traced(FAMILY_PTY))
		return 0;
	key = (u64)tty_of((struct file *)file);
	holder = key ? bpf_map_lookup_elem(&holders, &key) : NULL;
	if (holder && holder->who.tgid == bpf_get_current_pid_tgid() >> 32)
		bpf_map_delete_elem(&holders, &key);
	return 0;
}

__noinline int pty_received(u64 file, s64 result)
{
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY) || result <= 0)
		return 0;
	tty = tty_of((struct file *)file);
	if (is_master(tty))
		remember(tty, (struct file *)file, (void *)bpf_get_current_task(), false);
	return 0;
}

__noinline int pty_sent(u64 file, s64 result)
{
	struct ongoing *ongoing = current_ongoing();
	struct user_iov iov = {};
	struct tty_struct *tty;

	if (!serves(FAMILY_PTY) || !ongoing)
		return 0;
	tty = tty_of((struct file *)file);
	/* what is typed into a side, a byte, is what comes from the other */
	if (tty && ongoing->call == CALL_IOCTL) {
		tty = BPF_CORE_READ(tty, link);
		result = !result;
	}
	if (!tty || result <= 0)
		return 0;
	iov_of_call(&iov, ongoing);
	return on_write(tty, (void *)bpf_get_current_task(), SCRATCH_CALL, &iov, result);
}

/* The current process gave to one what an iterator has passed, or a splice (0), or typed the byte at an address (TIOCSTI) */
__noinline int pty_written(u64 file, u64 from, s64 result, u32 typed)
{
	struct user_iov iov = {};
	struct tty_struct *tty;

	if (!has_traced(FAMILY_PTY) || result <= 0)
		return 0;
	tty = tty_of((struct file *)file);
	if (tty && typed)
		tty = BPF_CORE_READ(tty, link);
	if (!tty)
		return 0;
	if (typed)
		iov = (struct user_iov){.kind = IOV_BUFFER, .base = from, .length = 1};
	else if (from && config.contents)
		iov_of_passed(&iov, (struct iov_iter *)from, result);
	return on_write(tty, (void *)bpf_get_current_task(), SCRATCH_CALL, &iov, result);
}
