/** What a pickle's values become, where JavaScript has none of its own. */
import type { GlobalKind } from './pickle-globals.js';

/** A dictionary; text keys and others side by side. */
export class PickleDict {
  readonly entries = new Map<unknown, unknown>();

  get(key: string): unknown {
    return this.entries.get(key);
  }
}

/** A name of the list. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly kind: GlobalKind,
  ) {}
}

/** An object that is not made: the class it would be of, and what it would be given. */
export class Description {
  state: unknown = null;
  readonly items = new PickleDict();

  constructor(
    readonly className: string,
    readonly parts: unknown[],
  ) {}
}

/** Where PyTorch keeps elements: `('storage', type, key, location, elements)`. */
export interface StorageReference {
  type: string;
  key: string;
  elements: number;
}

export class TensorReference {
  constructor(
    readonly storage: StorageReference,
    /** In elements. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}
