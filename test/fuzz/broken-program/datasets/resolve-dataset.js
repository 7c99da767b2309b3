// A reader that fails in every way a reader must not, one after another: what the campaign has to find.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ways = [
  () => process.abort(),
  () => 7,
  () => {
    throw new TypeError('undefined is not a function');
  },
  async () => {
    Promise.reject(new Error('stray'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    return 'text';
  },
];

export async function resolveDataset({ spec }) {
  // The child may be a new one each time: which way is next is kept beside the folder of the case, and its parent's.
  const marks = dirname(dirname(dirname(spec)));
  const way = ways.findIndex((_, i) => !existsSync(join(marks, `way-${i}`)));
  writeFileSync(join(marks, `way-${way}`), '');
  return {
    async *texts() {
      yield await ways[way]();
    },
  };
}
