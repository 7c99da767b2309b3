/** prompts.jsonl of `duo-eval likelihood`, damaged. What is accepted is compared with what another parser reads of each line. */
import { isUtf8 } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from '../broken.mjs';
import { damage, textMutations } from '../mutations.mjs';

const SEEDS = [
  [
    { context: 'The state of the ', continuation: 'Union' },
    { continuation: [1, 2, 3], tail: 'eos', id: 7 },
    { context: [256, 40], continuation: ' is', tail: [5] },
  ],
  [{ context: 'naïve — ', continuation: '\u{1f600}', tail: 'masked' }],
];

export const prompts = ({ program }) => ({
  prepare(random, folder) {
    const seed = random.of(SEEDS).map((one) => JSON.stringify(one));
    const { bytes, how } = damage(Buffer.from(`${seed.join('\n')}\n`), random, textMutations);
    const path = join(folder, 'prompts.jsonl');
    writeFileSync(path, bytes);
    return {
      how,
      async read() {
        const { readPrompts } = await import(`${program}/evals/likelihood/prompts-file.js`);
        const read = await readPrompts(path);
        expect(isUtf8(bytes), 'bytes that are not UTF-8 were read as text');
        const lines = bytes
          .toString('utf8')
          .replace(/^\ufeff/, '')
          .split('\n');
        const expected = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line));
        expect(read.length === expected.length, `${read.length} of ${expected.length} prompts were read`);
        for (const [i, { prompt }] of read.entries()) {
          for (const key of ['context', 'continuation', 'tail']) {
            const same = isDeepStrictEqual(prompt[key], expected[i][key]);
            expect(same, `${key} of prompt ${i} was read as another`);
          }
          const ids = [prompt.context, prompt.continuation, prompt.tail].flatMap((one) =>
            Array.isArray(one) ? one : [],
          );
          expect(
            ids.every((id) => Number.isInteger(id) && id >= 0),
            'an id that is none was accepted',
          );
        }
      },
    };
  },
});
