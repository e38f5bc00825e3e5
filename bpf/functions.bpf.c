/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Sockets and terminals where functions can be hooked at their return: each message by the function that sends it,
 * whatever call or request asked for it, and each use of a file likewise. Nobody else's system calls come by here.
 * These functions are several families', those of one are in functions_unix.bpf.c and so on.
 */
#include "function_socket.h"

/* A thread's splice or sendfile to this file begins */
static __always_inline void on_pieces_begin(struct file *to)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pieces pieces = {.file = scalar(to)};
	u64 sock = 0;

	pieces.family = family_by_functions(to, &sock);
	if (pieces.family == FAMILY_NONE)
		return;
	if (pieces.family == FAMILY_UNIX)
		unix_message_begins(sock);
	bpf_map_update_elem(&pieces_under_way, &thread, &pieces, BPF_ANY);
}

static __always_inline void on_pieces_end(s64 result)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pieces *known = bpf_map_lookup_elem(&pieces_under_way, &thread), pieces;

	if (!known)
		return;
	pieces = *known;
	bpf_map_delete_elem(&pieces_under_way, &thread);
	if (!pieces.sum)
		return;
	if (pieces.family == FAMILY_UNIX)
		unix_pieces_sent((u64)sock_of_file((struct file *)pieces.file), pieces.sum);
	else if (pieces.family == FAMILY_LOOPBACK)
		loopback_pieces_sent((u64)sock_of_file((struct file *)pieces.file), pieces.sum);
	else
		pty_written(pieces.file, 0, pieces.sum, false);
}

/* A process lets a descriptor go, by whatever way */
static __always_inline void on_let_go(struct file *file, u64 table)
{
	u64 sock = 0;

	switch (family_by_functions(file, &sock)) {
	case FAMILY_UNIX:
	case FAMILY_LOOPBACK:
		sock_released((struct sock *)sock, table);
		break;
	case FAMILY_PTY:
		pty_closed(scalar(file));
		break;
	default:
		break;
	}
}

static __always_inline void on_socket_made(struct socket *socket)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);

	if (sk && family_of_sock(sk) != FAMILY_NONE)
		sock_created(sk, HELD);
}

static __always_inline bool is_file_traced(u64 file, u64 second, u64 third)
{
	u64 sock;

	return family_by_functions((struct file *)file, &sock) != FAMILY_NONE;
}

static __always_inline void on_spliced(u64 file, u64 position, u64 pipe, s64 result)
{
	u64 sock = 0;
	u32 family = family_by_functions((struct file *)file, &sock);

	if (family == FAMILY_UNIX)
		unix_spliced(sock, result);
	else if (family == FAMILY_LOOPBACK)
		loopback_spliced(sock, result);
}

ON_ENTRY(functions_splice, do_splice, (struct file * in, void *in_offset, struct file *out),
	 on_pieces_begin(out))
ON_RETURN(functions_splice_ends, do_splice, 6, on_pieces_end)
ON_ENTRY(functions_sendfile, do_sendfile, (int out), on_pieces_begin(file_of(out)))
ON_RETURN(functions_sendfile_ends, do_sendfile, 5, on_pieces_end)
ON_RETURN_WITH(functions_splice_read, sock_splice_read, 5, KEPT_BY_SPLICE, is_file_traced,
	       on_spliced)
/* Before it has its file; a socket that is accepted is not there yet */
ON_ENTRY(functions_made, sock_alloc_file, (struct socket * socket), on_socket_made(socket))
ON_ENTRY(functions_let_go, locks_remove_posix, (struct file * file, void *table),
	 on_let_go(file, scalar(table)))

/* Receives that began before their functions were hooked, of those who sleep in one: run once, after that */
SEC("?iter/task")
int functions_begun__any(struct bpf_iter__task *ctx)
{
	struct task_struct *typed = ctx->task, *task;
	struct pt_regs *regs;
	u32 thread, compat, family;
	enum call call;
	struct file *file;
	u64 sock = 0, flags = 0;

	if (!typed)
		return 0;
	regs = regs_of(typed);
	task = (struct task_struct *)scalar(typed);
	thread = BPF_CORE_READ(task, pid);
	if (!is_asleep(task) || ongoing_of(thread))
		return 0;
	compat = in_compat_call_of(task);
	call = call_of(call_number(regs), compat);
	if (call == CALL_RECVFROM || call == CALL_RECVMMSG)
		flags = argument(regs, 3, compat);
	else if (call == CALL_RECVMSG)
		flags = argument(regs, 2, compat);
	else if (call != CALL_READ && call != CALL_READV)
		return 0;
	file = file_of_task(task, argument(regs, 0, compat));
	family = family_by_functions(file, &sock);
	if (family == FAMILY_UNIX || family == FAMILY_LOOPBACK)
		begin_by_function(thread, file, sock, family, flags, true);
	return 0;
}
