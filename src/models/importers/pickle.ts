/**
 * Reads a pickle (Python's serialisation, protocols 0 to 5) as data. A pickle is a program for a stack machine that can call
 * anything. This machine calls nothing: it makes containers and descriptions, and fails at every name that is not on the list
 * of pickle-globals.ts and at every instruction that it does not know.
 */
import { ModelError } from '../../errors.js';
import { kindOfGlobal } from './pickle-globals.js';
import {
  Description,
  PickleDict,
  PickleGlobal,
  type StorageReference,
  TensorReference,
} from './pickle-values.js';

export { Description, PickleDict, TensorReference } from './pickle-values.js';

/** Limit on dictionary pairs, because a small pickle could copy one dictionary again and again. */
const MOST_COPIED = 1_000_000;
const MARK = Symbol('mark');

/** @param where the file, for messages   @throws ModelError `unsafe-pickle`, `broken-pickle` */
export function readPickle(bytes: Buffer, where: string): unknown {
  return new Machine(bytes, where).run();
}

class Machine {
  private at = 0;
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private copied = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly where: string,
  ) {}

  run(): unknown {
    for (;;) {
      const start = this.at;
      const op = this.byte();
      if (op === STOP) return this.pop();
      const step = STEPS.get(op);
      if (!step) throw this.unsafe(`it has the instruction ${describeOp(op)} at byte ${start}`);
      step(this);
    }
  }

  // Primitives for the instructions.

  byte(): number {
    return this.take(1)[0];
  }

  take(length: number): Buffer {
    if (length > this.bytes.length - this.at)
      throw this.broken(`it ends at byte ${this.bytes.length}, in the middle`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** Text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.broken('it ends in the middle of a line');
    const text = this.bytes.toString('latin1', this.at, end);
    this.at = end + 1;
    return text;
  }

  /** A length of 8 bytes. */
  long(): number {
    const value = this.take(8).readBigUInt64LE();
    if (value > BigInt(this.bytes.length)) throw this.broken(`it names a length of ${value}`);
    return Number(value);
  }

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) throw this.broken('it takes from an empty stack');
    const value = this.stack.pop();
    if (value === MARK) throw this.broken('it takes a mark for a value');
    return value;
  }

  top(): unknown {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.stack.push(MARK);
  }

  /** The values above the last mark. */
  sinceMark(): unknown[] {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw this.broken('it looks for a mark that is not there');
    const values = this.stack.splice(mark);
    return values.slice(1);
  }

  put(index: number): void {
    this.memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.memo.size);
  }

  get(index: number): void {
    if (!this.memo.has(index)) throw this.broken(`it looks for the value ${index}, which was never put away`);
    this.push(this.memo.get(index));
  }

  global(module: unknown, name: unknown): void {
    const whole = `${module}.${name}`;
    const kind = typeof module === 'string' && typeof name === 'string' ? kindOfGlobal(whole) : null;
    if (!kind) throw this.unsafe(`it asks for ${JSON.stringify(whole.slice(0, 120))}`);
    this.push(new PickleGlobal(whole, kind));
  }

  setItems(target: unknown, items: readonly unknown[]): void {
    if (items.length % 2 !== 0) throw this.broken('a key has no value');
    const dict = target instanceof Description ? target.items : target;
    if (!(dict instanceof PickleDict)) throw this.broken('it puts a key into what is no dictionary');
    for (let i = 0; i < items.length; i += 2) dict.entries.set(items[i], items[i + 1]);
  }

  append(target: unknown, items: readonly unknown[]): void {
    const list = target instanceof Description ? target.parts : target;
    if (!Array.isArray(list)) throw this.broken('it appends to what is no list');
    for (const item of items) list.push(item);
  }

  /** Sets the state of an object; the state of a container (an attribute of a dictionary) is dropped. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof Description) target.state = state;
    else if (!(target instanceof PickleDict)) throw this.unsafe('it gives a state to what is no object');
  }

  /** `callable(*args)`, for the few known callables. */
  reduce(args: unknown, callable: unknown): void {
    if (!(callable instanceof PickleGlobal)) throw this.unsafe('it calls what is no name');
    if (!Array.isArray(args)) throw this.broken(`it gives ${callable.name} no arguments`);
    this.push(this.made(callable, args));
  }

  private made({ name, kind }: PickleGlobal, args: unknown[]): unknown {
    const wrong = () => this.broken(`it gives ${name} arguments that it does not take`);
    switch (kind) {
      case 'dict': {
        const dict = new PickleDict();
        const pairs = args.find(Array.isArray) ?? [];
        this.copied += pairs.length;
        if (this.copied > MOST_COPIED) throw this.broken('it repeats itself without end');
        for (const pair of pairs) {
          if (!Array.isArray(pair) || pair.length !== 2) throw wrong();
          dict.entries.set(pair[0], pair[1]);
        }
        return dict;
      }
      case 'list':
      case 'tuple':
      case 'set':
        if (args.length > 1 || (args.length === 1 && !Array.isArray(args[0]))) throw wrong();
        return args[0] ?? [];
      case 'bytes':
        return typeof args[0] === 'string' ? Buffer.from(args[0], 'latin1') : Buffer.alloc(0);
      case 'tensor':
        return this.tensor(args, wrong);
      case 'tensor-v3':
        throw this.unsafe(`it has a tensor without a type of its own (${name})`);
      case 'parameter':
        if (!(args[0] instanceof TensorReference)) throw wrong();
        return args[0];
      case 'reconstruct': {
        const [type] = args;
        if (!(type instanceof PickleGlobal)) throw wrong();
        return type.kind === 'description' ? new Description(type.name, args.slice(1)) : this.made(type, []);
      }
      case 'description':
        return new Description(name, [...args]);
      case 'type':
        throw this.unsafe(`it calls ${name}`);
    }
  }

  private tensor([storage, offset, shape, strides]: unknown[], wrong: () => ModelError): TensorReference {
    const areSizes = (value: unknown): value is number[] =>
      Array.isArray(value) &&
      value.length <= 16 &&
      value.every((size) => Number.isSafeInteger(size) && size >= 0);
    const known = storage as StorageReference | null;
    if (typeof known !== 'object' || typeof known?.key !== 'string') throw wrong();
    if (!Number.isSafeInteger(offset) || (offset as number) < 0 || !areSizes(shape) || !areSizes(strides))
      throw wrong();
    return new TensorReference(known, offset as number, shape, strides);
  }

  persistent(id: unknown): void {
    if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof PickleGlobal)) {
      throw this.unsafe('it refers to something outside of it that is no storage');
    }
    const [, { name }, key, , elements] = id as [string, PickleGlobal, unknown, unknown, unknown];
    if (typeof key !== 'string' || !Number.isSafeInteger(elements))
      throw this.broken('it describes no storage');
    this.push({ type: name, key, elements: elements as number } satisfies StorageReference);
  }

  unsafe(why: string): ModelError {
    return new ModelError({
      code: 'unsafe-pickle',
      message: `${this.where} is refused: ${why}, which is neither a tensor nor a plain container.`,
      hint: 'Nothing of it was run. If you trust it, save its weights as safetensors with PyTorch, and convert these.',
    });
  }

  broken(why: string): ModelError {
    return new ModelError({
      code: 'broken-pickle',
      message: `${this.where} cannot be used: ${why}.`,
      hint: 'Get the file again.',
    });
  }
}

