/** A mark of comparability a field: each, alone, sets a row apart from the papers' and is named. */
import { describe, expect, it } from 'vitest';
import { reasonsNotComparable } from '../../src/report/published.js';
import { rowsOfResults } from '../comparison/rows.js';
import { generativeResult } from '../evals/generation/generative-sample.js';
import { sampleResult } from '../records/sample.js';

const GPT2 = '8414cab924d8b9b33013f0d221c5862f365ee9be39c5c2bfae8a5a9e970478a6';

type Loose = Record<string, Record<string, unknown>>;
const reasonsOf = (record: object, change: Loose) => {
  const changed = structuredClone(record) as Loose;
  for (const [part, keys] of Object.entries(change)) Object.assign(changed[part], keys);
  return reasonsNotComparable(rowsOfResults([changed])[0]);
};

const perplexity = sampleResult('duo', 'ptb');
Object.assign(perplexity.protocol, { length: 1024, tokenizerSha256: GPT2 });
Object.assign(perplexity.dataset, { limit: null, selection: null, split: 'validation' });
Object.assign(perplexity.model, { trainedOn: 'OpenWebText' });

const generated = generativeResult('duo');
Object.assign(generated.model!, { trainedOn: 'OpenWebText' });
Object.assign(generated.judge!, { name: 'gpt2-large' });
Object.assign(generated.samples, { length: 1024, count: 1024, tokenizerSha256: GPT2, topP: null });
Object.assign(generated.samples, { sampler: { name: 'ancestral', options: {}, steps: 32 } });

describe('a perplexity', () => {
  it('that is as the papers have it has no mark', () => {
    expect(reasonsOf(perplexity, {})).toEqual([]);
  });

  it.each<[Loose, string]>([
    [{ protocol: { name: 'strict' } }, 'protocol strict, not duo'],
    [{ protocol: { length: 128 } }, '128 tokens per sequence, not 1,024'],
    [{ protocol: { tokenizerSha256: 'ab'.repeat(32) } }, "another tokenizer file than GPT-2's"],
    [{ protocol: { tokenizerSha256: null } }, 'tokenizer unknown'],
    [{ dataset: { split: 'test' } }, 'split test, not validation'],
    [{ dataset: { split: null } }, 'split unknown, not validation'],
    [{ dataset: { limit: 64, selection: 'spread' } }, 'only 64 sequences'],
    [{ dataset: { limit: 64, selection: 'first' } }, 'only the first 64 sequences'],
    [{ model: { trainedOn: null } }, 'training data unknown'],
    [{ model: { trainedOn: 'lm1b' } }, 'trained on lm1b, not OpenWebText'],
  ])('%j is marked: %s', (change, reason) => {
    expect(reasonsOf(perplexity, change)).toEqual([reason]);
  });
});

describe('generated text', () => {
  it('that is as the papers have it has no mark', () => {
    expect(reasonsOf(generated, {})).toEqual([]);
    expect(reasonsOf(generated, { samples: { topP: 1 } })).toEqual([]);
  });

  it.each<[Loose, string]>([
    [{ protocol: { name: 'strict' } }, 'protocol strict, not duo'],
    [{ samples: { length: 256 } }, '256 tokens per sequence, not 1,024'],
    [{ samples: { temperature: 0.7 } }, 'temperature 0.7, not 1'],
    [{ samples: { temperature: null } }, 'temperature unknown'],
    [{ samples: { topK: 40 } }, 'top-k 40, not all tokens'],
    [{ samples: { topP: 0.9 } }, 'top-p 0.9, not 1'],
    [{ samples: { prompt: true } }, 'after a prompt'],
    [{ samples: { prompt: null } }, 'prompt unknown'],
    [{ samples: { count: 64 } }, '64 samples, not 800'],
    [{ samples: { tokenizerSha256: 'ab'.repeat(32) } }, "another tokenizer file than GPT-2's"],
    [{ samples: { sampler: { name: 'psi', options: { eta: 0.02 }, steps: 8 } } }, 'sampler options eta 0.02'],
    [{ judge: { name: 'pythia' } }, 'judged by pythia, not gpt2-large'],
    [{ model: { trainedOn: 'lm1b' } }, 'trained on lm1b, not OpenWebText'],
  ])('%j is marked: %s', (change, reason) => {
    expect(reasonsOf(generated, change)).toEqual([reason]);
  });
});
