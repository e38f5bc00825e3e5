/** What a workload says of itself, as test/programs/truth.h writes it. */
export interface Role {
  pid: number;
  comm: string;
}

export interface Pipe {
  inode: number;
  name: string;
}

export interface Moved {
  /** a role, `?` when nobody can know it */
  src: string;
  pipe: string;
  dst: string;
  count: number;
  hex: string;
  how?: "spliced" | "uring";
}

export interface Sent {
  src: string;
  dst: string;
  num: number;
  name: string;
  result?: string;
  tid?: number;
}

/** One transfer over a socket or a terminal. */
export interface Carried {
  type: string;
  src: string;
  /** a role, `?` when nobody holds that end */
  dst: string;
  /** without `count`, and without what follows from the rest */
  meta: Record<string, string | number>;
  count: number;
  hex: string;
  how?: "spliced" | "uring";
  /**
   * `must`: the right destination, marked as a guess; `may`: it, or marked; `miss`: or unknown as well; `none`: it, and
   * not marked though the machine be slow
   */
  guess?: "must" | "may" | "miss" | "none";
}

export class Truth {
  readonly roles = new Map<string, Role>();
  readonly pipes = new Map<string, Pipe>();
  readonly moved: Moved[] = [];
  readonly sent: Sent[] = [];
  readonly carried: Carried[] = [];
  /** inodes of the sockets, `tty_name`s of the terminals that are the workload's own */
  readonly sockets = new Set<unknown>();
  readonly terminals = new Set<unknown>();
  /** `unix-stream: io_uring send_zc`: what this kernel does not do, as it answered when it was tried */
  readonly refused: string[] = [];
  /** Between these the workload ran: milliseconds since the epoch. */
  readonly from = Date.now();
  to = Number.POSITIVE_INFINITY;

  role(name: string): Role {
    const role = this.roles.get(name);
    if (!role) throw new Error(`the workload has no role ${name}`);
    return role;
  }

  pipe(label: string): Pipe {
    const pipe = this.pipes.get(label);
    if (!pipe) throw new Error(`the workload has no pipe ${label}`);
    return pipe;
  }

  /** Takes in one line. */
  learn(line: string): void {
    const { role, pipe, moved, sent, carried, socket, terminal, refused, ...rest } = JSON.parse(line);
    if (role !== undefined) this.roles.set(role, rest);
    else if (pipe !== undefined) this.pipes.set(pipe, rest);
    else if (moved !== undefined) this.moved.push(moved);
    else if (sent !== undefined) this.sent.push(sent);
    else if (carried !== undefined) this.carried.push(carried);
    else if (socket !== undefined) this.sockets.add(socket);
    else if (terminal !== undefined) this.terminals.add(terminal);
    else if (refused !== undefined) this.refused.push(refused);
    else throw new Error(`a workload said: ${line}`);
  }
}
