/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Terminals where functions can be hooked at their return. */
#include "function.h"

static __always_inline void on_terminal_written(struct kiocb *kiocb, struct iov_iter *from,
						s64 result)
{
	u64 file = (u64)BPF_CORE_READ(kiocb, ki_filp);

	if (result > 0 && (is_in_user_memory(from) || !is_piece(file, result)))
		pty_written(file, scalar(from), result, false);
}

SEC("?fexit/tty_write")
int BPF_PROG(functions_tty_write__fentry, struct kiocb *kiocb, struct iov_iter *from, s64 result)
{
	on_terminal_written(kiocb, from, result);
	return 0;
}

SEC("?fexit/tty_read")
int BPF_PROG(functions_tty_read__fentry, struct kiocb *kiocb, struct iov_iter *to, s64 result)
{
	pty_received((u64)BPF_CORE_READ(kiocb, ki_filp), result);
	return 0;
}

SEC("?fexit/ptmx_open")
int BPF_PROG(functions_ptmx_open__fentry, struct inode *inode, struct file *file, int result)
{
	if (result >= 0)
		pty_opened(scalar(file));
	return 0;
}

SEC("?fexit/tty_ioctl")
int BPF_PROG(functions_tty_ioctl__fentry, struct file *file, u32 command, u64 argument, s64 result)
{
	if (command == TIOCSTI && result == 0)
		pty_written(scalar(file), argument, 1, true);
	return 0;
}
