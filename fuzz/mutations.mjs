/**
 * Damage, by name: each takes bytes and returns other bytes. What a broken download, disk, editor or a hostile sender
 * does to a file of any format; formats' own bombs are in bombs.mjs and models.mjs.
 */

/** @typedef {import('./random.mjs').Random} Random */
/** @typedef {(bytes: Buffer, random: Random, places?: readonly [number, number][]) => Buffer} Mutation */

const HUGE = [0x7fffffff, 0x80000000, 0xffffffff, 0x10000, 0x1000000, 0];
const HUGE_64 = [2n ** 63n - 1n, 2n ** 64n - 1n, 2n ** 32n, 2n ** 40n, 2n ** 31n, 2n ** 53n];

/** A place in the file; inside `places` where the interesting bytes are known. */
function place(bytes, random, places) {
  if (!places?.length || random.chance(0.1)) return random.below(bytes.length || 1);
  const [from, to] = random.of(places);
  return random.between(from, Math.max(from, to - 1));
}

const concat = (...parts) => Buffer.concat(parts);

/** @type {Record<string, Mutation>} */
export const mutations = {
  truncate(bytes, random, places) {
    const cut = random.chance(0.3) ? bytes.length - 1 - random.below(24) : place(bytes, random, places);
    return Buffer.from(bytes.subarray(0, Math.max(0, cut)));
  },
  'flip bits'(bytes, random, places) {
    const changed = Buffer.from(bytes);
    for (let n = random.between(1, 6); n > 0 && changed.length > 0; n--)
      changed[place(bytes, random, places)] ^= 1 << random.below(8);
    return changed;
  },
  'set bytes'(bytes, random, places) {
    const changed = Buffer.from(bytes);
    for (let n = random.between(1, 3); n > 0 && changed.length > 0; n--)
      changed[place(bytes, random, places)] = random.of([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
    return changed;
  },
  'huge varint'(bytes, random, places) {
    const at = place(bytes, random, places);
    const length = random.between(1, 10);
    const varint = Buffer.alloc(length, random.of([0xff, 0x80]));
    varint[length - 1] = random.of([0x7f, 0x01, 0x0f]);
    // In place of one byte, so that what follows stays a sound continuation, or over as many.
    return concat(bytes.subarray(0, at), varint, bytes.subarray(at + (random.chance(0.7) ? 1 : length)));
  },
  'huge number'(bytes, random, places) {
    const changed = Buffer.from(bytes);
    const wide = random.chance(0.4);
    if (changed.length < 8) return changed;
    const at = Math.min(place(bytes, random, places), changed.length - 8);
    if (wide) changed.writeBigUInt64LE(random.of(HUGE_64), at);
    else changed.writeUInt32LE(random.of(HUGE), at);
    return changed;
  },
  splice(bytes, random, places) {
    const changed = Buffer.from(bytes);
    const from = random.below(bytes.length || 1);
    const part = bytes.subarray(from, from + random.between(1, 64));
    changed.set(part, Math.max(0, Math.min(place(bytes, random, places), bytes.length - part.length)));
    return changed;
  },
  insert(bytes, random, places) {
    const at = place(bytes, random, places);
    return concat(bytes.subarray(0, at), random.bytes(random.between(1, 40)), bytes.subarray(at));
  },
  remove(bytes, random, places) {
    const at = place(bytes, random, places);
    return concat(
      bytes.subarray(0, at),
      bytes.subarray(at + random.between(1, random.chance(0.5) ? 8 : 400)),
    );
  },
  repeat(bytes, random, places) {
    const at = place(bytes, random, places);
    const end = at + random.between(1, 200);
    return concat(bytes.subarray(0, end), bytes.subarray(at));
  },
  'swap sections'(bytes, random) {
    const cuts = [0, 0, 0, 0].map(() => random.below(bytes.length + 1)).sort((a, b) => a - b);
    const [a, b, c, d] = cuts;
    const part = (from, to) => bytes.subarray(from, to);
    return concat(part(0, a), part(c, d), part(b, c), part(a, b), part(d, bytes.length));
  },
  'zero out'(bytes, random, places) {
    const changed = Buffer.from(bytes);
    const at = place(bytes, random, places);
    return changed.fill(random.of([0, 0xff]), at, Math.min(changed.length, at + random.between(1, 300)));
  },
  append(bytes, random) {
    return concat(bytes, random.chance(0.5) ? random.bytes(random.between(1, 60)) : bytes);
  },
};

/** Damage to text that stays text: numbers, keys and brackets of JSON; delimiters and quotes of tables. */
/** @type {Record<string, Mutation>} */
export const textMutations = {
  'other number'(bytes, random) {
    return replaceMatch(bytes, random, /-?\d+(\.\d+)?([eE][+-]?\d+)?/g, () =>
      random.of([
        '-1',
        '0',
        '1e999',
        '4294967296',
        '9007199254740993',
        '1e-400',
        'NaN',
        '2.5',
        'null',
        '"7"',
        '16777215',
        '{}',
      ]),
    );
  },
  'other value'(bytes, random) {
    return replaceMatch(bytes, random, /:\s*("([^"\\]|\\.)*"|true|false|null|-?\d[\d.eE+-]*|\[|\{)/g, () =>
      random.of([
        ': null',
        ': []',
        ': {}',
        ': ""',
        ': "x"',
        ': 1',
        ': true',
        ': {"type":"nothing"}',
        ': [[]]',
        ':',
      ]),
    );
  },
  'other key'(bytes, random) {
    return replaceMatch(bytes, random, /"([^"\\]|\\.)*"\s*:/g, () =>
      random.of([
        '"__proto__":',
        '"constructor":',
        '"":',
        '"text":',
        '"family":',
        '"model":',
        '"\\ud800":',
        '"toString":',
      ]),
    );
  },
  'drop a member'(bytes, random) {
    return replaceMatch(
      bytes,
      random,
      /"([^"\\]|\\.)*"\s*:\s*("([^"\\]|\\.)*"|true|false|null|-?\d[\d.eE+-]*)\s*,?/g,
      () => '',
    );
  },
  nest(bytes, random) {
    const depth = random.of([10, 1000, 20_000, 200_000]);
    const deep = random.chance(0.5)
      ? '['.repeat(depth) + ']'.repeat(depth)
      : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    return replaceMatch(
      bytes,
      random,
      /:\s*("([^"\\]|\\.)*"|true|false|null|-?\d[\d.eE+-]*)/g,
      () => `: ${deep}`,
    );
  },
  'drop a line'(bytes, random) {
    // The look behind keeps a long last line from being tried from each of its bytes.
    return replaceMatch(bytes, random, /(?<![^\n])[^\n]*\n/g, () => '');
  },
  'swap lines'(bytes, random) {
    const lines = bytes.toString('latin1').split('\n');
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    [lines[a], lines[b]] = [lines[b], lines[a]];
    return Buffer.from(lines.join('\n'), 'latin1');
  },
  'stray mark'(bytes, random) {
    const at = random.below(bytes.length + 1);
    const mark = random.of([
      '"',
      ',',
      '\n',
      '\r',
      '\r\n',
      '""',
      '\\',
      '\0',
      '\ufeff',
      '\u2028',
      '}',
      '{',
      '[',
      "'",
      '\x1b[2J',
    ]);
    return concat(bytes.subarray(0, at), Buffer.from(mark), bytes.subarray(at));
  },
  'long line'(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concat(
      bytes.subarray(0, at),
      Buffer.alloc(random.of([1 << 16, 1 << 21]), random.of(['a', '"', '0', '9', ','])),
      bytes.subarray(at),
    );
  },
};

/** One match of a pattern, chosen evenly, replaced. */
function replaceMatch(bytes, random, pattern, replacement) {
  const text = bytes.toString('latin1');
  const matches = [...text.matchAll(pattern)];
  if (matches.length === 0) return mutations['flip bits'](bytes, random);
  const match = random.of(matches);
  const other = Buffer.from(replacement()).toString('latin1');
  return Buffer.from(
    text.slice(0, match.index) + other + text.slice(match.index + match[0].length),
    'latin1',
  );
}

/**
 * Damages bytes once, sometimes twice. @param {Record<string, Mutation>} kinds
 * @returns {{ bytes: Buffer, how: string }}
 */
export function damage(bytes, random, kinds = mutations, places = undefined) {
  const how = [];
  let damaged = bytes;
  for (let n = random.chance(0.2) ? 2 : 1; n > 0; n--) {
    const name = random.of(Object.keys(kinds));
    how.push(name);
    damaged = kinds[name](damaged, random, damaged === bytes ? places : undefined);
  }
  return { bytes: damaged, how: how.join(', ') };
}
