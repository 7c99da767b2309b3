/**
 * What `bench --against` times beside each configuration: another build of its checkpoint, in this process, or another
 * installation of duo-eval (installations.ts). Both do the same work: sampler, steps, length and batch are those of
 * the configuration.
 */
import { existsSync, statSync } from 'node:fs';
import { ModelError, UsageError } from '../../errors.js';
import { type Checkpoint, openCheckpoint } from '../../models/checkpoint.js';
import { prepareSampling } from '../../sampling/prepare-sampling.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import { interleavedRatio, type TimedPair } from '../../statistics/interleaved-ratio.js';
import { VERSIONS } from '../../versions.js';
import type { Configuration } from './configurations.js';
import { type Installation, openInstallation } from './installations.js';
import type { AgainstRecord } from './record.js';
import type { MeasuringRequest } from './setup.js';
import { medianFigure } from './timing.js';

/** As `--against` takes it: an ONNX file or a folder, named or not. */
export interface AgainstSpec {
  path: string;
  name?: string;
}

export type Against =
  | {
      kind: 'checkpoint';
      path: string;
      checkpoint: Checkpoint;
      /** What the other checkpoint is asked for, by the name of the configuration. */
      requests: ReadonlyMap<string, SampleRequest>;
    }
  | { kind: 'installation'; path: string; installation: Installation };

type Sampling = MeasuringRequest['sampling'];

/** @throws UsageError, ModelError, DataError when it cannot do the same work */
export async function openAgainst(
  { path, name }: AgainstSpec,
  configurations: readonly Configuration[],
  { sampling, overrides }: Pick<MeasuringRequest, 'sampling' | 'overrides'>,
  note: (text: string) => void,
): Promise<Against> {
  if (!path.startsWith('hf:') && !existsSync(path)) {
    throw new ModelError({
      code: 'against-not-found',
      message: `--against ${path || '""'}: there is no such file or folder.`,
      hint: 'Give an ONNX file, or the folder of another installation of duo-eval.',
    });
  }
  if (!path.startsWith('hf:') && statSync(path).isDirectory())
    return { kind: 'installation', path, installation: openInstallation(path, name) };
  const [{ request }] = configurations;
  if (configurations.some((one) => one.request.checkpoint !== request.checkpoint)) {
    throw new UsageError({
      code: 'against-several-models',
      message: `--against ${path} is one checkpoint, and there are several models to compare it with.`,
      hint: 'Give one --model, or the folder of another duo-eval, which runs them all.',
    });
  }
  const checkpoint = await openCheckpoint(path, { ...overrides, tokenizer: sampling.tokenizer }, name);
  for (const notice of checkpoint.notices) note(notice);
  checkSameKind(checkpoint, request.checkpoint);
  const requests = new Map<string, SampleRequest>();
  for (const configuration of configurations)
    requests.set(configuration.name, await sameWork(checkpoint, configuration, sampling));
  return { kind: 'checkpoint', path, checkpoint, requests };
}

/** @throws UsageError for what is no other build of the same model */
function checkSameKind(other: Checkpoint, own: Checkpoint): void {
  const differs = (what: string, a: string | number, b: string | number) => {
    throw new UsageError({
      code: 'against-another-model',
      message: `${own.name} and ${other.name} (--against) are not builds of one model: ${what} ${a} and ${b}.`,
      hint: 'Models of different kinds are rows of one table: give each with --model.',
    });
  };
  if (other.family !== own.family) differs('they are of the families', own.family, other.family);
  if (other.vocabSize !== own.vocabSize)
    differs('their vocabularies have', own.vocabSize, `${other.vocabSize} tokens`);
}

/** The configuration, of the other checkpoint. @throws UsageError */
async function sameWork(
  checkpoint: Checkpoint,
  { name, request, samplerOptions }: Configuration,
  sampling: Sampling,
): Promise<SampleRequest> {
  const { sampler, steps, length, batch, tokenizer } = request;
  const other = await prepareSampling({
    ...sampling,
    checkpoint,
    sampler: sampler.module?.path ?? sampler.sampler.name,
    samplerOptions,
    steps,
    length,
    batch,
  });
  if (other.tokenizer.sha256 !== tokenizer.sha256) {
    throw new UsageError({
      code: 'against-another-tokenizer',
      message: `${request.checkpoint.name} and ${checkpoint.name} (--against) have different tokenizers, so a token is not the same work.`,
      hint: 'Compare builds of one model; --tokenizer says the tokenizer of both.',
    });
  }
  if (other.batch !== batch) {
    throw new UsageError({
      code: 'against-another-batch',
      message: `${name} is timed with batches of ${batch}, and ${checkpoint.name} (--against) takes ${other.batch}.`,
      hint: `Give --batch ${other.batch}, or a graph whose batch is not fixed.`,
    });
  }
  return other;
}

/** What goes into the row. */
export async function againstRecord(against: Against, pairs: TimedPair[]): Promise<AgainstRecord> {
  const { kind, path } = against;
  const timed = {
    tokensPerSecond: medianFigure(pairs.map(({ other }) => other)),
    rounds: pairs.length,
    ratio: interleavedRatio(pairs),
    pairs,
  };
  if (kind === 'checkpoint') {
    const { name } = against.checkpoint;
    const sha256 = await against.checkpoint.sha256();
    return { kind, name, path, sha256, tool: VERSIONS.tool, onnxruntime: VERSIONS.onnxruntime, ...timed };
  }
  const { name, sha256, tool, onnxruntime } = against.installation;
  return { kind, name, path, sha256, tool, onnxruntime, ...timed };
}
