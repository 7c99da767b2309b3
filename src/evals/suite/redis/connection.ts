/**
 * A Redis by its address, `redis://[user[:password]@]host[:port][/number]`, or `rediss://` with TLS, whose certificate must be trusted by
 * Node (NODE_EXTRA_CA_CERTS adds others). A password may stand there or in DUO_EVAL_REDIS_PASSWORD; it is never shown and never kept. What would lose jobs, an old version or a policy that evicts keys,
 * is refused. Once connected, a connection that breaks is said once, and made again for as long as it takes.
 */
import type { Redis } from 'ioredis';
import { FileError, UsageError } from '../../../errors.js';
import type { Observer } from '../../../observer.js';

export interface RedisAddress {
  host: string;
  port: number;
  /** Number of the database. */
  db: number;
  tls: boolean;
  username?: string;
  password?: string;
  /** Without user and password. */
  label: string;
}

export const isRedisAddress = (text: string): boolean => /^rediss?:/i.test(text);

/** @throws UsageError, which does not show the password */
export function parseRedisAddress(text: string, env: NodeJS.ProcessEnv = process.env): RedisAddress {
  const refuse = (why: string) =>
    new UsageError({
      code: 'invalid-redis-address',
      message: `The address of the Redis ${why}.`,
      hint: 'It is redis://[user:password@]host[:port][/number], or rediss:// with TLS. DUO_EVAL_REDIS_PASSWORD may hold the password.',
    });
  if (!/^rediss?:\/\//i.test(text)) throw refuse('does not begin with redis:// or rediss://');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse('cannot be read; characters such as @ / # in a password are written as %40 %2F %23');
  }
  if (url.hostname === '') throw refuse('names no host');
  if (url.search !== '' || url.hash !== '') throw refuse('has a ? or #, which it does not take');
  const db = /^\/?$/.test(url.pathname) ? 0 : Number(/^\/(\d{1,5})$/.exec(url.pathname)?.[1] ?? Number.NaN);
  if (Number.isNaN(db)) throw refuse('ends in something that is no number of a database');
  let [username, password] = ['', ''];
  try {
    [username, password] = [url.username, url.password].map(decodeURIComponent);
  } catch {
    throw refuse('has a % in its user or password that encodes nothing; a % itself is written as %25');
  }
  password ||= env.DUO_EVAL_REDIS_PASSWORD ?? '';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? 6379 : Number(url.port);
  return {
    ...{ host, port, db, tls: /^rediss:/i.test(text) },
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    label: `${url.protocol}//${url.hostname}:${port}/${db}`,
  };
}

/** The first connection may take so long. */
const CONNECT_MS = 10_000;
/** Pauses between attempts to connect again: twice as long each time, up to the last. */
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

/** BullMQ's scripts need it: streams and BZPOPMIN. */
const OLDEST_MAJOR = 5;

/**
 * Connects, and checks that jobs are safe there. The caller ends the connection with `disconnect`.
 * @throws FileError `redis-unreachable`, `redis-untrusted`, `redis-refused`, `redis-too-old`, `redis-evicts`
 */
export async function connectToRedis(address: RedisAddress, observer: Observer): Promise<Redis> {
  const { label, tls, ...rest } = address;
  const { Redis: Client } = await import('ioredis');
  let isConnected = false;
  const client = new Client({
    ...rest,
    ...(tls && { tls: {} }),
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    // Commands wait until Redis is back.
    maxRetriesPerRequest: null,
    retryStrategy: (times) =>
      isConnected ? Math.min(FIRST_PAUSE_MS * 2 ** (times - 1), LONGEST_PAUSE_MS) : null,
    // Of a failover: the server that was the first only reads now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  let last: Error | null = null;
  client.on('error', (error) => {
    last = error;
  });
  try {
    await client.connect();
    await checkServer(client, label);
  } catch (error) {
    client.disconnect();
    throw refusal(last ?? (error as Error), error as Error, label);
  }
  isConnected = true;
  let isGone = false;
  client.on('close', () => {
    if (!isGone && client.status !== 'end')
      observer.warn?.(`The Redis at ${label} is gone. Waiting until it is back.`);
    isGone = true;
  });
  client.on('ready', () => {
    if (isGone) observer.note?.(`The Redis at ${label} is back.`);
    isGone = false;
  });
  return client;
}

/** @throws FileError */
async function checkServer(client: Redis, label: string): Promise<void> {
  const facts = await client.info();
  const fact = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(facts)?.[1];
  const version = fact('redis_version') ?? 'of no known version';
  if (!(Number.parseInt(version, 10) >= OLDEST_MAJOR))
    throw new FileError({
      code: 'redis-too-old',
      message: `The Redis at ${label} is ${version}, and version ${OLDEST_MAJOR} is needed.`,
      hint: 'Use Redis 6.2 or later, or Valkey.',
    });
  const policy = fact('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction')
    throw new FileError({
      code: 'redis-evicts',
      message: `The Redis at ${label} throws keys away when its memory is full (maxmemory-policy ${policy}), and units with them.`,
      hint: 'Set maxmemory-policy noeviction in its configuration, or use another Redis.',
    });
}

function refusal(reason: Error, thrown: Error, label: string): Error {
  if (thrown instanceof FileError) return thrown;
  const { code = '', message } = reason as NodeJS.ErrnoException;
  if (/WRONGPASS|NOAUTH|invalid password|AUTH|NOPERM/i.test(`${message} ${thrown.message}`))
    return new FileError({
      code: 'redis-refused',
      message: `The Redis at ${label} refuses this user or password.`,
      hint: 'Give the password in the address, redis://:password@host, or in DUO_EVAL_REDIS_PASSWORD. The user needs INFO, and all commands on keys duo-eval:*.',
      cause: thrown,
    });
  if (/CERT(?!IFICATE_REQUIRED)|LEAF_SIGNATURE/.test(code))
    return new FileError({
      code: 'redis-untrusted',
      message: `The certificate of the Redis at ${label} is not trusted: ${message.replace(/\.$/, '')}.`,
      hint: 'If it is one of your own, NODE_EXTRA_CA_CERTS=ca.pem names the file with the certificate of who signed it. The address must be a name that it was made for.',
      cause: thrown,
    });
  return new FileError({
    code: 'redis-unreachable',
    message: `The Redis at ${label} does not answer: ${code || message || thrown.message}.`,
    hint: `Check host and port, that it runs, and whether it speaks TLS (rediss://)${label.startsWith('rediss:') ? ' and asks its clients for no certificate (tls-auth-clients no)' : ''}.`,
    cause: thrown,
  });
}
