/**
 * duo-eval as a library: what the commands do, as functions. What is heavy is loaded when a function needs it.
 *
 *     import { evaluatePerplexity, formatResults } from 'duo-eval';
 *     const results = await evaluatePerplexity({ models: ['duo.onnx'], datasets: ['sotu'] });
 *     console.log(await formatResults(results, 'table'));
 *
 * Errors are the classes of errors.ts, each with a stable `code`, a sentence and a hint. docs/library.md is the guide.
 */
export type { NamedDifference } from './comparison/compared-rows.js';
export type { Check, GateRecord } from './comparison/gate/checks.js';
export type { DatasetRequest } from './datasets/resolve-dataset.js';
export type { Selection } from './datasets/selected-sequences.js';
export {
  DataError,
  DomainError,
  DuoEvalError,
  type ErrorDetails,
  FileError,
  GateError,
  InterruptedError,
  ModelError,
  NumericalError,
  UndecidedError,
  UsageError,
} from './errors.js';
export type { LikelihoodPrompt } from './evals/likelihood/items.js';
export type { LikelihoodRecord } from './evals/likelihood/record.js';
export type { PerplexityPlan } from './evals/perplexity/dry-run.js';
export type { ExactLikelihoodSettings } from './evals/perplexity/exact-likelihood.js';
export type { PerplexityResult } from './evals/perplexity/record.js';
export type { SequenceRecord } from './evals/perplexity/run.js';
export type { Result } from './evals/registry.js';
export type { PlannedCell } from './evals/suite/cell.js';
export type { SuiteCell } from './evals/suite/kinds.js';
export type { SuiteFile } from './evals/suite/part-record.js';
export type { SuitePlan } from './evals/suite/run-suite.js';
export type { Suite } from './evals/suite/suite-file.js';
export type { ItemLine } from './evals/tasks/item-lines.js';
export type { TasksResult } from './evals/tasks/record.js';
export { type CheckpointSettings, openCheckpoint, type RuntimeSettings } from './library/checkpoints.js';
export { conditionalLikelihood, type LikelihoodTask } from './library/likelihood.js';
export { evaluatePerplexity, type PerplexityTask, planPerplexity } from './library/perplexity.js';
export {
  checkGates,
  compareResults,
  formatResults,
  readResults,
  readRows,
  registerEvaluation,
  resultsFile,
  writeResults,
} from './library/results.js';
export { listSamplers, registerSampler, type Samples, type SampleTask, sample } from './library/samples.js';
export {
  planSuite,
  readSuite,
  runSuite,
  runSuiteCell,
  type SuiteSettings,
  type SuiteTask,
} from './library/suites.js';
export { evaluateTasks, planTasks, type TasksPlan, type TasksTask } from './library/tasks.js';
export type { Checkpoint } from './models/checkpoint.js';
export type { Family } from './models/family.js';
export type { DeviceChoice, ProviderChoice } from './models/provider.js';
export type { Observer } from './observer.js';
export type { Format, Screen } from './printing/formats.js';
export type { Evaluation, ResultRow, RowFigure } from './records/evaluation.js';
export type { AnyResult, Comparison, ResultsFile } from './records/record.js';
export type { SampleRecord, SamplesHeader } from './records/samples-file.js';
export type {
  DenoiseCall,
  Denoised,
  OptionSpec,
  OptionValue,
  Sampler,
  SamplingRun,
} from './samplers/sampler.js';
