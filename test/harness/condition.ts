import { inVm } from "./programs.ts";

/** A hang, never a delay: nothing that works takes this long. In milliseconds. */
export const PATIENCE = inVm ? 100_000 : 60_000;

/** Lets others wait until something they look at has become true; whoever changes it calls `changed`. */
export class Condition {
  #waiting = new Set<() => void>();

  changed(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves with the first value of `look` that is not undefined; rejects with `failure`'s text when none comes. */
  until<Value>(look: () => Value | undefined, failure: () => string): Promise<Value> {
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const attempt = () => {
      try {
        const value = look();
        if (value !== undefined) resolve(value);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => reject(new Error(failure())), PATIENCE);
    this.#waiting.add(attempt);
    attempt();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiting.delete(attempt);
    });
  }
}

/** Lets `look` try until it is content; it has nobody to tell it that something has changed. */
export async function eventually<Value>(what: string, look: () => Value | undefined): Promise<Value> {
  const condition = new Condition();
  const timer = setInterval(() => condition.changed(), 20);
  try {
    return await condition.until(look, () => `${what}: never`);
  } finally {
    clearInterval(timer);
  }
}
