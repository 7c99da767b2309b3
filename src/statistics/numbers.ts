/** A number a sequence, in order: an array of them, or what lies elsewhere and is read as it is needed. */
export interface Numbers {
  readonly length: number;
  /** Of an index in [0, length). */
  at(index: number): number | undefined;
}

/** Numbers that follow from others, worked out each time they are asked for. */
export function numbersOf(length: number, at: (index: number) => number): Numbers {
  return { length, at };
}
