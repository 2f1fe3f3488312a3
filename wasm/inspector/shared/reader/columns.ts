/** Numbers that grow in number: a hundred megabytes of traffic are too many objects, but few numbers. */
type Numbers = Float64Array | Uint32Array | Int32Array | Uint8Array;

export class Column<T extends Numbers = Numbers> {
  #values: T;
  length = 0;

  constructor(private readonly make: (size: number) => T) {
    this.#values = make(1024);
  }

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = this.make(this.length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  /** @throws RangeError beyond the end, which is a mistake of ours. */
  at(index: number): number {
    if (index < 0 || index >= this.length) throw new RangeError(`there is no row ${index}`);
    return this.#values[index]!;
  }

  set(index: number, value: number): void {
    if (index < 0 || index >= this.length) throw new RangeError(`there is no row ${index}`);
    this.#values[index] = value;
  }
}

export const floats = (): Column => new Column((size) => new Float64Array(size));
export const counts = (): Column => new Column((size) => new Uint32Array(size));
export const indexes = (): Column => new Column((size) => new Int32Array(size));
export const bytes = (): Column => new Column((size) => new Uint8Array(size));

/** What says that there is none, in a column of indexes. */
export const NONE = -1;

/** Texts by number, each once. */
export class Names {
  readonly #numbers = new Map<string, number>();
  readonly #texts: string[] = [];

  add(text: string | undefined): number {
    if (text === undefined) return NONE;
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#texts.length;
      this.#numbers.set(text, number);
      this.#texts.push(text);
    }
    return number;
  }

  find(text: string | undefined): number {
    return text === undefined ? NONE : (this.#numbers.get(text) ?? NONE);
  }

  text(number: number): string | undefined {
    return this.#texts[number];
  }
}
