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
ANCHOR(struct, sum_key);
ANCHOR(struct, sum);
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
		return on_mutex_unlock(lock);                                                      \
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

/* A task begins a call that takes from a pipe, or gives to one, or both */
__noinline int pipe_begun(u64 task, u32 thread)
{
	struct ongoing *ongoing = ongoing_of(thread);
	struct ledger *from, *to;
	struct identity self = {};
	u64 from_pipe, to_pipe;

	if (!serves(FAMILY_PIPE) || !ongoing)
		return 0;
	from = enter_pipe(ongoing->from, &from_pipe);
	to = enter_pipe(ongoing->to, &to_pipe);
	ongoing->from_pipe = from_pipe;
	ongoing->to_pipe = to_pipe;
	/* not of ongoing: it would be relocated as if it were the kernel's */
	if (from)
		find_unseen(from, from_pipe);
	if (to)
		find_unseen(to, to_pipe);
	if (from)
		__sync_fetch_and_add(&from->readers, 1);
	if (to) {
		identify((void *)task, &self);
		ongoing->writer = self.who;
		__sync_fetch_and_add(&to->writers, 1);
		/* then: whoever reads meanwhile must not take this one for the only one */
		barrier();
		mention(&self, &to->writer);
		to->writer = self.who;
	}
	return 0;
}

/* The return of the current thread's call was skipped */
__noinline int pipe_left(void)
{
	struct ongoing *ongoing = current_ongoing();

	if (!serves(FAMILY_PIPE) || !ongoing)
		return 0;
	leave(ongoing->from_pipe, true);
	leave(ongoing->to_pipe, false);
	return 0;
}

/* The call that the current thread is in returns */
__noinline int pipe_ended(s64 result)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct ongoing *ongoing = ongoing_of(thread);
	struct reading reading = {};
	struct ledger *ledger;

	if (!serves(FAMILY_PIPE) || !ongoing)
		return 0;
	if (ongoing->from_family == FAMILY_PIPE) {
		ledger = bpf_map_lookup_elem(&ledgers, &ongoing->from_pipe);
		reading.thread = thread;
		iov_of_read(&reading.iov, ongoing->call, ongoing->argument[1],
			    ongoing->argument[2], ongoing->compat);
		if (ledger)
			finish_read(ledger, ongoing->from_pipe, result, &reading);
		else if (result > 0)
			/* there was no room for its ledger */
			count_lost(KIND_PIPE, LOST_MAP_FULL, 1);
	}
	if (ongoing->to_pipe) {
		ledger = bpf_map_lookup_elem(&ledgers, &ongoing->to_pipe);
		if (ledger)
			finish_write(ledger, ongoing, result);
	}
	return 0;
}
