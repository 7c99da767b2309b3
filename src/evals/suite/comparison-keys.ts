/** Keys of a suite that compare texts with real text, of `gen`, `bench` and `frontier`. They are part of a cell's key only where they are used. */
import { z } from 'zod';
import { eachDataset } from '../../datasets/resolve-dataset.js';
import { UsageError } from '../../errors.js';
import type { Observer } from '../../observer.js';
import type { SampleRequest } from '../../sampling/sample-request.js';
import type { CacheKey } from '../../storage/cache-entry.js';
import type { ComparisonRequest } from '../generation/comparison.js';
import type { GenerativeResult } from '../generation/record.js';
import { referenceTexts } from '../generation/reference.js';
import type { SuiteSettings } from './cell.js';
import {
  datasetSchema,
  datasetsOf,
  judgeOf,
  judgeSchema,
  type SuiteDataset,
  type SuiteJudge,
} from './named-files.js';

/** Measures against the first of the real texts. */
export const measureKeys = {
  mauve: judgeSchema.optional(),
  brier: z.int().min(1).optional(),
  controls: z.boolean().optional(),
};
export const comparisonKeys = { references: z.array(datasetSchema).optional(), ...measureKeys };
const keys = z.strictObject(comparisonKeys);
export type ComparisonSaid = z.infer<typeof keys>;

export interface SuiteMeasures {
  mauve: SuiteJudge | null;
  brier: number | null;
  controls: boolean;
}
export interface SuiteComparison extends SuiteMeasures {
  references: SuiteDataset[];
}

export const measuresOf = (
  { mauve, brier, controls = false }: Omit<ComparisonSaid, 'references'>,
  folder: string,
): SuiteMeasures => ({
  mauve: mauve === undefined ? null : judgeOf(mauve, folder),
  brier: brier ?? null,
  controls,
});

/** @throws UsageError where measures need real text, and none is named */
export function comparisonOf(
  { references = [], ...measures }: ComparisonSaid,
  folder: string,
): SuiteComparison {
  const found = {
    ...measuresOf(measures, folder),
    references: references.flatMap((one) => datasetsOf(one, folder)),
  };
  const { mauve, brier, controls } = found;
  if (found.references.length === 0 && (mauve || brier || controls))
    throw new UsageError({
      code: 'needs-reference',
      message: 'mauve, brier and controls of a suite need real text to compare with.',
      hint: 'Give references, for example [sotu].',
    });
  return found;
}

/** What the evaluations themselves are asked for. */
export function requestOfMeasures(
  { mauve, brier, controls }: SuiteMeasures,
  { provider, threads, timeoutMs, fresh }: Omit<SuiteSettings, 'open' | 'fetchSplit'>,
): Required<ComparisonRequest> {
  return {
    mauve: mauve && { ...mauve, provider, threads, timeoutMs, fresh },
    ...{ brierItems: brier, controls },
  };
}

export const comparedWith = ({ references, ...measures }: SuiteComparison, suite: SuiteSettings) => ({
  references,
  ...requestOfMeasures(measures, suite),
});

/** Everything that decides measures; empty where none is asked for. */
export async function measuresKey(
  { mauve, brier, controls }: SuiteMeasures,
  { open }: SuiteSettings,
): Promise<Record<string, CacheKey>> {
  const features = mauve && (await open({ name: mauve.name ?? mauve.path, path: mauve.path, overrides: {} }));
  return {
    ...(features && { mauve: [await features.sha256(), mauve?.context ?? null] }),
    ...(brier !== null && { brier }),
    ...(controls && { controls }),
  };
}

/** The same for texts that are compared with the first of the references. */
export async function comparisonKey(
  { references, ...measures }: SuiteComparison,
  request: SampleRequest,
  suite: SuiteSettings,
  observer: Observer,
): Promise<Record<string, CacheKey>> {
  if (references.length === 0) return {};
  const [against] = await referenceDigests(references.slice(0, 1), request, observer);
  return { against, ...(await measuresKey({ ...measures, controls: false }, suite)) };
}

/** Of real text as samples of this length are compared with it. */
export async function referenceDigests(
  references: readonly SuiteDataset[],
  { tokenizer, protocol, length, samples: count }: SampleRequest,
  observer: Observer,
): Promise<(string | null)[]> {
  const digests: (string | null)[] = [];
  for (const reference of eachDataset(references)) {
    const { set, close } = await referenceTexts({
      ...reference,
      tokenizer,
      protocol,
      length,
      count,
      observer,
    });
    digests.push(set.dataset?.sha256 ?? null);
    close();
  }
  return digests;
}

/** A kept result with the name that this suite has for its real text, which stands last, behind naive samplers; others as they are. */
export function withNameOfRealText<R extends Pick<GenerativeResult, 'samples' | 'dataset'>>(
  result: R,
  { i, of }: { i: number; of: number },
  references: readonly { name: string }[],
): R {
  const real = references[i - (of - references.length)];
  if (!real) return result;
  const { name } = real;
  return {
    ...result,
    samples: { ...result.samples, name },
    dataset: result.dataset && { ...result.dataset, name },
  };
}
