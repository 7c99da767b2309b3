/**
 * Checkpoints as a user names them: an ONNX file, `hf:owner/name` for a model of the hub, or `name=` before either. Heavy
 * modules are loaded on first use, so that a command can import this file at its start.
 */
import { existsSync } from 'node:fs';
import type { HubConnection } from '../datasets/hub/request.js';
import { UsageError } from '../errors.js';
import type { FetchSplit } from '../evals/tasks/documents.js';
import type { Checkpoint, CheckpointOverrides } from '../models/checkpoint.js';
import type { HubModelName } from '../models/importers/hub-cache.js';
import type { HubModelOptions } from '../models/importers/hub-model.js';
import type { DeviceChoice, Placement, ProviderChoice } from '../models/provider.js';
import type { Observer } from '../observer.js';

/** Overrides of the card, and the checkpoint's name in results. */
export interface CheckpointSettings extends CheckpointOverrides {
  name?: string;
}

/**
 * Opens a checkpoint: reads its graph and its card and checks them against each other. No model is started.
 * A model of the hub is fetched and converted first, unless it was before.
 * @param spec a path, `hf:owner/name[@revision]`, or `name=` and either
 * @throws ModelError that names what is wrong or missing, DataError where the hub fails, UsageError for a bad name
 */
export async function openCheckpoint(
  spec: string,
  { name, ...overrides }: CheckpointSettings = {},
  observer: Observer = {},
): Promise<Checkpoint> {
  const parsed = parseModelSpec(spec);
  if (parsed.path.startsWith('hf:')) await fetchHubModel(parsed.path, observer);
  const { openCheckpoint: open } = await import('../models/checkpoint.js');
  const checkpoint = await open(parsed.path, overrides, name ?? parsed.name);
  for (const notice of checkpoint.notices) observer.note?.(notice);
  return checkpoint;
}

/**
 * `name=path` or a path, as `--model` takes it. Where only a file of the whole name exists, a name that holds `=` is a
 * path; `./a=b.onnx` always is.
 */
export function parseModelSpec(spec: string): { name: string | undefined; path: string } {
  const named = /^([A-Za-z0-9][\w.+-]*)=(.+)$/s.exec(spec);
  if (!named || (!existsSync(named[2]) && existsSync(spec))) return { name: undefined, path: spec };
  return { name: named[1], path: named[2] };
}

/** Rows need unique names. @throws UsageError */
export function checkDistinctNames(names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new UsageError({
    code: 'duplicate-model-name',
    message: `Two models are called "${twice}".`,
    hint: `Name them: --model first=path --model second=path`,
  });
}

/** Where models run, as every task takes it. */
export interface RuntimeSettings {
  /** By default `cpu`; `auto` takes the fastest that works. */
  provider?: ProviderChoice;
  /** Which card of `cuda`: a number, or `auto` for that of the local rank; the first by default. */
  device?: DeviceChoice;
  /** Threads of the cpu provider; by default as many as the machine has processors. */
  threads?: number;
  /** Maximum seconds per model call, or per step of a user's module. */
  timeoutSeconds?: number;
}

/** The same options as the layers below take them. */
export async function runtimeOf({ provider, device, threads, timeoutSeconds }: RuntimeSettings): Promise<{
  provider: Placement;
  threads?: number;
  timeoutMs?: number;
}> {
  const { resolveProvider } = await import('../models/provider.js');
  const timeoutMs = timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000;
  return { provider: await resolveProvider({ provider, device }), threads, timeoutMs };
}

/** Time-out of the hub, ms without data. */
const TIMEOUT_MS = 30_000;

/** Fetches and converts a model of the hub, unless it is in the cache. @param spec `hf:owner/name`   @throws as openCheckpoint */
export async function fetchHubModel(spec: string, observer: Observer): Promise<void> {
  const { hubModel } = await import('../models/importers/hub-model.js');
  const { parseHubModel } = await import('../models/importers/hub-cache.js');
  const name = parseHubModel(spec)!; // every spec that begins with hf: is one, or is refused
  const { notices } = await hubModel(name, await hubTransfer(name, observer));
  for (const notice of notices) observer.note?.(notice);
}

/** The connection to the hub for one model, and what an observer is told of its transfer. */
export async function hubTransfer(
  { repo }: HubModelName,
  observer: Observer,
): Promise<Pick<HubModelOptions, 'connection' | 'onStart' | 'onProgress'>> {
  const { note, progress } = observer;
  const kilobytes = (bytes: number) => Math.max(1, Math.round(bytes / 1000));
  let total = 0;
  return {
    connection: await hubConnection(observer, TIMEOUT_MS),
    onStart: ({ revision, bytes, converts }) => {
      note?.(
        `Fetching ${(bytes / 1e6).toPrecision(2)} MB of ${repo} at ${revision.slice(0, 12)}${converts ? ', to convert it' : ''}.`,
      );
      total = kilobytes(bytes);
      progress?.(`${repo} (kB)`, 0, total);
    },
    onProgress: (done) => progress?.(`${repo} (kB)`, kilobytes(done), total),
  };
}

/** The hub as every command reaches it. @param timeoutMs longest silence */
export async function hubConnection({ note, signal }: Observer, timeoutMs: number): Promise<HubConnection> {
  const { hubEndpoint } = await import('../datasets/hub/endpoint.js');
  return {
    endpoint: hubEndpoint(),
    timeoutMs,
    pausesMs: [500, 1500],
    onWait: (seconds) => note?.(`The hub is busy and asks to wait ${seconds} seconds.`),
    signal,
  };
}

/** Gets splits of data sets of the hub, as tables. */
export const splitsOfHub =
  (observer: Observer): FetchSplit =>
  async (repo, config, split) => {
    const { fetchTable } = await import('../datasets/hub/fetch-table.js');
    return fetchTable({ repo, config, split }, await hubConnection(observer, TIMEOUT_MS), (bytes) =>
      observer.note?.(`Fetching ${(bytes / 1e6).toPrecision(2)} MB of ${repo}, split ${split}.`),
    );
  };
