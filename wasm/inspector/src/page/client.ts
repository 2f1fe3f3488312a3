/** The page's side of the reader. */
import type { Call, Reader, Reply, Told } from "../reader/protocol.js";
import ReaderWorker from "../reader/worker.js?worker&inline";

type Answer<Name extends keyof Reader> = Awaited<ReturnType<Reader[Name]>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

export class Client {
  readonly #worker = new ReaderWorker();
  readonly #waiting = new Map<number, Waiting>();
  #asked = 0;

  constructor(heard: (told: Told) => void, failed: (problem: string) => void) {
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if ("progress" in data || "survey" in data) {
        heard(data);
        return;
      }
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("error" in data) waiting?.reject(new Error(data.error));
      else waiting?.resolve(data.value);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const problem = `The reader has failed: ${event.message || "it could not be started"}. Open the file again.`;
      for (const { reject } of this.#waiting.values()) reject(new Error(problem));
      this.#waiting.clear();
      failed(problem);
    };
  }

  ask<Name extends keyof Reader>(name: Name, ...given: Parameters<Reader[Name]>): Promise<Answer<Name>> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, name, arguments: given } as Call);
    });
  }

  /** What it was asked and has not answered stays unanswered. */
  end(): void {
    this.#worker.terminate();
  }
}
