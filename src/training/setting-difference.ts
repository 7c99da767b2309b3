/** The first setting in which two runs differ, and the error that names its flag. */
import type { ErrorDetails } from '../errors.js';

/** Values are those of the saved run and of this one. */
interface Difference {
  setting: string;
  values: [unknown, unknown];
}

const FLAGS: Record<string, string> = {
  'problem.family': '--family',
  'problem.dimensions.hiddenSize': '--hidden-size',
  'problem.dimensions.conditionSize': '--condition-size',
  'problem.dimensions.blocks': '--blocks',
  'problem.dimensions.heads': '--heads',
  'problem.dimensions.length': '--length',
  'problem.dimensions.blockSize': '--block-size',
  'schedule.steps': '--diffusion-steps',
  'schedule.uniformShare': '--uniform-share',
  'problem.length': '--length',
  'problem.decoder.shift': '--shift',
  'problem.batch': '--batch',
  seed: '--seed',
  steps: '--steps',
  'learningRate.highest': '--lr',
  'learningRate.warmup': '--warmup',
  'adamW.weightDecay': '--weight-decay',
  averageDecay: '--ema',
  'curriculum.steps': '--curriculum-steps',
  'curriculum.firstLogTemperature': '--curriculum-temperature',
  'curriculum.kept': '--curriculum-top',
  rounds: '--rounds',
  stepsPerRound: '--steps-per-round',
  nextTeacher: '--next-teacher',
  divergence: '--kl',
};

/** @param path of the run's state */
export function otherSettings(path: string, { setting, values }: Difference): ErrorDetails {
  const code = 'other-settings';
  const hint = 'Give the settings that it started with, or another --out.';
  const because = 'it cannot be resumed with other settings';
  if (setting === 'text')
    return {
      code,
      message: `The run in ${path} reads another text, or the same text with another tokenizer or --length: ${because}.`,
      hint,
    };
  if (setting === 'model')
    return { code, message: `The run in ${path} has another --model: ${because}.`, hint };
  if (setting.startsWith('curriculum') && values.some((value) => value === undefined))
    return {
      code,
      message: `The run in ${path} has ${values[0] === null ? 'no' : 'a'} curriculum, by --curriculum-steps: ${because}.`,
      hint,
    };
  if (setting === 'init')
    return { code, message: `The run in ${path} started from another --init: ${because}.`, hint };
  const [before, now] = values.map((value) => formatSetting(setting, value));
  if (setting === 'problem.dimensions.vocabSize')
    return {
      code,
      message: `The run in ${path} has a vocabulary of ${before}, not ${now}, from another --tokenizer: ${because}.`,
      hint,
    };
  const longer =
    setting === 'steps'
      ? 'The learning rate depends on the number of steps from the start, so another number needs another --out.'
      : hint;
  return {
    code,
    message: `The run in ${path} has ${FLAGS[setting] ?? setting} ${before}, not ${now}: ${because}.`,
    hint: longer,
  };
}

function formatSetting(setting: string, value: unknown): string {
  if (setting.endsWith('LogTemperature') && typeof value === 'number')
    return String(Number((10 ** value).toPrecision(6)));
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? 'nothing';
}

/** The first setting in which two runs differ, such as `problem.batch`, with both values; null if there is none. */
export function differingSetting(a: object, b: object): Difference | null {
  const [left, right] = [flatten(a), flatten(b)];
  for (const setting of new Set([...left.keys(), ...right.keys()])) {
    const values: [unknown, unknown] = [left.get(setting), right.get(setting)];
    if (values[0] !== values[1]) return { setting, values };
  }
  return null;
}

function flatten(value: object, prefix = ''): Map<string, unknown> {
  return new Map(
    Object.entries(value).flatMap(([key, inner]): [string, unknown][] =>
      inner !== null && typeof inner === 'object'
        ? [...flatten(inner, `${prefix}${key}.`)]
        : [[`${prefix}${key}`, inner]],
    ),
  );
}
