/**
 * Two installations of duo-eval timed in turn. A leg is a process of one of them, `duo-eval bench` of one configuration: it
 * loads the model, writes a batch that is not counted, then as many as take about a second; the median of their speeds is
 * what counts. This installation's legs are processes too, and each installation has a cache of its own for the time, so that
 * neither runs a graph that the other made.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compiledFile } from '../../compiled.js';
import { ModelError, UsageError } from '../../errors.js';
import { fetchedHubModel } from '../../models/importers/hub-cache.js';
import type { Observer } from '../../observer.js';
import { Evaluations } from '../../records/evaluation.js';
import { parseResults } from '../../records/results-file.js';
import { firstInRound, type TimedPair } from '../../statistics/interleaved-ratio.js';
import { sha256OfBytes } from '../../storage/digest.js';
import { VERSIONS } from '../../versions.js';
import type { Configuration } from './configurations.js';
import { THROUGHPUT } from './evaluation.js';
import type { BenchResult } from './record.js';

export interface Installation {
  name: string;
  folder: string;
  /** duo-eval/version. */
  tool: string;
  /** Of what it runs, {@link builtDigest}. */
  sha256: string | null;
  /** Version of the runtime; known after the first leg. */
  onnxruntime: string | null;
}

const OWN: Installation = {
  name: 'this duo-eval',
  folder: fileURLToPath(new URL('../../../', import.meta.url)),
  tool: VERSIONS.tool,
  sha256: null,
  onnxruntime: VERSIONS.onnxruntime,
};

/** What a leg should take at least, s: timers and the garbage collector are small beside it. */
const LEG_SECONDS = 1;
const MOST_BATCHES = 64;

/** @param name what results call it; by default its folder's name   @throws UsageError when it is none */
export function openInstallation(folder: string, name = basename(resolve(folder))): Installation {
  const refuse = (why: string, cause?: unknown) =>
    new UsageError({
      code: 'against-no-installation',
      message: `--against ${folder} is no installation of duo-eval: ${why}.`,
      hint: 'Give the package folder, such as node_modules/duo-eval of another project, or an ONNX file.',
      cause,
    });
  let told: { name?: unknown; version?: unknown } | null;
  try {
    told = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  } catch (cause) {
    throw refuse('it has no package.json that can be read', cause);
  }
  if (told?.name !== 'duo-eval') throw refuse('its package.json is that of another package');
  if (!existsSync(entryOf(folder))) throw refuse('it has no bin/run.js');
  if (typeof told.version !== 'string') throw refuse('its package.json has no version');
  return { name, folder, tool: `duo-eval/${told.version}`, sha256: builtDigest(folder), onnxruntime: null };
}

/**
 * Of the files of dist/, by name: tells two builds of one version apart.
 * @returns null where there is no such folder
 */
export function builtDigest(folder: string): string | null {
  const dist = join(folder, 'dist');
  if (!existsSync(dist)) return null;
  const files = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => {
      const path = join(one.parentPath, one.name);
      return `${relative(dist, path).replaceAll(sep, '/')}\n${sha256OfBytes(readFileSync(path))}\n`;
    });
  return sha256OfBytes(files.sort().join(''));
}

const entryOf = (folder: string) => join(folder, 'bin', 'run.js');

/**
 * @param rounds that count
 * @returns what each round gave, by the name of the configuration; `other.onnxruntime` is known then
 * @throws ModelError when a leg fails
 */
