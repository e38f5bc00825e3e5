import { expect, test } from "bun:test";
import { Remembered } from "../../src/name/remembered.ts";

test("what is asked for stays however many come, what is not goes", () => {
  const remembered = new Remembered<string>(100);
  remembered.set(-1, "asked for");
  remembered.set(-2, "forgotten");
  for (let key = 0; key < 1000; key++) {
    remembered.set(key, `${key}`);
    expect(remembered.get(-1)).toBe("asked for");
  }
  expect(remembered.get(-2)).toBeUndefined();
  for (let key = 901; key < 1000; key++) expect(remembered.get(key)).toBe(`${key}`);
});

test("what is deleted is gone, from both generations", () => {
  const remembered = new Remembered<number>(2);
  for (const key of [1, 2, 3]) remembered.set(key, key);
  for (const key of [1, 3]) remembered.delete(key);
  expect([1, 2, 3].map((key) => remembered.get(key))).toEqual([undefined, 2, undefined]);
});
