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

static long die_with_parent(long unused)
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
		_exit(0);
	}
	waitpid(parent, NULL, 0);
	return unused;
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
	play(orphanage, die_with_parent, 0);
	terminal();
	check(call(sender, SYS_kill, quiet->pid, SIGURG) == 0, "kill");
	say_sent("sender", "quiet", SIGURG, "SIGURG", ",\"result\":\"ignored\"");
	exeunt();
	return 0;
}
