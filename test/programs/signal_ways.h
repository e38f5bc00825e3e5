/* Each way to send one, to a process or a thread. */
#pragma once
#include "signal_scene.h"

static void by_kill(void)
{
	cast_both(SIGUSR1);
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}

/* Forks a child of the script that waits for signals, as a role. */
static pid_t fork_victim(const char *role)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	check(pid > 0, "fork");
	say_role(role, pid, program_invocation_short_name);
	return pid;
}

/* The signal that ends its target. */
static void deadly(void)
{
	pid_t pid;

	sender = cast("sender");
	pid = fork_victim("victim");
	check(call(sender, SYS_kill, pid, SIGKILL) == 0, "kill");
	check(waitpid(pid, NULL, 0) == pid, "waitpid");
	say_sent("sender", "victim", SIGKILL, "SIGKILL", "");
}

static void by_tgkill(void)
{
	cast_both(SIGUSR2);
	check(call(sender, SYS_tgkill, target->pid, target->pid, SIGUSR2) == 0, "tgkill");
	say_sent("sender", "target", SIGUSR2, "SIGUSR2", tid_of(target->pid));
	delivered(target);
	check(call(sender, SYS_tkill, target->pid, SIGUSR2) == 0, "tkill");
	say_sent("sender", "target", SIGUSR2, "SIGUSR2", tid_of(target->pid));
}

static void *sit(void *tid)
{
	prctl(PR_SET_NAME, "some-thread");
	change(tid, syscall(SYS_gettid));
	for (;;)
		pause();
	return NULL;
}

static _Atomic uint32_t *word(void)
{
	return (void *)(stage->arena + 4096);
}

static long start_thread(long unused)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, sit, word()) == 0, "pthread_create");
	while (atomic_load(word()) == 0)
		pause_briefly();
	return unused;
}

/* Another thread than the leader: the process is the end, its leader's name is shown. */
static void to_thread(void)
{
	pid_t tid;

	cast_both(SIGUSR1);
	play(target, start_thread, 0);
	tid = atomic_load(word());
	check(tid != target->pid, "gettid");
	check(call(sender, SYS_tgkill, target->pid, tid, SIGUSR1) == 0, "tgkill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", tid_of(tid));
	/* kill takes a thread's id too, and means its process */
	check(call(sender, SYS_kill, tid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}

static void *kill_target(void *pid)
{
	prctl(PR_SET_NAME, "some-thread");
	return (void *)(long)kill((long)pid, SIGUSR1);
}

static long kill_by_thread(long pid)
{
	pthread_t thread;
	void *result;

	check(pthread_create(&thread, NULL, kill_target, (void *)pid) == 0, "pthread_create");
	check(pthread_join(thread, &result) == 0, "pthread_join");
	return (long)result;
}

static void from_thread(void)
{
	cast_both(SIGUSR1);
	check(play(sender, kill_by_thread, target->pid) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}

static void by_sigqueue(void)
{
	cast_both(SIGUSR1);
	check(call(sender, SYS_rt_sigqueueinfo, target->pid, SIGUSR1,
		   P(info(SIGUSR1, SI_QUEUE, sender->pid, 0))) == 0, "rt_sigqueueinfo");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
	check(call(sender, SYS_rt_tgsigqueueinfo, target->pid, target->pid, SIGUSR1,
		   P(info(SIGUSR1, SI_QUEUE, sender->pid, 0))) == 0, "rt_tgsigqueueinfo");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", tid_of(target->pid));
}

static void by_pidfd(void)
{
	long fd;

	cast_both(SIGUSR1);
	fd = call(sender, SYS_pidfd_open, target->pid, 0);
	check(fd >= 0, "pidfd_open");
	check(call(sender, SYS_pidfd_send_signal, fd, SIGUSR1, 0, 0) == 0, "pidfd_send_signal");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
	delivered(target);
	check(call(sender, SYS_pidfd_send_signal, fd, SIGUSR1,
		   P(info(SIGUSR1, SI_QUEUE, sender->pid, 0)), 0) == 0, "pidfd_send_signal");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}
