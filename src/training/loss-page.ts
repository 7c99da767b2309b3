/** loss.html of a training run: its losses, its settings, and the command that repeats it. */

import { writeFileAtomically } from '../storage/atomic-file.js';
import { heldOutRows } from './loss-tables.js';
import type { TrainingSettings } from './settings.js';
import { type TrainingPage, trainingPage } from './training-page.js';
import type { DrawnLosses, RunTexts } from './training-run.js';

export interface RunDescription extends RunTexts {
  settings: TrainingSettings;
  parameters: number;
}

/** @throws FileError */
export async function writeLossPage(
  path: string,
  description: RunDescription,
  { curve, heldOutPath, divergedAt }: DrawnLosses,
): Promise<void> {
  const { settings, heldOut, command } = description;
  const { family } = settings.problem;
  const step = curve.length / 2;
  const diverged = divergedAt === undefined ? '' : ` The loss diverged at step ${count(divergedAt)}.`;
  const places = [
    ...(settings.curriculum ? [{ step: settings.curriculum.steps, label: 'curriculum ends' }] : []),
    ...(divergedAt === undefined ? [] : [{ step: step, label: 'diverged' }]),
  ];
  const page: TrainingPage = {
    title: `Training of ${family === 'duo' ? 'a' : 'an'} ${family} model`,
    lead: `Step ${count(step)} of ${count(settings.steps)}.${diverged}`,
    curve,
    lossTitle: 'loss, nats per token',
    heldOut: heldOut ? heldOutRows(heldOutPath) : [],
    places,
    greatestNorm: settings.greatestNorm,
    caption: captionOf(settings),
    tables: tablesOf(description),
    command,
  };
  await writeFileAtomically(path, trainingPage(page));
}

function captionOf({ problem: { family }, curriculum }: TrainingSettings): string {
  const what =
    family === 'ar'
      ? 'The loss is the negative log-likelihood.'
      : 'The loss is an estimate of the bound at random times.';
  if (!curriculum) return what;
  return `${what} During the curriculum the network reads mixtures of tokens over a narrower range of noise, so its loss is not comparable; the held-out loss is the bound throughout.`;
}

function tablesOf({ settings, parameters, text, heldOut }: RunDescription): TrainingPage['tables'] {
  const { problem, learningRate, adamW, curriculum } = settings;
  const { hiddenSize, conditionSize, blocks, heads, vocabSize } = problem.dimensions;
  const network = `${blocks} ${blocks === 1 ? 'block' : 'blocks'}, ${hiddenSize} wide, ${heads} heads`;
  const condition =
    problem.family === 'ar' || problem.decoder ? '' : `, time condition ${conditionSize} wide`;
  const rate = `up to ${learningRate.highest} in ${count(learningRate.warmup)} steps, then down to ${number(learningRate.highest * learningRate.final)}`;
  return [
    {
      title: 'Settings',
      rows: [
        ['family', problem.family],
        ['network', `${network}${condition}`],
        ...(problem.dimensions.blockSize === undefined
          ? []
          : [['blocks of tokens', `${problem.dimensions.blockSize} tokens each`] as const]),
        ['parameters', count(parameters)],
        ['steps', `${count(settings.steps)} of ${count(problem.batch)} sequences`],
        ['learning rate', rate],
        [
          'AdamW',
          `β ${adamW.beta1} and ${adamW.beta2}, ε ${adamW.epsilon}, weight decay ${adamW.weightDecay}`,
        ],
        ['moving average', `decay ${settings.averageDecay}; used by the checkpoint and the held-out loss`],
        [
          'curriculum',
          curriculum
            ? `${count(curriculum.steps)} steps, temperature ${number(10 ** curriculum.firstLogTemperature)}, ${count(curriculum.kept)} entries kept`
            : 'none',
        ],
        ['seed', String(settings.seed)],
      ],
    },
    {
      title: 'Data',
      rows: [
        ['text', `${text.name}: ${count(text.sequences)} sequences of ${count(text.length)} tokens`],
        ['SHA-256 of the tokens', settings.text],
        ['tokenizer', `${text.tokenizer}; vocabulary of ${count(vocabSize)}`],
        ...(heldOut
          ? [['held-out text', `${heldOut.name}: ${count(heldOut.sequences)} sequences`] as const]
          : []),
      ],
    },
  ];
}

const count = (value: number): string => value.toLocaleString('en-US');
const number = (value: number): string => String(Number(value.toPrecision(6)));
