/* Signals that processes send, in lock-step. */
#include "signal_scene.h"
#include "signal_ways.h"

/* Counted as the C library, kill -l and the shells do: it keeps 32 and 33 to itself. */
static void realtime(void)
{
	static const struct {
		int number;
		const char *name;
	} signals[] = {{34, "SIGRTMIN"}, {36, "SIGRTMIN+2"}};

	cast_both(SIGUSR1);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		check(play(target, handle, signals[i].number) == 0, "sigaction");
		check(call(sender, SYS_kill, target->pid, signals[i].number) == 0, "kill");
		say_sent("sender", "target", signals[i].number, signals[i].name, "");
	}
}

/* Every standard signal that a process can ignore, by its name. */
static void names(void)
{
	static const char *const names[] = {
		[1] = "SIGHUP",	    [2] = "SIGINT",   [3] = "SIGQUIT",	  [4] = "SIGILL",   [5] = "SIGTRAP",
		[6] = "SIGABRT",    [7] = "SIGBUS",   [8] = "SIGFPE",	  [10] = "SIGUSR1", [11] = "SIGSEGV",
		[12] = "SIGUSR2",   [13] = "SIGPIPE", [14] = "SIGALRM",	  [15] = "SIGTERM", [16] = "SIGSTKFLT",
		[17] = "SIGCHLD",   [18] = "SIGCONT", [20] = "SIGTSTP",	  [21] = "SIGTTIN", [22] = "SIGTTOU",
		[23] = "SIGURG",    [24] = "SIGXCPU", [25] = "SIGXFSZ",	  [26] = "SIGVTALRM", [27] = "SIGPROF",
		[28] = "SIGWINCH",  [29] = "SIGIO",   [30] = "SIGPWR",	  [31] = "SIGSYS",
	};

	cast_both(SIGUSR1);
	for (int number = 1; number < 32; number++) {
		if (!names[number])
			continue;
		check(play(target, handle, number) == 0, "sigaction");
		check(call(sender, SYS_kill, target->pid, number) == 0, "kill");
		say_sent("sender", "target", number, names[number], "");
	}
}

/* A group's members get one event each. */
static void group(void)
{
	struct actor *member[3] = {cast("leader"), cast("second"), cast("third")};

	sender = cast("sender");
	for (int i = 0; i < 3; i++) {
		check(play(member[i], handle, SIGUSR1) == 0, "sigaction");
		check(call(member[i], SYS_setpgid, 0, member[0]->pid) == 0, "setpgid");
	}
	check(call(sender, SYS_kill, -member[0]->pid, SIGUSR1) == 0, "kill");
	for (int i = 0; i < 3; i++)
		say_sent("sender", member[i]->name, SIGUSR1, "SIGUSR1", "");
	for (int i = 0; i < 3; i++)
		delivered(member[i]);
	/* kill(0): the sender's own group, the sender too */
	check(call(member[1], SYS_kill, 0, SIGUSR1) == 0, "kill");
	for (int i = 0; i < 3; i++)
		say_sent("second", member[i]->name, SIGUSR1, "SIGUSR1", "");
}

static long raise_signal(long number)
{
	return raise(number);
}

static void self(void)
{
	cast_both(SIGUSR1);
	check(call(sender, SYS_kill, sender->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "sender", SIGUSR1, "SIGUSR1", "");
	check(play(sender, raise_signal, SIGUSR1) == 0, "raise");
	say_sent("sender", "sender", SIGUSR1, "SIGUSR1", tid_of(sender->pid));
}

static void ignored(void)
{
	cast_both(SIGUSR1);
	check(play(target, ignore, SIGUSR1) == 0, "SIG_IGN");
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", ",\"result\":\"ignored\"");
	/* by default */
	check(call(sender, SYS_kill, target->pid, SIGWINCH) == 0, "kill");
	say_sent("sender", "target", SIGWINCH, "SIGWINCH", ",\"result\":\"ignored\"");
}

static void pending(void)
{
	cast_both(SIGUSR1);
	check(play(target, block, SIGUSR1) == 0, "sigprocmask");
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", ",\"result\":\"already_pending\"");
}

/* No room for queued signals: sigqueue fails, kill gets through without its siginfo. */
static void overflow(void)
{
	cast_both(SIGUSR1);
	check(play(target, block, 40) == 0, "sigprocmask");
	*(struct rlimit *)(stage->arena + 8192) = (struct rlimit){0, 0};
	check(call(target, SYS_prlimit64, 0, RLIMIT_SIGPENDING, P(stage->arena + 8192), 0) == 0, "prlimit");
	check(call(sender, SYS_rt_sigqueueinfo, target->pid, 40,
		   P(info(40, SI_QUEUE, sender->pid, 0))) == -EAGAIN, "rt_sigqueueinfo");
	say_sent("sender", "target", 40, "SIGRTMIN+6", ",\"result\":\"overflow_fail\"");
	check(call(sender, SYS_kill, target->pid, 40) == 0, "kill");
	say_sent("sender", "target", 40, "SIGRTMIN+6", ",\"result\":\"lose_info\"");
}

/* si_pid says init, the truth is the caller. */
static void forged_pid(void)
{
	cast_both(SIGUSR1);
	check(call(sender, SYS_rt_sigqueueinfo, target->pid, SIGUSR1,
		   P(info(SIGUSR1, SI_QUEUE, 1, 1234))) == 0, "rt_sigqueueinfo");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}