function describeOp(op: number): string {
  const letter = op > 32 && op < 127 ? ` (${String.fromCharCode(op)})` : '';
  return `0x${op.toString(16).padStart(2, '0')}${letter}`;
}

type Step = (machine: Machine) => void;

/** A number of any length, little-endian, two's complement. */
function longNumber(bytes: Buffer): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  if (bytes.length > 0 && bytes[bytes.length - 1] & 0x80) value -= 1n << BigInt(8 * bytes.length);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** No checkpoint has longer numbers, and they would take long to read. */
const LONGEST_NUMBER = 64;

function longOf(machine: Machine, length: number): void {
  if (length < 0 || length > LONGEST_NUMBER) throw machine.broken(`it has a number of ${length} bytes`);
  machine.push(longNumber(machine.take(length)));
}

function decimal(machine: Machine, text: string): number | boolean {
  if (text === '00' || text === '01') return text === '01';
  const value = Number(text.replace(/L$/, ''));
  if (text.trim() === '' || Number.isNaN(value))
    throw machine.broken(`it has the number ${JSON.stringify(text.slice(0, 40))}`);
  return value;
}

/** Latin-1 with `\\uXXXX` for the rest. */
const rawUnicode = (line: string): string =>
  line.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (whole, short, long) => {
    const point = Number.parseInt(short ?? long, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });

const text = (bytes: Buffer): string => bytes.toString('utf8');

/**
 * The instructions, each as its effect on the stack. Those that look up a class without a name from the list (INST, OBJ,
 * EXT) are missing on purpose, so they are refused.
 */
