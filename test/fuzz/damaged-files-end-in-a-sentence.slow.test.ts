/** About fuzz/run.mjs */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/run.js';

interface Campaign {
  failures: number;
  kinds: { kind: string; cases: number; accepted: number; refused: Record<string, number> }[];
}

const CASES = 300;
/** All there are: a round of 32 cases has each of them at least once. */
const KINDS = [
  'checkpoint',
  'card',
  'tokenizer',
  'parquet',
  'csv',
  'jsonl',
  'journal',
  'registration',
  'packed',
  'safetensors',
  'layouts',
  'pickle',
  'llama2c',
  'shapes',
  'expressions',
  'places',
  'records',
  'prompts',
  'hubs',
  'samplers',
];

function fuzz(args: string[]): Promise<{ status: unknown; campaign: Campaign; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'fuzz', 'run.mjs'), '--json', ...args], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, campaign: JSON.parse(stdout), stderr }),
    );
  });
}

describe('damaged files', () => {
  it(`in ${CASES} ways end in a sentence or are sound after all`, async () => {
    const { status, campaign, stderr } = await fuzz(['--seed', '20261', '--count', String(CASES)]);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const { kinds } = campaign;
    const total = (count: (kind: Campaign['kinds'][number]) => number) =>
      kinds.reduce((sum, kind) => sum + count(kind), 0);
    expect(kinds.map(({ kind }) => kind)).toEqual(KINDS);
    expect(total(({ cases }) => cases)).toBe(CASES);
    expect(campaign.failures).toBe(0);
    // Damage in a journal costs its lines, and is no reason to refuse.
    for (const { kind, refused } of kinds)
      expect(Object.keys(refused).length > 0, kind).toBe(kind !== 'journal');
    expect(total(({ accepted }) => accepted)).toBeGreaterThan(0);
  });

  it('that end it otherwise are failures, which the campaign counts and names', async () => {
    const broken = join(root, 'test', 'fuzz', 'broken-program');
    const { status, campaign, stderr } = await fuzz([
      ...['--seed', '3', '--count', '4', '--kind', 'csv', '--children', '1'],
      ...['--program', broken],
    ]);
    expect(status).toBe(1);
    expect(campaign.failures).toBe(4);
    expect(stderr).toMatch(/^FAILED --seed 3 --only \d+ \(csv; .*\): the process ended by SIGABRT/m);
    expect(stderr).toMatch(
      /^FAILED --seed 3 --only \d+ \(csv; .*\): accepted with a broken structure: a text is number/m,
    );
    expect(stderr).toMatch(/^FAILED --seed 3 --only \d+ \(csv; .*\): not a sentence but a fault: TypeError/m);
    expect(stderr).toMatch(/^FAILED --seed 3 --only \d+ \(csv; .*\): an error that nobody waited for/m);
  });
});
