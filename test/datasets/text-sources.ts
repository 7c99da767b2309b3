/** Sources of texts for tests of what comes after them, and a way to read a file's texts. */
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import type { TextSource } from '../../src/datasets/text-source.js';
import { sha256OfBytes } from '../../src/storage/digest.js';

/** A source of given texts; `reads` counts how often they were asked for. */
export function sourceOf(texts: readonly string[], name = 'given'): TextSource & { reads: number } {
  return {
    name,
    split: 'all',
    sourceSha256: sha256OfBytes(JSON.stringify(texts)),
    paths: ['given'],
    reading: 'given',
    count: texts.length,
    detokenizer: null,
    beginsDocument: () => true,
    reads: 0,
    async *texts() {
      this.reads++;
      yield* texts;
    },
  };
}

/** All texts of a data set, as its reader gives them. */
export async function textsOf(spec: string, textColumn?: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const text of (await resolveDataset({ spec, textColumn })).texts()) texts.push(text);
  return texts;
}