export async function timeInstallations(
  other: Installation,
  configurations: readonly Configuration[],
  rounds: number,
  { progress, signal }: Observer,
): Promise<Map<string, TimedPair[]>> {
  const cache = mkdtempSync(join(tmpdir(), 'duo-eval-against-'));
  const sides = {
    own: { of: OWN, cache: join(cache, 'own') },
    other: { of: other, cache: join(cache, 'other') },
  };
  const pairs = new Map<string, TimedPair[]>(configurations.map(({ name }) => [name, []]));
  const batches = new Map<string, number>();
  try {
    for (let round = -1; round < rounds; round++) {
      progress?.('rounds of both installations', round + 1, rounds + 1);
      for (const configuration of configurations) {
        const { name, request } = configuration;
        const leg = (side: TimedPair['first']) =>
          timedLeg(sides[side], configuration, batches.get(name) ?? 1, signal);
        // What cannot work is the other's: it goes first in the round that is not counted.
        const first = round < 0 ? 'other' : firstInRound(round);
        const second = first === 'own' ? 'other' : 'own';
        const speeds = { [first]: await leg(first), [second]: await leg(second) } as Record<
          TimedPair['first'],
          number
        >;
        // `pairs` has every configuration
        if (round >= 0) pairs.get(name)!.push({ first, ...speeds });
        else {
          const fastest = (request.batch * request.length) / Math.max(speeds.own, speeds.other);
          batches.set(name, Math.min(MOST_BATCHES, Math.max(1, Math.ceil(LEG_SECONDS / fastest))));
        }
      }
    }
    progress?.('rounds of both installations', rounds + 1, rounds + 1);
    return pairs;
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}

/** @returns tokens per second */
async function timedLeg(
  { of, cache }: { of: Installation; cache: string },
  configuration: Configuration,
  batches: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  signal?.throwIfAborted();
  const ran = await processOf([entryOf(of.folder), ...argumentsOf(configuration, batches)], cache, signal);
  signal?.throwIfAborted();
  const failed = (why: string, cause?: unknown) =>
    new ModelError({
      code: 'against-failed',
      message: `${of.name} (${of.tool}) could not time ${configuration.name}: ${why}`,
      hint: `Both installations must know bench and its flags; to see it alone: node ${entryOf(of.folder)} bench`,
      cause,
    });
  if (ran.code !== 0) throw failed(reasonOf(ran));
  const row = firstRow(ran.stdout, failed);
  const speed = row?.throughput.tokensPerSecond.value;
  if (typeof speed !== 'number' || !(speed > 0)) throw failed('its output has no tokens per second.');
  of.onnxruntime = row?.environment.onnxruntime ?? null;
  return speed;
}

function firstRow(output: string, failed: (why: string, cause: unknown) => ModelError) {
  try {
    const { results } = parseResults(output, 'its output', new Evaluations([THROUGHPUT]));
    return results.at(0) as BenchResult | undefined;
  } catch (cause) {
    throw failed(sentence((cause as Error).message), cause);
  }
}

/** `duo-eval bench` of one configuration. */
function argumentsOf({ modelSpec, samplerOptions, request }: Configuration, batches: number): string[] {
  const { checkpoint, sampler, steps, length, batch, seed, temperature, topK, topP } = request;
  const { provider, threads, timeoutMs, protocol } = request;
  const path = modelSpec.startsWith('hf:') ? fetchedHubModel(modelSpec).path : modelSpec;
  const { family, vocabSize, maskTokenId, schedule, tokenizer, bosTokenId, eosTokenId } = checkpoint.fields;
  const said = <T>(field: { value: T; from: string }) => (field.from === 'flag' ? field.value : null);
  const flag = (name: string, value: string | number | null | undefined) =>
    value === null || value === undefined ? [] : [`--${name}`, String(value)];
  return [
    'bench',
    ...flag('model', `model=${path}`),
    ...flag('sampler', sampler.module?.path ?? sampler.sampler.name),
    ...samplerOptions.flatMap((option) => flag('sampler-option', option)),
    ...(checkpoint.family === 'ar' ? [] : flag('steps', steps)),
    ...flag('samples', batches * batch),
    ...flag('batch', batch),
    ...flag('length', length),
    ...flag('seed', seed),
    ...flag('temperature', temperature),
    ...flag('top-k', topK),
    ...flag('top-p', topP),
    ...flag('protocol', protocol),
    ...flag('provider', provider),
    ...flag('threads', threads),
    ...flag('timeout', timeoutMs === undefined ? null : timeoutMs / 1000),
    ...flag('family', said(family)),
    ...flag('vocab-size', said(vocabSize)),
    ...flag('mask-token-id', said(maskTokenId)),
    ...flag('schedule', said(schedule)?.type),
    ...flag('tokenizer', said(tokenizer)),
    ...flag('bos-token-id', said(bosTokenId)),
    ...flag('eos-token-id', said(eosTokenId)),
    '--no-memory',
    '--json',
    '--quiet',
  ];
}

interface Ran {
  code: number | null;
  ended: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Ends with this process's interruption. Defaults of flags from the environment are not the leg's. */
function processOf(args: readonly string[], cache: string, signal: AbortSignal | undefined): Promise<Ran> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('DUO_EVAL_'));
  return new Promise((resolvePromise, reject) => {
    // The channel ends with this process, however it ends, and the leg with the channel.
    const withParent = pathToFileURL(compiledFile('evals/throughput/leg.js')).href;
    const child = spawn(process.execPath, ['--import', withParent, ...args], {
      env: { ...Object.fromEntries(own), DUO_EVAL_CACHE: cache },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      windowsHide: true,
    });
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name]?.setEncoding('utf8').on('data', (part: string) => {
        text[name] += part;
      });
    const stop = () => void child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    child.on('error', reject);
    child.on('close', (code, ended) => {
      signal?.removeEventListener('abort', stop);
      resolvePromise({ code, ended, ...text });
    });
  });
}

/** What the process said went wrong, in one sentence. */
function reasonOf({ code, ended, stdout, stderr }: Ran): string {
  try {
    const { message, hint } = JSON.parse(stdout).error;
    if (typeof message === 'string') return typeof hint === 'string' ? `${message} ${hint}` : message;
  } catch {
    // Older ones, or ones that never got so far, say it on stderr alone.
  }
  const said = /^Error: (.*)(?:\n {2}(\S.*))?/m.exec(stderr);
  if (said) return [sentence(said[1]), said[2]].filter(Boolean).join(' ');
  return ended ? `its process was ended by ${ended}.` : `its process ended with exit status ${code}.`;
}

/** The first line, with an end. */
function sentence(text: string): string {
  return text.split('\n')[0].replace(/([^.!?…])$/, '$1.');
}
