/*
 * passed TYPE HOW FOLDER: a process passes descriptors to another over a pair of unix sockets of that type (stream,
 * dgram, seqpacket), and says what they are, and which numbers they have at both ends.
 *
 *   each      one of each sort
 *   many      as many as go into a message
 *   few       with room for two of them at the receiver
 *   kept      which nobody receives
 *   several   by two messages of one sendmmsg, with credentials
 *   gathered  by two messages of one sendmmsg, which one recvmmsg receives
 *   rings     by requests of io_uring
 *   crossed   the same ones over two pairs, of which the later message is received first
 *   peeked    which are looked at before they are received
 */
#define _GNU_SOURCE
#include "ring.h"
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define MOST 253

struct kept {
	int fd;
	const char *what;
	char path[200];
};

static struct kept kept[MOST];
static int count;
static int *numbers; /* at the receiver, shared with it */
static int pairs[2][2];
static int has_two, is_several, is_gathered, is_crossed, is_rings;

static void keep(int fd, const char *what, const char *path)
{
	check(fd >= 0, what);
	kept[count] = (struct kept){.fd = fd, .what = what};
	snprintf(kept[count++].path, sizeof(kept->path), "%s", path);
}

static void keep_each(const char *folder)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	char path[150];
	int ends[2], fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%.80s/bound", folder);
	unlink(name.sun_path);
	check(bind(fd, (void *)&name, sizeof(name)) == 0, "bind");
	keep(fd, "socket", name.sun_path);
	check(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0, "socketpair");
	keep(ends[0], "socket", "");
	check(pipe(ends) == 0, "pipe");
	keep(ends[0], "pipe", "");
	snprintf(path, sizeof(path), "%s/fifo", folder);
	unlink(path);
	check(mkfifo(path, 0600) == 0, "mkfifo");
	keep(open(path, O_RDWR), "pipe", path);
	keep(open("/dev/zero", O_RDONLY), "device", "/dev/zero");
	snprintf(path, sizeof(path), "%s/a, b)", folder);
	keep(open(path, O_RDWR | O_CREAT, 0600), "file", path);
	keep(open(folder, O_RDONLY), "folder", folder);
	keep(eventfd(0, 0), "eventfd", "");
	keep(memfd_create("of mine", 0), "memfd", "");
}

static int room_for(const char *how)
{
	return !strcmp(how, "few") ? 2 : count;
}

/* What a request of io_uring for that message returns */
static int by_ring(int opcode, int fd, struct msghdr *message)
{
	struct io_uring_sqe request = {
		.opcode = opcode, .fd = fd, .addr = (uintptr_t)message, .len = 1};

	return complete_request(&request);
}

