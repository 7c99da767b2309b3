/** About src/models/importers/llama.ts, src/models/importers/gpt-neox.ts and src/models/importers/decoder-import.ts */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { DecoderDimensions } from '../../../src/models/architectures/decoder-dimensions.js';
import { inSteps } from '../architectures/decoders.js';
import { largestDifference as differenceOf, sessionOf } from '../architectures/networks.js';
import { converted, largestDifference, logitsOf } from './published.js';

const oracles = fileURLToPath(new URL('../../../../shared/oracles/models/', import.meta.url));
const missing = existsSync(oracles) ? '' : ' (skipped: ../shared/oracles is not there)';

interface Oracle {
  inputs: { input_ids: number[][] };
  logits: number[][][];
}
const oracleOf = (name: string): Oracle =>
  JSON.parse(readFileSync(join(oracles, name, 'expected.json'), 'utf8'));

describe.skipIf(missing)(`the oracle of transformers${missing}`, () => {
  it.each([
    ['llama-ar', { heads: 6, keyValueHeads: 2, headSize: 8, tied: false }],
    ['qwen3-ar', { heads: 4, keyValueHeads: 2, headSize: 16, tied: true, queryKeyNorm: true }],
    ['pythia-ar', { heads: 3, headSize: 16, parallel: true, rotary: { theta: 10_000, turned: 4 } }],
  ])('%s has its logits, at once and with cached keys and values', async (name, architecture) => {
    const oracle = oracleOf(name);
    const { path, card } = await converted(join(oracles, name));
    expect(card).toMatchObject({ family: 'ar', architecture: { name: 'decoder', ...architecture } });
    const ids = oracle.inputs.input_ids;
    expect(largestDifference(await logitsOf(path, { ids }), oracle.logits)).toBeLessThan(1e-4);
    const network = await sessionOf(path);
    const dimensions = card.architecture as DecoderDimensions;
    for (const [b, row] of ids.entries()) {
      const steps = [3, 1, 1, row.length - 5];
      const logits = await inSteps(network, dimensions, row, steps);
      expect(differenceOf(logits, oracle.logits[b].flat())).toBeLessThan(1e-4);
    }
  });
});
