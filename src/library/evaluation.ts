/**
 * What an evaluation is declared with (`duo-eval/evaluation`): columns, and the zod schemas that records share. Kept apart from
 * the library's front door, since who declares none need not load zod.
 *
 *     const record = part({ eval: z.literal('toy'), model: modelRecord, metrics: part({ hits: sampledFigureIn(RANGES.share) }) });
 *     const columns = [text('model', (one) => one.model.name, { title: 'model', isName: true }), …];
 *     await registerEvaluation({ name: 'toy', unit: 'sample', title: 'Toy', record, columns, figures: { hits: {} } });
 */
export { z } from 'zod';
export { type Column, count, figure, flag, number, type TableOrder, text } from '../printing/columns.js';
export type {
  Evaluation,
  FigureDeclaration,
  NoteContext,
  Pairing,
  ReportDeclaration,
  TitledPlot,
} from '../records/evaluation.js';
export { anyFigure, figureIn, medianFigureIn, part, sampledFigureIn } from '../records/figures.js';
export { RANGES, type Range } from '../records/plausible.js';
export { costRecord, datasetRecord, environmentRecord, modelRecord } from '../records/record.js';
