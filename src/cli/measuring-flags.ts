/** Flags of the commands that sample several models and judge them: models, samplers, steps, judge, and how they run. */
import { boundaryFlags, kindFlags } from './checkpoint-flags.js';
import { atCommas, betweenSamplers, boolean, choice, integer, number, repeatable, string } from './flags.js';
import { providerFlags } from './provider-flags.js';
import { samplingFlags } from './sampling-flags.js';
import { tableFlags } from './table-flags.js';

export const measuringFlags = {
  model: repeatable({
    separate: atCommas,
    char: 'm',
    required: true,
    summary: 'Checkpoint: an ONNX file, or name=file.',
    helpValue: '<model>',
  }),
  sampler: repeatable({
    separate: betweenSamplers,
    summary:
      'Sampler: a name or the path of a module, with options after a colon: psi:preset=remdm-cap,eta=0.04. Repeatable. [default: the first of the family]',
    helpValue: '<sampler>',
  }),
  steps: repeatable({
    default: ['32'],
    summary: 'Numbers of steps, separated by commas or repeated; ar takes one per token.',
    helpValue: '<n,…>',
  }),
  judge: string({ summary: 'Autoregressive checkpoint: an ONNX file, or name=file.', helpValue: '<model>' }),
  'judge-tokenizer': string({
    summary: "Tokenizer of the judge. [default: its card's]",
    helpValue: '<path>',
  }),
  context: integer({ min: 2, summary: "Context of the judge, in tokens. [default: its card's]" }),
  tokenizer: string({ summary: "Tokenizer of the models. [default: their cards']", helpValue: '<path>' }),
  ...boundaryFlags,
  ...tableFlags,
  protocol: choice(['duo', 'strict'])({
    default: 'duo',
    summary: 'How tokens become text: duo cleans up spaces.',
  }),
  seed: integer({ min: 0, default: 1, summary: 'Seed of sampling and of the bootstrap.' }),
  batch: integer({ min: 1, max: 4096, default: 8, summary: 'Samples per model call.' }),
  ...providerFlags('Where models run'),
  threads: integer({ min: 1, max: 1024, summary: 'CPU threads.' }),
  timeout: number({ above: 0, summary: 'Longest time for a model call or a step of a module, in seconds.' }),
  format: choice(['table', 'csv', 'json', 'markdown'])({ summary: 'Format on stdout. [default: table]' }),
  out: repeatable({
    char: 'o',
    summary: 'Write results to this file too; its ending decides the format. Repeatable.',
    helpValue: '<file>',
    aliases: ['html'],
  }),
  plot: boolean({ summary: 'Draw the plots of the page below the table, in characters.' }),
  fresh: boolean({ summary: 'Start again, even where a stopped run left finished work.' }),
  ...samplingFlags,
  ...kindFlags,
};
