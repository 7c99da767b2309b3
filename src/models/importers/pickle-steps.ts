/**
 * The instructions of a pickle's machine, each as what it does to the stack (pickle.ts). Those that would look a class up by
 * other ways than a name of the list (INST, OBJ, EXT) are not here, so that they are refused.
 */
import type { Machine } from './pickle.js';
import { PickleDict } from './pickle-values.js';

type Step = (machine: Machine) => void;

/** A number of any length, little-endian, two's complement. */
function longNumber(bytes: Buffer): number | bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
  if (bytes.length > 0 && bytes[bytes.length - 1] & 0x80) value -= 1n << BigInt(8 * bytes.length);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Longer numbers are none that a checkpoint has, and take long to read. */
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
export const STEPS = new Map<number, Step>();
/** Instructions by their byte, where one is a letter; the rest by number. */
const code = (letter: string): number => letter.charCodeAt(0);

/** Ends the pickle; its value is on the stack. */
export const STOP = code('.');

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
// What was seen before.
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
