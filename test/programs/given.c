/*
 * What a process was given by who started it, said on stdout; or, with words, a strange mixture of it given to the
 * command that they are.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

#define SIGNALS 64
/* descriptor of those that are given */
#define HIGHEST 100000

/* As the kernel has it: libc keeps some to itself */
struct action {
	unsigned long handler, rest[3];
};

static unsigned long ignored(void)
{
	unsigned long mask = 0;

	for (int signal = 1; signal <= SIGNALS; signal++) {
		struct action action = {0};

		syscall(SYS_rt_sigaction, signal, NULL, &action, 8);
		if (action.handler == 1)
			mask |= 1ul << (signal - 1);
	}
	return mask;
}

static void say(void)
{
	unsigned long blocked = 0;
	char path[64], target[256];

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &blocked, 8);
	printf("ignored %lx, blocked %lx\n", ignored(), blocked);
	for (int resource = 0; resource < RLIMIT_NLIMITS; resource++) {
		struct rlimit limit;

		getrlimit(resource, &limit);
		printf("limit %d: %lu %lu\n", resource, limit.rlim_cur, limit.rlim_max);
	}
	for (int fd = 0; fd <= HIGHEST; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length = readlink(path, target, sizeof(target));

		if (length >= 0)
			printf("descriptor %d: %.*s, %x\n", fd, (int)length, target, fcntl(fd, F_GETFL));
	}
	for (char **variable = environ; *variable; variable++)
		printf("%s\n", *variable);
}

static void give(void)
{
	static const int strange[] = {SIGHUP, SIGINT, SIGTRAP, SIGABRT, SIGUSR1, SIGSEGV, SIGPIPE, SIGTERM, SIGCHLD,
				      SIGTSTP, SIGXFSZ, SIGWINCH, SIGSYS, 33, 34, 64};
	struct rlimit files;
	unsigned long blocked = 1ul << (SIGALRM - 1) | 1ul << (SIGUSR2 - 1) | 1ul << (SIGCHLD - 1) | 1ul << 39;

	for (unsigned i = 0; i < sizeof(strange) / sizeof(*strange); i++) {
		struct action action = {1, {0}};

		syscall(SYS_rt_sigaction, strange[i], &action, NULL, 8);
	}
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8);
	close(0);
	dup2(open("/", O_RDONLY), 9);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	dup2(9, files.rlim_max > HIGHEST ? HIGHEST : (int)files.rlim_max - 1);
	files.rlim_cur = 700;
	setrlimit(RLIMIT_NOFILE, &files);
	close(0);
}

int main(int count, char **words)
{
	if (count == 1) {
		say();
		return 0;
	}
	give();
	execv(words[1], words + 1);
	perror(words[1]);
	return 1;
}
