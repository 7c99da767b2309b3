import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { FileError } from '../../src/errors.js';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { formatResults } from '../../src/printing/formats.js';
import { parseResults, readResults, resultsJsonSchema } from '../../src/records/results-file.js';
import { temporaryFolder } from '../support/folder.js';
import { sampleFile } from './sample.js';

const shipped = new URL('../../schema/results-1.schema.json', import.meta.url);
const folder = temporaryFolder().root;

describe('the shipped JSON schema', () => {
  it('is the schema that reads results back (else: npm run build && node scripts/make-schema.mjs)', () => {
    expect(JSON.parse(readFileSync(shipped, 'utf8'))).toEqual(resultsJsonSchema(EVALUATIONS));
  });

  const validate = new Ajv2020({ strict: false }).compile(resultsJsonSchema(EVALUATIONS));

  it('accepts what the JSON printer writes', async () => {
    const record = JSON.parse(await formatResults(sampleFile(), 'json', EVALUATIONS));
    expect(validate(record), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    ['another version', (file: Tree) => Object.assign(file, { schemaVersion: 2 })],
    ['a missing figure', (file: Tree) => delete file.results[0].metrics.nll],
    ['a text where a number belongs', (file: Tree) => Object.assign(file.results[0].cost, { tokens: '12' })],
    ['half an interval', (file: Tree) => Object.assign(file.results[0].metrics.ppl, { ci95: [1] })],
  ])('refuses %s, as the reader does', (_what, spoil) => {
    const file = JSON.parse(JSON.stringify(sampleFile()));
    spoil(file);
    expect(validate(file)).toBe(false);
    expect(() => parseResults(JSON.stringify(file), 'spoilt.json', EVALUATIONS)).toThrow(FileError);
  });
});

describe('reading results', () => {
  it('gives back what was written, with keys it does not know', () => {
    const path = join(folder, 'results.json');
    const file = JSON.parse(JSON.stringify(sampleFile()));
    file.results[0].metrics.ppl.later = 1;
    file.note = 'kept';
    writeFileSync(path, JSON.stringify(file));
    expect(readResults(path, EVALUATIONS)).toEqual(file);
  });

  it('says which version it cannot read, and where a file is wrong', () => {
    expect(() => parseResults('{"schemaVersion":2}', 'r.json', EVALUATIONS)).toThrow(
      'r.json is of schemaVersion 2; this duo-eval reads 1.',
    );
    expect(() => parseResults('{', 'r.json', EVALUATIONS)).toThrow(/^r\.json is not JSON/);
    expect(() => parseResults('[]', 'r.json', EVALUATIONS)).toThrow('no schemaVersion');
    const file = JSON.parse(JSON.stringify(sampleFile()));
    file.results[1].model.name = 7;
    expect(() => parseResults(JSON.stringify(file), 'r.json', EVALUATIONS)).toThrow(
      /results\.1\.model\.name/,
    );
    expect(() => readResults(join(folder, 'none.json'), EVALUATIONS)).toThrow(/none\.json cannot be read/);
  });
});

type Tree = { results: { metrics: { ppl: object; nll?: object }; cost: object }[] };
