/** The values of a pickle that JavaScript has no equivalent for. */
import type { GlobalKind } from './pickle-globals.js';

/** A dictionary; text keys and others side by side. */
export class PickleDict {
  readonly entries = new Map<unknown, unknown>();

  get(key: string): unknown {
    return this.entries.get(key);
  }
}

/** A name from the list of pickle-globals.ts. */
export class PickleGlobal {
  constructor(
    readonly name: string,
    readonly kind: GlobalKind,
  ) {}
}

/** An object that is not constructed: its class, and the arguments that it would get. */
export class Description {
  state: unknown = null;
  readonly items = new PickleDict();

  constructor(
    readonly className: string,
    readonly parts: unknown[],
  ) {}
}

/** A storage of PyTorch: `('storage', type, key, location, elements)`. */
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
