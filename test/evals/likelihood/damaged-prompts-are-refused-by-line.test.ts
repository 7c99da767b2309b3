/** About src/evals/likelihood/prompts-file.ts */
import { expect, it } from 'vitest';
import { DataError, FileError } from '../../../src/errors.js';
import { readPrompts } from '../../../src/evals/likelihood/prompts-file.js';
import { temporaryFolder } from '../../support/folder.js';

const written = (content: string | Uint8Array) => temporaryFolder().file('p.jsonl', content);
const good = '{"continuation":[1,2]}';

it('reads a prompt per line, skips blank lines, and leaves other keys alone', async () => {
  const path = written(`\ufeff{"context":"a","continuation":"b","tail":"eos","id":7}\n\n  \r\n${good}`);
  const prompts = await readPrompts(path);
  expect(prompts.map(({ where }) => where.slice(path.length))).toEqual([', line 1', ', line 4']);
  expect(prompts[0].prompt).toMatchObject({ context: 'a', continuation: 'b', tail: 'eos' });
  expect(prompts[1].prompt).toEqual({ continuation: [1, 2] });
});

it.each([
  ['no JSON', '{"continuation":', /line 2: it is not usable JSON/],
  ['no object', '[1]', /line 2: .*expected object/i],
  ['no continuation', '{"context":"a"}', /line 2: continuation: expected a text or a list of token ids/],
  ['a text and ids mixed', '{"continuation":[1,"a"]}', /line 2: continuation/],
  ['a fraction', '{"continuation":[1.5]}', /line 2: continuation/],
  ['a negative id', '{"continuation":[-1]}', /line 2: continuation/],
  ['an id past all vocabularies', '{"continuation":[1e12]}', /line 2: continuation/],
  ['a context of numbers in numbers', '{"context":[[1]],"continuation":[1]}', /line 2: context/],
  ['a tail that is none', '{"continuation":[1],"tail":3}', /line 2: tail/],
  ['brackets without end', '['.repeat(100_000), /line 2: it is not usable JSON/],
])('%s', async (_, line, told) => {
  const error = await readPrompts(written(`${good}\n${line}\n`)).catch((caught) => caught);
  expect(error).toBeInstanceOf(DataError);
  expect(error.message).toMatch(told);
  expect(error.hint).toMatch(/A line is one object/);
});

it('a line without end, bytes that are no text, nothing at all, no file', async () => {
  const huge = `{"continuation":"${'a'.repeat(2 ** 22)}"}`;
  await expect(readPrompts(written(`${good}\n${huge}`))).rejects.toThrow(/longer than 4 MiB/);
  await expect(readPrompts(written(Uint8Array.of(0x7b, 0xff, 0x0a)))).rejects.toBeInstanceOf(DataError);
  await expect(readPrompts(written('\n\n'))).rejects.toMatchObject({ code: 'prompts-empty' });
  await expect(readPrompts('not-there.jsonl')).rejects.toSatisfy(
    (error) => error instanceof DataError || error instanceof FileError,
  );
});

it('more items than a run takes', async () => {
  const path = written(`${good}\n`.repeat(100_001));
  await expect(readPrompts(path)).rejects.toMatchObject({ code: 'data-too-large' });
});
