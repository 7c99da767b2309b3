/** The schemas that records are built from: numbers, counts, and figures with their errors. */
import { z } from 'zod';
import { plausibleFigure, type Range } from './plausible.js';

/**
 * A part of a record. Its type has the keys that are declared; keys of later versions are accepted and kept, and the JSON
 * schema allows them.
 */
export const part = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.looseObject(shape) as unknown as z.ZodObject<Shape, z.core.$strip>;

export const known = z.number().nullable();
export const count = z.int().nonnegative();
export const interval = z.tuple([z.number(), z.number()]);
/** One number per sequence or sample. */
export const column = z.array(z.number());

const textSampling = part({
  unit: z
    .enum(['document', 'block'])
    .optional()
    .describe(
      'What the error is over: documents, or blocks of consecutive sequences where documents are unknown, short or few. Absent: sequences, as if independent (protocol version 1).',
    ),
  units: count.optional().describe('How many there are; with fewer than 3 there is no interval.'),
  effectiveUnits: z
    .number()
    .optional()
    .describe(
      "Equal units that would carry as much information; one less are the degrees of freedom of Student's t.",
    ),
  blockLength: count.nullish().describe('Sequences per block; null for documents.'),
  designEffect: known
    .optional()
    .describe(
      'Variance over what it would be if sequences were independent; null where there is no interval.',
    ),
});
/** The units that an error over text is computed from; absent from files of protocol version 1, which took sequences as independent. */
export const sampling = textSampling.shape;
export type TextSampling = z.infer<typeof textSampling>;

/** An estimate and its two errors. */
const figure = part({
  value: known,
  stderr: known.describe(
    'Standard error over units of text: how the figure would vary on other text of the same kind.',
  ),
  ci95: interval.nullable().describe("95% interval over units, Student's t."),
  mcStderr: known.describe('Standard error over draws, on this text; 0 where the loss is exact.'),
  ...sampling,
});
export type Figure = z.infer<typeof figure>;

/** A figure over samples; of real text, over units of text. */
const sampledFigure = part({
  value: known,
  stderr: known.describe('Over samples; null where the figure is of the whole set.'),
  ci95: interval.nullable().describe('95% interval over samples; of real text over units.'),
  ...sampling,
});
export type SampledFigure = z.infer<typeof sampledFigure>;

/** A median over rounds. */
export const medianFigure = part({
  value: z.number(),
  ci95: interval.nullable().describe('95% interval, from order statistics; null with fewer than 6 rounds.'),
});
export type MedianFigure = z.infer<typeof medianFigure>;

/** A figure of any evaluation: what is absent is unknown. */
export const anyFigure = part({
  value: known,
  stderr: known.optional(),
  ci95: interval.nullish(),
  mcStderr: known.optional(),
  ...sampling,
});
export type AnyFigure = z.infer<typeof anyFigure>;

export const figureIn = (range: Range) => figure.superRefine(plausibleFigure(range));
export const sampledFigureIn = (range: Range, options?: { held?: boolean }) =>
  sampledFigure.superRefine(plausibleFigure(range, options));
export const medianFigureIn = (range: Range) => medianFigure.superRefine(plausibleFigure(range));
