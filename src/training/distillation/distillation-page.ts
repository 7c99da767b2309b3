/** loss.html of a distillation: its losses by round, its settings, and the command that repeats it. */

import { writeFileAtomically } from '../../storage/atomic-file.js';
import { heldOutRows } from '../loss-tables.js';
import { type TrainingPage, trainingPage } from '../training-page.js';
import type { DrawnLosses, RunTexts } from '../training-run.js';
import { type DistillationSettings, distillationSteps, gapName } from './settings.js';

export interface DistillationDescription extends RunTexts {
  settings: DistillationSettings;
  /** Name of the distilled checkpoint. */
  source: string;
  parameters: number;
}

/** @throws FileError */
export async function writeDistillationPage(
  path: string,
  description: DistillationDescription,
  { curve, heldOutPath, divergedAt }: DrawnLosses,
): Promise<void> {
  const { settings, source, heldOut, command } = description;
  const { rounds, stepsPerRound } = settings;
  const step = curve.length / 2;
  const diverged = divergedAt === undefined ? '' : ` The loss diverged at step ${count(divergedAt)}.`;
  const page: TrainingPage = {
    title: `Distillation of ${source}`,
    lead: `Step ${count(step)} of ${count(distillationSteps(settings))}.${diverged}`,
    curve,
    lossTitle: 'divergence, nats per token',
    heldOut: heldOut ? heldOutRows(heldOutPath) : [],
    places: [
      ...Array.from({ length: rounds - 1 }, (_, i) => ({
        step: (i + 1) * stepsPerRound,
        label: `gap ${gapName(i + 1)}`,
      })),
      ...(divergedAt === undefined ? [] : [{ step, label: 'diverged' }]),
    ],
    greatestNorm: settings.greatestNorm,
    caption:
      'The loss is the divergence between student and teacher across the gap of the round. In each round the gap doubles and the teacher changes, so the loss rises: only losses of the same round are comparable.',
    tables: tablesOf(description),
    command,
  };
  await writeFileAtomically(path, trainingPage(page));
}

function tablesOf(description: DistillationDescription): TrainingPage['tables'] {
  const { settings, source, parameters, text, heldOut } = description;
  const { problem, learningRate, adamW, rounds, stepsPerRound } = settings;
  return [
    {
      title: 'Settings',
      rows: [
        ['model', `${source}, ${count(parameters)} parameters`],
        ['SHA-256 of the model', settings.model],
        [
          'rounds',
          `${rounds} of ${count(stepsPerRound)} steps of ${count(problem.batch)} sequences, gaps from ${gapName(0)} to ${gapName(rounds - 1)}`,
        ],
        ['divergence', `KL ${settings.divergence}`],
        ['next teacher', `the student's ${settings.nextTeacher}`],
        [
          'learning rate',
          `up to ${learningRate.highest} in ${count(learningRate.warmup)} steps, then constant`,
        ],
        [
          'AdamW',
          `β ${adamW.beta1} and ${adamW.beta2}, ε ${adamW.epsilon}, weight decay ${adamW.weightDecay}`,
        ],
        ['moving average', `decay ${settings.averageDecay}; used by the checkpoint and the held-out loss`],
        ['seed', String(settings.seed)],
      ],
    },
    {
      title: 'Data',
      rows: [
        ['text', `${text.name}: ${count(text.sequences)} sequences of ${count(text.length)} tokens`],
        ['SHA-256 of the tokens', settings.text],
        ['tokenizer', `${text.tokenizer}; vocabulary of ${count(problem.dimensions.vocabSize)}`],
        ...(heldOut
          ? [['held-out text', `${heldOut.name}: ${count(heldOut.sequences)} sequences`] as const]
          : []),
      ],
    },
  ];
}

const count = (value: number): string => value.toLocaleString('en-US');
