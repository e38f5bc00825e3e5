/** The steps of PostgreSQL's extended queries by what they are about: statements and portals have names. */
import { latin1 } from "../../bytes/latin1.ts";

/** of a connection; those beyond are told without their query */
const mostNames = 1000;
const decoder = new TextDecoder();
const step = /^(parse|bind|describe|execute|close) (?:[^ ]*|<unnamed>): /;
const single = ["sync", "startup", "ssl", "gss encryption", "function call"];
const words: Readonly<Record<string, string>> = {
  P: "parse",
  B: "bind",
  D: "describe",
  E: "execute",
  C: "close",
};

export class Steps {
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();

  /** The name of a request of this type: `execute <unnamed>: SELECT $1`, as the server's log has it. */
  name(type: string, body: Uint8Array): string {
    const verb = words[type] ?? "";
    if (type === "P") {
      const [statement, query] = textsOf(body, 0);
      keep(this.#statements, statement, query);
      return `${verb} ${called(statement)}: ${query}`;
    }
    if (type === "B") {
      const [portal, statement] = textsOf(body, 0);
      const query = this.#statements.get(statement) ?? "";
      keep(this.#portals, portal, statement);
      return `${verb} ${called(statement)}: ${query}`;
    }
    if (type === "E") {
      const [portal] = textsOf(body, 0);
      const statement = this.#portals.get(portal) ?? "";
      return `${verb} ${called(portal || statement)}: ${this.#statements.get(statement) ?? ""}`;
    }
    const [name] = textsOf(body, 1);
    const isPortal = body[0] === 0x50;
    const statement = isPortal ? (this.#portals.get(name) ?? "") : name;
    const query = this.#statements.get(statement) ?? "";
    if (type === "C") (isPortal ? this.#portals : this.#statements).delete(name);
    return `${verb} ${called(name)}: ${query}`;
  }

  /** What a request's name says it is: a step, or a query. */
  stepOf(name: string): string {
    return step.exec(name)?.[1] ?? (single.includes(name) ? name : "query");
  }
}

function called(name: string): string {
  return name === "" ? "<unnamed>" : name.replace(/[\s:]+/g, "_");
}

function keep(map: Map<string, string>, name: string, value: string): void {
  if (map.size < mostNames || map.has(name)) map.set(name, value);
}

/** Two texts from here on, each up to its NUL; the second one on one line. */
function textsOf(body: Uint8Array, from: number): [string, string] {
  const end = body.indexOf(0, from);
  if (end < 0) return [latin1(body.subarray(from, from + 64)), ""];
  const last = body.indexOf(0, end + 1);
  const second = decoder.decode(body.subarray(end + 1, last < 0 ? body.length : last));
  return [latin1(body.subarray(from, Math.min(end, from + 64))), second.replace(/\s+/g, " ").trim()];
}
