import { describe, expect, it } from 'vitest';
import { parseRedisAddress } from '../../../../src/evals/suite/redis/connection.js';
import { schedulerNamed } from '../../../../src/evals/suite/schedulers.js';

describe('the address of a Redis', () => {
  it('has host, port and number, and a label without user and password', () => {
    expect(parseRedisAddress('redis://me:s%40crt@queue.example:7000/3', {})).toEqual({
      ...{ host: 'queue.example', port: 7000, db: 3, tls: false, username: 'me', password: 's@crt' },
      label: 'redis://queue.example:7000/3',
    });
    expect(parseRedisAddress('rediss://[::1]', {})).toEqual({
      ...{ host: '::1', port: 6379, db: 0, tls: true },
      label: 'rediss://[::1]:6379/0',
    });
  });

  it('takes the password of the environment, unless it has one', () => {
    const env = { DUO_EVAL_REDIS_PASSWORD: 'outer' };
    expect(parseRedisAddress('redis://host', env).password).toBe('outer');
    expect(parseRedisAddress('redis://:inner@host', env).password).toBe('inner');
  });

  it.each([
    'redis:/host',
    'http://:secret@host',
    'redis://',
    'redis://:secret@host/eleven',
    'redis://:secret@host/1/2',
    'redis://:secret@host:99999',
    'redis://:secret%@host',
    'redis://:secret@host?x=1',
    'redis://:sec/ret@host',
  ])('is refused in a sentence without its password: %s', (text) => {
    const refusal = expect(() => parseRedisAddress(text, {}));
    refusal.toThrow(expect.objectContaining({ code: 'invalid-redis-address', exitCode: 2 }));
    refusal.not.toThrow(/secret|ret@/);
  });
});

describe('--to', () => {
  it('shows no password of an address with a slip', () => {
    const named = expect(() => schedulerNamed('reddis://:secret@host'));
    named.toThrow('--to has no value "reddis://…@host".');
  });
});
