/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Pseudoterminals: one event per write system call to either side, at its return, or per request of
 * io_uring at its completion. What is written
 * to the master goes to the foreground process group, what is written to the slave to the process
 * that read the master last. The line discipline's echo is no system call, and so no event.
 */
#include "file.h"
#include "hook.h"
#include "payload.h"
#include "process.h"
#include "socket.h"
#include "uring.h"

#define S_IFCHR 0020000
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

/* Enums in newer kernels, shorts before */
static __always_inline u32 driver_subtype(struct tty_driver *driver)
{
	struct tty_driver___enum *new = (void *)driver;

	if (bpf_core_field_exists(new->subtype))
		return BPF_CORE_READ(new, subtype);
	return BPF_CORE_READ(driver, subtype);
}

static __always_inline bool is_pty(struct tty_driver *driver)
{
	struct tty_driver___enum *new = (void *)driver;

	/* 4 as a short; the enum counts anew */
	if (bpf_core_field_exists(new->type))
		return BPF_CORE_READ(new, type) ==
		       bpf_core_enum_value(enum tty_driver_type, TTY_DRIVER_TYPE_PTY);
	return BPF_CORE_READ(driver, type) == 4;
}

/* tty->pgrp and tty->session moved into tty->ctrl between 5.10 and 6.1 */
static __always_inline struct pid *foreground(struct tty_struct *tty)
{
	struct tty_struct___ctrl *new = (void *)tty;

	if (bpf_core_field_exists(new->ctrl))
		return BPF_CORE_READ(new, ctrl.pgrp);
	return BPF_CORE_READ(tty, pgrp);
}

static __always_inline struct pid *session_of(struct tty_struct *tty)
{
	struct tty_struct___ctrl *new = (void *)tty;

	if (bpf_core_field_exists(new->ctrl))
		return BPF_CORE_READ(new, ctrl.session);
	return BPF_CORE_READ(tty, session);
}

/* The pseudoterminal a file is one side of, or NULL */
static __always_inline struct tty_struct *tty_of(struct file *file)
{
	struct tty_file_private *private;
	struct tty_struct *tty;
	struct tty_driver *driver;
	struct inode *inode;
	u32 major;

	if (!file)
		return NULL;
	inode = BPF_CORE_READ(file, f_inode);
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) != S_IFCHR)
		return NULL;
	/* 5:0 is /dev/tty, 5:2 is /dev/ptmx, 136 to 143 are slaves: nothing else is a pty's file */
	major = BPF_CORE_READ(inode, i_rdev) >> 20;
	if (major != 5 && (major < 136 || major > 143))
		return NULL;
	private = BPF_CORE_READ(file, private_data);
	tty = BPF_CORE_READ(private, tty);
	driver = BPF_CORE_READ(tty, driver);
	return tty && is_pty(driver) ? tty : NULL;
}

static __always_inline struct task_struct *first_task(struct pid *pid, enum pid_type type)
{
	struct hlist_node *node = BPF_CORE_READ(pid, tasks[type].first);

	if (!node)
		return NULL;
	return (void *)node - bpf_core_field_offset(struct task_struct, pid_links) -
	       type * bpf_core_type_size(struct hlist_node);
}

/* A search for the youngest member of a process group; in a map for the reason that payload.h gives */
struct search {
	struct hlist_node *node;
	struct task_struct *found;
	u64 latest;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct search);
} searches SEC(".maps");

