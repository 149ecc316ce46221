// The steps of a start. Each logs one line: what it did and how long it took.
import { writeSync } from "node:fs";
import type { Redact } from "./redact.ts";

/** Thrown when a step fails, with a message for the log. */
export class StepFailed extends Error {
  readonly step: string;

  constructor(step: string, reason: string) {
    super(`step ${step} failed: ${reason}`);
    this.step = step;
  }
}

export class Steps {
  readonly #redact: Redact;
  #current = "start";

  constructor(redact: Redact) {
    this.#redact = redact;
  }

  get current(): string {
    return this.#current;
  }

  /** Runs `work`, which returns a summary of what it did. */
  async run(name: string, work: () => Promise<string>): Promise<void> {
    this.#current = name;
    const start = performance.now();
    try {
      const done = await work();
      this.say(`${name}: ${done} (${((performance.now() - start) / 1000).toFixed(2)} s)`);
    } catch (error) {
      throw new StepFailed(name, error instanceof Error ? error.message : String(error));
    }
  }

  say(text: string): void {
    this.#write(1, text);
  }

  complain(text: string): void {
    this.#write(2, text);
  }

  // Not `process.stdout`: it makes pipes non-blocking, and the supervisor would inherit that.
  #write(descriptor: 1 | 2, text: string): void {
    writeSync(descriptor, `entry: ${oneLine(this.#redact(text))}\n`);
  }
}

export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\s]+/gu, " ").trim();
  return line.length > 1000 ? `${line.slice(0, 999)}…` : line;
}
