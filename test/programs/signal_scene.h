/* A sender, a target and its handlers, for all of signal.c. */
#pragma once
#include "actor.h"
#include "disposition.h"
#include <pthread.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/uio.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#endif

static long block(long number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	return sigprocmask(SIG_BLOCK, &set, NULL);
}

static struct actor *sender, *target;

static void cast_both(int number)
{
	sender = cast("sender");
	target = cast("target");
	check(play(target, handle, number) == 0, "sigaction");
	check(play(sender, handle, number) == 0, "sigaction");
}

/* The target has run since, so what was sent to it is pending no longer. */
static void delivered(struct actor *actor)
{
	check(call(actor, SYS_getpid) == actor->pid, "getpid");
}

static const char *tid_of(pid_t tid)
{
	static char text[32];

	snprintf(text, sizeof(text), ",\"tid\":%d", tid);
	return text;
}

/* What sigqueue(3) fills in, at a place every actor sees. */
static siginfo_t *info(int number, int code, pid_t pid, uid_t uid)
{
	siginfo_t *info = (void *)stage->arena;

	memset(info, 0, sizeof(*info));
	info->si_signo = number;
	info->si_code = code;
	info->si_pid = pid;
	info->si_uid = uid;
	return info;
}
