/** Sentences of BLiMP, oracle F: as a task, without a delimiter. About src/evals/tasks/run.ts, src/evals/tasks/task-items.ts */
import { describe, expect, it } from 'vitest';
import type { ItemLine } from '../../../src/evals/tasks/item-lines.js';
import { evaluateTasks } from '../../../src/library/tasks.js';
import { sharedIsThere, sharedModel, whyNot } from '../../end-to-end/shared.js';
import { temporaryFolder } from '../../support/folder.js';
import { sharedOracle } from '../likelihood/likelihood-oracle.js';

interface Sentence {
  sentence: string;
  arLnp: number;
  mdlmLeftToRight: number;
  mdlmLeftToRightEosGiven: number;
}
interface Group {
  file: string;
  items: { good: Sentence; bad: Sentence }[];
}

const YAML = `
task: pairs
dataset_path: json
dataset_kwargs: {data_files: {test: pairs.jsonl}}
output_type: multiple_choice
test_split: test
doc_to_text: ""
doc_to_target: 0
doc_to_choice: "{{[sentence_good, sentence_bad]}}"
target_delimiter: ""
metric_list: [{metric: acc}]
`;

describe.skipIf(!sharedIsThere)(`pairs of BLiMP (${whyNot} otherwise)`, () => {
  const groups: Group[] = sharedOracle('F-blimp')?.groups ?? [];
  const items = groups.flatMap((group) => group.items);

  async function scoresOf(model: string, tail: string) {
    const folder = temporaryFolder();
    folder.file(
      'pairs.jsonl',
      items
        .map(({ good, bad }) => JSON.stringify({ sentence_good: good.sentence, sentence_bad: bad.sentence }))
        .join('\n'),
    );
    folder.file('pairs.yaml', YAML);
    const lines: ItemLine[] = [];
    const { results } = await evaluateTasks({
      ...{ models: [sharedModel(model)], tasks: [folder.path('pairs.yaml')], tail },
      onItem: (line) => lines.push(line),
    });
    return { lines, acc: results[0].metrics.acc };
  }

  const TOLERANCE = 1e-4;
  it.each([
    ['ar', 'none', 'arLnp'],
    ['mdlm', 'none', 'mdlmLeftToRight'],
    ['mdlm', 'eos', 'mdlmLeftToRightEosGiven'],
  ] as const)('under %s, tail %s', async (model, tail, key) => {
    const { lines, acc } = await scoresOf(model, tail);
    expect(lines.length).toBeGreaterThan(10);
    for (const [i, { logLikelihoods, figures }] of lines.entries()) {
      const { good, bad } = items[i];
      expect(Math.abs(logLikelihoods[0] - good[key])).toBeLessThan(TOLERANCE);
      expect(Math.abs(logLikelihoods[1] - bad[key])).toBeLessThan(TOLERANCE);
      expect(figures.acc).toBe(Number(good[key] > bad[key]));
    }
    const right = items.filter(({ good, bad }) => good[key] > bad[key]).length / items.length;
    expect(acc?.value).toBeCloseTo(right, 12);
    expect(acc?.stderr).toBeCloseTo(Math.sqrt((right * (1 - right)) / (items.length - 1)), 12);
  });
});
