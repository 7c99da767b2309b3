/** About src/datasets/tokenizer.ts */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.js';
import { byteTokenizer } from './small-tokenizer.js';

const folder = temporaryFolder();
const bytes = byteTokenizer(folder.path('bytes'), { merges: [['a', 'a']] });
const growing = folder.file(
  'growing.json',
  JSON.stringify({
    model: { type: 'BPE', vocab: { a: 0, ab: 1, b: 2 }, merges: ['a b'] },
    normalizer: {
      type: 'Sequence',
      normalizers: new Array(100).fill({ type: 'Replace', pattern: { String: 'a' }, content: 'aa' }),
    },
  }),
);
const prepending = folder.file(
  'prepending.json',
  JSON.stringify({
    model: { type: 'WordLevel', unk_token: 'a', vocab: { a: 0 } },
    pre_tokenizer: { type: 'WhitespaceSplit' },
    normalizer: {
      type: 'Sequence',
      normalizers: new Array(100).fill({ type: 'Prepend', prepend: 'a' }),
    },
  }),
);

/** In a process of its own, which is asked for the most memory it took. @param text an expression */
function encode(path: string, text: string): { ids: number | null; says: string; megabytes: number } {
  const program = `
    const { loadTokenizer } = await import(${JSON.stringify(new URL('../../dist/datasets/tokenizer.js', import.meta.url))});
    const tokenizer = await loadTokenizer(${JSON.stringify(path)});
    let ids = 0, says = '';
    try { for (const piece of tokenizer.encodePieces(${text})) ids += piece.length; }
    catch (error) { ids = null; says = error.name + ' ' + error.code + ' ' + error.message; }
    console.log(JSON.stringify({ ids, says, megabytes: process.resourceUsage().maxRSS / 1024 }));`;
  const ran = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
  });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
}

const TOO_LONG = /^DataError tokenizer-too-costly .* goes on for a million characters or more/;

describe('one very long word', () => {
  it.each([
    ['four million letters of one kind', bytes, "'漢'.repeat(2 ** 22)"],
    ['130 MiB of one letter', bytes, "'a'.repeat(130 * 2 ** 20)"],
  ])('of %s is refused by name, in bounded memory', (_what, path, text) => {
    const { ids, says, megabytes } = encode(path, text);
    expect(says).toMatch(TOO_LONG);
    expect(ids).toBe(null);
    expect(megabytes).toBeLessThan(1_000);
  });

  it('of a million dashes that no merge joins is encoded, in bounded memory', () => {
    const { ids, megabytes } = encode(bytes, "'-'.repeat(2 ** 20)");
    expect(ids).toBe(2 ** 20);
    expect(megabytes).toBeLessThan(500);
  });

  it('of sixty thousand letters that merge is encoded', () => {
    expect(encode(bytes, "'a'.repeat(2 ** 16)")).toMatchObject({ ids: 2 ** 15 });
  });
});

describe('a text that is one word to its tokenizer', () => {
  it('is encoded, however long, where no merge joins its words', () => {
    const whole = folder.file(
      'whole.json',
      JSON.stringify({
        model: { type: 'BPE', vocab: { '▁': 0, a: 1, '▁a': 2, aa: 3 }, merges: ['▁ a', 'a a'] },
        normalizer: { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      }),
    );
    expect(encode(whole, "' aa'.repeat(2 ** 17)")).toMatchObject({ ids: 2 ** 18 });
  });
});

describe('normalizers', () => {
  it('that double a text a hundred times are stopped', () => {
    const { says, megabytes } = encode(growing, "'a'.repeat(1000)");
    expect(says).toMatch(/^DataError tokenizer-too-costly .* more than 32 times as long\.$/);
    expect(megabytes).toBeLessThan(500);
  });

  it('that put a hundred letters before a long text take little memory', () => {
    const { ids, megabytes } = encode(prepending, "'word '.repeat(2 ** 19)");
    expect(ids).toBe(2 ** 19);
    expect(megabytes).toBeLessThan(500);
  });
});
