/** A server that answers as a Redis of some version does. About src/evals/suite/redis/connection.ts */
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { connectToRedis, parseRedisAddress } from '../../../../src/evals/suite/redis/connection.js';
import { afterUse } from '../../../support/after-use.js';

/** @param info what it tells of itself   @returns its address */
async function serverThatTells(info: string): Promise<string> {
  const server = createServer((socket) => {
    let unread = '';
    afterUse(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      unread += bytes.toString('latin1');
      // `*2`, and then twice a length and a word.
      for (;;) {
        const [whole, count, words] = /^\*(\d+)\r\n((?:\$\d+\r\n[^\r]*\r\n)*)/.exec(unread) ?? [];
        const found = words?.match(/\$\d+\r\n[^\r]*\r\n/g) ?? [];
        if (whole === undefined || found.length < Number(count)) return;
        unread = unread.slice(`*${count}\r\n`.length + found.slice(0, Number(count)).join('').length);
        const isInfo = /^.*\r\ninfo\r\n/i.test(words ?? '');
        socket.write(isInfo ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterUse(() => server.close());
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function connect(info: string): Promise<void> {
  const client = await connectToRedis(parseRedisAddress(await serverThatTells(info), {}), {});
  client.disconnect();
}

describe('a Redis', () => {
  it.each([
    ['redis_version:4.0.14\r\n', /^The Redis at redis:\S+ is 4\.0\.14, and version 5 is needed\.$/],
    ['redis_version:2.8.24\r\nmaxmemory_policy:noeviction\r\n', /is 2\.8\.24/],
    ['server_name:another\r\n', /is of no known version/],
  ])('that is too old, or says no version, is refused in a sentence: %j', async (info, says) => {
    await expect(connect(info)).rejects.toMatchObject({
      ...{ code: 'redis-too-old', exitCode: 6, message: expect.stringMatching(says) },
      hint: 'Use Redis 6.2 or later, or Valkey.',
    });
  });

  it.each([
    'redis_version:5.0.0\r\n',
    'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nmaxmemory_policy:noeviction\r\n',
    'redis_version:255.255.255\r\n',
  ])('that is new enough is taken: %j', async (info) => {
    await connect(info);
  });
});
