/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Terminals, as kernels have them. */
#ifndef TTY_H
#define TTY_H
#include "file.h"

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

/* Whether its output waits for Ctrl-Q; told since 5.14: 6e94dbc7a4e4 ("tty: cumulate and document tty_struct::flow members") */
static __always_inline bool is_stopped(struct tty_struct *tty)
{
	struct tty_struct___flow *new = (void *)tty;

	return bpf_core_field_exists(new->flow) && BPF_CORE_READ(new, flow.stopped);
}

/* The pseudoterminal a file is one side of, or NULL; a file of FAMILY_PTY */
static __always_inline struct tty_struct *tty_of(struct file *file)
{
	struct tty_file_private *private = BPF_CORE_READ(file, private_data);
	struct tty_struct *tty = BPF_CORE_READ(private, tty);
	struct tty_driver *driver = BPF_CORE_READ(tty, driver);

	return tty && is_pty(driver) ? tty : NULL;
}

/* The device of the devpts that a slave is in: others count terminals from 0 as well */
static __always_inline u32 instance_of(struct tty_struct *slave)
{
	struct dentry *dentry = BPF_CORE_READ(slave, driver_data);

	return BPF_CORE_READ(dentry, d_sb, s_dev);
}

static __always_inline bool is_master(struct tty_struct *tty)
{
	return tty && driver_subtype(BPF_CORE_READ(tty, driver)) == PTY_TYPE_MASTER;
}

#endif