/* si_code says timer, message queue, asynchronous I/O: a process sent it all the same. */
static void forged_code(void)
{
	static const int codes[] = {SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, -60};

	cast_both(SIGUSR1);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		check(call(sender, SYS_rt_sigqueueinfo, target->pid, SIGUSR1,
			   P(info(SIGUSR1, codes[i], 0, 0))) == 0, "rt_sigqueueinfo");
		say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
		delivered(target);
	}
}

/* To itself a process may pretend anything. */
static void forged_kernel(void)
{
	static const int codes[] = {SI_USER, SI_KERNEL, SI_TKILL};

	cast_both(SIGUSR1);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		check(call(sender, SYS_rt_sigqueueinfo, sender->pid, SIGUSR1,
			   P(info(SIGUSR1, codes[i], 0, 0))) == 0, "rt_sigqueueinfo");
		say_sent("sender", "sender", SIGUSR1, "SIGUSR1", "");
	}
}

/* SIGCONT to who does not handle it: it has an effect once, on who is stopped; on one who does, twice. */
static void resumed(void)
{
	static const struct {
		const char *more;
		int handles;
	} rows[] = {{",\"result\":\"ignored\"", 0}, {"", 1}};

	sender = cast("sender");
	target = cast("target");
	for (int row = 0; row < 2; row++) {
		int status;

		if (rows[row].handles)
			check(play(target, handle, SIGCONT) == 0, "sigaction");
		check(call(sender, SYS_kill, target->pid, SIGCONT) == 0, "kill");
		say_sent("sender", "target", SIGCONT, "SIGCONT", rows[row].more);
		delivered(target);
		for (int again = 0; again < 2; again++) {
			check(call(sender, SYS_kill, target->pid, SIGSTOP) == 0, "kill");
			say_sent("sender", "target", SIGSTOP, "SIGSTOP", "");
			check(waitpid(target->pid, &status, WUNTRACED) == target->pid && WIFSTOPPED(status),
			      "stopped");
			check(call(sender, SYS_kill, target->pid, SIGCONT) == 0, "kill");
			say_sent("sender", "target", SIGCONT, "SIGCONT", ",\"result\":\"resumed\"");
			delivered(target);
		}
		check(call(sender, SYS_kill, target->pid, SIGCONT) == 0, "kill");
		say_sent("sender", "target", SIGCONT, "SIGCONT", rows[row].more);
		delivered(target);
	}
}

#include "signal_cgroup.h"

/* Sends and is gone at once. */
static void mayfly(void)
{
	char name[16];

	target = cast("target");
	check(play(target, handle, SIGUSR1) == 0, "sigaction");
	for (int i = 0; i < 50; i++) {
		pid_t pid;

		snprintf(name, sizeof(name), "mayfly%d", i);
		pid = fork();
		if (pid == 0) {
			prctl(PR_SET_NAME, name);
			kill(target->pid, SIGUSR1);
			_exit(0);
		}
		check(waitpid(pid, NULL, 0) == pid, "waitpid");
		say_role(name, pid, name);
		say_sent(name, "target", SIGUSR1, "SIGUSR1", "");
		delivered(target);
	}
}

/* Signal 0 and refused signals are none; the last one is. */
static void failed(void)
{
	pid_t gone;

	cast_both(SIGUSR1);
	gone = fork();
	if (gone == 0)
		_exit(0);
	check(waitpid(gone, NULL, 0) == gone, "waitpid");
	check(call(sender, SYS_kill, target->pid, 0) == 0, "kill");
	check(call(sender, SYS_kill, target->pid, 65) == -EINVAL, "EINVAL");
	check(call(sender, SYS_kill, gone, SIGUSR1) == -ESRCH, "ESRCH");
	check(call(sender, SYS_rt_sigqueueinfo, target->pid, SIGUSR1,
		   P(info(SIGUSR1, SI_USER, 0, 0))) == -EPERM, "forged SI_USER");
	check(call(sender, SYS_setresuid, 65534, 65534, 65534) == 0, "setresuid");
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == -EPERM, "EPERM");
	check(call(sender, SYS_kill, sender->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "sender", SIGUSR1, "SIGUSR1", "");
}

/* Sender and target are older than the tracing. */
static void early(void)
{
	cast_both(SIGUSR1);
	wait_for_test();
	check(call(sender, SYS_kill, target->pid, SIGUSR1) == 0, "kill");
	say_sent("sender", "target", SIGUSR1, "SIGUSR1", "");
}

static const struct mode modes[] = {
	{"kill", by_kill},
	{"deadly", deadly},
	{"tgkill", by_tgkill},
	{"to_thread", to_thread},
	{"from_thread", from_thread},
	{"sigqueue", by_sigqueue},
	{"pidfd", by_pidfd},
	{"realtime", realtime},
	{"names", names},
	{"group", group},
	{"self", self},
	{"ignored", ignored},
	{"pending", pending},
	{"overflow", overflow},
	{"forged_pid", forged_pid},
	{"forged_code", forged_code},
	{"forged_kernel", forged_kernel},
	{"resumed", resumed},
	{"cgroup", cgroup},
	{"mayfly", mayfly},
	{"failed", failed},
	{"early", early},
};

int main(int argc, char **argv)
{
	int status;

	set_stage();
	status = RUN_MODE(modes, argc, argv);
	if (status == 0)
		exeunt();
	return status;
}
