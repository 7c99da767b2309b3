import { describe, expect, it } from 'vitest';
import { packDataset } from '../../src/datasets/pack-dataset.js';
import { resolveDataset } from '../../src/datasets/resolve-dataset.js';
import { loadTokenizer } from '../../src/datasets/tokenizer.js';
import { temporaryFolder } from '../support/folder.js';
import { oracle } from './oracle.js';
import { REASON, shared, sharedIsMissing } from './shared-data.js';

interface Expected {
  dataset: string;
  path: string | null;
  tokenizer: string;
  length: number;
  texts: number;
  tokens: number;
  sequences: number;
  sha256: string;
}
const { streams } = oracle('packed-streams') as { streams: Expected[] };
const folder = temporaryFolder();

async function pack({
  dataset,
  path,
  tokenizer,
  length,
}: Pick<Expected, 'dataset' | 'path' | 'tokenizer' | 'length'>) {
  const stream = await packDataset({
    source: await resolveDataset({ spec: path ? `${dataset}=${shared(path)}` : dataset }),
    tokenizer: await loadTokenizer(shared(tokenizer)),
    length,
    protocol: 'duo',
    cacheFolder: folder.path('cache'),
  });
  stream.close();
  return stream;
}

describe.skipIf(sharedIsMissing)(`packed streams of real data${REASON}`, () => {
  it.each(streams)(
    '$dataset with $tokenizer is what Python and the Rust tokenizers make of it',
    async (expected) => {
      const { texts, tokens, sequences, sha256 } = expected;
      expect(await pack(expected)).toMatchObject({ texts, tokens, sequences, sha256, wrapped: true });
    },
  );

  it('of PTB and LAMBADA with 512 tokens are those the checkpoints were measured on', async () => {
    const { default: expected } = await import(shared('checkpoints/expected.json'), {
      with: { type: 'json' },
    });
    const paths = { ptb: 'data/ptb/ptb.valid.txt', lambada: 'data/lambada/lambada_test.jsonl' };
    for (const [dataset, path] of Object.entries(paths)) {
      const { texts, tokens, sequences, sha256 } = expected.packed[dataset];
      const tokenizer = 'checkpoints/tokenizer';
      expect(await pack({ dataset, path, tokenizer, length: expected.length })).toMatchObject({
        texts,
        tokens,
        sequences,
        sha256,
        bosTokenId: 511,
        eosTokenId: 511,
      });
    }
  });
});
