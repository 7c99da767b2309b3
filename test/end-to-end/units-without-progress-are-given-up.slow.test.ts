/**
 * A model whose call never ends, as one that takes longer than a job may. About src/commands/run.ts, src/commands/worker.ts,
 * src/evals/suite/redis/worker.ts, src/storage/futile-stops.ts
 */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { UnfinishedError } from '../../src/errors.js';
import type { UnitPlan } from '../../src/evals/suite/units.js';
import { FutileStops } from '../../src/storage/futile-stops.js';
import { until } from '../support/patience.js';
import { hasRedis, startRedis } from '../support/redis.js';
import { finished, type Ran, startDuoEval } from '../support/run.js';
import { succeed, type Workspace, workspace } from '../support/workspace.js';
import { endless, writeModel } from './small-models.js';

function endlessSuite(): Workspace {
  const space = workspace();
  space.write('text.txt', 'All happy families are alike. '.repeat(20));
  writeModel(space, 'endless', endless());
  space.write(
    'suite.yaml',
    'models: [endless.onnx]\ndatasets: [{name: own, path: text.txt}]\nppl: {protocol: strict}\n',
  );
  return space;
}

/** As if the unit had been stopped so often before. */
async function stopBefore(space: Workspace, key: string, times: number): Promise<void> {
  process.env.DUO_EVAL_CACHE = space.at('.cache');
  const reason = new UnfinishedError({ code: 'unfinished', message: 'Stopped by SIGTERM.' });
  for (let i = 0; i < times; i++) await new FutileStops([key]).count(reason, {});
}

/** Tells it to stop once it has computed for some seconds. */
async function stopAtWork(child: ChildProcess): Promise<Ran> {
  const end = finished(child);
  // As minutes and seconds, or with hours before.
  const seconds = () =>
    spawnSync('ps', ['-o', 'time=', '-p', String(child.pid)], { encoding: 'utf8' })
      .stdout.split(':')
      .reduce((sum, part) => 60 * sum + Number(part), 0);
  // The call is under way: nothing else takes so long.
  await until(() => seconds() >= 3, 100);
  child.kill('SIGTERM');
  return end;
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ');

it('a unit of run ends with status 77 in place of 75 at the fifth stop with nothing new', async () => {
  const space = endlessSuite();
  await succeed(space, ['run', 'suite.yaml', '--plan', 'plan.json', '--machines', '1']);
  const { units } = (JSON.parse(space.read('plan.json')) as UnitPlan).plan;
  const [{ key }] = units;
  await stopBefore(space, key, 3);
  const run = ['run', 'suite.yaml', '--plan', 'plan.json', '--unit', key, '--threads', '1'];
  const stopped = () => stopAtWork(startDuoEval(run, { folder: space.folder }));
  const fourth = await stopped();
  expect(fourth, fourth.stderr).toMatchObject({ code: 75 });
  expect(oneLine(fourth.stderr)).toContain('Nothing new was finished, 4 of 5 times in a row');
  const fifth = await stopped();
  expect(fifth, fifth.stderr).toMatchObject({ code: 77 });
  expect(oneLine(fifth.stderr)).toContain(
    'Error: Stopped by SIGTERM before it was finished, 5 times in a row with nothing new: it is given up. Give it more time',
  );
});

it.skipIf(!hasRedis)(
  'a unit of a queue of Redis fails at the fifth stop with nothing new, with that sentence',
  async () => {
    const redis = await startRedis();
    const space = endlessSuite();
    const submit = ['submit', 'suite.yaml', '--to', redis.address, '--machines', '1', '--folder', 'job'];
    await succeed(space, [...submit, '--threads', '1']);
    const { units } = (JSON.parse(space.read('job/plan.json')) as UnitPlan).plan;
    for (const { key } of units) await stopBefore(space, key, 3);
    const worker = () => startDuoEval(['worker', '--queue', redis.address], { folder: space.folder });
    const counts = async () =>
      JSON.parse((await succeed(space, ['submit', 'status', 'job', '--json'])).stdout);
    expect(await stopAtWork(worker())).toMatchObject({ code: 75 });
    expect(await counts()).toMatchObject({ waiting: units.length, failed: 0 });
    expect(await stopAtWork(worker())).toMatchObject({ code: 75 });
    expect(await counts()).toMatchObject({
      ...{ waiting: units.length - 1, failed: 1 },
      failures: [{ sentence: expect.stringContaining('5 times in a row with nothing new: it is given up') }],
    });
  },
);
