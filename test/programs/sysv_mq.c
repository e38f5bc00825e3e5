/* sysv_mq MODE: System V message queues; each message is said as its receiver had it. */
#include "sysv_mq_scene.h"
#include <sched.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

static void plain(void)
{
	set_scene();
	send_text(ann, "one", 1);
	send_text(bob, "three", 2);
	receive(ann, cyd, 100, 0, 0);
	receive(bob, dan, 100, 0, 0);
	send_text(cyd, "", 7);
	receive(cyd, cyd, 100, 0, 0);
}

static void types(void)
{
	set_scene();
	send_text(ann, "type five", 5);
	send_text(bob, "type three", 3);
	send_text(cyd, "type four", 4);
	send_text(bob, "another five", 5);
	/* the lowest up to 4, then exactly 5, then whatever is not 5 */
	receive(bob, dan, 100, -4, 0);
	receive(ann, dan, 100, 5, 0);
	receive(cyd, dan, 100, 5, MSG_EXCEPT);
	receive(bob, dan, 100, 0, 0);
}

/* Of a message that is too long the rest is gone */
static void cut(void)
{
	set_scene();
	send_text(ann, "longer than that", 1);
	begin_receive(cyd, 6, 0, 0);
	check(answer(cyd) == -E2BIG, "E2BIG");
	receive(ann, cyd, 6, 0, MSG_NOERROR);
}

/* A copy takes nothing */
static void copied(void)
{
	set_scene();
	send_text(ann, "stays", 1);
	begin_receive(cyd, 100, 0, MSG_COPY | IPC_NOWAIT);
	/* where the kernel has that */
	check(answer(cyd) == 5 || answer(cyd) == -ENOSYS, "MSG_COPY");
	receive(ann, dan, 100, 0, 0);
}

static void refused(void)
{
	set_scene();
	begin_receive(cyd, 100, 0, IPC_NOWAIT);
	check(answer(cyd) == -ENOMSG, "ENOMSG");
	send_text(ann, "the only one", 1);
	begin_receive(cyd, 100, 9, IPC_NOWAIT);
	check(answer(cyd) == -ENOMSG, "ENOMSG");
	begin_send(bob, "no type", 0, 0);
	check(answer(bob) == -EINVAL, "EINVAL");
	receive(ann, dan, 100, 0, 0);
}

static void fill(void)
{
	struct msqid_ds state;
	char text[8192];

	check(msgctl(queue, IPC_STAT, &state) == 0, "IPC_STAT");
	state.msg_qbytes = 8000;
	check(msgctl(queue, IPC_SET, &state) == 0, "IPC_SET");
	memset(text, 'x', sizeof(text));
	text[4000] = 0;
	send_text(ann, text, 1);
	send_text(ann, text, 1);
}

static void full(void)
{
	set_scene();
	fill();
	begin_send(bob, "no room", 1, IPC_NOWAIT);
	check(answer(bob) == -EAGAIN, "EAGAIN");
	begin_send(bob, "waits for room", 1, 0);
	until_blocked(bob->pid, SYS_msgsnd);
	receive(ann, cyd, 8192, 0, 0);
	check(answer(bob) == 0, "msgsnd");
	receive(ann, cyd, 8192, 0, 0);
	receive(bob, cyd, 8192, 0, 0);
}

#ifdef __x86_64__
#define IPC 117
#define IPC_MSGSND 11
#define IPC_MSGRCV 12
#define IPC_VERSION (1 << 16)

/* As a 32-bit program calls ipc(2): its letters have types of 4 bytes, and lie below 4 GB */
static unsigned *low;