/* Looks at one member; 0: there are no more */
__noinline int search_on(void)
{
	u32 zero = 0;
	struct search *search = bpf_map_lookup_elem(&searches, &zero);
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
static __always_inline struct task_struct *youngest(struct pid *group)
{
	u32 zero = 0;
	struct search *search = bpf_map_lookup_elem(&searches, &zero);

	if (!search)
		return NULL;
	search->node = BPF_CORE_READ(group, tasks[PIDTYPE_PGID].first);
	search->found = NULL;
	search->latest = 0;
	repeat_while(i, MEMBERS, search_on());
	return search->found;
}

/* Who a terminal's input is for; `flags` says when that is a guess */
static __always_inline struct process reader_of(struct tty_struct *slave, u32 *flags)
{
	struct pid *group = foreground(slave);
	struct identity id = {};
	struct task_struct *task;

	if (!group)
		return id.who;
	/* the leader's thread group has the number of the process group */
	task = first_task(group, PIDTYPE_TGID);
	if (!task) {
		task = youngest(group);
		*flags |= EVENT_DST_GUESS;
	}
	if (!task)
		return id.who;
	identify(task, &id);
	introduce(&id);
	return id.who;
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

/* A task wrote `count` bytes to one side of a terminal, which were at `source` */
static __always_inline int on_write(struct tty_struct *tty, struct task_struct *task,
				    enum slot slot, struct source *source, u32 count)
{
	bool to_master = driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_SLAVE;
	struct tty_struct *other = BPF_CORE_READ(tty, link);
	struct tty_struct *slave = to_master ? tty : other;
	u32 flags = to_master ? PTY_TO_MASTER : 0;
	struct pid *session = session_of(slave);
	struct identity self = {};
	struct process dst = {};
	struct pty_record *record;
	u64 key = (u64)other;

	identify(task, &self);
	if (to_master) {
		struct holder *holder = bpf_map_lookup_elem(&holders, &key);

		/* whoever opened it holds it as long as it has one descriptor, which is his */
		if (holder && !has_ended(holder->who.tgid, holder->leader, holder->born) &&
		    (!holder->opened || is_held_once((struct file *)holder->file)))
			dst = holder->who;
	} else {
		dst = reader_of(slave, &flags);
	}
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
	record->session = 0;
	if (session)
		record->session = config.pid_namespace ? number_here((u64)session)
						       : BPF_CORE_READ(session, numbers[0].nr);
	record->event.captured = capture(slot, source, wanted_of(count), record->event.thread);
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}

static __always_inline int on_ring(const struct told *told)
{
	struct completion *completion = read_completion(told, HEARER_PTY);
	struct source source = {};
	struct tty_struct *tty;

	if (!completion || !completion->result)
		return 0;
	tty = tty_of(completion->file);
	if (!tty)
		return 0;
	if (sends(completion->opcode)) {
		source_of_completion(&source, completion);
		on_write(tty, completion->task, SLOT_PTY_RING, &source, completion->result);
	} else if (receives(completion->opcode) &&
		   driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_MASTER) {
		remember(tty, completion->file, completion->task, false);
	}
	return 0;
}

/* Whoever closes a master holds it no longer */
static __always_inline int on_enter(struct pt_regs *regs, long number)
{
	bool compat = in_compat_call();
	struct holder *holder;
	u64 key;

	if (call_of(number, compat) != CALL_CLOSE)
		return 0;
	key = (u64)tty_of(file_of(argument(regs, 0, compat)));
	holder = key ? bpf_map_lookup_elem(&holders, &key) : NULL;
	if (holder && holder->who.tgid == bpf_get_current_pid_tgid() >> 32)
		bpf_map_delete_elem(&holders, &key);
	return 0;
}

static __always_inline int on_return(struct pt_regs *regs, long result)
{
	bool compat = in_compat_call();
	enum call call = call_of(call_number(regs), compat);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct source source = {};
	struct tty_struct *tty;
	struct file *file;
	int fd;

	if (call == CALL_OTHER || result < 0)
		return 0;
	if (call == CALL_OPEN) {
		file = file_of(result);
		tty = tty_of(file);
		if (tty && driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_MASTER)
			remember(tty, file, task, true);
		return 0;
	}
	if (call == CALL_CONNECT || call == CALL_ACCEPT || call >= CALL_CLOSE || result == 0)
		return 0;
	fd = receives_from(call, regs, compat);
	if (fd >= 0) {
		file = file_of(fd);
		tty = tty_of(file);
		if (tty && driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_MASTER)
			remember(tty, file, task, false);
	}
	fd = sends_to(call, regs, compat);
	if (fd >= 0) {
		tty = tty_of(file_of(fd));
		if (tty) {
			source_of_call(&source, call, regs, compat);
			on_write(tty, task, SLOT_PTY, &source, result);
		}
	}
	return 0;
}

ON_SYS_ENTER(pty_enter__any, on_enter)
ON_SYS_EXIT(pty_exit__any, on_return)
ON_COMPLETION(pty_ring__any, on_ring)