const STEPS = new Map<number, Step>();
/** Instructions by their byte, where one is a letter; the rest by number. */
const code = (letter: string): number => letter.charCodeAt(0);

/** Ends the pickle; its value is on the stack. */
const STOP = code('.');

const on = (op: string | number, step: Step): void => {
  STEPS.set(typeof op === 'string' ? code(op) : op, step);
};

// Frame and stack.
on(0x80, (m) => m.byte());
on(0x95, (m) => m.take(8));
on('(', (m) => m.mark());
on('0', (m) => m.pop());
on('1', (m) => m.sinceMark());
on('2', (m) => m.push(m.top()));
// Numbers and constants.
on('N', (m) => m.push(null));
on(0x88, (m) => m.push(true));
on(0x89, (m) => m.push(false));
on('K', (m) => m.push(m.byte()));
on('M', (m) => m.push(m.take(2).readUInt16LE()));
on('J', (m) => m.push(m.take(4).readInt32LE()));
on('G', (m) => m.push(m.take(8).readDoubleBE()));
on('I', (m) => m.push(decimal(m, m.line())));
on('L', (m) => m.push(decimal(m, m.line())));
on('F', (m) => m.push(Number(m.line())));
on(0x8a, (m) => longOf(m, m.byte()));
on(0x8b, (m) => longOf(m, m.take(4).readInt32LE()));
// Text and bytes.
on('X', (m) => m.push(text(m.take(m.take(4).readUInt32LE()))));
on(0x8c, (m) => m.push(text(m.take(m.byte()))));
on(0x8d, (m) => m.push(text(m.take(m.long()))));
on('V', (m) => m.push(rawUnicode(m.line())));
on('U', (m) => m.push(m.take(m.byte()).toString('latin1')));
on('T', (m) => m.push(m.take(m.take(4).readUInt32LE()).toString('latin1')));
on('C', (m) => m.push(Buffer.from(m.take(m.byte()))));
on('B', (m) => m.push(Buffer.from(m.take(m.take(4).readUInt32LE()))));
on(0x8e, (m) => m.push(Buffer.from(m.take(m.long()))));
on(0x96, (m) => m.push(Buffer.from(m.take(m.long()))));
// Containers.
on(')', (m) => m.push([]));
on(0x85, (m) => m.push([m.pop()]));
on(0x86, (m) => {
  const [b, a] = [m.pop(), m.pop()];
  m.push([a, b]);
});
on(0x87, (m) => {
  const [c, b, a] = [m.pop(), m.pop(), m.pop()];
  m.push([a, b, c]);
});
on('t', (m) => m.push(m.sinceMark()));
on(']', (m) => m.push([]));
on('l', (m) => m.push(m.sinceMark()));
on('a', (m) => {
  const item = m.pop();
  m.append(m.top(), [item]);
});
on('e', (m) => {
  const items = m.sinceMark();
  m.append(m.top(), items);
});
on('}', (m) => m.push(new PickleDict()));
on('d', (m) => {
  const dict = new PickleDict();
  m.setItems(dict, m.sinceMark());
  m.push(dict);
});
on('s', (m) => {
  const [value, key] = [m.pop(), m.pop()];
  m.setItems(m.top(), [key, value]);
});
on('u', (m) => {
  const items = m.sinceMark();
  m.setItems(m.top(), items);
});
on(0x8f, (m) => m.push([]));
on(0x90, (m) => {
  const items = m.sinceMark();
  m.append(m.top(), items);
});
on(0x91, (m) => m.push(m.sinceMark()));
// The memo.
on('q', (m) => m.put(m.byte()));
on('r', (m) => m.put(m.take(4).readUInt32LE()));
on('p', (m) => m.put(Number(m.line())));
on(0x94, (m) => m.memoize());
on('h', (m) => m.get(m.byte()));
on('j', (m) => m.get(m.take(4).readUInt32LE()));
on('g', (m) => m.get(Number(m.line())));
// Names and objects.
on('c', (m) => {
  const module = m.line();
  m.global(module, m.line());
});
on(0x93, (m) => {
  const [name, module] = [m.pop(), m.pop()];
  m.global(module, name);
});
on('Q', (m) => m.persistent(m.pop()));
on('R', (m) => {
  const args = m.pop();
  m.reduce(args, m.pop());
});
on(0x81, (m) => {
  const args = m.pop();
  m.reduce(args, m.pop());
});
on('b', (m) => m.build());
