/* Internet sockets, and network namespaces to have them in. */
#pragma once
#include "socket.h"
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/ioctl.h>

/* An address that the actors see, and how ipcdump must print it. */
struct place {
	struct sockaddr_storage *address;
	socklen_t length;
	char text[INET6_ADDRSTRLEN];
	int port;
};

static inline struct place place_of(const char *text, int port)
{
	struct place place = {.port = port};
	struct sockaddr_in6 *six;
	struct sockaddr_in *four;

	place.address = lend(sizeof(*place.address));
	memset(place.address, 0, sizeof(*place.address));
	if (strchr(text, ':')) {
		six = (void *)place.address;
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		check(inet_pton(AF_INET6, text, &six->sin6_addr) == 1, text);
		place.length = sizeof(*six);
	} else {
		four = (void *)place.address;
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
		check(inet_pton(AF_INET, text, &four->sin_addr) == 1, text);
		place.length = sizeof(*four);
	}
	snprintf(place.text, sizeof(place.text), "%s", text);
	return place;
}

static inline int family_of(const char *text)
{
	return strchr(text, ':') ? AF_INET6 : AF_INET;
}

/* The port that the kernel has given a socket. */
static inline int port_of(const struct plug *plug)
{
	struct sockaddr_in6 *address = lend(sizeof(*address));
	socklen_t length = sizeof(*address);

	must(call(plug->who, SYS_getsockname, plug->fd, P(address), P(lend_copy(&length, sizeof(length)))),
	     "getsockname");
	return ntohs(address->sin6_port);
}

/* Where a socket is, as the kernel says: which address it is given depends on where it connects to. */
static inline struct place place_at(const struct plug *plug)
{
	struct place place = {.address = lend(sizeof(*place.address)), .length = sizeof(*place.address)};
	socklen_t *length = lend_copy(&place.length, sizeof(place.length));
	struct sockaddr_in6 *six = (void *)place.address;
	struct sockaddr_in *four = (void *)place.address;

	must(call(plug->who, SYS_getsockname, plug->fd, P(place.address), P(length)), "getsockname");
	place.length = *length;
	place.port = ntohs(six->sin6_port);
	if (four->sin_family == AF_INET)
		inet_ntop(AF_INET, &four->sin_addr, place.text, sizeof(place.text));
	else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return place_of(inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], place.text, sizeof(place.text)),
				place.port);
	else
		inet_ntop(AF_INET6, &six->sin6_addr, place.text, sizeof(place.text));
	return place;
}

/* The port of a socket bound to a place, once more, for those who connect there. */
static inline void set_port(struct place *place, int port)
{
	place->port = port;
	((struct sockaddr_in *)place->address)->sin_port = htons(port);
}

/* Two ends over IP, the second one where the first is connected to; the script has both */
static inline void make_connection(int ends[2], int type)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int server = socket(AF_INET, type, 0);

	check(bind(server, (void *)&address, length) == 0, "bind");
	check(getsockname(server, (void *)&address, &length) == 0, "getsockname");
	check(type == SOCK_DGRAM || listen(server, 1) == 0, "listen");
	ends[0] = socket(AF_INET, type, 0);
	check(connect(ends[0], (void *)&address, length) == 0, "connect");
	ends[1] = server;
	if (type == SOCK_DGRAM)
		return;
	ends[1] = accept(server, NULL, NULL);
	check(ends[1] >= 0, "accept");
	close(server);
}

/* One transfer that ipcdump owes the test. */
struct inet_sent {
	const char *type;
	const struct plug *from, *to;
	struct place src, dst;
	const void *bytes;
	size_t count;
	enum how how;
	enum guess guess;
};

static inline void say_inet_sent(struct inet_sent sent)
{
	char meta[320];

	snprintf(meta, sizeof(meta),
		 "\"src_addr\":\"%s\",\"src_port\":%d,\"dst_addr\":\"%s\",\"dst_port\":%d,\"dst_inode\":%lu",
		 sent.src.text, sent.src.port, sent.dst.text, sent.dst.port, sent.to->inode);
	say_carried(sent.type, sent.from->who->name, sent.to->who->name, meta, sent.bytes, sent.count,
		    sent.how, sent.guess);
}

static inline void raise_device(const char *name, const char *address)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct sockaddr_in *four;
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (address) {
		four = (void *)&request.ifr_addr;
		four->sin_family = AF_INET;
		inet_pton(AF_INET, address, &four->sin_addr);
		check(ioctl(fd, SIOCSIFADDR, &request) == 0, "SIOCSIFADDR");
		inet_pton(AF_INET, "255.255.255.0", &four->sin_addr);
		check(ioctl(fd, SIOCSIFNETMASK, &request) == 0, "SIOCSIFNETMASK");
	}
	check(ioctl(fd, SIOCGIFFLAGS, &request) == 0, name);
	request.ifr_flags |= IFF_UP;
	check(ioctl(fd, SIOCSIFFLAGS, &request) == 0, name);
	close(fd);
}

static inline void lower_device(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	check(ioctl(fd, SIOCGIFFLAGS, &request) == 0, name);
	request.ifr_flags &= ~IFF_UP;
	check(ioctl(fd, SIOCSIFFLAGS, &request) == 0, name);
	close(fd);
}

/* A network of its own for this process and what it forks: nothing but a loopback device, which is up. */
static inline long leave_network(long unused)
{
	check(unshare(CLONE_NEWNET) == 0, "unshare");
	raise_device("lo", NULL);
	return unused;
}

struct attributes {
	struct nlmsghdr header;
	struct ifinfomsg info;
	char space[512];
};

static inline struct rtattr *attribute(struct attributes *message, int type, const void *bytes, size_t count)
{
	struct rtattr *one = (void *)((char *)message + NLMSG_ALIGN(message->header.nlmsg_len));

	one->rta_type = type;
	one->rta_len = RTA_LENGTH(count);
	if (count)
		memcpy(RTA_DATA(one), bytes, count);
	message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + RTA_ALIGN(one->rta_len);
	return one;
}

static inline void end_nest(struct attributes *message, struct rtattr *nest)
{
	nest->rta_len = (char *)message + message->header.nlmsg_len - (char *)nest;
}

/* A cable from this network to that of another process: veth0 at both its ends. 0, or -errno without veth. */
static inline int lay_cable(pid_t other)
{
	struct attributes message = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_NEWLINK,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char space[512];
	} reply;
	struct rtattr *info, *data, *peer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct ifinfomsg none = {0};
	uint32_t pid = other;

	attribute(&message, IFLA_IFNAME, "veth0", 6);
	info = attribute(&message, IFLA_LINKINFO, NULL, 0);
	attribute(&message, IFLA_INFO_KIND, "veth", 5);
	data = attribute(&message, IFLA_INFO_DATA, NULL, 0);
	peer = attribute(&message, VETH_INFO_PEER, &none, sizeof(none));
	attribute(&message, IFLA_IFNAME, "veth0", 6);
	attribute(&message, IFLA_NET_NS_PID, &pid, sizeof(pid));
	end_nest(&message, peer);
	end_nest(&message, data);
	end_nest(&message, info);
	check(send(fd, &message, message.header.nlmsg_len, 0) > 0, "netlink");
	check(recv(fd, &reply, sizeof(reply), 0) > 0, "netlink");
	close(fd);
	return reply.error.error;
}

/* An actor's end of it is up, with an address. */
static inline long raise_cable(long address)
{
	raise_device("veth0", (char *)address);
	return 0;
}
