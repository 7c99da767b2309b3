/** About src/evals/suite/redis/queue.ts, src/evals/suite/redis/taken-unit.ts, on a real Redis. */
import type { Redis } from 'ioredis';
import { beforeAll, describe, expect, it } from 'vitest';
import { connectToRedis, parseRedisAddress } from '../../../../src/evals/suite/redis/connection.js';
import { hashOfPlan, type KeptPlan } from '../../../../src/evals/suite/redis/kept-plan.js';
import { submittedPlans, UnitQueue } from '../../../../src/evals/suite/redis/queue.js';
import type { TakenUnit } from '../../../../src/evals/suite/redis/taken-unit.js';
import { afterUse } from '../../../support/after-use.js';
import { until } from '../../../support/patience.js';
import { hasRedis, startRedis } from '../../../support/redis.js';

/** Units of three models, some of one weight. */
const WEIGHTS: readonly [key: string, model: string, weight: number][] = [
  ['0000000000000001', 'a', 3],
  ['0000000000000002', 'b', 5],
  ['0000000000000003', 'a', 5],
  ['000000000000000a', 'c', 0],
];

/** A plan like no other. */
const planOf = (name: string): KeptPlan => ({
  ...{ suite: `/${name}.yaml`, provider: 'cpu', threads: 1 },
  plan: {
    ...{ name, sha256: 'of the suite', cells: WEIGHTS.length, machines: 2 },
    units: WEIGHTS.map(([key, model, weight], i) => ({
      ...{ key, cell: i + 1, eval: 'ppl', model, dataset: 'sotu', from: null, to: null, weight },
    })),
  },
});

describe.skipIf(!hasRedis)('a queue of Redis', () => {
  let client: Redis;
  beforeAll(async () => {
    const { address } = await startRedis();
    client = await connectToRedis(parseRedisAddress(address, {}), {});
    afterUse(() => client.disconnect());
  });
  const queueOf = (name: string) => {
    const queue = new UnitQueue(client, planOf(name));
    afterUse(() => queue.close());
    return queue;
  };
  const key = (taken: TakenUnit | null) => taken?.unit.key.slice(-1) ?? null;
  /** A job as anyone may put it. */
  async function put(queue: UnitQueue, id: string, data: string): Promise<void> {
    const [name] = (await client.keys(`duo-eval:${queue.hash.slice(0, 16)}-*:prioritized`)).map(
      (one) => one.split(':')[1],
    );
    await client.hset(`duo-eval:${name}:${id}`, { name: 'x', data, opts: '{}', timestamp: '1', delay: '0' });
    await client.rpush(`duo-eval:${name}:wait`, id);
  }

  it('holds each unit once, however often the plan is submitted', async () => {
    const queue = queueOf('twice');
    expect(await queue.put()).toEqual({ added: 4, again: 0 });
    expect(await queue.put()).toEqual({ added: 0, again: 0 });
    await (await queue.take('b'))?.done();
    expect(await queue.put()).toEqual({ added: 0, again: 0 });
    expect(await queue.counts()).toEqual({ waiting: 3, running: 0, done: 1, failed: 0 });
    expect(await submittedPlans(client)).toContain(queue.hash);
  });

  it('gives the units of a model heaviest first, and shows the weight of the next', async () => {
    const queue = queueOf('order');
    await queue.put();
    const weights = async () => (await queue.heads()).map(({ model, weight }) => [model, weight]);
    expect(await weights()).toEqual([
      ['b', 5],
      ['a', 5],
      ['c', 0],
    ]);
    const first = await queue.take('a');
    expect([key(first), key(await queue.take('a')), key(await queue.take('a'))]).toEqual(['3', '1', null]);
    expect((await queue.heads()).find(({ model }) => model === 'a')).toMatchObject({
      weight: null,
      pending: 2,
    });
    await first?.giveBack();
    expect(key(await queue.take('a'))).toBe('3');
  });

  it('gives a unit up at its third failure, with the last sentence; submitted again, it is tried again', async () => {
    const queue = queueOf('fails');
    await queue.put();
    for (const attempt of [1, 2, 3]) {
      let taken: TakenUnit | null = null;
      await until(async () => {
        taken = await queue.take('b');
        return taken !== null;
      });
      expect(taken!.isLastAttempt).toBe(attempt === 3); // it was waited for
      expect(await taken!.fail(`The model has no card ${attempt}.`)).toBe(true); // it was waited for
    }
    expect(await queue.counts()).toMatchObject({ waiting: 3, failed: 1 });
    expect(await queue.failures()).toMatchObject([
      { unit: { key: '0000000000000002' }, sentence: 'The model has no card 3.' },
    ]);
    expect(await queue.put()).toEqual({ added: 0, again: 1 });
    const again = await queue.take('b');
    expect(again?.isLastAttempt).toBe(false);
  });

  it('counts no failure of a unit that is given back for later', async () => {
    const queue = queueOf('later');
    await queue.put();
    for (let i = 0; i < 5; i++) {
      const taken = await queue.take('c');
      expect(taken?.isLastAttempt).toBe(false);
      expect(await taken?.later(0)).toBe(true);
    }
    expect(await queue.counts()).toMatchObject({ failed: 0 });
  });

  it('takes no result from whoever no longer owns the unit', async () => {
    const queue = queueOf('cancelled');
    await queue.put();
    const taken = await queue.take('b');
    await queue.remove();
    expect(await taken?.done()).toBe(false);
    expect(taken?.lost.aborted).toBe(true);
    expect(await queue.counts()).toEqual({ waiting: 0, running: 0, done: 0, failed: 0 });
    expect(await submittedPlans(client)).not.toContain(queue.hash);
  });

  it('refuses jobs that are no units of the plan, whatever they hold', async () => {
    const queue = queueOf('hostile');
    await queue.put();
    const { hash } = queue;
    const other = hashOfPlan(planOf('other'));
    const hostile: readonly [id: string, data: string][] = [
      ['u1', JSON.stringify({ plan: hash, unit: '0000000000000009' })],
      ['u2', JSON.stringify({ plan: other, unit: '0000000000000002' })],
      ['u3', JSON.stringify({ plan: hash, unit: '0000000000000002' })],
      ['u4', JSON.stringify({ plan: hash, unit: ['x'], suite: '/etc/passwd' })],
      ['u5', '[]'],
      ['u6', 'null'],
      ['u7', '{"__proto__": {"plan": 1}}'],
      ['u8', 'no JSON'],
    ];
    for (const [id, data] of hostile) await put(queue, id, data);
    const taken: (string | null)[] = [];
    for (let i = 0; i < 4 * hostile.length; i++)
      for (const model of ['a', 'b', 'c']) {
        const one = await queue.take(model);
        if (one === null) continue;
        taken.push(key(one));
        await one.done();
      }
    expect(taken.sort()).toEqual(['1', '2', '3', 'a']);
    // What is no JSON is removed; the others have failed, and belong to no unit.
    expect(await queue.counts()).toEqual({ waiting: 0, running: 0, done: 4, failed: 7 });
    expect(await queue.failures()).toEqual([]);
  });
});
