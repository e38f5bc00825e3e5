/** Hooks of bpf/functions.bpf.c: with fentry and kprobes, the functions by which files of several families are given something. */
import type { Hooks } from "../../ffi/program.ts";

const fileFunctions: Hooks = {
  functions_splice: ["do_splice"],
  functions_splice_ends: ["do_splice"],
  functions_sendfile: ["do_sendfile"],
  functions_sendfile_ends: ["do_sendfile"],
  functions_let_go: ["locks_remove_posix"],
};

const socketFunctions: Hooks = {
  ...fileFunctions,
  functions_splice_read: ["sock_splice_read"],
  functions_made: ["sock_alloc_file"],
  // an iterator, run once when the others are on
  functions_begun: ["task"],
};

export const unixFunctions: Hooks = {
  ...socketFunctions,
  functions_stream_receive_begins: ["unix_stream_recvmsg"],
  functions_stream_receive_ends: ["unix_stream_recvmsg"],
  functions_dgram_receive_begins: ["unix_dgram_recvmsg"],
  functions_dgram_receive_ends: ["unix_dgram_recvmsg"],
  functions_seqpacket_receive_begins: ["unix_seqpacket_recvmsg"],
  functions_seqpacket_receive_ends: ["unix_seqpacket_recvmsg"],
  functions_unix_stream: ["unix_stream_sendmsg"],
  functions_unix_begins: ["unix_dgram_sendmsg"],
  functions_unix_dgram: ["unix_dgram_sendmsg"],
  functions_unix_page: ["unix_stream_sendpage"],
  functions_unix_connect: ["unix_stream_connect"],
  functions_unix_dgram_connect: ["unix_dgram_connect"],
  functions_unix_accept: ["unix_accept"],
  functions_rights: ["scm_detach_fds"],
  functions_rights_ends: ["scm_detach_fds"],
};

export const inetFunctions: Hooks = {
  ...socketFunctions,
  functions_inet_receive_begins: ["inet_recvmsg"],
  functions_inet_receive_ends: ["inet_recvmsg"],
  functions_inet6_receive_begins: ["inet6_recvmsg"],
  functions_inet6_receive_ends: ["inet6_recvmsg"],
  functions_inet: ["inet_sendmsg"],
  functions_inet6: ["inet6_sendmsg"],
  functions_udp: ["udp_sendmsg"],
  functions_udp6: ["udpv6_sendmsg"],
  functions_inet_page: ["inet_sendpage"],
  functions_inet_connect: ["inet_stream_connect"],
  functions_inet_dgram_connect: ["inet_dgram_connect"],
  functions_inet_accept: ["inet_accept"],
  functions_mptcp_accept: ["mptcp_stream_accept"],
  functions_listen: ["security_socket_listen", "inet_listen"],
  functions_setsockopt_begins: ["__sys_setsockopt"],
  functions_setsockopt_ends: ["__sys_setsockopt"],
};

export const terminalFunctions: Hooks = {
  ...fileFunctions,
  functions_tty_write_begins: ["tty_write"],
  functions_tty_write: ["tty_write"],
  functions_tty_read: ["tty_read"],
  functions_ptmx_open: ["ptmx_open"],
  functions_tty_ioctl_begins: ["tty_ioctl"],
  functions_tty_ioctl: ["tty_ioctl"],
};

/** The blind spots, as KindModule has them: there is nothing to be blind to where pages are sent as messages (6.5). */
export const withoutUnixFunctions: Readonly<Record<string, string | null>> = {
  functions_unix_page: null,
};

/** The same, and where there is no MPTCP. IPv6 may be a module that nobody has loaded. */
export const withoutInetFunctions: Readonly<Record<string, string | null>> = {
  functions_inet_page: null,
  functions_mptcp_accept: null,
  functions_inet6: "ipv6 loaded later",
  functions_inet6_receive_begins: null,
  functions_inet6_receive_ends: null,
  functions_udp6: null,
};
