/** About src/history/entries.ts, src/history/trends.ts, src/history/table.ts, src/history/exports.ts, src/history/wandb.ts, src/commands/history/add.ts, src/commands/history/show.ts */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { beforeAll, describe, expect, it } from 'vitest';
import { EVALUATIONS } from '../../src/evals/registry.js';
import { addEntry } from '../../src/history/entries.js';
import { crc32c } from '../../src/history/exports.js';
import { offlineRun } from '../../src/history/wandb.js';
import { readTrends } from '../../src/library/results.js';
import { parseResults } from '../../src/records/results-file.js';
import { resultOfNats } from '../comparison/rows.js';
import { expectFailure } from '../end-to-end/failure.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';

/** A result of 40 sequences about a level, in nats per sequence. */
const fileOf = (level: number) =>
  JSON.stringify({
    schemaVersion: 1,
    results: [resultOfNats(Array.from({ length: 40 }, (_, i) => level + (i % 5)))],
    comparisons: [],
  });

let space: Workspace;
beforeAll(async () => {
  space = workspace();
  for (let day = 1; day <= 8; day++) {
    const results = parseResults(fileOf(day < 6 ? 400 : 420), 'results.json', EVALUATIONS);
    await addEntry(space.at('history'), results, { at: new Date(`2026-11-0${day}`), commit: `abcdef${day}` });
  }
  space.write('results.json', fileOf(420));
  const last = ['--at', '2026-11-09', '--commit', 'abcdef9'];
  await succeed(space, ['history', 'add', 'results.json', '--into', 'history', ...last]);
});

describe('a folder of results', () => {
  it('keeps no losses of sequences, and is a folder of result files', async () => {
    const trends = await readTrends(space.at('history'));
    expect(trends).toMatchObject([{ model: 'duo', dataset: 'sotu', metric: 'ppl' }]);
    expect(trends[0].points.map(({ commit }) => commit)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((day) => `abcdef${day}`),
    );
    const [file] = execFileSync('ls', [space.at('history')], { encoding: 'utf8' }).split('\n');
    expect(JSON.parse(space.read(`history/${file}`)).results[0].sequences).toBeUndefined();
    await succeed(space, ['report', `history/${file}`]);
  });

  it('has its change of level where it is, relative for a perplexity', async () => {
    const [{ changes, points }] = await readTrends(space.at('history'));
    expect(changes).toHaveLength(1);
    expect(changes[0].at.toISOString().slice(0, 10)).toBe('2026-11-06');
    expect(changes[0].change).toBeCloseTo(points[8].value / points[0].value - 1, 9);
    expect(changes[0].interval[0]).toBeGreaterThan(0);
    const { stdout } = await succeed(space, ['history', 'show', 'history']);
    expect(stdout).toMatch(/^duo on sotu +ppl +9 +\S+ +\S+ +▁▁▁▁▁████ +2026-11-06 \+\d+%/m);
    const csv = (
      await succeed(space, ['history', 'show', 'history', '--format', 'csv', '--metric', 'bitsPerByte'])
    ).stdout;
    expect(csv.split('\n')).toHaveLength(11);
  });

  it('that holds nothing asked for says what there is', async () => {
    expectFailure(await space.run(['history', 'show', 'history', '--metric', 'acc']), {
      exit: 2,
      says: 'No row of history',
    });
    expectFailure(await space.run(['history', 'show', 'nowhere']), { exit: 6, says: 'nowhere' });
    expectFailure(await space.run(['history', 'show', 'history', '--branch', '--all']), {
      exit: 2,
      says: 'no name of a branch',
    });
  });
});

it('a branch has the versions of a file, commit by commit', async () => {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: space.folder,
      encoding: 'utf8',
    });
  git('init', '-q', '-b', 'main');
  for (const level of [400, 420]) {
    space.write('results.json', fileOf(level));
    git('add', 'results.json');
    git('commit', '-q', '-m', 'results');
  }
  const { trends } = JSON.parse(
    (await succeed(space, ['history', 'show', 'results.json', '--branch', 'main', '--json'])).stdout,
  );
  const commits = git('log', '--format=%H', '--reverse').trim().split('\n');
  expect(trends[0].points.map(({ commit }: { commit: string }) => commit)).toEqual(commits);
  expectFailure(await space.run(['history', 'show', 'results.json', '--branch', 'none']), {
    exit: 2,
    says: 'branch none',
  });
});

