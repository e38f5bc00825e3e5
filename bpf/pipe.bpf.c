/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Pipes and FIFOs: the hooks; what they do is in pipe_mutex.h and pipe_calls.h. */
#include "calls.h"
#include "family.h"
#include "pipe_calls.h"
#include "pipe_mutex.h"
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";
ANCHOR(struct, name_record);
ANCHOR(struct, path_record);
ANCHOR(struct, pipe_record);
ANCHOR(struct, runs_record);
ANCHOR(struct, run);
ANCHOR(struct, chunk_record);
ANCHOR(struct, ledger);
ANCHOR(enum, record_type);
ANCHOR(enum, kind);
ANCHOR(enum, family);
ANCHOR(enum, queue_phase);
ANCHOR(struct, queue_record);
ANCHOR(enum, lost_reason);
ANCHOR(enum, run_flags);
ANCHOR(enum, ledger_flags);
ANCHOR(enum, event_flags);
ANCHOR(struct, event_record);

#define FUNCTION_HOOKS(backend)                                                                    \
	SEC("?" #backend "/pipe_read")                                                             \
	int BPF_HOOK_##backend(pipe_read__##backend, struct kiocb *kiocb, struct iov_iter *to)     \
	{                                                                                          \
		return on_io(kiocb, to, true);                                                     \
	}                                                                                          \
	SEC("?" #backend "/pipe_write")                                                            \
	int BPF_HOOK_##backend(pipe_write__##backend, struct kiocb *kiocb, struct iov_iter *from)  \
	{                                                                                          \
		return on_io(kiocb, from, false);                                                  \
	}                                                                                          \
	SEC("?" #backend "/mutex_unlock")                                                          \
	int BPF_HOOK_##backend(pipe_unlock__##backend, struct mutex *lock)                         \
	{                                                                                          \
		return on_unlock(lock);                                                            \
	}                                                                                          \
	SEC("?" #backend "/free_pipe_info")                                                        \
	int BPF_HOOK_##backend(pipe_free__##backend, struct pipe_inode_info *pipe)                 \
	{                                                                                          \
		return on_free(pipe);                                                              \
	}                                                                                          \
	SEC("?" #backend "/do_splice")                                                             \
	int BPF_HOOK_##backend(pipe_splice__##backend, struct file *in, void *in_offset,           \
			       struct file *out)                                                   \
	{                                                                                          \
		on_file(in);                                                                       \
		return on_file(out);                                                               \
	}                                                                                          \
	SEC("?" #backend "/do_tee")                                                                \
	int BPF_HOOK_##backend(pipe_tee__##backend, struct file *in, struct file *out)             \
	{                                                                                          \
		on_file(in);                                                                       \
		return on_file(out);                                                               \
	}                                                                                          \
	SEC("?" #backend "/do_sendfile")                                                           \
	int BPF_HOOK_##backend(pipe_sendfile__##backend, int out)                                  \
	{                                                                                          \
		return on_file(file_of(out));                                                      \
	}                                                                                          \
	SEC("?" #backend "/__x64_sys_vmsplice")                                                    \
	int BPF_HOOK_##backend(pipe_vmsplice__##backend, struct pt_regs *regs)                     \
	{                                                                                          \
		return on_file(file_of(argument(regs, 0, false)));                                 \
	}

#define BPF_HOOK_fentry BPF_PROG
#define BPF_HOOK_kprobe BPF_KPROBE
FUNCTION_HOOKS(fentry)
FUNCTION_HOOKS(kprobe)

/* A call begins that takes from one file and gives to another, which are pipes, or 0 */
__noinline int pipe_entered(u64 from_file, u64 to_file)
{
	struct transfer transfer = {.active = 1}, *known;
	struct ledger *from, *to;
	struct identity self = {};
	u32 thread;

	if (!serves(FAMILY_PIPE))
		return 0;
	from = enter_pipe(from_file, &transfer.from, 0);
	to = enter_pipe(to_file, &transfer.to, 0);
	/* not the pointers: clang would or them, which the verifier forbids */
	if (!transfer.from && !transfer.to)
		return 0;
	thread = bpf_get_current_pid_tgid();
	known = bpf_map_lookup_elem(&transfers, &thread);
	if (known && known->active) {
		/* its sys_exit was skipped */
		leave(known->from, true);
		leave(known->to, false);
	}
	if (from)
		__sync_fetch_and_add(&from->readers, 1);
	if (to) {
		identify((void *)bpf_get_current_task(), &self);
		mention(&self, &to->writer);
		to->writer = self.who;
		transfer.who = self.who;
		__sync_fetch_and_add(&to->writers, 1);
	}
	if (known) {
		*known = transfer;
	} else if (bpf_map_update_elem(&transfers, &thread, &transfer, BPF_ANY)) {
		leave(transfer.from, true);
		leave(transfer.to, false);
	}
	return 0;
}

/* The same call returned; or one that began unseen, with its files. 1: it was seen */
__noinline int pipe_returned(u32 call, s64 result, u64 from_file, u64 to_file)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct transfer transfer = {}, *known;
	struct reading reading = {};
	struct ledger *ledger;

	if (!serves(FAMILY_PIPE))
		return 0;
	known = bpf_map_lookup_elem(&transfers, &thread);
	if (known && known->active) {
		transfer = *known;
		known->active = 0;
	} else {
		known = NULL;
		/* entered before tracing began, or not a pipe at all */
		if (result <= 0 || (!from_file && !to_file))
			return 0;
		enter_pipe(from_file, &transfer.from, 1);
		if (enter_pipe(to_file, &transfer.to, 0)) {
			struct identity self = {};

			identify((void *)bpf_get_current_task(), &self);
			introduce(&self);
			transfer.who = self.who;
		}
	}
	if (transfer.from) {
		ledger = bpf_map_lookup_elem(&ledgers, &transfer.from);
		reading.thread = thread;
		iov_of_read(&reading.iov, call, current_regs(), in_compat_call());
		if (ledger)
			finish_read(ledger, &transfer, known, result, &reading);
	}
	if (transfer.to) {
		ledger = bpf_map_lookup_elem(&ledgers, &transfer.to);
		if (ledger)
			finish_write(ledger, &transfer, known, result);
	}
	return known != NULL;
}
