/** Flags of the commands that sample several models and judge them: models, samplers, steps, judge, and how they run. */
import { boundaryFlags } from './checkpoint-flags.js';
import { boolean, choice, integer, number, repeatable, string } from './flags.js';
import { samplingFlags } from './sampling-flags.js';
import { tableFlags } from './table-flags.js';

export const measuringFlags = {
  model: repeatable({
    required: true,
    summary: 'Checkpoint: an ONNX file, or name=file.',
    helpValue: '<model>',
  }),
  sampler: repeatable({
    summary: 'Sampler: a name, or a module. [default: the first that fits]',
    helpValue: '<name>',
  }),
  steps: string({
    default: '32',
    summary: 'Numbers of steps, by commas; ar takes one a token.',
    helpValue: '<n,…>',
  }),
  judge: string({ summary: 'Autoregressive checkpoint: an ONNX file, or name=file.', helpValue: '<model>' }),
  'judge-tokenizer': string({ summary: "The judge's tokenizer. [default: its card's]", helpValue: '<path>' }),
  context: integer({ min: 2, summary: "Tokens the judge reads at a time. [default: its card's]" }),
  tokenizer: string({ summary: "The models' tokenizer. [default: their cards']", helpValue: '<path>' }),
  ...boundaryFlags,
  ...tableFlags,
  protocol: choice(['duo', 'strict'])({
    default: 'duo',
    summary: 'How texts are decoded: duo cleans up spaces.',
  }),
  seed: integer({ min: 0, default: 1, summary: 'Of sampling and of the bootstrap.' }),
  batch: integer({ min: 1, max: 4096, default: 8, summary: 'Samples a model call.' }),
  provider: choice(['cpu', 'webgpu', 'cuda', 'auto'])({ default: 'cpu', summary: 'Where models run.' }),
  threads: integer({ min: 1, max: 1024, summary: 'Threads of the cpu provider.' }),
  timeout: number({ above: 0, summary: "Most seconds of a model call, or of a module's step." }),
  format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'What to print.' }),
  out: repeatable({
    summary: 'Write results here too, by ending; .html is a page with plots.',
    helpValue: '<file>',
    aliases: ['html'],
  }),
  fresh: boolean({ summary: 'Ignore what a stopped run of the same command finished.' }),
  ...samplingFlags,
};
