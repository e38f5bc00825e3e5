/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Terminals where functions can be hooked at their return. */
#include "function.h"
#include "function_hook.h"

static __always_inline bool is_terminal_traced(u64 first, u64 second, u64 third)
{
	return by_functions(FAMILY_PTY);
}

static __always_inline bool types_in(u64 file, u64 command, u64 argument)
{
	return by_functions(FAMILY_PTY) && (u32)command == TIOCSTI;
}

static __always_inline void on_terminal_written(u64 kiocb, u64 from, u64 none, s64 result)
{
	struct iov_iter *iter = (void *)from;
	u64 file = (u64)BPF_CORE_READ((struct kiocb *)kiocb, ki_filp);

	if (result > 0 && (is_in_user_memory(iter) || !is_piece(file, result)))
		pty_written(file, scalar(iter), result, false);
}

static __always_inline void on_terminal_read(u64 kiocb, u64 to, u64 none, s64 result)
{
	pty_received((u64)BPF_CORE_READ((struct kiocb *)kiocb, ki_filp), result);
}

static __always_inline void on_master_opened(u64 inode, u64 file, u64 none, s64 result)
{
	if (result >= 0)
		pty_opened(scalar((void *)file), HELD);
}

static __always_inline void on_terminal_ioctl(u64 file, u64 command, u64 argument, s64 result)
{
	if (types_in(file, command, argument) && result == 0)
		pty_written(scalar((void *)file), argument, 1, true);
}

/* What is spliced comes in pieces, and is for who takes the first byte of the first */
static __always_inline bool is_piece_begun(u64 file)
{
	u32 thread = bpf_get_current_pid_tgid();
	struct pieces *pieces = bpf_map_lookup_elem(&pieces_under_way, &thread);

	return pieces && pieces->file == file && pieces->sum;
}

static __always_inline void on_write_begins(struct kiocb *kiocb)
{
	u64 file = (u64)BPF_CORE_READ(kiocb, ki_filp);

	if (by_functions(FAMILY_PTY) && !is_piece_begun(file))
		pty_write_begins(file, false);
}

ON_ENTRY(functions_tty_write_begins, tty_write, (struct kiocb *kiocb), on_write_begins(kiocb))
ON_ENTRY(functions_tty_ioctl_begins, tty_ioctl, (struct file *file, u32 command),
	 if (types_in((u64)file, command, 0)) pty_write_begins(scalar(file), true))
ON_RETURN_WITH(functions_tty_write, tty_write, 2, KEPT_BY_TERMINAL, is_terminal_traced,
	       on_terminal_written)
ON_RETURN_WITH(functions_tty_read, tty_read, 2, KEPT_BY_TERMINAL, is_terminal_traced,
	       on_terminal_read)
ON_RETURN_WITH(functions_ptmx_open, ptmx_open, 2, KEPT_BY_OPEN, is_terminal_traced,
	       on_master_opened)
ON_RETURN_WITH(functions_tty_ioctl, tty_ioctl, 3, KEPT_BY_IOCTL, types_in, on_terminal_ioctl)
