/* Processes that the kernel kills of its own accord, and why. */
#include "actor.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

#define PAGE 4096
#define LIMIT "8388608"
#define APPETITE (64 << 20)
#define STACK 65536

static void put_in(const char *folder, const char *file, const char *text)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static void reap(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, 0) == pid, "waitpid");
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killed");
}

/* A process that runs in real time for longer than it may */
static void limited(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct sched_param priority = {1};
		struct rlimit limit = {20000, 20000};

		prctl(PR_SET_NAME, "limited");
		check(setrlimit(RLIMIT_RTTIME, &limit) == 0, "setrlimit");
		check(sched_setscheduler(0, SCHED_FIFO, &priority) == 0, "sched_setscheduler");
		for (;;)
			;
	}
	reap(pid);
	say_role("limited", pid, "limited");
}

/* Whom a tracer takes along at its end */
static void traced(void)
{
	pid_t tracer, pid = fork();
	int status;

	if (pid == 0) {
		prctl(PR_SET_NAME, "traced");
		for (;;)
			pause();
	}
	tracer = fork();
	if (tracer == 0) {
		check(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_EXITKILL) == 0, "PTRACE_SEIZE");
		_exit(0);
	}
	check(waitpid(tracer, &status, 0) == tracer && status == 0, "tracer");
	reap(pid);
	say_role("traced", pid, "traced");
}

static int share(void *unused)
{
	(void)unused;
	prctl(PR_SET_NAME, "sharing");
	for (;;)
		syscall(SYS_pause);
	return 0;
}

/* A folder whose processes have little memory, in whichever version has that controller */
static void make_group(const char *top, char *folder, size_t size)
{
	int is_first = mount("none", top, "cgroup", 0, "memory") == 0;

	if (!is_first) {
		check(mount("none", top, "cgroup2", 0, NULL) == 0, "no memory controller");
		put_in(top, "cgroup.subtree_control", "+memory");
	}
	snprintf(folder, size, "%s/ipcdump-%d", top, getpid());
	check(mkdir(folder, 0700) == 0, folder);
	put_in(folder, is_first ? "memory.limit_in_bytes" : "memory.max", LIMIT);
}

/* A process that takes more memory than there is, and one that shares it */
static void hungry(void)
{
	char top[] = "/tmp/ipcdump-memory-XXXXXX", folder[64];
	pid_t pid, *sharing = (void *)stage->arena;

	check(mkdtemp(top) != NULL, "mkdtemp");
	make_group(top, folder, sizeof(folder));
	check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "PR_SET_CHILD_SUBREAPER");
	pid = fork();
	if (pid == 0) {
		static char stack[STACK] __attribute__((aligned(16)));
		volatile char *food;

		prctl(PR_SET_NAME, "hungry");
		put_in(folder, "cgroup.procs", "0");
		*sharing = clone(share, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);
		check(*sharing > 0, "clone");
		food = mmap(NULL, APPETITE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		for (size_t i = 0; i < APPETITE; i += PAGE)
			food[i] = 1;
		_exit(1);
	}
	reap(pid);
	reap(*sharing);
	say_role("hungry", pid, "hungry");
	say_role("sharing", *sharing, "sharing");
	/* the last of it may still be on its way out */
	while (rmdir(folder) && errno == EBUSY)
		pause_briefly();
	check(umount(top) == 0 && rmdir(top) == 0, "umount");
}

int main(void)
{
	set_stage();
	limited();
	traced();
	hungry();
	exeunt();
	return 0;
}
