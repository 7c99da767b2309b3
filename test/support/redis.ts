/** A Redis of its own, on a free port of this machine, where redis-server is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { afterUse } from './after-use.js';
import { temporaryFolder } from './folder.js';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export interface RunningRedis {
  /** `redis://127.0.0.1:<port>`; with a certificate `rediss://localhost:<port>`. */
  address: string;
  /** Ends it as a machine that is shut down does. */
  stop(): Promise<void>;
  /** Starts it again, with what it has written. */
  start(): Promise<void>;
}

/** Every write is on disk before it is answered. @param settings further lines of its configuration: `['requirepass', 'x']` */
export async function startRedis(
  ...settings: readonly [name: string, value: string][]
): Promise<RunningRedis> {
  const { root } = temporaryFolder();
  const port = await freePort();
  const hasTls = settings.some(([name]) => name === 'tls-cert-file');
  const options = [
    ...Object.entries({
      ...(hasTls ? { port: 0, 'tls-port': port } : { port }),
      bind: '127.0.0.1',
      dir: root,
      save: '',
      appendonly: 'yes',
      appendfsync: 'always',
    }),
    ...settings,
  ].flatMap(([name, value]) => [`--${name}`, String(value)]);
  let child: ChildProcess;
  const ended = () => new Promise<void>((resolve) => child.once('close', () => resolve()));
  const redis: RunningRedis = {
    address: hasTls ? `rediss://localhost:${port}` : `redis://127.0.0.1:${port}`,
    async stop() {
      const end = ended();
      child.kill('SIGTERM');
      await end;
    },
    start() {
      child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (code) => reject(new Error(`redis-server ended with ${code}`)));
        child.stdout?.on('data', (text) => /Ready to accept connections/.test(String(text)) && resolve());
      });
    },
  };
  await redis.start();
  afterUse(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const end = ended();
    child.kill('SIGKILL');
    await end;
  });
  return redis;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
