/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Signals: those a process sent, at signal_generate, where sender, target and result are known at
 * once. It runs under the target's siglock with interrupts off, so even a preemptible kernel skips
 * none, and it is the hook of every back end.
 */
#include "kill.h"
#include "process.h"
#include "syscall.h"
#include <bpf/bpf_tracing.h>

ANCHOR(struct, signal_record);

#define SEND_SIG_PRIV 1
#define SIGKILL 9
#define SIGCHLD 17
#define SIGCONT 18
#define SIGNAL_CLD_STOPPED 0x10
#define SIGNAL_CLD_CONTINUED 0x20
#define PF_EXITING 0x4
/* Behind those of enum trace_signal_result in trace/events/signal.h */
#define RESULT_RESUMED 5

/* A process when a SIGCONT woke it: until it has run it says so of the next one too */
struct resumption {
	u64 born;
	u64 switches; /* of its leader, who adds one when it stops again */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64); /* its signal_struct */
	__type(value, struct resumption);
} resumptions SEC(".maps");

/* Whether the current system call is one that sends this signal: in the midst of it the kernel may raise others */
static __always_inline bool is_asked_for(struct pt_regs *regs, enum call call, int number)
{
	bool compat = in_compat_call();

	/* that of the calls for threads comes one later */
	return (call == CALL_KILL || call == CALL_SIGQUEUE) &&
	       ((int)argument(regs, 1, compat) == number ||
		(int)argument(regs, 2, compat) == number);
}

/*
 * Whether the current system call has made this siginfo: it is on the stack of the task then, where
 * neither a timer has its own nor an interrupt. Codes above 0, the kernel's, are allowed to oneself only.
 */
static __always_inline bool is_made_by_call(struct pt_regs *regs, enum call call, u64 info,
					    int code, bool to_self)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (info < (u64)BPF_CORE_READ(task, stack) || info >= scalar(regs))
		return false;
	return code <= 0 || (call == CALL_SIGQUEUE && to_self && !has_returned(regs));
}

/* Whether a process that was stopped goes on by this SIGCONT. The kernel has woken it by now, and noted that */
static __always_inline bool has_resumed(struct task_struct *task)
{
	u64 key = (u64)BPF_CORE_READ(task, signal);
	struct resumption now = {}, *last;

	if (!(BPF_CORE_READ(task, signal, flags) & (SIGNAL_CLD_STOPPED | SIGNAL_CLD_CONTINUED)))
		return false;
	now.born = BPF_CORE_READ(task, group_leader, start_boottime);
	now.switches = BPF_CORE_READ(task, group_leader, nvcsw);
	last = bpf_map_lookup_elem(&resumptions, &key);
	if (last && last->born == now.born && last->switches == now.switches)
		return false;
	bpf_map_update_elem(&resumptions, &key, &now, BPF_ANY);
	return true;
}

/* Whether --signal asks for it */
static __always_inline bool is_wanted(u32 number)
{
	u32 bit = number - 1, word = bit < 32 ? config.signals_low : config.signals_high;

	return !(config.signals_low | config.signals_high) || word >> (bit & 31) & 1;
}

/*
 * Whether a process asked for a signal: by a system call, or by cgroup.kill, which is a signal to all of a process.
 * 0 and 1 stand for signals of the kernel's own; but since 7.x kill(2) and its kin pass 0 as well. So does
 * a write to cgroup.kill, by whatever call, and nobody else for a SIGKILL who is not exiting.
 */
static __always_inline bool is_sent(int number, struct kernel_siginfo *info, bool to_self,
				    u32 *flags)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct pt_regs *regs = current_regs();
	enum call call = call_of((u32)call_number(regs), in_compat_call());
	u32 doing = BPF_CORE_READ(self, flags);
	/* as a pointer the verifier takes it for never NULL, and leaves out what is for NULL */
	u64 address = scalar(info);

	if (address == SEND_SIG_PRIV || (doing & PF_EXITING))
		return false;
	if (is_asked_for(regs, call, number))
		return !address ||
		       is_made_by_call(regs, call, address, BPF_CORE_READ(info, si_code), to_self);
	if (address || number != SIGKILL || call == CALL_KILL || call == CALL_SIGQUEUE ||
	    (doing & PF_KTHREAD))
		return false;
	*flags = SIGNAL_GROUP;
	return true;
}

/* The kernel's own signal: flags of the event by which user space tells its cause */
static __always_inline u32 circumstances(int number, u64 address, struct task_struct *task)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	u32 flags = SIGNAL_KERNEL;

	if (address <= SEND_SIG_PRIV)
		flags |= SIGNAL_BARE;
	if (BPF_CORE_READ(self, flags) & PF_EXITING)
		flags |= SIGNAL_EXITING;
	if (BPF_CORE_READ(task, pdeath_signal) == number)
		flags |= SIGNAL_PDEATH;
	if (number == SIGKILL && (flags & SIGNAL_BARE))
		flags |= reason_of_kill(task);
	return flags;
}

SEC("?tp_btf/signal_generate")
int BPF_PROG(signal_generate__tracepoint, int number, struct kernel_siginfo *info,
	     struct task_struct *task, int group, int result)
{
	u32 flags = group ? SIGNAL_GROUP : 0;
	struct identity src = {}, dst = {};
	u64 address = scalar(info);
	struct signal_record *record;
	bool is_own;

	/* whoever sent it: the next one is to know */
	if (number == SIGCONT && has_resumed(task))
		result = RESULT_RESUMED;
	if (!is_wanted(number))
		return 0;
	identify((void *)bpf_get_current_task(), &src);
	identify(task, &dst);
	is_own = is_sent(number, info, src.who.tgid == dst.who.tgid, &flags);
	if (!is_own) {
		/* the end of a child is news to its parent only */
		if (!config.kernel_signals ||
		    (number == SIGCHLD && !(config.signals_low | config.signals_high)))
			return 0;
		flags |= circumstances(number, address, task);
		__builtin_memset(&src, 0, sizeof(src));
		__builtin_memcpy(src.name.comm, "kernel", sizeof("kernel"));
	}
	if (src.who.tgid == config.own_tgid || dst.who.tgid == config.own_tgid ||
	    is_to_self(src.who.tgid, dst.who.tgid))
		return 0;
	if (selects() && !may_pass(classify(&src), classify(&dst)))
		return 0;
	if (is_own)
		announce(&src);
	announce(&dst);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_SIGNAL, LOST_RING_FULL, 1);
		return and_who(0);
	}
	begin_event(&record->event, KIND_SIGNAL, flags, src.who, dst.who, 0);
	record->number = number;
	record->result = result;
	record->target = thread_here(scalar(task), BPF_CORE_READ(task, pid));
	record->code = 0;
	if (address > SEND_SIG_PRIV)
		record->code = BPF_CORE_READ(info, si_code);
	else if (!is_own && number == SIGKILL && !(flags & SIGNAL_OOM))
		note_kill(task, record->event.time);
	bpf_ringbuf_submit(record, wakeup());
	return and_who(0);
}
