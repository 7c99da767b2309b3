import { expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { resultsFile } from '../../src/records/record.js';
import { sampleFile, sampleResult } from '../records/sample.js';

it('prints JSON that reads back as the same record', async () => {
  expect(JSON.parse(await formatResults(sampleFile(), 'json', EVALUATIONS))).toEqual(sampleFile());
});

it('escapes in JSON what would act on a terminal, and loses nothing', async () => {
  const name = 'a\x9b31m\u202eb\x1b[0m';
  const text = await formatResults(resultsFile([sampleResult(name)]), 'json', EVALUATIONS);
  expect(text).not.toMatch(/[\x1b\x7f-\x9f\u202e]/);
  expect(JSON.parse(text).results[0].model.name).toBe(name);
});
