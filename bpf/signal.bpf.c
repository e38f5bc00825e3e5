/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Signals: those a process sent, at signal_generate, where sender, target and result are known at
 * once. It runs under the target's siglock with interrupts off, so even a preemptible kernel skips
 * none, and it is the hook of every back end.
 */
#include "process.h"
#include "syscall.h"
#include <bpf/bpf_tracing.h>

ANCHOR(struct, signal_record);

#define SI_USER 0
#define SI_TKILL -6
#define SI_QUEUE -1
#define SEND_SIG_PRIV 1

/* The si_code of these is the caller's to choose; timers and message queues use the same codes */
static __always_inline bool queued_by_hand(void)
{
	return call_of(current_call(), in_compat_call()) == CALL_SIGQUEUE;
}

static __always_inline bool killed_by_hand(void)
{
	return call_of(current_call(), in_compat_call()) == CALL_KILL;
}

SEC("?tp_btf/signal_generate")
int BPF_PROG(signal_generate__tracepoint, int number, struct kernel_siginfo *info,
	     struct task_struct *task, int group, int result)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct identity src = {}, dst = {};
	/* as a pointer the verifier takes it for never NULL, and leaves out what is for NULL */
	u64 address = scalar(info);
	struct signal_record *record;
	int code;

	/*
	 * 0 and 1 stand for signals of the kernel's own, and read as pointers they would say SI_USER; but
	 * since 7.x kill(2) and its kin pass 0 as well, where SIGPIPE does.
	 */
	if (address == SEND_SIG_PRIV)
		return 0;
	code = address ? BPF_CORE_READ(info, si_code) : SI_USER;
	if (!address && !killed_by_hand() && !queued_by_hand())
		return 0;
	if (code != SI_USER && code != SI_TKILL && code != SI_QUEUE && !queued_by_hand())
		return 0;
	identify(self, &src);
	identify(task, &dst);
	if (src.who.tgid == config.own_tgid || dst.who.tgid == config.own_tgid)
		return 0;
	if (selects() && !may_pass(classify(&src), classify(&dst)))
		return 0;
	announce(&src);
	announce(&dst);
	record = bpf_ringbuf_reserve(&ring, sizeof(*record), 0);
	if (!record) {
		count_lost(KIND_SIGNAL, LOST_RING_FULL, 1);
		return 0;
	}
	begin_event(&record->event, KIND_SIGNAL, group ? SIGNAL_GROUP : 0, src.who, dst.who, 0);
	record->number = number;
	record->result = result;
	record->target = thread_here(scalar(task), BPF_CORE_READ(task, pid));
	record->reserved = 0;
	bpf_ringbuf_submit(record, wakeup());
	return 0;
}