static long ipc(long operation, long first, long second, long third, long pointer, long fifth)
{
	long result;

	__asm__ volatile("sub $128, %%rsp\n\tpush %%rbp\n\tmov %7, %%ebp\n\tint $0x80\n\tpop %%rbp\n\tadd $128, %%rsp"
			 : "=a"(result)
			 : "a"(IPC), "b"(operation), "c"(first), "d"(second), "S"(third), "D"(pointer), "r"((int)fifth)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static long send_narrow(long type)
{
	low[0] = type;
	memcpy(low + 1, "narrow", 6);
	return ipc(IPC_MSGSND, queue, 6, 0, P(low), 0);
}

static long receive_narrow(long type)
{
	return ipc(IPC_MSGRCV | IPC_VERSION, queue, 100, 0, P(low), type);
}

static long receive_narrow_by_memory(long type)
{
	low[16] = (unsigned)(long)low;
	low[17] = type;
	return ipc(IPC_MSGRCV, queue, 100, 0, P(low + 16), 0);
}

static void say_narrow(struct actor *sender, struct actor *receiver, long type)
{
	char meta[128];

	snprintf(meta, sizeof(meta), "\"key\":%u,\"id\":%d,\"mtype\":%ld", name, queue, type);
	say_carried("sysv-mq", sender->name, receiver->name, meta, "narrow", 6, READ, SURE);
}

static void narrow(void)
{
	low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	check(low != MAP_FAILED, "mmap");
	set_scene();
	check(play(ann, send_narrow, 4) == 0, "ipc");
	check(play(bob, send_narrow, 5) == 0, "ipc");
	check(play(cyd, receive_narrow, 5) == 6, "ipc");
	say_narrow(bob, cyd, 5);
	check(play(dan, receive_narrow_by_memory, -9) == 6, "ipc");
	say_narrow(ann, dan, 4);
}
#else
static void narrow(void)
{
	plain();
}
#endif

static void readers(void)
{
	set_scene();
	for (int i = 0; i < 20; i++) {
		begin_receive(cyd, 100, 0, 0);
		until_blocked(cyd->pid, SYS_msgrcv);
		begin_receive(dan, 100, 0, 0);
		until_blocked(dan->pid, SYS_msgrcv);
		send_text(ann, "for cyd", 1);
		send_text(bob, "for dan", 1);
		end_receive(ann, cyd, MAY_GUESS);
		end_receive(bob, dan, MAY_GUESS);
	}
}

/* A message is gone whose type could not be written down */
static void lost(void)
{
	set_scene();
	send_text(ann, "is lost", 1);
	check(call(dan, SYS_msgrcv, queue, 8, 100, 0, 0) == -EFAULT, "EFAULT");
	send_text(bob, "comes after", 1);
	receive(bob, cyd, 100, 0, 0);
}

/* In an IPC namespace of its own a process makes a queue */
static long make_space(long unused)
{
	(void)unused;
	check(unshare(CLONE_NEWIPC) == 0, "CLONE_NEWIPC");
	return msgget(IPC_PRIVATE, 0600);
}

static long join_space(long pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/ns/ipc", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0 && setns(fd, CLONE_NEWIPC) == 0, path);
	return close(fd);
}

/* Two queues of one id, in two namespaces */
static void spaces(void)
{
	long first, second;

	set_scene();
	check(msgctl(queue, IPC_RMID, NULL) == 0, "IPC_RMID");
	first = play(ann, make_space, 0);
	second = play(bob, make_space, 0);
	check(first == second && first >= 0, "the same id");
	check(play(cyd, join_space, ann->pid) == 0 && play(dan, join_space, bob->pid) == 0, "setns");
	name = IPC_PRIVATE;
	queue = first;
	send_text(ann, "for cyd", 1);
	send_text(bob, "for dan", 1);
	receive(bob, dan, 100, 0, 0);
	receive(ann, cyd, 100, 0, 0);
	queue = 0;
}

static void early(void)
{
	set_scene();
	send_text(ann, "from before", 1);
	wait_for_test();
	receive(NULL, cyd, 100, 0, 0);
	send_text(bob, "from now", 1);
	receive(bob, dan, 100, 0, 0);
}

static void left_over(void)
{
	set_scene();
	send_text(ann, "nobody", 1);
	send_text(bob, "reads these", 1);
	wait_for_test();
}

static const struct mode modes[] = {
	{"plain", plain}, {"types", types},	{"cut", cut},	  {"copied", copied}, {"refused", refused},
	{"full", full},	  {"readers", readers}, {"early", early}, {"left", left_over},
	{"narrow", narrow}, {"lost", lost},	{"spaces", spaces},
};

int main(int argc, char **argv)
{
	int status = RUN_MODE(modes, argc, argv);

	if (stage)
		exeunt();
	if (queue)
		msgctl(queue, IPC_RMID, NULL);
	return status;
}