it('a page shows every trend and names nothing outside itself', async () => {
  await succeed(space, ['history', 'plot', 'history', '--out', 'page.html', '--title', '<b>']);
  const page = space.read('page.html');
  expect(page).toContain('<h1>&lt;b&gt;</h1>');
  expect(page).toContain('2026-11-06 +');
  expect(page).not.toMatch(/(src|href)="(?!data:)/);
});

describe('exports', () => {
  it('have the checksum that RFC 3720 has', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });

  it('to TensorBoard hold every point, in records whose lengths and checksums fit', async () => {
    const { stdout } = await succeed(space, [
      'history',
      'export',
      'history',
      '--to',
      'tensorboard',
      '--out',
      'runs',
    ]);
    const bytes = readFileSync(space.at(stdout.trim()));
    const scalars: [number, string, number][] = [];
    for (let at = 0; at < bytes.length; ) {
      const length = Number(bytes.readBigUInt64LE(at));
      const data = bytes.subarray(at + 12, at + 12 + length);
      const unmasked = (bytes.readUInt32LE(at + 12 + length) - 0xa282ead8) >>> 0;
      expect(((unmasked >>> 17) | (unmasked << 15)) >>> 0).toBe(crc32c(data));
      scalars.push(...scalarsOf(data));
      at += 16 + length;
    }
    const [{ points }] = await readTrends(space.at('history'));
    const own = scalars.filter(([, tag]) => tag === 'ppl').map(([step, , value]) => [step, value]);
    expect(own).toEqual(points.map(({ value }, step) => [step, Math.fround(value)]));
    expect(scalars).toHaveLength(3 * points.length);
  });

  it('to MLflow are lines of time, value and step', async () => {
    const { stdout } = await succeed(space, [
      'history',
      'export',
      'history',
      '--to',
      'mlflow',
      '--out',
      'mlruns',
    ]);
    const metric = stdout.split('\n').find((path) => path.endsWith('metrics/ppl'));
    const lines = space
      .read(metric ?? '')
      .trim()
      .split('\n');
    expect(lines[8]).toMatch(new RegExp(`^${Date.UTC(2026, 10, 9)} \\d+\\.\\d+ 8$`));
    expect(space.read('mlruns/1/meta.yaml')).toContain('name: "duo-eval"');
  });

  it('to Weights & Biases are an offline run with every point, its time and its interval', async () => {
    const asked = ['history', 'export', 'history', '--to', 'wandb', '--out', 'wandb'];
    const path = (await succeed(space, asked)).stdout.trim();
    expect(path).toMatch(/wandb\/offline-run-20261101_000000-([0-9a-f]{8})\/run-\1\.wandb$/);
    const steps = stepsOf(recordsOfLog(readFileSync(space.at(path))));
    const [{ points }] = await readTrends(space.at('history'));
    expect(steps).toEqual(
      points.map(({ at, value, ci95 }, step) => ({
        ...{ ppl: value, 'ppl/low': ci95?.[0], 'ppl/high': ci95?.[1], _step: step },
        ...{ _timestamp: at.getTime() / 1000, _runtime: step * 86_400 },
      })),
    );
  });

  it('to Weights & Biases go on over the ends of blocks', () => {
    const values = (at: number) =>
      Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`m${i}`, at / 3 + i]));
    const at = (day: number) => new Date(Date.UTC(2026, 0, 1 + day));
    const given = Array.from({ length: 12 }, (_, day) => ({ at: at(day), values: values(day) }));
    const [, bytes] = offlineRun({ name: 'run', config: { model: 'duo' }, steps: given });
    expect(bytes.length).toBeGreaterThan(8 * 32_768);
    const read = stepsOf(recordsOfLog(Buffer.from(bytes)));
    expect(read.map(({ _step, _timestamp, _runtime, ...own }) => own)).toEqual(
      given.map(({ values }) => values),
    );
  });
});

/** Step, tag and value of the scalars of an Event. */
function scalarsOf(event: Uint8Array): [number, string, number][] {
  const reader = new BinaryReader(event);
  let step = 0;
  const found: [string, number][] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === 2) step = Number(reader.int64());
    else if (field === 5) {
      const summary = new BinaryReader(reader.bytes());
      while (summary.pos < summary.len) {
        summary.tag();
        const value = new BinaryReader(summary.bytes());
        value.tag();
        const tag = value.string();
        value.tag();
        found.push([tag, value.float()]);
      }
    } else reader.skip(wire);
  }
  return found.map(([tag, value]) => [step, tag, value]);
}

/** The records of a log as LevelDB's `log_format.md` describes it, behind the seven bytes of Weights & Biases; its checksum is zlib's. */
function recordsOfLog(log: Buffer): Buffer[] {
  expect(log.subarray(0, 7).toString('hex')).toBe('3a572642e1be00');
  const records: Buffer[] = [];
  let pieces: Buffer[] = [];
  for (let at = 7; at < log.length; ) {
    const left = 32_768 - (at % 32_768);
    if (left < 7) {
      expect(log.subarray(at, at + left).every((byte) => byte === 0)).toBe(true);
      at += left;
      continue;
    }
    const length = log.readUInt16LE(at + 4);
    expect(7 + length).toBeLessThanOrEqual(left);
    expect(crc32(log.subarray(at + 6, at + 7 + length))).toBe(log.readUInt32LE(at));
    const kind = log[at + 6];
    expect(kind === 1 || kind === 2).toBe(pieces.length === 0);
    pieces.push(log.subarray(at + 7, at + 7 + length));
    if (kind === 1 || kind === 4) {
      records.push(Buffer.concat(pieces));
      pieces = [];
    }
    at += 7 + length;
  }
  expect(pieces).toEqual([]);
  return records;
}

/** The items of each HistoryRecord, field 2 of a Record. */
function stepsOf(records: readonly Buffer[]): Record<string, number>[] {
  return records.flatMap((record) => {
    const history = fieldsOf(record).find(([field]) => field === 2);
    if (!history) return [];
    const items = fieldsOf(history[1]).filter(([field]) => field === 1);
    return [
      Object.fromEntries(
        items.map(([, item]) => {
          const parts = new Map(fieldsOf(item));
          return [String(parts.get(2)), JSON.parse(String(parts.get(16)))];
        }),
      ),
    ];
  });
}

/** The fields of a message that have a length. */
function fieldsOf(message: Uint8Array): [field: number, bytes: Buffer][] {
  const reader = new BinaryReader(message);
  const found: [number, Buffer][] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (wire === 2) found.push([field, Buffer.from(reader.bytes())]);
    else reader.skip(wire);
  }
  return found;
}