static void give(void)
{
	static char space[2][CMSG_SPACE(MOST * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
	struct iovec byte = {"x", 1};
	struct mmsghdr messages[2] = {};
	int half = count / 2;

	for (int i = 0; i < 1 + has_two; i++) {
		struct msghdr *message = &messages[i].msg_hdr;
		int from = i ? half : 0, n = has_two && !i ? half : count - from;
		struct cmsghdr *control = (void *)space[i];

		message->msg_iov = &byte;
		message->msg_iovlen = 1;
		message->msg_control = control;
		if (is_several) {
			struct ucred self = {getpid(), getuid(), getgid()};

			*control = (struct cmsghdr){CMSG_LEN(sizeof(self)), SOL_SOCKET, SCM_CREDENTIALS};
			memcpy(CMSG_DATA(control), &self, sizeof(self));
			message->msg_controllen = CMSG_SPACE(sizeof(self));
			control = (void *)(space[i] + CMSG_SPACE(sizeof(self)));
		}
		*control = (struct cmsghdr){CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
		for (int k = 0; k < n; k++)
			memcpy(CMSG_DATA(control) + k * sizeof(int), &kept[from + k].fd, sizeof(int));
		message->msg_controllen += CMSG_SPACE(n * sizeof(int));
	}
	if (is_rings)
		check(by_ring(IORING_OP_SENDMSG, pairs[0][0], &messages[0].msg_hdr) == 1,
		      "sendmsg by io_uring");
	else if (is_several || is_gathered)
		check(sendmmsg(pairs[0][0], messages, 2, 0) == 2, "sendmmsg");
	else
		for (int i = 0; i < 1 + is_crossed; i++)
			check(sendmsg(pairs[i][0], &messages[i].msg_hdr, 0) == 1, "sendmsg");
}

/* Copies the numbers of a message that was received; how many they are */
static int numbers_in(const struct msghdr *message, int *to)
{
	struct cmsghdr *control = message->msg_control;
	int n = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	check(control->cmsg_type == SCM_RIGHTS, "no descriptors");
	memcpy(to, CMSG_DATA(control), n * sizeof(int));
	return n;
}

/* The numbers of what one message carries */
static int take_one(int fd, int flags, int room, int *to)
{
	static char space[CMSG_SPACE(MOST * sizeof(int))];
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = has_two ? sizeof(space) : CMSG_LEN(room * sizeof(int))};

	if (is_rings)
		check(by_ring(IORING_OP_RECVMSG, fd, &message) == 1, "recvmsg by io_uring");
	else
		check(recvmsg(fd, &message, flags) == 1, "recvmsg");
	return numbers_in(&message, to);
}

/* Those of two messages by one call, when both are there */
static void take_both(int fd)
{
	static char space[2][CMSG_SPACE(MOST * sizeof(int))];
	char bytes[2];
	struct iovec iov[2] = {{&bytes[0], 1}, {&bytes[1], 1}};
	struct mmsghdr messages[2] = {};
	int *to = numbers;

	for (int i = 0; i < 2; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i],
						      .msg_iovlen = 1,
						      .msg_control = space[i],
						      .msg_controllen = sizeof(space[i])};
	check(recvmmsg(fd, messages, 2, 0, NULL) == 2, "recvmmsg");
	for (int i = 0; i < 2; i++)
		to += numbers_in(&messages[i].msg_hdr, to);
}

static void take(const char *how)
{
	int room = room_for(how), taken, peeked[MOST];

	if (!strcmp(how, "peeked"))
		take_one(pairs[0][1], MSG_PEEK, room, peeked);
	if (is_crossed) {
		take_one(pairs[1][1], 0, room, numbers + count / 2);
		take_one(pairs[0][1], 0, room, numbers);
		return;
	}
	if (is_gathered) {
		take_both(pairs[0][1]);
		return;
	}
	taken = take_one(pairs[0][1], 0, room, numbers);
	if (is_several)
		take_one(pairs[0][1], 0, room, numbers + taken);
}

static void say_passed(pid_t receiver, int from, int to)
{
	printf("{\"src\":%d,\"dst\":%d,\"fds\":[", getpid(), receiver);
	for (int i = from; i < to; i++) {
		printf("%s{\"fd\":%d,\"what\":\"%s\"", i > from ? "," : "", kept[i].fd,
		       kept[i].what);
		if (*kept[i].path)
			printf(",\"path\":\"%s\"", kept[i].path);
		if (numbers[i] >= 0)
			printf(",\"dst_fd\":%d", numbers[i]);
		printf("}");
	}
	printf("]}\n");
}

int main(int argc, char **argv)
{
	int type, gate[2], status, half;
	const char *how;
	pid_t pid;

	check(argc == 4, "usage: passed TYPE HOW FOLDER");
	how = argv[2];
	type = !strcmp(argv[1], "stream") ? SOCK_STREAM :
	       !strcmp(argv[1], "dgram")  ? SOCK_DGRAM :
					    SOCK_SEQPACKET;
	numbers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < MOST; i++)
		numbers[i] = -1;
	is_several = !strcmp(how, "several");
	is_crossed = !strcmp(how, "crossed");
	is_gathered = !strcmp(how, "gathered");
	is_rings = !strcmp(how, "rings");
	has_two = is_several || is_gathered || is_crossed;
	for (int i = 0; i < 1 + is_crossed; i++)
		check(socketpair(AF_UNIX, type, 0, pairs[i]) == 0, "socketpair");
	check(pipe(gate) == 0, "pipe");
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 1 + is_crossed; i++)
			close(pairs[i][0]);
		/* other numbers than those of the sender */
		for (int i = 0; i < 20; i++)
			check(dup(gate[0]) > 0, "dup");
		count = !strcmp(how, "many") ? MOST : is_crossed ? 18 : 9;
		if (strcmp(how, "kept"))
			take(how);
		/* it is there until the sender has sent */
		close(gate[1]);
		check(read(gate[0], &half, 1) == 0, "the gate");
		_exit(0);
	}
	for (int i = 0; i < 1 + is_crossed; i++)
		close(pairs[i][1]);
	if (!strcmp(how, "many"))
		while (count < MOST)
			keep(open("/dev/null", O_RDONLY), "device", "/dev/null");
	else
		keep_each(argv[3]);
	if (is_crossed) {
		memcpy(kept + count, kept, count * sizeof(*kept));
		count *= 2;
	}
	give();
	close(gate[1]);
	check(waitpid(pid, &status, 0) == pid && !status, "the receiver");
	half = has_two ? count / 2 : count;
	say_passed(pid, 0, half);
	if (half < count)
		say_passed(pid, half, count);
	return 0;
}
