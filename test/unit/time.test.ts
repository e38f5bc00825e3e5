import { describe, expect, test } from "bun:test";

describe("time zones", () => {
  const script = `
    const { LocalTime } = await import(${JSON.stringify(`${import.meta.dir}/../../src/format/time.ts`)});
    const { Output } = await import(${JSON.stringify(`${import.meta.dir}/../../src/bytes/output.ts`)});
    const clock = new LocalTime();
    for (const seconds of process.argv.slice(-3).map(Number)) {
      const out = new Output();
      clock.timestamp({ seconds, nanoseconds: 1 }, out);
      out.byte(32);
      clock.time({ seconds, nanoseconds: 999999999 }, out);
      console.write(new TextDecoder().decode(out.bytes.subarray(0, out.length)) + "\\n");
    }`;

  // The last second before summer time, the first of it, and one in winter again (2026).
  const zones: [zone: string, times: number[], lines: string[]][] = [
    [
      "Europe/Berlin",
      [1774745999, 1774746000, 1792890000],
      [
        "2026-03-29T01:59:59.000000001+01:00 01:59:59.999999999",
        "2026-03-29T03:00:00.000000001+02:00 03:00:00.999999999",
        "2026-10-25T02:00:00.000000001+01:00 02:00:00.999999999",
      ],
    ],
    [
      "America/St_Johns",
      [1772947799, 1772947800, 1795000000],
      [
        "2026-03-08T01:59:59.000000001-03:30 01:59:59.999999999",
        "2026-03-08T03:00:00.000000001-02:30 03:00:00.999999999",
        "2026-11-18T07:36:40.000000001-03:30 07:36:40.999999999",
      ],
    ],
    [
      "Asia/Kathmandu",
      [1700000000, 1700000001, 0],
      [
        "2023-11-15T03:58:20.000000001+05:45 03:58:20.999999999",
        "2023-11-15T03:58:21.000000001+05:45 03:58:21.999999999",
        "1970-01-01T05:30:00.000000001+05:30 05:30:00.999999999",
      ],
    ],
    [
      "UTC",
      [1700000000, 1709251199, 1709251200],
      [
        "2023-11-14T22:13:20.000000001+00:00 22:13:20.999999999",
        "2024-02-29T23:59:59.000000001+00:00 23:59:59.999999999",
        "2024-03-01T00:00:00.000000001+00:00 00:00:00.999999999",
      ],
    ],
  ];
  test.each(zones)("%s", (zone, times, lines) => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script, ...times.map(String)], {
      env: { ...process.env, TZ: zone },
    });
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trimEnd().split("\n")).toEqual(lines);
  });
});
