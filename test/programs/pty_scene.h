/* A shell, who holds its terminal, and jobs, for all of pty.c. */
#pragma once
#include <linux/aio_abi.h>
#include "pty.h"
#include "ring.h"

static long breed(long name)
{
	return P(enter((char *)name));
}

/* A program that another one starts, in a process group of its own unless it is to be in that one's. */
static struct actor *start_in(struct actor *parent, const char *name, pid_t group)
{
	struct actor *child = (void *)play(parent, breed, name);

	say_role(name, child->pid, name);
	must(call(parent, SYS_setpgid, child->pid, group), "setpgid");
	return child;
}

static void to_foreground(struct actor *leader, const struct terminal *terminal, pid_t group)
{
	must(call(leader, SYS_ioctl, terminal->slave, TIOCSPGRP, P(lend_copy(&group, sizeof(group)))), "TIOCSPGRP");
}

static struct actor *holder, *shell;
static struct terminal one;
static int early;

static void set_up(void)
{
	holder = cast("terminal");
	shell = cast("shell");
	one = open_terminal(holder);
	enter_session(&one, shell);
	if (early)
		wait_for_test();
}
