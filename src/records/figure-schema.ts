/** Schemas of numbers, counts, and figures with their errors: what records of every evaluation are made of. */
import { z } from 'zod';

export const known = z.number().nullable();
export const count = z.int().nonnegative();
export const interval = z.tuple([z.number(), z.number()]);

/** What an error over text rests on; absent from files of protocol version 1, which took sequences as independent. */
export const sampling = {
  unit: z.enum(['document', 'block']).optional().describe('What the error is over.'),
  units: count.optional().describe('How many there are; with fewer than 3 there is no interval.'),
  effectiveUnits: z
    .number()
    .optional()
    .describe("Equal units that would tell as much: one less are the degrees of freedom of Student's t."),
  blockLength: count.nullish().describe('Sequences a block; null for documents.'),
  designEffect: known
    .optional()
    .describe('Variance over what it would be were sequences independent; null without an interval.'),
};

export const figure = z.looseObject({
  value: known,
  stderr: known.describe(
    'Standard error over units of text: how the figure would vary on other text of the kind.',
  ),
  ci95: interval.nullable().describe("95% interval over units, Student's t."),
  mcStderr: known.describe('Standard error over draws, on this text; 0 where the loss is exact.'),
  ...sampling,
});
