/**
 * What an evaluation is declared with (`duo-eval/evaluation`): columns, and the zod schemas that records share. Kept apart from
 * the library's front door, since who declares none need not load zod. docs/library.md has an example.
 */
import { count, figure, flag, number, text } from '../printing/columns.js';
import { anyFigure, figureIn, medianFigureIn, sampledFigureIn } from '../records/figures.js';
import { costRecord, datasetRecord, environmentRecord, modelRecord } from '../records/record.js';

/** Columns: what a CSV and a table say of a result. */
export const columns = { text, number, count, flag, figure };

/** Parts of a record. Figures take the range in which their values lie; one outside it is refused by readers. */
export const records = {
  model: modelRecord,
  dataset: datasetRecord,
  cost: costRecord,
  environment: environmentRecord,
  /** With errors over text and over draws. */
  figure: figureIn,
  /** With an error over samples. */
  sampledFigure: sampledFigureIn,
  /** A median over rounds, with its interval. */
  medianFigure: medianFigureIn,
  /** Whose errors may be absent. */
  anyFigure,
};

export { z } from 'zod';
export type { Column, TableOrder } from '../printing/columns.js';
export type {
  Evaluation,
  FigureDeclaration,
  NoteContext,
  Pairing,
  ReportDeclaration,
  TitledPlot,
} from '../records/evaluation.js';
export { part } from '../records/figures.js';
export { RANGES, type Range } from '../records/plausible.js';
