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

export class Truth {
  readonly roles = new Map<string, Role>();
  readonly pipes = new Map<string, Pipe>();
  readonly moved: Moved[] = [];
  readonly sent: Sent[] = [];
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
    const { role, pipe, moved, sent, ...rest } = JSON.parse(line);
    if (role !== undefined) this.roles.set(role, rest);
    else if (pipe !== undefined) this.pipes.set(pipe, rest);
    else if (moved !== undefined) this.moved.push(moved);
    else if (sent !== undefined) this.sent.push(sent);
    else throw new Error(`a workload said: ${line}`);
  }
}
