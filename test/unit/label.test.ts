/** What text has behind a name. */
import { expect, test } from "bun:test";
import { titled } from "../../src/name/label.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function label(comm: string, exe: string, args: string[], container: string | null = null): string {
  const { label } = titled(bytes(comm), {
    exe: bytes(exe),
    args: args.map(bytes),
    isCut: false,
    uid: 0,
    user: "root",
    ancestors: [],
    cgroup: "/",
    container: container === null ? null : { id: "0123456789abcdef", runtime: "docker", name: container },
    pod: null,
    unit: null,
  });
  return comm + new TextDecoder().decode(label);
}

test.each([
  ["postgres[walwriter]", "postgres", "/usr/lib/postgresql/15/bin/postgres", ["postgres: walwriter "]],
  ["postgres[15/main: walwriter]", "postgres", "/usr/bin/postgres", ["postgres: 15/main: walwriter"]],
  ["nginx[worker process]", "nginx", "/usr/sbin/nginx", ["nginx: worker process"]],
  ["python3[gunicorn: worker]", "python3", "/usr/bin/python3.11", ["gunicorn: worker"]],
  ["node[server.js]", "node", "/usr/bin/node", ["node", "--inspect", "/srv/app/server.js", "-p", "80"]],
  ["python3[http.server]", "python3", "/usr/bin/python3.11", ["python3", "-m", "http.server", "8000"]],
  ["java[app.jar]", "java", "/opt/jdk/bin/java", ["java", "-Xmx1g", "-jar", "/srv/app.jar"]],
  ["sh[-c echo a]", "sh", "/usr/bin/sh", ["sh", "-c", "echo a"]],
  ["script.py[python3.11]", "script.py", "/usr/bin/python3.11", ["/usr/bin/python3", "./script.py"]],
  ["git[fetch]", "git", "/usr/bin/git", ["git", "--no-pager", "fetch", "origin"]],
  ["cat", "cat", "/usr/bin/cat", ["cat"]],
  ["kworker/0:1", "kworker/0:1", "", []],
])("%s", (wanted, comm, exe, args) => {
  expect(label(comm, exe, args)).toBe(wanted);
  expect(label(comm, exe, args, "web-7f9c")).toBe(`${wanted} in web-7f9c`);
});

test("what could act on a terminal is written out, and long texts are cut", () => {
  expect(label("node", "/usr/bin/node", ["node", "a\x1b[2J.js"])).toBe("node[a\\x1b[2J.js]");
  expect(label("cat", "/usr/bin/cat", ["cat", "x".repeat(100)])).toBe(`cat[${"x".repeat(31)}…]`);
});
