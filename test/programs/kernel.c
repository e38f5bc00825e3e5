/* Signals that no process sends: the kernel raises them, and ipcdump must not show them. */
#include "actor.h"
#include <sys/ioctl.h>
#include <sys/time.h>
#include <termios.h>

static volatile sig_atomic_t seen; /* bit n: signal n came */

static void heed(int number)
{
	seen |= 1 << number;
}

static void handle(int number)
{
	struct sigaction action = {.sa_handler = heed};

	check(sigaction(number, &action, NULL) == 0, "sigaction");
	seen = 0;
}

/* The signal is blocked while we look, so it can't slip in before the wait. */
static long await_signal(int number, void (*cause)(void))
{
	sigset_t set, old;

	handle(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_BLOCK, &set, &old);
	cause();
	while (!(seen & 1 << number))
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return seen;
}

static void set_alarm(void)
{
	struct itimerval soon = {.it_value.tv_usec = 1000};

	check(setitimer(ITIMER_REAL, &soon, NULL) == 0, "setitimer");
}

static void set_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {.it_value.tv_nsec = 1000000};
	timer_t timer;

	check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
	check(timer_settime(timer, 0, &soon, NULL) == 0, "timer_settime");
}

static void lose_child(void)
{
	if (fork() == 0)
		_exit(0);
}

static void write_to_nobody(void)
{
	int ends[2];

	check(pipe(ends) == 0, "pipe");
	close(ends[0]);
	check(write(ends[1], "x", 1) < 0 && errno == EPIPE, "EPIPE");
}

static void fault(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		*(volatile char *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 0;
		_exit(1);
	}
	waitpid(pid, NULL, 0);
}

static long raise_all(long unused)
{
	await_signal(SIGALRM, set_alarm);
	await_signal(SIGUSR1, set_timer);
	await_signal(SIGCHLD, lose_child);
	await_signal(SIGPIPE, write_to_nobody);
	fault();
	return unused;
}

static int master;

/*
 * Timers that run out while their process, which the signals are for, is within sigqueue nearly all the time;
 * signal 0 sends nothing.
 */
static long time_out_within_sigqueue(long unused)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
	struct itimerspec soon = {.it_value.tv_nsec = 20000};
	union sigval value = {0};
	siginfo_t info;
	sigset_t set;
	timer_t timer;

	sigemptyset(&set);
	sigaddset(&set, event.sigev_signo);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0, "sigprocmask");
	check(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "timer_create");
	for (int i = 0; i < 300; i++) {
		sigset_t pending;

		check(timer_settime(timer, 0, &soon, NULL) == 0, "timer_settime");
		do {
			check(sigqueue(getpid(), 0, value) == 0, "sigqueue");
			check(sigpending(&pending) == 0, "sigpending");
		} while (!sigismember(&pending, event.sigev_signo));
		check(sigwaitinfo(&set, &info) == event.sigev_signo && info.si_code == SI_TIMER, "SI_TIMER");
	}
	return unused;
}

/* The parent of a child that sends itself what stops it, and hears of it by SIGCHLD. */
static long have_child_stopped(long unused)
{
	pid_t child;
	int status;

	handle(SIGCHLD);
	child = fork();
	if (child == 0) {
		union sigval value = {0};

		sigqueue(getpid(), SIGSTOP, value);
		_exit(0);
	}
	check(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status), "stopped");
	check(seen & 1 << SIGCHLD, "SIGCHLD");
	say_role("stopped", child, "quiet");
	say_sent("stopped", "stopped", SIGSTOP, "SIGSTOP", "");
	check(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child, "kill");
	say_sent("quiet", "stopped", SIGKILL, "SIGKILL", "");
	return unused;
}

/* Its own session on the pty, in the foreground; ends by the signal of the key that is typed. */
static long sit_at_terminal(long unused)
{
	char byte;
	int slave;

	check(setsid() > 0, "setsid");
	slave = open(ptsname(master), O_RDWR);
	check(slave >= 0, "open of the slave");
	handle(SIGINT);
	handle(SIGQUIT);
	handle(SIGWINCH);
	while (read(slave, &byte, 1) < 0 && errno == EINTR && !(seen & 1 << SIGQUIT))
		;
	return unused;
}

static void terminal(void)
{
	struct winsize size = {.ws_row = 10, .ws_col = 20};
	struct actor *user;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	check(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "pty");
	user = cast("user");
	begin(user, PLAY, P(sit_at_terminal), 0);
	until_blocked(user->pid, SYS_read);
	write_all(master, "\003", 1); /* Ctrl-C */
	check(ioctl(master, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ");
	write_all(master, "\034", 1); /* Ctrl-\ */
	answer(user);
}

/* A parent that is dead, and its child hears of it, before the call has come back that it died by */
static long die_with_parent(long way)
{
	pid_t parent = fork();

	if (parent == 0) {
		int ends[2];
		char byte;

		check(pipe(ends) == 0, "pipe");
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			write_all(ends[1], "x", 1);
			for (;;)
				pause();
		}
		check(read(ends[0], &byte, 1) == 1, "read");
		if (way == SYS_kill)
			kill(getpid(), SIGKILL);
		if (way == SYS_rt_sigqueueinfo)
			sigqueue(getpid(), SIGKILL, (union sigval){0});
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	return way;
}

/* One real signal at the end: the test sees that it was looking. */
int main(void)
{
	struct actor *quiet, *orphanage, *sender;

	set_stage();
	quiet = cast("quiet");
	orphanage = cast("orphanage");
	sender = cast("sender");
	play(quiet, raise_all, 0);
	play(quiet, time_out_within_sigqueue, 0);
	play(quiet, have_child_stopped, 0);
	play(orphanage, die_with_parent, SYS_exit);
	play(orphanage, die_with_parent, SYS_kill);
	play(orphanage, die_with_parent, SYS_rt_sigqueueinfo);
	terminal();
	check(call(sender, SYS_kill, quiet->pid, SIGURG) == 0, "kill");
	say_sent("sender", "quiet", SIGURG, "SIGURG", ",\"result\":\"ignored\"");
	exeunt();
	return 0;
}
