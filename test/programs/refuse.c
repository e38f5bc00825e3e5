/*
 * refuse load|attach NAME ERRNO COMMAND [ARGUMENT...]: runs it on a kernel that will not load, or not attach, the BPF
 * program of this name (its first 15 bytes), as verifiers and locked-down kernels do.
 */
#include "truth.h"
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

enum {
	FILES = 4096,
	THREADS = 1 << 16,
	OPTIONS = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL
};

static const char *refused;
static int by_attach, error;
/* by thread: whether the program that it loaded last has that name */
static char is_named[THREADS];
/* descriptors of programs of that name */
static char is_refused[FILES];

/* Calls of bpf(2) are stopped, and no others. */
static void stop_at_bpf(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static void read_memory(pid_t pid, void *into, unsigned long from, size_t size)
{
	struct iovec local = {into, size}, remote = {(void *)from, size};

	process_vm_readv(pid, &local, 1, &remote, 1, 0);
}

static struct user_regs_struct registers_of(pid_t pid)
{
	struct user_regs_struct registers;

	check(ptrace(PTRACE_GETREGS, pid, 0, &registers) == 0, "PTRACE_GETREGS");
	return registers;
}

/* What to go on with: PTRACE_SYSCALL when the call's result is of interest. */
static long on_bpf(pid_t pid)
{
	struct user_regs_struct registers = registers_of(pid);
	union bpf_attr attributes;
	int refuse = 0;
	unsigned size = registers.rdx < sizeof(attributes) ? registers.rdx : sizeof(attributes);

	memset(&attributes, 0, sizeof(attributes));
	read_memory(pid, &attributes, registers.rsi, size);
	if (registers.rdi == BPF_PROG_LOAD) {
		is_named[pid % THREADS] =
			!strncmp(attributes.prog_name, refused, sizeof(attributes.prog_name) - 1);
		if (by_attach)
			return PTRACE_SYSCALL;
		refuse = is_named[pid % THREADS];
	} else if (registers.rdi == BPF_RAW_TRACEPOINT_OPEN) {
		refuse = is_refused[attributes.raw_tracepoint.prog_fd % FILES];
	} else if (registers.rdi == BPF_LINK_CREATE) {
		refuse = is_refused[attributes.link_create.prog_fd % FILES];
	}
	if (!refuse)
		return PTRACE_CONT;
	registers.orig_rax = -1;
	registers.rax = -error;
	check(ptrace(PTRACE_SETREGS, pid, 0, &registers) == 0, "PTRACE_SETREGS");
	return PTRACE_CONT;
}

static pid_t child;

/* What is meant for the command. */
static void pass_on(int number)
{
	kill(child, number);
}

int main(int argc, char **argv)
{
	pid_t pid;
	int status;

	check(argc > 4, "usage: refuse load|attach NAME ERRNO COMMAND");
	by_attach = !strcmp(argv[1], "attach");
	refused = argv[2];
	error = atoi(argv[3]);
	child = fork();
	if (child == 0) {
		check(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0, "PTRACE_TRACEME");
		raise(SIGSTOP);
		stop_at_bpf();
		execvp(argv[4], argv + 4);
		die(argv[4]);
	}
	check(waitpid(child, &status, 0) == child && WIFSTOPPED(status), "waitpid");
	check(ptrace(PTRACE_SETOPTIONS, child, 0, OPTIONS) == 0, "PTRACE_SETOPTIONS");
	check(ptrace(PTRACE_CONT, child, 0, 0) == 0, "PTRACE_CONT");
	signal(SIGTERM, pass_on);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		long next = PTRACE_CONT, pass = 0;

		if (pid < 0)
			continue;
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (pid == child)
				return WIFEXITED(status) ? WEXITSTATUS(status)
							 : 128 + WTERMSIG(status);
			continue;
		}
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8)) {
			next = on_bpf(pid);
		} else if (status >> 16 == 0 && WSTOPSIG(status) == SIGTRAP) {
			long fd = registers_of(pid).rax;

			if (fd >= 0)
				is_refused[fd % FILES] = is_named[pid % THREADS];
		} else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP) {
			pass = WSTOPSIG(status);
		}
		ptrace(next, pid, 0, pass);
	}
	return 1;
}
